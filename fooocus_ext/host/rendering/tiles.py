"""The autoencoder in tiles, for a job that upscales."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from modules import devices, processing

from fooocus_ext.core import tiling
from fooocus_ext.host.replaced import replaced

if TYPE_CHECKING:
    from fooocus_ext.generation.state import Generation

_ATTRIBUTE = "_fooocus_tiles"
_SIDE = 8  # pixels to a latent


def ask_for(p: Any) -> None:
    """Have the picture of ``p`` encoded and decoded in tiles, if it is rendered as Fooocus does."""
    setattr(p, _ATTRIBUTE, True)


def asked_by(p: Any) -> bool:
    """Whether ``ask_for`` was called."""
    return getattr(p, _ATTRIBUTE, False)


def encode_in_tiles(p: Any, generation: Generation) -> None:
    """Make the webui encode the picture of ``p`` in tiles when it begins with it."""
    init = p.init

    def init_in_tiles(*args: Any, **kwargs: Any) -> Any:
        encode: Callable[[torch.Tensor], torch.Tensor] = p.sd_model.encode_first_stage

        def encode_tiles(pictures: torch.Tensor) -> torch.Tensor:
            return torch.cat([_encoded(picture[None], encode) for picture in pictures])

        with replaced(p.sd_model, "encode_first_stage", encode_tiles):
            return init(*args, **kwargs)

    generation.override(p, "init", init_in_tiles)


def _encoded(picture: torch.Tensor, encode: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    return tiling.averaged(
        picture,
        encode,
        tile=tiling.ENCODED_TILE,
        overlap=tiling.ENCODED_OVERLAP,
        scale=1 / _SIDE,
    )


def decoded(p: Any, latents: torch.Tensor) -> processing.DecodedSamples:
    """Return the pictures [3,H,W] in -1..1 of latents [B,4,h,w], in the webui's list of decoded ones."""

    def decode(tile: torch.Tensor) -> torch.Tensor:
        (picture,) = processing.decode_latent_batch(
            p.sd_model, tile, target_device=devices.cpu, check_for_nans=True
        )
        whole: torch.Tensor = picture[None].float()
        return whole

    pictures = processing.DecodedSamples()
    for latent in latents:
        pictures.extend(
            tiling.averaged(
                latent[None],
                decode,
                tile=tiling.DECODED_TILE,
                overlap=tiling.DECODED_OVERLAP,
                scale=_SIDE,
            )
        )
    return pictures
