"""CLIP's byte-pair tokenizer, from the instant-clip-tokenizer package (MIT), which carries CLIP's vocabulary.

Ordinary text gives the very ids that the webui's tokenizers give; HTML entities and typographic
quotes, which those translate first, do not.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from instant_clip_tokenizer import Tokenizer

FULL_VOCABULARY = 49408
START_ID, END_ID = FULL_VOCABULARY - 2, FULL_VOCABULARY - 1


class ClipTokenizer:
    """The part of transformers' CLIPTokenizer that the webui uses."""

    bos_token_id = START_ID
    eos_token_id = END_ID

    def __init__(self) -> None:
        self._tokenizer = Tokenizer()
        self.comma_id = self.ids(",")[0]

    def ids(self, text: str) -> list[int]:
        """Token ids of a text, without marks."""
        return [int(token) for token in self._tokenizer.encode(text)]

    def __call__(self, texts: Sequence[str], **_options: bool) -> dict[str, list[list[int]]]:
        """{"input_ids": ids of each text}."""
        return {"input_ids": [self.ids(text) for text in texts]}

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids."""
        return str(self._tokenizer.decode(ids))


@functools.cache
def load_tokenizer() -> ClipTokenizer:
    """The tokenizer of both text encoders."""
    return ClipTokenizer()
