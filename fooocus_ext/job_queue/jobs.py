"""One job of the tab, and the pictures that it has made so far."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, TypeVar, get_args

from fooocus_ext.limits import SEED

State = Literal["waiting", "running", "done", "failed"]
_DRAWN_SEEDS = 2**32 - 2
_FARTHEST_PLACE = 2**62
"""Behind it there still are places for others."""


_Record = TypeVar("_Record", "Made", "Announced", "QueuedJob")


def draw_seed() -> int:
    """Return a seed as the webui draws one."""
    return secrets.randbelow(_DRAWN_SEEDS)


def new_id() -> str:
    """Return an id that no job has, in the form that the webui gives those of its tasks."""
    return f"task(fooocus-{secrets.token_hex(8)})"


@dataclass(frozen=True)
class Made:
    """A finished picture.

    Attributes:
        index: its number within the job, from 0.
        file: its path; None if it is in memory alone.
        infotext: the host's text of its settings.
        seed: its seed.
    """

    index: int
    file: str | None
    infotext: str
    seed: int


@dataclass(frozen=True)
class Announced:
    """A picture that is about to be stored.

    It is on record, with all that the image log will say of it, before its file exists. After a crash
    the file then tells whether the picture was made: if it is there, it is entered into the log unless
    it is in it already, and if not, the picture is made (again, with the same seed).

    Attributes:
        picture: what the picture will be.
        entry: what the image log will say of it.
    """

    picture: Made
    entry: Mapping[str, Any]


@dataclass(frozen=True)
class QueuedJob:
    """A job, from the click to the pictures.

    Attributes:
        id: its name for the host's progress.
        window: the page's window that asked for it.
        action: what is asked for, such as "generate".
        values: the page's widgets, by name.
        seed: the first picture's; drawn when the job is added, so that a job made anew gives the same.
        image_number: how many pictures it makes.
        draws_seed: whether the page left the seed open: when the job is repeated, another is drawn.
        private: whether nothing of it is ever written to disk, this record included.
        forever: whether the job is repeated when it is done.
        repeats: whether it is such a repetition; they run only while their window is open.
        place: in the queue; smaller ones come first.
        run: counts how often its window has begun with an empty queue; a page shows one run's pictures.
        state: where it stands.
        next_index: the first picture that is neither made nor skipped.
        announced: the picture that is about to be stored, if one is.
        made: the finished pictures, in order.
        comments: what the host has to say, line by line.
        error: why it failed; empty if it did not.
        seconds: how long it took.
        source: the name of the picture that it starts from, among the store's; None if it starts from none.
        mask: the name of that picture's mask, likewise.
    """

    id: str
    window: str
    action: str
    values: Mapping[str, Any]
    seed: int
    image_number: int = 1
    draws_seed: bool = False
    private: bool = False
    forever: bool = False
    repeats: bool = False
    place: int = 0
    run: int = 0
    state: State = "waiting"
    next_index: int = 0
    announced: Announced | None = None
    made: tuple[Made, ...] = field(default=())
    comments: str = ""
    error: str = ""
    seconds: float = 0.0
    source: str | None = None
    mask: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in {"waiting", "running"}

    def with_picture(self, made: Made) -> tuple[Made, ...]:
        """Return the finished pictures with one more, or with another version of one."""
        others = [picture for picture in self.made if picture.index != made.index]
        return tuple(sorted([*others, made], key=lambda picture: picture.index))

    def repetition(self, place: int) -> QueuedJob:
        """Return the job that repeats this one, with other seeds."""
        following = (self.seed + self.image_number) % SEED.maximum
        return replace(
            self,
            id=new_id(),
            place=place,
            seed=draw_seed() if self.draws_seed else following,
            repeats=True,
            state="waiting",
            next_index=0,
            announced=None,
            made=(),
        )

    def after_restart(self) -> QueuedJob:
        """Return the job as another server goes on with it: what ran waits, what was in memory is gone."""
        made = tuple(picture for picture in self.made if picture.file is not None)
        return replace(self, state="waiting" if self.state == "running" else self.state, made=made)

    def to_json(self) -> str:
        """Return the job as text."""
        return json.dumps(asdict(self), ensure_ascii=True)

    @classmethod
    def from_json(cls, text: str) -> QueuedJob:
        """Read a job that ``to_json`` has written; what another version has added is left out.

        Raises:
            ValueError: it is no job.
        """
        try:
            content = json.loads(text)
            known = {item.name for item in fields(cls)}
            values = {key: value for key, value in content.items() if key in known}
            announced = values.get("announced")
            if announced is not None:
                picture = _checked(Made(**announced["picture"]))
                values["announced"] = _checked(Announced(picture, announced["entry"]))
            values["made"] = tuple(_checked(Made(**made)) for made in values.get("made", ()))
            job = _checked(cls(**values))
            job.id.encode()  # the database takes no half characters
            if abs(job.place) > _FARTHEST_PLACE:
                raise ValueError(f"place is {job.place}")
            return job
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"not a job: {error}") from error


def _is_whole(value: object) -> bool:
    """Whether a value is a whole number that the database can hold."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return is_number and -(2**63) <= value < 2**63  # type: ignore[operator]


_IS_OF_TYPE: Mapping[str, Callable[[object], bool]] = {
    "str": lambda value: isinstance(value, str),
    "str | None": lambda value: value is None or isinstance(value, str),
    "int": _is_whole,
    "float": lambda value: isinstance(value, float) or _is_whole(value),
    "bool": lambda value: isinstance(value, bool),
    "State": lambda value: value in get_args(State),
    "Mapping[str, Any]": lambda value: isinstance(value, dict),
}
"""What is looked for in a stored value, by the type that its field is declared with."""


def _checked(record: _Record) -> _Record:
    """Return a record that was read if all its values are of the types that they are declared with.

    Raises:
        ValueError: one is not. Records in it are checked by themselves.
    """
    for item in fields(record):
        is_right = _IS_OF_TYPE.get(str(item.type))
        if is_right is not None and not is_right(getattr(record, item.name)):
            raise ValueError(f"{item.name} is no {item.type}")
    return record
