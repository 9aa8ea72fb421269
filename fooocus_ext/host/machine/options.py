"""The extension's entries in the webui's settings."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import gradio as gr
from modules import paths, shared

from fooocus_ext import infotext
from fooocus_ext.core.refiner_switch import SWITCH_RULES, SwitchRule
from fooocus_ext.errors import RequestError, describe
from fooocus_ext.limits import IMAGE_NUMBER, LORA_SLOTS, WholeRange
from fooocus_ext.markup import render
from fooocus_ext.prompting.chunks import CHUNK
from fooocus_ext.prompting.expansion_folder import MODELS_SUBFOLDER, NOTICE
from fooocus_ext.prompting.lines import COMMA
from fooocus_ext.prompting.rewrite import BREAK
from fooocus_ext.tab.page_limits import PageLimits

log = logging.getLogger("fooocus")

SECTION = ("fooocus", "Fooocus")
REFINER_RULE = "fooocus_refiner_switch_rule"
SEPARATOR = "fooocus_text_separator"
WILDCARDS_IN_ORDER = "fooocus_wildcards_in_order"
EXPANSION_TARGET = "fooocus_expansion_target"
EXPANSION_FILL = "fooocus_expansion_fill"
INTERMEDIATE_OFF = "fooocus_disable_intermediate_results"
LARGEST_IMAGE_NUMBER = "fooocus_largest_image_number"
SLOTS = "fooocus_lora_slots"
MODEL_FILES = "fooocus_model_files"
MODEL_DOWNLOAD = "fooocus_expansion_model_download"
START_WITH = ("default preset", "last session")
"""What the tab has in its widgets when a page is opened; javascript/fooocus_session.js reads the setting."""

_SEPARATORS = {"comma": COMMA, "BREAK": BREAK}
_OFFERED = {LARGEST_IMAGE_NUMBER: IMAGE_NUMBER, SLOTS: WholeRange(1, LORA_SLOTS)}
"""How much the tab's page offers, at most by default."""


@dataclass(frozen=True)
class _Setting:
    """One setting that changes pictures.

    Attributes:
        default: its default; its values have this type.
        allowed: its values.
        infotext: the key under which the infotext of a picture has a value that is not the default.
    """

    default: Any
    allowed: Sequence[Any]
    infotext: str


_SETTINGS = {
    REFINER_RULE: _Setting(SWITCH_RULES[0], SWITCH_RULES, infotext.REFINER_RULE),
    SEPARATOR: _Setting("comma", tuple(_SEPARATORS), infotext.SEPARATOR),
    WILDCARDS_IN_ORDER: _Setting(False, (False, True), infotext.WILDCARDS_IN_ORDER),
    EXPANSION_TARGET: _Setting(CHUNK, range(15, 301), infotext.EXPANSION_TARGET),
    EXPANSION_FILL: _Setting(False, (False, True), infotext.EXPANSION_FILL),
}


def register() -> None:
    """Add our settings; the host calls this each time it builds its settings page."""
    _add(
        REFINER_RULE, "Refiner switch rule", gr.Radio, choices=list(_SETTINGS[REFINER_RULE].allowed)
    ).info(
        "steps: the share of the sampling steps; timestep: the share of the noise schedule, as the "
        "webui's own refiner; Fooocus: as Fooocus, where the base also makes the step of the switch"
    )
    _add(
        SEPARATOR,
        "What stands between the texts of a prompt, its styles and its expansion",
        gr.Radio,
        choices=list(_SETTINGS[SEPARATOR].allowed),
    ).info("BREAK: each is encoded on its own, as Fooocus does")
    _add(WILDCARDS_IN_ORDER, "Wildcards take their options in order of the pictures", gr.Checkbox)
    targets = _SETTINGS[EXPANSION_TARGET].allowed
    _add(
        EXPANSION_TARGET,
        "Prompt expansion ends before the prompt exceeds a multiple of this many tokens",
        gr.Slider,
        minimum=targets[0],
        maximum=targets[-1],
        step=5,
    )
    _add(EXPANSION_FILL, "Prompt expansion fills the prompt up to that number", gr.Checkbox).info(
        "as Fooocus does; otherwise it writes a few words that suit the prompt and stops"
    )
    intermediate = shared.OptionInfo(
        False, "Disable intermediate results", gr.Checkbox, section=SECTION
    ).info("the Fooocus tab shows the pictures of a job when it ends, not each when it is finished")
    _register(INTERMEDIATE_OFF, intermediate)
    start = shared.OptionInfo(
        START_WITH[0], "Start with", gr.Radio, {"choices": list(START_WITH)}, section=SECTION
    ).info("last session: each browser keeps the settings of its last job, unless that was private")
    _register("fooocus_start_with", start)
    _add_offered(LARGEST_IMAGE_NUMBER, "Largest image number")
    _add_offered(SLOTS, "Number of LoRA slots")
    page_limits.cache_clear()
    _show(MODEL_FILES, render("model_files.html"))
    folder = Path(paths.models_path) / MODELS_SUBFOLDER
    _show(MODEL_DOWNLOAD, render("model_download.html", folder=folder, notice=NOTICE))


def _show(key: str, html: str) -> None:
    option = shared.OptionHTML(html)
    option.section = SECTION
    shared.opts.add_option(key, option)


def _add(key: str, label: str, widget: type, **widget_arguments: Any) -> Any:
    setting = _SETTINGS[key]
    option = shared.OptionInfo(
        setting.default,
        label,
        widget,
        widget_arguments,
        section=SECTION,
        infotext=setting.infotext,
    )
    _register(key, option)
    return option


def _add_offered(key: str, label: str) -> None:
    allowed = _OFFERED[key]
    ends = {"minimum": allowed.minimum, "maximum": allowed.maximum, "step": 1}
    option = shared.OptionInfo(allowed.maximum, label, gr.Slider, ends, section=SECTION)
    _register(key, option.info('in the Fooocus tab, after "Reload UI"'))


def _register(key: str, option: Any) -> None:
    shared.opts.add_option(key, option)
    # Webui 1.6 does not do so, and then cannot override the option for a request.
    shared.opts.data.setdefault(key, option.default)


@functools.cache
def page_limits() -> PageLimits:
    """Return how much the tab offers, as it was set when the host built its page."""
    return PageLimits(_offered(LARGEST_IMAGE_NUMBER), _offered(SLOTS))


def _offered(key: str) -> int:
    allowed = _OFFERED[key]
    value = getattr(shared.opts, key, allowed.maximum)
    if value in range(allowed.minimum, allowed.maximum + 1):
        return int(value)
    log.warning(
        "%s: got %s; allowed: a whole number, %d to %d. %d is used.",
        *(key, describe(value), *allowed, allowed.maximum),
    )
    return allowed.maximum


def shows_intermediate_results() -> bool:
    """Return whether the tab shows each picture of a job when it is finished."""
    return not getattr(shared.opts, INTERMEDIATE_OFF, False)


def text_separator() -> str:
    """Return what joins a prompt, its styles and its expansion."""
    return _SEPARATORS[_value(SEPARATOR)]


def wildcards_in_order() -> bool:
    """Return whether wildcards count through their options instead of drawing."""
    return cast(bool, _value(WILDCARDS_IN_ORDER))


def refiner_switch_rule() -> SwitchRule:
    """Return the rule that decides when the refiner takes over."""
    return cast(SwitchRule, _value(REFINER_RULE))


def expansion_target() -> int:
    """Return the number of tokens whose multiples prompt expansion fills up to."""
    return cast(int, _value(EXPANSION_TARGET))


def expansion_fills() -> bool:
    """Return whether prompt expansion fills the prompt up, as in Fooocus."""
    return cast(bool, _value(EXPANSION_FILL))


def entries(*keys: str) -> dict[str, str]:
    """Return the infotext entries of those of our settings that are not at their defaults."""
    values = {_SETTINGS[key]: _value(key) for key in keys}
    return {s.infotext: str(value) for s, value in values.items() if value != s.default}


def _value(key: str) -> Any:
    """Return the value of one of our settings, which a request may have overridden.

    Raises:
        RequestError: it is none of those that the settings page offers.
    """
    setting = _SETTINGS[key]
    value = getattr(shared.opts, key, setting.default)
    if value in setting.allowed:
        return type(setting.default)(value)
    if isinstance(setting.allowed, range):
        allowed = f"a whole number, {setting.allowed[0]} to {setting.allowed[-1]}"
    else:
        allowed = ", ".join(json.dumps(choice) for choice in setting.allowed)
    raise RequestError(f"{key}: got {describe(value)}; allowed: {allowed}.")
