"""What the tests of the embedded host share."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.embedded_webui.lazy import Lazy


@pytest.fixture
def opts(monkeypatch):
    """Options of this test alone; what is not set reads as the host's default."""
    values = SimpleNamespace()
    monkeypatch.setattr(Lazy("shared"), "opts", values)
    return values
