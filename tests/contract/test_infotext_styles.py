"""The webui's own styles: an infotext gives back what was typed, and the styles that were chosen."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from tests.contract.families import NO_INFOTEXTS
from tests.contract.hosts import FAMILY, REQUEST
from tests.contract.test_infotext import HIRES, parse, pasted

STYLES = {
    "neg": ("", "lowres, bad hands"),
    "film": ("film grain photo of {prompt}", ""),
    "suffix": ("{prompt}, film grain", "smooth"),
}
TYPED = {"Prompt": REQUEST["prompt"], "Negative prompt": REQUEST["negative_prompt"]}
OURS = {"styles": ["Fooocus Cinematic"]}
JOBS = [
    (["neg"], OURS),
    (["film"], {"expansion": True}),
    (["neg"], {"expansion": True}),
    (["suffix"], {"expansion": True}),
    (["suffix", "film", "neg"], {**OURS, "expansion": True}),
]


@pytest.fixture
def styles_of_the_webui(host):
    styles = host.modules.styles
    known = host.modules.shared.prompt_styles.styles
    before = dict(known)
    known.update({name: styles.PromptStyle(name, *texts) for name, texts in STYLES.items()})
    yield
    known.clear()
    known.update(before)


pytestmark = pytest.mark.usefixtures("styles_of_the_webui")


def of_texts(entries):
    return {key: entries[key] for key in (*TYPED, "Styles array") if key in entries}


@pytest.mark.parametrize(("chosen", "ours"), JOBS)
def test_a_pasted_picture_is_made_again_with_its_styles_once(host, chosen, ours):
    first = host.generate(ours, styles=chosen)
    entries = parse(host, first.infotext)
    assert of_texts(entries) == {**TYPED, "Styles array": chosen}
    again = host.generate(
        pasted(host, first.infotext),
        prompt=entries["Prompt"],
        negative_prompt=entries["Negative prompt"],
        styles=entries["Styles array"],
    )
    assert again.infotext == first.infotext


@pytest.mark.parametrize(("chosen", "ours"), JOBS)
def test_the_api_makes_a_picture_again_with_its_styles_once(host, chosen, ours):
    FAMILY.need(NO_INFOTEXTS)
    first = host.generate(ours, styles=chosen)
    request = {key: value for key, value in REQUEST.items() if "prompt" not in key}
    again = host.post("/sdapi/v1/txt2img", {**request, "infotext": first.infotext})
    assert again.infotext == first.infotext


@pytest.mark.parametrize("stated", [{}, {"styles": ["neg"]}])
def test_the_api_takes_no_styles_from_an_infotext_beside_texts_that_hold_them(host, stated):
    FAMILY.need(NO_INFOTEXTS)
    from fooocus_ext.host.http import arguments

    infotext = host.generate(OURS, styles=["suffix"], steps=1).infotext
    body = {"infotext": infotext, **stated}

    async def read():
        return body

    with ThreadPoolExecutor(1) as thread:  # Playwright leaves a loop running in this one
        checked = arguments.check_arguments(SimpleNamespace(json=read))
        thread.submit(asyncio.run, checked).result()
    texts = {"prompt": f"{TYPED['Prompt']}, film grain"}
    texts["negative_prompt"] = f"{TYPED['Negative prompt']}, smooth"
    assert body == {"infotext": infotext, "styles": [], **texts, **stated}


@pytest.mark.parametrize("hr_prompt", ["", "a sharp fox"])
def test_the_second_pass_has_the_styles_once(host, hr_prompt):
    job = {**HIRES, "hr_prompt": hr_prompt, "width": 64, "height": 64, "steps": 1}
    infotext = host.generate({"expansion": True}, styles=["suffix"], **job).infotext
    entries = parse(host, infotext)
    assert of_texts(entries) == {**TYPED, "Styles array": ["suffix"]}
    assert (entries["Hires prompt"], entries["Hires negative prompt"]) == (hr_prompt, "")


def test_texts_of_a_second_pass_that_seems_to_have_other_styles_stay_whole(host):
    job = {**HIRES, "width": 64, "height": 64, "steps": 1}
    job |= {"hr_prompt": "a sharp fox, film grain", "hr_negative_prompt": "blurry, smooth"}
    entries = parse(host, host.generate({"expansion": True}, **job).infotext)
    assert of_texts(entries) == TYPED
    assert {key: entries[f"Hires {key}"] for key in ("prompt", "negative prompt")} == {
        "prompt": job["hr_prompt"],
        "negative prompt": job["hr_negative_prompt"],
    }


@pytest.mark.parametrize(
    ("option", "entries"),
    [
        ("Apply", {**TYPED, "Styles array": ["suffix"]}),
        ("Discard", TYPED),
        (
            "Ignore",
            {
                "Prompt": f"{REQUEST['prompt']}, film grain",
                "Negative prompt": f"{REQUEST['negative_prompt']}, smooth",
            },
        ),
    ],
)
def test_styles_are_taken_out_as_the_setting_has_it(host, monkeypatch, option, entries):
    monkeypatch.setitem(host.modules.shared.opts.data, "infotext_styles", option)
    infotext = host.generate({"expansion": True}, styles=["suffix"], steps=1).infotext
    assert of_texts(parse(host, infotext)) == entries


def test_a_style_that_only_the_rewritten_texts_seem_to_have_is_not_chosen(host):
    infotext = host.generate({"styles": []}, prompt="[[smooth, soft]] fox", steps=1).infotext
    known = host.modules.shared.prompt_styles.styles
    known["smooth"] = host.modules.styles.PromptStyle("smooth", "smooth {prompt}", "")
    assert of_texts(parse(host, infotext)) == {**TYPED, "Prompt": "[[smooth, soft]] fox"}


@pytest.mark.parametrize("option", ["Apply if any", "Apply", "Ignore"])
def test_the_tab_has_no_such_styles_and_keeps_their_texts(host, monkeypatch, option):
    from fooocus_ext.host.tab import loaded

    monkeypatch.setitem(host.modules.shared.opts.data, "infotext_styles", option)
    for ours in (None, {"expansion": True}):
        infotext = host.generate(ours, styles=["suffix"], steps=1).infotext
        values = loaded.read_settings(infotext).values
        assert values["prompt"] == f"{REQUEST['prompt']}, film grain"
        assert values["negative_prompt"] == f"{REQUEST['negative_prompt']}, smooth"


@pytest.mark.parametrize("ours", [None, {"expansion": True}, {**OURS, "expansion": True}])
def test_the_tab_discards_their_texts_as_the_panel_does(host, monkeypatch, ours):
    from fooocus_ext.host.tab import loaded

    monkeypatch.setitem(host.modules.shared.opts.data, "infotext_styles", "Discard")
    infotext = host.generate(ours, styles=["suffix"], steps=1).infotext
    values = loaded.read_settings(infotext).values
    assert [values["prompt"], values["negative_prompt"]] == list(TYPED.values())


def test_the_tab_keeps_a_text_that_only_seems_to_have_a_style_as_it_was_typed(host):
    """The webui takes such a style out of the text without a comma, and adds it with one."""
    from fooocus_ext.host.tab import loaded

    known = host.modules.shared.prompt_styles.styles
    known["grain"] = host.modules.styles.PromptStyle("grain", "film grain", "")
    infotext = host.generate({"expansion": True}, prompt="old film grain", steps=1).infotext
    assert parse(host, infotext)["Styles array"] == ["grain"]
    assert loaded.read_settings(infotext).values["prompt"] == "old film grain"


def test_fields_that_are_not_to_be_pasted_are_left_alone(host, monkeypatch):
    infotext = host.generate({"expansion": True}, styles=["suffix"], steps=1).infotext
    skipped = ["Prompt", "Styles array"]
    host.need_setting("infotext_skip_pasting")
    monkeypatch.setitem(host.modules.shared.opts.data, "infotext_skip_pasting", skipped)
    assert of_texts(parse(host, infotext)) == {"Negative prompt": TYPED["Negative prompt"]}
