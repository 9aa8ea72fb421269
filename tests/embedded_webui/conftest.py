"""What the tests of the embedded host share."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.embedded_webui.command_line import data_folder
from tests.embedded_webui.lazy import Lazy


@pytest.fixture(scope="session", autouse=True)
def _one_command_line(tmp_path_factory):
    data_folder(lambda: tmp_path_factory.mktemp("webui-data"))


@pytest.fixture
def opts(monkeypatch):
    """Options of this test alone; what is not set reads as the host's default."""
    values = SimpleNamespace()
    monkeypatch.setattr(Lazy("shared"), "opts", values)
    return values
