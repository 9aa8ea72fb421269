"""Modules of fooocus_ext.host, loaded on stand-ins for the webui's own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

HOST = Path(__file__).resolve().parents[2] / "fooocus_ext" / "host"


@pytest.fixture
def load_host_module(monkeypatch):
    """Return a function that loads one file of fooocus_ext/host afresh, such as "refiner/weights".

    Its arguments stand in for ``modules.<name>``. They are there for this test alone, so that a webui
    which other tests run in this process neither sees them nor is seen.
    """

    def load(name: str, **stand_ins: object) -> ModuleType:
        package = ModuleType("modules")
        for module in [name for name in sys.modules if name.startswith("modules.")]:
            monkeypatch.delitem(sys.modules, module)  # ``from modules import`` finds them here too
        monkeypatch.setitem(sys.modules, "modules", package)
        for module, stand_in in stand_ins.items():
            setattr(package, module, stand_in)
            monkeypatch.setitem(sys.modules, f"modules.{module}", stand_in)
        spec = importlib.util.spec_from_file_location(
            f"host_under_test_{name.replace('/', '_')}", HOST / f"{name}.py"
        )
        loaded = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, loaded)  # dataclasses look their module up
        spec.loader.exec_module(loaded)
        return loaded

    return load
