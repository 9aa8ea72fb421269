"""The Fooocus tab's page: what a first look shows, sizes, the settings of a picture, and their roles."""

from __future__ import annotations

import operator
import re

import pytest
from playwright.sync_api import expect

from tests.browser.tab_page import FooocusTab

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def sizes(page):
    """The tab with Advanced open, and no size forced."""
    tab = FooocusTab(page)
    tab.advanced("Setting")
    tab.make_small(width=-1, height=-1)
    expect(page.locator("#fooocus_size")).not_to_contain_text("forced")
    return tab


def checked(tab):
    return tab.page.locator("#fooocus_aspect_ratio input:checked").count()


def test_a_first_look_says_what_can_be_done_until_there_is_a_picture(tab):
    welcome, gallery = tab.page.locator("#fooocus_welcome"), tab.page.locator("#fooocus_gallery")
    expect(welcome).to_contain_text("press Generate")
    expect(gallery).to_be_hidden()
    tab.start("a fox")
    expect(welcome).to_be_hidden()
    tab.wait()
    expect(gallery).to_be_visible()
    expect(welcome).to_be_hidden()


def test_a_phone_has_prompt_and_generate_in_the_first_look(page):
    page.set_viewport_size({"width": 400, "height": 850})
    tab = FooocusTab(page)
    top = page.locator("#fooocus_page").bounding_box()["y"]
    assert tab.prompt.bounding_box()["y"] - top < 180
    generate = tab.generate_button.bounding_box()
    assert generate["y"] + generate["height"] - top < 400


def test_no_two_elements_of_the_tab_share_an_id(tab):
    tab.generate("a fox")
    tab.advanced()
    ids = tab.page.evaluate(
        """Array.from(document.querySelectorAll("[id]:not([id=''])")).filter(
            element => element.closest("#fooocus_page, #fooocus_hidden")
        ).map(element => element.id).filter(
            id => document.querySelectorAll("#" + CSS.escape(id)).length > 1 && /fooocus/.test(id)
        )"""
    )
    assert ids == []


def test_a_shape_is_one_click_and_only_its_sizes_are_listed(sizes):
    tiles = sizes.page.locator("#fooocus_aspect_ratio label:visible")
    shape = sizes.page.get_by_role("group", name="Shape of the picture")
    expect(shape.get_by_role("button", name="Landscape", pressed=True)).to_be_visible()
    for name, size, fits in (
        ("Portrait", "896 × 1152", operator.lt),
        ("Square", "1024 × 1024", operator.eq),
        ("Landscape", "1152 × 896", operator.gt),
    ):
        shape.get_by_role("button", name=name).click()
        expect(sizes.page.locator("#fooocus_size")).to_have_text(f"{size} pixels")
        expect(shape.get_by_role("button", pressed=True)).to_have_text(name)
        expect(sizes.page.locator("#fooocus_aspect_ratio label.selected")).to_be_visible()
        for text in tiles.all_inner_texts():
            assert fits(*map(int, re.match(r"(\d+)×(\d+)", text).groups()))
    box = sizes.page.locator("#fooocus_sizes").bounding_box()
    assert box["height"] < 350


def test_a_forced_size_is_named_no_tile_seems_chosen_and_a_click_on_one_ends_it(sizes):
    line = sizes.page.locator("#fooocus_size")
    sizes.make_small(width=256, height=320)
    expect(line).to_contain_text("256 × 320 pixels, forced")
    selected = sizes.page.locator("#fooocus_aspect_ratio label.selected")
    plain = sizes.page.locator("#fooocus_aspect_ratio label:not(.selected)").first
    shadow = "element => getComputedStyle(element).boxShadow"
    assert selected.evaluate(shadow) == plain.evaluate(shadow)
    assert checked(sizes) == 0
    expect(sizes.page.locator(".fooocus-shapes [aria-pressed=true]")).to_have_count(0)
    sizes.page.get_by_role("button", name="Landscape").click()
    tile = sizes.page.locator("#fooocus_aspect_ratio label", has_text="1344×768")
    tile.click()
    expect(line).to_have_text("1344 × 768 pixels")
    assert (sizes.number("width"), sizes.number("height")) == (-1, -1)
    assert checked(sizes) == 1
    sizes.make_small(width=64, height=64)
    expect(line).to_contain_text("64 × 64 pixels, forced")
    tile.evaluate("tile => tile.querySelector('input').click()")  # the one that was chosen before
    expect(line).to_have_text("1344 × 768 pixels")
    assert (sizes.number("width"), sizes.number("height")) == (-1, -1)


def test_one_forced_side_goes_with_the_other_of_the_chosen_size(sizes):
    sizes.make_small(width=512, height=-1)
    expect(sizes.page.locator("#fooocus_size")).to_contain_text("512 × 896 pixels, forced")


def test_the_settings_of_the_picture_are_a_table_to_copy_and_reuse(tab):
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.use_seed(77)
    tab.page.locator("#fooocus_negative_prompt textarea").fill("blurry, dark")
    tab.generate('a "quoted" fox: red, small')
    text = tab.infotexts()[0]
    tab.page.get_by_text("Settings of this picture", exact=True).click()
    table = tab.page.get_by_role("table", name="Settings of this picture")
    rows = dict(
        zip(
            table.locator("th").all_inner_texts(),
            table.locator("td").all_inner_texts(),
            strict=True,
        )
    )
    assert rows["Seed"] == "77"
    assert rows["Size"] == "64x64"
    assert "blurry, dark" in rows["Negative prompt"]
    assert rows["Fooocus prompt"] == 'a "quoted" fox: red, small'
    tab.page.get_by_role("button", name="Copy", exact=True).click()
    expect(tab.page.locator("#fooocus_details_said")).to_have_text("Copied.")
    assert tab.page.evaluate("navigator.clipboard.readText()") == text
    tab.page.locator("#fooocus_random_seed input").check()
    tab.page.get_by_role("button", name="Reuse the seed").click()
    expect(tab.page.locator("#fooocus_random_seed input")).not_to_be_checked()
    expect(tab.page.locator("#fooocus_seed textarea")).to_have_value("77")
    tab.prompt.fill("something else")
    tab.page.get_by_role("button", name="Reuse all settings").click()
    expect(tab.prompt).to_have_value('a "quoted" fox: red, small')


def test_what_a_fast_performance_overrules_says_so_to_eyes_and_ears(tab):
    tab.advanced("Setting")
    tab.page.locator("#fooocus_performance label", has_text="Lightning").click()
    tab.advanced("Advanced")
    sampler, guidance = (tab.page.locator(f"#fooocus_{n}") for n in ("sampler", "guidance_scale"))
    expect(sampler).to_contain_text("Lightning uses Euler instead.")
    expect(guidance).to_contain_text("Lightning uses 1 instead.")
    described = guidance.locator("input").first.get_attribute("aria-describedby")
    assert tab.page.locator(f"#{described}").inner_text() == "Lightning uses 1 instead."
    tab.advanced("Setting")
    tab.page.locator("#fooocus_performance label", has_text="Quality").click()
    tab.advanced("Advanced")
    expect(guidance).not_to_contain_text("instead")
    assert guidance.locator("input[aria-describedby]").count() == 0


def test_a_styles_texts_are_there_for_mouse_keyboard_and_screen_reader(tab):
    tab.advanced("Style")
    labels = tab.page.locator("#fooocus_style_list fieldset:nth-of-type(2) label")
    help_text = tab.page.locator(".fooocus-style-help")
    expect(help_text).to_be_hidden()
    for label, point in ((labels.nth(0), "hover"), (labels.nth(1).locator("input"), "focus")):
        getattr(label, point)()
        box = label if point == "focus" else label.locator("input")
        expect(help_text).to_contain_text(box.get_attribute("value"))
        described = tab.page.locator(f"#{box.get_attribute('aria-describedby')}").text_content()
        assert described.strip()
        assert described in help_text.text_content()
    expect(help_text).to_be_in_viewport()


def test_a_varied_picture_goes_to_txt2img_without_hires_fix(tab):
    tab.generate("a fox, Denoising strength: 0.3, red")
    tab.page.locator("#fooocus_vary_subtle").click()
    tab.wait()
    assert "Denoising strength: 0.5" in tab.infotexts()[0]
    sent = tab.page.locator("#fooocus_infotext_for_txt2img textarea")
    expect(sent).to_have_value(re.compile(r"Steps: \d+, .*Seed: \d+"))
    assert "Denoising strength: 0.5" not in sent.input_value()
    assert "a fox, Denoising strength: 0.3, red" in sent.input_value()
    tab.page.locator("#fooocus_send #txt2img_tab").click()
    expect(tab.page.locator("#txt2img_prompt textarea")).to_have_value(re.compile("a fox"))
    expect(
        tab.page.locator("#txt2img_hr-checkbox input, #txt2img_hr input").first
    ).not_to_be_checked()


def test_a_screen_reader_finds_each_part_by_its_role_and_name(tab):
    part = tab.page.locator("#fooocus_page")
    for role, name in (
        ("textbox", "Prompt"),
        ("button", "Generate"),
        ("button", "Expand"),
        ("checkbox", "Advanced"),
    ):
        expect(part.get_by_role(role, name=name, exact=True)).to_have_count(1)
    tab.advanced("Models")
    for slot in (1, 5):
        expect(part.get_by_role("checkbox", name=f"On: LoRA {slot}")).to_be_checked()
        expect(part.get_by_role("slider", name=f"Weight {slot}")).to_have_count(1)
    tab.advanced("Setting")
    expect(part.get_by_role("group", name="Shape of the picture")).to_be_visible()
    expect(part.get_by_role("radio", name="Lightning")).not_to_be_checked()
    expect(part.get_by_role("checkbox", name="Wildcards in order")).to_have_count(1)


def test_models_are_looked_for_again_once_gradio_hears_the_click(tab):
    """Where the server took long to bring its settings, the click was lost."""
    early = tab.page.evaluate(
        """() => {
            const clicked = () => { window.looked = true; };
            fooocus.find("#fooocus_refresh").addEventListener("click", clicked, {once: true});
            const message = fooocus.find("#fooocus_first_run .prose");
            message.innerHTML = '<button class="fooocus-refresh">look again</button>';
            const settings = opts;
            opts = {};
            fooocusLookAgain();
            const early = Boolean(window.looked);
            opts = settings;
            return early;
        }"""
    )
    assert not early
    tab.page.wait_for_function("window.looked")


def test_each_row_of_loras_has_room_for_its_list_and_its_weight(tab):
    tab.advanced("Models")
    for part in ("lora_1", "lora_weight_1"):
        box = tab.page.locator(f"#fooocus_{part}").bounding_box()
        assert box is not None
        assert box["width"] > 120
