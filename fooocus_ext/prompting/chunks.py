"""Tokens in chunks as the text encoders take them, filled word by word as in Fooocus.

SDXL's encoders take 77 tokens at a time: a start mark, 75 tokens, an end mark. A word that does not fit
into what is left of a chunk begins the next one; only a long word is cut. (Fooocus 2.5.5,
``ldm_patched/modules/sd1_clip.py``, ``tokenize_with_weights``. A1111 rather breaks at commas.)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from fooocus_ext.normal_forms import normal_form

CHUNK = 75
LONG_WORD = 8
"""Words of this many tokens are cut where a chunk is full."""


class Token(NamedTuple):
    """One token.

    Attributes:
        number: its number in the vocabulary.
        weight: see ``weights.weigh``.
        vector: what takes the place of its embedding (textual inversion); None for nothing.
    """

    number: int
    weight: float = 1.0
    vector: Any = None


def spaced_words(text: str) -> list[str]:
    """Return the words of a text: only spaces and line breaks divide them."""
    return [word for word in text.replace("\n", " ").split(" ") if word]


def fill_chunks(words: Iterable[Sequence[Token] | None]) -> list[list[Token]]:
    """Return the tokens of a text in chunks of at most 75; at least one, perhaps empty.

    Args:
        words: the tokens of each word (or of each embedding); None where a chunk ends early.
    """
    chunks: list[list[Token]] = [[]]
    for word in words:
        if word is None:
            chunks.append([])
            continue
        rest = list(word)
        while rest:
            room = CHUNK - len(chunks[-1])
            if len(rest) <= room:
                chunks[-1] += rest
                break
            taken = room if len(word) >= LONG_WORD else 0
            chunks[-1] += rest[:taken]
            chunks.append([])
            rest = rest[taken:]
    return chunks[:-1] if len(chunks) > 1 and not chunks[-1] else chunks


def normal_pieces(word: str) -> list[str]:
    """Return a word as CLIP's vocabulary has it, in pieces: lower case, every CJK character alone.

    As transformers' CLIPTokenizer does without the package ftfy, which Fooocus lacks; with it, curly
    quotes become straight and broken encodings are mended.
    """
    kept = "".join(character for character in word if not _is_dropped(character))
    return normal_form("NFC", _CJK.sub(r" \g<0> ", kept)).lower().split()


def _is_dropped(character: str) -> bool:
    is_blank = character in "\t\n\r"
    return character in "\0\ufffd" or (
        not is_blank and unicodedata.category(character).startswith("C")
    )


_CJK = re.compile(
    "[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002b73f"
    "\U0002b740-\U0002b81f\U0002b820-\U0002ceaf\U0002f800-\U0002fa1f]"
)
