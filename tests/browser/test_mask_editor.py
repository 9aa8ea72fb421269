"""The mask editor: what is drawn with mouse, fingers and keys lands on the picture's own pixels."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

from tests.browser.mask_editor import SIZE, MaskEditor, as_upload, disc

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DIFFERENT = 0.02
"""Share of pixels that may differ: the edges of circles."""


@pytest.fixture
def editor(tab):
    return MaskEditor(tab)


def stroke(*points, radius=10, size=SIZE):
    """What a round brush marks that is moved along straight lines between points."""
    marked = np.zeros(size[::-1], dtype=bool)
    for (x1, y1), (x2, y2) in pairwise(points):
        for share in np.linspace(0, 1, 200):
            marked |= disc(size, x1 + (x2 - x1) * share, y1 + (y2 - y1) * share, radius)
    return marked


def differing(one, other):
    return (one != other).mean()


def box(left, top, right, bottom, size=SIZE):
    marked = np.zeros(size[::-1], dtype=bool)
    marked[top:bottom, left:right] = True
    return marked


def test_brush_and_eraser_mark_what_they_pass_over(editor):
    line = (40, 40), (160, 100)
    editor.drag(*line)
    drawn = editor.mask()
    assert differing(drawn, stroke(*line)) < DIFFERENT
    editor.button("Eraser").click()
    editor.drag((100, 20), (100, 140))
    erased = stroke((100, 20), (100, 140))
    assert differing(editor.mask(), stroke(*line) & ~erased) < DIFFERENT
    expect(editor.said).to_contain_text("% of the picture is marked")


def test_the_right_button_erases_with_any_tool(editor):
    editor.button("Invert").click()
    editor.button("Rectangle").click()
    editor.drag((50, 40), (150, 120), button="right")
    assert differing(editor.mask(), ~box(50, 40, 150, 120)) < DIFFERENT


def test_steps_are_undone_and_redone_one_by_one(editor):
    expect(editor.button("Undo")).to_have_attribute("aria-disabled", "true")
    editor.drag((40, 40), (60, 40))
    first = editor.mask()
    editor.drag((140, 100), (160, 100))
    second = editor.mask()
    assert second.sum() > first.sum() > 0
    editor.button("Undo").click()
    assert (editor.mask() == first).all()
    editor.button("Undo").click()
    assert not editor.mask().any()
    expect(editor.said).to_contain_text("Nothing is marked")
    expect(editor.button("Undo")).to_have_attribute("aria-disabled", "true")
    editor.button("Redo").click()
    editor.button("Redo").click()
    assert (editor.mask() == second).all()
    editor.button("Undo").click()
    editor.drag((40, 140), (60, 140))
    expect(editor.button("Redo")).to_have_attribute("aria-disabled", "true")


def test_lasso_and_rectangle_fill_what_they_surround(editor):
    editor.button("Lasso").click()
    editor.drag((20, 20), (120, 20), (20, 120))
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]] + 0.5
    triangle = (columns > 20) & (rows > 20) & (columns + rows < 140)
    assert differing(editor.mask(), triangle) < DIFFERENT
    editor.button("Rectangle").click()
    editor.drag((220, 140), (180, 60))
    assert differing(editor.mask(), triangle | box(180, 60, 220, 140)) < DIFFERENT


def test_what_is_drawn_zoomed_and_moved_lands_on_the_same_pixels(editor):
    editor.resize(6)
    for _ in range(3):
        editor.button("Zoom in").click()
    editor.button("Move").click()
    editor.drag((120, 80), (100, 90))
    editor.button("Brush").click()
    scale = editor.page.evaluate("fooocusMaskEditor.view.scale / fooocusMaskEditor.view.fitting()")
    assert scale == pytest.approx(1.5**3)
    line = (110, 70), (140, 90)
    editor.drag(*line)
    assert differing(editor.mask(), stroke(*line, radius=3)) < 0.003
    editor.button("Fit").click()
    assert editor.page.evaluate("fooocusMaskEditor.view.scale") == pytest.approx(
        editor.page.evaluate("fooocusMaskEditor.view.fitting()")
    )


def test_the_wheel_zooms_where_the_mouse_is_once_the_picture_has_the_focus(editor):
    place = editor.point(60, 40)
    editor.page.mouse.move(*place)
    before = editor.page.evaluate("fooocusMaskEditor.view.scale")
    editor.page.locator("#fooocus_prompt textarea").focus()
    editor.page.mouse.wheel(0, 1)
    assert editor.page.evaluate("fooocusMaskEditor.view.scale") == before
    editor.stage.focus()
    editor.page.mouse.wheel(0, -400)
    editor.page.wait_for_function("before => fooocusMaskEditor.view.scale > before", arg=before)
    assert editor.point(60, 40) == pytest.approx(place, abs=1.5)  # the page has scrolled by 1


def test_invert_and_clear_act_on_the_whole_mask_and_can_be_undone(editor):
    editor.drag((40, 40), (100, 40))
    drawn = editor.mask()
    editor.button("Invert").click()
    assert differing(editor.mask(), ~drawn) < 0.005
    editor.button("Clear").click()
    assert not editor.mask().any()
    editor.button("Undo").click()
    editor.button("Undo").click()
    assert (editor.mask() == drawn).all()


def test_all_of_it_goes_by_keyboard(editor):
    press = editor.page.keyboard.press
    editor.stage.focus()
    press("r")
    expect(editor.button("Rectangle")).to_have_attribute("aria-pressed", "true")
    scale = editor.page.evaluate("fooocusMaskEditor.view.scale")
    press("Space")
    expect(editor.said).to_contain_text("Space ends it")
    for _ in range(3):
        press("ArrowRight")
        press("ArrowDown")
    press("Space")
    length = round(16 / scale) * 3
    assert differing(editor.mask(), box(120, 80, 120 + length, 80 + length)) < DIFFERENT
    press("i")
    assert editor.mask().mean() > 0.5
    press("Control+z")
    press("Control+z")
    assert not editor.mask().any()
    press("Control+y")
    assert editor.mask().any()
    press("Delete")
    assert not editor.mask().any()
    press("b")
    press("]")
    assert int(editor.page.locator("#fooocus_mask_size").input_value()) > 20
    press("Space")
    press("ArrowLeft")
    press("Escape")
    assert not editor.mask().any()
    press("+")
    assert editor.page.evaluate("fooocusMaskEditor.view.scale") > scale
    press("0")
    assert editor.page.evaluate("fooocusMaskEditor.view.scale") == scale
    outline = editor.stage.evaluate("stage => getComputedStyle(stage).outlineStyle")
    assert outline == "solid"


def test_typing_a_prompt_is_no_shortcut(editor):
    editor.drag((40, 40), (100, 40))
    drawn = editor.mask()
    editor.tab.prompt.press_sequentially("hi, bird [e] 0")
    assert (editor.mask() == drawn).all()
    expect(editor.button("Brush")).to_have_attribute("aria-pressed", "true")


def test_a_mask_is_saved_and_loaded_and_adds_to_what_is_drawn(editor, tmp_path):
    editor.button("Rectangle").click()
    editor.drag((20, 20), (60, 60))
    with editor.page.expect_download() as saved:
        editor.button("Save").click()
    with Image.open(saved.value.path()) as file:
        assert file.size == SIZE
        assert differing(np.asarray(file.convert("L")) > 127, editor.mask()) == 0
    editor.button("Clear").click()
    editor.drag((100, 20), (140, 60))
    half = Image.new("L", (SIZE[0] // 2, SIZE[1] // 2), 0)
    half.paste(255, (80, 40, 110, 70))
    stream = io.BytesIO()
    half.save(stream, "PNG")
    mask_file = {"name": "mask.png", "mimeType": "image/png", "buffer": stream.getvalue()}
    editor.page.locator("#fooocus_mask_file").set_input_files(mask_file)
    wanted = box(100, 20, 140, 60) | box(160, 80, 220, 140)
    expect(editor.said).to_contain_text("14 %")
    assert differing(editor.mask(), wanted) < DIFFERENT
    broken = {"name": "mask.png", "mimeType": "image/png", "buffer": b"no picture"}
    editor.page.locator("#fooocus_mask_file").set_input_files(broken)
    expect(editor.said).to_have_text("mask.png cannot be read as a picture.")
    assert differing(editor.mask(), wanted) < DIFFERENT


def test_two_fingers_zoom_and_draw_nothing(editor):
    touches = """(points) => {
        const stage = document.querySelector("#fooocus_mask_stage");
        for (const [kind, pointerId, clientX, clientY] of points) {
            const how = {pointerId, clientX, clientY, pointerType: "touch", bubbles: true, cancelable: true};
            stage.dispatchEvent(new PointerEvent(kind, how));
        }
    }"""
    (x, y), (other_x, other_y) = editor.point(100, 80), editor.point(140, 80)
    before = editor.page.evaluate("fooocusMaskEditor.view.scale")
    pinch = [
        ["pointerdown", 1, x, y],
        ["pointerdown", 2, other_x, other_y],
        ["pointermove", 2, other_x + (other_x - x), other_y],
        ["pointerup", 2, other_x + (other_x - x), other_y],
        ["pointerup", 1, x, y],
    ]
    editor.page.evaluate(touches, pinch)
    assert editor.page.evaluate("fooocusMaskEditor.view.scale") == pytest.approx(2 * before)
    assert not editor.mask().any()
    (x, y), (other_x, other_y) = editor.point(100, 80), editor.point(130, 80)
    one_finger = [
        ["pointerdown", 3, x, y],
        ["pointermove", 3, other_x, other_y],
        ["pointerup", 3, 0, 0],
    ]
    editor.page.evaluate(touches, one_finger)
    assert differing(editor.mask(), stroke((100, 80), (130, 80))) < DIFFERENT


def test_the_edges_of_tiles_leave_no_seam(tab):
    size = (1300, 700)
    editor = MaskEditor(tab, size)
    editor.resize(60)
    line = (300, 300), (1200, 560)
    editor.drag(*line)
    assert differing(editor.mask(), stroke(*line, radius=30, size=size)) < 0.005
    assert editor.page.evaluate("fooocusMaskEditor.view.mask.past[0].size") == 5
    shown = editor.page.evaluate(
        """() => {
            const {above} = fooocusMaskEditor.view, context = above.getContext("2d");
            const opaque = (data, x, y) => data[4 * (y * above.width + x) + 3] > 127;
            return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => {
                const pixels = context.getImageData(0, 0, above.width, above.height).data;
                const columns = [];
                for (let x = 0; x < above.width; x++) {
                    let count = 0;
                    for (let y = 0; y < above.height; y++) count += opaque(pixels, x, y);
                    columns.push(count);
                }
                resolve(columns);
            })));
        }"""
    )
    inner = np.flatnonzero(shown)[20:-20]
    assert (np.abs(np.diff(np.asarray(shown)[inner])) <= 4).all()


def test_what_is_transparent_can_be_marked(editor):
    picture = Image.new("RGBA", SIZE, (200, 100, 50, 255))
    picture.paste((0, 0, 0, 0), (30, 20, 90, 70))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    button = editor.page.get_by_role("button", name="Mark what is transparent")
    expect(button).to_be_hidden()
    editor.page.locator("#fooocus_input_file").set_input_files(as_upload(stream.getvalue()))
    button.click()
    assert (editor.mask() == box(30, 20, 90, 70)).all()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_to_object_to(editor, theme):
    editor.page.evaluate("dark => document.body.classList.toggle('dark', dark)", theme == "dark")
    editor.drag((40, 40), (60, 40))
    editor.page.locator("#fooocus_edit_more .label-wrap").click()
    expect(editor.page.locator("#fooocus_edit_feather")).to_be_visible()
    found = Axe().run(editor.page, context="#fooocus_input")
    assert [(v["id"], v["nodes"][0]["html"]) for v in found.response["violations"]] == []
