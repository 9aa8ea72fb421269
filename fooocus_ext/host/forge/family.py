"""What Forge, reForge and Forge Classic offer to a generation (``fooocus_ext.generation.host``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules import shared

from fooocus_ext.args import NONE
from fooocus_ext.edit import AUTO
from fooocus_ext.errors import RequestError, describe
from fooocus_ext.host.forge import guidance, second_model
from fooocus_ext.host.forge.engine import GUIDED, engine
from fooocus_ext.host.webui import Webui

if TYPE_CHECKING:
    import torch

    from fooocus_ext.args import Settings
    from fooocus_ext.edit import Edit
    from fooocus_ext.generation.state import Generation


class Forge(Webui):
    """Forge and its children. Their hooks find the generation through the sampling that runs."""

    def job_options(self, p: Any, settings: Settings) -> dict[str, Any]:
        """Return the options with which the webui renders as Fooocus does, if that is asked for."""
        options = super().job_options(p, settings)
        if options:
            options["skip_early_cond"] = -1.0  # Classic takes 0 for "the first step"
        return options

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

    def inpaint_engine(self, _p: Any, generation: Generation, edit: Edit) -> None:
        """Return None, and say so; raise RequestError for an engine that is asked for by name."""
        asked = edit.engine_in_effect
        why = "this webui patches weights in its own way, for each picture anew"
        if asked not in (AUTO, NONE):
            raise RequestError(
                f'engine: {describe(asked)} cannot be used: {why}; allowed: "{AUTO}", "{NONE}".'
            )
        if asked == AUTO:
            generation.skipped["inpaint engine"] = why

    def prepare_pass(self, p: Any, generation: Generation) -> None:
        """Hook into the UNet of the pass; let the refiner split the sampler, if that is its method."""
        if self.guidance_obstacle() is None:
            guidance.install(shared.sd_model.forge_objects)
        super().prepare_pass(p, generation)


HOST = Forge(second_model.Loader)
