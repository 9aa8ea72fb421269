"""CLIP's text transformer (Radford et al. 2021), its layers under the names that transformers gives them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from embedded_webui.network.shapes import HEAD_WIDTH, TextShape


@dataclass
class TextStates:
    """What the transformer makes of tokens [B,77].

    Attributes:
        last_hidden_state: after the last layer and the final norm [B,77,C].
        hidden_states: what goes into the first layer, and what comes out of each.
    """

    last_hidden_state: torch.Tensor
    hidden_states: tuple[torch.Tensor, ...]


class QuickGELU(nn.Module):
    """The gate of OpenAI's CLIP, x * sigmoid(1.702 x)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The same shape."""
        return x * torch.sigmoid(1.702 * x)


ACTIVATIONS = {"gelu": nn.GELU, "quick_gelu": QuickGELU}


class Attention(nn.Module):
    """Attention of every token to itself and to those before it."""

    def __init__(self, width: int):
        super().__init__()
        self.heads = max(width // HEAD_WIDTH, 1)
        self.k_proj, self.v_proj, self.q_proj, self.out_proj = (
            nn.Linear(width, width) for _ in range(4)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B,N,C] -> [B,N,C]."""
        scale = (x.shape[-1] // self.heads) ** -0.5
        query, key, value = (
            states.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for states in (self.q_proj(x) * scale, self.k_proj(x), self.v_proj(x))
        )
        weights = query @ key.transpose(-1, -2)
        later = torch.ones(weights.shape[-2:], dtype=torch.bool, device=x.device).triu(1)
        shares = weights.masked_fill(later, torch.finfo(weights.dtype).min).softmax(dim=-1)
        out: torch.Tensor = self.out_proj((shares @ value).transpose(1, 2).flatten(-2))
        return out


class Perceptron(nn.Module):
    """The two linear layers after attention."""

    def __init__(self, shape: TextShape, activation: str):
        super().__init__()
        self.activation_fn = ACTIVATIONS[activation]()
        self.fc1 = nn.Linear(shape.width, shape.hidden)
        self.fc2 = nn.Linear(shape.hidden, shape.width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B,N,C] -> [B,N,C]."""
        out: torch.Tensor = self.fc2(self.activation_fn(self.fc1(x)))
        return out


class EncoderLayer(nn.Module):
    """Attention and two linear layers; each added to what went in."""

    def __init__(self, shape: TextShape, activation: str):
        super().__init__()
        self.self_attn = Attention(shape.width)
        self.layer_norm1, self.layer_norm2 = (nn.LayerNorm(shape.width) for _ in range(2))
        self.mlp = Perceptron(shape, activation)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
        """([B,N,C],): a tuple, as in transformers of the webui's version."""
        x = x + self.self_attn(self.layer_norm1(x))
        return (x + self.mlp(self.layer_norm2(x)),)


class Embeddings(nn.Module):
    """Of the tokens and of their positions."""

    def __init__(self, shape: TextShape):
        super().__init__()
        self.token_embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.position_embedding = nn.Embedding(shape.positions, shape.width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """[B,N] -> [B,N,C]."""
        positions = torch.arange(tokens.shape[-1], device=tokens.device)
        out: torch.Tensor = self.token_embedding(tokens) + self.position_embedding(positions)
        return out


class Encoder(nn.Module):
    """The layers."""

    def __init__(self, shape: TextShape, activation: str):
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(shape, activation) for _ in range(shape.layers))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """What goes into the first layer, and what comes out of each."""
        states = [x]
        for layer in self.layers:
            states.append(layer(states[-1])[0])
        return tuple(states)


class TextTransformer(nn.Module):
    """Token ids [B,N] to TextStates."""

    def __init__(self, shape: TextShape, activation: str):
        super().__init__()
        self.embeddings = Embeddings(shape)
        self.encoder = Encoder(shape, activation)
        self.final_layer_norm = nn.LayerNorm(shape.width)

    def forward(self, tokens: torch.Tensor) -> TextStates:
        """The states of all layers."""
        states = self.encoder(self.embeddings(tokens))
        return TextStates(self.final_layer_norm(states[-1]), states)


class CLIPTextModel(nn.Module):
    """A text transformer as ``text_model``, as checkpoints name it; `activation` is a key of ACTIVATIONS."""

    def __init__(self, shape: TextShape, activation: str):
        super().__init__()
        self.text_model = TextTransformer(shape, activation)
        self.requires_grad_(False)
        self.eval()

    def forward(self, tokens: torch.Tensor) -> TextStates:
        """The states of all layers for token ids [B,N]."""
        states: TextStates = self.text_model(tokens)
        return states
