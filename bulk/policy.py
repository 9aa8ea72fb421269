"""What an answer means: for its request, and for the webui that gave it.

A status alone condemns nobody. A webui that is starting answers 404, then 500; one that is broken answers
anything. So a request is blamed for an error only if the webui proves right after it that it is well.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from bulk.answers import Answer
from bulk.plan import Picture

Verdict = Literal["done", "failed", "again", "doubt", "out"]
"""done, failed: this is the request's end. again: elsewhere or later; the webui must show that it is well.
doubt: the same, and then the request is to blame. out: the webui is left alone from now on."""

MOST_BREAKS = 10
"""Connections that broke over one request, after which it is believed to be what breaks them."""


@dataclass
class Task:
    """A picture to be made, and what has happened to it so far.

    Attributes:
        picture: the picture.
        blamed: how often it was to blame, by webui.
        broken: how often a connection broke over it, by webui.
        attempts: how often it was sent to a webui.
        running_on: the webuis that it is at now.
        is_recorded: whether it has its final record, so that whatever else comes is surplus.
        last: what came of it last.
    """

    picture: Picture
    blamed: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    running_on: set[str] = field(default_factory=set)
    is_recorded: bool = False
    last: Answer | None = None

    def avoids(self, webui: str) -> bool:
        """Whether it had better go to another webui."""
        return webui in self.blamed or webui in self.broken


def judge(answer: Answer) -> Verdict:
    """Return what an answer to a request for a picture means."""
    verdicts: dict[str, Verdict] = {
        "picture": "done",
        "refused": "failed",
        "forbidden": "out",
        "absent": "again",
        "broken": "again",
        "error": "doubt",
        "timeout": "doubt",
    }
    return verdicts[answer.kind]


def is_hopeless(task: Task, attempts: int, other_webuis: set[str]) -> bool:
    """Tell whether a request has failed for good.

    Args:
        task: the request.
        attempts: how often it may be to blame.
        other_webuis: those that are well now. As long as one of them has not tried, there is hope.
    """
    tried = {*task.blamed, *task.broken}
    for faults, most in ((task.blamed, attempts), (task.broken, MOST_BREAKS)):
        if faults.total() >= most and (len(faults) > 1 or other_webuis <= tried):
            return True
    return False
