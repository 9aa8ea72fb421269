"""Which of CLIP's 49 408 tokens mean something to the model.

Each token that captions use has a row of its own in the table of embeddings. Words that a sentence
model finds close to one of those share its row ("kitten" is a cat, "crimson" is red), and all other
tokens share a few rows that training teaches the model to ignore.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from embedded_webui.network.tokenizer import END_ID as END
from embedded_webui.network.tokenizer import FULL_VOCABULARY as TOKENS
from embedded_webui.network.tokenizer import START_ID as START
from embedded_webui.network.tokenizer import load_tokenizer
from tools.pocket.grammar import describe, draw_scene

PADDING = 0
"""PADDING fills up bigG's 77 tokens; CLIP-L's are filled up with END"""
LENGTH = 77
OTHERS = 64
CAPTIONS = 40000
CLOSE = 0.66
"""cosine similarity of a word to a caption's word from which it shares its row"""
FUNCTION_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "by",
        "in",
        "of",
        "on",
        "the",
        "with",
        "front",
        "background",
        "picture",
        "pattern",
        "texture",
        "photo",
        "drawing",
        "wearing",
        "clothes",
        "portrait",
        "landscape",
        "small",
        "old",
        "sky",
        "clear",
        "day",
        "hour",
        "golden",
        "two",
        "three",
        "four",
        "art",
    ]
)
"""words of captions that no other word shall be taken for"""
MEANT = {
    "woman": "girl person queen princess mother witch nurse bride mermaid angel face",
    "man": "boy guy king prince soldier father gentleman",
    "old": "elderly ancient grandfather grandpa wizard",
    "knight": "warrior samurai armor armour viking gladiator",
    "robot": "android cyborg mech droid astronaut machine",
    "cat": "fox tiger lion leopard panther wolf rabbit",
    "dog": "horse deer cow pony sheep",
    "owl": "bird eagle falcon parrot penguin",
    "fish": "whale dolphin shark",
    "house": "cottage cabin barn hut church temple building shop",
    "castle": "palace fortress tower ruins cathedral lighthouse",
    "tree": "oak pine maple bonsai",
    "flower": "rose tulip daisy sunflower lily orchid",
    "boat": "ship ferry",
    "car": "bus taxi van",
    "red": "crimson scarlet ruby",
    "blue": "azure navy cobalt",
    "green": "emerald olive lime",
    "purple": "violet lavender magenta",
    "pink": "rosy",
    "brown": "bronze chocolate",
    "yellow": "gold blonde",
    "orange": "amber copper",
    "white": "ivory pale",
    "gray": "silver",
    "night": "moon",
    "sunset": "dusk dawn twilight",
    "rain": "stormy thunder lightning",
    "snow": "icy blizzard glacier arctic",
    "fog": "mist smoke",
    "forest": "jungle garden park",
    "sea": "lake river island harbor bay",
    "desert": "mars canyon",
    "meadow": "field fields grass farm countryside",
    "mountains": "cliff volcano peaks valley",
    "city": "buildings village tokyo",
    "sketch": "charcoal doodle",
}
"""word of the captions -> words that mean it here, whatever the sentence model says"""
APART = frozenset(
    [
        "color",
        "colour",
        "colors",
        "colours",
        "colorful",
        "colored",
        "coloured",
        "colourful",
        "dyed",
        "tea",
        "weather",
    ]
)
"""words that the sentence model finds close to one of the captions', and that mean nothing here"""


def token_ids(text: str) -> list[int]:
    """CLIP's ids of a text, without start and end."""
    return load_tokenizer().ids(text)


def _words() -> Iterator[tuple[int, str]]:
    """(id, word) of every token that is a whole word of three or more letters."""
    for token in range(TOKENS - 2):
        try:
            text = load_tokenizer().decode([token])
        except (ValueError, UnicodeError):
            continue
        if text.endswith(" ") and text.strip().isalpha() and len(text.strip()) > 2:
            yield token, text.strip()


@cache
def caption_words() -> frozenset[str]:
    """Every word, number and mark that captions use."""
    used: set[str] = set()
    for index in range(CAPTIONS):
        random = Random(f"words {index}")
        used.update(describe(draw_scene(random), random).replace(",", " , ").split())
    return frozenset(used)


def caption_tokens() -> list[int]:
    """Ids of the tokens that captions use, in order of id; start, end and padding among them."""
    used = {token for word in caption_words() for token in token_ids(word)}
    return sorted(used | {START, END, PADDING})


def token_rows() -> NDArray[np.int16]:
    """int16 [49408]: each token's row; rows 0..OTHERS-1 are those of tokens without meaning."""
    own = {token: OTHERS + index for index, token in enumerate(caption_tokens())}
    rows = np.array([own.get(token, token % OTHERS) for token in range(TOKENS)], dtype=np.int16)
    for token, meant in _synonyms(own).items():
        rows[token] = own[meant]
    return rows


def _synonyms(own: dict[int, int]) -> dict[int, int]:
    """token -> token of the captions' word that it is closest to, for words that are close to one."""
    from tools.expander.embeddings import embed  # noqa: PLC0415 - loads a language model

    words = [(token, word) for token, word in _words() if word not in APART]
    anchors = caption_words() - FUNCTION_WORDS
    meant = [(token, word) for token, word in words if token in own and word in anchors]
    others = [(token, word) for token, word in words if token not in own]
    close = embed([word for _, word in others]) @ embed([word for _, word in meant]).T
    best = close.argmax(axis=1)
    found = {
        token: meant[best[index]][0]
        for index, (token, _) in enumerate(others)
        if close[index, best[index]] >= CLOSE
    }
    return found | _meant(own)


def _meant(own: dict[int, int]) -> dict[int, int]:
    """The pairs of MEANT as tokens. Raises ValueError for a word that cannot be given another's row."""
    tokens = {}
    for meaning, synonyms in MEANT.items():
        (meant,) = token_ids(meaning)
        for word in synonyms.split():
            token, *others = token_ids(word)
            if others or token in own:
                raise ValueError(
                    f"{word} cannot mean {meaning}: it is of several tokens, or captions use it"
                )
            tokens[token] = meant
    return tokens


def token_pair(text: str, chunk: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """(CLIP-L's ids [77], bigG's ids [77], index of the end mark) of 75 tokens, as the webui has them."""
    room = LENGTH - 2
    ids = [START, *token_ids(text)[chunk * room : (chunk + 1) * room], END]
    padded = np.full(LENGTH, END, dtype=np.int64)
    padded[: len(ids)] = ids
    zeroed = padded.copy()
    zeroed[len(ids) :] = PADDING
    return padded, zeroed, len(ids) - 1


@cache
def phrases() -> tuple[str, ...]:
    """What the expander may continue a prompt with: light, quality, styles, and things of other scenes."""
    root = Path(__file__).resolve().parents[2]
    path = root / "fooocus_ext/prompting/expansion_model/phrases.txt"
    return tuple(path.read_text("utf-8").splitlines())


@cache
def meaningless_phrases(rows_file: Path) -> tuple[str, ...]:
    """Those of the phrases no word of which has a row of its own among the `token_rows` in a file."""
    rows = np.load(rows_file)
    comma = token_ids(",")[0]
    return tuple(
        phrase
        for phrase in phrases()
        if all(rows[token] < OTHERS or token == comma for token in token_ids(phrase))
    )
