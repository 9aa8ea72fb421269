"""The Fooocus tab's prompt: its expansion to be edited, its tokens, and names of wildcards."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_expansion_is_written_into_the_prompt_and_not_added_again(tab):
    tab.use_seed(12)
    tab.prompt.fill("a lighthouse at dusk")
    assert "Fooocus V2" in tab.styles()
    tab.page.get_by_role("button", name="Expand", exact=True).click()
    expect(tab.messages).to_contain_text("Fooocus V2 is switched off")
    written = tab.prompt.input_value()
    assert re.fullmatch(r"a lighthouse at dusk, \w.+", written)
    assert "Fooocus V2" not in tab.styles()
    tab.generate(written + ", edited")
    text = tab.infotexts()[0]
    assert "Fooocus expansion text" not in text
    assert (
        text.count(written.removeprefix("a lighthouse at dusk, ")) <= 2
    )  # as typed, and rewritten
    assert "edited" in text


def test_tokens_are_counted_while_typing_alone_and_with_styles(tab):
    tab.generate("a fox")  # a model is loaded
    count = tab.page.locator("#fooocus_tokens .prose")
    tab.page.evaluate("""fooocus.write("fooocus_styles", "[]")""")
    tab.prompt.fill("a fox")
    expect(count).to_have_text("2 of 75 tokens")
    tab.prompt.fill("a fox " * 40)
    expect(count).to_have_text("80 of 150 tokens")
    tab.page.evaluate("""fooocus.write("fooocus_styles", JSON.stringify(["Fooocus Sharp"]))""")
    expect(count).to_have_text(re.compile(r"80 of 150 tokens, with styles \d+ of \d+"))
    tab.prompt.fill("a fox <lora:no such:1>")
    expect(count).to_have_text(re.compile(r"^2 of 75 tokens"))


def test_what_is_below_stands_still_while_tokens_are_counted(tab):
    """Gradio marks a text that is written anew, and its own style makes such a text higher."""
    tab.generate("a fox")  # a model is loaded
    count = tab.page.locator("#fooocus_tokens .prose")
    expect(count).to_have_text(re.compile(r"^2 of 75 tokens"))
    tab.page.evaluate(
        """() => {
            const row = document.querySelector("#fooocus_toggles");
            window.heights = new Set();
            window.isPending = false;
            const look = () => {
                window.heights.add(row.getBoundingClientRect().height);
                window.isPending ||= row.querySelector(".pending") !== null;
            };
            look();
            // Not by frames: the mark may come and go between two of them.
            new MutationObserver(look).observe(row, {attributes: true, childList: true, subtree: true});
        }"""
    )
    tab.prompt.fill("a red fox")
    expect(count).to_have_text(re.compile(r"^3 of 75 tokens"))
    assert tab.page.evaluate("window.isPending")
    assert tab.page.evaluate("window.heights.size") == 1


def test_tokens_are_counted_again_when_a_picture_is_shown(tab):
    """Before the first picture no model may be loaded that could count, as on Forge."""
    tab.generate("a fox")
    expect(tab.page.locator("#fooocus_tokens .prose")).to_have_text(re.compile(r"^2 of 75 tokens"))
    tab.page.evaluate(
        """() => {
            window.counted = 0;
            document.querySelector("#fooocus_count_tokens").addEventListener("click", () => window.counted++);
        }"""
    )
    tab.generate("a fox")
    tab.page.wait_for_function("window.counted > 0")


def test_a_count_that_is_due_when_the_page_is_gone_is_no_error(tab):
    """The webui's "Reload UI" empties the page; afterwards the fixture looks at the scripts' errors."""
    tab.prompt.fill("a fox")
    tab.page.evaluate("""() => document.querySelector("#fooocus_count_tokens").remove()""")
    tab.page.wait_for_function(
        "Date.now() > (window.begun ??= Date.now()) + 2 * fooocusPrompt.COUNT_AFTER"
    )


def test_names_of_wildcards_are_suggested_and_taken_by_keyboard(tab):
    tab.prompt.focus()
    tab.page.keyboard.type("a __ani")
    listbox = tab.page.get_by_role("listbox", name="Wildcards")
    expect(listbox.get_by_role("option", selected=True)).to_have_text("__animal__")
    active = tab.prompt.get_attribute("aria-activedescendant")
    assert tab.page.locator(f"#{active}").inner_text() == "__animal__"
    # A localization of the webui translates words that stand alone.
    tab.page.evaluate("""id => { document.getElementById(id).textContent = "动物"; }""", active)
    tab.page.keyboard.press("Enter")
    expect(tab.prompt).to_have_value("a __animal__")
    expect(listbox).to_be_hidden()
    tab.page.keyboard.type(" in __")
    expect(listbox).to_be_visible()
    first = listbox.get_by_role("option", selected=True).inner_text()
    tab.page.keyboard.press("ArrowDown")
    second = listbox.get_by_role("option", selected=True).inner_text()
    assert second != first
    tab.page.keyboard.press("Escape")
    expect(listbox).to_be_hidden()
    tab.page.keyboard.press("Enter")
    expect(tab.prompt).to_have_value("a __animal__ in __\n")
    tab.page.keyboard.type("__li")
    listbox.get_by_role("option", name="light").click()
    expect(tab.prompt).to_have_value(re.compile("__light__$"))
