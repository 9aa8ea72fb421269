"""Doubles modules/sd_models_xl.py: SDXL's conds from prompts and the size of the picture."""

from __future__ import annotations

import torch

from modules import devices, prompt_parser, shared

DEFAULT_SIZE = 1024


def get_learned_conditioning(self, batch: prompt_parser.SdConditioning | list[str]):
    """{crossattn [N,T,C], vector [N,V]}.

     Sizes and scores are made in devices.dtype, which rounds large ones at half precision. Prompts
    that are all empty and negative give zeros for the text, while the size embeddings stay.
    """
    width = getattr(batch, "width", None) or DEFAULT_SIZE
    height = getattr(batch, "height", None) or DEFAULT_SIZE
    negative = getattr(batch, "is_negative_prompt", False)
    opts = shared.opts
    score = (
        opts.sdxl_refiner_low_aesthetic_score
        if negative
        else opts.sdxl_refiner_high_aesthetic_score
    )

    def numbers(*values):
        return torch.tensor(values, device=devices.device, dtype=devices.dtype).repeat(
            len(batch), 1
        )

    inputs = {
        "txt": batch,
        "original_size_as_tuple": numbers(height, width),
        "crop_coords_top_left": numbers(opts.sdxl_crop_top, opts.sdxl_crop_left),
        "target_size_as_tuple": numbers(height, width),
        "aesthetic_score": numbers(score),
    }
    zeroed = ["txt"] if negative and all(text == "" for text in batch) else []
    return self.conditioner(inputs, force_zero_embeddings=zeroed)


def extend_sdxl(model):
    """Attributes that make an SDXL model look like the older ones."""
    model.model.conditioning_key = "crossattn"
    model.cond_stage_key = "txt"
    model.conditioner.wrapped = torch.nn.Module()
