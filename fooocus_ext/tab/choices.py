"""What the Fooocus tab's page asks for, read from its widgets as one request."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fooocus_ext.args import FIELDS_BY_NAME, HOST_CHOICE, NONE, Settings
from fooocus_ext.data_files import DataFileError
from fooocus_ext.edit import Edit
from fooocus_ext.errors import RequestError, describe
from fooocus_ext.limits import FORCED_SIDE, OFF, SEED
from fooocus_ext.original_texts import OriginalTexts
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS
from fooocus_ext.presets.performance import PERFORMANCES
from fooocus_ext.prompting.styles import wants_expansion
from fooocus_ext.tab.edits import action_of, edit_of, forced_strength
from fooocus_ext.tab.widget import Widget
from fooocus_ext.tab.widgets import (
    ARGUMENTS,
    AUTOMATIC,
    DEFAULT,
    LORAS,
    NAMES,
    ORIGINAL,
    SIZE_LABELS,
    WIDGETS,
)


@dataclass(frozen=True)
class Choices:
    """What the page asks for.

    Attributes:
        prompt: as typed; likewise ``negative_prompt``.
        settings: the extension's arguments; the aspect ratio is "webui" if a size is forced, and
            forced steps are among what they keep.
        image_number: pictures per job, within ``limits.IMAGE_NUMBER``.
        output_format: one of ``widgets.FORMATS``.
        seed: within ``limits.SEED``; None to draw one.
        base_model: a checkpoint title.
        loras: (name, weight) of the slots in use.
        guidance_scale: CFG scale, within ``limits.CFG_SCALE``.
        sampler: the host's sampler name; likewise ``scheduler``, empty if the host has none.
        clip_skip: within ``limits.CLIP_SKIP``, for Fooocus's rendering.
        vae: the host's VAE name; None to leave it to the webui's settings.
        steps: steps that replace the performance's, or None.
        switch_step: the step at which the refiner takes over, or None; ``settings`` has the share of the
            steps that it comes to.
        size: (width, height) in pixels that replaces the aspect ratio's, or None.
        upscaler: the host's upscaler name; None for the best installed.
        private: whether nothing is written to disk.
        metadata: one of ``widgets.METADATA``.
        wildcards_in_order: whether wildcards count through their options.
        image_grid: whether one more picture is made, of all of the job's.
        action: what Generate does, of ``variations``: it may start from an input picture.
        edit: how that is edited, if the action is ``variations.EDIT``; None otherwise.
        forced_strength: how much of it is made anew if it is varied or upscaled, 0..1; None for the
            usual share.
    """

    prompt: str
    negative_prompt: str
    settings: Settings
    image_number: int
    output_format: str
    seed: int | None
    base_model: str
    loras: tuple[tuple[str, float], ...]
    guidance_scale: float
    sampler: str
    scheduler: str
    clip_skip: int
    vae: str | None
    steps: int | None
    switch_step: int | None
    size: tuple[int, int] | None
    upscaler: str | None
    private: bool
    metadata: str
    wildcards_in_order: bool
    image_grid: bool
    action: str
    edit: Edit | None
    forced_strength: float | None


def read_choices(values: Sequence[object]) -> Choices:
    """Read the widgets' values, given in the order of ``widgets.NAMES``.

    Raises:
        RequestError: names the field, its value and what is allowed.
    """
    if len(values) != len(NAMES):
        raise RequestError(
            f"The page sent {len(values)} values instead of {len(NAMES)}; reload it."
        )
    checked = {
        widget.name: _read(widget, value) for widget, value in zip(WIDGETS, values, strict=True)
    }
    size = _forced_size(checked)
    steps, switch_step = (_forced(checked[name]) for name in ("steps", "switch_step"))
    styles = style_names(checked["styles"])
    original = checked[ORIGINAL.name]
    checked[ORIGINAL.name] = original if original and _holds(original, checked, styles) else None
    settings = Settings().replace(
        enabled=True,
        styles=styles,
        expansion=wants_expansion(styles),
        performance=checked["performance"],
        aspect_ratio=HOST_CHOICE if size else SIZE_LABELS[checked["aspect_ratio"]],
        refiner=checked["refiner"] or NONE,
        keep=[] if steps is None else ["steps"],
        **{name: checked[name] for name in ARGUMENTS},
    )
    if switch_step is not None and settings.refiner != NONE:
        share = switch_share(switch_step, steps or PERFORMANCES[settings.performance].steps)
        settings = settings.replace(refiner_switch=share)
    return Choices(
        settings=settings,
        size=size,
        seed=None if checked["random_seed"] else read_seed(checked["seed"]),
        loras=tuple(_loras(checked)),
        vae=None if checked["vae"] == DEFAULT else checked["vae"],
        switch_step=switch_step,
        steps=steps,
        upscaler=None if checked["upscaler"] == AUTOMATIC else checked["upscaler"],
        action=action_of(checked),
        edit=edit_of(checked),
        forced_strength=forced_strength(checked),
        **{name: checked[name] for name in _AS_THEY_ARE},
    )


_AS_THEY_ARE = (
    "prompt",
    "negative_prompt",
    "image_number",
    "output_format",
    "base_model",
    "guidance_scale",
    "sampler",
    "scheduler",
    "clip_skip",
    "private",
    "metadata",
    "wildcards_in_order",
    "image_grid",
)


def _holds(original: OriginalTexts, checked: Mapping[str, Any], styles: Sequence[str]) -> bool:
    """Whether a loaded picture's texts still are what the page asks for."""
    texts = checked["prompt"], checked["negative_prompt"]
    return original.hold_for(*texts, styles, expansion=wants_expansion(styles))


def style_names(value: str) -> list[str]:
    """Read the hidden list of selected styles. Raises RequestError if it is not one."""
    try:
        names = json.loads(value or "[]")
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise RequestError(f"Styles: got {describe(value)}; allowed: a JSON list of names.")
    return list(dict.fromkeys(names))


def style_value(names: Sequence[str]) -> str:
    """Return selected styles as the hidden list writes them."""
    return json.dumps(list(names), ensure_ascii=False)


_BEFORE_STEP = 0.25


def switch_share(step: int, steps: int) -> float:
    """Return the refiner switch that means a step: the share of the steps that it comes to.

    Under either rule that counts steps the refiner's first one is number ``step``, counted from 0: the
    quarter of a step before it is lost in their rounding, up or to the nearest, and in an infotext's.

    Raises:
        RequestError: the switch cannot be that early.
    """
    if step >= steps:
        return 1.0
    least = least_switch_step(steps)
    if step < least:
        raise RequestError(
            f"Forced refiner switch step: got {step}; allowed: {least} or more of {steps} steps, "
            f"or {OFF}."
        )
    return round((step - _BEFORE_STEP) / steps, 6)


def least_switch_step(steps: int) -> int:
    """Return the first step of so many at which a refiner can take over."""
    return math.ceil(FIELDS_BY_NAME["refiner_switch"].minimum * steps + _BEFORE_STEP)


def _forced(number: int) -> int | None:
    """Return a number that replaces another one; None if it is off, as 0 is, too."""
    return number if number > 0 else None


def _loras(checked: Mapping[str, Any]) -> list[tuple[str, float]]:
    slots = [(checked[slot.lora], checked[slot.weight]) for slot in LORAS if checked[slot.on]]
    return [(name, weight) for name, weight in slots if name not in ("", NONE) and weight]


def _forced_size(checked: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = checked["width"], checked["height"]
    if (width, height) == (OFF, OFF):
        return None
    shown = ASPECT_RATIOS[SIZE_LABELS[checked["aspect_ratio"]]]
    size = (shown.width if width == OFF else width, shown.height if height == OFF else height)
    for side, length in zip(("width", "height"), size, strict=True):
        if length % 8 or not FORCED_SIDE.minimum <= length <= FORCED_SIDE.maximum:
            raise RequestError(
                f"Forced {side}: got {length}; allowed: a multiple of 8 from {FORCED_SIDE.minimum} "
                f"to {FORCED_SIDE.maximum}, or {OFF}."
            )
    return size


def read_seed(value: str) -> int:
    """Read the box of the seed. Raises RequestError if it holds none."""
    if re.fullmatch(r"\s*\d{1,19}\s*", value) and int(value) <= SEED.maximum:
        return int(value)
    raise RequestError(
        f"Seed: got {describe(value)}; allowed: a whole number from 0 to {SEED.maximum}."
    )


def _read(widget: Widget, value: object) -> Any:
    try:
        return widget.read(value)
    except DataFileError as error:
        named = widget.title or widget.label
        raise RequestError(f"{named}: got {describe(value)}. {error}") from error
