"""The page's settings: saved as a preset, renamed, deleted, and taken up again on the next visit."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.tab_page import FooocusTab, open_list

pytestmark = pytest.mark.browser

NAME, OTHER = "browser own", "browser renamed"


class OwnPresets:
    """The part of the page that saves, renames and deletes presets."""

    def __init__(self, tab):
        self.tab, self.page = tab, tab.page
        tab.advanced("Setting")
        self.page.locator("#fooocus_own_presets .label-wrap").click()
        self.name = self.page.locator("#fooocus_preset_name :is(input, textarea)")
        self.said = self.page.locator("#fooocus_preset_said .prose")
        self.chosen = self.page.locator("#fooocus_preset input")

    def press(self, button):
        self.page.locator(f"#fooocus_preset_{button}").click()

    def save(self, name):
        self.name.fill(name)
        self.press("save")

    def see(self, name, *, is_offered=True):
        """Look for a preset in the page's list."""
        open_list(self.page, self.chosen, name, is_offered=is_offered)
        self.page.keyboard.press("Escape")


@pytest.fixture
def own(tab):
    presets = OwnPresets(tab)
    yield presets
    for name in (NAME, OTHER):
        tab.page.evaluate(
            "name => fetch(`fooocus/v1/presets/${encodeURIComponent(name)}`, {method: 'DELETE'})",
            name,
        )


def test_settings_are_saved_renamed_and_deleted(own):
    own.tab.set_number("sharpness", 7)
    own.save(NAME)
    expect(own.said).to_contain_text(f'saved as the preset "{NAME}"')
    expect(own.chosen).to_have_value(NAME)
    assert Axe().run(own.page, context="#fooocus_own_presets").response["violations"] == []
    own.tab.set_number("sharpness", 3)
    own.save(NAME)
    expect(own.said).to_contain_text("Overwrite it?")
    own.press("overwrite")
    expect(own.said).to_contain_text("saved as")
    expect(own.page.locator("#fooocus_preset_overwrite")).to_be_hidden()
    own.tab.set_number("width", 72)
    open_list(own.page, own.chosen, NAME).click()
    own.page.wait_for_function(
        "document.querySelector('#fooocus_width input[type=number]').value == 64"
    )
    own.name.fill(OTHER)
    own.press("rename")
    expect(own.said).to_contain_text(f'called "{OTHER}" now')
    own.see(OTHER)
    own.press("delete")
    expect(own.said).to_contain_text("Delete the preset")
    own.press("delete_sure")
    expect(own.said).to_contain_text("is deleted")
    own.see(OTHER, is_offered=False)


def test_yes_is_about_the_preset_of_the_question(own):
    for name, sharpness in ((OTHER, 7), (NAME, 3)):
        own.tab.set_number("sharpness", sharpness)
        own.save(name)
        expect(own.said).to_contain_text(f'saved as the preset "{name}"')
    own.tab.set_number("sharpness", 9)
    own.press("save")
    expect(own.said).to_contain_text(f'"{NAME}" already. Overwrite it?')
    own.name.fill(OTHER)
    own.press("overwrite")
    expect(own.said).to_contain_text(f'saved as the preset "{NAME}"')
    own.press("delete")
    expect(own.said).to_contain_text(f'Delete the preset "{NAME}"')
    open_list(own.page, own.chosen, OTHER).click()
    expect(own.chosen).to_have_value(OTHER)
    own.page.wait_for_function(
        "document.querySelector('#fooocus_sharpness input[type=number]').value == 7"
    )
    own.press("delete_sure")
    expect(own.said).to_contain_text(f'The preset "{NAME}" is deleted')
    expect(own.chosen).to_have_value(OTHER)


def test_a_chosen_preset_is_chosen_again(own):
    own.tab.set_number("sharpness", 7)
    own.save(NAME)
    expect(own.said).to_contain_text("saved as")
    for sharpness in (3, 5):
        own.tab.set_number("sharpness", sharpness)
        open_list(own.page, own.chosen, NAME).click()
        own.page.wait_for_function(
            "document.querySelector('#fooocus_sharpness input[type=number]').value == 7"
        )


def test_the_lists_of_the_panels_learn_of_it(own):
    own.save(NAME)
    expect(own.said).to_contain_text("saved as")
    own.page.locator("#tabs > .tab-nav > button", has_text=re.compile("^ *txt2img *$")).click()
    accordion = own.page.locator("#tab_txt2img .input-accordion", has_text="Fooocus")
    accordion.locator(".label-wrap").first.locator("span").last.click()
    preset = own.page.locator("#tab_txt2img [id$=_fooocus_preset] input").first
    open_list(own.page, preset, NAME)


@pytest.mark.parametrize("name", ["", "../up", "None", "x" * 65])
def test_a_name_that_is_none_is_told(own, name):
    own.save(name)
    expect(own.said.get_by_role("alert")).to_contain_text("cannot be the name of a preset")


def test_a_preset_of_the_extension_stays(own):
    own.press("delete")
    expect(own.said.get_by_role("alert")).to_contain_text("comes with the extension")


def start_with(page, choice):
    page.evaluate(
        """async choice => {
            opts.fooocus_start_with = choice;
            await fetch("sdapi/v1/options", {
                method: "POST",
                headers: {"Content-Type": "application/json"},
                body: JSON.stringify({fooocus_start_with: choice}),
            });
        }""",
        choice,
    )


@pytest.mark.parametrize("is_private", [False, True], ids=["open", "private"])
def test_the_next_visit_begins_where_the_last_job_was(tab, is_private):
    page = tab.page
    tab.advanced("Setting")
    if is_private:
        page.locator("#fooocus_private input").check()
    tab.set_number("image_number", 1)
    tab.set_number("sharpness", 7)
    tab.generate("a lighthouse")
    start_with(page, "last session")
    try:
        page.reload()
        page.wait_for_function("Object.keys(opts).length > 0")
        again = FooocusTab(page)
        if is_private:
            page.wait_for_timeout(1500)
            expect(again.prompt).to_have_value("")
        else:
            expect(again.prompt).to_have_value("a lighthouse", timeout=30_000)
            page.wait_for_function(
                "document.querySelector('#fooocus_sharpness input[type=number]').value == 7"
            )
            assert again.number("width") == 64
    finally:
        start_with(page, "default preset")
    page.reload()
    page.wait_for_function("Object.keys(opts).length > 0")
    again = FooocusTab(page)
    page.wait_for_timeout(1000)
    expect(again.prompt).to_have_value("")
