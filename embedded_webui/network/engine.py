"""The model object of the webui, `shared.sd_model`: UNet, autoencoder and text encoders of one checkpoint."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import torch

from embedded_webui.network.conditioner import ConcatTimestepEmbedderND, GeneralConditioner
from embedded_webui.network.shapes import (
    Heads,
    Tensors,
    kind_of,
    text_shapes,
    unet_shape,
    vae_shape,
)
from embedded_webui.network.text_encoders import FrozenCLIPEmbedder, FrozenOpenCLIPEmbedder2
from embedded_webui.network.unet import DiffusionModel
from embedded_webui.network.vae import FirstStageModel

SCALE_FACTORS = {"sdxl": 0.13025, "refiner": 0.13025, "sd1": 0.18215}
BETA_START, BETA_END, TIMESTEPS = 0.00085, 0.0120, 1000


def training_alphas_cumprod() -> torch.Tensor:
    """[1000] of Stable Diffusion's schedule, betas equally spaced in their square roots; float32."""
    betas = torch.linspace(BETA_START**0.5, BETA_END**0.5, TIMESTEPS, dtype=torch.float64) ** 2
    return torch.cumprod(1.0 - betas, dim=0).to(torch.float32)


@runtime_checkable
class OriginalWeights(Protocol):
    """A network that takes its weights from a checkpoint under their original names."""

    def load_original(self, tensors: Tensors) -> None:
        """Take them; raises RuntimeError if any is missing."""


class DiffusionWrapper(torch.nn.Module):
    """Hands the conds to the UNet."""

    conditioning_key = "crossattn"

    def __init__(self, diffusion_model: DiffusionModel):
        super().__init__()
        self.diffusion_model = diffusion_model

    def forward(self, x: torch.Tensor, t: torch.Tensor, c: Mapping[str, Any]) -> torch.Tensor:
        """`c` is {crossattn, vector, ...} (SDXL) or {c_crossattn: [tensor], ...} (SD 1.5)."""
        context = c["crossattn"] if "crossattn" in c else torch.cat(c["c_crossattn"], 1)
        predicted: torch.Tensor = self.diffusion_model(
            x, timesteps=t, context=context, y=c.get("vector")
        )
        return predicted


def _conditioner(tensors: Tensors, kind: str) -> GeneralConditioner:
    sizes = ["original_size_as_tuple", "crop_coords_top_left"]
    if kind == "sdxl":
        text = [
            FrozenCLIPEmbedder(tensors, "conditioner.embedders.0.", layer="hidden"),
            FrozenOpenCLIPEmbedder2(tensors, "conditioner.embedders.1."),
        ]
        sizes.append("target_size_as_tuple")
    else:
        text = [FrozenOpenCLIPEmbedder2(tensors, "conditioner.embedders.0.")]
        sizes.append("aesthetic_score")
    return GeneralConditioner([*text, *(ConcatTimestepEmbedderND(key) for key in sizes)])


class DiffusionEngine(torch.nn.Module):
    """One checkpoint. `conditioner` exists for SDXL; SD 1.5 has only `cond_stage_model`."""

    cond_stage_key = "txt"
    lowvram = False
    alphas_cumprod: torch.Tensor

    def __init__(self, tensors: Tensors, heads: Heads):
        super().__init__()
        self.kind = kind_of(tensors)
        self.built_for = self.architecture_of(tensors, heads)
        self.model = DiffusionWrapper(DiffusionModel(unet_shape(tensors, self.kind, heads)))
        self.first_stage_model = FirstStageModel(vae_shape(tensors))
        if self.kind == "sd1":
            self.cond_stage_model = FrozenCLIPEmbedder(tensors, "cond_stage_model.", layer="last")
        else:
            self.conditioner = _conditioner(tensors, self.kind)
        self.scale_factor = SCALE_FACTORS[self.kind]
        self.parameterization = "v" if "v_pred" in tensors else "eps"
        self.register_buffer("alphas_cumprod", training_alphas_cumprod(), persistent=False)
        self.eval()

    @staticmethod
    def architecture_of(tensors: Tensors, heads: Heads) -> str:
        """Equal for checkpoints whose weights fit into the same modules."""
        kind = kind_of(tensors)
        shapes = unet_shape(tensors, kind, heads), vae_shape(tensors), text_shapes(tensors, kind)
        return f"{kind} {shapes}"

    def architecture(self) -> str:
        """That of the checkpoint it was built for."""
        return self.built_for

    def load_original(self, tensors: Tensors) -> None:
        """Take all weights from a checkpoint of this architecture; not while hijacked."""
        text = [self.cond_stage_model] if self.kind == "sd1" else self.conditioner.embedders
        for part in (self.model.diffusion_model, self.first_stage_model, *text):
            if isinstance(part, OriginalWeights):
                part.load_original(tensors)
        self.parameterization = "v" if "v_pred" in tensors else "eps"

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.alphas_cumprod.device

    @property
    def dtype(self) -> torch.dtype:
        """Of the UNet's weights."""
        return self.model.diffusion_model.dtype

    def ema_scope(self) -> contextlib.AbstractContextManager[None]:
        """Checkpoints carry no second set of weights here."""
        return contextlib.nullcontext()

    def apply_model(
        self, x: torch.Tensor, t: torch.Tensor, cond: Mapping[str, Any]
    ) -> torch.Tensor:
        """The UNet's prediction for x [B,4,h,w] at timesteps t [B]."""
        predicted: torch.Tensor = self.model(x, t, cond)
        return predicted

    def encode_first_stage(self, x: torch.Tensor) -> torch.Tensor:
        """Images in -1..1 to scaled latents."""
        return self.scale_factor * self.first_stage_model.encode(x)

    def get_first_stage_encoding(self, x: torch.Tensor) -> torch.Tensor:
        """`encode_first_stage` has done everything."""
        return x

    def decode_first_stage(self, z: torch.Tensor) -> torch.Tensor:
        """Scaled latents to images in -1..1."""
        return self.first_stage_model.decode(z / self.scale_factor)

    def get_learned_conditioning(self, batch: Sequence[str]) -> Any:
        """Conds of prompts; SDXL: {crossattn [N,T,C], vector [N,V]}, else [N,T,C]."""
        if self.kind == "sd1":
            return self.cond_stage_model(batch)
        from modules import sd_models_xl  # noqa: PLC0415 - the host imports this module

        return sd_models_xl.get_learned_conditioning(self, batch)
