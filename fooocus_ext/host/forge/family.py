"""What Forge, reForge and Forge Classic offer to a generation (``fooocus_ext.generation.host``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules import shared

from fooocus_ext.args import FOOOCUS
from fooocus_ext.errors import RequestError
from fooocus_ext.host import ending
from fooocus_ext.host.edit import task
from fooocus_ext.host.forge import guidance, second_model
from fooocus_ext.host.forge.engine import GUIDED, engine
from fooocus_ext.host.machine import versions
from fooocus_ext.host.refiner import turn
from fooocus_ext.host.refiner.passes import size_of_pass

if TYPE_CHECKING:
    import torch

    from fooocus_ext.args import Settings
    from fooocus_ext.generation.state import Generation


class Forge:
    """Forge and its children. Their hooks find the generation through the sampling that runs."""

    @property
    def infotext_varies(self) -> bool:
        """Whether an infotext entry may be a function that the webui asks picture by picture."""
        return versions.infotext_may_vary()

    def attach(self, p: Any, generation: Generation) -> None:
        """Make the generation end when the webui closes ``p``."""
        ending.close_with(p, generation)

    def job_options(self, _p: Any, _settings: Settings) -> dict[str, Any]:
        """Return no options: the webui renders in its own way."""
        return {}

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

    def rendering(self, _p: Any, generation: Generation) -> None:
        """Return None, and say so if Fooocus's rendering is asked for."""
        if generation.settings.rendering == FOOOCUS:
            generation.skipped["Fooocus's rendering"] = (
                "this webui encodes texts, draws noise and places steps in its own way"
            )

    def prepare_pass(self, p: Any, generation: Generation) -> None:
        """Hook into the UNet of the pass; let the refiner split the sampler, if that is its method."""
        if self.guidance_obstacle() is None:
            guidance.install(shared.sd_model.forge_objects)
        if generation.refiner is not None:
            generation.refiner.prepare_sampler(generation, p)

    def editing(self, p: Any, _generation: Generation) -> None:
        """Return None. Raises RequestError if ``p`` edits a picture."""
        asked = task.asked_of(p)
        if asked is not None:
            raise RequestError(
                f'mode: got "{asked.edit.mode}"; allowed on this webui: "vary" and "upscale", as it blends '
                "masked latents in its own way."
            )


HOST = Forge()
