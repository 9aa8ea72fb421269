"""Stands in for the package with CLIP's vocabulary, instant-clip-tokenizer, which need not be there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType

PACKAGE = "instant_clip_tokenizer"
FIRST_BYTE, LAST_BYTE = ord("!"), ord("~")
END_OF_WORD = 256


class Tokenizer:
    """CLIP's tokens of single characters, which are its first 512: no word is a token of its own."""

    def encode(self, text: str) -> list[int]:
        """Return token ids of the ASCII characters of a text."""
        ids: list[int] = []
        for word in text.lower().split():
            letters = [
                byte - FIRST_BYTE for byte in word.encode() if FIRST_BYTE <= byte <= LAST_BYTE
            ]
            ids += [*letters[:-1], *(letter + END_OF_WORD for letter in letters[-1:])]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids that `encode` gave."""
        return "".join(
            chr(FIRST_BYTE + id_ % END_OF_WORD) + " " * (id_ >= END_OF_WORD) for id_ in ids
        )


def install() -> None:
    """Stand in from now on, in this process, also where the package is installed."""
    module = ModuleType(PACKAGE)
    vars(module)["Tokenizer"] = Tokenizer
    sys.modules[PACKAGE] = module
