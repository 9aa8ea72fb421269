"""Comments in prompts, beside what the webuis themselves leave of a text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.prompting.comments import (
    HASH,
    NO_COMMENTS,
    WITH_BLOCKS,
    before_comments,
    end_of_words,
    strip_comments,
    without_signs,
)

SIGNS = [NO_COMMENTS, HASH, WITH_BLOCKS]
texts = st.text(alphabet="ab #/*\n", max_size=40)


def by_reforge(text):
    """What reForge encodes of a text: its rules, one by one."""
    text = re.sub(r"^/\*.*?\*/(\n|$)", "\n", text, flags=re.MULTILINE | re.DOTALL)
    for rest_of_line in (r"#.*", r"//.*", r"(/\*|\*/).*"):
        text = re.sub(rest_of_line, "", text)
    return text


@given(texts)
def test_what_reforge_leaves_of_a_text_are_the_same_words(text):
    assert strip_comments(text, WITH_BLOCKS).split() == by_reforge(text).split()


def test_a_text_is_all_text_where_the_host_knows_no_comments():
    text = "a # b // c /* d */"
    assert strip_comments(text, NO_COMMENTS) == text
    assert without_signs(text, NO_COMMENTS) == text
    assert before_comments(text, NO_COMMENTS) == end_of_words(text, NO_COMMENTS) == len(text)


@pytest.mark.parametrize("sign", ["//", "/*", "*/"])
def test_of_a1111_only_the_hash_is_a_sign(sign):
    assert strip_comments(f"a {sign} b # c", HASH) == f"a {sign} b \n"


def test_a_comment_of_many_lines():
    text = "a cat\n/* one\ntwo */\nin rain\n/* three\nfour */"
    assert strip_comments(text, WITH_BLOCKS).split() == ["a", "cat", "in", "rain"]
    assert text[: end_of_words(text, WITH_BLOCKS)].endswith("in rain")
    assert text[: before_comments(text, WITH_BLOCKS)].endswith("in rain")


@given(texts, st.sampled_from(SIGNS))
def test_what_stands_before_the_last_comments_is_not_swallowed(text, signs):
    for end in (before_comments(text, signs), end_of_words(text, signs)):
        written = f"{text[:end]} word{text[end:]}"
        assert "word" in strip_comments(written, signs)


@given(texts, st.sampled_from(SIGNS))
def test_without_signs_nothing_is_a_comment(text, signs):
    plain = without_signs(text, signs)
    assert strip_comments(plain, signs) == plain
    assert set(plain) <= set(text)
