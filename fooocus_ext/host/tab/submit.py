"""What Generate and the buttons of a picture do: check what the page asks for, and let it wait its turn."""

from __future__ import annotations

import re

from PIL import Image

from fooocus_ext.api.queue import Selected, ToAdd
from fooocus_ext.errors import RequestError
from fooocus_ext.host.tab import record, storage
from fooocus_ext.host.tab.job import check
from fooocus_ext.job_queue.jobs import QueuedJob, draw_seed
from fooocus_ext.job_queue.queue import JobQueue
from fooocus_ext.tab.actions import VARIATIONS
from fooocus_ext.tab.choices import read_choices
from fooocus_ext.tab.selected import picture_of
from fooocus_ext.tab.widgets import NAMES

_TASK = re.compile(r"task\([a-z0-9-]{8,64}\)")


def add(queue: JobQueue, asked: ToAdd) -> None:
    """Add a job to the queue.

    Raises:
        RequestError: it could not be made, or cannot be stored.
    """
    if not _TASK.fullmatch(asked.job):
        raise RequestError("The page is of another version of the extension; reload it.")
    choices = read_choices(asked.values)
    picture = _picture(queue, asked.window, asked.picture) if asked.action in VARIATIONS else None
    image_number = check(choices, asked.action, picture)
    storage.refuse_without_room(choices)
    job = QueuedJob(
        id=asked.job,
        window=asked.window,
        action=asked.action,
        values=dict(zip(NAMES, asked.values, strict=True)),
        seed=draw_seed() if choices.seed is None else choices.seed,
        image_number=image_number,
        draws_seed=choices.seed is None,
        private=choices.private,
        forever=asked.forever,
    )
    try:
        queue.add(job, None if picture is None else record.png(picture))
    except OSError as error:
        raise RequestError(f"The job was not added: {error}.") from error


def _picture(queue: JobQueue, window: str, selected: Selected | None) -> Image.Image:
    if selected is None:
        raise RequestError("Make or select a picture first; then it can be varied or upscaled.")
    return picture_of(queue, window, selected.job, selected.index)
