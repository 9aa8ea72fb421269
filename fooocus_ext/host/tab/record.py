"""What becomes of a job's pictures, taken down in the queue and in the image log as it happens."""

from __future__ import annotations

import datetime
import io
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fooocus_ext import image_log
from fooocus_ext.host.jobs.outputs import Picture
from fooocus_ext.host.machine import assets
from fooocus_ext.job_queue.jobs import Announced, Made, QueuedJob
from fooocus_ext.job_queue.queue import JobQueue
from fooocus_ext.metadata.picture_file import UNREADABLE
from fooocus_ext.metadata.settings import PictureSettings
from fooocus_ext.tab.choices import Choices
from fooocus_ext.tab.record import settings_of_unsampled, settings_used
from fooocus_ext.tab.widgets import NO_METADATA

log = logging.getLogger("fooocus")

_SEARCHED_ENTRIES = 500
"""How many of the newest entries of a day are searched for a picture after a crash."""


class Record:
    """Takes down what becomes of the pictures of one job, as the host makes them.

    Attributes:
        unsaved: the picture that was sampled last, until it is stored.
        samples: whether the pictures are sampled, once that is known.
        notes: sentences about what did not go well.
    """

    def __init__(self, queue: JobQueue, job: QueuedJob, choices: Choices) -> None:
        self._queue, self._job, self._choices = queue, job, choices
        self.unsaved: tuple[Picture, Image.Image] | None = None
        self.samples = True
        self._entry: Mapping[str, Any] = {}
        self.notes: list[str] = []

    def sampled(self, picture: Picture, image: Any) -> None:
        """Keep a picture until it is stored; show a private one at once."""
        if self._job.private:
            self.keep(picture, image)
        else:
            self.unsaved = picture, image

    def skipped(self, index: int) -> None:
        """Take down that the picture is not to be made any more."""
        self._queue.skipped(self._job.id, index)

    def announced(self, picture: Picture) -> str:
        """Put a picture on record before its file exists; return its settings as Fooocus's JSON."""
        self._entry = self._entry_of(picture)
        self._queue.announce(self._job.id, Announced(_made(picture), self._entry))
        return json.dumps(self._entry["metadata"], ensure_ascii=False, sort_keys=True)

    def stored(self, picture: Picture) -> None:
        """Enter the announced picture into the log and, last of all, into the queue."""
        self.unsaved = None
        problem = _enter(_made(picture), self._entry)
        self.notes += [problem] if problem else []
        self._queue.picture_made(self._job.id, _made(picture))

    def keep(self, picture: Picture, image: Image.Image) -> None:
        """Take down a picture that is in memory alone."""
        carries = not self._job.private and self._choices.metadata != NO_METADATA
        text = picture.infotext if carries else ""
        self._queue.picture_made(self._job.id, _made(picture), png(image, text))

    def keep_unsaved(self) -> bool:
        """Keep the picture that was sampled and could not be stored, if there is one."""
        if self.unsaved is None:
            return False
        picture, image = self.unsaved
        self.unsaved = None
        self.keep(picture, image)
        return True

    def _entry_of(self, picture: Picture) -> dict[str, Any]:
        settings = (
            self._settings_of(picture) if self.samples else settings_of_unsampled(picture.size)
        )
        time = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
        return {"time": time, "metadata": settings.to_json()}

    def _settings_of(self, picture: Picture) -> PictureSettings:
        return settings_used(
            self._choices,
            seed=picture.seed,
            steps=picture.steps,
            size=picture.size,
            full_prompt=picture.full_prompt,
            full_negative_prompt=picture.full_negative_prompt,
            expansion=picture.expansion,
            comments=assets.comment_signs(),
        )


def settle(queue: JobQueue, job: QueuedJob) -> None:
    """Find out what became of the picture that a job had announced when the server ended."""
    announced = job.announced
    if announced is None:
        return
    made = announced.picture
    if made.file is None or not _is_whole(Path(made.file)):
        queue.withdraw(job.id)
        return
    file = Path(made.file)
    if all(e.file != file.name for e in image_log.read_newest(file.parent, _SEARCHED_ENTRIES)):
        _enter(made, announced.entry)
    queue.picture_made(job.id, made)


def png(image: Image.Image, infotext: str = "") -> bytes:
    """Return a picture as the content of a PNG file, with its settings if there are any."""
    stream, info = io.BytesIO(), PngInfo()
    if infotext:
        info.add_text("parameters", infotext)
    image.save(stream, format="PNG", pnginfo=info)
    return stream.getvalue()


def _made(picture: Picture) -> Made:
    file = str(picture.file) if picture.file else None
    return Made(picture.index, file, picture.infotext, int(picture.seed))


def _enter(made: Made, entry: Mapping[str, Any]) -> str | None:
    """Enter a picture into the log; return a sentence about why it is not there, if it is not."""
    assert made.file is not None  # noqa: S101  (told of stored pictures only)
    file = Path(made.file)
    try:
        image_log.append(file.parent, file.name, entry["time"], entry["metadata"])
    except OSError as error:
        log.exception("%s could not be entered into the log", file)
        return f"{file} is saved, but could not be entered into the log: {error.strerror or error}."
    return None


def _is_whole(file: Path) -> bool:
    try:
        with Image.open(file) as picture:
            picture.load()
    except UNREADABLE:
        return False
    return True
