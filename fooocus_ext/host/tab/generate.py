"""Running what the Fooocus tab asks for, in the host's queue, and finding it again after a reload."""

from __future__ import annotations

import base64
import io
import json
import logging
from pathlib import Path
from typing import Any

import gradio as gr
import safetensors
import torch
from fastapi import HTTPException
from modules import progress, sd_models, shared
from modules.ui_common import plaintext_to_html
from PIL import Image

from fooocus_ext.errors import RequestError
from fooocus_ext.host.jobs import outputs
from fooocus_ext.host.jobs.run import make_pictures
from fooocus_ext.host.machine import checkpoints
from fooocus_ext.host.tab import storage
from fooocus_ext.host.tab.job import job_for
from fooocus_ext.markup import render
from fooocus_ext.tab.choices import Choices, read_choices
from fooocus_ext.tab.results import IN_MEMORY, Result, Results

log = logging.getLogger("fooocus")

OUT_OF_MEMORY = (
    "There was not enough memory for this picture. Choose a smaller aspect ratio, fewer LoRAs or no "
    "refiner, or start the webui with --medvram."
)
UNREADABLE = (
    "A chosen model file cannot be read. It may be cut off: download it again, or choose another "
    "under Advanced, Models."
)
OUTPUTS = ("gallery", "infotexts", "infotext", "info", "seed", "log")
FAILED = [gr.update() for _name in OUTPUTS[:-1]]
"""A failure leaves the pictures of the job before where they are."""

_results = Results()


def generate(task: str, action: str, gallery: Any, *values: Any) -> list[Any]:
    """Run a job of the page; called by the host's wrapper, which has the queue to itself.

    Args:
        task: the id under which the page follows the job.
        action: "generate" or a key of ``actions.VARIATIONS``.
        gallery: the selected picture, for a variation.
        values: the widgets' values in the order of ``widgets.NAMES``.
    """
    if _results.take_cancelled(task):
        return outputs_of(Result(comments="Stopped before it began."), task)
    try:
        result = _run(read_choices(values), action, gallery)
    except RequestError as error:
        result = Result(errors=(error.detail,))
    except HTTPException as error:
        result = Result(errors=(str(error.detail),))
    except torch.cuda.OutOfMemoryError:
        log.exception("out of memory")
        result = Result(errors=(OUT_OF_MEMORY,))
    except MemoryError:
        log.exception("out of memory")
        result = Result(errors=(OUT_OF_MEMORY,))
    except safetensors.SafetensorError as error:
        log.exception("a model file cannot be read")
        result = Result(errors=(f"{UNREADABLE} The webui says: {error}",))
    _results.keep(task, result)
    return outputs_of(result, task)


def _run(choices: Choices, action: str, gallery: Any) -> Result:
    shared.state.textinfo = "Preparing"
    base_model = choices.base_model or next(iter(checkpoints.sdxl_bases()), "")
    if not base_model and not sd_models.checkpoint_tiles():
        raise RequestError("There is no model yet; the message above says which to download.")
    output = storage.output_for(choices, base_model)
    job = job_for(choices, base_model, action, gallery, output)
    processed = make_pictures(job)
    pictures = output.pictures if output.folder else output.in_memory(processed)
    return Result(
        pictures=[
            str(picture.file) if picture.file else _data_address(processed.images[picture.index])
            for picture in pictures
        ],
        infotexts=[picture.infotext for picture in pictures],
        seed=int(processed.seed),
        comments=processed.comments,
    )


def _data_address(image: Image.Image) -> str:
    stream = io.BytesIO()
    image.save(stream, format="PNG")
    return f"{IN_MEMORY}image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def outputs_of(result: Result, task: str) -> list[Any]:
    """Return the values of the page's outputs; the host appends to the last, which is text.

    The job's id makes that text differ from the last job's: what has not changed, the page would
    not show anew, and a screen reader would not say again.
    """
    done = render("done.html", task=task)
    if result.errors:
        return [*FAILED, done + render("notice.html", kind="error", messages=result.errors)]
    messages = tuple(line for line in result.comments.splitlines() if line.strip())
    first = next(iter(result.infotexts), "")
    return [
        [_shown(picture) for picture in result.pictures],
        json.dumps(result.infotexts),
        first,
        plaintext_to_html(first) if first else "",
        str(result.seed) if result.seed is not None else gr.update(),
        done + render("notice.html", kind="note", messages=messages),
    ]


def _shown(picture: str) -> Any:
    """Return what the gallery takes: the host serves a stored picture from where it is."""
    if picture.startswith(IN_MEMORY) or not Path(picture).is_file():
        return picture
    stand_in = Image.new("RGB", (1, 1))
    stand_in.already_saved_as = picture  # the host's own mark
    return stand_in


def restore(task: str) -> list[Any]:
    """Return the outputs of a finished job, for a page that was reloaded while it ran."""
    forgotten = Result(comments="The pictures of the last job are in the history log.")
    return outputs_of(_results.find(task) or forgotten, task)


def skip(task: str) -> None:
    """Skip the picture that is being made, if the page's job is the one that runs."""
    if progress.current_task == task:
        shared.state.skip()


def stop(task: str) -> None:
    """Stop the page's job: at once if it runs, before its start if it waits."""
    if progress.current_task == task:
        shared.state.interrupt()
    elif task in progress.pending_tasks:
        _results.cancel(task)


def say_progress(params: Any) -> None:
    """Callback before each model call: tell the page which picture and which step it is."""
    denoiser = getattr(params, "denoiser", None)
    if denoiser is None or outputs.output_of(denoiser.p) is None:
        return
    state = shared.state
    step = min(state.sampling_step + 1, state.sampling_steps)
    state.textinfo = (
        f"Picture {min(state.job_no + 1, state.job_count)} of {state.job_count}, "
        f"step {step} of {state.sampling_steps}"
    )
