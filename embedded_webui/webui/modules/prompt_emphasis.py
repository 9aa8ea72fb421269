"""Emphasis, (more:1.2) and [less]; modules/prompt_parser.py re-exports `parse_prompt_attention`."""

from __future__ import annotations

import re

ROUND = 1.1
SQUARE = 1 / 1.1
BREAK_WEIGHT = -1

TOKEN = re.compile(
    r"""
    (?P<escaped>\\[()\[\]\\])
    | (?P<backslash>\\)
    | (?P<open>[(\[])
    | :\s*(?P<weight>[+-]?[.\d]+)\s*\)
    | (?P<close>[)\]])
    | (?P<text>[^\\()\[\]:]+|:)
""",
    re.VERBOSE,
)
BREAK = re.compile(r"\s*\bBREAK\b\s*", re.DOTALL)


def _append_text(pieces, text) -> None:
    for index, part in enumerate(BREAK.split(text)):
        if index:
            pieces.append(["BREAK", BREAK_WEIGHT])
        pieces.append([part, 1.0])


def _multiply(pieces, start, factor) -> None:
    for piece in pieces[start:]:
        piece[1] *= factor


def _merge_equal_weights(pieces) -> list:
    merged: list = []
    for text, weight in pieces:
        if merged and merged[-1][1] == weight:
            merged[-1][0] += text
        else:
            merged.append([text, weight])
    return merged


def parse_prompt_attention(text):
    """A list of [text, weight]; brackets nest, a backslash makes a bracket literal, BREAK gets weight -1.

    "an (important) word" gives [["an ", 1.0], ["important", 1.1], [" word", 1.0]].
    """
    pieces: list = []
    closing = {")": ("(", ROUND), "]": ("[", SQUARE)}
    opened: dict[str, list[int]] = {"(": [], "[": []}
    for match in TOKEN.finditer(text):
        token, kind = match.group(0), match.lastgroup
        if kind in ("escaped", "backslash"):
            pieces.append([token[1:], 1.0])
        elif kind == "open":
            opened[token].append(len(pieces))
        elif kind == "weight" and opened["("]:
            _multiply(pieces, opened["("].pop(), float(match["weight"]))
        elif kind == "close" and opened[closing[token][0]]:
            bracket, factor = closing[token]
            _multiply(pieces, opened[bracket].pop(), factor)
        else:
            _append_text(pieces, token)
    for bracket, factor in closing.values():
        for start in opened[bracket]:
            _multiply(pieces, start, factor)
    return _merge_equal_weights(pieces) or [["", 1.0]]
