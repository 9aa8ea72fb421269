"""What an expansion model reads of a prompt, and how its words are joined to it.

The prompt itself is never changed. The model gets to see the words of it alone: everything that only
the host understands is hidden first, so that ``<lora:film_grain:0.8>`` does not make it write of grain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from fooocus_ext.prompting.embeddings import EMBEDDING
from fooocus_ext.prompting.grammar import AND, NUMBER

_TAG = re.compile(r"<[^<>\s:]+:[^<>]*>")
_WILDCARD = re.compile(r"__[^\s_](?:[^\s]*?[^\s_])??__")
_EMBEDDING = re.compile(EMBEDDING.pattern, re.IGNORECASE)
_KEYWORD = re.compile(r"\b(?:BREAK|AND|ADDCOMM|ADDROW|ADDCOL|ADDBASE)\b")
_WEIGHT = re.compile(rf":\s*{NUMBER}\s*(?=[)\]]|$)")
_BRACKETS = re.compile(r"\\?[()\[\]{}]")
_CHOICES = re.compile(r"[|:]")
_QUOTED = re.compile(
    '(?:(?<!\\w)"|[\u201c\u201d\u201e])[^"\u201c\u201d\u201e]*["\u201c\u201d]'
)  # no inches: 12"
_SPACE = re.compile(r"\s+")
_LONE_NUMBER = re.compile(rf"\s*{NUMBER}\s*")
_AFTER_KEYWORD = re.compile(r"\b(?:BREAK|AND)\s*$")
_WORD = re.compile(r"[^\W\d_]+")
LONGEST_WORD = 100  # a longer one is a single unknown token to our tokenizer


def readable_text(prompt: str, hidden_words: Collection[str] = ()) -> str:
    """Return the words of ``prompt`` that a language model can make sense of.

    Hidden are ``<name:...>`` tags (lora, hypernet), ``__wildcards__``, ``embedding:name``, the weights of
    ``(word:1.2)`` and ``[from:to:0.5]``, brackets, ``BREAK`` and ``AND`` (a comma stands in for them).
    The words inside brackets stay. ``[a|b]`` and ``[a:b:0.5]`` give both words. Words in double quotation
    marks are to be written on something, and hidden, too, unless most words are between such marks.

    Args:
        prompt: any text.
        hidden_words: names of textual inversion embeddings, which read like words but are none; compared
            without regard to case.

    Returns:
        one line, without leading or trailing spaces and commas; empty if nothing is left.
    """
    text = _TAG.sub(" ", prompt)
    text = _WILDCARD.sub(" ", text)
    text = _EMBEDDING.sub(" ", text)
    if hidden_words:
        names = "|".join(re.escape(name) for name in sorted(hidden_words, key=len, reverse=True))
        text = re.sub(rf"(?<!\w)(?:{names})(?!\w)", " ", text, flags=re.IGNORECASE)
    text = _without_lettering(text)
    text = _KEYWORD.sub(", ", text)
    text = _WEIGHT.sub(" ", text)
    text = _BRACKETS.sub(" ", text)
    text = _CHOICES.sub(", ", text)
    text = _SPACE.sub(" ", text)
    parts = (part.strip(" .") for part in text.split(","))
    return ", ".join(part for part in parts if part)


def _without_lettering(text: str) -> str:
    outside = _QUOTED.sub(", ", text)
    words, words_outside = (len(_WORD.findall(each)) for each in (text, outside))
    return outside if 2 * words_outside >= words else text


def first_tokens(
    text: str, encode: Callable[[str], list[int]], count: int, *, at_first: int = 4096
) -> list[int]:
    """Return the tokens of a text; of one that has many more than ``count``, perhaps some of them alone.

    Its first ``count`` tokens come first, and where it has more, so has the result. Less of a long text is
    encoded, as our tokenizer takes quadratic time: twice as much until there are enough, and as many more as
    a word can have, which may be cut in two where the piece ends.

    Args:
        text: any text.
        encode: turns text into tokens, word by word, of at most ``LONGEST_WORD`` tokens each.
        count: how many tokens are wanted, at least 1.
        at_first: length of the shortest piece.
    """
    length = at_first
    while length < len(text):
        tokens = encode(text[:length])
        if len(tokens) > count + LONGEST_WORD:
            return tokens
        length *= 2
    return encode(text)


def words_of(text: str) -> list[str]:
    """Return the lower-case words of ``text``, letters of any script, without digits."""
    return _WORD.findall(text.lower())


def can_continue(prompt: str) -> bool:
    """Tell whether words behind ``prompt`` would leave its meaning alone.

    They would not where it ends in the weight of an ``AND`` part (``a cat AND a dog :1.2``): behind
    more words the host no longer takes the number for a weight.
    """
    body, _, number = prompt.rpartition(":")
    return not (_LONE_NUMBER.fullmatch(number) and AND.search(body.rpartition("\n")[2]))


def join_continuation(prompt: str, words: str) -> str:
    """Return ``prompt`` with ``words`` behind it, separated by one comma.

    No comma is added where there is one already, or where the prompt ends in ``BREAK`` or ``AND``.
    The result always starts with ``prompt``, character for character.
    """
    if not words:
        return prompt
    end = prompt.rstrip()
    separated = end.endswith((",", "，", "、")) or bool(_AFTER_KEYWORD.search(end))
    if not separated:
        return f"{prompt}, {words}"
    return prompt + words if prompt != end else f"{prompt} {words}"
