"""The text encoders of the webui's active model, in one form, whatever holds them.

A1111, reForge and Classic wrap each in an object that knows about textual inversion, LoRAs and memory
(``sd_hijack_clip``), and put them into the model's conditioner. Forge's models have engines instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch

from fooocus_ext.host.replaced import replaced

Answer = tuple[torch.Tensor, torch.Tensor | None]
"""One encoder's for one text: states [T,C], and the pooled vector [P] if it makes one."""

_OF_SDXL_BASE = 2
"""How many text encoders an SDXL base has; a refiner has one."""
_FORGE_ENGINES = ("text_processing_engine_l", "text_processing_engine_g")


@dataclass(frozen=True)
class TextEncoder:
    """One text encoder.

    Attributes:
        wrapper: the webui's object around it, which encodes tokens.
        network: the transformer with its layers.
        tokenizer: the tokenizer that the wrapper asks.
        embeddings: the webui's embeddings (textual inversion).
        fixes_of: the object that is told, as ``fixes``, which embeddings stand where in the tokens.
        makes_pooled: whether it makes a pooled vector.
        called: the object and the name of what the webui calls when it wants texts encoded.
    """

    wrapper: Any
    network: Any
    tokenizer: Any
    embeddings: Any
    fixes_of: Any
    makes_pooled: bool
    called: tuple[Any, str]

    def answering(self, answer: Callable[[], Answer]) -> AbstractContextManager[None]:
        """Have the webui be given what a function returns, whatever texts it wants encoded."""

        def encode(_texts: Sequence[str]) -> Any:
            """Answer as a text encoder does: for a batch of one, with its pooled vector if it has one."""
            states, pooled = answer()
            return states[None] if pooled is None else (states[None], pooled[None])

        target, name = self.called
        return replaced(
            target, name, encode if target is self.wrapper else _InPlaceOf(self.wrapper, encode)
        )

    def layers(self) -> tuple[Any, bool]:
        """Return the layers, and whether their states are [77,N,C] (OpenCLIP) and not [N,77,C]."""
        if hasattr(self.network, "text_model"):
            return self.network.text_model.encoder.layers, False
        return self.network.transformer.resblocks, True


class _InPlaceOf:
    """Stands in for an engine of Forge's that is called; what else is asked of it, the engine answers.

    The page counts the tokens of what is typed while texts are encoded.
    """

    def __init__(self, engine: Any, encode: Callable[[Sequence[str]], Any]) -> None:
        self._engine = engine
        self._encode = encode

    def __call__(self, texts: Sequence[str]) -> Any:
        return self._encode(texts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def text_encoders(model: Any) -> list[TextEncoder]:
    """Return the text encoders of an SDXL model, in the order in which their states are joined."""
    if getattr(model, "is_sdxl", False):  # others of Forge's have engines of the same names
        engines = [name for name in _FORGE_ENGINES if hasattr(model, name)]
        if engines:
            return [_engine(model, name) for name in engines]
    embedders = getattr(getattr(model, "conditioner", None), "embedders", ())
    return [_wrapped(each) for each in embedders if hasattr(each, "encode_with_transformers")]


def is_sdxl_base(model: Any) -> bool:
    """Whether a model's texts are encoded as an SDXL base's are: a refiner's are not."""
    return len(text_encoders(model)) == _OF_SDXL_BASE


def _wrapped(wrapper: Any) -> TextEncoder:
    inside = wrapper.wrapped
    return TextEncoder(
        wrapper=wrapper,
        network=getattr(inside, "transformer", None) or inside.model,
        tokenizer=getattr(inside, "tokenizer", None),
        embeddings=wrapper.hijack.embedding_db,
        fixes_of=wrapper.hijack,
        makes_pooled=getattr(inside, "return_pooled", False),
        called=(wrapper, "forward"),
    )


def _engine(model: Any, name: str) -> TextEncoder:
    engine = getattr(model, name)
    return TextEncoder(
        wrapper=engine,
        network=engine.text_encoder.transformer,
        tokenizer=engine.tokenizer,
        embeddings=engine.embeddings,
        fixes_of=engine.embeddings,
        makes_pooled=engine.return_pooled,
        called=(model, name),
    )
