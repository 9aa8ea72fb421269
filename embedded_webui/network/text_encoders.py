"""CLIP-L and OpenCLIP bigG under the class names that the webui hijacks.

Encoders narrower than SDXL's (those of `pocket`) repeat their states to the true widths, 768 and 1280.
"""

from __future__ import annotations

import torch

from embedded_webui.network.clip import CLIPTextModel, TextStates
from embedded_webui.network.shapes import (
    CLIP_G_WIDTH,
    CLIP_L_WIDTH,
    Tensors,
    clip_shape,
    open_clip_shape,
)
from embedded_webui.network.tokenizer import load_tokenizer


def _repeated(states: torch.Tensor, width: int) -> torch.Tensor:
    """[..., n] with n a divisor of `width`, as often as it takes to fill it."""
    return states.repeat(*[1] * (states.ndim - 1), width // states.shape[-1])


def _rounded_as_wide(key: str, value: torch.Tensor, copies: int) -> torch.Tensor:
    """A narrow encoder's parameter with the rounding of the wide one in a file for other hosts.

    There matrices are divided by the number of copies and stored in float16: other pictures, by a few
    steps of 255, than those of the numbers before.
    """
    if value.ndim != 2 or "embedding" in key or copies == 1:
        return value
    return (value.float() / copies).half().float() * copies


class FrozenCLIPEmbedder(torch.nn.Module):
    """CLIP-L.

    In SDXL its output is the input of the last layer, without the final norm (`layer` "hidden").
    """

    input_key = "txt"
    is_trainable = False

    def __init__(self, tensors: Tensors, prefix: str, layer: str):
        super().__init__()
        self.layer = layer
        self.prefix = f"{prefix}transformer.text_model."
        self.shape = clip_shape(tensors, self.prefix)
        self.layer_idx = self.shape.layers - 1
        self.tokenizer = load_tokenizer()
        self.transformer = CLIPTextModel(self.shape, "quick_gelu")

    def load_original(self, tensors: Tensors) -> None:
        """Take the weights below the prefix; raises RuntimeError if any is missing.

        A list of position numbers in the file is ignored.
        """
        copies = max(CLIP_L_WIDTH // self.shape.width, 1)
        own = {
            key[len(self.prefix) :]: _rounded_as_wide(key, value, copies)
            for key, value in tensors.items()
            if key.startswith(self.prefix)
        }
        own.pop("embeddings.position_ids", None)
        self.transformer.text_model.load_state_dict(own)

    def encode_tokens(self, tokens: torch.Tensor) -> TextStates:
        """The transformer's states for token ids [B,77], at CLIP-L's width."""
        out: TextStates = self.transformer(tokens)
        return TextStates(
            _repeated(out.last_hidden_state, CLIP_L_WIDTH),
            tuple(_repeated(states, CLIP_L_WIDTH) for states in out.hidden_states),
        )


def _in_transformers_layout(tensors: Tensors, prefix: str) -> dict[str, torch.Tensor]:
    """OpenCLIP's weights under transformers' names: the fused attention input is split in three."""
    names = {
        "ln_1": "layer_norm1",
        "ln_2": "layer_norm2",
        "mlp.c_fc": "mlp.fc1",
        "mlp.c_proj": "mlp.fc2",
        "attn.out_proj": "self_attn.out_proj",
    }
    layers = f"{prefix}transformer.resblocks."
    out = {
        "embeddings.token_embedding.weight": tensors[f"{prefix}token_embedding.weight"],
        "embeddings.position_embedding.weight": tensors[f"{prefix}positional_embedding"],
        "final_layer_norm.weight": tensors[f"{prefix}ln_final.weight"],
        "final_layer_norm.bias": tensors[f"{prefix}ln_final.bias"],
    }
    for key in (key for key in tensors if key.startswith(layers)):
        index, _, rest = key[len(layers) :].partition(".")
        layer = f"encoder.layers.{index}."
        if rest.startswith("attn.in_proj_"):
            for part, value in zip("qkv", tensors[key].chunk(3), strict=True):
                out[f"{layer}self_attn.{part}_proj.{rest[len('attn.in_proj_') :]}"] = (
                    value.contiguous()
                )
        else:
            module, _, parameter = rest.rpartition(".")
            out[f"{layer}{names[module]}.{parameter}"] = tensors[key]
    return out


class FrozenOpenCLIPEmbedder2(torch.nn.Module):
    """OpenCLIP bigG: the input of the last layer, and the projected state at the end token."""

    input_key = "txt"
    is_trainable = False
    return_pooled = True
    layer = "penultimate"

    def __init__(self, tensors: Tensors, prefix: str):
        super().__init__()
        self.prefix = f"{prefix}model."
        self.shape = open_clip_shape(tensors, self.prefix)
        self.tokenizer = load_tokenizer()
        self.model = CLIPTextModel(self.shape, "gelu")
        self.text_projection = torch.nn.Parameter(
            torch.empty(tensors[f"{self.prefix}text_projection"].shape), requires_grad=False
        )

    def load_original(self, tensors: Tensors) -> None:
        """Take the weights below the prefix; raises RuntimeError if any is missing."""
        copies = max(CLIP_G_WIDTH // self.shape.width, 1)
        tensors = {
            key: _rounded_as_wide(key, value, copies)
            for key, value in tensors.items()
            if key.startswith(self.prefix)
        }
        own = _in_transformers_layout(tensors, self.prefix)
        self.model.text_model.load_state_dict(own)
        self.text_projection.data.copy_(tensors[f"{self.prefix}text_projection"])

    def encode_with_transformer(self, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
        """{"penultimate": [B,77,C], "pooled": [B,P]} of token ids [B,77]."""
        out = self.model(tokens)
        end = tokens.argmax(dim=-1)
        last = out.last_hidden_state[torch.arange(len(tokens), device=tokens.device), end]
        return {
            "penultimate": _repeated(out.hidden_states[-2], CLIP_G_WIDTH),
            "pooled": _repeated(last @ self.text_projection.to(last.dtype), CLIP_G_WIDTH),
        }
