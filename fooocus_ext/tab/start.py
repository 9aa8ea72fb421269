"""What a job starts from, if not from noise: a picture, and which part of it is made anew."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from fooocus_ext.images import decoding
from fooocus_ext.images.mask import without_alpha

_PICTURE, _MASK = "Input image", "Mask"


@dataclass(frozen=True)
class Start:
    """A picture to start from.

    Attributes:
        picture: in RGB; None to start from noise.
        mask: in L or RGB, of any size, bright where it is to be made anew; None if nothing is marked.
    """

    picture: Image.Image | None = None
    mask: Image.Image | None = None

    @classmethod
    def from_page(cls, picture: str, mask: str | None) -> Start:
        """Read what the page has sent as base64: what is transparent is white, and in a mask black.

        Raises:
            RequestError: one of the two is no picture, or is too large.
        """
        return cls(
            decoding.opaque(decoding.from_base64(picture, _PICTURE)),
            None if mask is None else without_alpha(decoding.from_base64(mask, _MASK)),
        )

    @classmethod
    def from_files(cls, picture: bytes | None, mask: bytes | None) -> Start:
        """Read the contents of files that ``contents`` has returned."""
        return cls(
            None if picture is None else decoding.opaque(decoding.from_bytes(picture, _PICTURE)),
            None if mask is None else without_alpha(decoding.from_bytes(mask, _MASK)),
        )

    @property
    def contents(self) -> dict[str, bytes | None]:
        """Return both as the contents of files that lose nothing, by ``JobQueue.add``'s names."""
        return {"source": _png(self.picture), "mask": _png(self.mask)}


def _png(image: Image.Image | None) -> bytes | None:
    if image is None:
        return None
    stream = io.BytesIO()
    image.save(stream, format="PNG", compress_level=1)
    return stream.getvalue()
