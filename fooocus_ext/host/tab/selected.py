"""The picture that the page sends along to be varied or upscaled."""

from __future__ import annotations

from typing import Any

from PIL import Image

from fooocus_ext.errors import RequestError
from fooocus_ext.host import infotexts
from fooocus_ext.metadata.picture_file import UNREADABLE


def selected_picture(gallery: Any) -> Image.Image:
    """Return the selected picture, with all of its pixels read.

    Raises:
        RequestError: there is none, or its file is gone, cut off or no picture.
    """
    try:
        picture = infotexts.copypaste.image_from_url_text(gallery)
        pixels = None if picture is None else picture.convert("RGB")
    except (AssertionError, *UNREADABLE) as error:
        raise RequestError("The selected picture cannot be read any more.") from error
    if pixels is None:
        raise RequestError("Make or select a picture first; then it can be varied or upscaled.")
    return pixels
