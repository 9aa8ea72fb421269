"""What Generate and the buttons of a picture do: check what the page asks for, and let it wait its turn."""

from __future__ import annotations

import re
from typing import Any

from fooocus_ext.errors import RequestError
from fooocus_ext.host.tab import queue, record, storage
from fooocus_ext.host.tab.job import check
from fooocus_ext.host.tab.selected import selected_picture
from fooocus_ext.job_queue.jobs import QueuedJob, draw_seed
from fooocus_ext.markup import render
from fooocus_ext.tab.actions import VARIATIONS
from fooocus_ext.tab.choices import read_choices
from fooocus_ext.tab.widgets import NAMES

_TASK = re.compile(r"task\([a-z0-9-]{8,64}\)")
_WINDOW = re.compile(r"[a-z0-9-]{16,64}")


def submit(window: str, task: str, action: str, forever: bool, gallery: Any, *values: Any) -> str:
    """Add a job to the queue; return what the page says of it, as HTML: nothing if all is well.

    Args:
        window: which of the page's windows asks.
        task: the id under which the page follows the job; the same is added only once.
        action: "generate" or a key of ``actions.VARIATIONS``.
        forever: whether the job is repeated until it is stopped.
        gallery: the selected picture, for a variation.
        values: the widgets' values in the order of ``widgets.NAMES``.
    """
    try:
        _add(window, task, action, forever, gallery, values)
    except RequestError as error:
        return render("notice.html", kind="error", messages=[error.detail])
    except OSError as error:
        return render("notice.html", kind="error", messages=[f"The job was not added: {error}."])
    return ""


def _add(
    window: str, task: str, action: str, forever: bool, gallery: Any, values: tuple[Any, ...]
) -> None:
    if not _TASK.fullmatch(task) or not _WINDOW.fullmatch(window):
        raise RequestError("The page is of another version of the extension; reload it.")
    choices = read_choices(values)
    picture = selected_picture(gallery) if action in VARIATIONS else None
    check(choices, action, picture)
    storage.refuse_without_room(choices)
    job = QueuedJob(
        id=task,
        window=window,
        action=action,
        values=dict(zip(NAMES, values, strict=True)),
        seed=draw_seed() if choices.seed is None else choices.seed,
        image_number=choices.image_number,
        draws_seed=choices.seed is None,
        private=choices.private,
        forever=bool(forever),
    )
    queue.jobs().add(job, None if picture is None else record.png(picture))
    queue.worker().start()
