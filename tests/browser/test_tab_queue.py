"""The queue in a browser: jobs wait, are moved and removed, and each picture is shown when it is made."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.tab_page import JOB_MILLISECONDS, FooocusTab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = 1000


@pytest.fixture
def busy(tab):
    """The tab with a job that runs until it is stopped."""
    tab.make_small(width=256, height=256, steps=20, image_number=32)
    tab.start("the first")
    expect(tab.progress).to_contain_text("Picture 1 of 32, step", timeout=JOB_MILLISECONDS)
    tab.make_small()
    return tab


def add(tab, *prompts):
    for prompt in prompts:
        tab.prompt.fill(prompt)
        tab.generate_button.click()
        expect(tab.page.locator(".fooocus-job", has_text=prompt)).to_be_visible()


def reload(tab):
    tab.page.reload()
    tab.page.wait_for_selector("#fooocus_prompt textarea", state="attached")
    tab.page.wait_for_function("Object.keys(opts).length > 0")


def stop_all(tab):
    tab.page.get_by_role("button", name="Stop all").click()
    expect(tab.jobs).to_have_count(0, timeout=JOB_MILLISECONDS)


def test_each_picture_is_shown_when_it_is_finished_with_its_settings(tab):
    tab.make_small(width=256, height=256, steps=50, image_number=3)
    tab.start("a fox")
    expect(tab.thumbnails).to_have_count(1, timeout=JOB_MILLISECONDS)
    expect(tab.progress).to_contain_text("Picture 2 of 3")
    tab.thumbnails.first.click()
    (text,) = tab.infotexts()
    infotext = tab.page.locator("#fooocus_infotext textarea")
    expect(infotext).to_have_value(text)
    preview = tab.page.get_by_role("button", name="Watch the picture that is being made")
    box = tab.page.locator("#fooocus_gallery").bounding_box()
    assert preview.bounding_box()["width"] < box["width"] / 2
    preview.press("Enter")
    expect(preview).to_have_count(0)
    large = tab.page.locator("#fooocus_gallery .livePreview").bounding_box()
    assert large["width"] > box["width"] / 2
    expect(tab.thumbnails.first).to_be_visible()
    expect(tab.thumbnails).to_have_count(2, timeout=JOB_MILLISECONDS)
    tab.wait()
    expect(tab.thumbnails).to_have_count(3)
    first = tab.seeds()[0]
    assert tab.seeds() == [first, first + 1, first + 2]


def test_generate_stays_and_what_it_adds_comes_in_order(busy):
    expect(busy.generate_button).to_be_enabled()
    add(busy, "the second", "the third")
    expect(busy.jobs).to_have_count(3)
    assert busy.prompts() == ["the second", "the third"]
    expect(busy.jobs.nth(1)).to_contain_text("2 of 3")
    expect(busy.stop_button).to_have_text("Stop this one")
    busy.stop_button.click()
    busy.wait()
    texts = busy.infotexts()
    assert ["second" in texts[-2], "third" in texts[-1]] == [True, True]
    expect(busy.jobs).to_have_count(0)


def test_jobs_are_moved_by_keyboard_and_mouse_and_removed(busy):
    add(busy, "job two", "job three", "job four")
    busy.job_button("job four", "Move up").focus()
    busy.page.keyboard.press("Enter")
    expect(busy.page.locator(".fooocus-queue-said")).to_have_text(re.compile("Moved to place 2"))
    assert busy.prompts() == ["job two", "job four", "job three"]
    expect(busy.job_button("job four", "Move up")).to_be_focused()
    busy.page.keyboard.press("Enter")
    expect(busy.job_button("job four", "Move down")).to_be_focused()
    assert busy.prompts() == ["job four", "job two", "job three"]
    rows = busy.page.locator(".fooocus-job-waiting")
    rows.nth(2).drag_to(rows.nth(0))
    expect(rows.nth(0)).to_contain_text("job three")
    assert busy.prompts() == ["job three", "job four", "job two"]
    busy.job_button("job four", "Remove").click()
    expect(busy.jobs).to_have_count(3)
    reload(busy)
    expect(busy.jobs).to_have_count(3, timeout=JOB_MILLISECONDS)
    assert busy.prompts() == ["job three", "job two"]
    stop_all(busy)


@pytest.mark.parametrize("end", ["mouseup", "dragend"])
def test_the_list_is_not_drawn_anew_while_a_job_is_held(busy, end):
    """As when a picture is done meanwhile: the row would be gone, and a click or a drag with it."""
    add(busy, "job two", "job three")
    # The row is looked for where it is held: the page asks for the list all the time, and may draw it anew.
    kept = busy.page.evaluate(
        """async (end) => {
            const row = document.querySelectorAll(".fooocus-job-waiting")[1];
            row.dispatchEvent(new MouseEvent("mousedown", {bubbles: true}));
            fooocusQueueList.drawn = "";
            fooocusQueueList.draw(fooocusQueue.state);
            const during = row.isConnected;
            row.dispatchEvent(new MouseEvent(end, {bubbles: true}));
            const behind = row.isConnected;
            await new Promise((resolve) => setTimeout(resolve));
            return [during, behind, row.isConnected];
        }""",
        end,
    )
    assert kept == [True, True, False]
    stop_all(busy)


def test_a_job_that_is_held_when_the_page_is_gone_is_no_error(tab):
    """The webui's "Reload UI" empties the page; afterwards the fixture looks at the scripts' errors."""
    show_failed(tab, "a fox")
    tab.page.evaluate(
        """async () => {
            const row = document.querySelector(".fooocus-job");
            row.dispatchEvent(new MouseEvent("mousedown", {bubbles: true}));
            document.dispatchEvent(new MouseEvent("mouseup"));
            document.querySelector("#fooocus_page").remove();
            fooocusQueueList.drawn = "";
            fooocusShowInput();
            await new Promise((resolve) => setTimeout(resolve, 50));
        }"""
    )


def test_a_reload_finds_the_pictures_of_finished_jobs(tab):
    tab.make_small(image_number=2)
    tab.generate("a fox")
    expect(tab.thumbnails).to_have_count(2)
    texts = tab.infotexts()
    reload(tab)
    tab.open()
    expect(tab.thumbnails).to_have_count(2)
    assert tab.infotexts() == texts


def test_windows_see_of_each_other_how_many_wait(second_tab, busy):
    add(busy, "mine")
    add(second_tab, "yours")
    expect(second_tab.jobs).to_have_count(1)
    expect(second_tab.jobs).to_contain_text("3 of 3")
    expect(busy.jobs.nth(1)).to_contain_text("2 of 3")
    assert "yours" not in busy.page.locator("#fooocus_page").inner_text()
    assert "mine" not in second_tab.page.locator("#fooocus_page").inner_text()
    stop_all(busy)
    second_tab.wait()
    assert "yours" in second_tab.infotexts()[0]
    assert all("yours" not in text for text in busy.infotexts())


def test_forever_goes_on_with_other_seeds_until_stop(tab):
    forever = tab.page.locator("#fooocus_forever input")
    tab.use_seed(100)
    forever.check()
    tab.start("a fox")
    expect(tab.thumbnails.nth(2)).to_be_visible(timeout=JOB_MILLISECONDS)
    reload(tab)
    tab.open()
    expect(forever).to_be_checked()
    expect(tab.stop_button).to_be_visible(timeout=JOB_MILLISECONDS)
    tab.stop_button.click()
    expect(forever).not_to_be_checked()
    expect(tab.page.locator("#fooocus_page.fooocus-running")).to_have_count(
        0, timeout=JOB_MILLISECONDS
    )
    tab.page.wait_for_timeout(2 * SECONDS)
    seeds = tab.seeds()
    assert seeds == list(range(100, 100 + len(seeds)))
    expect(tab.page.locator("#fooocus_page.fooocus-running")).to_have_count(0)


def test_forever_ends_when_its_box_is_unticked(tab):
    forever = tab.page.locator("#fooocus_forever input")
    forever.check()
    tab.start("a fox")
    expect(tab.thumbnails.first).to_be_visible(timeout=JOB_MILLISECONDS)
    forever.uncheck()
    expect(tab.page.locator("#fooocus_page.fooocus-running")).to_have_count(
        0, timeout=JOB_MILLISECONDS
    )
    tab.page.wait_for_timeout(2 * SECONDS)
    expect(tab.page.locator("#fooocus_page.fooocus-running")).to_have_count(0)
    expect(forever).not_to_be_checked()


def test_ctrl_enter_adds_a_job_while_one_runs(busy):
    busy.prompt.fill("by keyboard")
    busy.prompt.press("Control+Enter")
    expect(busy.jobs).to_have_count(2)
    assert busy.prompts("running") == ["the first"]
    stop_all(busy)


def test_the_queue_satisfies_axe_and_a_phone(busy):
    from axe_playwright_python.sync_playwright import Axe

    add(busy, "a prompt that is much longer than a telephone is wide, " * 4)
    found = Axe().run(busy.page, context="#tab_fooocus").response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []
    busy.page.set_viewport_size({"width": 400, "height": 850})
    assert busy.page.evaluate("document.documentElement.scrollWidth") <= 400
    stop_all(busy)


def test_a_tab_opened_for_the_first_time_has_no_queue(page):
    tab = FooocusTab(page)
    expect(tab.page.locator(".fooocus-queue")).to_be_hidden()
    expect(tab.skip_button).to_be_hidden()


def show_failed(tab, *prompts):
    """Lets the page believe that jobs have failed which the server does not know."""
    # Once it has heard that it has no jobs, it asks no more.
    tab.page.wait_for_function("fooocusQueue.known")
    tab.page.evaluate(
        """prompts => {
            clearTimeout(fooocusQueue.timer);
            const job = {state: "failed", action: "generate", image_number: 1, made: 0, private: false};
            const jobs = prompts.map((prompt, i) => ({
                ...job, id: `task(not-there-${i})`, prompt, error: `There was no memory for ${prompt}.`,
            }));
            fooocusQueue.update({jobs, open_jobs: 0, forever: false, version: ""});
        }""",
        prompts,
    )


def test_failed_jobs_are_listed_with_their_reason_and_can_be_tried_again(tab):
    show_failed(tab, "a fox", "an owl")
    expect(tab.jobs).to_have_count(2)
    expect(tab.jobs.first).to_contain_text("There was no memory for a fox.")
    expect(tab.job_button("an owl", "Try again")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Try all again")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Stop all")).to_be_hidden()
    tab.job_button("a fox", "Try again").click()
    expect(tab.page.locator(".fooocus-queue-said")).to_contain_text("no such job")
    expect(tab.jobs).to_have_count(0)


def test_trying_all_again_says_what_could_not_be_tried(tab):
    show_failed(tab, "a fox", "an owl")
    tab.page.get_by_role("button", name="Try all again").click()
    expect(tab.page.locator(".fooocus-queue-said")).to_have_text(
        re.compile("^There is no such job")
    )


def test_a_reason_stands_among_the_messages_or_in_the_list_but_not_in_both(tab):
    show_failed(tab, "a fox", "an owl")
    reasons = tab.page.locator(".fooocus-job-error")
    tab.page.evaluate(
        """document.querySelector("#html_log_fooocus .prose").innerHTML =
           '<span data-task="task(not-there-0)"></span><p>There was no memory for a fox.</p>'"""
    )
    expect(reasons.first).to_be_hidden()
    expect(reasons.last).to_be_visible()
    tab.page.evaluate("document.querySelector('#html_log_fooocus .prose').innerHTML = ''")
    expect(reasons.first).to_be_visible()
