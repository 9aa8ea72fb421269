"""The extension's entries in the webui's settings."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import gradio as gr
from modules import paths, shared

from fooocus_ext.core.refiner import SWITCH_RULES, SwitchRule
from fooocus_ext.prompting.expander.folder import MODELS_SUBFOLDER
from fooocus_ext.prompting.rewrite import BREAK, COMMA
from fooocus_ext.ui.model_download import download_form

CLIP_CHUNK = 75
SECTION = ("fooocus", "Fooocus")
REFINER_RULE = "fooocus_refiner_switch_rule"
SEPARATOR = "fooocus_text_separator"
WILDCARDS_IN_ORDER = "fooocus_wildcards_in_order"
EXPANSION_TARGET = "fooocus_expansion_target"
MODEL_DOWNLOAD = "fooocus_expansion_model_download"

_SEPARATORS = {"comma": COMMA, "BREAK": BREAK}


def register() -> None:
    """Add our settings; the host calls this each time it builds its settings page."""
    rule = shared.OptionInfo(
        SWITCH_RULES[0],
        "Refiner switch rule",
        gr.Radio,
        {"choices": list(SWITCH_RULES)},
        section=SECTION,
        infotext="Fooocus refiner rule",
    ).info(
        "steps: the share of the sampling steps; timestep: the share of the noise schedule, as the "
        "webui's own refiner; Fooocus: as Fooocus, where the base also makes the step of the switch"
    )
    separator = shared.OptionInfo(
        "comma",
        "What stands between the texts of a prompt, its styles and its expansion",
        gr.Radio,
        {"choices": list(_SEPARATORS)},
        section=SECTION,
        infotext="Fooocus text separator",
    ).info("BREAK: each is encoded on its own, as Fooocus does")
    in_order = shared.OptionInfo(
        False, "Wildcards take their options in order of the pictures", section=SECTION
    )
    target = shared.OptionInfo(
        CLIP_CHUNK,
        "Prompt expansion fills the prompt up to a multiple of this many tokens",
        gr.Slider,
        {"minimum": 15, "maximum": 300, "step": 5},
        section=SECTION,
        infotext="Fooocus expansion target",
    )
    download = shared.OptionHTML(download_form(Path(paths.models_path) / MODELS_SUBFOLDER))
    download.section = SECTION
    for key, option in (
        (REFINER_RULE, rule),
        (SEPARATOR, separator),
        (WILDCARDS_IN_ORDER, in_order),
        (EXPANSION_TARGET, target),
        (MODEL_DOWNLOAD, download),
    ):
        shared.opts.add_option(key, option)


def text_separator() -> str:
    """Return what joins a prompt, its styles and its expansion."""
    return _SEPARATORS[getattr(shared.opts, SEPARATOR, "comma")]


def wildcards_in_order() -> bool:
    """Return whether wildcards count through their options instead of drawing."""
    return bool(getattr(shared.opts, WILDCARDS_IN_ORDER, False))


def refiner_switch_rule() -> SwitchRule:
    """Return the rule that decides when the refiner takes over."""
    return cast(SwitchRule, getattr(shared.opts, REFINER_RULE, SWITCH_RULES[0]))


def expansion_target() -> int:
    """Return the number of tokens whose multiples prompt expansion fills up to."""
    return int(getattr(shared.opts, EXPANSION_TARGET, CLIP_CHUNK))
