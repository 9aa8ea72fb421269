"""The panel's targets of pasted infotexts: Gradio 4 copies the lists that they are in."""

from __future__ import annotations

import copy
import pickle

import pytest

from fooocus_ext.ui import panel


def sharpness_of(entries):
    return entries.get("Fooocus sharpness")


def pickled(target):
    return pickle.loads(pickle.dumps(target))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled])
def test_a_copy_of_a_paste_target_is_one(duplicate):
    target = panel.PasteTarget("Fooocus sharpness")
    target.read = sharpness_of
    copied = duplicate(target)
    assert copied == "Fooocus sharpness"
    assert copied({"Fooocus sharpness": "9"}) == "9"
