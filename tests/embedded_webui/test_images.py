"""Pictures keep their infotext in every format, get the host's names, and come to size as asked."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.embedded_webui.lazy import Lazy

image_metadata, images = Lazy("image_metadata"), Lazy("images")
script_callbacks = Lazy("script_callbacks")

INFOTEXT = "a cat, 漢字 – é\nNegative prompt: blur\nSteps: 20, Sampler: Euler a, Seed: 5, Size: 8x8"


@pytest.fixture(autouse=True)
def _folders_off(opts):
    opts.save_to_dirs = opts.grid_save_to_dirs = False


def picture(width=8, height=8, colour=(200, 100, 50)):
    return Image.new("RGB", (width, height), colour)


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "gif"])
def test_infotext_survives_every_format(tmp_path, extension):
    path, text_file = images.save_image(
        picture(), str(tmp_path), "", info=INFOTEXT, extension=extension
    )
    assert text_file is None
    infotext, others = images.read_info_from_image(Image.open(path))
    assert infotext == INFOTEXT
    assert not set(others) & images.IGNORED_INFO_KEYS


def test_png_keeps_it_where_the_host_does(tmp_path):
    others = {"postprocessing": "x"}
    path, _ = images.save_image(picture(), str(tmp_path), "", info=INFOTEXT, existing_info=others)
    info = Image.open(path).info
    assert info["parameters"] == INFOTEXT
    assert info["postprocessing"] == "x"


def test_exif_comment_has_the_layout_that_exif_prescribes(tmp_path):
    path, _ = images.save_image(picture(), str(tmp_path), "", info=INFOTEXT, extension="jpg")
    data = Path(path).read_bytes()
    assert b"UNICODE\x00" + INFOTEXT.encode("utf-16-be") in data


@given(st.text(max_size=60))
def test_exif_comments_come_back(text):
    sent = text.encode("utf-16-be", "ignore").decode("utf-16-be")
    assert image_metadata.comment_from_exif(image_metadata.exif_with_comment(sent)) == sent


@given(st.binary(max_size=60))
def test_broken_exif_is_no_comment(data):
    assert isinstance(image_metadata.comment_from_exif(data), str)


def test_ascii_exif_comments_of_others_are_read():
    exif = Image.Exif()
    exif[image_metadata.EXIF_IFD] = {image_metadata.USER_COMMENT: b"ASCII\x00\x00\x00Steps: 5"}
    assert image_metadata.comment_from_exif(exif.tobytes()) == "Steps: 5"


def test_options_switch_metadata_off_and_a_text_file_on(tmp_path, opts):
    opts.enable_pnginfo, opts.save_txt = False, True
    path, text_file = images.save_image(picture(), str(tmp_path), "", info=INFOTEXT)
    assert images.read_info_from_image(Image.open(path)) == (None, {})
    assert Path(text_file).read_text(encoding="utf8") == INFOTEXT + "\n"


def test_names_are_numbered_and_carry_the_seed(tmp_path):
    names = [
        images.save_image(picture(), str(tmp_path), "", seed=7, prompt="a cat")[0] for _ in range(3)
    ]
    assert [name.rsplit("/", 1)[-1].split("-", 1)[0] for name in names] == [
        "00000",
        "00001",
        "00002",
    ]
    assert all(name.endswith("-7-a cat.png") for name in names)
    grid, _ = images.save_image(picture(), str(tmp_path), "grid", grid=True)
    assert grid.endswith("grid-0000.png")


def test_each_day_has_a_folder_of_its_own(tmp_path, opts):
    opts.save_to_dirs = True
    path, _ = images.save_image(picture(), str(tmp_path), "", seed=7, prompt="a cat")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d/00000-7\.png", str(Path(path).relative_to(tmp_path)))


def test_names_with_forbidden_characters_and_great_length(tmp_path):
    path, _ = images.save_image(picture(), str(tmp_path), "", seed=1, prompt='a/b:c"?' + "x" * 500)
    assert re.search(r"00000-1-a_b_c__x+\.png$", path)
    assert len(path.rsplit("/", 1)[-1]) < 256


def test_extensions_may_change_what_is_saved(tmp_path, monkeypatch):
    seen = []

    def before(params):
        params.pnginfo["parameters"] = "changed"
        params.filename = str(tmp_path / "other.png")

    monkeypatch.setattr(script_callbacks, "before_image_saved_callback", before)
    monkeypatch.setattr(
        script_callbacks, "image_saved_callback", lambda params: seen.append(params.filename)
    )
    image = picture()
    path, _ = images.save_image(image, str(tmp_path), "", info=INFOTEXT)
    assert path == str(tmp_path / "other.png") == image.already_saved_as == seen[0]
    assert Image.open(path).info["parameters"] == "changed"


def test_resizing_stretches_crops_or_fills():
    red, blue = (255, 0, 0), (0, 0, 255)
    image = Image.new("RGB", (40, 20), red)
    image.paste(blue, (20, 0, 40, 20))
    for mode in (0, 1, 2):
        assert images.resize_image(mode, image, 32, 32).size == (32, 32)
    cropped = np.asarray(images.resize_image(1, image, 20, 20))
    assert np.abs(cropped[:, 2].astype(int) - red).max() < 30
    assert np.abs(cropped[:, -3].astype(int) - blue).max() < 30
    filled = np.asarray(images.resize_image(2, image, 40, 40))
    assert (filled[:, 5] == red).all(), "the borders repeat the picture's edge"
    assert (filled[:, -5] == blue).all()


@pytest.mark.parametrize(
    ("count", "rows", "size"), [(4, None, (16, 16)), (3, None, (16, 16)), (3, 1, (24, 8))]
)
def test_grids(count, rows, size):
    assert images.image_grid([picture() for _ in range(count)], rows=rows).size == size


def test_smaller_pictures_are_centred_in_their_cell(opts):
    opts.grid_background_color = "#000000"
    grid = np.asarray(images.image_grid([picture(), picture(4, 4, (1, 2, 3))], rows=1))
    assert tuple(grid[4, 12]) == (1, 2, 3)
    assert tuple(grid[1, 12]) == (0, 0, 0)
    assert tuple(grid[4, 9]) == (0, 0, 0)


def test_a_dropped_file_gives_its_infotext(tmp_path):
    path, _ = images.save_image(picture(), str(tmp_path), "", info=INFOTEXT)
    assert images.image_data(Path(path).read_bytes()) == (INFOTEXT, None)
    assert images.image_data(b"just text") == ("just text", None)


def test_flatten_replaces_transparency():
    image = Image.new("RGBA", (2, 2), (0, 0, 0, 0))
    assert images.flatten(image, "#ff0000").getpixel((0, 0)) == (255, 0, 0)
