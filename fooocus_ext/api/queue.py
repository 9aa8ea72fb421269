"""The routes by which the tab's page follows its jobs, and changes what waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Optional

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response
from pydantic import Field, StrictBool

from fooocus_ext.api.base import PREFIX, as_http_error, new_router
from fooocus_ext.api.bodies import Strict
from fooocus_ext.job_queue.jobs import QueuedJob
from fooocus_ext.job_queue.queue import JobQueue

PICTURE_PATH = f"{PREFIX}/queue/picture"
_LONGEST_PROMPT = 300
_ID_LENGTH = 100
_MOST_VALUES = 500


class OfWindow(Strict):
    """A request of one of the page's windows."""

    window: str = Field(..., min_length=16, max_length=64)


class OfJob(OfWindow):
    """A request that is about one job of the window."""

    job: str = Field(..., max_length=_ID_LENGTH)


class Selected(Strict):
    """A picture that the window shows: its job, and its number within that."""

    job: str = Field(..., max_length=_ID_LENGTH)
    index: int = Field(..., ge=0)


class Input(Strict):
    """A picture file to start from, in base64, and its mask: white is made anew."""

    picture: str
    mask: Optional[str] = None  # noqa: UP045  (pydantic 1)


class ToAdd(OfJob):
    """A new job, under an id that its page has drawn; the same is added only once.

    What ``action`` and ``values`` may be, the page knows.
    """

    action: str = Field(..., max_length=_ID_LENGTH)
    forever: StrictBool = False
    picture: Optional[Selected] = None  # noqa: UP045  (pydantic 1)
    input: Optional[Input] = None  # noqa: UP045  (pydantic 1)
    values: list[Any] = Field(..., max_items=_MOST_VALUES)


class Move(OfJob):
    """Where a job that waits is to go: before another, or (null) behind all others of its window."""

    before: Optional[str] = Field(None, max_length=_ID_LENGTH)  # noqa: UP045  (pydantic 1)


class Repeat(OfWindow):
    """Whether the window's last job is repeated."""

    forever: StrictBool


@dataclass(frozen=True)
class Services:
    """What the routes need from the host.

    Attributes:
        queue: returns the queue.
        add: adds a job to it, or raises RequestError.
        interrupt: stops a job if it is the one that runs.
        skip: skips the picture that is being made, if it is that job's.
    """

    queue: Callable[[], JobQueue]
    add: Callable[[ToAdd], None]
    interrupt: Callable[[str], None]
    skip: Callable[[str], None]


def router(services: Services) -> APIRouter:
    """Return the routes, ready to be included in the host's application."""
    routes = new_router()
    _add_reading(routes, services)
    _add_changing(routes, services)
    return routes


def _add_reading(routes: APIRouter, services: Services) -> None:
    @routes.get("/queue", summary="The tab's jobs of one window")
    def state(window: str = Query(..., min_length=16, max_length=64)) -> dict[str, Any]:
        return described(services.queue(), window)

    @routes.get("/queue/picture", summary="A picture that is in memory alone")
    def picture(
        window: str = Query(..., min_length=16, max_length=64),
        job: str = Query(..., max_length=_ID_LENGTH),
        index: int = Query(..., ge=0),
    ) -> Response:
        with as_http_error():
            content = services.queue().picture(window, job, index)
        if content is None:
            raise HTTPException(status_code=404, detail="This picture is not in memory any more.")
        headers = {
            "Content-Disposition": f'attachment; filename="picture-{index + 1}.png"',
            "Cache-Control": "no-store",
        }
        return Response(content, media_type="image/png", headers=headers)


def _add_changing(routes: APIRouter, services: Services) -> None:
    @routes.post("/queue/add", summary="Let a new job wait its turn")
    def add(request: ToAdd) -> dict[str, Any]:
        with as_http_error():
            services.add(request)
        return described(services.queue(), request.window)

    @routes.post("/queue/remove", summary="Take a job that waits or has failed out of the queue")
    def remove(request: OfJob) -> dict[str, Any]:
        with as_http_error():
            services.queue().remove(request.window, request.job)
        return described(services.queue(), request.window)

    @routes.post(
        "/queue/move", summary="Let a job that waits change places with the window's others"
    )
    def move(request: Move) -> dict[str, Any]:
        with as_http_error():
            services.queue().move(request.window, request.job, request.before)
        return described(services.queue(), request.window)

    @routes.post("/queue/retry", summary="Let a failed job wait again")
    def retry(request: OfJob) -> dict[str, Any]:
        with as_http_error():
            services.queue().retry(request.window, request.job)
        return described(services.queue(), request.window)

    @routes.post(
        "/queue/repeat", summary="Repeat the window's last job until further notice, or not"
    )
    def repeat(request: Repeat) -> dict[str, Any]:
        services.queue().repeat(request.window, forever=request.forever)
        return described(services.queue(), request.window)

    @routes.post("/queue/skip", summary="Skip the picture that is being made")
    def skip(request: OfJob) -> dict[str, Any]:
        _if_own(services, request, services.skip)
        return described(services.queue(), request.window)

    @routes.post("/queue/stop", summary="Stop the job that runs; no job is repeated any more")
    def stop(request: OfJob) -> dict[str, Any]:
        services.queue().repeat(request.window, forever=False)
        _if_own(services, request, services.interrupt)
        return described(services.queue(), request.window)

    @routes.post("/queue/clear", summary="Stop the job that runs, and remove all that wait")
    def clear(request: OfWindow) -> dict[str, Any]:
        services.queue().clear(request.window)
        for job in services.queue().view(request.window).jobs:
            services.interrupt(job.id)
        return described(services.queue(), request.window)


def _if_own(services: Services, request: OfJob, act: Callable[[str], None]) -> None:
    if any(job.id == request.job for job in services.queue().view(request.window).jobs):
        act(request.job)


def described(queue: JobQueue, window: str) -> dict[str, Any]:
    """Return what a window may know of the queue, as JSON."""
    view = queue.view(window)
    return {
        "jobs": [{**_described(job), "place": view.places.get(job.id)} for job in view.jobs],
        "open_jobs": view.open_jobs,
        "forever": view.forever,
        "version": view.version,
    }


def _described(job: QueuedJob) -> dict[str, Any]:
    prompt = str(job.values.get("prompt", ""))
    return {
        "id": job.id,
        "state": job.state,
        "action": job.action,
        "prompt": prompt[:_LONGEST_PROMPT].encode("utf-8", "replace").decode(),
        "image_number": job.image_number,
        "made": len(job.made),
        "private": job.private,
        "error": job.error,
    }
