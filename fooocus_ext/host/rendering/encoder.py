"""SDXL's text encoders, asked for one text at a time as Fooocus does, through the webui's own wrappers.

The wrappers (``sd_hijack_clip``) know about textual inversion, LoRAs and memory; the words, weights and
chunks that they are given are ours. Each is asked inside the webui's conditioner, which brings the encoders
to the device and puts the picture's size beside their answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from modules import devices, prompt_parser, shared

from fooocus_ext.core.text_states import EncodedText, emphasise
from fooocus_ext.errors import RequestError
from fooocus_ext.host.machine.versions import CLIP_SKIP_ACTS
from fooocus_ext.host.rendering.text_encoders import Answer, TextEncoder, text_encoders
from fooocus_ext.host.rendering.vocabulary import Vocabulary
from fooocus_ext.limits import USUAL_CLIP_SKIP
from fooocus_ext.prompting.chunks import CHUNK, Token, fill_chunks, spaced_words
from fooocus_ext.prompting.weights import weigh

Conditioning = dict[str, torch.Tensor]
"""SDXL's for one text: ``crossattn`` [T,C] and ``vector`` [V]."""

_BREAK = re.compile(r"\bBREAK\b")


def clip_skip() -> int:
    """Return before which layer from the end the states are taken: 1 behind the last, 2 before it.

    The webui's setting begins with 1 and leaves SDXL alone, so there 1 means something only if the
    webui is told to apply it.
    """
    skip = int(shared.opts.CLIP_stop_at_last_layers)
    return skip if skip > 1 or getattr(shared.opts, CLIP_SKIP_ACTS, False) else USUAL_CLIP_SKIP


def check_clip_skip(model: Any) -> None:
    """Raise RequestError if a text encoder has fewer layers than the clip skip asks for."""
    most = min(len(encoder.layers()[0]) for encoder in text_encoders(model)) + 1
    if clip_skip() > most:
        raise RequestError(
            f"CLIP_stop_at_last_layers: got {clip_skip()}; allowed: 1 to {most}, as this model's text "
            "encoders have no more layers."
        )


def encode(model: Any, text: str, *, is_plain: bool) -> EncodedText:
    """Encode one text with both encoders of an SDXL base model.

    Args:
        model: the model.
        text: in Fooocus's grammar, without tags.
        is_plain: whether ``BREAK`` is a word as any other; if not, it ends a chunk, as in the webui.
    """
    encoders = text_encoders(model)
    chunks = fill_chunks(_words(Vocabulary(encoders[0]), text, is_plain=is_plain))
    answers: list[Answer] = []

    def ask(encoder: TextEncoder) -> Answer:
        answers.append(_encode_chunks(encoder, chunks))
        return answers[-1]

    condition(model, [partial(ask, encoder) for encoder in encoders])
    pooled = [vector for _, vector in answers if vector is not None]
    return EncodedText(tuple(states for states, _ in answers), pooled[-1])


def say(
    model: Any, encoded: EncodedText, *, size: tuple[int, int], is_negative: bool
) -> Conditioning:
    """Return the conditioning that a model makes of a text, whoever encoded it.

    An SDXL refiner has one encoder and hears the base's last one, as in Fooocus.

    Args:
        model: the base, or a refiner.
        encoded: the text.
        size: (width, height) in pixels of the pass.
        is_negative: whether it says what the picture is not to show; a refiner is told another
            aesthetic score then.
    """
    encoders = text_encoders(model)
    heard: list[Answer] = [
        (states, encoded.pooled if encoder.makes_pooled else None)
        for encoder, states in zip(encoders, encoded.states[-len(encoders) :], strict=True)
    ]
    return condition(model, [partial(_same, a) for a in heard], size=size, is_negative=is_negative)


def _same(answer: Answer) -> Answer:
    return answer


def condition(
    model: Any,
    answers: Sequence[Callable[[], Answer]],
    *,
    size: tuple[int, int] = (1024, 1024),
    is_negative: bool = False,
) -> Conditioning:
    """Return what the webui's conditioner makes of the answers of its text encoders."""
    width, height = size  # up to webui 1.9 the conditioner takes no None
    # The webui takes a negative text that is empty for none at all, and does not ask.
    texts = prompt_parser.SdConditioning(
        [" "], is_negative_prompt=is_negative, width=width, height=height
    )
    with _answering(text_encoders(model), answers), devices.autocast(), torch.no_grad():
        conditioning = model.get_learned_conditioning(texts)
    return {key: value[0] for key, value in conditioning.items()}


@contextmanager
def _answering(
    encoders: Sequence[TextEncoder], answers: Sequence[Callable[[], Answer]]
) -> Iterator[None]:
    """Have each encoder answer with what a function returns, whatever the texts."""
    with ExitStack() as stack:
        for encoder, answer in zip(encoders, answers, strict=True):
            stack.enter_context(encoder.answering(answer))
        yield


def _words(vocabulary: Vocabulary, text: str, *, is_plain: bool) -> Iterator[list[Token] | None]:
    """Yield the tokens of each word of a text; None where a chunk is to end."""
    for segment in weigh(text):
        pieces = [segment.text] if is_plain else _BREAK.split(segment.text)
        for number, piece in enumerate(pieces):
            if number:
                yield None
            yield from vocabulary.tokens(spaced_words(piece), segment.weight)


def _encode_chunks(encoder: TextEncoder, chunks: Sequence[Sequence[Token]]) -> Answer:
    """Return one encoder's answer to the chunks of a text.

    All chunks are encoded at once, together with the empty text if any token has a weight.
    """
    weights = [
        [1.0, *(token.weight for token in chunk), *[1.0] * (CHUNK + 1 - len(chunk))]
        for chunk in chunks
    ]
    is_weighted = any(weight != 1.0 for row in weights for weight in row)
    rows = [*chunks, []] if is_weighted else chunks
    tokens = torch.tensor([_numbers(encoder.wrapper, row) for row in rows], device=devices.device)
    encoder.fixes_of.fixes = [
        [(offset, token.vector) for offset, token in enumerate(row) if token.vector is not None]
        for row in rows
    ]
    states, pooled = _states(encoder, tokens, clip_skip())
    if is_weighted:
        weighted = emphasise(states[:-1], states[-1], torch.tensor(weights))
        states = weighted.to(states.dtype)
    return states.flatten(0, 1), None if pooled is None else pooled[0]


def _numbers(wrapper: Any, chunk: Sequence[Token]) -> list[int]:
    numbers = [wrapper.id_start, *(token.number for token in chunk), wrapper.id_end]
    return numbers + [wrapper.id_pad] * (CHUNK + 2 - len(numbers))


def _states(
    encoder: TextEncoder, tokens: torch.Tensor, skip: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return the states [N,77,C] of the wanted layer, and the pooled vectors [N,P] if there are any."""
    layers, is_time_first = encoder.layers()
    seen: list[torch.Tensor] = []

    def note(_layer: Any, given: Any, result: Any = None) -> None:
        values = given if result is None else result
        seen.append(values[0] if isinstance(values, tuple) else values)

    layer = layers[len(layers) - max(skip - 1, 1)]
    watch = layer.register_forward_hook if skip == 1 else layer.register_forward_pre_hook
    handle = watch(note)
    try:
        usual = encoder.wrapper.encode_with_transformers(tokens)
    finally:
        handle.remove()
    states = seen[0].transpose(0, 1) if is_time_first else seen[0]
    # An encoder narrower than SDXL's repeats its states to SDXL's width.
    states = states.repeat(1, 1, usual.shape[-1] // states.shape[-1])
    return states, getattr(usual, "pooled", None)
