"""Four jobs in a row with the joint refiner against four without one, and with the host's own refiner.

On the embedded host with its small checkpoints, whose loading weighs more against their sampling than
a real one's. Times are those of one thread while it runs, so that other programs do not count, nor
does waiting for a disk, which would burden the host's own refiner alone. Each kind of job is made once a
round, in an order that turns round after each: a machine that becomes slower burdens all of them alike.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks import _host
from benchmarks._figures import Figure
from benchmarks._measuring import one_thread

JOBS = 4
REQUEST = {"width": 256, "height": 256, "steps": 20, "seed": 1}
SHORT = {**REQUEST, "steps": 5}
"""as long as a job must be for its refiner to take over"""
SWITCH = 0.8
ROUNDS = 4
"""even, for the order turns round"""


@dataclass(frozen=True, eq=False)
class Side:
    """One way to make the pictures.

    Attributes:
        name: what it is called.
        settings: the extension's, or None for off.
        request: what the host's request has besides ``REQUEST``.
        loads: whether the resident refiner is dropped before, so that the job loads it.
    """

    name: str
    settings: Mapping[str, Any] | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    loads: bool = False

    def prepare(self) -> None:
        """Bring the host into the state that an earlier job of the same kind leaves behind."""
        if self.loads:
            _host.generate(None, **SHORT)
            _release()
        else:
            self.make_picture(SHORT)

    def make_picture(self, request: Mapping[str, Any] = REQUEST) -> None:
        """Run one job."""
        _host.generate(self.settings, **request, **self.request)


def measure() -> list[Figure]:
    """Measure with the refiner in memory already, and with the first job loading it."""
    refiner = _host.checkpoint("refiner")
    ours = {**_host.NO_TRICKS, "refiner": refiner, "refiner_switch": SWITCH}
    hosts = {"refiner_checkpoint": refiner, "refiner_switch_at": SWITCH}
    plain, joint = Side("no refiner"), Side("ours", ours)
    loading = Side("ours, the first job loading it", ours, loads=True)
    of_host = Side("the host's", request=hosts)
    with one_thread():
        job = _median_seconds([plain, joint, loading, of_host])
    jobs = {
        "job_ratio": (joint, JOBS * job[joint]),
        "job_ratio_with_load": (loading, job[loading] + (JOBS - 1) * job[joint]),
        "host_job_ratio": (of_host, JOBS * job[of_host]),
    }
    without = JOBS * job[plain]
    return [
        Figure(
            f"refiner.{key}",
            seconds / without,
            "s",
            ours=seconds,
            peer=without,
            peer_name=f"no refiner; measured: {side.name}",
            goal="" if side.request else "<= 1.1",
        )
        for key, (side, seconds) in jobs.items()
    ]


def _median_seconds(sides: list[Side]) -> dict[Side, float]:
    """Return how long one job of each side takes, after an earlier one of its kind."""
    taken: dict[Side, list[float]] = {side: [] for side in sides}
    for number in range(ROUNDS):
        for side in sides if number % 2 == 0 else reversed(sides):
            side.prepare()
            begin = time.process_time()
            side.make_picture()
            taken[side].append(time.process_time() - begin)
            if side.request:  # until then a refiner of the host stays active
                _host.generate(None, **SHORT)
    return {side: statistics.median(taken[side]) for side in sides}


def _release() -> None:
    from fooocus_ext.host.refiner import resident  # noqa: PLC0415 - needs the host

    resident.RESIDENCE.release()
