"""A part of a picture made anew: what the engine of each webui is shown around it."""

from __future__ import annotations

import pytest
import torch

from fooocus_ext.edit import Edit
from tests.host.forge.engine_stand_in import REFORGE
from tests.host.forge.test_guidance import EARLY, LATE, NEUTRAL, STEPS, run, step

SEEDS = [3, 2**40]


@pytest.fixture
def masked():
    """The latents of two pictures, and the mask [1,h,w] of what is made anew."""
    inside = torch.zeros(1, 8, 8)
    inside[:, 2:5, 3:8] = 1
    return torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1)), inside


def sample_edit(webui, masked, *steps):
    """Sample an edit; return what each call of the network was shown, one row for each picture."""
    return begin_and_sample(webui, masked, *steps)[1:]


def begin_and_sample(webui, masked, *steps):
    """Sample an edit; return its generation, and what `sample_edit` does."""
    editing = webui.adapter("edit.editing")
    p, generation = webui.request(NEUTRAL, init=lambda: None, seeds=SEEDS)
    generation.editing = editing.Editing(p, generation, Edit(engine="None"), None)
    pictures = webui.sample(p, steps, masked=masked)
    return generation, webui.base.forge_objects.unet.model.calls[-len(steps) :], pictures


@pytest.mark.parametrize("rng", [1, 2])
def test_every_call_shows_the_picture_with_fooocuss_noise_whatever_the_webui_draws(
    webui, masked, rng
):
    """One CPU generator of seed + 1 for each picture, and the level of each call."""
    clean, inside = masked
    steps = [step(EARLY, rows=2), step(LATE, rows=2)]
    given = [x.clone() for x, *_ in steps]
    torch.manual_seed(rng)
    calls, _ = sample_edit(webui, masked, *steps)
    generators = [torch.Generator().manual_seed(seed + 1) for seed in SEEDS]
    for call, x, (_, sigma, *_) in zip(calls, given, steps, strict=True):
        noise = torch.stack([torch.randn(clean.shape[1:], generator=each) for each in generators])
        expected = torch.where(inside.bool(), x, clean + noise * sigma)
        for rows in call.x.split(2):  # the negative prompt's and the prompt's
            torch.testing.assert_close(rows, expected)


def test_what_is_outside_stays_and_what_is_inside_is_made(webui, masked):
    clean, inside = masked
    _, pictures = sample_edit(webui, masked, step(EARLY, rows=2), step(LATE, rows=2))
    for picture in pictures:
        outside = ~inside.bool().expand_as(picture)
        assert torch.equal(picture[outside], clean[outside])
        assert not torch.isclose(picture[~outside], clean[~outside]).any()


def test_a_picture_that_is_not_edited_is_shown_as_it_is(webui):
    run(webui, NEUTRAL, step(), STEPS[1])
    call = webui.base.forge_objects.unet.model.calls[-1]
    assert torch.equal(call.x[:2], STEPS[1][0])


@pytest.mark.parametrize("kind", ["const", "flux", "flow"])
def test_around_an_edit_with_a_rectified_flow_is_what_the_webui_shows_and_that_is_said(
    webui, masked, kind
):
    """Such a model takes (1 - sigma) of the picture; Forge's own blend knows that (seen: dfdcbab)."""
    network = webui.base.forge_objects_original.unet.model
    network.predictor.prediction_type = kind
    network.model_type.name = kind.upper()
    given = step(LATE, rows=2)
    torch.manual_seed(1)
    generation, [call], _ = begin_and_sample(webui, masked, given)
    clean, inside = masked
    torch.manual_seed(1)
    around = given[0]
    if webui.family != REFORGE:
        around = clean + torch.randn_like(clean) * given[1]  # the stand-in's predictor has one way
    for rows in call.x.split(2):
        torch.testing.assert_close(rows, torch.where(inside.bool(), given[0], around))
    assert "Fooocus's noise around what is made anew" in generation.skipped
