from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fooocus_ext.prompting.expander import load_expander
from fooocus_ext.prompting.expander.text import (
    can_continue,
    first_tokens,
    join_continuation,
    readable_text,
    words_of,
)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a knight", "a knight"),
        ("  a knight ,, in the rain. ", "a knight, in the rain"),
        ("a (red:1.3) fox", "a red fox"),
        ("a ((red)) [fox]", "a red fox"),
        ("(a red fox:1.1), grass", "a red fox, grass"),
        ("[cat|dog] on a hill", "cat, dog on a hill"),
        ("[cat:dog:0.5] on a hill", "cat, dog on a hill"),
        ("a fox <lora:film_grain:0.8> in grass", "a fox in grass"),
        ("<hypernet:blood:1>", ""),
        ("a __animal__ in __deep/place__", "a in"),
        ("a fox embedding:bad-hands", "a fox"),
        ("embedding:foo,night sky", "night sky"),
        ("a fox, Embedding:foo|grass", "a fox, grass"),
        ("(embedding:foo:1.1) fox", "fox"),
        ("a fox BREAK a river", "a fox, a river"),
        ("a fox AND a dog :1.2", "a fox, a dog"),
        ("bread and butter", "bread and butter"),
        (r"a fox \(animal\)", "a fox animal"),
        ("a fox\nin snow", "a fox in snow"),
        ('a sign that says "FRESH EGGS"', "a sign that says"),
        ("“Hello” on a wall", "on a wall"),
        ('"a lion in the grass" --ar 16:9', '"a lion in the grass" --ar 16'),
        ('a 12" pizza on a 14" plate', 'a 12" pizza on a 14" plate'),
        ("", ""),
        (" , ., ", ""),
    ],
)
def test_readable_text(prompt, expected):
    assert readable_text(prompt) == expected


def test_embeddings_are_hidden_as_whole_words_only():
    text = readable_text(
        "EasyNegative fox, easynegatives, badhand-v4", ["easynegative", "badhand-v4"]
    )
    assert text == "fox, easynegatives"


def test_words_of_any_script():
    assert words_of("Ein Fuchs, 3 лисы 狐!") == ["ein", "fuchs", "лисы", "狐"]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a fox", "a fox, soft light"),
        ("a fox,", "a fox, soft light"),
        ("a fox, ", "a fox, soft light"),
        ("a fox,\n", "a fox,\nsoft light"),
        ("一只狐狸，", "一只狐狸， soft light"),
        ("a fox BREAK", "a fox BREAK soft light"),
        ("a fox BREAK\n", "a fox BREAK\nsoft light"),
        ("a fox <lora:x:1>", "a fox <lora:x:1>, soft light"),
    ],
)
def test_join(prompt, expected):
    assert join_continuation(prompt, "soft light") == expected


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a fox AND a dog :1.2", False),
        ("a fox AND a dog:0.5  ", False),
        ("a fox AND a dog", True),
        ("a fox :1.2", True),
        ("a fox AND a dog :1.2 AND a cat", True),
        ("(a fox AND a dog:1.2)", True),
    ],
)
def test_can_continue(prompt, expected):
    assert can_continue(prompt) is expected


@given(st.text(), st.text(alphabet="abc, ", min_size=0, max_size=9))
def test_the_prompt_is_never_changed(prompt, words):
    joined = join_continuation(prompt, words)
    assert joined.startswith(prompt)
    assert joined.endswith(words)


@given(st.text(alphabet='aA _<>:[]()|\\,.1BREKND\n"“'))
def test_readable_text_is_stable(prompt):
    text = readable_text(prompt)
    assert "\n" not in text
    assert text == text.strip(" ,.")
    assert not set("()[]|") & set(text)


ALPHABET = st.sampled_from(
    ["a", "b", " ", ",", "'", "½", "字", "é", "e\u0301", "cat", "sailorsxx", "x" * 70, "!"]
)


@pytest.fixture(scope="module")
def encode():
    return load_expander().model.encode


@example("a, a, a, sailorsxx", 7)  # cut in two, its last word is two words that the model knows
@given(st.lists(ALPHABET, max_size=600).map("".join) | st.text(max_size=500), st.integers(1, 60))
def test_the_first_tokens_are_those_of_the_whole_text(encode, text, count):
    found = first_tokens(text, encode, count, at_first=16)
    everything = encode(text)
    assert found[:count] == everything[:count]
    assert (len(found) > count) == (len(everything) > count)
