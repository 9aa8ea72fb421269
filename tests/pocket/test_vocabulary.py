"""Tokens as the webui makes them, and rows for those that mean something."""

from __future__ import annotations

import numpy as np

from fooocus_ext.embedded import pocket
from tools.pocket import vocabulary
from tools.pocket.vocabulary import END, OTHERS, START, token_ids, token_pair


def _stored_rows():
    import safetensors.torch

    return safetensors.torch.load_file(pocket.FOLDER / "text.safetensors")[pocket.ROWS]


def test_token_pairs_are_padded_as_the_webui_does():
    padded, zeroed, end = token_pair("a cat")
    assert padded[:4].tolist() == zeroed[:4].tolist() == [START, *token_ids("a cat"), END]
    assert end == 3
    assert set(padded[4:]) == {END}
    assert set(zeroed[4:]) == {0}
    long, _, end = token_pair("cat " * 200)
    assert (len(long), end, long[-1]) == (77, 76, END)


def test_words_of_captions_have_rows_of_their_own():
    own = vocabulary.caption_tokens()
    rows = _stored_rows().numpy()
    assert sorted(rows[own]) == list(range(OTHERS, OTHERS + len(own)))
    assert {*token_ids("red cat knight night")} <= set(own)


def test_synonyms_share_rows_and_unknown_words_mean_nothing():
    rows = _stored_rows().numpy()

    def row(word):
        (token,) = token_ids(word)
        return rows[token]

    for word, meant in (("kitten", "cat"), ("crimson", "red"), ("ship", "boat"), ("grey", "gray")):
        assert row(word) == row(meant), word
    for word in ("masterpiece", "philosophy", "cinematic"):
        assert row(word) < OTHERS, word


def test_phrases_without_meaning_hold_no_word_of_the_captions():
    rows = _stored_rows().numpy()
    phrases = [
        phrase
        for phrase in ("cinematic still", "a red cat", "soft ambient lighting")
        if np.all(rows[token_ids(phrase)] < OTHERS)
    ]
    assert phrases == ["cinematic still", "soft ambient lighting"]
