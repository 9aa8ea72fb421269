"""Original texts in a generation: for the whole job or for none of it, and nothing for the host to act on."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.args import Settings
from fooocus_ext.generation import originals
from fooocus_ext.generation.plan import Plan
from fooocus_ext.original_texts import OriginalTexts, fingerprint
from fooocus_ext.prompting.grammar import AND, marks_of

MADE_OF = fingerprint("a fox", "blurry", ["Fooocus V2"], expansion=True)
TEXTS = OriginalTexts(
    ("film still of a fox", "a fox, light"), ("cartoon",), "a fox, light", of=MADE_OF
)
SETTINGS = Settings(enabled=True, styles=("Fooocus V2",), original_texts=TEXTS)


def settle(*prompts, negative="blurry", settings=SETTINGS):
    p = SimpleNamespace(all_prompts=list(prompts), all_negative_prompts=[negative] * len(prompts))
    plan = Plan(settings=settings, typed=settings)
    return originals.settle(p, plan)


def test_they_hold_with_the_tags_that_the_page_adds():
    plan = settle("a fox <lora:film:0.5>", "a fox")
    assert plan.settings == plan.typed == SETTINGS
    assert plan.notes == [originals.IN_USE]


@pytest.mark.parametrize(
    "edited",
    [
        {"prompts": ["a fox", "a hare"]},
        {"prompts": ["a fox"], "negative": "text"},
        {"prompts": ["a fox"], "settings": SETTINGS.replace(styles=["film"])},
        {"prompts": ["a fox"], "settings": SETTINGS.replace(expansion=False)},
    ],
)
def test_after_an_edit_none_of_them_is_used_or_recorded(edited):
    plan = settle(*edited.pop("prompts"), **edited)
    assert plan.settings.original_texts is plan.typed.original_texts is None
    assert plan.notes == [originals.EDITED]


UNBOUND = SETTINGS.replace(original_texts=replace(TEXTS, of=""))


def test_those_that_hold_whatever_the_prompt_is_are_recorded_with_what_it_was():
    plan = settle("a fox", "a fox <lora:film:0.5>", settings=UNBOUND)
    assert plan.settings == UNBOUND
    assert plan.typed == SETTINGS
    assert plan.notes == [originals.IN_USE]


def test_beside_several_prompts_they_are_recorded_without():
    plan = settle("a fox", "a hare", settings=UNBOUND)
    assert plan.settings == plan.typed == UNBOUND


def test_without_any_nothing_is_said():
    assert settle("a fox", settings=Settings(enabled=True)).notes == []


def test_each_picture_gets_them_and_keeps_the_tags_of_its_prompt():
    one, two = originals.as_rewritten(TEXTS, ["a fox <lora:a:1>", "a fox"], separator=", ")
    assert one.positive == "film still of a fox, a fox, light <lora:a:1>"
    assert two.positive == "film still of a fox, a fox, light"
    assert one.negative == "cartoon"
    assert one.expansion == "a fox, light"
    assert one.is_joined
    ((encoded,), negative) = one.one_by_one.positive, one.one_by_one.negative
    assert (encoded.texts, encoded.pooled, encoded.is_plain) == (TEXTS.full_prompt, 1, True)
    assert (negative.texts, negative.pooled, negative.is_plain) == (("cartoon",), 1, True)


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("a cat AND a dog BREAK (a:1.2)", "a cat and a dog break (a:1.2)"),
        ("[red:blue:0.5] [a|b]", r"\[red:blue:0.5\] \[a|b\]"),
        (r"\[kept\] \(kept\)", r"\[kept\] \(kept\)"),
        ("a <lora:x:1> b # no comment", "a b no comment"),
        ("BRAND, land", "BRAND, land"),
    ],
)
def test_the_host_finds_nothing_to_act_on_but_emphasis(text, harmless):
    (found,) = originals.as_rewritten(OriginalTexts((text,)), [""], separator=", ")
    assert found.positive == harmless
    assert not found.is_joined


@given(st.text(alphabet="ANDBREK []<>lora:1#\\(|)a \n", max_size=40))
def test_whatever_the_text(text):
    (found,) = originals.as_rewritten(OriginalTexts((text,)), [""], separator=", ")
    assert not AND.search(found.positive)
    assert "#" not in found.positive
    assert "\n" not in found.positive
    assert not {mark.kind for mark in marks_of(found.positive)} & set("[]")


def test_their_texts_are_encoded_one_by_one_as_they_are():
    (found,) = originals.as_rewritten(TEXTS, ["a fox"], separator=", ")
    (part,) = found.one_by_one.positive
    assert (part.texts, part.pooled) == (TEXTS.full_prompt, 1), "the expansion is not counted"
    assert found.one_by_one.negative.texts == ("cartoon",)
    assert part.is_plain
    assert found.one_by_one.negative.is_plain
