"""The text encoders of a webui of the Forge family, with the peculiarities that rendering meets.

Seen in Forge (main dfdcbab), reForge (main 3b56b26) and Forge Classic (classic 1f95d71); neo (read, c24dc1c)
is as Forge:

* Forge's model has engines, which it calls by its own attributes; they have their own embeddings, and are
  told of those in a text through them (``embeddings.fixes``);
* reForge and Classic wrap encoders as A1111 does, in the model's conditioner; Classic's wrappers, as those of
  webui 1.8, have no ``return_pooled``, and its conditioner takes no size that is None;
* Forge and Classic have transformers' layers, which answer with a tuple, reForge has layers that answer with
  the states;
* answers are inference tensors (all three); an empty negative prompt is zeros without being asked for (all).
"""

from __future__ import annotations

from types import SimpleNamespace

import torch

from tests.host.forge.engine_stand_in import CLASSIC, REFORGE, WITH_BACKEND

START, END, PAD_G = 1, 2, 0
LAYERS = 3
WIDTHS = {"l": 3, "g": 5}


class _Layer(torch.nn.Module):
    """Adds 1 to the states."""

    def __init__(self, answers_with_tuple):
        super().__init__()
        self._as_tuple = answers_with_tuple

    def forward(self, states):
        return (states + 1,) if self._as_tuple else states + 1


class _Transformer(torch.nn.Module):
    """Begins with the tokens' numbers, in every column, and in place of a fixed one with its vector."""

    def __init__(self, width, fixes_of, answers_with_tuple):
        super().__init__()
        self._width, self._fixes_of = width, fixes_of
        layers = torch.nn.ModuleList([_Layer(answers_with_tuple) for _ in range(LAYERS)])
        self.text_model = SimpleNamespace(encoder=SimpleNamespace(layers=layers))

    def forward(self, tokens):
        states = tokens[..., None].float().repeat(1, 1, self._width)
        fixes, self._fixes_of.fixes = self._fixes_of.fixes, None
        for row, fixed in zip(states, fixes or (), strict=False):
            for offset, embedding in fixed:
                row[offset + 1] = embedding.vec
        hidden = []
        for layer in self.text_model.encoder.layers:
            hidden.append(states)
            answer = layer(states)
            states = answer[0] if isinstance(answer, tuple) else answer
        return hidden[-1]


def _letters(words):
    """A tokenizer to which every letter is a token."""
    return [[ord(letter) for letter in word] for word in words]


class _Encoder:
    """What the webui has around a text encoder."""

    id_start, id_end = START, END

    def __init__(self, kind, transformer):
        self.id_pad = END if kind == "l" else PAD_G
        self._makes_pooled = kind == "g"
        self._transformer = transformer

    def tokenize(self, words):
        return _letters(words)

    def encode_with_transformers(self, tokens):
        with torch.inference_mode():
            states = self._transformer(tokens)
            if self._makes_pooled:
                states.pooled = states[:, 0] * 10
        return states

    def __call__(self, texts):
        return self.forward(texts)

    def forward(self, texts):
        raise AssertionError("the texts are ours to encode")


class TextModel:
    """The part of the host's model object that encodes texts."""

    is_sdxl = True

    def __init__(self, family, embeddings, kinds="lg"):
        self._family = family
        self._called = []
        hijack = SimpleNamespace(embedding_db=embeddings, fixes=None)
        embedders = []
        for kind in kinds:
            fixes_of = embeddings if family in WITH_BACKEND else hijack
            transformer = _Transformer(WIDTHS[kind], fixes_of, family != REFORGE)
            encoder = _Encoder(kind, transformer)
            if family in WITH_BACKEND:
                encoder.text_encoder = SimpleNamespace(transformer=transformer)
                encoder.tokenizer = _letters
                encoder.embeddings = embeddings
                encoder.return_pooled = kind == "g"
                setattr(self, f"text_processing_engine_{kind}", encoder)
                self._called.append(f"text_processing_engine_{kind}")
                continue
            encoder.wrapped = SimpleNamespace(
                transformer=transformer, tokenizer=_letters, return_pooled=kind == "g"
            )
            encoder.hijack = hijack
            if family != CLASSIC:
                encoder.return_pooled = kind == "g"
            embedders.append(encoder)
        if embedders:
            self.conditioner = SimpleNamespace(embedders=embedders)

    def _encoders(self):
        if self._called:
            return [getattr(self, name) for name in self._called]
        return self.conditioner.embedders

    def get_learned_conditioning(self, texts):
        with torch.inference_mode():
            answers = [encoder(texts) for encoder in self._encoders()]
            states = [answer[0] if isinstance(answer, tuple) else answer for answer in answers]
            pooled = next(answer[1] for answer in answers if isinstance(answer, tuple))
            size = torch.tensor([[texts.height, texts.width]]).to(pooled)
            zero = texts.is_negative_prompt and all(text == "" for text in texts)
            scale = 0 if zero else 1
            return {
                "crossattn": torch.cat(states, dim=2) * scale,
                "vector": torch.cat([pooled * scale, size], dim=1),
            }
