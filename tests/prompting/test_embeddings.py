"""Embeddings out of Fooocus's and ComfyUI's prompts."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.prompting.embeddings import bare_embeddings


@pytest.mark.parametrize(
    ("written", "bare"),
    [
        ("(embedding:name:1.1)", "(name:1.1)"),
        ("(embedding:unaestheticXLv31:0.8), low quality", "(unaestheticXLv31:0.8), low quality"),
        ("embedding:easy-negative", "easy-negative"),
        ("a cat, embedding:one, [embedding:two]", "a cat, one, [two]"),
        ("embedding:folder/name.safetensors", "name"),
        ("(embedding:folder\\name.pt:0.5)", "(name:0.5)"),
        ("embedding:v1.5 b", "v1.5 b"),
        ("[embedding:a|embedding:b]", "[a|b]"),
        ("embedding: a word", "embedding: a word"),
        ("my_embedding:x", "my_embedding:x"),
        ("the embedding", "the embedding"),
        ("embedding:dir/", "embedding:dir/"),
    ],
)
def test_the_webui_knows_them_by_their_bare_names(written, bare):
    assert bare_embeddings(written) == bare


@given(st.text())
def test_any_other_text_stays_as_it_is(text):
    assert "embedding:" in text or bare_embeddings(text) == text


def test_a_long_text_takes_no_time():
    start = time.perf_counter()
    for text in ("embedding:" * 30_000, "embedding:" + "a/" * 150_000, ".pt" * 100_000):
        bare_embeddings(text)
    assert time.perf_counter() - start < 2
