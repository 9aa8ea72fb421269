"""A picture that is edited, from its margins to the byte that stays as it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fooocus_ext import edit
from fooocus_ext.errors import RequestError
from fooocus_ext.images import area, canvas, fill, outpaint


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """Return a picture of which no two pixels need be alike."""
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(levels)


def box_mask(width: int, height: int, box: tuple[int, int, int, int]) -> Image.Image:
    image = Image.new("L", (width, height))
    image.paste(255, box)
    return image


@st.composite
def jobs(draw: st.DrawFn):
    """Draw a picture, a mask with something in it, and an edit."""
    width, height = draw(st.integers(16, 96)), draw(st.integers(16, 96))
    left, top = draw(st.integers(0, width - 2)), draw(st.integers(0, height - 2))
    right, bottom = draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height))
    values: dict[str, object] = {"mode": draw(st.sampled_from(["inpaint", "detail", "modify"]))}
    values["feather"] = draw(st.sampled_from([0, 1, 5, 32]))
    if values["mode"] == "inpaint":
        sides = draw(st.lists(st.sampled_from(edit.SIDES), unique=True, max_size=2))
        values.update({f"outpaint_{side}": draw(st.sampled_from([0.3, 1.0])) for side in sides})
    return noise(width, height), box_mask(width, height, (left, top, right, bottom)), values


@given(jobs())
def test_what_is_beyond_the_ramp_is_the_picture_byte_for_byte(job):
    picture, mask, values = job
    made = canvas.prepare(picture, [mask], edit.from_dict(values), side=64)
    inverse = Image.fromarray(255 - np.asarray(made.crop))
    pasted = np.asarray(made.pasted(inverse)).astype(int)
    rows, columns = np.indices(made.mask.shape)
    far = np.full(made.mask.shape, 10**6)
    for row, column in np.argwhere(made.mask):
        far = np.minimum(far, np.maximum(abs(rows - row), abs(columns - column)))
    outside = far >= max(values["feather"], 1)
    assert (pasted[outside] == made.picture[outside]).all()
    fitted = np.asarray(inverse.resize(made.box.size, Image.Resampling.LANCZOS)).astype(int)
    inside = made.mask[made.box.slices]
    assert (pasted[made.box.slices][inside] == fitted[inside]).all()


@given(jobs())
def test_the_picture_stands_unchanged_within_the_grown_one(job):
    picture, mask, values = job
    made = canvas.prepare(picture, [mask], edit.from_dict(values), side=64)
    by = outpaint.margins(edit.from_dict(values), picture.size)
    height, width = made.mask.shape
    inner = slice(by.top, height - by.bottom), slice(by.left, width - by.right)
    assert (made.picture[inner] == np.asarray(picture)).all()
    assert np.array_equal(made.mask[inner], np.asarray(mask) > 127)
    new = np.ones_like(made.mask)
    new[inner] = False
    assert made.mask[new].all()


def test_the_ramp_mixes_both_pictures():
    picture = Image.new("RGB", (256, 256), (0, 100, 200))
    mask = box_mask(256, 256, (100, 100, 200, 200))
    made = canvas.prepare(picture, [mask], edit.Edit(field=1), side=256)
    pasted = np.asarray(made.pasted(Image.new("RGB", made.crop.size, (255, 255, 255))))
    for distance in range(40):
        share = min(255, max(0, 256 - 8 * distance)) / 255
        expected = np.array([0, 100, 200]) * (1 - share) + 255 * share
        assert abs(pasted[150, 100 - distance] - expected).max() <= 1


def test_how_much_is_seen_is_found_out_once_for_all_pictures_of_a_job(monkeypatch):
    made = canvas.prepare(noise(96, 64), [box_mask(96, 64, (50, 20, 60, 30))], edit.Edit(), side=64)
    first = made.pasted(noise(64, 64, 1))
    monkeypatch.setattr(canvas.mask, "ramp", lambda *_: pytest.fail("the ramp is made again"))
    assert made.pasted(noise(64, 64, 1)).tobytes() == first.tobytes()
    assert made.pasted(noise(64, 64, 2)).tobytes() != first.tobytes()


def test_where_nothing_of_a_mask_is_in_the_part_that_is_looked_at_the_picture_stays():
    corners = Image.new("L", (64, 64))
    corners.putpixel((29, 20), 255)
    corners.putpixel((20, 29), 255)
    values = edit.Edit("detail", feather=0)
    made = canvas.prepare(noise(64, 64), [corners], values, side=64)
    assert (np.asarray(made.pasted(noise(64, 64, 1))) == made.picture).all()


def test_the_masked_part_is_filled_from_what_is_around_and_nothing_else_changes():
    levels = np.zeros((64, 64, 3), np.uint8)
    levels[:, :32] = 200
    masked = np.zeros((64, 64), bool)
    masked[16:48, 16:48] = True
    hidden = np.where(masked[..., None], np.uint8(77), levels)
    filled = fill.from_around(hidden, masked)
    assert (filled[~masked] == levels[~masked]).all()
    assert filled[32, 18, 0] > 150
    assert filled[32, 46, 0] < 50
    other = fill.from_around(np.where(masked[..., None], np.uint8(250), levels), masked)
    assert abs(filled.astype(int) - other).max() < 60  # little of what was masked is left


@pytest.mark.parametrize(
    ("values", "filled"),
    [
        ({}, True),
        ({"strength": 0.9}, False),
        ({"mode": "detail"}, False),
        ({"mode": "modify"}, True),
        ({"mode": "detail", "strength": 1}, True),
    ],
)
def test_the_start_is_filled_where_nothing_of_the_old_is_to_be_seen(values, filled):
    mask = box_mask(64, 64, (20, 20, 40, 40))
    made = canvas.prepare(noise(64, 64), [mask], edit.from_dict(values), side=64)
    assert (made.start.tobytes() != made.crop.tobytes()) is filled


@pytest.mark.parametrize(
    "box", [(500, 300, 503, 303), (0, 700, 1024, 701), (1023, 1023, 1024, 1024)]
)
@pytest.mark.parametrize("mode", ["inpaint", "detail"])
def test_a_mask_that_is_small_or_thin_does_not_vanish_in_the_working_size(mode, box):
    values = edit.from_dict({"mode": mode, "field": 1})
    made = canvas.prepare(noise(1024, 1024), [box_mask(1024, 1024, box)], values, side=64)
    assert made.crop.size == (64, 64)
    left, top, right, bottom = (side // 16 for side in box)
    rows, columns = np.nonzero(made.crop_mask)
    assert {*rows} == {*range(top, max(bottom, top + 1))}
    assert {*columns} == {*range(left, max(right, left + 1))}


def test_a_small_part_is_enlarged_before_it_gets_its_size_and_a_large_one_is_not():
    asked = []

    def enlarge(image: Image.Image) -> Image.Image:
        asked.append(image.size)
        return image.resize((image.width * 4, image.height * 4))

    mask = box_mask(200, 200, (80, 80, 120, 120))
    values = edit.from_dict({"mode": "detail"})
    made = canvas.prepare(noise(200, 200), [mask], values, side=128, enlarge=enlarge)
    assert asked == [made.box.size]
    assert made.crop.size == (128, 128)
    canvas.prepare(noise(200, 200), [mask], edit.Edit(field=1), side=128, enlarge=enlarge)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("values", "size", "expected"),
    [
        ({"outpaint_left": 0.3, "outpaint_right": 0.3}, (256, 100), (76, 76, 0, 0)),
        ({"outpaint_top": 1 / 3}, (300, 300), (0, 0, 100, 0)),
        ({"outpaint_bottom": 4}, (16, 20), (0, 0, 0, 80)),
        ({"outpaint_to": "16:9"}, (900, 900), (350, 350, 0, 0)),
        ({"outpaint_to": "1:2"}, (101, 101), (0, 0, 50, 51)),
        ({"outpaint_to": "300*200"}, (300, 101), (0, 0, 49, 50)),
    ],
)
def test_margins(values, size, expected):
    assert outpaint.margins(edit.from_dict(values), size) == expected


def test_fooocus_s_share_gives_fooocus_s_pixels():
    shares = edit.from_dict({"outpaint_left": 0.3})
    for side in range(16, 4000):
        assert outpaint.margins(shares, (side, 16)).left == int(0.3 * side)


@given(st.integers(16, 500), st.integers(16, 500), st.integers(1, 40), st.integers(1, 40))
def test_a_ratio_grows_one_side_at_most_by_as_little_as_it_can(width, height, across, down):
    by = outpaint.margins(edit.from_dict({"outpaint_to": f"{across}:{down}"}), (width, height))
    new_width, new_height = by.size((width, height))
    assert new_width == width or new_height == height
    assert abs(new_width * down - new_height * across) <= max(across, down)
    assert abs(by.left - by.right) <= 1
    assert abs(by.top - by.bottom) <= 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "mask: nothing is masked"),
        ({"mask_grow": -64}, "mask: nothing is masked"),
        ({"outpaint_to": "50*400"}, 'outpaint_to: got "50*400" (text); allowed: at least'),
        ({"outpaint_to": "1:9999"}, "outpaint_to: got 64x639936 pixels; allowed: sides from 16"),
        (
            {"outpaint_to": "99999*99999"},
            "outpaint_to: got 99999x99999 pixels; allowed: sides from 16",
        ),
        ({"outpaint_to": "64*64", "mask_grow": -64}, 'outpaint_to: got "64*64" (text), which the'),
        (
            {"outpaint_to": "1:1", "mask_grow": -64},
            "allowed: a larger size, another ratio, or a mask",
        ),
        (
            {"outpaint_left": 0.015, "outpaint_right": 1},
            "outpaint_left: got 0.015 (number), less than a pixel; allowed: 0, or at least a pixel of",
        ),
    ],
)
def test_what_cannot_be_edited_is_refused_by_name(values, words):
    masks = [box_mask(64, 64, (20, 20, 40, 40))] if values else []
    with pytest.raises(RequestError) as refusal:
        canvas.prepare(noise(64, 64), masks, edit.from_dict(values))
    assert words in refusal.value.detail


def test_a_picture_that_grows_too_large_is_laid_to_the_sides_that_are_named():
    sides = edit.from_dict({"outpaint_top": 4, "outpaint_left": 4})
    with pytest.raises(RequestError, match=r"^outpaint_left, outpaint_top: got 20000x20000 pixels"):
        canvas.check(Image.new("RGB", (4000, 4000)), [], sides)


def test_a_size_that_the_picture_has_already_is_no_obstacle_to_its_mask():
    mask = box_mask(64, 64, (20, 20, 40, 40))
    made = canvas.prepare(noise(64, 64), [mask], edit.from_dict({"outpaint_to": "1:1"}), side=64)
    assert made.picture.shape == (64, 64, 3)


def test_an_inverted_mask_of_nothing_is_all_of_the_picture():
    made = canvas.prepare(noise(64, 64), [], edit.from_dict({"mask_invert": True}), side=64)
    assert made.mask.all()
    assert made.box.size == (64, 64)
    assert area.is_small(made.box.size)
