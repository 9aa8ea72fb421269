"""What the driver knows of one webui."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from bulk.answers import Answer
from bulk.policy import Task

WINDOW = 2
"""Requests that a webui holds: one that it works on, one that waits."""
LONGEST_PAUSE = 60.0
REMEMBERED = 50

State = Literal["new", "probing", "waiting", "ready", "sick", "out"]


@dataclass
class Host:
    """One webui, as the driver sees it.

    Attributes:
        name: its address, or what it was started as.
        state: "new" was not asked yet; "waiting" is well, and the others decide whether it may take part;
            "sick" will be asked again at `next_probe`; "out" stays out.
        pause: the seconds that it rested last.
        made: pictures of this run.
        probed: its last answer to a probe that went well.
        is_admitted: whether it has taken part.
        missing: the (kind, name) of the list that it does not have, if it is out for that.
        held: requests that are to blame if it turns out to be well.
        running: the requests that it holds by their tickets, and when each was sent.
        seconds: of its last pictures.
    """

    name: str
    state: State = "new"
    reason: str = ""
    next_probe: float = 0.0
    pause: float = 0.0
    made: int = 0
    probed: Answer | None = None
    is_admitted: bool = False
    missing: tuple[tuple[str, str], ...] = ()
    held: list[Task] = field(default_factory=list)
    running: dict[int, tuple[Task, float]] = field(default_factory=dict)
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @property
    def median_seconds(self) -> float | None:
        """Of its last pictures, from sending to the answer."""
        return statistics.median(self.seconds) if self.seconds else None

    def fell_sick(self, reason: str, now: float) -> None:
        """Let it rest: one second, then twice as long each time, a minute at most."""
        self.pause = min(LONGEST_PAUSE, self.pause * 2 or 1.0)
        self.state, self.reason, self.next_probe = "sick", reason, now + self.pause

    def is_suspect(self, reason: str, now: float) -> None:
        """Give it no more requests until it has shown that it is well, which is asked at once."""
        if self.state == "ready":
            self.state, self.reason, self.next_probe = "sick", reason, now

    def is_well(self) -> None:
        """Take it in, or back."""
        self.state, self.reason, self.pause, self.is_admitted = "ready", "", 0.0, True

    def leaves(self, reason: str) -> None:
        """Have nothing more to do with it."""
        self.state, self.reason = "out", reason

    def no_longer_held(self) -> list[Task]:
        """Return what it held for a probe to tell who is to blame, and hold it no more."""
        held, self.held = self.held, []
        return held

    def timeout(self, least: float) -> float:
        """Return the seconds that the last request sent may take here.

        That is ten times the usual, but ``least`` for each request here: the last waits behind the others.
        """
        return max(least * max(1, len(self.running)), 10 * (self.median_seconds or 0))

    def described(self) -> dict[str, Any]:
        """Return what people may want to know of it."""
        median = self.median_seconds
        return {
            "name": self.name,
            "state": self.state,
            "reason": self.reason,
            "made": self.made,
            "running": len(self.running),
            "median_seconds": None if median is None else round(median, 3),
        }
