"""What the tab's jobs gave, kept for a while: a page that is reloaded meanwhile finds it again."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

IN_MEMORY = "data:"
"""How the address of a picture begins that is on no disk."""
_REMEMBERED = 16
_REMEMBERED_IN_MEMORY = 2


@dataclass(frozen=True)
class Result:
    """What a job gave.

    Attributes:
        pictures: paths, or ``data:`` addresses of pictures that are on no disk.
        infotexts: one for each picture.
        seed: the first picture's.
        comments: what the webui and the extension have to say, line by line.
        errors: sentences; with any of them, there are no pictures.
    """

    pictures: list[str] = field(default_factory=list)
    infotexts: list[str] = field(default_factory=list)
    seed: int | None = None
    comments: str = ""
    errors: tuple[str, ...] = ()

    @property
    def is_in_memory(self) -> bool:
        """Whether its pictures take memory as long as it is kept."""
        return any(picture.startswith(IN_MEMORY) for picture in self.pictures)


class Results:
    """The results of the last jobs, and the jobs that are to be stopped before they begin."""

    def __init__(self) -> None:
        self._results: OrderedDict[str, Result] = OrderedDict()
        self._cancelled: OrderedDict[str, None] = OrderedDict()

    def keep(self, task: str, result: Result) -> None:
        """Keep the result of a job; pictures in memory only until two more jobs have given such."""
        self._results[task] = result
        while len(self._results) > _REMEMBERED:
            self._results.popitem(last=False)
        heavy = [task for task, kept in self._results.items() if kept.is_in_memory]
        for old in heavy[:-_REMEMBERED_IN_MEMORY]:
            del self._results[old]

    def find(self, task: str) -> Result | None:
        """Return the result of a job, if it is still there."""
        return self._results.get(task)

    def cancel(self, task: str) -> None:
        """Note that a waiting job is not to begin."""
        self._cancelled[task] = None
        while len(self._cancelled) > _REMEMBERED:
            self._cancelled.popitem(last=False)

    def take_cancelled(self, task: str) -> bool:
        """Tell whether a job is not to begin, and forget that."""
        return self._cancelled.pop(task, "not there") is None
