"""What the page asks while it waits; doubles the host's `modules/progress.py`."""

from __future__ import annotations

import base64
import io
import random
import string
import time
from collections import OrderedDict, deque
from typing import Any

import gradio as gr
from fastapi import FastAPI
from pydantic import BaseModel, Field

from modules import shared

FINISHED_REMEMBERED = 16
RESULTS_REMEMBERED = 2
LARGEST_OPTIMIZED = 256
"""Pixels a side up to which a PNG preview is worth compressing well."""

current_task: str | None = None
pending_tasks: OrderedDict[str, float] = OrderedDict()
finished_tasks: deque[str] = deque(maxlen=FINISHED_REMEMBERED)
recorded_results: deque[tuple[str, Any]] = deque(maxlen=RESULTS_REMEMBERED)


class PendingTasksResponse(BaseModel):
    """The tasks that wait for their turn."""

    size: int = Field(title="Pending task size")
    tasks: list[str] = Field(title="Pending task ids")


class ProgressRequest(BaseModel):
    """Which task is meant, and the last preview its page has."""

    id_task: str | None = Field(default=None, title="Task ID")
    id_live_preview: int = Field(default=-1, title="Live preview image ID")
    live_preview: bool = Field(default=True, title="Include live preview")


class ProgressResponse(BaseModel):
    """How far a task is; `live_preview` is a data: URI, present only when it is a new one."""

    active: bool
    queued: bool
    completed: bool
    progress: float | None = None
    eta: float | None = None
    live_preview: str | None = None
    id_live_preview: int | None = None
    textinfo: str | None = None


def create_task_id(task_type: str) -> str:
    """A new id, "task(type-XXXXXXX)"."""
    letters = random.SystemRandom().choices(string.ascii_uppercase + string.digits, k=7)
    return f"task({task_type}-{''.join(letters)})"


def add_task_to_queue(id_job: str) -> None:
    """The task waits from now on."""
    pending_tasks[id_job] = time.time()


def start_task(id_task: str | None) -> None:
    """The task is the one being worked on."""
    global current_task
    current_task = id_task
    pending_tasks.pop(id_task, None)


def finish_task(id_task: str | None) -> None:
    """The task is over, well or badly."""
    global current_task
    if current_task == id_task:
        current_task = None
    finished_tasks.append(id_task)


def record_results(id_task: str | None, res: Any) -> None:
    """Keeps what a task gave, for a page that lost its connection."""
    recorded_results.append((id_task, res))


def setup_progress_api(app: FastAPI) -> None:
    """Adds /internal/progress and /internal/pending-tasks."""
    app.add_api_route("/internal/pending-tasks", get_pending_tasks, methods=["GET"])
    app.add_api_route(
        "/internal/progress", progressapi, methods=["POST"], response_model=ProgressResponse
    )


def get_pending_tasks() -> PendingTasksResponse:
    """The ids of the tasks that wait."""
    tasks = list(pending_tasks)
    return PendingTasksResponse(size=len(tasks), tasks=tasks)


def progressapi(req: ProgressRequest) -> ProgressResponse:
    """The state of one task."""
    active = req.id_task == current_task
    response = ProgressResponse(
        active=active,
        queued=req.id_task in pending_tasks,
        completed=req.id_task in finished_tasks,
        id_live_preview=-1,
    )
    if not active:
        response.textinfo = _place_in_queue(req.id_task) if response.queued else "Waiting..."
        return response
    response.progress = fraction_done(shared.state)
    if response.progress > 0:
        elapsed = time.time() - shared.state.time_start
        response.eta = elapsed / response.progress - elapsed
    response.id_live_preview = req.id_live_preview
    if req.live_preview and getattr(shared.opts, "live_previews_enable", True):
        _add_preview(response, req.id_live_preview)
    response.textinfo = shared.state.textinfo
    return response


def _place_in_queue(id_task: str) -> str:
    order = sorted(pending_tasks, key=pending_tasks.__getitem__)
    place = order.index(id_task) + 1 if id_task in order else len(order)
    return f"In queue: {place}/{len(order)}"


def fraction_done(state: Any) -> float:
    """Done jobs, and steps of the present one, as a fraction 0..1 of all."""
    if state.job_count <= 0:
        return 0.0
    done = state.job_no
    if state.sampling_steps > 0:
        done += state.sampling_step / state.sampling_steps
    return min(done / state.job_count, 1.0)


def _add_preview(response: ProgressResponse, seen: int) -> None:
    shared.state.set_current_image()
    image = shared.state.current_image
    if image is None or shared.state.id_live_preview == seen:
        return
    image_format = getattr(shared.opts, "live_previews_image_format", "png")
    settings: dict[str, Any] = {}
    if image_format == "png":
        small = max(image.size) <= LARGEST_OPTIMIZED
        settings = {"optimize": True} if small else {"compress_level": 1}
    buffer = io.BytesIO()
    image.save(buffer, format=image_format, **settings)
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    response.live_preview = f"data:image/{image_format};base64,{encoded}"
    response.id_live_preview = shared.state.id_live_preview


def restore_progress(id_task: str) -> tuple[Any, ...]:
    """Waits for a task and gives its outputs again, for a page that was loaded anew."""
    while id_task == current_task or id_task in pending_tasks:
        time.sleep(0.1)
    for recorded, result in recorded_results:
        if recorded == id_task:
            return result
    lost = f"Couldn't restore progress for {id_task}: its results are gone, or there never were any"
    return gr.update(), gr.update(), gr.update(), lost
