"""The picture that a job of the tab starts from: read as the page sends it, stored, and read again."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from fooocus_ext.errors import RequestError
from fooocus_ext.images import mask as masks
from fooocus_ext.tab.start import Start


def sent(image, kind="PNG", **more):
    stream = io.BytesIO()
    image.save(stream, kind, **more)
    return base64.b64encode(stream.getvalue()).decode()


def noise(size, bands=3):
    levels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], bands), dtype=np.uint8)
    return Image.fromarray(levels.squeeze())


def test_what_is_stored_is_what_was_sent():
    picture, mask = noise((40, 30)), noise((20, 16), 1)
    start = Start.from_page(sent(picture), sent(mask))
    again = Start.from_files(picture=start.contents["source"], mask=start.contents["mask"])
    for read in (start, again):
        assert (np.asarray(read.picture) == np.asarray(picture)).all()
        assert (np.asarray(read.mask.convert("L")) == np.asarray(mask)).all()


def test_a_camera_that_was_held_upright_gives_a_picture_that_stands():
    exif = Image.Exif()
    exif[0x0112] = 6
    start = Start.from_page(sent(Image.new("RGB", (40, 30)), "JPEG", exif=exif), None)
    assert start.picture.size == (30, 40)
    assert start.contents["mask"] is None


def test_what_is_transparent_is_white():
    start = Start.from_page(sent(Image.new("RGBA", (20, 20), (255, 0, 0, 0))), None)
    assert start.picture.getpixel((3, 3)) == (255, 255, 255)


@pytest.mark.parametrize("colour", ["white", "red", "lime", "yellow"])
def test_a_mask_says_what_it_says_over_the_api(colour):
    """There too what is transparent is black, and the mean of the channels counts."""
    mask = Image.new("RGBA", (20, 16), (255, 255, 255, 0))
    mask.paste(colour, (2, 3, 9, 8))
    page = Start.from_page(sent(noise((20, 16))), sent(mask))
    for start in (page, Start.from_files(page.contents["source"], page.contents["mask"])):
        found = masks.read(start.mask, (20, 16))
        assert (found == masks.read(mask, (20, 16))).all()
        assert found.any() == (colour in ("white", "yellow"))
        assert not found[:, 12:].any()


@pytest.mark.parametrize(
    ("picture", "mask", "named"),
    [
        ("no base64!", None, "Input image"),
        (base64.b64encode(b"no picture").decode(), None, "Input image"),
        (sent(Image.new("RGB", (8, 8))), None, "Input image"),
        (sent(Image.new("L", (20, 20))), "AAAA", "Mask"),
    ],
)
def test_what_is_no_picture_is_refused_by_name(picture, mask, named):
    with pytest.raises(RequestError) as caught:
        Start.from_page(picture, mask)
    assert caught.value.detail.startswith(f"{named}: ")


def test_nothing_is_nothing():
    assert Start().contents == {"source": None, "mask": None}
    assert Start.from_files(None, None) == Start()
