"""Chunks filled word by word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.prompting.chunks import (
    CHUNK,
    LONG_WORD,
    Token,
    fill_chunks,
    normal_pieces,
    spaced_words,
)


def word(length, first=0):
    return [Token(first + number) for number in range(length)]


def sizes(*words):
    return [len(chunk) for chunk in fill_chunks(words)]


@pytest.mark.parametrize(
    ("lengths", "wanted"),
    [
        ([], [0]),
        ([1, 2, 3], [6]),
        ([1] * 75, [75]),
        ([1] * 76, [75, 1]),
        ([1] * 74 + [3], [74, 3]),
        ([1] * 70 + [7], [70, 7]),
        ([1] * 70 + [8], [75, 3]),
        ([1] * 75 + [8], [75, 8]),
        ([160], [75, 75, 10]),
    ],
)
def test_words_stay_whole_unless_they_are_long(lengths, wanted):
    assert sizes(*map(word, lengths)) == wanted


def test_a_chunk_that_is_ended_early_is_followed_by_another():
    assert sizes(word(2), None, word(3)) == [2, 3]
    assert sizes(word(2), None, None, word(3)) == [2, 0, 3]
    assert sizes(word(2), None) == [2]


@given(st.lists(st.integers(1, 30)))
def test_every_token_has_its_place(lengths):
    words = [word(length, first=100 * number) for number, length in enumerate(lengths)]
    chunks = fill_chunks(words)
    assert [token for chunk in chunks for token in chunk] == [t for w in words for t in w]
    assert all(len(chunk) <= CHUNK for chunk in chunks)
    for short in (w for w in words if len(w) < LONG_WORD):
        assert any({*short} <= {*chunk} for chunk in chunks)


def test_words_end_at_spaces_and_line_breaks_alone():
    assert spaced_words(" a  red\nfox,owl\tand ") == ["a", "red", "fox,owl\tand"]


@pytest.mark.parametrize(
    ("typed", "pieces"),
    [
        ("Fox", ["fox"]),
        ("\u201cfox\u201d", ["\u201cfox\u201d"]),
        ("cafe\u0301", ["caf\u00e9"]),
        ("a\u4e2d\u6587b", ["a", "\u4e2d", "\u6587", "b"]),
        ("a\tb", ["a", "b"]),
        ("f\0o\u200bx\ufffd", ["fox"]),
        ("don't", ["don't"]),
        ("\0", []),
    ],
)
def test_words_are_made_fit_for_the_vocabulary_and_not_mended(typed, pieces):
    assert normal_pieces(typed) == pieces
