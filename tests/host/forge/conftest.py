"""A webui of the Forge family that is a stand-in, with the adapter's own modules loaded on it."""

from __future__ import annotations

import importlib
import sys

import pytest

import fooocus_ext
from tests.host.forge import engine_stand_in, webui_stand_in

_REPLACED = ("fooocus_ext.host", "modules", "modules_forge", "backend", "ldm_patched")


@pytest.fixture(params=engine_stand_in.FAMILIES)
def family(request):
    """The name of a webui of the family; a test that takes this runs for each."""
    return request.param


@pytest.fixture
def webui(family, tmp_path):
    """Yield a stand-in of that webui; ``webui.adapter("guidance")`` is a module of ours on it.

    Our modules are loaded afresh, and forgotten after the test, as is what stands in for the webui's.
    """
    kept = {name: module for name, module in sys.modules.items() if _is_replaced(name)}
    host = vars(fooocus_ext).get("host")
    for name in kept:
        del sys.modules[name]
    stand_in = webui_stand_in.Webui(family, tmp_path)
    sys.modules.update(stand_in.modules)
    try:
        stand_in.adapter = lambda name: importlib.import_module(f"fooocus_ext.host.{name}")
        stand_in.start()
        yield stand_in
    finally:
        for name in [name for name in sys.modules if _is_replaced(name)]:
            del sys.modules[name]
        sys.modules.update(kept)
        if host is not None:
            fooocus_ext.host = host


def _is_replaced(name):
    return any(name == top or name.startswith(f"{top}.") for top in _REPLACED)
