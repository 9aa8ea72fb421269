"""Prints where arguments appear that stand in the argument table alone, as JSON.

Run in a process of its own, in the root of a copy of the extension: ``python new_argument_report.py
values texts``. Both are JSON objects by the arguments' names: a value of each other than its default, and
that value as a text.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import json
import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

ABSENT = ("modules", "launch", "k_diffusion", "ldm", "sgm")


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives every module of the webui's a stand-in that has whatever it is asked for."""

    def find_spec(self, name, _path=None, _target=None):
        """Find the webui's modules."""
        ours = name.partition(".")[0] in ABSENT
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if ours else None

    def create_module(self, spec):
        """Make a stand-in."""
        return MagicMock(name=spec.name, __path__=[], __spec__=spec)

    def exec_module(self, _module):
        """Leave the stand-in as it is."""


def panel(arguments):
    """Return the panel's labels for the arguments."""
    import gradio as gr

    from fooocus_ext.args import FIELDS
    from fooocus_ext.ui.panel import PanelServices, build_panel

    @contextlib.contextmanager
    def accordion(_value, **_options):
        yield gr.Checkbox()

    listed = ("refiner", "styles", "aspect_ratio", "preset", "scratch_name")
    services = PanelServices(
        elem_id=lambda name: name,
        accordion=accordion,
        choices={name: lambda: ["a"] for name in listed},
        refresh_button=lambda *_given: None,
        tool_button=lambda *_given: gr.Button(),
        release_refiner=lambda: "",
        checkpoint_title=str,
        not_pasted=tuple,
    )
    with gr.Blocks():
        built = build_panel(services)
    shown = dict(zip([field.name for field in FIELDS], built.components, strict=True))
    return {name: [type(shown[name]).__name__, shown[name].label] for name in arguments}


def tab(arguments):
    """Return the tab's components for the arguments, and the settings that their values become."""
    import gradio as gr

    from fooocus_ext.tab.choices import read_choices
    from fooocus_ext.tab.widgets import DEFAULTS, NAMES
    from fooocus_ext.ui.tab.page import build_tab
    from fooocus_ext.ui.tab.services import TabServices

    lists = ("preset", "base_model", "refiner", "lora", "vae", "sampler", "scheduler", "upscaler")
    services = TabServices(
        values={**DEFAULTS, "preset": "a"},
        notes="",
        choices={name: lambda: ["a"] for name in lists},
        styles=str,
        first_run=str,
        send_buttons=lambda _tabs: {},
        history="",
    )
    with gr.Blocks():
        built = build_tab(services)
    shown = {name: built.widgets[name] for name in arguments}
    chosen = read_choices([{**DEFAULTS, **arguments}[name] for name in NAMES])
    return {
        "shown": {name: [type(made).__name__, made.label] for name, made in shown.items()},
        "help": {name: made.webui_tooltip for name, made in shown.items()},
        "read": picked(chosen.settings.as_dict(), arguments),
        "log": log(chosen, arguments),
    }


def log(choices, arguments):
    """Return what the log records of the arguments, its labels, and what it fills the tab with."""
    from fooocus_ext.image_log import Entry
    from fooocus_ext.metadata.fooocus import read_fooocus_settings
    from fooocus_ext.presets.installed import Installed
    from fooocus_ext.prompting.styles import StyleLibrary
    from fooocus_ext.tab.fill import fill
    from fooocus_ext.tab.record import settings_used

    used = settings_used(
        choices,
        seed=1,
        steps=2,
        size=(8, 8),
        full_prompt=[""],
        full_negative_prompt=[""],
    )
    content = json.loads(json.dumps(used.to_json()))
    wrong = read_fooocus_settings({**content, **{name: {} for name in arguments}})
    return {
        "written": picked(content, arguments),
        "rows": [label for label, _value in Entry(0, "", "", content).rows],
        "filled": picked(
            fill(read_fooocus_settings(content), Installed(), StyleLibrary()).values, arguments
        ),
        "problems": len(wrong.problems),
    }


def api(arguments):
    """Return what the API makes of the arguments."""
    from fooocus_ext.api.bodies import PictureRequest, settings_of
    from fooocus_ext.args import json_schema, parse

    return {
        "request": picked(settings_of(PictureRequest(**arguments)).as_dict(), arguments),
        "described": picked(PictureRequest.schema()["properties"], arguments),
        "schema": picked(json_schema()["properties"], arguments),
        "parsed": picked(parse([arguments]).as_dict(), arguments),
    }


def infotexts(arguments):
    """Return what an infotext says of the arguments, and what is read from that."""
    from fooocus_ext import infotext
    from fooocus_ext.args import Settings
    from fooocus_ext.metadata.infotext import from_infotext
    from fooocus_ext.presets.installed import Installed
    from fooocus_ext.prompting.styles import StyleLibrary
    from fooocus_ext.tab.fill import fill

    entries = infotext.settings_entries(Settings().replace(enabled=True, **arguments))
    return {
        "written": entries,
        "read": picked(infotext.field_values(entries), arguments),
        "filled": picked(
            fill(from_infotext(entries), Installed(), StyleLibrary()).values, arguments
        ),
    }


def axes(texts):
    """Return the value that each argument's axis of X/Y/Z plots makes of a text."""
    from fooocus_ext.args import FIELDS_BY_NAME, Settings

    sys.meta_path.insert(0, StandIns())
    host = importlib.import_module("modules.scripts")
    script = MagicMock()
    script.script_class.__module__ = "xyz_grid.py"
    script.module.AxisOption = lambda label, kind, apply, **_options: MagicMock(
        label=label, kind=kind, apply=apply
    )
    script.module.axis_options = []
    host.scripts_data = [script]
    ours = importlib.import_module("fooocus_ext.host.panel.axes")
    ours.register()
    by_label = {axis.label: axis for axis in script.module.axis_options}
    found = {}
    for name, text in texts.items():
        axis = by_label[f"[Fooocus] {FIELDS_BY_NAME[name].label}"]
        cell = SimpleNamespace()
        axis.apply(cell, axis.kind(text), [])
        settings = ours.apply_overrides(cell, Settings())
        found[name] = settings.as_dict()[name]
    return found


def picked(values, names):
    """Return the values of the named arguments."""
    return {name: values[name] for name in names}


def kinds(arguments):
    """Return the kinds of the arguments."""
    from fooocus_ext.args import FIELDS_BY_NAME

    return [FIELDS_BY_NAME[name].kind for name in arguments]


def main(arguments, texts):
    """Report."""
    report = {
        "kinds": kinds(arguments),
        "panel": panel(arguments),
        "tab": tab(arguments),
        "api": api(arguments),
        "infotexts": infotexts(arguments),
        "axes": axes(texts),
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), json.loads(sys.argv[2]))
