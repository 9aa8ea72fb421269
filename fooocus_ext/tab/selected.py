"""The pictures that a window shows, read again: one to be varied or upscaled, or to go to the page."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from fooocus_ext.errors import RequestError
from fooocus_ext.job_queue.queue import JobQueue
from fooocus_ext.metadata.picture_file import UNREADABLE

_GONE = "The selected picture cannot be read any more."


def picture_of(queue: JobQueue, window: str, job: str, index: int) -> Image.Image:
    """Return a picture that a job has made, with all of its pixels read.

    Raises:
        RequestError: the window has none such, or its file is gone or cut off.
    """
    made = next(
        (m for j in queue.shown(window) if j.id == job for m in j.made if m.index == index), None
    )
    if made is None:
        raise RequestError(_GONE)
    content = queue.picture(window, job, index) if made.file is None else Path(made.file)
    if content is None:
        raise RequestError(_GONE)
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        with Image.open(source) as picture:
            return picture.convert("RGB")
    except UNREADABLE as error:
        raise RequestError(_GONE) from error
