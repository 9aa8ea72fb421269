"""What A1111 offers to a generation: the host that ``fooocus_ext.generation.host`` describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules import devices, shared

from fooocus_ext.host import ending
from fooocus_ext.host.a1111 import second_model
from fooocus_ext.host.edit import editing
from fooocus_ext.host.inpaint_engine import turn as engines
from fooocus_ext.host.machine import versions
from fooocus_ext.host.refiner import turn
from fooocus_ext.host.refiner.passes import size_of_pass
from fooocus_ext.host.rendering import options as rendering_options
from fooocus_ext.host.rendering import rendering

if TYPE_CHECKING:
    import torch

    from fooocus_ext.args import Settings
    from fooocus_ext.edit import Edit
    from fooocus_ext.generation.state import Generation
    from fooocus_ext.host.edit.editing import Editing
    from fooocus_ext.host.rendering.rendering import Rendering


class A1111:
    """AUTOMATIC1111's webui, 1.6 to 1.10. Its callbacks find the generation through ``p``."""

    @property
    def infotext_varies(self) -> bool:
        """Whether an infotext entry may be a function that the webui asks picture by picture."""
        return versions.infotext_may_vary()

    def attach(self, p: Any, generation: Generation) -> None:
        """Make the generation end when the webui closes ``p``."""
        ending.close_with(p, generation)

    def job_options(self, p: Any, settings: Settings) -> dict[str, Any]:
        """Return the options with which the webui renders as Fooocus does, if that is asked for."""
        return rendering_options.for_job(p, settings)

    def pass_size(self, p: Any) -> tuple[int, int]:
        """Return (height, width) in pixels of the pass being sampled."""
        return size_of_pass(p)

    def size_number_dtype(self) -> torch.dtype:
        """Return the dtype in which the webui rounds SDXL's size numbers before embedding them."""
        dtype: torch.dtype = devices.dtype
        return dtype

    def guidance_obstacle(self) -> str | None:
        """Return why the active model's predictions must be left alone, or None if they need not."""
        model = shared.sd_model
        if getattr(model, "cond_stage_key", None) == "edit":
            return "instruct-pix2pix models have a guidance of their own"
        if getattr(model, "is_sd3", False):
            return "SD3 does not predict noise"
        return None

    def refiner(self, p: Any, generation: Generation) -> turn.Refiner | None:
        """Make the refiner that the settings name ready for its turn."""
        return turn.take_part(p, generation, second_model.Loader())

    def inpaint_engine(self, p: Any, generation: Generation, edit: Edit) -> engines.Turn | None:
        """Make an inpaint engine ready for its turn."""
        return engines.take_part(p, generation, edit)

    def prepare_pass(self, p: Any, generation: Generation) -> None:
        """Let the refiner split the sampler in two, if that is its method."""
        if generation.refiner is not None:
            generation.refiner.prepare_sampler(generation, p)

    def rendering(self, p: Any, generation: Generation) -> Rendering | None:
        """Return Fooocus's rendering if the settings ask for it."""
        return rendering.take_part(p, generation)

    def editing(self, p: Any, generation: Generation) -> Editing | None:
        """Return what is made anew of a picture, if ``p`` edits one."""
        return editing.take_part(p, generation)


HOST = A1111()
