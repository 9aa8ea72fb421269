"""Comments in prompts, as the webuis know them: from a sign to the end of its line.

A1111 from 1.8 on and Forge have ``#`` (``modules/processing_scripts/comments.py``). reForge has ``//``, too,
and ``/*`` and ``*/``: at the beginning of a line the former opens a comment of many lines, elsewhere each
is a sign like the others. A host without comments has no signs, and nothing here changes a text then.
"""

from __future__ import annotations

import re

Signs = tuple[str, ...]
"""What begins a comment."""
NO_COMMENTS: Signs = ()
HASH: Signs = ("#",)
WITH_BLOCKS: Signs = ("#", "//", "/*", "*/")
_BLOCK_SIGN = re.compile(r"/\*|\*/")
_BLOCK_BEGIN = re.compile(r"^/\*", re.MULTILINE)
_BLOCK_END = re.compile(r"\*/(?=\n|\Z)")
_COMMENT_LINE = re.compile(r"(^|\n)#[^\n]*(\n|$)")
_COMMENT = re.compile(r"#[^\n]*(\n|$)")


def strip_comments(text: str, signs: Signs) -> str:
    """Return a text without comments, as the host would encode it; no empty lines are left by them."""
    if not signs:
        return text
    return _COMMENT.sub("\n", _COMMENT_LINE.sub("\n", _with_hashes(text, signs)))


def before_comments(text: str, signs: Signs) -> int:
    """Return where a text ends before the comments that end it, so that none swallows what is put there.

    The blanks before a comment on its line belong to it; a text that ends in none is all before it.
    """
    text, end = _with_hashes(text, signs), len(text)
    while signs:
        start = text.rfind("\n", 0, end) + 1
        sign = text.find("#", start, end)
        if sign < 0:
            break
        words = text[start:sign].rstrip()
        if words or not start:
            return start + len(words)
        end = start - 1  # a line that is all comment: the one above may end in a comment, too
    return end


def end_of_words(text: str, signs: Signs) -> int:
    """Return where the last words of a text end, before all comments and blanks that follow; 0 for none."""
    text, end = _with_hashes(text, signs), len(text)
    while end >= 0:
        start = text.rfind("\n", 0, end) + 1
        line = text[start:end]
        words = (line.partition("#")[0] if signs else line).rstrip()
        if words:
            return start + len(words)
        end = start - 1
    return 0


def without_signs(text: str, signs: Signs) -> str:
    """Return a text in which nothing is a comment: what begins one is left out."""
    before = None
    while before != text:
        before = text
        for sign in signs:  # where one is taken out, the characters around it may be another
            text = text.replace(sign, "")
    return text


def _with_hashes(text: str, signs: Signs) -> str:
    """Return a text of the same length in which each comment begins with ``#``."""
    if signs != WITH_BLOCKS:
        return text
    return _BLOCK_SIGN.sub("##", _with_blocks_hashed(text).replace("//", "##"))


def _with_blocks_hashed(text: str) -> str:
    pieces, done = [], 0
    while begin := _BLOCK_BEGIN.search(text, done):
        end = _BLOCK_END.search(text, begin.end())
        if end is None:
            break
        pieces += [text[done : begin.start()], "#" * (end.end() - begin.start())]
        done = end.end()
    return "".join(pieces) + text[done:]
