from __future__ import annotations

import pytest

from fooocus_ext.core.schedule import progress


def test_progress_runs_from_noise_to_picture():
    assert progress(999) == 0
    assert progress(0) == 1
    assert progress(499.5) == pytest.approx(0.5)
