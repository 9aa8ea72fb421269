"""Making the pictures of a queued job, and saying what went wrong where something did."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

import safetensors
from fastapi import HTTPException
from modules import sd_models, shared

from fooocus_ext.errors import RequestError
from fooocus_ext.host.jobs import variations
from fooocus_ext.host.jobs.outputs import PREPARING, Output
from fooocus_ext.host.jobs.run import make_pictures, wait_for_the_first_model, was_stopped
from fooocus_ext.host.machine.memory import is_out_of_memory
from fooocus_ext.host.tab import grid, storage
from fooocus_ext.host.tab.job import job_for, with_base
from fooocus_ext.host.tab.record import Record, settle
from fooocus_ext.job_queue.jobs import QueuedJob
from fooocus_ext.job_queue.queue import JobQueue
from fooocus_ext.tab.choices import Choices, read_choices
from fooocus_ext.tab.overruled import overruled_loras
from fooocus_ext.tab.start import Start
from fooocus_ext.tab.variations import VARIATIONS
from fooocus_ext.tab.widgets import DEFAULTS, NAMES

log = logging.getLogger("fooocus")

OUT_OF_MEMORY = (
    "There was not enough memory for this picture. Choose a smaller aspect ratio, fewer LoRAs or no "
    "refiner, or start the webui with --medvram."
)
UNREADABLE = (
    "A chosen model file cannot be read. It may be cut off: download it again, or choose another "
    "under Advanced, Models."
)
GONE = (
    "The picture that this job starts from is gone: its file {name} was deleted from the folder of the "
    "queue. Choose the picture again."
)


def make(queue: JobQueue, job: QueuedJob) -> None:
    """Make those pictures of a job that are not made yet; the caller holds the host's queue."""
    started = time.monotonic()
    try:
        settle(queue, job)
        choices = choices_of(job)
        comments = _make(queue, queue.now(job.id), choices)
        missing = grid.add(queue, queue.now(job.id), choices)
    except (RequestError, HTTPException) as error:
        queue.fail(job.id, str(error.detail))
    except Exception as error:
        if isinstance(error, IndexError) and shared.state.interrupted:
            # 1.6 fails so if it is stopped before the first step.
            log.warning("a job was stopped, and ended with an error", exc_info=True)
            queue.finish(job.id, comments="", seconds=time.monotonic() - started, stopped=True)
            return
        log.exception("a job failed")
        queue.fail(job.id, _in_words(error))
    else:
        queue.finish(
            job.id,
            comments="\n".join(filter(None, (comments, missing))),
            seconds=time.monotonic() - started,
            stopped=was_stopped(),
        )


def _in_words(error: Exception) -> str:
    """Return what the user reads of an error: what can be done about it, if that is known."""
    if is_out_of_memory(error):
        return OUT_OF_MEMORY
    if isinstance(error, safetensors.SafetensorError):
        return f"{UNREADABLE} The webui says: {error}"
    return f"{type(error).__name__}: {error}"


def _make(queue: JobQueue, job: QueuedJob, choices: Choices) -> str:
    """Return what the host has to say; everything else is in the queue afterwards."""
    if job.next_index >= job.image_number:
        return ""
    storage.refuse_without_room(choices)
    choices = with_base(choices)
    shared.state.textinfo = _first_words(choices.base_model)
    wait_for_the_first_model()
    record = Record(queue, job, choices)
    folder = None if job.private else storage.root()
    output = Output(folder, choices.output_format, job.next_index, record, choices.metadata)
    to_make = job_for(choices, job.action, _start_of(queue, job), output)
    record.samples = to_make.diffuses
    try:
        processed = make_pictures(to_make)
    except OSError as error:
        if not record.keep_unsaved():
            raise
        log.exception("a picture could not be saved")
        kept = "It is kept in memory until the webui ends: download it here."
        raise RequestError(f"{storage.unstorable(error)} {kept}") from error
    if folder is None:  # the host may have changed them since the page was shown them
        for made in output.in_memory(processed):
            record.keep(made, processed.images[made.index - output.first_index])
    variation = VARIATIONS.get(job.action)
    notes = variations.notes(variation, choices.upscaler, diffuses=to_make.diffuses)
    notes += overruled_loras(choices) if to_make.diffuses else []
    said = [*notes, str(processed.comments), *record.notes]
    return "\n".join(filter(None, said))


def _start_of(queue: JobQueue, job: QueuedJob) -> Start:
    """Return what the job starts from.

    Raises:
        RequestError: a file of it is gone; without, it would be another picture.
    """
    kept = {name: queue.picture_kept(name) for name in (job.source, job.mask) if name}
    for name, content in kept.items():
        if content is None:
            raise RequestError(GONE.format(name=name))
    return Start.from_files(kept.get(job.source or ""), kept.get(job.mask or ""))


def _first_words(base_model: str) -> str:
    """Return what the page says until the first step: what takes long, if anything does."""
    loaded = getattr(sd_models.model_data.sd_model, "sd_checkpoint_info", None)
    if base_model and base_model != getattr(loaded, "title", None):
        return f"Loading the model {base_model}"
    return PREPARING


def choices_of(job: QueuedJob) -> Choices:
    """Return what the page asked for, with the job's own seed.

    Raises:
        RequestError: another version of the extension has added the job, and it is not allowed now.
    """
    choices = read_choices([job.values.get(name, DEFAULTS[name]) for name in NAMES])
    return replace(choices, seed=job.seed)
