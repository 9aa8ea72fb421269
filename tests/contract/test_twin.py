"""Fooocus's rendering makes Fooocus's pictures: all those in tests/twin, on whatever webui runs here."""

from __future__ import annotations

import importlib

import pytest
import torch

from fooocus_ext.core.noise_levels import consistency_table, level_table
from fooocus_ext.errors import RequestError
from tests.contract import twin
from tests.contract.hosts import FAMILY
from tests.contract.twin import CASES, Difference

SAME = Difference(1, 0.01)
"""Fooocus's own difference to itself with another way to compute attention: 1 / 0.0002."""

UNEQUAL = {
    "size-200x264": Difference(235, 9.5),  # A1111's UNet resizes what does not fit by nearest
}
"""What cannot be equal, and how far it may be off."""
BETWEEN_DISTILLED = Difference(8, 0.6)
if not FAMILY.asks_after_calls:
    UNEQUAL["lcm+lcm"] = (
        BETWEEN_DISTILLED  # Forge's engine takes timesteps between the distilled ones
    )
    UNEQUAL["upscale-382"] = Difference(4, 0.01)  # Forge's way to its autoencoder rounds otherwise


def takes_the_later_of_two_as_near() -> bool:
    """Whether a level in the middle of two distilled ones counts as the later, as where Fooocus ran.

    The last bit of a logarithm decides, which torch leaves to MKL: an Intel Xeon takes timestep 519 for
    509, an AMD EPYC 499, and Fooocus asks in the same way.
    """
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    table = consistency_table(level_table(torch.cumprod(1 - betas, dim=0)))
    level = table.level_of(torch.tensor([509.0]))
    return int((level.log() - table.logs).abs().argmin()) == 25  # of the 50 from 19 on, every 20


@pytest.fixture
def pocket(host):
    """The host, if it runs the model of which Fooocus made the pictures."""
    path = host.checkpoints.paths[host.checkpoints.base]
    if twin.title_of(path) != twin.MADE_OF:
        pytest.skip(f"Fooocus made the pictures of {twin.MADE_OF}, which is not here")
    if not hasattr(host.modules.scripts.Script, "process_before_every_sampling"):
        pytest.skip("the webui lacks a hook that a part of the rendering needs")
    return host


@pytest.mark.parametrize("name", CASES)
def test_the_picture_is_fooocus_picture(pocket, unchanged, name):
    if CASES[name]["sampler"].startswith("uni_pc") and pocket.is_embedded:
        pytest.skip("the embedded webui has no UniPC; tests/core/test_solvers.py has the solver")
    bound = UNEQUAL.get(name, SAME)
    if name == "lcm+lcm" and not takes_the_later_of_two_as_near():
        bound = BETWEEN_DISTILLED
    assets = importlib.import_module("fooocus_ext.host.machine.assets")
    if not assets.scheduler_labels():  # Classic's schedules are in the samplers' names
        try:
            chosen = twin.sampler_for(CASES[name], pocket)
        except RequestError as error:
            pytest.skip(error.detail)
        if chosen.notes and CASES[name]["sampler"] == "lcm":
            pytest.skip(chosen.notes[0])
    found = twin.difference(name, twin.picture_of(name, pocket))
    assert found.largest <= bound.largest, found
    assert found.mean <= bound.mean, found


def test_the_pictures_of_a_batch_are_each_its_seeds(pocket, unchanged):
    names = ("base-s1", "base-s2")  # of seeds 1 and 2, and otherwise alike
    case = CASES[names[0]]
    made = pocket.generate(
        twin.arguments(case, pocket), **twin.request(case, pocket), batch_size=len(names)
    )
    for name, picture in zip(names, made.pictures[-len(names) :], strict=True):
        found = twin.difference(name, picture)
        assert found.largest <= SAME.largest, (name, found)
