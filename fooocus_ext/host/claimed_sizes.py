"""The picture sizes of negative ADM guidance, told to SDXL in the conditioning of a model call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fooocus_ext.generation import hooks

if TYPE_CHECKING:
    import torch

    from fooocus_ext.generation.state import Generation


def tell_sizes(
    generation: Generation,
    text_cond: Any,
    text_uncond: Any,
    *,
    timestep: float,
    size: tuple[int, int],
    number_dtype: torch.dtype,
    refined: bool,
) -> None:
    """Tell SDXL the sizes that `hooks.claim_sizes` returns, in the conditioning of one call, in place.

    Every webui makes that anew for each call. A model that is not SDXL has no vectors in it, and at CFG
    scale 1 Forge has none for the negative prompt.
    """
    vectors = hooks.claim_sizes(
        generation,
        _vector(text_cond),
        _vector(text_uncond),
        timestep=timestep,
        size=size,
        number_dtype=number_dtype,
        refined=refined,
    )
    if vectors is None:
        return
    text_cond["vector"], uncond = vectors
    if uncond is not None:
        text_uncond["vector"] = uncond


def _vector(conditioning: Any) -> torch.Tensor | None:
    return conditioning.get("vector") if isinstance(conditioning, dict) else None
