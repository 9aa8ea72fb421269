"""Hands and eyes for the Fooocus tab: what a person does there and sees there."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

JOB_MILLISECONDS = 120_000
SMALL = {"width": 64, "height": 64, "steps": 2, "image_number": 1}


def open_list(page, box, name, *, is_offered=True):
    """Opens a list of presets until it offers the name, or no more; gives the entry.

    A list learns of a change a little after the page has told it.
    """
    options = page.locator("ul.options li")
    entry = options.filter(has_text=re.compile(rf"^\s*(✓\s*)?{re.escape(name)}\s*$"))
    for _attempt in range(60):
        box.click()
        page.wait_for_timeout(300)
        if options.count() and bool(entry.count()) == is_offered:
            return entry
        page.keyboard.press("Escape")
        box.blur()
        page.wait_for_timeout(700)
    pytest.fail(f"the list of presets does not learn of {name}")


class FooocusTab:
    """The tab on a page of Chromium, opened."""

    def __init__(self, page):
        self.page = page
        self.waited_for = None
        self.open()

    def open(self):
        self.page.locator("#tabs > .tab-nav > button", has_text=re.compile("^ *Fooocus *$")).click()
        expect(self.generate_button).to_be_visible()

    @property
    def generate_button(self):
        return self.page.locator("#fooocus_generate")

    @property
    def prompt(self):
        return self.page.locator("#fooocus_prompt textarea")

    @property
    def messages(self):
        return self.page.locator("#html_log_fooocus")

    @property
    def thumbnails(self):
        return self.page.locator("#fooocus_gallery .thumbnail-item.thumbnail-small")

    @property
    def progress(self):
        return self.page.locator("#fooocus_results .progress")

    def advanced(self, title=None):
        """Opens the column, and one of its tabs."""
        self.page.locator("#fooocus_advanced input").check()
        if title:
            self.page.locator("#fooocus_tabs > .tab-nav > button", has_text=title).click()

    def set_number(self, name, value):
        # The field may lie in a closed tab, where no hand could reach it.
        field = self.page.locator(f"#fooocus_{name} input[type=number]").first
        field.evaluate(
            """(field, value) => {
                field.value = value;
                for (const kind of ["input", "change", "blur"]) {
                    field.dispatchEvent(new Event(kind, {bubbles: true}));
                }
            }""",
            value,
        )

    def number(self, name):
        return float(self.page.locator(f"#fooocus_{name} input[type=number]").first.input_value())

    def make_small(self, **values):
        for name, value in {**SMALL, **values}.items():
            self.set_number(name, value)

    def use_seed(self, seed):
        self.advanced("Setting")
        self.page.locator("#fooocus_random_seed input").uncheck()
        self.page.locator("#fooocus_seed textarea").fill(str(seed))

    def generate(self, prompt=None):
        if prompt is not None:
            self.prompt.fill(prompt)
        self.generate_button.click()
        self.wait()

    def wait(self):
        """Waits until the last job is over, or was refused, and its results have arrived."""
        self.page.wait_for_function(
            "before => fooocus.task !== null && fooocus.task !== before", arg=self.waited_for
        )
        self.waited_for = task = self.page.evaluate("fooocus.task")
        over = self.messages.locator(f'[data-task="{task}"]')
        expect(over).to_be_attached(timeout=JOB_MILLISECONDS)
        self._wait_until_nothing_moves()

    def _wait_until_nothing_moves(self):
        """The progress goes after the last message and the buttons move up: a click then misses."""
        self.page.wait_for_function(
            """() => {
                const place = document.querySelector("#fooocus_send").getBoundingClientRect().y;
                const now = performance.now();
                if (window.sendRow?.place !== place) {
                    window.sendRow = {place, since: now};
                }
                return now - window.sendRow.since > 300;
            }"""
        )

    def start(self, prompt):
        """Starts a job without waiting for it."""
        self.prompt.fill(prompt)
        self.generate_button.click()

    @property
    def skip_button(self):
        return self.page.locator("#fooocus_skip")

    @property
    def stop_button(self):
        return self.page.locator("#fooocus_interrupt")

    @property
    def jobs(self):
        """The rows of the queue."""
        return self.page.locator(".fooocus-job")

    def prompts(self, state="waiting"):
        return self.page.locator(f".fooocus-job-{state} .fooocus-job-prompt").all_inner_texts()

    def job_button(self, prompt, label):
        return self.page.get_by_role("button", name=f"{label}: {prompt}", exact=True)

    def infotexts(self):
        return json.loads(self.page.locator("#fooocus_infotexts textarea").input_value() or "[]")

    def seeds(self):
        return [int(re.search(r"\bSeed: (\d+)", text)[1]) for text in self.infotexts()]

    def styles(self):
        return json.loads(self.page.locator("#fooocus_styles textarea").input_value())

    def paste(self, text):
        """Pastes a text into the prompt as the browser does."""
        self.prompt.evaluate(
            """(box, text) => {
                const clipboardData = new DataTransfer();
                clipboardData.setData("text/plain", text);
                const how = {clipboardData, bubbles: true, cancelable: true};
                box.dispatchEvent(new ClipboardEvent("paste", how));
            }""",
            text,
        )
