"""What the X/Y/Z axes refuse before a grid begins: what no cell could be made with, and no more."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import pytest
from fastapi import HTTPException

from fooocus_ext.args import FIELDS_BY_NAME
from fooocus_ext.presets.files import PresetLibrary
from fooocus_ext.presets.preset import Preset
from tests.contract import probes

ELSEWHERE = Preset("elsewhere", base_model="not-here.safetensors")
REFINED = Preset("refined", refiner="not-here-either.safetensors")


def own_axes():
    return importlib.import_module("fooocus_ext.host.panel.axes")


@pytest.fixture
def request_of(host, monkeypatch):
    """Makes a request as it comes to X/Y/Z plot, with two presets whose files are missing."""
    axes = own_axes()
    presets = {**axes.assets.presets().presets, "elsewhere": ELSEWHERE, "refined": REFINED}
    monkeypatch.setattr(axes.assets, "presets", lambda: PresetLibrary(presets))

    def make(fooocus=None, **request):
        with probes.processing_objects(host) as objects:
            host.generate(fooocus or {}, steps=1, width=64, height=64, **request)
        return objects[0]

    return make


def refusal(p, name, values):
    """Return what the axis of a field says against values; empty if nothing."""
    try:
        own_axes()._confirm(FIELDS_BY_NAME[name])(p, values)
    except HTTPException as error:
        return error.detail
    return ""


class Axis:
    """As the webui's AxisOption."""

    def __init__(self, label, type, apply, confirm, choices):  # noqa: A002
        self.label, self.type, self.apply, self.confirm, self.choices = (
            label,
            type,
            apply,
            confirm,
            choices,
        )


def read(p, name, text):
    """Return the values of an axis's cells, as the host's X/Y/Z plot gets them of a text without commas."""
    option = own_axes()._axis(Axis, FIELDS_BY_NAME[name])
    values = [option.type(text)]
    option.confirm(p, values)
    return values


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("refiner_switch", "0.5-1.0 (+0.1)", [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ("adm_end", "0-1 (+0.3)", [0.0, 0.3, 0.6, 0.9]),
        ("adm_end", "1-0 (-0.25)", [1.0, 0.75, 0.5, 0.25, 0.0]),
        ("adm_end", "0-1 [5]", [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("sharpness", "1-3", [1.0, 2.0, 3.0]),
        ("sharpness", "2.5", [2.5]),
    ],
)
def test_the_webuis_ranges_of_numbers_are_read(request_of, name, text, values):
    p = request_of()
    assert read(p, name, text) == values
    own_axes()._apply(FIELDS_BY_NAME[name])(p, values[-1], values)
    settings = own_axes().apply_overrides(p, own_axes().Settings())
    assert getattr(settings, name) == values[-1]


@pytest.mark.parametrize("text", ["abc", "1-0", "0-1 (+0)", "0-1 [0]", "0-1.5 (+0.5)", "1.000001"])
def test_a_wrong_text_is_refused_with_its_axis(request_of, text):
    with pytest.raises(HTTPException) as refused:
        read(request_of(), "adm_end", text)
    assert f'X/Y/Z plot, "[Fooocus] ADM end": got "{text}"' in refused.value.detail


def test_the_model_of_a_preset_is_missed_only_where_it_would_be_used(host, request_of):
    assert "not-here.safetensors" in refusal(request_of(), "preset", ["elsewhere"])
    p = request_of(override_settings={"sd_model_checkpoint": host.checkpoints.base})
    p.override_settings = {"sd_model_checkpoint": host.checkpoints.base}  # restored after the job
    assert refusal(p, "preset", ["elsewhere"]) == ""
    assert "there is no preset" in refusal(p, "preset", ["elsewher"])


def test_an_axis_of_checkpoints_chooses_one_too(request_of):
    p = request_of()
    count = len(p.script_args)

    class Grid:
        """As the webui's script of that name, up to where its axes are chosen."""

        args_from, args_to = count, count + 4
        current_axis_options = (SimpleNamespace(label="Nothing"), SimpleNamespace(label="Seed"))

        def run(self, p, x_type, x_values, y_type, y_values):
            """The axes are numbers in the list of options."""

    Grid.__module__ = "xyz_grid.py"
    grid = Grid()
    p.scripts = SimpleNamespace(
        selectable_scripts=[grid], alwayson_scripts=p.scripts.alwayson_scripts
    )
    p.script_args = [*p.script_args, 0, "", 1, ""]
    assert "not-here.safetensors" in refusal(p, "preset", ["elsewhere"])
    grid.current_axis_options = (
        *grid.current_axis_options[:1],
        SimpleNamespace(label="Checkpoint name"),
    )
    assert refusal(p, "preset", ["elsewhere"]) == ""


def test_what_the_page_decides_is_not_missed_of_a_preset(host, request_of):
    assert "not-here-either" in refusal(request_of(), "preset", ["refined"])
    p = request_of({"keep": ["refiner"]})
    assert refusal(p, "preset", ["refined"]) == ""
    p = request_of({"refiner": host.checkpoints.refiner})
    assert refusal(p, "preset", ["refined"]) == ""
