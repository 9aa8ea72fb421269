"""What the driver knows of one webui, and which webuis may make pictures of the same list."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bulk import body
from bulk.answers import Answer
from bulk.policy import Task

WINDOW = 2
"""Requests that a webui holds: one that it works on, one that waits."""
LONGEST_PAUSE = 60.0
REMEMBERED = 50
USE_SAME = "Use same "
"""Begins the names by which hires fix means what the first pass has."""

State = Literal["new", "probing", "waiting", "ready", "sick", "out"]


class RefusedError(Exception):
    """A webui may not take part; the message says why.

    Attributes:
        missing: the (kind, name) of the list that it does not have, if that is why.
    """

    def __init__(self, reason: str, missing: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(reason)
        self.missing = tuple(missing)


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

    def timeout(self, least: float) -> float:
        """Return the seconds that a request may take here: ten times the usual, ``least`` at least."""
        return max(least, 10 * (self.median_seconds or 0.0))

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


@dataclass
class Standard:
    """What every webui of a run must have in common; it is kept in the folder, for later runs too.

    Attributes:
        of: the webui that set it.
        model: the checkpoint that is loaded there, with ``model_hash``.
        version: the extension's.
        pixels_sha256: the canary's.
        hashes: of other checkpoints that requests name, as the first picture had it.
    """

    of: str
    model: str
    model_hash: str
    version: str
    pixels_sha256: str
    hashes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_host(cls, name: str, answer: Answer) -> Standard:
        """Return what a webui sets that has answered a probe well."""
        assert answer.made is not None  # noqa: S101 -- a probe that went well has a canary
        made = answer.made
        return cls(name, made.model, made.model_hash, answer.version, made.pixels_sha256)

    def check(self, answer: Answer, *, strict: bool) -> str:
        """Return what is to be said about a webui that has answered a probe well, "" for nothing.

        Raises:
            RefusedError: it has another checkpoint or version, or, if ``strict``, makes other pixels.
        """
        made = answer.made
        assert made is not None  # noqa: S101
        if answer.version != self.version:
            raise RefusedError(
                f"has version {answer.version} of the extension; {self.of} has {self.version}"
            )
        if made.model_hash != self.model_hash:
            raise RefusedError(
                f"has loaded {made.model} with the hash {made.model_hash}; "
                f"{self.of} has {self.model} with {self.model_hash}"
            )
        if made.pixels_sha256 == self.pixels_sha256:
            return ""
        other = f"makes other pixels of the same request than {self.of} (another kind of GPU?)"
        if strict:
            raise RefusedError(other)
        return other

    def check_model(self, request: Mapping[str, Any], model_hash: str) -> None:
        """Check the checkpoint of a picture. Raises RefusedError."""
        named = [body.model_named(request), body.fooocus_of(request).get("preset", "")]
        expected = self.model_hash
        if any(named):
            expected = self.hashes.setdefault(" / ".join(named), model_hash)
        if model_hash != expected:
            raise RefusedError(
                f"made a picture with the checkpoint {model_hash} in place of {expected}"
            )


def missing_names(
    names: Mapping[str, frozenset[str]], wanted: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return those of the (kind, name) that a list names and a webui does not have."""
    known = {kind: {_folded(kind, name) for name in there} for kind, there in names.items()}
    return [
        (kind, name)
        for kind, name in wanted
        if kind in known
        and _folded(kind, name) not in known[kind]
        and not name.startswith(USE_SAME)
    ]


def _folded(kind: str, name: str) -> str:
    """Return a name as its equals are: the extension takes a style in any case, with - or blanks."""
    return " ".join(name.replace("-", " ").casefold().split()) if kind == "style" else name
