"""Ray: an actor for each webui, on this machine or anywhere in a cluster.

An actor does at most what a thread does: it sends requests, and starts a webui if that is its task. What is
finished is recorded by the driver alone, so an actor, a node or all of Ray may go at any moment: what they
were doing comes back as "broken", and new actors take their places.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from bulk.answers import Answer, Job
from bulk.errors import UsageError
from bulk.executors.base import Spec, Worker
from bulk.hosts import WINDOW
from bulk.spawn import START_SECONDS

LOCAL = "local"
TOKEN = Path.home() / ".ray" / "auth_token"
PACKAGE = Path(__file__).resolve().parents[1]
OBJECT_STORE_BYTES = 256 * 2**20
CHECK_SECONDS = 2.0
GRACE_SECONDS = 30.0
NO_RAY = (
    "This Python has no Ray: run `python dev.py bulk`, which has one of its own, or add --no-ray to work "
    "with threads."
)


class _Asked(NamedTuple):
    """A job that an actor has, and when it is given up."""

    ticket: int
    host: int
    actor: Any
    deadline: float


class Actors:
    """An actor for each webui.

    Args:
        address: of a cluster, "auto" for the one that this machine belongs to, "local" for a new one that
            ends with the run and listens on the loopback interface alone.
        specs: the webuis.

    Raises:
        UsageError: there is no Ray, or no cluster at the address.
    """

    def __init__(self, address: str, specs: Sequence[Spec]) -> None:
        self._address = address
        self._specs = specs
        self._ray = connect(address, len(specs))
        self._node = self._own_node()
        self._checked_at = time.monotonic()
        self._actors: dict[int, Any] = {}
        self._running: dict[Any, _Asked] = {}
        """reference of a result -> whose it will be"""

    def submit(self, host: int, ticket: int, job: Job) -> None:
        """Have a job done at the webui with this number."""
        actor = self._actor(host)
        reference = actor.run.remote(job)
        patience = job.timeout + GRACE_SECONDS + (START_SECONDS if self._specs[host].spawned else 0)
        self._running[reference] = _Asked(ticket, host, actor, time.monotonic() + patience)

    def _actor(self, host: int) -> Any:
        actor = self._actors.get(host)
        if actor is None:
            spec = self._specs[host]
            on_gpu = spec.spawned is not None and spec.spawned.gpu is not None
            actor = self._ray.remote(Worker).options(
                num_cpus=1 if spec.spawned and not on_gpu else 0,
                num_gpus=1 if on_gpu else 0,
                max_concurrency=WINDOW + 1,
                scheduling_strategy="SPREAD",
            )
            actor = self._actors[host] = actor.remote(_for_actor(spec))
        return actor

    def wait(self, seconds: float) -> list[tuple[int, Answer]]:
        """Return the answers that have come, waiting for the first."""
        if not self._running:
            time.sleep(seconds)
            return []
        references = list(self._running)
        ready, _rest = self._ray.wait(references, num_returns=1, timeout=seconds)
        if ready:
            ready, _rest = self._ray.wait(references, num_returns=len(references), timeout=0)
        answers = [self._answer(reference) for reference in ready]
        return answers + self._overdue()

    def _answer(self, reference: Any) -> tuple[int, Answer]:
        asked = self._running.pop(reference)
        try:
            return asked.ticket, self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            if isinstance(error, self._ray.exceptions.RayActorError):
                self._drop(asked.host, asked.actor)
            said = str(error).strip().partition("\n")[0]
            return asked.ticket, Answer("broken", f"{type(error).__name__}: {said}"[:300])

    def _drop(self, host: int, actor: Any) -> None:
        """Let go of an actor that is dead or out of reach, so that the next job gets a new one.

        It may have one already: each job of an actor that has died ends by itself.
        """
        if self._actors.get(host) is actor:
            del self._actors[host]
        self._ray.kill(actor)

    def _overdue(self) -> list[tuple[int, Answer]]:
        """Return an end for what will have none: jobs out of time, and all jobs if our node is gone."""
        now = time.monotonic()
        if now - self._checked_at < CHECK_SECONDS:
            return []
        self._checked_at = now
        gone = not self._is_alive()
        late = [ref for ref, asked in self._running.items() if gone or now > asked.deadline]
        found = []
        for reference in late:
            asked = self._running.pop(reference)
            if not gone:
                self._drop(asked.host, asked.actor)
            reason = "Ray's node has died" if gone else "Ray gave no answer in time"
            found.append((asked.ticket, Answer("broken", reason)))
        if gone:
            self._actors.clear()
            self._ray.shutdown()
            self._ray = connect(self._address, len(self._specs))
            self._node = self._own_node()
        return found

    def _own_node(self) -> str:
        return str(self._ray.get_runtime_context().get_node_id())

    def _is_alive(self) -> bool:
        try:
            nodes = self._ray.nodes()
        except self._ray.exceptions.RayError:
            return False
        return any(node["NodeID"] == self._node and node["Alive"] for node in nodes)

    def close(self) -> None:
        """End the actors, with the webuis that they have started."""
        for host, actor in list(self._actors.items()):
            self._drop(host, actor)
        self._ray.shutdown()


def connect(address: str, count: int) -> Any:
    """Return Ray, connected to a cluster or to a new one for ``count`` webuis. Raises UsageError."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address == LOCAL:
        # Ray's own switch for "a cluster of this machine alone": it listens on 127.0.0.1.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ.pop("RAY_ADDRESS", None)
    elif TOKEN.exists():  # a cluster asks for it, but who joins one does not send it by itself
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        import ray  # noqa: PLC0415 -- slow to load, and only needed here
    except ImportError as error:
        raise UsageError(NO_RAY) from error
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address == LOCAL:
            ray.init(
                address=LOCAL,
                num_cpus=max(1, count),
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                **quiet,
            )
        else:
            ray.init(address=address, runtime_env={"py_modules": [str(PACKAGE)]}, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UsageError(f"--ray {address}: {error}") from error
    return ray


def gpu_count(address: str) -> int:
    """Return how many GPUs a cluster has. Raises UsageError."""
    ray = connect(address, 1)
    return int(ray.cluster_resources().get("GPU", 0))


def _for_actor(spec: Spec) -> Spec:
    """Return a webui's description for a process that Ray has given its GPU."""
    if spec.spawned is None or spec.spawned.gpu is None:
        return spec
    return replace(spec, spawned=replace(spec.spawned, gpu=None))
