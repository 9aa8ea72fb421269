"""Filling the tab's widgets: at first, from a preset, and after files have come or gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
from modules import sd_models

from fooocus_ext.args import FOOOCUS
from fooocus_ext.data_files import DataFileError, parse_json
from fooocus_ext.host.machine import assets, checkpoints, model_files, options
from fooocus_ext.host.tab import lists
from fooocus_ext.markup import render
from fooocus_ext.metadata.preset import from_preset
from fooocus_ext.presets.preset import Preset
from fooocus_ext.presets.published import KINDS
from fooocus_ext.readers import names as read_names
from fooocus_ext.tab.arrivals import values_for
from fooocus_ext.tab.fill import Filled, fill
from fooocus_ext.tab.on_page import ended_size, on_page
from fooocus_ext.tab.page_limits import fit
from fooocus_ext.tab.widgets import BY_NAME, DEFAULTS, LORAS, NAMES, RENDERING

FIRST_PRESETS = ("default", "sai", "realistic")
"""The presets of a first visit, best first: the first whose models are all installed is taken."""
PLAIN_PRESET = "initial"

LISTS = ("base_model", "refiner", *(slot.lora for slot in LORAS), "vae", "upscaler")
REFRESHED = (
    *LISTS,
    *(name for slot in LORAS for name in (slot.on, slot.weight)),
    "width",
    "height",
)
"""The widgets that may change when files have come or gone."""


def initial() -> Filled:
    """Return the widgets' first values: the best that the installed models can do."""
    values: dict[str, Any] = {**DEFAULTS, "base_model": next(iter(_bases()), "")}
    name = _first_preset()
    preset = Filled({}) if name is None else _fill_from_preset(name, DEFAULTS[RENDERING.name])
    values.update(preset.values)
    values["preset"] = name
    values["wildcards_in_order"] = options.wildcards_in_order()
    values.update(checkpoints.small_size(values["base_model"]))
    return for_page(Filled(values, preset.notes))


def for_page(filled: Filled) -> Filled:
    """Return the values as far as the page offers them, with notes on those that it does not."""
    return fit(filled, options.page_limits())


def _bases() -> list[str]:
    return checkpoints.sdxl_bases() or sd_models.checkpoint_tiles()


def _first_preset() -> str | None:
    library, installed = assets.presets().presets, assets.installed()
    for name in FIRST_PRESETS:
        preset = library.get(name)
        if preset and not installed.find(preset).problems:
            return name
    return PLAIN_PRESET if PLAIN_PRESET in library else None


def _preset(name: str, rendering: str = FOOOCUS) -> Preset:
    presets = assets.presets().presets
    return on_page(presets[name], presets.get(PLAIN_PRESET), rendering)


def _fill_from_preset(name: str, rendering: str) -> Filled:
    preset, installed = _preset(name, rendering), assets.installed()
    return fill(from_preset(preset, installed.find(preset)), installed, assets.styles(), rendering)


def load_preset(
    name: str, width: float | None, height: float | None, rendering: str, base_model: str
) -> list[Any]:
    """Return updates of all widgets, and of the messages, for a chosen preset.

    The size that is forced on the page stays, unless it is one that a preset has brought; then that of
    a checkpoint for small pictures takes its place, if one is used.
    """
    presets = assets.presets().presets
    if name not in presets:
        return updates(Filled({}, (f"There is no preset {name}.",)))
    filled = _fill_from_preset(name, rendering)
    ended = ended_size(width, height, presets.values())
    if ended:
        ended.update(checkpoints.small_size(filled.values.get("base_model") or base_model))
    return updates(Filled({**ended, **filled.values}, filled.notes))


def updates(filled: Filled) -> list[Any]:
    """Return updates of the widgets in the order of ``NAMES``, and of the messages below them."""
    filled = for_page(filled)
    changed = [
        gr.update(value=filled.values[name]) if name in filled.values else gr.update()
        for name in NAMES
    ]
    return [*changed, notice(filled.notes)]


def notice(notes: Sequence[str]) -> str:
    """Return sentences for the place below the prompt, as HTML; empty for none."""
    return render("notice.html", kind="note", messages=notes)


def refreshed(
    first_run_before: str,
    preset: str | None,
    arrived: str,
    *slots: str,
) -> list[Any]:
    """Read all folders again; return updates of the widgets of ``REFRESHED``, the presets and the message.

    Where the page has been saying that there is no model, the first one that there is now becomes the
    base model, with the size that it states if it is a small one. Files that have just come take the
    places that the chosen preset has for them.

    Args:
        first_run_before: what the page has been saying.
        preset: the chosen preset.
        arrived: the names of files that have come, as a JSON list; empty for none.
        slots: the LoRAs on the page.
    """
    for kind in KINDS:
        model_files.read_again(kind)
    assets.reload()
    choices = lists.choices()
    changes: dict[str, dict[str, Any]] = {
        name: {"choices": list(choices[BY_NAME[name].listed_as]())} for name in LISTS
    }
    message = lists.first_run()
    if first_run_before.strip() and not message:
        base = _bases()[0]
        changes["base_model"]["value"] = base
        changes.update({side: {"value": n} for side, n in checkpoints.small_size(base).items()})
    for name, value in _arrived(arrived, preset or "", slots).items():
        changes.setdefault(name, {})["value"] = value
    return [
        *(gr.update(**changes.get(name, {})) for name in REFRESHED),
        gr.update(choices=list(choices["preset"]())),
        message,
    ]


def _arrived(arrived: str, preset: str, slots: Sequence[str]) -> dict[str, Any]:
    try:
        files = read_names(parse_json(arrived or "[]"))
    except DataFileError:
        return {}
    if not files or preset not in assets.presets().presets:
        return {}
    chosen = _preset(preset)
    shown = slots[: options.page_limits().lora_slots]
    return values_for(files, chosen, assets.installed().find(chosen), shown)
