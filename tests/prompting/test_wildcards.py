"""Wildcards: draws, order, nesting, folders, and names that try to leave them."""

from __future__ import annotations

import contextlib
import os
import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fooocus_ext.errors import RequestError
from fooocus_ext.prompting.expander.rules_file import load_rules
from fooocus_ext.prompting.wildcards import MAX_ROUNDS, Wildcards, apply_wildcards

COLORS = ["red", "green", "blue", "gold"]


@pytest.fixture
def folder(tmp_path):
    def make(**files):
        for name, content in files.items():
            path = tmp_path / "wildcards" / f"{name.replace('__', '/')}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = content if isinstance(content, str) else "\n".join(content)
            path.write_text(lines, encoding="utf-8")
        return Wildcards([tmp_path / "wildcards"])

    return make


def resolve(text, wildcards, seed=1, **options):
    notes = []
    result = apply_wildcards(text, wildcards, random.Random(seed), note=notes.append, **options)
    return result, notes


def test_each_occurrence_is_drawn_from_left_to_right_with_the_images_generator(folder):
    wildcards = folder(color=COLORS, animal=["fox", "owl", "hare"])
    for seed in range(50):
        rng = random.Random(seed)
        first, second, third = (
            rng.choice(COLORS),
            rng.choice(["fox", "owl", "hare"]),
            rng.choice(COLORS),
        )
        result, notes = resolve("a __color__ __animal__, __color__ sky", wildcards, seed)
        assert result == f"a {first} {second}, {third} sky"
        assert not notes


def test_in_order_takes_line_image_modulo_count_and_draws_nothing(folder):
    wildcards = folder(color=COLORS)
    rng = random.Random(5)
    before = rng.getstate()
    results = [
        apply_wildcards("__color__ __color__", wildcards, rng, index=i, in_order=True)
        for i in range(6)
    ]
    assert results == [f"{COLORS[i % 4]} {COLORS[i % 4]}" for i in range(6)]
    assert rng.getstate() == before


def test_options_hold_wildcards_drawn_in_the_next_round(folder):
    wildcards = folder(scene=["__color__ __thing__"], color=COLORS, thing=["door", "boat"])
    rng = random.Random(9)
    rng.choice(["only"])
    expected = f"{rng.choice(COLORS)} {rng.choice(['door', 'boat'])}"
    assert resolve("__scene__", wildcards, 9)[0] == expected


def test_a_draw_goes_to_the_first_place_where_its_token_stands_as_in_fooocus(folder):
    wildcards = folder(pair=["__color__ rose"], color=COLORS)
    for seed in range(20):
        rng = random.Random(seed)
        rng.choice(["only"])
        first, second = rng.choice(COLORS), rng.choice(COLORS)
        assert resolve("__pair__ on __color__", wildcards, seed)[0] == f"{first} rose on {second}"


def test_lines_are_trimmed_and_blank_ones_dropped(folder):
    wildcards = folder(x="\ufeff  one \r\n\r\n   \r\n two")
    assert wildcards.options("x") == ["one", "two"]


def test_nested_folders_are_found_by_bare_name_and_by_path(folder):
    wildcards = folder(animal=["cat"], wild__animal=["wolf"], wild__deep__place=["cave"])
    assert resolve("__animal__ __wild/animal__ __place__ __wild/deep/place__", wildcards)[0] == (
        "cat wolf cave cave"
    )
    assert wildcards.names == ["animal", "place", "wild/animal", "wild/deep/place"]


def test_a_later_folder_wins(tmp_path):
    for name, option in (("ours", "tame"), ("users", "own")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text(option, encoding="utf-8")
    wildcards = Wildcards([tmp_path / "ours", tmp_path / "users", tmp_path / "absent"])
    assert resolve("__x__", wildcards)[0] == "own"


def test_neighbouring_wildcards_and_odd_underscores(folder):
    wildcards = folder(color=["red"], color_flower=["rose"], _x=["under"])
    assert resolve("__color____color_flower__", wildcards)[0] == "redrose"
    assert resolve("___x__", wildcards)[0] == "under"
    assert resolve("a__b _color_ __", wildcards) == ("a__b _color_ __", [])
    assert resolve("(__color__:1.2) [__color__|__color_flower__]", wildcards)[0] == (
        "(red:1.2) [red|rose]"
    )


@pytest.mark.parametrize("name", ["हिन्दी", "ไทยดี", "தமிழ்", "עִבְרִית"])
def test_words_of_any_script_are_names(folder, name):
    result, (note,) = resolve(f"a __{name}__, __{name}/x__", folder(**{name: ["fox"]}))
    assert result == f"a fox, {name}/x"
    assert note.startswith(f"Wildcards: there is no {name}/x.txt")


def test_an_accent_is_a_part_of_its_letter_however_it_is_typed(folder):
    wildcards = folder(é=["fox"], á=["owl"])
    assert resolve("__\xe9__ __e\u0301__ __\xe1__ __a\u0301__", wildcards)[0] == "fox fox owl owl"
    assert "a\u0301" in wildcards
    assert wildcards.names == ["\xe1", "\xe9"]


def test_a_missing_file_leaves_the_bare_word_and_a_note_with_the_nearest(folder):
    result, notes = resolve("a __colour__ sky", folder(color=COLORS))
    assert result == "a colour sky"
    assert "colour.txt" in notes[0]
    assert '"color"' in notes[0]


@pytest.mark.parametrize(
    ("text", "resolved", "count"),
    [
        ("<lora:add__detail__xl:1>", "<lora:add__detail__xl:1>", 0),
        ("<lora:a__b__c__d__e:1> __color__", "<lora:a__b__c__d__e:1> red", 0),
        ("__b__ <lora:a__b__c:1>, __b__", "b <lora:a__b__c:1>, b", 1),
        ("<lora:a__b__c:1> __b__, __rope__", "<lora:a__b__c:1> b, b of b", 1),
        ("<lora:in-__color__:0.5>", "<lora:in-red:0.5>", 0),
        ("__tag__", "<lora:a__b__c:1>", 0),
        ("<lora:a__b__c", "<lora:abc", 1),
        ("a < b:__b__", "a < b:b", 1),
    ],
)
def test_the_name_of_a_lora_keeps_underscores_that_name_no_file(folder, text, resolved, count):
    wildcards = folder(color=["red"], rope=["__b__ of __b__"], tag=["<lora:a__b__c:1>"])
    result, notes = resolve(text, wildcards)
    assert (result, len(notes)) == (resolved, count)


def test_a_file_whose_name_is_not_utf_8_is_no_wildcard_and_in_no_note(folder):
    wildcards = folder(colour="red", **{os.fsdecode(b"colo\xfcr"): "blue"})
    assert wildcards.names == ["colour"]
    (note,) = resolve("__coloour__", wildcards)[1]
    assert 'did you mean "colour"?' in note


def test_an_unusable_file_in_a_folder_whose_name_is_not_utf_8_is_named(tmp_path):
    folder = tmp_path / os.fsdecode(b"mes \xe9t\xe9s")
    folder.mkdir()
    (folder / "empty.txt").write_text("", encoding="utf-8")
    (note,) = resolve("__empty__", Wildcards([folder]))[1]
    assert "mes \\udce9t\\udce9s/empty.txt: it is empty" in note


def test_an_empty_file_leaves_the_bare_word_and_a_note(folder):
    result, notes = resolve("__void__", folder(void="\n \n"))
    assert (result, len(notes)) == ("void", 1)
    assert "empty" in notes[0]


@pytest.mark.parametrize(
    "token",
    [
        "__../../x__",
        "__../secret__",
        "__/etc/passwd__",
        "__a/../../secret__",
        "__a//b__",
        "__./secret__",
        "__..\\secret__",
        "__a/__",
        "__.__",
    ],
)
def test_names_that_are_paths_are_left_as_text_with_a_note(folder, tmp_path, token):
    wildcards = folder(color=COLORS)
    (tmp_path / "secret.txt").write_text("SECRET", encoding="utf-8")
    result, notes = resolve(f"x {token} y", wildcards)
    assert result == f"x {token} y"
    assert len(notes) == 1


def test_a_link_out_of_the_folder_is_not_followed(folder, tmp_path):
    wildcards = folder(color=COLORS)
    (tmp_path / "secret.txt").write_text("SECRET", encoding="utf-8")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "inner.txt").write_text("SECRET", encoding="utf-8")
    try:
        (tmp_path / "wildcards" / "link.txt").symlink_to(tmp_path / "secret.txt")
        (tmp_path / "wildcards" / "folder").symlink_to(outside)
        (tmp_path / "wildcards" / "alias.txt").symlink_to(tmp_path / "wildcards" / "color.txt")
    except OSError:
        pytest.skip("this system makes no links")
    assert resolve("__link__ __folder/inner__ __inner__", wildcards)[0] == "link folder/inner inner"
    assert resolve("__alias__", wildcards)[0] in COLORS


def test_a_circle_ends_after_the_last_round_with_a_note(folder):
    result, notes = resolve("__a__", folder(a=["x __b__"], b=["y __a__"]))
    assert result == "x y " * (MAX_ROUNDS // 2) + "__a__"
    assert "circle" in notes[0]
    assert resolve("__self__", folder(self=["__self__"]))[1]


def test_files_that_multiply_are_refused(folder):
    for content in (["__a__ __a__"], ["__a__ " + "x" * 5000]):
        start = time.perf_counter()
        with pytest.raises(RequestError) as refused:
            resolve("__a__", folder(a=content))
        assert "wildcards" in refused.value.detail
        assert time.perf_counter() - start < 5


def test_too_many_wildcards_in_one_prompt_are_refused(folder):
    with pytest.raises(RequestError, match="more than 10000 replacements"):
        resolve("__x__" * 10_001, folder(x=["y"]))
    assert resolve("__x__" * 10_000, folder(x=["y"]))[0] == "y" * 10_000


def test_a_giant_file_is_refused_and_ten_thousand_options_are_not(folder):
    wildcards = folder(
        giant="x" * (4 * 1024 * 1024 + 1), many=[f"option {i}" for i in range(10_000)]
    )
    result, notes = resolve("__giant__", wildcards)
    assert result == "giant"
    assert "larger than" in notes[0]
    assert resolve("__many__", wildcards, index=12_345, in_order=True)[0] == "option 2345"
    assert re.fullmatch(r"option \d+", resolve("__many__", wildcards)[0])


def test_a_file_that_is_not_text_leaves_the_bare_word(folder, tmp_path):
    wildcards = folder(x=["y"])
    (tmp_path / "wildcards" / "raw.txt").write_bytes(b"\xff\xfe\x00\x01")
    result, notes = resolve("__raw__", wildcards)
    assert result == "raw"
    assert "UTF-8" in notes[0]


def test_text_without_wildcards_touches_neither_files_nor_generator(tmp_path):
    wildcards = Wildcards([tmp_path])
    rng = random.Random(3)
    before = rng.getstate()
    assert apply_wildcards("a (b:1.2) _c_ __ d", wildcards, rng) == "a (b:1.2) _c_ __ d"
    assert rng.getstate() == before
    assert wildcards._paths is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="_ab/.\\-: ([,", max_size=80), st.integers(0, 100))
def test_any_text_is_survived(folder, text, seed):
    wildcards = folder(a=["__b__", "one"], b=["two", "__a__"])
    result, notes = resolve(text, wildcards, seed)
    if "__" not in text:
        assert (result, notes) == (text, [])


def test_thousands_of_missing_or_broken_files_take_no_time(folder):
    wildcards = folder(giant="x" * (4 * 1024 * 1024 + 1), **{f"file{i}": ["x"] for i in range(500)})
    start = time.perf_counter()
    notes = resolve(" ".join(f"__missing{i}__ __giant__" for i in range(4_000)), wildcards)[1]
    assert time.perf_counter() - start < 5
    assert len(notes) == 10


@pytest.mark.parametrize(
    "text",
    [
        "_" * 100_000,
        "__a" * 30_000,
        "__" + "a/" * 50_000 + "__",
        "<a:__b__" * 10_000,
        "<a:__c__>" * 10_000,
    ],
)
def test_hostile_texts_take_no_time(folder, text):
    start = time.perf_counter()
    with contextlib.suppress(RequestError):
        resolve(text, folder(b=["x"]))
    assert time.perf_counter() - start < 5


def test_only_names_that_a_prompt_can_use_are_offered(tmp_path):
    offered = ["color", "_a", "a b", "v1.5 b", "sub/c-d", "c-d", "हिन्दी"]
    others = ["plus+", "a_", "a b__c", " a", "sub__/b", "x,y", "sub+/e"]
    for name in offered + others:
        path = tmp_path / f"{name}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("red", encoding="utf-8")
    wildcards = Wildcards([tmp_path])
    assert set(wildcards.names) == {*offered, "b", "e"}
    for name in wildcards.names:
        assert resolve(f"a __{name}__ fox", wildcards) == ("a red fox", [])


SHIPPED = Wildcards([Path(__file__).parents[2] / "wildcards"])
SPOKEN_OF = ("time", "season", "weather", "heat", "crowd")


def spoken_of(name: str) -> set[str]:
    """Return which of ``SPOKEN_OF`` the options of a shipped file tell; a person is a crowd of one."""
    said = (fact for option in SHIPPED.options(name) for fact in load_rules().read(option).said)
    found = {fact.partition(".")[0] for fact in said}.intersection(SPOKEN_OF)
    return found | {"crowd"} if name == "person" else found


@pytest.mark.parametrize("scene", SHIPPED.options("scene"))
def test_no_two_lists_of_a_scene_tell_the_time_the_season_or_the_weather(scene):
    told = [spoken_of(name) for name in re.findall("__(.+?)__", scene)]
    assert sum(map(len, told)) == len(set().union(*told)), told
