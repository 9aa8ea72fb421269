"""One image's texts from typed prompts: order, seeds, lines, separators, expansion."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.errors import RequestError
from fooocus_ext.prompting.rewrite import BREAK, resolve_image
from fooocus_ext.prompting.styles import Style, StyleLibrary
from fooocus_ext.prompting.wildcards import Wildcards

LIBRARY = StyleLibrary(
    (
        Style("film", "film still of {prompt}, grain", "cartoon"),
        Style("warm", "warm light", "cold light"),
        Style("clean", "", "extra fingers"),
    )
)
COLORS = ["red", "green", "blue", "gold"]


@pytest.fixture
def wildcards(tmp_path):
    (tmp_path / "color.txt").write_text("\n".join(COLORS), encoding="utf-8")
    return Wildcards([tmp_path])


def rewrite(
    prompt, negative="", *, index=0, seed=1, styles=(), wildcards=None, expand=None, **options
):
    resolved = resolve_image(
        prompt,
        negative,
        index=index,
        seed=seed,
        styles=styles,
        library=LIBRARY,
        wildcards=wildcards or Wildcards(),
        expands=expand is not None,
        **options,
    )
    wanted = expand is not None and resolved.subject
    return resolved.finish(expand(resolved.subject, seed) if wanted else "")


def continue_text(text, seed):
    return f"{text}, luminous{seed}, detailed"


@given(
    st.text(max_size=100).filter(lambda t: "__" not in t and "[[" not in t),
    st.text(max_size=100).filter(lambda t: "__" not in t),
    st.integers(0, 2**64),
)
def test_text_that_uses_nothing_passes_byte_for_byte(prompt, negative, seed):
    result = rewrite(prompt, negative, seed=seed)
    assert (result.positive, result.negative) == (prompt, negative)
    assert (result.applied_styles, result.expansion, result.notes) == ((), "", ())


HOST_SYNTAX = (
    "((a)),  (b:1.2) [c|d]\n[e:f:0.5], BREAK  g AND h :0.7 <lora:i:1>\\(j\\)\n\n[[k]] {l} , .\n"
)


def test_the_hosts_own_syntax_passes_and_survives_a_style():
    assert rewrite(HOST_SYNTAX).positive == HOST_SYNTAX
    main = "((a)), (b:1.2) [c|d] [e:f:0.5], BREAK g <lora:i:1>\\(j\\) [[k]] {l}"
    assert rewrite(main, styles=["film"]).positive == f"film still of {main}, grain"


def test_each_part_of_a_divided_prompt_gets_the_style_and_ends_in_its_weight():
    divided = "a cat AND a dog :0.5"
    assert rewrite(divided).positive == divided
    styled = "film still of a cat, grain AND film still of a dog, grain :0.5"
    assert rewrite(divided, styles=["film"]).positive == styled
    on_two_lines = "a cat\nin rain\nAND a dog\n:0.5"
    styled = "film still of a cat, grain, in rain AND film still of a dog, grain\n:0.5"
    assert rewrite(on_two_lines, styles=["film"]).positive == styled
    subtracted = rewrite("a cat AND fog :-1", styles=["film"], expand=continue_text).positive
    assert subtracted.startswith("film still of a cat, grain, luminous1")
    assert subtracted.endswith(" AND fog :-1")


@pytest.mark.parametrize(
    ("typed", "rewritten"),
    [
        ("a cat AND", "film still of a cat, grain, more AND "),
        ("AND a cat :0.5", " AND film still of a cat, grain, more :0.5"),
        ("a cat AND :0.5", "film still of a cat, grain, more AND :0.5"),
        ("a cat AND <lora:film:1>", "film still of a cat, grain, more AND <lora:film:1>"),
        ("a cat AND\n ,\n", "film still of a cat, grain, more AND "),
        (
            "a cat AND AND a dog",
            "film still of a cat, grain, more AND  AND film still of a dog, grain, more",
        ),
        (
            "a cat AND <lora:film:1>\na dog",
            "film still of a cat, grain, more AND film still of a dog, grain, <lora:film:1>, more",
        ),
    ],
)
def test_an_empty_part_of_a_divided_prompt_stays_the_empty_prompt_it_is_to_the_host(
    typed, rewritten
):
    def expand(text, _seed):
        assert ", ," not in text
        return f"{text}, more"

    assert rewrite(typed, styles=["film"], expand=expand).positive == rewritten
    one_by_one = rewrite(typed, styles=["film"], expand=expand, in_lines=True).one_by_one
    says = [any(word in part for word in ("cat", "dog")) for part in rewritten.split("AND")]
    assert [part.texts != ("",) for part in one_by_one.positive] == says


@pytest.mark.parametrize(
    ("typed", "rewritten"),
    [
        ("AND", "film still of , grain AND film still of , grain"),
        ("<lora:x:1> AND", "film still of <lora:x:1>, grain AND film still of , grain"),
        (" AND fog :-1", "film still of , grain AND fog :-1"),
    ],
)
def test_styles_are_applied_to_a_divided_prompt_that_says_nothing(typed, rewritten):
    result = rewrite(typed, styles=["film"])
    assert (result.positive, result.applied_styles) == (rewritten, ("film",))


def test_an_expander_sees_all_that_is_wanted_without_weights():
    asked = []
    rewrite("a cat AND a dog :1.2 AND fog :-1", expand=lambda text, _seed: asked.append(text) or "")
    assert asked == ["a cat, a dog"]


@pytest.mark.parametrize("blank", ["\t", "\u3000", "\u00a0", " \u2003,"])
def test_a_blank_of_any_kind_around_a_prompt_has_it_said_once(blank):
    typed = f"{blank}a cat{blank}"
    assert rewrite(typed, expand=continue_text).expansion == "luminous1, detailed"
    texts = rewrite(typed, expand=continue_text, in_lines=True).one_by_one.positive[0].texts
    assert texts[-1] == "a cat, luminous1, detailed"


def test_each_wanted_part_of_a_divided_prompt_is_expanded():
    result = rewrite("a cat AND a dog :1.2", expand=lambda text, _seed: f"{text}, more")
    assert result.positive == "a cat, more AND a dog, more :1.2"
    unchanged = rewrite("a cat  AND a dog:1", expand=lambda text, _seed: text)
    assert unchanged.positive == "a cat  AND a dog:1"


@pytest.mark.parametrize(
    ("typed", "rewritten"),
    [
        ("(masterpiece,\nbest quality:1.2), 1girl", "(masterpiece,\nbest quality:1.2), 1girl"),
        ("[a cat\n:a dog:0.5]", "[a cat\n:a dog:0.5]"),
        ("(red:\n1.3) car", "(red:\n1.3) car"),
        ("a \\(b\nc", "a \\(b"),
        ("a (b\nc", "a (b"),
        ("<lora:film:1>\na cat", "a cat"),
    ],
)
def test_a_line_break_inside_brackets_ends_no_line(typed, rewritten):
    result = rewrite(typed, styles=["film"]).positive
    assert result.split(", grain")[0] == f"film still of {rewritten}"


def test_an_array_may_spread_over_lines():
    assert rewrite("[[a,\nb]]", index=1, styles=["film"]).positive == "film still of b, grain"


def test_tags_on_a_line_of_their_own_are_kept_behind_the_main_text():
    result = rewrite("<lora:film:1>\na cat", styles=["film"])
    assert result.positive == "film still of a cat, grain, <lora:film:1>"


BRACKETED = st.recursive(
    st.sampled_from(["a cat", "1girl", "red,\nblue", "x", "\\(", ":", "\n"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        inner.map(lambda text: f"({text}:1.2)"),
        inner.map(lambda text: f"[{text}|b]"),
        inner.map(lambda text: f"[{text}:b:0.5]"),
    ),
    max_leaves=6,
)


@given(BRACKETED)
def test_what_is_in_brackets_stays_in_them_and_a_style_stays_outside(typed):
    text = rewrite(typed, styles=["film"]).positive
    depth = 0
    for position, character in enumerate(text):
        escaped = position > 0 and text[position - 1] == "\\"
        depth += 0 if escaped else (character in "([") - (character in ")]")
        assert depth >= 0
        if text.startswith(("film still", "grain"), position):
            assert depth == 0
    assert depth == 0


def test_styles_join_with_commas_and_the_users_negative_comes_last():
    result = rewrite("a cat,", " ugly. ", styles=["warm", "Film", "clean"])
    assert result.positive == "warm light, film still of a cat, grain"
    assert result.negative == "cold light, cartoon, extra fingers, ugly"
    assert result.applied_styles == ("warm", "film", "clean")


def test_break_separates_the_texts_as_fooocus_encodes_them():
    result = rewrite(
        "a cat", "ugly", styles=["film", "warm"], separator=BREAK, expand=continue_text
    )
    assert result.positive == (
        "film still of a cat, grain BREAK warm light BREAK a cat, luminous1, detailed"
    )
    assert result.negative == "cartoon BREAK cold light BREAK ugly"


def test_further_lines_are_texts_of_their_own_with_a_style():
    typed = ("  a cat. \n\n in rain,\nat night", "ugly\nfog")
    result = rewrite(*typed, styles=["film"], separator=BREAK)
    assert result.positive == "film still of a cat, grain BREAK in rain BREAK at night"
    assert result.negative == "cartoon BREAK ugly BREAK fog"


def test_further_lines_are_texts_of_their_own_behind_break():
    assert rewrite("a cat\nin rain", "ugly", separator=BREAK).positive == "a cat BREAK in rain"
    assert rewrite("a cat,  \n", "ugly", separator=BREAK).positive == "a cat,  \n"


def test_lines_stay_as_typed_without_style_and_break():
    text = "a cat,\n  in rain\n\n[[x, y]]"
    assert rewrite(text, styles=["Fooocus V2"]).positive == "a cat,\n  in rain\n\nx"


def test_blank_prompts_with_a_style():
    result = rewrite(" \n, ", "", styles=["film", "warm"], separator=BREAK)
    assert result.positive == "film still of , grain BREAK warm light"
    assert rewrite("", "", styles=["clean"]).positive == ""


def test_expansion_adds_its_words_last_and_gets_the_bare_main_text():
    asked = []

    def expand(text, seed):
        asked.append((text, seed))
        return continue_text(text, seed)

    result = rewrite(
        "a <lora:x:0.5> [[cat, dog]],\nin rain", seed=7, index=1, styles=["film"], expand=expand
    )
    assert asked == [("a dog", 7)]
    assert result.expansion == "luminous7, detailed"
    assert result.positive == (
        "film still of a <lora:x:0.5> dog, grain, in rain, luminous7, detailed"
    )
    assert not rewrite("<lora:x:0.5>, ", expand=expand).expansion
    assert len(asked) == 1


@pytest.mark.parametrize("reply", ["a cat, more", "more", ", more.", "a cat more "])
def test_an_expander_may_return_the_whole_text_or_the_continuation(reply):
    assert rewrite("a cat", expand=lambda _text, _seed: reply).positive == "a cat, more"
    behind_break = rewrite("a cat", expand=lambda _text, _seed: reply, separator=BREAK)
    assert behind_break.positive.startswith("a cat BREAK a cat")
    assert behind_break.positive.endswith("more") or reply == ", more."


@pytest.mark.parametrize("reply", ["", "a cat", " , "])
def test_an_expander_without_an_idea_changes_nothing(reply):
    for separator in (", ", BREAK):
        result = rewrite("a cat", expand=lambda _text, _seed: reply, separator=separator)
        assert (result.positive, result.expansion) == ("a cat", "")


def test_one_generator_serves_all_draws_in_the_documented_order(wildcards):
    for seed in range(30):
        rng = random.Random(seed)
        draws = [rng.choice(COLORS) for _ in range(6)]
        styles = [rng.choice(LIBRARY.styles), rng.choice(LIBRARY.styles)]
        result = rewrite(
            "p __color__\ne __color__\nf __color__",
            "n __color__\nm __color__\nl __color__",
            seed=seed,
            styles=["Random Style", "random-style"],
            wildcards=wildcards,
        )
        assert result.applied_styles == tuple(style.name for style in styles)
        assert f"p {draws[0]}" in result.positive
        assert f"e {draws[2]}, f {draws[3]}" in result.positive
        assert result.negative.endswith(f"n {draws[1]}, m {draws[4]}, l {draws[5]}")


def test_arrays_apply_to_the_main_text_alone(wildcards):
    result = rewrite("[[a, b]]\n[[c, d]]", "[[e, f]]", index=1, styles=["warm"])
    assert result.positive == "b, warm light, [[c, d]]"
    assert result.negative == "cold light, [[e, f]]"


def test_texts_are_joined_where_there_are_several_on_a_side():
    assert rewrite("a cat", styles=["warm"]).is_joined
    assert rewrite("a cat", expand=continue_text).is_joined
    assert rewrite("a cat", "ugly", styles=["film"]).is_joined
    assert not rewrite("a cat", "ugly").is_joined
    assert not rewrite("", styles=["clean"]).is_joined


def test_wildcards_inside_arrays_become_items(wildcards):
    result = rewrite("[[__color__, grey]] x", index=0, seed=4, wildcards=wildcards)
    assert result.positive == f"{random.Random(4).choice(COLORS)} x"
    assert rewrite("[[__color__, grey]] x", index=1, wildcards=wildcards).positive == "grey x"


def test_a_batch_of_eight_image_by_image(wildcards):
    for index in range(8):
        seed = 100 + index
        rng = random.Random(seed)
        color, style = rng.choice(COLORS), rng.choice(LIBRARY.styles)
        result = rewrite(
            "[[oil, ink]] of a __color__ [[fox, owl, hare]]",
            "ugly",
            index=index,
            seed=seed,
            styles=["Fooocus V2", "clean", "Random Style"],
            wildcards=wildcards,
            expand=continue_text,
        )
        main = f"{['oil', 'ink'][index % 2]} of a {color} {['fox', 'owl', 'hare'][index // 2 % 3]}"
        parts = style.prompt.replace("{prompt}", main)
        positive = (
            [parts] if "{prompt}" in style.prompt else [part for part in (main, parts) if part]
        )
        assert result.positive == ", ".join([*positive, f"luminous{seed}, detailed"])
        assert result.negative == f"extra fingers, {style.negative_prompt}, ugly"
        assert result.applied_styles == ("clean", style.name)


def test_in_order_wildcards_follow_the_image_number(wildcards):
    results = [
        rewrite("__color__", index=i, seed=9, wildcards=wildcards, in_order=True) for i in range(5)
    ]
    assert [result.positive for result in results] == [*COLORS, "red"]


def test_notes_are_given_once(wildcards):
    result = rewrite(
        "__nope__ __nope__\n__nope__", "__nope__", styles=["film"], wildcards=wildcards
    )
    assert len(result.notes) == 1


def test_an_unknown_style_is_refused_before_anything_is_drawn():
    with pytest.raises(RequestError, match=r'no style "flim".*"film"'):
        rewrite("a", styles=["film", "flim"])


@given(
    st.text(alphabet="ab,_[]()<>:|\\\n .lor{}1", max_size=80),
    st.text(alphabet="ab,_[]\n .", max_size=40),
    st.lists(st.sampled_from(["film", "warm", "clean", "Random Style", "Fooocus V2"]), max_size=4),
    st.integers(0, 9),
    st.integers(0, 2**63),
    st.sampled_from([", ", BREAK]),
    st.booleans(),
)
def test_any_prompt_is_survived_and_repeats_exactly(
    prompt, negative, styles, index, seed, separator, expands
):
    def once():
        return rewrite(
            prompt,
            negative,
            index=index,
            seed=seed,
            styles=styles,
            separator=separator,
            expand=continue_text if expands else None,
        )

    result = once()
    assert result == once()
    assert len(result.applied_styles) == len([s for s in styles if s != "Fooocus V2"])
    if result.expansion:
        assert result.positive.endswith(result.expansion)


def test_the_global_generator_is_not_touched(wildcards):
    random.seed(42)
    expected = random.random()
    random.seed(42)
    rewrite("__color__", styles=["Random Style"], wildcards=wildcards)
    assert random.random() == expected


def test_an_expansion_belongs_to_the_common_part_of_regions_and_is_said_where_it_cannot():
    common = rewrite("a forest ADDCOMM a fox BREAK a hound", expand=continue_text)
    assert common.positive.startswith(f"a forest, {common.expansion} ADDCOMM a fox BREAK a hound")
    assert common.positive.count(common.expansion) == 1
    assert common.notes == ()
    last = rewrite("a fox BREAK a hound", expand=continue_text)
    assert last.positive == f"a fox BREAK a hound, {last.expansion}"
    assert "ADDCOMM" in last.notes[0]
    for prompt in ("a fox BREAK a hound", "a BREAKFAST table"):
        assert rewrite(prompt).notes == ()
    assert rewrite("a BREAKFAST table", expand=continue_text).notes == ()


@pytest.mark.parametrize(
    ("prompt", "negative", "what"),
    [
        ("a AND " * 330 + "b", "", "a prompt of 16550000 characters"),
        ("b" * 2_000, "", "a prompt of 1049500 characters"),
        ("a", "n" * 2_001, "a negative prompt of 1000500 characters"),
    ],
)
def test_styles_that_would_make_too_long_a_text_are_refused_unwritten(
    monkeypatch, prompt, negative, what
):
    library = StyleLibrary([Style("long", "x" * 99 + "{prompt}", "{prompt}")])
    short = resolve_image(
        "a", "n", index=0, seed=1, styles=["long"] * 500, library=library, wildcards=Wildcards()
    )
    assert len(short.finish().positive) > 50_000
    monkeypatch.setattr(
        "fooocus_ext.prompting.rewrite.apply_styles",
        lambda *_, **__: pytest.fail("they are written"),
    )
    with pytest.raises(RequestError, match=rf"styles: 500 styles would make {what}"):
        resolve_image(
            prompt,
            negative,
            index=0,
            seed=1,
            styles=["long"] * 500,
            library=library,
            wildcards=Wildcards(),
        )
