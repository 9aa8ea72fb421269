"""What Generate and the buttons of a picture do: check what the page asks for, and let it wait its turn."""

from __future__ import annotations

import re

from fooocus_ext.api.queue import ToAdd
from fooocus_ext.errors import RequestError
from fooocus_ext.host.tab import storage
from fooocus_ext.host.tab.job import check, with_base
from fooocus_ext.job_queue.jobs import QueuedJob, draw_seed
from fooocus_ext.job_queue.queue import JobQueue
from fooocus_ext.tab.choices import read_choices
from fooocus_ext.tab.edits import SWITCH
from fooocus_ext.tab.selected import picture_of
from fooocus_ext.tab.start import Start
from fooocus_ext.tab.variations import GENERATE
from fooocus_ext.tab.widgets import NAMES

_TASK = re.compile(r"task\([a-z0-9-]{8,64}\)")


def add(queue: JobQueue, asked: ToAdd) -> None:
    """Add a job to the queue.

    Raises:
        RequestError: it could not be made, or cannot be stored.
    """
    if not _TASK.fullmatch(asked.job):
        raise RequestError("The page is of another version of the extension; reload it.")
    values = list(asked.values)
    if asked.action != GENERATE and len(values) == len(NAMES):
        values[NAMES.index(SWITCH)] = False  # a picture shown is none that this section is about
    choices = read_choices(values)
    action = choices.action if asked.action == GENERATE else asked.action
    start = _start(queue, asked, action)
    image_number = check(with_base(choices), action, start)
    storage.refuse_without_room(choices)
    job = QueuedJob(
        id=asked.job,
        window=asked.window,
        action=action,
        values=dict(zip(NAMES, values, strict=True)),
        seed=draw_seed() if choices.seed is None else choices.seed,
        image_number=image_number,
        draws_seed=choices.seed is None,
        private=choices.private,
        forever=asked.forever,
    )
    try:
        queue.add(job, **start.contents)
    except OSError as error:
        raise RequestError(f"The job was not added: {error}.") from error


def _start(queue: JobQueue, asked: ToAdd, action: str) -> Start:
    """Return what a job starts from: the page's input picture, or one that it shows.

    Raises:
        RequestError: there is none, or it cannot be read.
    """
    if action == GENERATE:
        return Start()
    if asked.action == GENERATE:
        if asked.input is None:
            raise RequestError("Input image: choose a picture first, or untick Input image.")
        return Start.from_page(asked.input.picture, asked.input.mask)
    if asked.picture is None:
        raise RequestError("Make or select a picture first; then it can be varied or upscaled.")
    return Start(picture_of(queue, asked.window, asked.picture.job, asked.picture.index))
