"""Pictures in and out of the API, in base64; modules/api/api.py re-exports this."""

from __future__ import annotations

import base64
import io

from fastapi.exceptions import HTTPException
from PIL import PngImagePlugin

from modules import images
from modules.shared import opts


def decode_base64_to_image(encoding):
    """A PIL image from base64 or a data URI. The embedded host fetches nothing from the network."""
    if encoding.startswith(("http://", "https://")):
        raise HTTPException(status_code=500, detail="Requests not allowed")
    if encoding.startswith("data:image/"):
        encoding = encoding.split(";")[1].split(",")[1]
    try:
        return images.read(io.BytesIO(base64.b64decode(encoding)))
    except Exception as e:
        raise HTTPException(status_code=500, detail="Invalid encoded image") from e


def encode_pil_to_base64(image):
    """Base64 in the format of the settings; PNG carries the image's texts, the infotext among them."""
    if isinstance(image, str):
        return image
    kind = opts.samples_format.lower()
    buffer = io.BytesIO()
    if kind == "png":
        texts = {k: v for k, v in image.info.items() if isinstance(k, str) and isinstance(v, str)}
        info = PngImagePlugin.PngInfo()
        for key, value in texts.items():
            info.add_text(key, value)
        image.save(buffer, format="PNG", pnginfo=info if texts else None)
    elif kind in ("jpg", "jpeg", "webp"):
        image.convert("RGB").save(
            buffer, format="WEBP" if kind == "webp" else "JPEG", quality=opts.jpeg_quality
        )
    else:
        raise HTTPException(status_code=500, detail="Invalid image format")
    return base64.b64encode(buffer.getvalue())
