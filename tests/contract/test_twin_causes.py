"""Each part of Fooocus's rendering, taken away: the picture is not Fooocus's any more."""

from __future__ import annotations

import dataclasses
import importlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.contract import twin
from tests.contract.hosts import FAMILY
from tests.contract.test_twin import SAME, pocket  # noqa: F401  (a fixture)


def of_rendering(name):
    return importlib.import_module(f"fooocus_ext.host.rendering.{name}")


def without_options(*names):
    """Let the webui's own options hold."""

    def take_away(monkeypatch):
        options = of_rendering("options")
        kept = {key: value for key, value in options._OPTIONS.items() if key not in names}
        monkeypatch.setattr(options, "_OPTIONS", kept)

    return take_away


def noise_multiplier(value):
    """Multiply the first noise as if every schedule began with pure noise, or none."""
    return lambda patch: patch.setattr(
        of_rendering("schedules"), "begins_with_pure_noise", lambda *_args: value
    )


def without_levels(monkeypatch):
    """Let the webui place the steps."""
    monkeypatch.setattr(of_rendering("schedules"), "is_known", lambda _asked: False)


def over_the_whole_schedule(monkeypatch):
    """Let the noise of SDE samplers span the webui's whole schedule, also of a picture."""
    monkeypatch.setattr(of_rendering("samplers"), "_within", lambda create, _levels: create)


def without_stand_ins(monkeypatch):
    """Take the webui's samplers of that name."""
    monkeypatch.setattr(of_rendering("samplers"), "_stands_in_for", lambda _asked: False)


def with_noise_between_steps(monkeypatch):
    """Let the webui add noise in DPM fast."""
    monkeypatch.setattr(of_rendering("schedules"), "ENDS_OF_RANGE", ())


def without_rounded_sizes(monkeypatch):
    """Name SDXL the true size."""
    adm = importlib.import_module("fooocus_ext.core.adm")

    def claim(vector, height, width, scale):
        return adm.scale_original_size(
            vector, height, width, scale or 1.0, number_dtype=torch.float32
        )

    monkeypatch.setattr(adm, "claim_as_fooocus", claim)


def at_the_next_step(monkeypatch):
    """Switch where "separate" does outside of Fooocus's rendering."""
    turn = importlib.import_module("fooocus_ext.host.refiner.turn")
    monkeypatch.setattr(turn, "nearest_step", lambda ratio, steps: -int(-ratio * steps // 1))


def with_the_same_seed(monkeypatch):
    """Begin the second run of "vae" with the first one's noise."""
    fresh = importlib.import_module("fooocus_ext.host.refiner.fresh_noise")
    reseed = fresh._reseed
    monkeypatch.setattr(fresh, "_reseed", lambda noise, _step: reseed(noise, 0))


def without_tiles(monkeypatch):
    """Encode and decode the picture whole."""
    monkeypatch.setattr(of_rendering("tiles"), "asked_by", lambda _p: False)


CAUSES = {
    "whole timesteps": ("base-s1", without_options("enable_quantization")),
    "pure noise": ("euler+normal", noise_multiplier(False)),
    "no pure noise": ("dpmpp_2m_sde_gpu+ddim_uniform", noise_multiplier(True)),
    "levels": ("dpmpp_3m_sde_gpu+karras", without_levels),
    "steps of a picture": ("vary-subtle", without_options("img2img_fix_steps")),
    "noise of a picture": ("vary-subtle", over_the_whole_schedule),
    "ddim": ("ddim+karras", without_stand_ins),
    "lcm": ("lcm+karras", without_stand_ins),
    "dpm_fast": ("dpm_fast+karras", with_noise_between_steps),
    "sizes": ("size-160x288", without_rounded_sizes),
    "rule of the refiner": ("ref-joint-neg", without_options("fooocus_refiner_switch_rule")),
    "step of the refiner": ("ref-separate-061", at_the_next_step),
    "fresh noise": ("ref-vae", with_the_same_seed),
    "tiles": ("upscale-382", without_tiles),
}


ALSO_FORGES = {
    "whole timesteps": "the Forge family's engines find whole timesteps themselves",
    "lcm": "the Forge family's own LCM makes Fooocus's picture",
}


@pytest.mark.parametrize("cause", CAUSES)
def test_without_it_the_picture_is_another(pocket, monkeypatch, cause):  # noqa: F811
    if cause in ALSO_FORGES and not FAMILY.asks_after_calls:
        pytest.skip(ALSO_FORGES[cause])
    case, take_away = CAUSES[cause]
    take_away(monkeypatch)
    found = twin.difference(case, twin.picture_of(case, pocket))
    assert found.largest > SAME.largest, found


def drawn(seed, shape, device="cpu"):
    return torch.randn(shape, generator=torch.Generator(device).manual_seed(seed))


@pytest.mark.parametrize("source", ["GPU", "CPU", "NV"])
def test_the_first_noise_is_the_cpus_and_the_rest_the_devices(host, monkeypatch, source):
    """On a CPU both are of one generator; an NVIDIA GPU's, emulated, begins anew after the first."""
    monkeypatch.setitem(host.modules.shared.opts.data, "randn_source", source)
    shape, seeds = (4, 8, 8), [3, 2**63 - 1]
    given = host.modules.rng.ImageRNG(shape, seeds)
    found = of_rendering("noise").like_fooocus(given)
    assert torch.equal(found.next().cpu(), torch.stack([drawn(seed, shape) for seed in seeds]))
    later = [found.next().cpu(), found.next().cpu()]
    if source == "NV":
        generators = [host.modules.rng_philox.Generator(seed) for seed in seeds]
        expected = [
            torch.stack([torch.from_numpy(g.randn(shape)) for g in generators]) for _ in later
        ]
    else:
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        expected = [
            torch.stack([torch.randn(shape, generator=g) for g in generators]) for _ in range(3)
        ][1:]
    for one, other in zip(later, expected, strict=True):
        torch.testing.assert_close(one, other)
    assert host.modules.shared.opts.randn_source == source


@pytest.mark.parametrize(
    ("chosen", "device", "source"),
    [("GPU", "cpu", "GPU"), ("CPU", "cuda", "GPU"), ("NV", "cuda", "NV"), ("GPU", "mps", "NV")],
)
def test_where_the_rest_of_the_noise_comes_from(host, monkeypatch, chosen, device, source):
    noise = of_rendering("noise")
    monkeypatch.setitem(host.modules.shared.opts.data, "randn_source", chosen)
    monkeypatch.setattr(noise, "devices", SimpleNamespace(device=torch.device(device)))
    assert noise.source_of_device_noise() == source


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_files_have_fooocus_quality(host, tmp_path, kind):
    jobs = importlib.import_module("fooocus_ext.host.jobs.run")
    outputs = importlib.import_module("fooocus_ext.host.jobs.outputs")
    args = importlib.import_module("fooocus_ext.args")
    settings = args.Settings(expansion=False, rendering=args.FOOOCUS)
    request = {"steps": 1, "width": 128, "height": 128}
    job = jobs.Job("a fox", seed=1, request=request, settings=settings)
    output = outputs.Output(tmp_path, kind)
    made = jobs.run_queued(dataclasses.replace(job, output=output))
    (picture,) = output.pictures
    exact = tmp_path / f"exact.{kind}"
    made.images[0].convert("RGB").save(exact, quality=95)
    assert np.array_equal(
        np.asarray(Image.open(picture.file).convert("RGB")), np.asarray(Image.open(exact))
    )
