"""All of the arithmetic on a strict device, in half precision too: nothing mixes, waits or overflows."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from fooocus_ext.core import (
    adm,
    anisotropic,
    guidance,
    inpaint_engine,
    noise_levels,
    solvers,
    text_states,
    tiling,
    unipc,
)
from tests.strict_device import StrictDevice, is_on_device

HALVES = [torch.float16, torch.bfloat16]
DTYPES = [torch.float32, *HALVES]
LOUD = 3e4
"""Near the largest number of float16, 65504: a sum or a difference of two such overflows there."""
SETTINGS = SimpleNamespace(sharpness=30.0, adaptive_cfg=3.0)
AT = {"sharpness": 30.0, "progress": 0.7}
SIGNAL = torch.tensor([0.0047, 0.9])


def latents(seed, scale=1.0):
    """Return [2,4,12,20]; of seed 2, whose half is 0, so that what is added to it is seen alone."""
    generator = torch.Generator().manual_seed(seed)
    values = (torch.randn(2, 4, 12, 20, generator=generator) * scale).clamp(-LOUD, LOUD)
    if seed == 2:
        values[..., ::2] = 0
    return values


def guided(x, x0, uncond, **more):
    settings = {"progress": 0.7, "cfg_scale": 9.0, "settings": SETTINGS}
    return guidance.guide(x, x0, uncond, **settings, **more)


PICTURES = {
    "standardise": lambda x, x0, uncond: anisotropic.standardise(x),
    "filter": lambda x, x0, uncond: anisotropic.adaptive_filter(x, x0),
    "sharpen": lambda x, x0, uncond: guidance.sharpen(x, x0, **AT),
    "sharpen eps": lambda x, x0, uncond: guidance.sharpen_eps(x0, x, **AT),
    "damped": lambda x, x0, uncond: guidance.rescale_cond(
        x0.to(anisotropic.working_dtype(x0)), uncond, 0.43
    ),
    "clean": lambda x, x0, uncond: guidance.predict_x0(x, x0, SIGNAL.to(x.device)),
    "guide": guided,
    "guide, with uncond": lambda x, x0, uncond: guided(
        x, x0, uncond, spared=(x0 == uncond).all()
    ),
    "guide eps": lambda x, x0, uncond: guided(x, x0, uncond, signal=SIGNAL.to(x.device)),
}  # fmt: skip


@pytest.fixture
def device():
    strict = StrictDevice()
    with strict.active():
        yield strict
        assert not torch.is_autocast_enabled()
        assert [asked for asked in strict.unnumbered if asked.is_ours] == []


def assert_rounded_once(found, exact):
    """Assert that numbers are exact ones, rounded to their dtype at the end.

    0.1 % of the numbers were not (those near the middle of two, since the computation is in single
    precision); where two roundings followed each other, 16 %. In single precision the largest error was
    4e-7 of the largest number.
    """
    assert torch.isfinite(found).all()
    if found.dtype in HALVES:
        share = (found != exact.to(found.dtype)).double().mean().item()
        assert share < 0.01
    scale = exact.abs().max()
    allowed = torch.finfo(found.dtype).eps if found.dtype in HALVES else 2e-6
    torch.testing.assert_close(found.double() / scale, exact / scale, atol=allowed, rtol=0)


@pytest.mark.parametrize("scale", [1.0, LOUD])
@pytest.mark.parametrize("dtypes", [(d, d) for d in DTYPES] + [(torch.float32, d) for d in HALVES])
@pytest.mark.parametrize("name", PICTURES)
def test_pictures_stay_on_the_device_and_are_rounded_once(device, name, dtypes, scale):
    """The latter pairs are a sampler in single precision around a model in half precision."""
    of_x, of_x0 = dtypes
    given = [latents(1, scale).to(of_x), *(latents(n, scale).to(of_x0) for n in (2, 3))]
    exact = PICTURES[name](*(values.double() for values in given))
    device.autocast_dtype = of_x0 if of_x0 in HALVES else torch.float16
    given = [values.to("cuda") for values in given]
    held = device.held
    PICTURES[name](*(values.clone() for values in given))
    assert not torch.is_autocast_enabled()
    assert device.held == held
    with torch.autocast("cuda"):  # as webuis sample
        found = PICTURES[name](*given)
        assert torch.is_autocast_enabled()
    assert is_on_device(found)
    assert device.synchronisations == []
    assert [upload.where for upload in device.uploads if upload.is_ours] == []
    assert_rounded_once(found.cpu(), exact)


def test_the_spared_half_is_seen_without_asking(device):
    x, x0, uncond = (latents(seed).to("cuda") for seed in (1, 2, 3))
    for spared, like in ((True, None), (False, uncond)):
        flag = torch.tensor(spared, device="cuda")
        found, expected = guided(x, x0, uncond, spared=flag), guided(x, x0, like)
        assert device.synchronisations == []
        assert torch.equal(found, expected)
        device.synchronisations.clear()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number_dtype", [torch.float32, torch.float16])
def test_sizes_have_the_cpus_bytes_and_are_uploaded_once(device, dtype, number_dtype):
    vector = torch.randn(2, 2816).to(dtype)
    there = vector.to("cuda")
    adm._embedded.cache_clear()

    def claimed(vector):
        return (
            adm.scale_original_size(vector, 1152, 896, 1.5, number_dtype=number_dtype),
            adm.claim_as_fooocus(vector, 1152, 896, 0.8),
        )

    for found, expected in zip(claimed(there), claimed(vector), strict=True):
        assert is_on_device(found)
        assert torch.equal(found.cpu(), expected)
    device.uploads.clear()
    del found
    held = device.held
    claimed(there.clone())
    assert device.uploads == []
    assert device.held == held


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_are_patched_where_they_are(device, dtype):
    generator = torch.Generator().manual_seed(1)
    levels = torch.randint(0, 256, (40, 48), generator=generator, dtype=torch.uint8)
    delta = inpaint_engine.Delta(levels, -0.03, 0.02)
    weight = latents(1).flatten()[: levels.numel()].view(levels.shape).to(dtype)
    found = inpaint_engine.patched(weight.to("cuda"), delta)
    assert is_on_device(found)
    assert device.synchronisations == []
    exact = levels.double() / 255 * 0.05 - 0.03 + weight.double()
    assert_rounded_once(found.cpu(), exact)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_heads_term_comes_to_the_latents_in_single_precision(device, dtype):
    head, mask, latent = (
        values.to(dtype)
        for values in (torch.randn(8, 5, 3, 3), torch.ones(1, 1, 12, 20), latents(1)[:1])
    )
    found = inpaint_engine.head_term(head, mask.to("cuda"), latent.to("cuda"))
    assert is_on_device(found)
    assert device.synchronisations == []
    assert len([upload for upload in device.uploads if upload.is_ours]) == 1
    exact = inpaint_engine.head_term(*(values.float() for values in (head, mask, latent)))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.cpu(), exact)


SOLVERS = {
    "LCM": lambda x, sigmas, **more: solvers.latent_consistency(
        halved, x, sigmas, draw=lambda: torch.ones_like(x), **more
    ),
    "UniPC": lambda x, sigmas, **more: unipc.sample(halved, x, sigmas, variant="bh2", **more),
}


def halved(x, sigma):
    assert x.device == sigma.device
    return x / (1 + sigma**2).to(x)[:, None, None, None]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_take_their_levels_from_the_cpu(device, name, dtype):
    sigmas, x = (
        torch.tensor([14.6, 9.0, 5.0, 3.0, 2.0, 1.2, 0.7, 0.0]),
        (latents(1) * 14.6).to(dtype),
    )

    def seen(x, sigmas):
        told = []
        out = SOLVERS[name](x, sigmas, extra_args={}, callback=lambda info: told.append(info["x"]))
        return [*told, out]

    exact = seen(x.double(), sigmas.double())
    device.autocast_dtype = dtype if dtype in HALVES else torch.float16
    with torch.autocast("cuda"):
        found = seen(x.to("cuda"), sigmas)
    assert all(map(is_on_device, found))
    assert device.synchronisations == []
    # In single precision the steps differed by 2e-7 of a latent, and the end by 6e-5: its last level, near 0,
    # is rounded coarsely. In half precision, each step rounds.
    of_step, of_end = (
        {torch.float32: n}.get(dtype, 8 * torch.finfo(dtype).eps) for n in (3e-6, 2e-4)
    )
    for latent, wanted in zip(found, exact, strict=True):
        allowed = of_end if latent is found[-1] else of_step
        torch.testing.assert_close(latent.cpu().double(), wanted, atol=allowed, rtol=allowed)


def test_the_table_of_levels_is_on_the_cpu_wherever_the_model_is(device):
    products = 1 - torch.linspace(0.001, 0.99, 1000)
    table = noise_levels.level_table(products.to("cuda"))
    assert not is_on_device(table.levels)
    assert len(device.synchronisations) == 1


def test_texts_are_weighed_joined_and_repeated_where_their_states_are(device):
    states, empty = torch.randn(2, 77, 8, device="cuda"), torch.randn(77, 8, device="cuda")
    weighed = text_states.emphasise(states, empty, torch.full((2, 77), 1.2))
    text = text_states.EncodedText((weighed.flatten(0, 1),), states[0, 0])
    joined = text_states.join([text, text], 2)
    rows = text_states.of_equal_length([joined.states[0], joined.states[0][:77]])
    assert all(is_on_device(found) for found in (joined.pooled, *rows))
    assert device.synchronisations == []


@pytest.mark.parametrize("dtype", DTYPES)
def test_tiles_are_blended_where_they_are_in_their_dtype(device, dtype):
    tiles = []

    def twice(tile):
        tiles.append(tile)
        return tile * 2

    values = torch.ones(1, 4, 20, 30, device="cuda", dtype=dtype)
    found = tiling.averaged(values, twice, tile=16, overlap=4, scale=1)
    assert is_on_device(found)
    assert device.synchronisations == []
    assert len(device.uploads) == len(tiles), "the weights of each"
    torch.testing.assert_close(found.cpu(), torch.full((1, 4, 20, 30), 2.0, dtype=dtype))


def test_a_picture_smaller_than_the_window_stays_on_the_device(device):
    x, x0 = (latents(seed)[..., :3, :5] for seed in (1, 3))
    found = anisotropic.adaptive_filter(x.to("cuda"), x0.to("cuda"))
    assert is_on_device(found)
    assert device.synchronisations == []
    torch.testing.assert_close(found.cpu(), anisotropic.adaptive_filter(x, x0))


def test_the_windows_buffer_is_bounded(device):
    """Whole, that of a picture this large has 200 MiB."""
    x, x0 = (torch.zeros(2, 4, 160, 160, device="cuda") for _ in range(2))
    anisotropic.joint_bilateral(x, x0)
    bound = anisotropic.DEVICE_BUFFER_BYTES
    assert 0.5 * bound < device.largest <= bound
