"""The tokens of words, as Fooocus has them, and the webui's embeddings (textual inversion) among them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from fooocus_ext.prompting.chunks import Token, normal_pieces
from fooocus_ext.prompting.embeddings import bare_embeddings

if TYPE_CHECKING:
    from fooocus_ext.host.rendering.text_encoders import TextEncoder


class Vocabulary:
    """The tokenizer of a model's first text encoder; SDXL's two have the same vocabulary."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._tokenize = _without_mending(encoder)
        self._embeddings = encoder.embeddings

    def tokens(self, words: Sequence[str], weight: float) -> Iterator[list[Token]]:
        """Yield the tokens of each word and each embedding, with the weight of all.

        The webui finds an embedding by the tokens of its name, wherever they stand, and so does this;
        ``embedding:name``, as Fooocus writes it, is the same as the name.
        """
        rows = self._tokenize([bare_embeddings(word) for word in words]) if words else []
        numbers = list(chain.from_iterable(rows))
        word_of = [word for word, row in enumerate(rows) for _ in row]
        waiting: list[Token] = []
        at = 0
        while at < len(numbers):
            embedding, length = self._embedding_at(numbers, at)
            if waiting and (embedding is not None or word_of[at] != word_of[at - 1]):
                yield waiting
                waiting = []
            if embedding is None:
                waiting.append(Token(numbers[at], weight))
            else:
                yield [Token(0, weight, vector) for vector in _vectors(embedding)]
            at += length
        if waiting:
            yield waiting

    def _embedding_at(self, numbers: Sequence[int], at: int) -> tuple[Any, int]:
        """Return the embedding whose name begins at a token, and the name's length; else (None, 1)."""
        if numbers[at] not in self._embeddings.ids_lookup:
            return None, 1
        embedding, length = self._embeddings.find_embedding_at_position(numbers, at)
        return embedding, length or 1


class _Vector:
    """One vector of an embedding; the webui puts it where it stands in the text."""

    def __init__(self, embedding: Any, number: int) -> None:
        self.name = embedding.name
        vec = embedding.vec
        self.vec = (
            {key: value[number : number + 1] for key, value in vec.items()}
            if isinstance(vec, dict)
            else vec[number : number + 1]
        )


def _vectors(embedding: Any) -> Iterator[_Vector]:
    return (_Vector(embedding, number) for number in range(int(embedding.vectors)))


class _Words:
    """What CLIP's tokenizer asks to take a text apart where the package ftfy is missing."""

    def tokenize(self, text: str) -> list[str]:
        return normal_pieces(text)


def _without_mending(encoder: TextEncoder) -> Any:
    """Return the function that turns words into their tokens, as without the package ftfy.

    transformers' tokenizer mends texts with it where it is installed; Fooocus comes without.
    """
    tokenizer = encoder.tokenizer
    if not hasattr(tokenizer, "fix_text"):
        return encoder.wrapper.tokenize
    plain: Any = copy.copy(tokenizer)
    plain.fix_text, plain.nlp = None, _Words()
    return lambda words: plain(words, truncation=False, add_special_tokens=False)["input_ids"]
