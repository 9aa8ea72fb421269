"""What a webui was asked, and what came of it; both travel between processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from bulk.pictures import Facts

Kind = Literal["picture", "refused", "forbidden", "absent", "broken", "error", "timeout"]
"""What happened.

``picture``: all is well. ``refused``: the request is wrong, says the webui. ``forbidden``: we are, or the
webui is not the one that it should be. ``absent``: nobody there who could have begun with it.
``broken``: the connection, or what came over it. ``error``: the webui failed. ``timeout``: no end.
"""

CANARY: dict[str, Any] = {
    "prompt": "a red apple on a table",
    "negative_prompt": "blurry",
    "seed": 1,
    "subseed": 1,
    "steps": 4,
    "width": 64,
    "height": 64,
    "cfg_scale": 5.0,
    "sampler_name": "Euler",
    "alwayson_scripts": {"Fooocus": {"args": [{"enabled": True, "expansion": False}]}},
}
"""A small picture, of which every healthy webui with the same checkpoint makes the same."""


@dataclass(frozen=True)
class Make:
    """A request for a picture, and the seconds after which to give it up."""

    request: dict[str, Any]
    timeout: float


@dataclass(frozen=True)
class Probe:
    """The question whether a webui is well; ``names`` asks what it has, too."""

    timeout: float
    names: bool = True


Job = Make | Probe


@dataclass(frozen=True)
class Made:
    """A picture, and what the webui says about it."""

    png: bytes
    facts: Facts
    prompt: str
    model: str
    model_hash: str


@dataclass(frozen=True)
class Answer:
    """What came of a job.

    Attributes:
        kind: what happened.
        reason: what the webui or the connection said; empty for a picture.
        http: the status of the answer, if there was one.
        seconds: from sending to the end.
        made: the picture (of a probe: the canary), if there is one.
        version: of a probe, the extension's version.
        names: of a probe, what there is: kind of name to names.
    """

    kind: Kind
    reason: str = ""
    http: int | None = None
    seconds: float = 0.0
    made: Made | None = None
    version: str = ""
    names: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def in_short(self) -> str:
        """What is told of a webui that has given this answer, and no picture."""
        return f"{self.http or self.kind}: {self.reason}"[:300]
