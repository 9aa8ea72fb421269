"""What a window of the page shows of its jobs: pictures, their settings, and what there is to say."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gradio as gr
from PIL import Image

from fooocus_ext.api.queue import PICTURE_PATH
from fooocus_ext.host.machine import options
from fooocus_ext.host.tab import queue
from fooocus_ext.job_queue.jobs import Made, QueuedJob
from fooocus_ext.markup import render

OUTPUTS = ("gallery", "infotexts", "seed", "ended", "shown")
_IN_MEMORY = "data:image/png;base64,"


def show(window: str, shown: str, random_seed: bool) -> list[Any]:
    """Return the values of the page's outputs for a window.

    Args:
        window: which window it is.
        shown: what this function has last given it in the output of that name; empty at first.
        random_seed: whether the page has a seed drawn; one that the user has fixed since stays.
    """
    jobs = queue.jobs()
    version = jobs.view(window).version
    intermediate = options.shows_intermediate_results()
    pictures = [
        (picture, job.id, made)
        for job in jobs.shown(window, intermediate=intermediate)
        for made in job.made
        if (picture := _address(window, job, made)) is not None
    ]
    last = jobs.last_ended(window)
    news = last if last is not None and last.id != _ended(shown) else None
    now = {
        "version": version,
        "ended": last.id if last else "",
        "pictures": [(job, made.index) for _picture, job, made in pictures],
    }
    return [
        [picture for picture, _job, _made in pictures],
        json.dumps([made.infotext for _picture, _job, made in pictures]),
        str(news.seed) if news is not None and news.made and random_seed else gr.update(),
        _messages(window, news) if news is not None else gr.update(),
        json.dumps(now),
    ]


def _ended(shown: str) -> str:
    try:
        return str(json.loads(shown)["ended"])
    except (ValueError, TypeError, KeyError):
        return ""


def _messages(window: str, job: QueuedJob) -> str:
    """Return what there is to say of a job that has ended, as HTML.

    Its id makes the text differ from the last job's: what has not changed, the page would not show
    anew, and a screen reader would not say again.
    """
    unsaved = [made for made in job.made if made.file is None and not job.private]
    return render("done.html", task=job.id, seconds=job.seconds) + (
        render(
            "notice.html",
            kind="error",
            messages=[job.error],
            links=[(_download(window, job, made), f"picture {made.index + 1}") for made in unsaved],
        )
        if job.error
        else render("notice.html", kind="note", messages=_lines(job.comments))
    )


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _download(window: str, job: QueuedJob, made: Made) -> str:
    query = urlencode({"window": window, "job": job.id, "index": made.index})
    return f"{PICTURE_PATH.removeprefix('/')}?{query}"


def _address(window: str, job: QueuedJob, made: Made) -> Any:
    """Return what the gallery takes; None for a picture that is gone."""
    if made.file is None:
        content = queue.jobs().picture(window, job.id, made.index)
        return None if content is None else _IN_MEMORY + base64.b64encode(content).decode()
    if not Path(made.file).is_file():
        return None
    stand_in = Image.new("RGB", (1, 1))
    stand_in.already_saved_as = (
        made.file
    )  # the host's own mark: it serves the file from where it is
    return stand_in
