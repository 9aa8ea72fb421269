"""Tokens as the webui makes them, and rows for those that mean something."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from embedded_webui import pocket
from tools.pocket import vocabulary
from tools.pocket.text import TextEncoders
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


def test_phrases_without_meaning_hold_no_word_that_means_something(monkeypatch, tmp_path):
    np.save(tmp_path / "rows.npy", _stored_rows().numpy())
    offered = ("cinematic still", "a red cat", "kitten portrait", "soft light, fine detail", "fog")
    monkeypatch.setattr(vocabulary, "phrases", lambda: offered)
    vocabulary.meaningless_phrases.cache_clear()
    found = vocabulary.meaningless_phrases(tmp_path / "rows.npy")
    vocabulary.meaningless_phrases.cache_clear()
    assert found == ("cinematic still", "soft light, fine detail")


def test_words_meant_by_hand_share_the_row_of_what_they_mean():
    rows = _stored_rows().numpy()
    own = {token: rows[token] for token in vocabulary.caption_tokens()}
    meant = vocabulary._meant(own)
    assert len(meant) > 100
    assert all(rows[token] == rows[meaning] for token, meaning in meant.items())


@pytest.mark.parametrize("word", ["mountaintop", "stars"])
def test_a_word_that_cannot_be_meant_is_refused(monkeypatch, word):
    monkeypatch.setattr(vocabulary, "MEANT", {"night": word})
    with pytest.raises(ValueError, match=f"{word} cannot mean night"):
        vocabulary._meant(dict.fromkeys(vocabulary.caption_tokens(), 0))


def test_a_long_prompt_has_chunks_of_75_tokens():
    prompt = "a cat " * 50
    first, second, third = (token_pair(prompt, chunk) for chunk in range(3))
    assert [pair[2] for pair in (first, second, third)] == [76, 26, 1]
    assert first[0][1:76].tolist() + second[0][1:26].tolist() == token_ids(prompt)
    assert third[0].tolist() == token_pair("")[0].tolist()


def test_chunks_are_encoded_one_by_one_and_the_first_is_pooled():
    torch.manual_seed(1)
    encoders = TextEncoders(_stored_rows().numpy()).eval()
    tail = "a dog " * 10
    captions = ["a cat " * 37 + "a " + tail, "a fish"]
    with torch.no_grad():
        context, pooled = encoders(captions, 2)
        first, first_pooled = encoders(captions)
        second, _ = encoders([tail, ""])
    assert context.shape == (2, 154, 256)
    assert torch.allclose(context, torch.cat([first, second], dim=1), atol=1e-5)
    assert torch.allclose(pooled, first_pooled, atol=1e-5)
