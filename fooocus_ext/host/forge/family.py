"""What Forge, reForge and Forge Classic offer to a generation (``fooocus_ext.generation.host``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules import shared

from fooocus_ext.args import NONE
from fooocus_ext.edit import AUTO
from fooocus_ext.errors import RequestError, describe
from fooocus_ext.host import ending
from fooocus_ext.host.edit import editing
from fooocus_ext.host.forge import guidance, second_model
from fooocus_ext.host.forge.engine import GUIDED, engine
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


class Forge:
    """Forge and its children. Their hooks find the generation through the sampling that runs."""

    @property
    def infotext_varies(self) -> bool:
        """Whether an infotext entry may be a function that the webui asks picture by picture."""
        return versions.infotext_may_vary()

    def attach(self, p: Any, generation: Generation) -> None:
        """Make the generation end when the webui closes ``p``."""
        ending.close_with(p, generation)

    def job_options(self, p: Any, settings: Settings) -> dict[str, Any]:
        """Return the options with which the webui renders as Fooocus does, if that is asked for."""
        options = rendering_options.for_job(p, settings)
        if options:
            options["skip_early_cond"] = -1.0  # Classic takes 0 for "the first step"
        return options

    def pass_size(self, p: Any) -> tuple[int, int]:
        """Return (height, width) in pixels of the pass being sampled."""
        return size_of_pass(p)

    def size_number_dtype(self) -> torch.dtype:
        """Return the dtype in which the webui rounds SDXL's size numbers before embedding them."""
        return engine().size_number_dtype

    def guidance_obstacle(self) -> str | None:
        """Return why the active model's predictions must be left alone, or None if they need not."""
        model = shared.sd_model
        if getattr(model, "cond_stage_key", None) == "edit":
            return "instruct-pix2pix models have a guidance of their own"
        predicted = engine().prediction(model.forge_objects.unet)
        if predicted in GUIDED:
            return None
        return f"it needs a model of SDXL's or SD's kind, and this one predicts something else ({predicted})"

    def refiner(self, p: Any, generation: Generation) -> turn.Refiner | None:
        """Make the refiner that the settings name ready for its turn."""
        return turn.take_part(p, generation, second_model.Loader())

    def rendering(self, p: Any, generation: Generation) -> Rendering | None:
        """Return Fooocus's rendering if the settings ask for it."""
        return rendering.take_part(p, generation)

    def inpaint_engine(self, _p: Any, generation: Generation, edit: Edit) -> None:
        """Return None, and say so; raise RequestError for an engine that is asked for by name."""
        engine = edit.engine_in_effect
        why = "this webui patches weights in its own way, for each picture anew"
        if engine not in (AUTO, NONE):
            raise RequestError(
                f'engine: {describe(engine)} cannot be used: {why}; allowed: "{AUTO}", "{NONE}".'
            )
        if engine == AUTO:
            generation.skipped["inpaint engine"] = why

    def prepare_pass(self, p: Any, generation: Generation) -> None:
        """Hook into the UNet of the pass; let the refiner split the sampler, if that is its method."""
        if self.guidance_obstacle() is None:
            guidance.install(shared.sd_model.forge_objects)
        if generation.refiner is not None:
            generation.refiner.prepare_sampler(generation, p)

    def editing(self, p: Any, generation: Generation) -> Editing | None:
        """Return what is made anew of a picture, if ``p`` edits one."""
        return editing.take_part(p, generation)


HOST = Forge()
