"""A1111's model calls: their rows, and what is put back in place."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from fooocus_ext.args import Settings
from fooocus_ext.generation import state
from fooocus_ext.host.a1111.model_call import ModelCall

NEUTRAL = Settings(sharpness=0.0, adm_positive=1.0, adm_negative=1.0, adaptive_cfg=30.0)


def model_call(parts=(1,), cfg_scale=7.0, timestep=500.0, signal=None):
    """Return a call with random rows, and the outputs that the model might give."""
    generator = torch.Generator().manual_seed(sum(parts))
    rows, images = sum(parts), len(parts)
    x = torch.randn(rows + images, 4, 16, 16, generator=generator)
    out = torch.randn(rows + images, 4, 16, 16, generator=generator)
    signal = None if signal is None else torch.full((rows + images,), signal)
    call = ModelCall(
        x=x,
        timestep=timestep,
        parts=parts,
        cfg_scale=cfg_scale,
        signal=signal,
    )
    return call, out


def run_call(settings, call, out):
    generation = state.Generation(settings)
    changed = out.clone()
    call.guide(generation, changed)
    return generation, changed


@pytest.mark.parametrize("parts", [(1,), (1, 1), (2, 1), (3, 2)])
@pytest.mark.parametrize("signal", [None, 0.4])
def test_neutral_settings_change_no_byte(parts, signal):
    call, out = model_call(parts, cfg_scale=12.0, timestep=900.0, signal=signal)
    _, changed = run_call(NEUTRAL, call, out)
    assert torch.equal(changed, out)


@pytest.mark.parametrize("parts", [(1,), (2, 1), (3, 2)])
def test_uncond_rows_never_change(parts):
    call, out = model_call(parts, cfg_scale=15.0)
    _, changed = run_call(Settings(sharpness=30.0, adaptive_cfg=1.0), call, out)
    rows = sum(parts)
    assert torch.equal(changed[rows:], out[rows:])
    assert not torch.equal(changed[:rows], out[:rows])


def test_a_high_scale_is_damped_for_each_part_against_its_own_image():
    call, out = model_call((2, 1), cfg_scale=10.0, timestep=999.0)
    settings = NEUTRAL.replace(adaptive_cfg=5.0)
    _, changed = run_call(settings, call, out)
    for row, image in enumerate((0, 0, 1)):
        uncond = out[3 + image]
        torch.testing.assert_close(changed[row], uncond + 0.5 * (out[row] - uncond))


def test_rows_without_uncond_are_not_damped():
    call, out = model_call((2, 1), cfg_scale=10.0)
    out[3], out[4] = out[0], out[2]
    _, changed = run_call(NEUTRAL.replace(adaptive_cfg=2.0), call, out)
    assert torch.equal(changed, out)


def test_sharpness_grows_with_its_value_and_with_progress():
    def effect(sharpness, timestep):
        call, out = model_call(timestep=timestep)
        _, changed = run_call(NEUTRAL.replace(sharpness=sharpness), call, out)
        return float((changed - out).abs().max())

    assert effect(2.0, 999.0) == 0.0
    assert 0 < effect(2.0, 900.0) < effect(2.0, 100.0) < effect(20.0, 100.0)


def test_sharpening_noise_and_clean_latents_are_the_same_edit_of_the_picture():
    signal = 0.3
    call, x0 = model_call(timestep=300.0)
    sigma = ((1 - signal) / signal) ** 0.5
    noisy = call.x * 1.0
    settings = NEUTRAL.replace(sharpness=20.0)
    _, sharp_x0 = run_call(settings, call, x0)
    scaled, _ = model_call(timestep=300.0, signal=signal)
    scaled = dataclasses.replace(scaled, x=noisy * signal**0.5)
    eps = (noisy - x0) / sigma
    _, sharp_eps = run_call(settings, scaled, eps)
    torch.testing.assert_close(noisy - sigma * sharp_eps, sharp_x0, rtol=1e-4, atol=1e-5)


def test_scale_1_is_left_alone_and_said():
    call, out = model_call(cfg_scale=1.0)
    generation, changed = run_call(Settings(sharpness=30.0), call, out)
    assert torch.equal(changed, out)
    assert set(generation.skipped) == {"sharpness"}


def test_foreign_rows_are_left_alone():
    call, out = model_call((1, 1))
    foreign = torch.cat([out, out[:2]])
    _, changed = run_call(Settings(sharpness=30.0), call, foreign)
    assert torch.equal(changed, foreign)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_outputs_stay_what_they_are(dtype):
    call, out = model_call(cfg_scale=12.0)
    _, changed = run_call(Settings(sharpness=20.0, adaptive_cfg=3.0), call, out.to(dtype))
    assert changed.dtype == dtype
    assert torch.isfinite(changed).all()
