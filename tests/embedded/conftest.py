"""The embedded host's modules, importable by the names that the webui gives them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fooocus_ext import embedded

embedded.put_webui_on_path()


@pytest.fixture
def opts(monkeypatch):
    """Options of this test alone; what is not set reads as the host's default."""
    from modules import shared

    values = SimpleNamespace()
    monkeypatch.setattr(shared, "opts", values)
    return values
