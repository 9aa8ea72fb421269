"""How long a refiner that was resident stays in memory."""

from __future__ import annotations

import gc
import importlib
import weakref

import pytest


@pytest.fixture
def residence(host):
    """The place of the resident refiner, which is empty afterwards."""
    host.generate({"refiner": host.checkpoints.refiner})
    residence = importlib.import_module("fooocus_ext.host.refiner.resident").RESIDENCE
    yield residence
    residence.release()


@pytest.mark.parametrize("end", ["another", "release"])
def test_a_refiner_is_gone_from_memory_as_soon_as_it_is_no_more_resident(host, residence, end):
    """The webuis' models refer to themselves, so that no count of references frees them."""
    model = residence._model.second.model
    vars(model)["itself"] = [model]
    gone = weakref.ref(model)
    del model
    gc.collect()
    gc.disable()
    try:
        if end == "another":
            host.generate({"refiner": host.checkpoints.second or host.checkpoints.base})
        else:
            residence.release()
        assert gone() is None
    finally:
        gc.enable()
