"""The panel's button and list on the page of the webui, in whatever order its user has it built."""

from __future__ import annotations

import importlib
import itertools
from types import SimpleNamespace

import gradio
import pytest


@pytest.fixture
def page(host):
    """Builds the page with an order of items ("UI item order"); the usual one is built at the end."""
    create_ui, data = host.modules.ui.create_ui, host.modules.shared.opts.data
    former = {name: data.get(name) for name in ("ui_reorder_list", "compact_prompt_box")}

    def build(order, *, is_compact):
        data.update(ui_reorder_list=order, compact_prompt_box=is_compact)
        return create_ui()

    yield build
    data.update({name: value for name, value in former.items() if value is not None})
    create_ui()


def handlers(demo, button):
    """Return how many functions a click on the button of that id calls with what is on the page."""
    (number,) = [n for n, block in demo.blocks.items() if block.elem_id == button]
    targets = [
        target if isinstance(target, int) else target[0]
        for dependency in demo.get_config_file()["dependencies"]
        if dependency["inputs"]
        for target in dependency["targets"]
    ]
    return targets.count(number)


def own_build(host):
    return importlib.import_module("fooocus_ext.host.panel.build")


@pytest.mark.reports_errors  # Forge shows one for each unreadable checkpoint that it lists anew
@pytest.mark.parametrize("is_compact", [False, True])
@pytest.mark.parametrize(
    "order",
    [[], ["seed"], ["accordions"], ["accordions", "seed", "prompt"], ["seed", "accordions"]],
)
def test_expand_is_connected_once_whatever_is_built_first(host, page, order, is_compact):
    if is_compact:
        host.need_setting("compact_prompt_box")
    build = own_build(host)
    build.PRESET_LISTS.clear()
    demo = page(order, is_compact=is_compact)
    for tab in ("txt2img", "img2img"):
        button = host.script_of(tab).elem_id("expand")
        assert handlers(demo, button) == 1, button
        assert build.PRESET_LISTS[tab]._id in demo.blocks


@pytest.mark.reports_errors  # Forge shows one for each unreadable checkpoint that it lists anew
def test_panels_that_belong_to_no_page_are_connected_to_none(host, page):
    """The API builds panels to read the defaults of their fields."""
    demo = page(["seed"], is_compact=False)
    build = own_build(host)
    lists = dict(build.PRESET_LISTS)
    with gradio.Blocks() as nowhere:
        for tab in ("txt2img", "img2img"):
            for script in host.runner_of(tab).scripts:
                script.ui(script.is_img2img)
    button = host.script.elem_id("expand")
    assert handlers(nowhere, button) == 0
    assert handlers(demo, button) == 1
    assert lists == build.PRESET_LISTS


@pytest.mark.parametrize("order", list(itertools.permutations(["prompt", "seed", "panel"])))
def test_whatever_comes_last_connects_them(host, monkeypatch, order):
    """The prompt, too: it may be anywhere with the setting "Compact prompt layout"."""
    build = own_build(host)
    monkeypatch.setattr(build, "PRESET_LISTS", {})
    told = []
    script = SimpleNamespace(
        is_img2img=True,
        elem_id=lambda name: f"mine_{name}",
        on_after_component=lambda tell, elem_id: told.append((elem_id, tell)),
    )
    builder = build.PanelBuilder(script)

    def make(name):
        if name == "panel":
            builder.build()
            return
        event = SimpleNamespace(component=gradio.Textbox())
        for elem_id, tell in told:
            if elem_id == f"img2img_{name}":
                tell(event)

    with gradio.Blocks() as page:
        for name in order:
            make(name)
    assert handlers(page, "mine_expand") == 1
    assert list(build.PRESET_LISTS) == ["img2img"]


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("prompt", ["", "a cat AND a dog:0.5", "<lora:a:1>"])
def test_expand_leaves_the_switch_where_there_is_nothing_to_add(host, prompt, is_on):
    styles = ["Fooocus V2", "cinematic-default"]
    assert own_build(host).expand_prompt(prompt, 1, styles, is_on) == (prompt, styles, is_on)


def test_expand_switches_off_all_that_would_expand_again(host):
    styles = ["fooocus v2", "cinematic-default", "Fooocus V2"]
    prompt, left, is_on = own_build(host).expand_prompt("a cat # my note", 1, styles, True)
    assert prompt.startswith("a cat")
    assert len(prompt) > len("a cat # my note")
    assert "# my note" in prompt
    assert (left, is_on) == (["cinematic-default"], False)
    again = host.generate({"expansion": is_on, "styles": left}, prompt=prompt, steps=1)
    assert "Fooocus expansion text" not in again.infotext
