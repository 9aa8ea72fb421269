"""A part of a picture made anew: what the engine of each webui is shown around it."""

from __future__ import annotations

import weakref

import pytest
import torch

from fooocus_ext.edit import Edit
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
    editing, task = (webui.adapter(f"edit.{name}") for name in ("editing", "task"))
    p, generation = webui.request(NEUTRAL, init=lambda: None, seeds=SEEDS)
    asked = task.Asked(Edit(engine="None"), None, weakref.ref(p))
    generation.editing = editing.Editing(p, generation, asked)
    pictures = webui.sample(p, steps, masked=masked)
    return webui.base.forge_objects.unet.model.calls[-len(steps) :], pictures


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
