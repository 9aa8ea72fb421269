"""A preset as the page takes it: nothing of the preset before it stays where it is silent.

Elsewhere a key that a preset does not have means "as it is now"; on a page that would be whatever was
chosen last.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from fooocus_ext.args import FOOOCUS, NONE
from fooocus_ext.data_files import Problem
from fooocus_ext.limits import CLIP_SKIP_ON_SDXL, OFF, USUAL_CLIP_SKIP
from fooocus_ext.presets.aspect_ratios import allowed_size
from fooocus_ext.presets.preset import KEYS, Preset
from fooocus_ext.presets.resolve import MODEL_OF_CHECKPOINT
from fooocus_ext.tab.widgets import DEFAULTS

_LEFT_TO_THE_PAGE = ("base_model", "prompt", "negative_prompt")
_AS_WIDGETS = (
    "refiner_switch",
    "sharpness",
    "adaptive_cfg",
    "adm_positive",
    "adm_negative",
    "adm_end",
    "refiner_method",
    "clip_skip",
    "steps",
    "switch_step",
    "image_number",
)
_DEFAULTS = Preset(
    NONE,
    refiner=NONE,
    loras=(),
    vae=MODEL_OF_CHECKPOINT,
    **{name: DEFAULTS[name] for name in _AS_WIDGETS},
)
"""What Fooocus takes where not even its default preset says anything."""


def on_page(preset: Preset, plain: Preset | None, rendering: str = FOOOCUS) -> Preset:
    """Return a preset with a value for all that it may determine, but for model and prompts.

    Args:
        preset: the preset. What its file states and cannot have stays as it is on the page, as its
            problems say; but for a size, which the page can force.
        plain: what it is silent about, as Fooocus's own default preset has it.
        rendering: the page's.
    """
    in_vain = {problem.entry for problem in preset.problems}
    of_sampling = {KEYS["sampler"], KEYS["scheduler"]}
    if in_vain & of_sampling:  # one is not taken over without the other
        in_vain |= of_sampling
    values = {
        name: getattr(_DEFAULTS if getattr(plain, name, None) is None else plain, name)
        for name, key in KEYS.items()
        if getattr(preset, name) is None and name not in _LEFT_TO_THE_PAGE and key not in in_vain
    }
    problems = tuple(
        problem
        for problem in preset.problems
        if preset.size is None or problem.entry != KEYS["aspect_ratio"]
    )
    if rendering != FOOOCUS and preset.clip_skip not in (None, USUAL_CLIP_SKIP):
        entry = f"clip skip {preset.clip_skip}"
        problems += (Problem(str(preset.source or preset.name), entry, f"{CLIP_SKIP_ON_SDXL}."),)
    return dataclasses.replace(preset, **values, problems=problems)


def ended_size(
    width: float | None, height: float | None, presets: Iterable[Preset]
) -> dict[str, int]:
    """Return the widgets' values that end a forced size if one of ``presets`` has brought it."""
    sizes = [allowed_size(preset.size) for preset in presets if preset.size]
    is_brought = (width, height) in [(size.width, size.height) for size in sizes]
    return {"width": OFF, "height": OFF} if is_brought else {}
