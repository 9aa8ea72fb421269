"""Style semantics: which texts several styles make of one prompt, and how names are found."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.errors import RequestError
from fooocus_ext.prompting.styles import (
    Style,
    StyleLibrary,
    apply_styles,
    lookup_key,
    special_style,
    wants_expansion,
)

INSIDE = Style("inside", "photo of {prompt}, sharp", "blurry")
AFTER = Style("after", "warm light", "cold light")
NEGATIVE_ONLY = Style("negative only", "", "extra fingers")
TWICE = Style("twice", "{prompt} beside {prompt}", "")
LINES = Style("lines", "one {prompt}\n\ntwo", "bad\nworse")
texts = st.text(alphabet="ab {}prompt\n,", max_size=20)
styles_of_any_kind = st.builds(Style, st.just("x"), texts, texts)


one_line = texts.map(lambda text: " ".join(text.splitlines()))


def fooocus_parts(styles, prompt, negative, extra, extra_negative):
    """Section 5.2 of the reference once more, with the webui's placeholder in negative texts."""
    positive, negatives, placed = [], [], False
    negative_placed = any("{prompt}" in style.negative_prompt for style in styles)
    for style in styles:
        positive += style.prompt.replace("{prompt}", prompt).splitlines()
        negatives += style.negative_prompt.replace("{prompt}", negative).splitlines()
        placed = placed or "{prompt}" in style.prompt
    if not placed:
        positive = [prompt, *positive]
    if not negative_placed:
        negatives.append(negative)
    positive = [text for text in positive + extra if text != ""]
    negatives = [text for text in [*negatives, *extra_negative] if text != ""]
    return positive or [prompt], negatives or [negative]


def test_the_prompt_goes_into_the_placeholder_and_the_user_negative_comes_last():
    styled = apply_styles([INSIDE, AFTER], "a cat", "ugly")
    assert styled.positive == ["photo of a cat, sharp", "warm light"]
    assert styled.negative == ["blurry", "cold light", "ugly"]


def test_the_negative_prompt_goes_into_the_placeholder_of_a_negative_text():
    style = Style("both", "photo of {prompt}", "{prompt}, blurry")
    assert apply_styles([style, AFTER], "a cat", "ugly").negative == ["ugly, blurry", "cold light"]
    assert apply_styles([style], "a cat", "").negative == [", blurry"]


def test_the_prompt_goes_in_front_if_no_style_has_a_placeholder():
    styled = apply_styles([AFTER, NEGATIVE_ONLY], "a cat")
    assert styled.positive == ["a cat", "warm light"]
    assert styled.negative == ["cold light", "extra fingers"]


def test_every_placeholder_is_replaced_in_every_style_and_the_order_is_the_users():
    styled = apply_styles([TWICE, AFTER, INSIDE], "a cat")
    assert styled.positive == ["a cat beside a cat", "warm light", "photo of a cat, sharp"]


def test_lines_of_a_style_are_texts_of_their_own_and_empty_ones_vanish():
    styled = apply_styles([LINES], "a cat", extra_positive=["a dog"], extra_negative=["", "fog"])
    assert styled.positive == ["one a cat", "two", "a dog"]
    assert styled.negative == ["bad", "worse", "fog"]


def test_no_style_leaves_the_prompt_alone():
    assert apply_styles([], "a cat", "ugly").positive == ["a cat"]
    assert apply_styles([], "", "").negative == [""]


@given(
    st.lists(styles_of_any_kind, max_size=4),
    one_line,
    one_line,
    st.lists(texts, max_size=2),
    st.lists(texts, max_size=2),
)
def test_any_styles_give_what_fooocus_gives(styles, prompt, negative, extra, extra_negative):
    styled = apply_styles(
        styles, prompt, negative, extra_positive=extra, extra_negative=extra_negative
    )
    expected = fooocus_parts(styles, prompt, negative, extra, extra_negative)
    assert (styled.positive, styled.negative) == expected


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("sai-3d-model", "SAI 3D Model"),
        ("SAI 3D Model", "sai-3d-model"),
        ("MK mosaic", "Mk Mosaic"),
        ("Watercolor (subtle)", "Watercolor (Subtle)"),
        ("cinematic-default", "cinematic-default"),
    ],
)
def test_names_are_found_as_fooocus_normalises_them(written, asked):
    style = Style(written, "x", "")
    library = StyleLibrary((style,))
    assert library.get(asked) is style
    assert asked in library


def test_an_unknown_name_is_refused_with_the_nearest_names():
    library = StyleLibrary((Style("painting-cubist", "x", ""), Style("photo-macro", "y", "")))
    with pytest.raises(RequestError) as refused:
        library.get("Painting Kubist")
    assert refused.value.status_code == 422
    assert "Painting Kubist" in refused.value.detail
    assert '"painting-cubist"' in refused.value.detail
    assert "photo-macro" not in refused.value.detail


@given(st.text(max_size=500))
def test_any_unknown_name_is_refused_in_a_short_message(name):
    library = StyleLibrary((Style("qqqq", "x", ""),))
    if lookup_key(name) == "qqqq":
        return
    with pytest.raises(RequestError) as refused:
        library.get(name)
    assert len(refused.value.detail) < 500


def test_special_names_are_recognised_in_any_spelling():
    assert special_style("fooocus-v2") == "Fooocus V2"
    assert special_style("RANDOM STYLE") == "Random Style"
    assert special_style("Fooocus Sharp") is None
    assert wants_expansion(["x", "fooocus v2"])
    assert not wants_expansion(["x", "Random Style"])


def test_check_accepts_special_names_and_refuses_the_first_unknown():
    library = StyleLibrary((INSIDE,))
    library.check(["Inside", "Random Style", "Fooocus V2"])
    with pytest.raises(RequestError, match="outside"):
        library.check(["inside", "outside"])


def test_a_random_style_is_a_uniform_choice_in_list_order():
    library = StyleLibrary(tuple(Style(f"s{i}", "x", "") for i in range(50)))
    drawn = [library.draw(random.Random(seed)).name for seed in range(200)]
    assert drawn == [random.Random(seed).choice(library.names) for seed in range(200)]
    assert len(set(drawn)) > 40


def test_nothing_to_draw_from_is_said():
    with pytest.raises(RequestError, match="no style loaded"):
        StyleLibrary().draw(random.Random(1))


def test_groups_keep_the_order_of_the_list():
    library = StyleLibrary(
        (Style("a", "x", "", "B"), Style("b", "x", "", "A"), Style("c", "x", "", "B"))
    )
    assert {group: [s.name for s in styles] for group, styles in library.groups.items()} == {
        "B": ["a", "c"],
        "A": ["b"],
    }
    assert list(library.groups) == ["B", "A"]
