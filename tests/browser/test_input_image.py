"""The Fooocus tab's "Input image": how a picture gets there, and what Generate makes of it."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.dropped import drop
from tests.browser.mask_editor import SIZE, MaskEditor, as_upload, picture_file
from tests.browser.tab_page import FooocusTab

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def made(tab):
    """The first picture of the gallery, as the server has it: [H,W,3]."""
    shown = tab.page.locator("#fooocus_gallery img").first
    expect(shown).to_have_attribute("src", re.compile("^http"))
    answer = tab.page.request.get(shown.evaluate("image => image.src"))
    with Image.open(io.BytesIO(answer.body())) as picture:
        return np.asarray(picture.convert("RGB"))


def original(size=SIZE):
    with Image.open(io.BytesIO(picture_file(size))) as picture:
        return np.asarray(picture.convert("RGB"))


def tick(tab, *, choose=True):
    tab.page.locator("#fooocus_input_image input").check()
    if choose:
        upload = as_upload(picture_file())
        tab.page.locator("#fooocus_input_file").set_input_files(upload)
        expect(tab.page.locator("#fooocus_input_said")).to_have_text("240 × 160 pixels.")


def test_it_takes_no_line_of_its_own_until_it_is_ticked(page):
    page.set_viewport_size({"width": 400, "height": 850})
    tab = FooocusTab(page)
    section = page.locator("#fooocus_input")
    expect(section).to_be_hidden()
    tick(tab, choose=False)
    expect(section).to_be_visible()
    expect(page.locator("#fooocus_mask")).to_be_hidden()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 400


def test_a_picture_of_ones_own_is_varied(tab):
    tick(tab)
    expect(tab.page.locator("#fooocus_input_shown")).to_be_visible()
    tab.page.locator("#fooocus_edit_whole label", has_text="Vary (strong)").click()
    tab.generate("a fox")
    assert "Denoising strength: 0.85" in tab.infotexts()[0]
    tab.advanced()
    tab.page.locator("#fooocus_edit_more .label-wrap").click()
    tab.set_number("edit_strength", 0.4)
    tab.generate()
    assert "Denoising strength: 0.4" in tab.infotexts()[0]


def test_without_a_picture_or_anything_to_do_with_it_the_job_is_refused(tab):
    tick(tab, choose=False)
    tab.generate("a fox")
    expect(tab.messages).to_contain_text("choose a picture first")
    editor = MaskEditor(tab)
    tab.generate()
    expect(tab.messages).to_contain_text("mark in the picture")
    editor.button("Invert").click()
    editor.button("Clear").click()
    tab.generate()
    expect(tab.messages).to_contain_text("mark in the picture")
    assert tab.infotexts() == []


def test_what_is_marked_is_made_anew_and_the_rest_stays_byte_for_byte(tab):
    editor = MaskEditor(tab)
    editor.button("Rectangle").click()
    editor.drag((100, 60), (140, 100))
    tab.page.locator("#fooocus_edit_additional_prompt textarea").fill("a red door")
    tab.generate("a house")
    difference = np.abs(made(tab).astype(int) - original()).max(axis=2)
    assert difference[60:100, 100:140].max() > 0
    outside = np.ones_like(difference, dtype=bool)
    outside[60 - 33 : 100 + 33, 100 - 33 : 140 + 33] = False
    assert difference[outside].max() == 0
    text = tab.infotexts()[0]
    assert text.startswith("a red door\n") or '"a red door' in text
    assert "Fooocus edit" in text


def test_a_scene_goes_on_at_the_chosen_sides(tab):
    tick(tab)
    tab.page.locator("#fooocus_edit_kind label", has_text="Inpaint or Outpaint").click()
    for side in ("left", "right"):
        tab.page.locator(f"#fooocus_edit_{side} input").check()
    tab.generate("a house")
    picture = made(tab)
    assert picture.shape == (160, 240 + 2 * 72, 3)
    assert (picture[:, 72 + 33 : 72 + 240 - 33] == original()[:, 33:-33]).all()


def test_a_dropped_picture_can_be_worked_on_instead_of_read(tab, tmp_path):
    file = tmp_path / "picture.png"
    file.write_bytes(picture_file())
    drop(tab, file)
    tab.page.get_by_role("button", name="Work on this picture").click()
    expect(tab.page.locator("#fooocus_input_image input")).to_be_checked()
    expect(tab.page.locator("#fooocus_input_said")).to_have_text("240 × 160 pixels.")
    expect(tab.page.locator("#fooocus_input_shown")).to_be_visible()
    tab.page.get_by_role("button", name="Remove it").click()
    expect(tab.page.locator("#fooocus_input_shown")).to_be_hidden()


def test_the_selected_picture_is_taken_and_worked_on_further(tab):
    tick(tab, choose=False)
    said = tab.page.locator("#fooocus_input_said")
    take = tab.page.get_by_role("button", name="Take the selected picture")
    take.click()
    expect(said).to_have_text("Make or select a picture first.")
    tab.page.locator("#fooocus_input_image input").uncheck()
    tab.generate("a fox")
    expect(tab.page.locator("#fooocus_gallery img").first).to_have_attribute(
        "src", re.compile("^http")
    )
    tab.page.locator("#fooocus_input_image input").check()
    take.click()
    expect(said).to_have_text("64 × 64 pixels.")


def test_what_is_no_picture_is_said(tab):
    tick(tab, choose=False)
    broken = as_upload(b"nothing", "broken.png")
    tab.page.locator("#fooocus_input_file").set_input_files(broken)
    said = tab.page.locator("#fooocus_input_said")
    expect(said).to_have_text("broken.png cannot be read as a picture.")


def test_a_file_that_the_server_would_refuse_is_not_taken(tab):
    tick(tab)
    tab.page.evaluate("""async () => {
        const zeros = new Uint8Array(32 * 2 ** 20); // after its end, a PNG file may have anything
        await fooocusInput.take(new File([fooocusInput.file, zeros], "large.png", {type: "image/png"}));
    }""")
    said = tab.page.locator("#fooocus_input_said")
    expect(said).to_have_text("This file has 33 MiB; up to 32 are allowed.")
    assert tab.page.evaluate("fooocusInput.file.size") < 2**20


def test_an_edits_infotext_fills_the_widgets_again(tab):
    edit = {"mode": "detail", "strength": 0.4, "mask_grow": 5}
    tab.paste(
        "a door\nSteps: 8, Sampler: Euler, CFG scale: 4, Seed: 5, Size: 64x64, "
        f"Fooocus edit: {json.dumps(json.dumps(edit))}, Version: v1.10.1"
    )
    expect(tab.prompt).to_have_value("a door")
    expect(tab.messages).to_contain_text("made by editing a picture")
    tick(tab, choose=False)
    method = tab.page.locator("#fooocus_edit_method label.selected")
    expect(method).to_have_text("Improve Detail")
    assert (tab.number("edit_strength"), tab.number("edit_mask_grow")) == (0.4, 5)


def test_the_infotext_of_a_picture_that_was_not_sampled_is_settings_and_no_prompt(tab):
    tab.prompt.fill("a door")
    edit = {"mode": "upscale", "scale": "fast 2x"}
    tab.paste(f"Size: 128x128, Fooocus: True, Fooocus edit: {json.dumps(json.dumps(edit))}")
    expect(tab.messages).to_contain_text("nothing of it was sampled")
    expect(tab.prompt).to_have_value("a door")
    tick(tab, choose=False)
    chosen = tab.page.locator("#fooocus_edit_whole label.selected")
    expect(chosen).to_have_text("Upscale 2x, fast")


def test_a_screen_reader_finds_the_parts_by_role_and_name(tab):
    editor = MaskEditor(tab)
    part = tab.page.locator("#fooocus_input")
    for role, name in (
        ("group", "Tool"),
        ("group", "View"),
        ("slider", "Size"),
        ("slider", "Opacity"),
        ("button", "Zoom in"),
        ("checkbox", "Left"),
        ("textbox", "Additional prompt"),
    ):
        expect(part.get_by_role(role, name=name, exact=role != "slider")).to_have_count(1)
    expect(part.get_by_role("application", name=re.compile("draw over"))).to_have_count(1)
    expect(editor.button("Brush")).to_have_attribute("aria-pressed", "true")
