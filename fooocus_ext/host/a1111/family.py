"""What A1111 offers to a generation: the host that ``fooocus_ext.generation.host`` describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules import devices, sd_models, shared

from fooocus_ext.args import FOOOCUS
from fooocus_ext.host.a1111 import second_model
from fooocus_ext.host.inpaint_engine import turn as engines
from fooocus_ext.host.webui import Webui

if TYPE_CHECKING:
    import torch

    from fooocus_ext.edit import Edit
    from fooocus_ext.generation.state import Generation
    from fooocus_ext.host.rendering.rendering import Rendering


class A1111(Webui):
    """AUTOMATIC1111's webui, 1.6 to 1.10. Its callbacks find the generation in the sampling that runs."""

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

    def rendering(self, p: Any, generation: Generation) -> Rendering | None:
        """As in every family; where it cannot be, tokens are merged as the webui is set."""
        found = super().rendering(p, generation)
        if found is None and generation.settings.rendering == FOOOCUS:
            # It has looked at the option already, before the hooks of a generation.
            sd_models.apply_token_merging(p.sd_model, p.get_token_merging_ratio())
        return found

    def inpaint_engine(self, p: Any, generation: Generation, edit: Edit) -> engines.Turn | None:
        """Make an inpaint engine ready for its turn."""
        return engines.take_part(p, generation, edit)


HOST = A1111(second_model.Loader)
