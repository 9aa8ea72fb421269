from __future__ import annotations

import pytest

from fooocus_ext.downloads import transfer
from tests.downloads.publisher import publishing


@pytest.fixture
def publisher():
    with publishing() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    """Try again at once."""
    monkeypatch.setattr(transfer, "_PAUSES", (0.0, 0.0, 0.0))
