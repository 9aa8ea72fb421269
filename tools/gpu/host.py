"""The embedded webui with Pocket SDXL, in a process of its own, on a GPU or a CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from embedded_webui import bootstrap, no_page, pictures
from fooocus_ext import infotext
from tools.gpu import letters, progress
from tools.gpu.running import Setting

FULL_PRECISION = ("--no-half", "--precision", "full")
ON_CPU = ("--use-cpu", "all", *FULL_PRECISION)
CFG_SCALE = 9.0
REQUEST: Mapping[str, Any] = {
    "prompt": "a red fox in the snow",
    "negative_prompt": "blurry",
    "sampler_name": "DPM++ 2M",
    "scheduler": "Karras",
    "cfg_scale": CFG_SCALE,
    "seed": 1,
}
TRICKS: Mapping[str, Any] = {
    "expansion": False,
    "styles": [],
    "sharpness": 10.0,
    "adm_positive": 1.5,
    "adm_negative": 0.8,
    "adm_end": 0.3,
    "adaptive_cfg": 5.0,
}
REFINER_SWITCH = 0.6


def flags(setting: Setting) -> Sequence[str]:
    """Return the webui's flags for a device, with what it does there without any."""
    return () if setting.on_cuda else ON_CPU


def configure(setting: Setting) -> None:
    """Have the webui know its devices; it gets neither a page nor a model."""
    _stand_in()
    bootstrap(["--data-dir", setting.folder, *flags(setting)])


def start(setting: Setting, webui_flags: Sequence[str]) -> None:
    """Start the webui and load its checkpoint; its noise comes from the CPU, whatever the device."""
    _stand_in()
    pictures.start(["--data-dir", setting.folder, "--pocket", *webui_flags])
    from modules import shared  # noqa: PLC0415 - exists only now

    shared.opts.data["randn_source"] = "CPU"
    if shared.sd_model is None:  # reading it loads it
        raise RuntimeError("the checkpoint could not be loaded; see above")


def _stand_in() -> None:
    no_page.install()
    letters.install()
    progress.install()


def refiner() -> dict[str, Any]:
    """Return the arguments for a joint refiner."""
    from modules import sd_models  # noqa: PLC0415

    titles = sd_models.checkpoint_tiles()
    title = next(title for title in titles if "refiner" in title)
    return {"refiner": title, "refiner_switch": REFINER_SWITCH, "refiner_method": "joint"}


def make(settings: Mapping[str, Any] | None, **request: Any) -> pictures.Made:
    """Make the pictures of a request, with the extension's settings, or with it off.

    Raises:
        RuntimeError: something was skipped, or no picture came.
    """
    made = pictures.make({**REQUEST, **request}, settings)
    skipped = [text for text in made.infotexts if infotext.SKIPPED in text]
    if skipped or not made.images:
        raise RuntimeError(f"not all was applied: {skipped or made.comments or 'no picture'}")
    return made
