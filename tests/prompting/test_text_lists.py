"""What is encoded one by one, from what was typed and from what a picture states."""

from __future__ import annotations

import pytest

from fooocus_ext.prompting.rewrite import resolve_image
from fooocus_ext.prompting.styles import Style, StyleLibrary
from fooocus_ext.prompting.text_lists import TextList, given_texts, text_list
from fooocus_ext.prompting.wildcards import Wildcards

FILM = Style("film", "film still of {prompt}, grain", "cartoon")
DUSK = Style("dusk", "warm light", "cold light")


def one_by_one(prompt, negative="", *, expanded="", in_lines=True, **options):
    options = {
        "index": 0,
        "seed": 1,
        "styles": [],
        "library": StyleLibrary((FILM, DUSK)),
        **options,
    }
    resolved = resolve_image(
        prompt,
        negative,
        wildcards=Wildcards([]),
        in_lines=in_lines,
        expands=bool(expanded),
        **options,
    )
    return resolved.finish(expanded).one_by_one


def texts(found):
    return [part.texts for part in found.positive], found.negative.texts


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("a fox", ("a fox",)),
        ("", ("",)),
        ("a  fox ,,in snow, ", ("a fox, in snow",)),
        ("a fox\n\n in snow,", ("a fox", "in snow")),
        ("a fox <lora:film:0.5>, snow", ("a fox, snow",)),
        ("a fox\n<lora:film:0.5>", ("a fox",)),
        ("a [[red, blue]] fox", ("a red fox",)),
        ("a\nb ,, c", ("a", "b ,, c")),
        ("a\nb ,, c <lora:film:0.5>", ("a", "b ,, c")),
        ("a fox, <lora:film:0.5>, snow. <lora:dusk:1>", ("a fox, snow",)),
        ("a <lora:[[film, dusk]]:1>, [[red]] fox", ("a, red fox",)),
    ],
)
def test_a_prompt_is_its_lines_tidied_as_fooocus_does(prompt, wanted):
    assert texts(one_by_one(prompt)) == ([wanted], ("",))


@pytest.mark.parametrize("blank", ["", " ", "\n", "\u3000", "\u00a0", "\u0085", "\u2028", "\x1c"])
def test_a_weight_may_stand_behind_any_blank_as_in_the_webui(blank):
    parts = one_by_one(f"a cat{blank}:{blank}0.5{blank} AND a dog", styles=["film"]).positive
    assert [part.weight for part in parts] == [0.5, 1.0]
    fog = one_by_one(f"a cat AND fog{blank}:-1", expanded="a cat, soft light").positive[1]
    assert (fog.texts, fog.weight) == (("fog",), -1.0)


@pytest.mark.parametrize("number", ["9" * 400, "-" + "9" * 400, "9" * 39])
def test_a_number_that_no_model_can_compute_with_is_no_weight(number):
    parts = one_by_one(f"a cat AND a dog:{number} AND a fox :{'9' * 38}").positive
    assert [part.weight for part in parts] == [1.0, 1.0, 1e38]
    assert parts[1].texts == (f"a dog:{number}",)


def test_only_the_main_text_has_its_commas_put_in_order():
    assert texts(one_by_one("a ,b", "c ,d"))[1] == ("c ,d",)


@pytest.mark.parametrize("tag", ["", " <lora:film:1>", ", <lora:film:1>,"])
def test_a_tag_changes_no_text_of_a_style(tag):
    library = StyleLibrary((Style("odd", "photo ,of {prompt} ,, 8k.", "x ,y."),))
    found = one_by_one(f"a fox{tag}\nin ,snow", "fog", styles=["odd"], library=library)
    assert texts(found) == ([("photo ,of a fox ,, 8k.", "in ,snow")], ("x ,y.", "fog"))


def test_an_expansion_continues_the_text_without_what_a_tag_leaves():
    options = {"index": 0, "seed": 1, "styles": [], "library": StyleLibrary(())}
    typed = "a red house, <lora:film:1>, tree"
    resolved = resolve_image(typed, "", wildcards=Wildcards(), in_lines=True, **options)
    assert resolved.subject == "a red house, tree"
    found = resolved.finish("a red house, tree, warm light").one_by_one.positive
    assert found[0].texts == ("a red house, tree", "a red house, tree, warm light")


def test_styles_come_in_order_and_further_lines_behind_them():
    found = one_by_one("a fox\nin snow", "fog\nrain", styles=["film", "dusk"])
    assert texts(found) == (
        [("film still of a fox, grain", "warm light", "in snow")],
        ("cartoon", "cold light", "fog", "rain"),
    )
    assert found.positive[0].pooled == 3
    assert found.negative.pooled == 4


@pytest.mark.parametrize("expanded", ["a fox, sharp focus", "sharp focus"])
@pytest.mark.parametrize("separator", [", ", " BREAK "])
def test_an_expansion_is_the_whole_prompt_continued_and_is_not_counted(expanded, separator):
    (part,) = one_by_one("a fox", expanded=expanded, styles=["dusk"], separator=separator).positive
    assert part == TextList(("a fox", "warm light", "a fox, sharp focus"), 2)


def test_an_expansion_that_adds_nothing_is_none():
    assert one_by_one("a fox", expanded="a fox").positive == (TextList(("a fox",), 1),)


def test_parts_keep_their_weights_and_what_is_not_wanted_gets_no_styles():
    found = one_by_one(
        "a fox AND snow :0.5 AND fog :-1", styles=["dusk"], expanded="a fox, snow, x"
    )
    assert [(part.texts, part.weight, part.pooled) for part in found.positive] == [
        (("a fox", "warm light", "a fox, snow, x"), 1.0, 2),
        (("snow", "warm light", "a fox, snow, x"), 0.5, 2),
        (("fog",), -1.0, 1),
    ]


def test_where_texts_are_joined_there_are_none():
    assert one_by_one("a fox", in_lines=False) is None


def test_a_list_is_never_empty():
    assert text_list(["", "<lora:film:1>"]) == TextList(("",), 1)


def test_a_picture_that_states_its_texts_gives_them_as_they_are():
    found = given_texts(["a AND b", "a, [b|c]"], [], has_expansion=True)
    assert found.positive == (TextList(("a AND b", "a, [b|c]"), 1, is_plain=True),)
    assert found.negative == TextList(("",), 1, is_plain=True)
    assert given_texts(["a"], ["b"], has_expansion=True).positive[0].pooled == 1
