"""One more picture of a job, made of all of its pictures side by side."""

from __future__ import annotations

import logging
from pathlib import Path

from modules import images
from PIL import Image

from fooocus_ext.errors import RequestError
from fooocus_ext.host.jobs.outputs import EXTENSIONS
from fooocus_ext.host.tab import record
from fooocus_ext.job_queue.jobs import Made, QueuedJob
from fooocus_ext.job_queue.queue import JobQueue
from fooocus_ext.tab.choices import Choices
from fooocus_ext.tab.selected import picture_of
from fooocus_ext.tab.widgets import INFOTEXT

log = logging.getLogger("fooocus")


def add(queue: JobQueue, job: QueuedJob, choices: Choices) -> str:
    """Make the grid of a job that has two pictures or more, as the job's last picture.

    The webui's settings for grids say how it is laid out. Its file has a name of the job's own, so
    that none is there twice if the server ends before it is taken down.

    Returns:
        A sentence about why there is none although it was asked for; empty otherwise.
    """
    made = [picture for picture in job.made if picture.index < job.image_number]
    if not choices.image_grid or len(made) < 2:
        return ""
    try:
        pictures = [picture_of(queue, job.window, job.id, picture.index) for picture in made]
        grid = images.image_grid(pictures, batch_size=1)
        last = made[-1].file
        file = None if last is None else str(_store(grid, Path(last), job, choices))
    except (OSError, ValueError, MemoryError, RequestError) as error:
        log.exception("a grid could not be made")
        return f"The image grid is missing: {getattr(error, 'detail', None) or error}."
    entry = Made(job.image_number, file, made[0].infotext, made[0].seed)
    queue.picture_made(job.id, entry, None if file else record.png(grid))
    return ""


def _store(grid: Image.Image, beside: Path, job: QueuedJob, choices: Choices) -> Path:
    """Save a grid in the folder of the job's last picture."""
    name = "".join(filter(str.isalnum, job.id.removeprefix("task")))[:32]
    extension = EXTENSIONS[choices.output_format]
    file = beside.with_name(f"grid_{name}{extension}")
    if choices.metadata == INFOTEXT:
        images.save_image_with_geninfo(grid, job.made[0].infotext, str(file), extension)
    else:
        grid.save(file)
    return file
