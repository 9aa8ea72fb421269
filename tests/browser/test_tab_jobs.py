"""The Fooocus tab at work: pictures, previews, Skip and Stop, errors, reloads and two windows."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.tab_page import JOB_MILLISECONDS, FooocusTab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = 1000


def test_a_first_visit_offers_the_best_defaults_and_asks_for_one_click(page):
    tab = FooocusTab(page)
    expect(page.locator("#fooocus_side")).to_be_hidden()
    expect(page.locator("#fooocus_interrupt")).to_be_hidden()
    expect(page.locator("#fooocus_first_run .prose")).not_to_contain_text("no SDXL model")
    assert tab.styles()[0] == "Fooocus V2"
    tab.advanced("Setting")
    expect(page.locator("#fooocus_performance input:checked")).to_have_value("Speed")
    expect(page.locator("#fooocus_aspect_ratio label.selected")).to_contain_text("1152×896")
    assert (tab.number("image_number"), tab.number("guidance_scale")) == (2, 4)
    tab.make_small()
    tab.prompt.fill("a fox")
    tab.generate_button.click()
    tab.wait()
    expect(page.locator("#fooocus_gallery img").first).to_be_visible()


def test_preview_and_progress_appear_and_picture_i_has_seed_plus_i(tab):
    tab.make_small(width=256, height=256, steps=16, image_number=2)
    tab.use_seed(41)
    tab.start("a fox")
    expect(tab.skip_button).to_be_visible(timeout=JOB_MILLISECONDS)
    expect(tab.progress).to_contain_text(
        re.compile(r"Picture \d of 2, step \d+ of 16"), timeout=60 * SECONDS
    )
    expect(tab.page.locator("#fooocus_gallery .livePreview img").first).to_be_visible(
        timeout=60 * SECONDS
    )
    tab.wait()
    expect(tab.thumbnails).to_have_count(2)
    for shown in tab.thumbnails.locator("img").all():
        width = shown.evaluate("image => image.decode().then(() => image.naturalWidth)")
        assert width == 256, "this is the picture itself"
    expect(tab.page.locator("#fooocus_gallery .livePreview")).to_have_count(0)
    assert tab.seeds() == [41, 42]


def test_a_seed_that_is_fixed_while_a_job_runs_stays(tab):
    seed = tab.page.locator("#fooocus_seed textarea")
    tab.generate("a fox")
    expect(seed).to_have_value(str(tab.seeds()[0]))  # the one that was drawn is there to be kept
    tab.make_small(width=256, height=256, steps=16)
    tab.start("a fox")
    expect(tab.skip_button).to_be_visible(timeout=JOB_MILLISECONDS)
    tab.use_seed(5)
    tab.wait()
    assert tab.seeds() != [5]
    expect(seed).to_have_value("5")


def test_stop_keeps_the_finished_pictures_and_skip_drops_one(tab):
    tab.make_small(width=256, height=256, steps=50, image_number=3)
    tab.use_seed(5)
    tab.start("a fox")
    expect(tab.progress).to_contain_text("Picture 1 of 3, step", timeout=JOB_MILLISECONDS)
    tab.skip_button.click()
    expect(tab.progress).to_contain_text("Picture 3 of 3, step", timeout=JOB_MILLISECONDS)
    expect(tab.stop_button).to_have_text("Stop")
    tab.stop_button.click()
    tab.wait()
    assert tab.seeds() == [6]


def test_escape_stops_the_job_and_only_what_lies_over_the_page_goes_first(tab):
    tab.make_small(width=256, height=256, steps=60, image_number=3)
    tab.advanced("Setting")
    tab.page.evaluate("""() => {
        window.stops = [];
        const ask = fooocusQueue.ask;
        fooocusQueue.ask = (path, body) => {
            if (path === "/stop") window.stops.push(body.job);
            return ask(path, body);
        };
        document.body.insertAdjacentHTML("beforeend", "<div id='lightboxModal' tabindex='0'>Large</div>");
        const large = document.querySelector("#lightboxModal");
        large.addEventListener("keydown", () => { large.style.display = "none"; }); // as the host does
        large.focus();
    }""")
    tab.start("a fox")
    expect(tab.progress).to_contain_text("Picture 1 of 3, step", timeout=JOB_MILLISECONDS)
    tab.page.locator("#lightboxModal").focus()
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator("#lightboxModal")).to_be_hidden()
    tab.page.locator("#tabs > .tab-nav > button", has_text=re.compile("^ *txt2img *$")).click()
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_timeout(300)
    assert tab.page.evaluate("window.stops") == []
    tab.open()
    tab.page.keyboard.press("Escape")
    tab.wait()
    assert tab.page.evaluate("window.stops") == [tab.waited_for]
    assert len(tab.infotexts()) < 3
    expect(tab.page.locator("#fooocus_side")).to_be_visible()


def test_an_error_is_said_in_words_and_the_pictures_stay(tab):
    tab.generate("a fox")
    before = tab.infotexts()
    tab.set_number("width", 257)
    tab.start("a fox")
    error = tab.page.locator("#html_log_fooocus [role=alert]")
    expect(error).to_contain_text("Forced width: got 257")
    tab.wait()
    assert tab.infotexts() == before


def test_what_is_said_of_loaded_settings_stays_until_the_next_job_is_asked_for(tab):
    tab.make_small(width=256, height=256, steps=60, image_number=3)
    tab.start("a lighthouse")
    expect(tab.progress).to_contain_text("Picture 1 of 3, step", timeout=JOB_MILLISECONDS)
    tab.paste("a hare\nSteps: 2, Sampler: Euler, Seed: 5, Size: 64x64")
    expect(tab.messages).to_contain_text("The settings are loaded.")
    tab.stop_button.click()
    tab.wait()
    expect(tab.messages).to_contain_text("Time taken")
    expect(tab.messages).to_contain_text("The settings are loaded.")
    tab.make_small()
    tab.generate()
    expect(tab.messages).to_contain_text("Time taken")
    expect(tab.messages).not_to_contain_text("The settings are loaded.")


def test_a_reloaded_page_finds_its_job_and_its_pictures(tab):
    tab.make_small(width=256, height=256, steps=60, image_number=2)
    tab.start("a lighthouse")
    expect(tab.progress).to_contain_text("Picture 1 of 2", timeout=JOB_MILLISECONDS)
    tab.page.reload()
    tab.page.wait_for_selector("#fooocus_prompt textarea")
    expect(tab.stop_button).to_be_visible()
    expect(tab.prompt).to_have_value("a lighthouse")
    expect(tab.thumbnails).to_have_count(2, timeout=JOB_MILLISECONDS)


def test_two_windows_get_their_own_pictures_and_stop_their_own_jobs(tab, second_tab):
    tab.make_small(width=256, height=256, steps=12, image_number=2)
    tab.start("window one")
    expect(tab.progress).to_contain_text("Picture 1 of 2", timeout=JOB_MILLISECONDS)
    second_tab.start("window two")
    expect(second_tab.jobs).to_contain_text("2 of 2")
    expect(second_tab.stop_button).to_be_hidden()
    expect(tab.jobs).to_be_hidden()
    second_tab.job_button("window two", "Remove").click()
    expect(second_tab.jobs).to_have_count(0)
    tab.wait()
    assert len(tab.infotexts()) == 2
    assert second_tab.infotexts() == []
    second_tab.generate("window two")
    assert "window two" in second_tab.infotexts()[0]
    assert "window one" in tab.infotexts()[0]


def test_a_picture_is_varied_and_upscaled(tab):
    tab.generate("a fox")
    for button, denoising, size in (
        ("vary_strong", "0.85", "64x64"),
        ("upscale_2", "0.382", "128x128"),
    ):
        tab.page.locator(f"#fooocus_{button}").click()
        tab.wait()
        text = tab.infotexts()[0]
        assert f"Denoising strength: {denoising}" in text
        assert f"Size: {size}" in text
