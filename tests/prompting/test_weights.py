"""Fooocus's emphasis, against a reading of its rules that goes through the text character by character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.prompting.weights import weigh


def pieces_of(text):
    """Return what one level of parentheses divides a text into; a closing one may be one too many."""
    pieces, start, level = [], 0, 0
    for position, character in enumerate(text):
        if character == "(":
            if level == 0 and position > start:
                pieces.append(text[start:position])
                start = position
            level += 1
        if character == ")":
            level -= 1
            if level == 0:
                pieces.append(text[start : position + 1])
                start = position + 1
    return [*pieces, text[start:]] if start < len(text) else pieces


def number_behind(text):
    """Return (the text before its last colon, the number behind it), or None."""
    colon = text.rfind(":")
    try:
        return (text[:colon], float(text[colon + 1 :])) if colon > 0 else None
    except ValueError:
        return None


def by_the_rules(text, weight=1.0):
    found = []
    for piece in pieces_of(text):
        if len(piece) > 1 and piece[0] == "(" and piece[-1] == ")":
            inside, inner_weight = number_behind(piece[1:-1]) or (piece[1:-1], weight * 1.1)
            found += by_the_rules(inside, inner_weight)
        else:
            found.append((piece, weight))
    return found


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a fox", [("a fox", 1.0)]),
        ("", []),
        ("a (red) fox", [("a ", 1.0), ("red", 1.1), (" fox", 1.0)]),
        ("a (red:1.3) fox", [("a ", 1.0), ("red", 1.3), (" fox", 1.0)]),
        ("((red))", [("red", 1.1 * 1.1)]),
        ("((red:1.3) fox:0.5)", [("red", 1.3), (" fox", 0.5)]),
        ("(a (red:1.3))", [("a ", 1.1), ("red", 1.3)]),
        ("[red] [a:b:0.5] a|b", [("[red] [a:b:0.5] a|b", 1.0)]),
        (r"a \(red\) fox", [("a (red) fox", 1.0)]),
        ("(red:fox)", [("red:fox", 1.1)]),
        ("(:1.3)", [(":1.3", 1.1)]),
        ("()", []),
        ("a) (b) (c)", [("a) (b) (c)", 1.0)]),
        ("(a b", [("(a b", 1.0)]),
        ("(a (b)", [("a ", 1.1), ("(b", 1.1)]),
        ("(a:nan) (b:inf)", [("a:nan", 1.1), (" ", 1.0), ("b:inf", 1.1)]),
        ("(a:-1e39) (b:3e38)", [("a:-1e39", 1.1), (" ", 1.0), ("b", 3e38)]),
    ],
)
def test_emphasis(text, segments):
    assert weigh(text) == segments


@given(
    st.lists(st.sampled_from(["(", ")", "(", ")", ":", "1.3", " a", "b", "[", "-"]), max_size=14)
)
def test_every_text_is_weighed_by_the_rules(parts):
    text = "".join(parts)
    assert weigh(text) == by_the_rules(text)


def test_nothing_of_a_text_is_deeper_than_can_be_followed():
    assert weigh("(" * 50_000 + "a" + ")" * 50_000)[0].text == "a"
