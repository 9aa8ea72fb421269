"""What there is to choose from on the page, as this machine has it now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from modules import sd_models, shared

from fooocus_ext.args import NONE
from fooocus_ext.host.machine import assets, checkpoints
from fooocus_ext.markup import render
from fooocus_ext.presets.published import CHECKPOINTS
from fooocus_ext.tab.style_list import grouped_styles
from fooocus_ext.tab.widgets import AUTOMATIC, DEFAULT


def choices() -> Mapping[str, Callable[[], Sequence[str]]]:
    """Return the functions that list the dropdowns' choices."""
    return {
        "preset": lambda: assets.presets().names,
        "base_model": sd_models.checkpoint_tiles,
        "refiner": checkpoints.names,
        "lora": lambda: [NONE, *assets.lora_names()],
        "vae": lambda: [DEFAULT, NONE, *assets.installed().vaes],
        "sampler": assets.visible_sampler_names,
        "scheduler": assets.scheduler_labels,
        "upscaler": lambda: [AUTOMATIC, *(u.name for u in shared.sd_upscalers if u.name != NONE)],
    }


def style_list() -> str:
    """Return the list of styles as HTML, every text in it escaped."""
    return render("styles.html", groups=grouped_styles(assets.styles()))


def first_run() -> str:
    """Return what to say where there is no SDXL model, as HTML; empty where there is one."""
    if checkpoints.sdxl_bases():
        return ""
    folder = assets.installed().folders.checkpoints
    return render("first_run.html", models=CHECKPOINTS, folder=folder)
