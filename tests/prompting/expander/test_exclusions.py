"""What may not reach the shipped model, and the program that sees to it."""

from __future__ import annotations

import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.prompting.expander.model import BUILT_IN_FOLDER
from tools.expander import exclusions as module
from tools.expander.exclusions import Exclusions, load_exclusions, words_of
from tools.expander.phrases import expand_alternatives, own_phrases, own_words
from tools.expander.sources import HERE, read_keyed_lists
from tools.expander.subjects import own_subjects

ARTISTS = ["Jane Roe", "John Q. Doe", "Grant Wood", "Émile Exemplé"]
needs_package = pytest.mark.skipif(
    importlib.util.find_spec("clip_interrogator") is None,
    reason="clip-interrogator is not installed (tools/expander/requirements.txt)",
)


@pytest.fixture
def exclusions(monkeypatch) -> Exclusions:
    monkeypatch.setattr(module, "interrogator_list", lambda name: ARTISTS)
    return load_exclusions({"wood", "light"})


@pytest.mark.parametrize(
    ("phrase", "kind"),
    [
        ("trending on artstation", "platform"),
        ("contest winner", "platform"),
        ("shot on canon", "brand"),
        ("unreal engine render", "brand"),
        ("nude statue", "unsafe"),
        ("a bloody knife", "unsafe"),
        ("by jane roe", "artist"),
        ("roe deer light", "artist"),
        ("grant wood", "artist"),
        ("extremely detailed", "trash"),
        ("8k light", "not plain lower-case words"),
        ("soft light!!", "not plain lower-case words"),
        ("Soft light", "not plain lower-case words"),
        ("", "not plain lower-case words"),
    ],
)
def test_refused(exclusions, phrase, kind):
    assert exclusions.reason(phrase) == kind


@pytest.mark.parametrize(
    "phrase", ["soft light", "polished wood", "canonical pose", "grassy hill", "warm rim light"]
)
def test_allowed(exclusions, phrase):
    assert exclusions.reason(phrase) is None


@given(st.text())
def test_only_plain_words_pass(phrase):
    rules = Exclusions(listed={("bad",): "unsafe"}, artists=frozenset(), surnames=frozenset())
    if rules.reason(phrase) is None:
        assert phrase.isascii()
        assert phrase == phrase.lower()
        assert "bad" not in words_of(phrase)


def listed() -> set[tuple[str, ...]]:
    lists = read_keyed_lists(HERE / "words" / "exclusions.txt")
    return {tuple(words_of(item)) for items in lists.values() for item in items} - {()}


def shipped_phrases() -> list[str]:
    return (BUILT_IN_FOLDER / "phrases.txt").read_text("utf-8").splitlines()


def test_nothing_shipped_is_on_the_list():
    refused = listed()
    for phrase in shipped_phrases():
        words = phrase.split()
        parts = {tuple(words[a:b]) for a in range(len(words)) for b in range(a + 1, len(words) + 1)}
        assert not parts & refused, phrase


def test_every_shipped_word_is_one_of_our_own_phrases():
    shipped = {
        line.split()[0] for line in (BUILT_IN_FOLDER / "words.txt").read_text("utf-8").splitlines()
    }
    assert shipped <= own_words()
    assert {word for phrase in shipped_phrases() for word in phrase.split()} == shipped


def test_no_shipped_phrase_repeats_a_word():
    assert all(len(set(phrase.split())) == len(phrase.split()) for phrase in shipped_phrases())


@needs_package
def test_no_artist_in_what_is_shipped():
    rules = load_exclusions(own_words())
    assert [phrase for phrase in shipped_phrases() if rules.reason(phrase)] == []
    assert len(rules.artists) > 4000


@needs_package
def test_own_phrases_and_subjects_pass_the_gate():
    nouns = {word for subject in own_subjects() for word in subject.text.split()}
    rules = load_exclusions(own_words() | nouns)
    texts = [phrase.text for phrase in own_phrases()] + [subject.text for subject in own_subjects()]
    assert [text for text in texts if rules.reason(text)] == []


def test_alternatives():
    assert expand_alternatives("soft|warm rim light") == ["soft rim light", "warm rim light"]
