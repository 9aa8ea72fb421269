"""What the page is given for a picture is the picture, wherever it was saved."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from tests.embedded_webui.lazy import Lazy

images, ui_tempdir = Lazy("images"), Lazy("ui_tempdir")


@pytest.fixture
def outputs(tmp_path, opts, request):
    """A folder for pictures, which gradio serves or refuses to; temporary files go elsewhere."""
    opts.save_to_dirs = False
    opts.temp_dir = str(tmp_path / "temporary")
    return tmp_path / request.param


def served(picture):
    """The file that the page is given for a picture; what follows `?` tells versions apart."""
    return Path(ui_tempdir.save_pil_to_file(None, picture).partition("?")[0])


@pytest.mark.parametrize("outputs", ["outputs", ".cache/outputs"], indirect=True)
def test_a_stand_in_for_a_saved_picture_shows_that_picture(outputs):
    """The tab hands out pictures of one pixel that name the file."""
    path, _ = images.save_image(Image.new("RGB", (8, 8), "red"), str(outputs), "", info="a fox")
    stand_in = Image.new("RGB", (1, 1))
    stand_in.already_saved_as = path
    first = served(stand_in)
    assert not any(part.startswith(".") for part in first.parts)
    assert first.read_bytes() == Path(path).read_bytes()
    assert served(stand_in) == first, "no copy after copy"


@pytest.mark.parametrize("outputs", [".cache/outputs"], indirect=True)
def test_a_file_that_has_changed_is_copied_anew(outputs):
    path, _ = images.save_image(Image.new("RGB", (8, 8), "red"), str(outputs), "")
    stand_in = Image.new("RGB", (1, 1))
    stand_in.already_saved_as = path
    before = served(stand_in)
    Image.new("RGB", (8, 8), "blue").save(path)
    os.utime(path, (1, 1))  # a clock's tick may be longer than the two savings took
    after = served(stand_in)
    assert after != before
    assert after.read_bytes() == Path(path).read_bytes()


@pytest.mark.parametrize("outputs", ["outputs"], indirect=True)
def test_a_picture_that_was_not_saved_keeps_its_texts(outputs):
    picture = Image.new("RGB", (8, 8), "red")
    picture.info["parameters"] = "a fox"
    file = served(picture)
    assert file.parent == outputs.parent / "temporary"
    assert Image.open(file).info["parameters"] == "a fox"
