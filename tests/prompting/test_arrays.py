"""Arrays: which item each image gets, and what is not an array."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.prompting.arrays import MAX_NESTING, apply_arrays

bracket_soup = st.text(alphabet="ab[](),<>:|\\ l1.", max_size=60)


def job(text, images):
    return [apply_arrays(text, index) for index in range(images)]


def test_the_first_array_varies_fastest_and_items_are_trimmed():
    assert job("[[red, green ,blue]] x [[1,2]]", 7) == [
        "red x 1",
        "green x 1",
        "blue x 1",
        "red x 2",
        "green x 2",
        "blue x 2",
        "red x 1",
    ]


words = st.text(alphabet="abc ", max_size=5)


@given(
    st.lists(st.lists(words, min_size=2, max_size=4), min_size=1, max_size=3), st.integers(0, 200)
)
def test_image_i_gets_combination_i_modulo_all(arrays, index):
    text = " + ".join("[[" + ",".join(items) + "]]" for items in arrays)
    stripped = [[item.strip() for item in items] for items in reversed(arrays)]
    combinations = [tuple(reversed(c)) for c in itertools.product(*stripped)]
    assert apply_arrays(text, index) == " + ".join(combinations[index % len(combinations)])


def test_arrays_work_inside_lora_tags():
    assert job("a <lora:[[one, two]]:0.5>", 3) == [
        "a <lora:one:0.5>",
        "a <lora:two:0.5>",
        "a <lora:one:0.5>",
    ]
    assert job("<lora:x:[[0.2, 0.8]]>", 2) == ["<lora:x:0.2>", "<lora:x:0.8>"]


def test_an_array_of_lora_tags_gives_each_image_exactly_one():
    for index, name in enumerate("abab"):
        text = apply_arrays("[[<lora:a:1>, <lora:b:1>]] flower", index)
        assert text == f"<lora:{name}:1> flower"


@pytest.mark.parametrize(
    "text",
    [
        "((emphasis)) (word:1.2) (a, b) ((c, d))",
        "[a|b] [a:b:0.5] [de-emphasised, twice] [[more of it]]",
        "[[a|b]] [[a:b:0.5]] [[(red, blue)]] [[<lora:a,b:1>]]",
        "[a, b]] [[a, b] [ [a, b] ] [[a, b ]",
        "[[a, b],[c, d]] [[a], [b]] [x[a, b]]",
        r"\[[a, b]] [\[a, b]] \[\[a, b\]\] [[a, b\]] [[a, b]\]",
        r"[[a\, b]]",
        "a BREAK b AND c <lora:x:1> <hypernet:y:0.5>",
        "",
    ],
)
def test_what_the_host_understands_is_left_to_it(text):
    assert job(text, 4) == [text] * 4


@pytest.mark.parametrize(
    ("text", "images"),
    [
        ("[[smile :), frown :(]] face", ["smile :) face", "frown :( face"]),
        ("([[a, b]]:1.2)", ["(a:1.2)", "(b:1.2)"]),
        ("([[a, b)]]", ["(a", "(b)"]),
        ("[[[a, b]]]", ["[a]", "[b]"]),
        ("[[(a, b), c|d]]", ["(a, b)", "c|d"]),
        ("[[[x, y:z:0.5], c]]", ["[x, y:z:0.5]", "c"]),
        ("[[<lora:a, b:1>, c]]", ["<lora:a, b:1>", "c"]),
        ("[[a < b, c > d]]", ["a < b", "c > d"]),
        ("[[,x]] y", [" y", "x y"]),
        ("[[a,\n b]]", ["a", "b"]),
        (r"[[a\, b, c]]", ["a, b", "c"]),
        (r"[[a\\, c]]", [r"a\\", "c"]),
        (r"[[\[a, b\]]]", [r"\[a", r"b\]"]),
        ("[[[a, b]]:c:0.5]", ["[a:c:0.5]", "[b:c:0.5]"]),
        ("[[a, b]][[c, d]]", ["ac", "bc"]),
        ("[[大きい, 小さい]]猫", ["大きい猫", "小さい猫"]),
    ],
)
def test_arrays_among_other_brackets(text, images):
    assert job(text, len(images)) == images


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("[[a]] cat", "a cat"),
        ("[[ a cat ]]", "a cat"),
        ("[[]] cat", " cat"),
        ("[[(red:1.2)]] cat", "(red:1.2) cat"),
        ("[[<lora:x:1>]] cat", "<lora:x:1> cat"),
        ("[[[a, b]]]", "[a]"),
        ("[[a], [b]] [x[a]]", "[[a], [b]] [x[a]]"),
        (r"\[[a]]", r"\[[a]]"),
    ],
)
def test_where_fooocus_is_followed_a_single_item_is_an_array(text, image):
    assert apply_arrays(text, 0, single=True) == image


def test_an_inner_array_moves_on_when_the_outer_ones_have_gone_round():
    assert job("[[a, [[b, c]]]]", 5) == ["a", "b", "a", "c", "a"]


def test_nesting_is_bounded_and_said():
    text = "[[" * 20 + "a" + ", b]]" * 20
    notes = []
    result = apply_arrays(text, 0, note=notes.append)
    assert result == "[[" * (20 - MAX_NESTING) + "a" + ", b]]" * (20 - MAX_NESTING)
    assert len(notes) == 1


def test_ten_thousand_options():
    text = "x [[" + ", ".join(f"option {i}" for i in range(10_000)) + "]] y"
    assert apply_arrays(text, 9_999) == "x option 9999 y"
    assert apply_arrays(text, 10_000) == "x option 0 y"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000 + "a, b" + "]" * 50_000,
        "[[" * 25_000 + "a" + ", b]]" * 25_000,
        "[[a," * 25_000,
        "[[" + "(" * 50_000 + ">" * 50_000 + ", b]]",
        "<a:" * 30_000 + "[[a, b]]" + ")" * 30_000,
        "[[a, b]]" * 12_000,
        "\\" * 100_000 + "[[a, b]]",
    ],
)
def test_hostile_texts_take_no_time(text):
    start = time.process_time()
    apply_arrays(text, 12_345)
    assert time.process_time() - start < 5


@given(bracket_soup, st.integers(0, 50))
def test_any_text_is_survived_and_text_without_double_brackets_is_untouched(text, index):
    result = apply_arrays(text, index)
    assert len(result) <= len(text)
    if "[[" not in text or "," not in text:
        assert result == text


@given(bracket_soup, st.integers(0, 3), bracket_soup)
def test_what_remains_holds_no_array(before, index, after):
    result = apply_arrays(f"{before} [[one, two]] {after}", index)
    assert apply_arrays(result, 0) == apply_arrays(result, 1)
