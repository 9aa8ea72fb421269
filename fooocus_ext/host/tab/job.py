"""From the page's choices to a job: a new picture, or a variation of one that is there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules import generation_parameters_copypaste as copypaste
from modules import sd_samplers, shared
from PIL import Image

from fooocus_ext.args import HOST_CHOICE
from fooocus_ext.errors import RequestError, did_you_mean
from fooocus_ext.host.jobs import outputs
from fooocus_ext.host.jobs.run import Job
from fooocus_ext.host.machine import assets
from fooocus_ext.presets.performance import PERFORMANCES
from fooocus_ext.tab.choices import Choices

LARGEST_SIDE = 2800
"""Fooocus's limit for the square root of an upscaled picture's area, in pixels."""
_SMALLEST_SIDE, _LARGEST_VARIED_SIDE = 1024, 2048
_PLAIN_UPSCALER = "Lanczos"


@dataclass(frozen=True)
class Variation:
    """What becomes of a picture (the numbers are Fooocus's).

    Attributes:
        denoising: how much of it is made anew, 0..1.
        scale: how much larger it becomes.
    """

    denoising: float
    scale: float = 1.0


VARIATIONS = {
    "vary_subtle": Variation(0.5),
    "vary_strong": Variation(0.85),
    "upscale_1_5": Variation(0.382, 1.5),
    "upscale_2": Variation(0.382, 2.0),
}


def job_for(
    choices: Choices, base_model: str, action: str, gallery: Any, output: outputs.Output
) -> Job:
    """Return the job that the page asks for.

    Args:
        choices: what the page asks for.
        base_model: a checkpoint title.
        action: "generate" or a key of ``VARIATIONS``.
        gallery: the selected picture, for a variation.
        output: where the pictures go.

    Raises:
        RequestError: something that it names does not exist on this machine.
    """
    _check_names(choices)
    values: dict[str, Any] = {
        "prompt": choices.prompt,
        "negative_prompt": choices.negative_prompt,
        "settings": choices.settings,
        "image_number": choices.image_number,
        "seed": -1 if choices.seed is None else choices.seed,
        "base_model": base_model,
        "loras": choices.loras,
        "request": _request(choices),
        "options": _options(choices),
        "output": output,
    }
    if action in VARIATIONS:
        values.update(_varied(choices, VARIATIONS[action], gallery))
        values["options"]["img2img_fix_steps"] = True  # as many steps as asked for, as Fooocus does
    return Job(**values)


def _request(choices: Choices) -> dict[str, Any]:
    request: dict[str, Any] = {"cfg_scale": choices.guidance_scale, "sampler_name": choices.sampler}
    if choices.scheduler:
        request["scheduler"] = choices.scheduler
    if choices.steps:
        request["steps"] = choices.steps
    if choices.size:
        request.update(width=choices.size[0], height=choices.size[1])
    return request


def _options(choices: Choices) -> dict[str, Any]:
    options: dict[str, Any] = {"sd_vae": choices.vae} if choices.vae else {}
    if shared.opts.show_progress_every_n_steps > 1:
        options["show_progress_every_n_steps"] = (
            1  # previews are this page's only sight of progress
        )
    return options


def _varied(choices: Choices, variation: Variation, gallery: Any) -> dict[str, Any]:
    picture = _selected(gallery)
    settings = choices.settings.replace(aspect_ratio=HOST_CHOICE)
    request = _request(choices)
    if variation.scale == 1.0:
        size = choices.size or _varied_size(picture)
    else:
        picture = _upscaled(picture, variation.scale, choices)
        size = (picture.width, picture.height)
        steps = PERFORMANCES[settings.performance].upscale_steps
        request = {"steps": steps, **request}
        settings = settings.keeping("steps")
    return {
        "picture": picture,
        "denoising": variation.denoising,
        "settings": settings,
        "request": {**request, "width": size[0], "height": size[1]},
    }


def _selected(gallery: Any) -> Image.Image:
    """Return the picture that the page sent along."""
    try:
        picture = copypaste.image_from_url_text(gallery)
    except (AssertionError, OSError, ValueError) as error:
        raise RequestError("The selected picture cannot be read any more.") from error
    if picture is None:
        raise RequestError("Make or select a picture first; then it can be varied or upscaled.")
    return picture.convert("RGB")


def _varied_size(picture: Image.Image) -> tuple[int, int]:
    """Return the size in which a picture is varied: 1024 to 2048 on a side if it were square."""
    side = math.sqrt(picture.width * picture.height)
    wanted = min(max(math.ceil(side / 64) * 64, _SMALLEST_SIDE), _LARGEST_VARIED_SIDE)
    scale = 1.0 if _SMALLEST_SIDE <= side <= _LARGEST_VARIED_SIDE else wanted / side
    return _multiple_of_8(picture.width * scale), _multiple_of_8(picture.height * scale)


def _multiple_of_8(length: float) -> int:
    return max(64, round(length / 8) * 8)


def _upscaled(picture: Image.Image, scale: float, choices: Choices) -> Image.Image:
    """Return the picture made larger by an upscaler; a small one grows to Fooocus's least size.

    A forced size says that small pictures are meant, so the least size does not count then.
    """
    side = math.sqrt(picture.width * picture.height) * scale
    if side < _SMALLEST_SIDE and choices.size is None:
        scale *= _SMALLEST_SIDE / side
    width, height = _multiple_of_8(picture.width * scale), _multiple_of_8(picture.height * scale)
    if math.sqrt(width * height) > LARGEST_SIDE:
        raise RequestError(
            f"The picture would become {width}×{height}; allowed: up to {LARGEST_SIDE}×"
            f"{LARGEST_SIDE}. The Extras tab makes pictures larger without adding detail."
        )
    upscaler = _upscaler(choices.upscaler)
    shared.state.textinfo = f"Upscaling with {upscaler.name}"
    larger = upscaler.scaler.upscale(picture, scale, upscaler.data_path)
    return larger.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)


def _upscaler(name: str | None) -> Any:
    """Return the upscaler called ``name``, or the best one whose files are on this machine."""
    by_name = {upscaler.name: upscaler for upscaler in shared.sd_upscalers}
    if name is not None and name not in by_name:
        allowed = ", ".join(f'"{known}"' for known in by_name)
        hint = did_you_mean(name, by_name)
        raise RequestError(f'Upscaler: there is no "{name}"{hint}; allowed: {allowed}.')
    if name is not None:
        return by_name[name]
    local = [u for u in by_name.values() if u.data_path and Path(str(u.data_path)).is_file()]
    return local[0] if local else by_name[_PLAIN_UPSCALER]


def _check_names(choices: Choices) -> None:
    """Refuse what the host would replace by something else, or leave out, without a word."""
    known = (
        ("Sampler", choices.sampler, list(sd_samplers.all_samplers_map)),
        ("Schedule type", choices.scheduler or None, assets.scheduler_labels()),
        ("VAE", choices.vae, ["Automatic", "None", *assets.installed().vaes]),
        *(("LoRA", name, assets.lora_names()) for name, _weight in choices.loras),
    )
    for label, value, names in known:
        if value is not None and value not in names:
            allowed = ", ".join(f'"{name}"' for name in names) or "none, because none is installed"
            raise RequestError(
                f'{label}: there is no "{value}"{did_you_mean(value, names)}; allowed: {allowed}.'
            )
