"""A page on which one thing is not where we look for it, as with another Gradio: all the rest still works."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.tab_page import FooocusTab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MISSING = ("#fooocus_first_run .prose", "#fooocus_gallery_container", "#fooocus_style_search")
# What was loaded while the page was built looks for things in the same two ways as we do.
HIDE = """
(missing) => {
    for (const kind of [Document, Element]) {
        const find = kind.prototype.querySelector;
        kind.prototype.querySelector = function (selector) {
            return selector === missing ? null : find.call(this, selector);
        };
    }
}
"""


@pytest.fixture(params=MISSING)
def changed(page, request):
    """The tab, loaded anew on a page without one of the things."""
    page.add_init_script(f'({HIDE})("{request.param}")')
    page.reload()
    page.wait_for_function("Object.keys(opts).length > 0")
    return FooocusTab(page)


def test_keys_and_pasted_settings_still_work(changed):
    changed.advanced()
    changed.page.keyboard.press("Escape")
    expect(changed.page.locator("#fooocus_side")).to_be_hidden()
    changed.paste("a lighthouse\nSteps: 7, Sampler: Euler, CFG scale: 3, Seed: 5, Size: 64x64")
    expect(changed.prompt).to_have_value("a lighthouse")
