"""The texts of all pictures of a job, in both passes, and what the infotext says of them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext import infotext
from fooocus_ext.args import Settings
from fooocus_ext.errors import RequestError
from fooocus_ext.generation.plan import Plan
from fooocus_ext.generation.texts import rewrite_job
from fooocus_ext.generation.writer import Writer
from fooocus_ext.original_texts import OriginalTexts
from fooocus_ext.prompting.comments import HASH, NO_COMMENTS, WITH_BLOCKS, strip_comments
from fooocus_ext.prompting.lines import COMMA
from fooocus_ext.prompting.rewrite import BREAK, resolve_image
from fooocus_ext.prompting.styles import Style, StyleLibrary
from fooocus_ext.prompting.wildcards import Wildcards

LIBRARY = StyleLibrary(
    (
        Style("film", "film still of {prompt}, grain", "cartoon"),
        Style("warm", "warm light", "cold light"),
    )
)
OFF = Settings(enabled=True, expansion=False)
FILM = Settings(enabled=True, expansion=False, styles=("film",))
EXPANDED = Settings(enabled=True, expansion=True)
FILM_EXPANDED = FILM.replace(expansion=True)


class Expander:
    """Continues texts recognisably, and remembers what it was asked."""

    def __init__(self):
        self.calls = []

    def __call__(self, texts, seeds, styles, preceding):
        self.calls.append((list(texts), list(seeds)))
        self.styles, self.preceding = list(styles), list(preceding)
        return [f"{text}, word{seed}" for text, seed in zip(texts, seeds, strict=True)]


def job(prompts, negatives=None, seeds=None, **others):
    count = len(prompts)
    return SimpleNamespace(
        all_prompts=list(prompts),
        all_negative_prompts=list(negatives or [""] * count),
        all_seeds=list(seeds or range(10, 10 + count)),
        extra_generation_params={},
        **others,
    )


def rewrite(p, settings, *, expander=None, loras=(), varies=True, **writing):
    writer = Writer(
        **{"styles": LIBRARY, "wildcards": Wildcards(), "expand": expander or Expander(), **writing}
    )
    add_loras = Plan(settings, settings, loras=list(loras)).with_loras
    return rewrite_job(p, settings, writer, add_loras=add_loras, infotext_varies=varies)


def entries_of(p):
    """What the host writes for each picture: values as they are, functions called for its index."""
    return [
        {
            key: value(p=p, all_prompts=p.all_prompts, all_seeds=p.all_seeds, index=index)
            if callable(value)
            else value
            for key, value in p.extra_generation_params.items()
        }
        for index in range(len(p.all_prompts))
    ]


@given(
    st.lists(
        st.tuples(
            st.text(max_size=40).filter(lambda text: "__" not in text and "[[" not in text),
            st.text(max_size=40).filter(lambda text: "__" not in text),
            st.integers(0, 2**63),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_nothing_wanted_leaves_every_text_as_typed(rows):
    prompts, negatives, seeds = map(list, zip(*rows, strict=True))
    p = job(prompts, negatives, seeds)
    expander = Expander()
    assert rewrite(p, OFF, expander=expander).notes == ()
    assert (p.all_prompts, p.all_negative_prompts, p.all_seeds) == (prompts, negatives, seeds)
    if infotext.replaced(prompts + negatives, prompts + negatives) == [None] * 2 * len(rows):
        assert set(p.extra_generation_params.values()) == {None}
    assert expander.calls == []


COMMENTED = ["# note\na cat", "a cat # draft", "a cat\n#note\nin rain"]


@pytest.mark.parametrize("typed", COMMENTED)
@pytest.mark.parametrize("settings", [OFF, FILM, EXPANDED])
@pytest.mark.parametrize("sign", WITH_BLOCKS)
def test_comments_are_no_part_of_what_is_rewritten_and_come_back_from_the_infotext(
    typed, settings, sign
):
    typed = typed.replace("#", sign)
    p = job([typed], [typed], seeds=[1])
    rewrite(p, settings, comments=HASH if sign == "#" else WITH_BLOCKS)
    for text in (*p.all_prompts, *p.all_negative_prompts):
        assert strip_comments(text, WITH_BLOCKS) == text
        assert "a cat" in text
        assert not {"note", "draft"} & {*text.split()}
    if settings is FILM:
        assert p.all_prompts[0].startswith("film still of a cat, grain")
    [entries] = entries_of(p)
    assert entries[infotext.PROMPT] == typed


def test_comments_are_text_where_the_webui_takes_them_for_text():
    p = job(["a cat # draft"])
    rewrite(p, FILM)
    assert p.all_prompts == ["film still of a cat # draft, grain"]


def test_a_lora_in_a_comment_is_none_beside_original_texts():
    texts = OriginalTexts(("film still of a cat",))
    p = job(["a cat <lora:on:1> # <lora:off:1>"])
    rewrite(p, OFF.replace(original_texts=texts), comments=HASH)
    assert p.all_prompts == ["film still of a cat <lora:on:1>"]


@pytest.mark.parametrize("sign", WITH_BLOCKS)
def test_what_we_write_is_never_a_comment(tmp_path, sign):
    (tmp_path / "color.txt").write_text(f"# licence\ncolor {sign}1\n", encoding="utf-8")
    library = StyleLibrary((Style("best", f"{sign}1 photo of {{prompt}}, sharp", f"{sign}2"),))
    p = job(["a __color__ cat"])
    settings = Settings(enabled=True, expansion=False, styles=("best",))
    rewrite(p, settings, styles=library, wildcards=Wildcards([tmp_path]), comments=WITH_BLOCKS)
    assert p.all_prompts == ["1 photo of a color 1 cat, sharp"]
    assert p.all_negative_prompts == ["2"]


def test_every_picture_is_rewritten_as_it_would_be_alone(tmp_path):
    (tmp_path / "color.txt").write_text("red\ngreen\nblue\ngold\n", encoding="utf-8")
    wildcards = Wildcards([tmp_path])
    typed = ["a __color__ fox", "a __color__ owl", "a __color__ fox"]
    settings = Settings(enabled=True, styles=("Random Style", "warm"), expansion=True)
    p = job(typed, ["blur"] * 3, [5, 6, 5])
    rewrite(p, settings, wildcards=wildcards)
    for index, (prompt, seed) in enumerate(zip(typed, [5, 6, 5], strict=True)):
        resolved = resolve_image(
            prompt,
            "blur",
            index=index,
            seed=seed,
            styles=settings.styles,
            library=LIBRARY,
            wildcards=wildcards,
        )
        alone = resolved.finish(f"{resolved.subject}, word{seed}")
        assert p.all_prompts[index] == alone.positive
        assert p.all_negative_prompts[index] == alone.negative
    assert p.all_prompts[0] == p.all_prompts[2]


def test_another_extension_may_change_the_number_of_prompts_alone():
    """Dynamic Prompts does so ("combinatorial"), and leaves negative prompts and seeds of more pictures."""
    p = job(["a red house", "a blue house"], ["blur", "fog", "rain"], seeds=[1, 2, 3])
    rewrite(p, EXPANDED)
    assert p.all_prompts == ["a red house, word1", "a blue house, word2"]
    assert p.all_negative_prompts == ["blur", "fog"]
    p = job(["a red house", "a blue house"], ["blur"], seeds=[1, 2, 3])
    rewrite(p, Settings())
    assert p.all_negative_prompts == ["blur", "blur"]


def test_the_expander_is_asked_once_for_the_whole_job():
    expander = Expander()
    p = job(["a fox", "an owl", "a fox"], seeds=[1, 2, 1])
    rewrite(p, EXPANDED, expander=expander)
    assert expander.calls == [(["a fox", "an owl"], [1, 2])]
    assert p.all_prompts == ["a fox, word1", "an owl, word2", "a fox, word1"]


def test_the_expander_is_told_what_the_styles_say():
    expander = Expander()
    settings = EXPANDED.replace(styles=["film", "warm"])
    rewrite(job(["a fox"], seeds=[1]), settings, expander=expander)
    assert expander.styles == ["film still of {prompt}, grain, warm light"]


def test_the_style_of_that_name_asks_for_expansion_too():
    p = job(["a fox"], seeds=[1])
    rewrite(p, OFF.replace(styles=["Fooocus V2"]))
    assert p.all_prompts == ["a fox, word1"]


def test_the_expander_is_not_asked_for_nothing():
    expander = Expander()
    rewrite(job([""]), EXPANDED, expander=expander)
    assert expander.calls == []


def test_an_expander_that_answers_short_is_an_error():
    with pytest.raises(ValueError, match="zip"):
        rewrite(job(["a fox"]), EXPANDED, expander=lambda *_asked: [])


def test_an_unknown_style_is_refused_and_leaves_the_job():
    p = job(["a fox"])
    with pytest.raises(RequestError, match="no style"):
        rewrite(p, OFF.replace(styles=["flim"]))
    assert p.all_prompts == ["a fox"]
    assert p.extra_generation_params == {}


def test_loras_follow_the_rewritten_text_but_not_the_negative():
    p = job(["a fox", "an owl <lora:detail:0.2>"])
    rewrite(p, FILM, loras=[("detail", 0.5), ("line", 1.0)])
    assert p.all_prompts == [
        "film still of a fox, grain <lora:detail:0.5> <lora:line:1>",
        "film still of an owl <lora:detail:0.2>, grain <lora:line:1>",
    ]
    assert p.all_negative_prompts == ["cartoon", "cartoon"]


def test_infotext_holds_what_was_typed_where_it_no_longer_shows():
    p = job(["a fox"], ["blur"], [3])
    rewrite(p, FILM.replace(expansion=True))
    assert entries_of(p) == [
        {infotext.PROMPT: "a fox", infotext.NEGATIVE_PROMPT: "blur", infotext.EXPANSION: "word3"}
    ]


def test_infotext_omits_a_negative_prompt_that_stayed():
    p = job(["a fox"], ["blur"])
    rewrite(p, EXPANDED)
    assert p.extra_generation_params[infotext.NEGATIVE_PROMPT] is None


def test_infotext_counts_added_loras_as_a_change():
    p = job(["a fox"])
    rewrite(p, OFF, loras=[("detail", 0.5)])
    assert p.extra_generation_params[infotext.PROMPT] == "a fox"


def test_pictures_that_differ_get_their_own_entries():
    p = job(["a fox", "an owl"], seeds=[3, 4])
    rewrite(p, EXPANDED)
    first, second = entries_of(p)
    assert (first[infotext.PROMPT], first[infotext.EXPANSION]) == ("a fox", "word3")
    assert (second[infotext.PROMPT], second[infotext.EXPANSION]) == ("an owl", "word4")


def test_the_host_may_ask_within_a_batch_instead_of_the_job():
    p = job(["a fox", "an owl", "a hen"], seeds=[3, 4, 5])
    rewrite(p, EXPANDED)
    ask = p.extra_generation_params[infotext.EXPANSION]
    p.iteration, p.batch_size = 2, 1
    assert ask(all_prompts=p.all_prompts[2:], index=0, p=p) == "word5"
    assert ask(all_prompts=p.all_prompts, index=1, p=p) == "word4"
    assert ask(all_prompts=p.all_prompts[2:], index=0, p=p, use_main_prompt=True) == "word3"


def test_entries_survive_prompts_that_others_change_later():
    p = job(["a fox", "an owl"], seeds=[3, 4])
    rewrite(p, EXPANDED)
    p.all_prompts[1] += " <lora:late:1>"
    assert entries_of(p)[1][infotext.EXPANSION] == "word4"


def test_a_typed_prompt_in_quotes_comes_back_in_quotes():
    p = job(['"a fox"'], seeds=[3])
    rewrite(p, EXPANDED)
    assert json.loads(p.extra_generation_params[infotext.PROMPT]) == '"a fox"'


def test_without_entries_per_picture_only_common_ones_are_written():
    p = job(["a fox", "a fox"], seeds=[3, 4])
    rewrite(p, EXPANDED, varies=False)
    assert p.extra_generation_params == {
        infotext.PROMPT: "a fox",
        infotext.NEGATIVE_PROMPT: None,
        infotext.EXPANSION: None,
    }


def test_a_second_pass_without_texts_of_its_own_gets_the_first_ones():
    expander = Expander()
    p = job(["a fox"], all_hr_prompts=["a fox"], all_hr_negative_prompts=[""])
    rewrite(p, FILM.replace(expansion=True), expander=expander, loras=[("line", 1.0)])
    assert p.all_hr_prompts == p.all_prompts
    assert p.all_hr_negative_prompts == p.all_negative_prompts == ["cartoon"]
    assert len(expander.calls) == 1


def test_a_second_pass_with_texts_of_its_own_has_those_rewritten_with_the_same_seed():
    p = job(["a fox"], seeds=[7], all_hr_prompts=["a sharp fox"], all_hr_negative_prompts=["soft"])
    rewrite(p, FILM.replace(expansion=True), loras=[("line", 1.0)])
    assert p.all_hr_prompts == ["film still of a sharp fox, grain, word7 <lora:line:1>"]
    assert p.all_hr_negative_prompts == ["cartoon, soft"]
    assert p.all_prompts == ["film still of a fox, grain, word7 <lora:line:1>"]
    assert infotext.typed_texts(entries_of(p)[0]) == {
        "prompt": "a fox",
        "negative_prompt": '""',  # quotes that the webui takes off
        "hr_prompt": "a sharp fox",
        "hr_negative_prompt": "soft",
    }


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("own", [None, "a sharp fox"])
def test_a_second_pass_has_a_text_for_each_picture_of_a_scripts_list(count, own):
    """Prompt Matrix lists prompts; the host sizes what is not listed by full batches."""
    typed = ["a fox", "a fox, snow"]
    hires = typed if own is None else [own] * count
    p = job(typed, all_hr_prompts=hires, all_hr_negative_prompts=[""] * count)
    texts = rewrite(p, FILM)
    wanted = [f"film still of {text}, grain" for text in (typed if own is None else [own] * 2)]
    assert p.all_hr_prompts == wanted
    assert p.all_hr_negative_prompts == ["cartoon"] * 2
    assert [each.prompt for each in texts.second_pass] == wanted


@pytest.mark.parametrize("absent", [{}, {"all_hr_prompts": None, "all_hr_negative_prompts": None}])
def test_a_job_without_a_second_pass_has_none_rewritten(absent):
    p = job(["a fox"], **absent)
    rewrite(p, FILM)
    assert not getattr(p, "all_hr_prompts", None)


def test_wildcards_in_order_count_through_the_pictures(tmp_path):
    (tmp_path / "color.txt").write_text("red\ngreen\n", encoding="utf-8")
    p = job(["__color__"] * 3)
    rewrite(p, OFF, wildcards=Wildcards([tmp_path]), in_order=True)
    assert p.all_prompts == ["red", "green", "red"]


def test_the_separator_is_used():
    p = job(["a fox"], seeds=[1])
    rewrite(p, EXPANDED, separator=BREAK)
    assert p.all_prompts == ["a fox BREAK a fox, word1"]


def test_a_note_is_given_once_however_many_pictures_it_concerns():
    notes = rewrite(job(["a __nothing__ fox"] * 3), OFF).notes
    assert len(notes) == 1
    assert "nothing" in notes[0]


def test_pasting_a_picture_gives_back_what_was_typed():
    p = job(["a fox"], ["blur"])
    rewrite(p, FILM)
    assert infotext.typed_texts(entries_of(p)[0]) == {"prompt": "a fox", "negative_prompt": "blur"}


def test_pasting_another_picture_gives_back_nothing():
    entries = {"Prompt": "a fox", "Negative prompt": "blur", "Steps": "20"}
    assert infotext.typed_texts(entries) == {}


ENTRIES = {
    infotext.SEPARATOR: "BREAK",
    infotext.WILDCARDS_IN_ORDER: "True",
    infotext.EXPANSION_TARGET: "30",
}


@pytest.mark.parametrize(
    ("settings", "texts", "used"),
    [
        (OFF, {}, set()),
        (FILM, {}, set()),
        (FILM, {"negatives": ["dog"]}, {infotext.SEPARATOR}),
        (OFF, {"prompts": ["a fox\nsnow"]}, {infotext.SEPARATOR}),
        (EXPANDED, {}, {infotext.SEPARATOR, infotext.EXPANSION_TARGET}),
        (OFF, {"prompts": ["a __color__ fox"]}, {infotext.WILDCARDS_IN_ORDER}),
        (OFF, {"negatives": ["__color__"]}, {infotext.WILDCARDS_IN_ORDER}),
        (OFF, {"all_hr_prompts": ["a __color__ fox"]}, {infotext.WILDCARDS_IN_ORDER}),
        (OFF, {"all_hr_prompts": ["a fox\nsnow"]}, {infotext.SEPARATOR}),
    ],
)
def test_only_settings_with_a_part_in_the_texts_are_in_the_infotext(settings, texts, used):
    p = job(**{"prompts": ["a fox"], "all_hr_negative_prompts": [""], **texts})
    rewrite(p, settings, separator=BREAK, entries=ENTRIES)
    assert ENTRIES.keys() & p.extra_generation_params.keys() == used


def continued(prompt, styles=(), *, comments=NO_COMMENTS):
    expander = Expander()
    writer = Writer(styles=LIBRARY, wildcards=Wildcards(), expand=expander, comments=comments)
    return writer.continued(prompt, 7, styles), expander


def test_a_prompt_is_continued_for_its_author_with_the_styles_in_view():
    text, expander = continued("a fox", ["Fooocus V2", "film", "no such style", "warm"])
    assert text == "a fox, word7"
    assert expander.styles == ["film still of {prompt}, grain, warm light"]


@pytest.mark.parametrize(
    ("prompt", "expanded"),
    [
        ("a fox # not a hound", "a fox, word7 # not a hound"),
        ("# head\na fox\n# tail", "# head\na fox, word7\n# tail"),
        ("a fox # one\n\n# two\n", "a fox, word7 # one\n\n# two\n"),
        ("a fox # one\nin snow", "a fox # one\nin snow, word7"),
        ("a fox \n", "a fox, word7 \n"),
        ("# a fox", "# a fox"),
    ],
)
def test_comments_stay_and_swallow_nothing_of_an_expansion(prompt, expanded):
    text, expander = continued(prompt, comments=HASH)
    assert text == expanded
    assert not any("#" in asked for (asked,), _seeds in expander.calls)


def test_where_the_webui_knows_no_comments_all_of_a_prompt_is_continued():
    assert continued("a fox # 1\n")[0] == "a fox # 1, word7\n"


def test_an_empty_prompt_is_not_continued():
    text, expander = continued("  \n")
    assert text == "  \n"
    assert expander.calls == []


@pytest.mark.parametrize(
    ("prompt", "settings", "separator", "preceding"),
    [
        ("a fox.\nin snow, <lora:a:1>", EXPANDED, COMMA, "a fox.\nin snow, "),
        ("a fox\nin snow", FILM_EXPANDED, COMMA, "film still of a fox, grain, in snow"),
        ("a fox AND a hound AND", FILM_EXPANDED, COMMA, "film still of a hound, grain"),
        (
            "a fox AND fog that hides a whole forest:-1",
            FILM_EXPANDED,
            COMMA,
            "film still of a fox, grain",
        ),
        ("a fox\nin snow", FILM_EXPANDED, BREAK, "a fox"),
        ("a fox", FILM_EXPANDED.replace(rendering="Fooocus"), COMMA, "a fox"),
    ],
)
def test_an_expander_is_told_behind_which_text_its_words_are_encoded(
    prompt, settings, separator, preceding
):
    expander = Expander()
    rewrite(job([prompt]), settings, expander=expander, separator=separator)
    assert expander.preceding == [preceding]


# --- texts that are encoded one by one --------------------------------------------------------------------


def one_by_one(encodings):
    return [[part.texts for part in encoding.texts.positive] for encoding in encodings]


def test_fooocus_rendering_has_the_texts_of_every_picture_one_by_one():
    p = job(["a [[red, blue]] fox,\nin snow"] * 2, ["blurry\nfog"] * 2)
    found = rewrite(p, OFF.replace(rendering="Fooocus"))
    assert one_by_one(found.first_pass) == [
        [("a red fox", "in snow")],
        [("a blue fox", "in snow")],
    ]
    assert found.first_pass[0].texts.negative.texts == ("blurry", "fog")
    assert found.second_pass == ()
    assert p.all_prompts == ["a red fox, in snow", "a blue fox, in snow"], (
        "as the infotext has them"
    )
    assert [encoding.prompt for encoding in found.first_pass] == p.all_prompts


def test_the_webuis_rendering_has_none():
    (encoding,) = rewrite(job(["a fox\nin snow"]), OFF).first_pass
    assert encoding.texts is None


@pytest.mark.parametrize(
    ("own", "wanted"),
    [("a fox\nin snow", ("a fox", "in snow")), ("an owl\nin rain", ("an owl", "in rain"))],
)
def test_the_second_pass_has_its_own_texts_or_those_of_the_first(own, wanted):
    hires = {"all_hr_prompts": [own], "all_hr_negative_prompts": [""]}
    found = rewrite(job(["a fox\nin snow"], **hires), OFF.replace(rendering="Fooocus"))
    assert one_by_one(found.second_pass) == [[wanted]]
