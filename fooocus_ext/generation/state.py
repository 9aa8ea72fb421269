"""What one processing object needs to remember between its hooks, and how it is undone."""

from __future__ import annotations

import weakref
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from fooocus_ext.args import Settings
    from fooocus_ext.generation.texts import JobTexts


_ATTRIBUTE = "_fooocus_generation"


@dataclass(frozen=True)
class _Override:
    """A function in place of a method, which remembers the instance attribute it replaced."""

    name: str
    function: Callable[..., Any]
    before: Any

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def undo(self, attributes: dict[str, Any]) -> None:
        """Put the replaced attribute back, unless another extension has wrapped this one since."""
        if attributes.get(self.name) is not self:
            return
        if self.before is None:
            del attributes[self.name]
        else:
            attributes[self.name] = self.before


@dataclass
class Generation:
    """One generation of one processing object.

    Other extensions copy processing objects (X/Y/Z cells, inpainting passes inside a generation). A copy
    is what its original would be without a generation: `copy` asks the object's ``__getstate__``, which is
    overridden, too. (A class of ours would know its object as well, but other extensions change and
    compare the classes of processing objects.) Whoever copies the attributes themselves copies the
    overrides, which act on the original, `copy` among them, until the first hook of the other object takes
    them off it; its hooks neither use nor close this.

    Attributes:
        settings: the arguments, with preset and performance already applied.
        resources: what must be undone when the generation ends, however it ends.
        sampling: what must be undone when the sampling of a batch ends, however it ends.
        texts: the texts of all its pictures, once they are known.
        refiner: the refiner that takes part, if any: what `Host.refiner` returned.
        rendering: Fooocus's rendering, if asked for: what `Host.rendering` returned.
        editing: what it makes anew of a picture, if it edits one: what `Host.editing` returned.
        inpaint_engine: Fooocus's inpaint engine, if one takes part: what `Host.inpaint_engine` returned.
        cut_short: whether the user has ended the sampling of the last batch before its end.
        skipped: what could not be applied, with the reason; shown to the user once.
    """

    settings: Settings
    resources: ExitStack = field(default_factory=ExitStack)
    sampling: ExitStack = field(default_factory=ExitStack)
    texts: JobTexts | None = None
    refiner: Any = None
    rendering: Any = None
    editing: Any = None
    inpaint_engine: Any = None
    cut_short: bool = False
    skipped: dict[str, str] = field(default_factory=dict)
    _owner: weakref.ref[Any] | None = None

    def owned_by(self, p: Any) -> bool:
        """Whether this is the generation of ``p`` itself, not of an object ``p`` was copied from."""
        return self._owner is not None and self._owner() is p

    def override(self, p: Any, name: str, function: Callable[..., Any]) -> None:
        """Replace a method of ``p`` on the instance until the generation is closed."""
        attributes = vars(p)
        override = _Override(name, function, before=attributes.get(name))
        attributes[name] = override
        self.resources.callback(override.undo, attributes)

    def give_back(self, p: Any, name: str) -> None:
        """Undo an override before the generation ends."""
        override = vars(p).get(name)
        if isinstance(override, _Override):
            override.undo(vars(p))

    def end_sampling(self) -> None:
        """Undo what was done for the sampling of one batch. Safe to call any number of times."""
        self.sampling.close()

    def close(self) -> None:
        """Undo everything that was done on the host. Safe to call any number of times."""
        self.end_sampling()
        self.refiner = self.rendering = self.editing = self.inpaint_engine = None
        self.resources.close()


def attach(p: Any, settings: Settings) -> Generation:
    """Give ``p`` a new generation, closing the previous one of the same object."""
    detach(p)
    generation = Generation(settings, _owner=weakref.ref(p))
    setattr(p, _ATTRIBUTE, generation)
    attributes = vars(p)
    generation.override(p, "__getstate__", lambda: _without_ours(dict(attributes)))
    return generation


def generation_of(p: Any) -> Generation | None:
    """Return the generation attached to ``p`` itself; None for one that was copied by hand."""
    generation: Generation | None = getattr(p, "__dict__", {}).get(_ATTRIBUTE)
    return generation if generation is not None and generation.owned_by(p) else None


def detach(p: Any) -> None:
    """Close and forget the generation of ``p``, and what it has of another's."""
    generation = generation_of(p)
    if generation is not None:
        generation.close()
    _without_ours(getattr(p, "__dict__", {}))


def _without_ours(attributes: dict[str, Any]) -> dict[str, Any]:
    """Make the attributes of a processing object what they are without a generation; return them."""
    attributes.pop(_ATTRIBUTE, None)
    for name in list(attributes):
        while isinstance(override := attributes.get(name), _Override) and override.name == name:
            override.undo(attributes)
    return attributes
