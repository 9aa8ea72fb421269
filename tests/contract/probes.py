"""Looking into a generation while it runs: every model call before and after the callbacks around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch

from tests.contract import references
from tests.contract.hosts import FAMILY, Host

Cond = dict[str, torch.Tensor]


TWO_PASSES = {
    "width": 64,
    "height": 64,
    "steps": 2,
    "enable_hr": True,
    "hr_scale": 1.5,
    "denoising_strength": 0.9,
    "hr_second_pass_steps": 2,
    "override_settings": {"hires_fix_refiner_pass": "both passes"},
}
"""A small job with a second pass, in which a refiner takes part."""
CALLS_OF_TWO_PASSES = 4  # two in each pass, of which the refiner makes the second


@dataclass
class Call:
    """One call of the model by a sampler; tensors are copies.

    Attributes:
        step: how many calls this sampler run had finished.
        sampling_step: what the host reported as its step.
        x, sigma: the rows as they went to the callbacks.
        cond, uncond: conditioning before the callbacks ("crossattn" and, for SDXL, "vector").
        new_cond, new_uncond: the same after the callbacks.
        out, new_out: the model's outputs before and after the callbacks.
        parts: prompt parts of each image.
        checkpoint: the file name of the one whose UNet made the call.
        alphas_cumprod: that model's noise schedule.
        live: the callback's own tensors (never copies), to tell whether they are fresh.
    """

    denoiser: Any
    step: int
    total_steps: int
    sampling_step: int
    sampling_steps: int
    hires: bool
    x: torch.Tensor
    sigma: torch.Tensor
    image_cond: torch.Tensor
    cond: Cond
    uncond: Cond
    parts: tuple[int, ...]
    live: tuple[Any, Any]
    new_cond: Cond = field(default_factory=dict)
    new_uncond: Cond = field(default_factory=dict)
    out: torch.Tensor | None = None
    new_out: torch.Tensor | None = None
    checkpoint: str = ""
    alphas_cumprod: torch.Tensor | None = None

    @property
    def cond_rows(self) -> int:
        return sum(self.parts)

    @property
    def sees_noise(self) -> bool:
        """Whether the sampler asks for noise at timesteps (the DDIM family), not x0 at sigmas."""
        return not hasattr(self.denoiser.inner_model, "sigmas")

    @property
    def timestep(self) -> float:
        """The model's timestep, 0..999."""
        level = float(self.sigma[0])
        if self.sees_noise:
            return level
        is_lcm = len(self.denoiser.inner_model.sigmas) == 50
        find = references.lcm_timestep_of if is_lcm else references.timestep_of
        return find(level, self.alphas_cumprod)

    @property
    def images(self) -> list[int]:
        """For each conditional row, the image it belongs to."""
        return [image for image, parts in enumerate(self.parts) for _ in range(parts)]

    @property
    def is_refiner(self) -> bool:
        return self.new_cond["crossattn"].shape[-1] == 1280


def copy_cond(cond: Any) -> Cond:
    """Return a copy of the host's conditioning, a tensor or a dict."""
    cond = cond if isinstance(cond, dict) else {"crossattn": cond}
    return {key: value.clone() for key, value in cond.items()}


def _begin(params: Any, denoiser: Any) -> Call:
    return Call(
        denoiser=denoiser,
        step=denoiser.step,
        total_steps=denoiser.total_steps,
        sampling_step=params.sampling_step,
        sampling_steps=params.total_sampling_steps,
        hires=bool(getattr(denoiser.p, "is_hr_pass", False)),
        x=params.x.clone(),
        sigma=params.sigma.clone(),
        image_cond=params.image_cond.clone(),
        cond=copy_cond(params.text_cond),
        uncond=copy_cond(params.text_uncond),
        parts=tuple(map(len, denoiser.sampler.sampler_extra_args["cond"].batch)),
        live=(params.text_cond, params.text_uncond),
    )


@contextmanager
def recording(host: Host) -> Iterator[list[Call]]:
    """Record every model call that is made inside the block. Skips a test where that cannot be seen."""
    if not FAMILY.asks_after_calls:
        pytest.skip(
            "this family shows no extension the rows of a model call; tests/host/forge has its own"
        )
    calls: list[Call] = []

    def around_denoiser(original: Callable[[Any], None], params: Any) -> None:
        denoiser = denoiser_of(params, seen)
        call = _begin(params, denoiser)
        original(params)
        call.new_cond = copy_cond(params.text_cond)
        call.new_uncond = copy_cond(params.text_uncond)
        model = denoiser.inner_model.inner_model
        call.checkpoint = Path(model.sd_checkpoint_info.filename).name
        call.alphas_cumprod = model.alphas_cumprod.clone()
        calls.append(call)

    def around_denoised(original: Callable[[Any], None], params: Any) -> None:
        calls[-1].out = params.x.clone()
        original(params)
        calls[-1].new_out = params.x.clone()

    with (
        processing_objects(host) as seen,
        around_callbacks(host, around_denoiser, around_denoised),
    ):
        yield calls


def denoiser_of(params: Any, seen: list[Any]) -> Any:
    """Return the host's CFG denoiser, which its callback's argument names from 1.8 on."""
    return getattr(params, "denoiser", None) or seen[-1].sampler.model_wrap_cfg


@contextmanager
def checkpoints_called(host: Host) -> Iterator[list[str]]:
    """Collect the file name of the checkpoint whose UNet makes each model call inside the block."""
    called: list[str] = []

    def around(original: Callable[[Any], None], params: Any) -> None:
        original(params)
        model = denoiser_of(params, seen).inner_model.inner_model
        called.append(Path(model.sd_checkpoint_info.filename).name)

    with processing_objects(host) as seen, around_callbacks(host, around):
        yield called


Around = Callable[[Callable[[Any], None], Any], None]


@contextmanager
def around_callbacks(
    host: Host, denoiser: Around | None = None, denoised: Around | None = None
) -> Iterator[None]:
    """Run functions in place of the host's calls of all cfg_denoiser and cfg_denoised callbacks.

    Each gets the host's function and its argument. Unlike in a callback, an exception that one
    raises ends the generation, as one in the model would.
    """
    module = host.modules.sd_samplers_cfg_denoiser
    with ExitStack() as stack:
        for name, around in (
            ("cfg_denoiser_callback", denoiser),
            ("cfg_denoised_callback", denoised),
        ):
            if around is not None:
                stack.enter_context(
                    patch.object(module, name, _bound(around, getattr(module, name)))
                )
        yield


def _bound(around: Around, original: Callable[[Any], None]) -> Callable[[Any], None]:
    return lambda params: around(original, params)


@contextmanager
def processing_objects(host: Host) -> Iterator[list[Any]]:
    """Collect the processing objects that are generated with inside the block."""
    processing = host.modules.processing
    original, seen = processing.process_images_inner, []

    def process_images_inner(p: Any) -> Any:
        seen.append(p)
        return original(p)

    with patch.object(processing, "process_images_inner", process_images_inner):
        yield seen


@contextmanager
def spying_script(
    host: Host, hooks: dict[str, Callable[..., Any]], *, tab: str = "txt2img"
) -> Iterator[None]:
    """Have another extension's AlwaysOn script in a tab, with these hooks.

    It comes after all others; the runner's cached order is dropped before and after.
    """
    scripts = host.modules.scripts
    runner = host.runner_of(tab)
    methods = {"title": lambda self: "Spy", "show": lambda self, is_img2img: True}
    script = type("Spy", (scripts.Script,), {**methods, **hooks})()
    script.alwayson, script.filename, script.name = True, __file__, "spy"
    script.args_from = script.args_to = 0
    forget_order = getattr(
        runner, "callback_map", {}
    ).clear  # A1111 up to 1.8 and Classic cache none
    runner.alwayson_scripts.append(script)
    forget_order()
    try:
        yield
    finally:
        runner.alwayson_scripts.remove(script)
        forget_order()
