"""What every family of webuis offers to a generation in the same way (``fooocus_ext.generation.host``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fooocus_ext.host import ending
from fooocus_ext.host.edit import editing
from fooocus_ext.host.jobs import overrides
from fooocus_ext.host.machine import versions
from fooocus_ext.host.refiner import turn
from fooocus_ext.host.rendering import options as rendering_options
from fooocus_ext.host.rendering import rendering

if TYPE_CHECKING:
    from fooocus_ext.args import Settings
    from fooocus_ext.generation.state import Generation
    from fooocus_ext.host.edit.editing import Editing
    from fooocus_ext.host.refiner import resident
    from fooocus_ext.host.rendering.rendering import Rendering


class Webui:
    """The part of a `Host` that the families share.

    Args:
        loader: makes what loads a refiner.
    """

    def __init__(self, loader: Callable[[], resident.Loader]) -> None:
        self._loader = loader

    @property
    def infotext_varies(self) -> bool:
        """Whether an infotext entry may be a function that the webui asks picture by picture."""
        return versions.infotext_may_vary()

    def attach(self, p: Any, generation: Generation) -> None:
        """Make the generation end when the webui closes ``p``, and our options leave ``p`` with it."""
        ending.close_with(p, generation)
        generation.resources.callback(overrides.forget, p)

    def job_options(self, p: Any, settings: Settings) -> dict[str, Any]:
        """Return the options with which the webui renders as Fooocus does, if that is asked for."""
        return rendering_options.for_job(p, settings)

    def refiner(self, p: Any, generation: Generation) -> turn.Refiner | None:
        """Make the refiner that the settings name ready for its turn."""
        return turn.take_part(p, generation, self._loader())

    def prepare_pass(self, p: Any, generation: Generation) -> None:
        """Let the refiner split the sampler in two, if that is its method."""
        if generation.refiner is not None:
            generation.refiner.prepare_pass(p, generation)

    def rendering(self, p: Any, generation: Generation) -> Rendering | None:
        """Return Fooocus's rendering if the settings ask for it; where it cannot be, its options go, too."""
        found = rendering.take_part(p, generation)
        if found is None:
            overrides.take_back(p, self.job_options(p, generation.settings))
        return found

    def editing(self, p: Any, generation: Generation) -> Editing | None:
        """Return what is made anew of a picture, if ``p`` edits one."""
        return editing.take_part(p, generation)
