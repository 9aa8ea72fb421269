"""The picture sizes that SDXL is told in the conditioning of a model call."""

from __future__ import annotations

import pytest
import torch

from fooocus_ext.args import Settings
from fooocus_ext.generation import state
from fooocus_ext.host.claimed_sizes import tell_sizes

NEUTRAL = Settings(adm_positive=1.0, adm_negative=1.0)


def conditioning(rows, *, vector=2816, seed=0):
    """Return what a webui makes for each call: of SDXL's base, or of its refiner (2560)."""
    return {
        "crossattn": torch.zeros(rows, 77, 2048 if vector == 2816 else 1280),
        "vector": torch.randn(rows, vector, generator=torch.Generator().manual_seed(seed)),
    }


def tell(settings, cond, uncond, *, timestep, refined=False):
    """Tell the sizes of one call; return its generation."""
    generation = state.Generation(settings)
    tell_sizes(
        generation,
        cond,
        uncond,
        timestep=timestep,
        size=(64, 128),
        number_dtype=torch.float32,
        refined=refined,
    )
    return generation


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_neutral_settings_change_no_byte(rows):
    cond, uncond = conditioning(rows, seed=1), conditioning(1, seed=2)
    before = [each["vector"].clone() for each in (cond, uncond)]
    tell(NEUTRAL, cond, uncond, timestep=900.0)
    for told, vector in zip((cond, uncond), before, strict=True):
        assert torch.equal(told["vector"], vector)


@pytest.mark.parametrize(("timestep", "rewritten"), [(999.0, True), (700.0, True), (699.0, False)])
def test_sizes_are_rewritten_while_the_noise_is_high(timestep, rewritten):
    cond = conditioning(1)
    before = cond["vector"].clone()
    tell(Settings(), cond, conditioning(1), timestep=timestep)
    after = cond["vector"]
    assert torch.equal(before, after) is not rewritten
    others = torch.cat([torch.arange(1280), torch.arange(1792, 2816)])
    assert torch.equal(before[:, others], after[:, others])


def test_the_two_sides_are_told_different_sizes():
    cond, uncond = conditioning(1), conditioning(1)
    tell(Settings(), cond, uncond, timestep=999.0)
    positive, negative = (each["vector"][0, 1280:1792] for each in (cond, uncond))
    assert not torch.equal(positive, negative)


@pytest.mark.parametrize("refined", [False, True])
def test_a_model_without_size_numbers_is_left_alone_and_said_unless_it_is_the_refiner(refined):
    cond, uncond = conditioning(1, vector=2560), conditioning(1, vector=2560)
    before = cond["vector"].clone()
    generation = tell(Settings(), cond, uncond, timestep=999.0, refined=refined)
    assert torch.equal(before, cond["vector"])
    assert ("ADM guidance" in generation.skipped) is not refined
