from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.prompting.expander.forms import Forms
from fooocus_ext.prompting.expander.words import (
    FreeWords,
    PhraseBook,
    WholePhrases,
    gumbel,
    sample_top_k,
)

WORDS = ("soft", "light", "deep", "warm", "glow")
BOOK = PhraseBook(
    words=WORDS,
    costs=(1, 1, 1, 2, 1),
    phrases=(
        (1, 2),
        (4, 2),
        (4, 5),
        (3,),
        (3, 5),
    ),  # soft light, warm light, warm glow, deep, deep glow
)


def names(grammar):
    return {"," if choice == 0 else WORDS[choice - 1] for choice in grammar.choices()}


def test_free_words_come_once_and_commas_always():
    grammar = FreeWords(WORDS, {"deep"}, room=5)
    assert names(grammar) == {",", "soft", "light", "warm", "glow"}
    for choice in (1, 0, 0, 5, 2):
        assert "," in names(grammar)
        grammar.add(choice)
    assert grammar.choices().size == 0
    assert grammar.phrases() == ["soft", "glow light"]


def test_whole_phrases_follow_the_book():
    grammar = WholePhrases(BOOK, set(), room=20)
    assert names(grammar) == {"soft", "warm", "deep"}
    grammar.add(4)
    assert names(grammar) == {"light", "glow"}
    grammar.add(5)
    assert names(grammar) == {","}
    grammar.add(0)
    assert names(grammar) == {"soft", "deep"}
    grammar.add(3)
    assert names(grammar) == {","}  # "deep glow" is out: glow was written
    grammar.add(0)
    assert grammar.phrases() == ["warm glow", "deep"]


def test_words_of_the_prompt_are_not_written_again():
    assert names(WholePhrases(BOOK, {"light", "unknown"}, room=20)) == {"warm", "deep"}


def test_phrases_that_do_not_fit_are_not_begun():
    assert names(WholePhrases(BOOK, set(), room=3)) == {"soft", "deep"}
    assert names(WholePhrases(BOOK, set(), room=2)) == {"deep"}
    assert names(WholePhrases(BOOK, set(), room=1)) == set()


def test_an_unfinished_phrase_is_left_out():
    grammar = WholePhrases(BOOK, set(), room=20)
    for choice in (3, 0, 1):
        grammar.add(choice)
    assert grammar.phrases() == ["deep"]


@given(st.integers(0, 2**32), st.sets(st.sampled_from(WORDS)), st.integers(0, 30))
def test_any_walk_stays_in_the_book(seed, used, room):
    random = np.random.default_rng(seed)
    grammar = WholePhrases(BOOK, used, room)
    while grammar.choices().size:
        grammar.add(int(random.choice(grammar.choices())))
    phrases = [tuple(phrase.split()) for phrase in grammar.phrases()]
    written = [word for phrase in phrases for word in phrase]
    allowed = {tuple(WORDS[i - 1] for i in phrase) for phrase in BOOK.phrases}
    assert set(phrases) <= allowed
    assert len(written) == len(set(written))
    assert not used & set(written)
    assert sum(1 + sum(BOOK.costs[WORDS.index(w)] for w in p) for p in phrases) <= room


def test_sampling_has_the_distribution_of_the_scores():
    random = np.random.default_rng(0)
    scores = np.log(np.array([0.5, 0.2, 0.15, 0.1, 0.05]))
    choices = np.arange(5)
    counts = np.zeros(5)
    for _ in range(20_000):
        noise = gumbel(random.random(5))
        counts[sample_top_k(scores, choices, noise, top_k=3, margin=0.0).output] += 1
    expected = np.array([0.5, 0.2, 0.15, 0, 0]) / 0.85
    assert counts / 20_000 == pytest.approx(expected, abs=0.012)


@given(st.integers(0, 2**32), st.integers(2, 60), st.integers(1, 50))
def test_a_certain_choice_survives_any_error_within_the_margin(seed, size, top_k):
    random = np.random.default_rng(seed)
    scores, noise = random.normal(size=size), gumbel(random.random(size))
    choices = np.sort(random.choice(size, size=random.integers(1, size + 1), replace=False))
    choice = sample_top_k(scores, choices, noise, top_k=top_k, margin=0.05)
    for _ in range(20):
        wrong = scores + random.uniform(-0.05, 0.05, size=size) * 0.99
        again = sample_top_k(wrong, choices, noise, top_k=top_k, margin=0.0)
        assert again.output == choice.output or not choice.certain


def test_most_choices_are_certain_at_the_margin_in_use():
    random = np.random.default_rng(1)
    draws = [
        sample_top_k(
            random.normal(size=600),
            np.arange(600),
            gumbel(random.random(600)),
            top_k=100,
            margin=2e-3,
        )
        for _ in range(500)
    ]
    assert sum(not draw.certain for draw in draws) < 25


def test_no_form_of_a_written_word_comes_again():
    words = ("elegant", "lines", "pure", "elegance", "line", "work")
    book = PhraseBook(words, (1,) * 6, phrases=((1, 2), (3, 4), (5, 6), (6,)))
    grammar = WholePhrases(book, set(), room=20, forms=Forms(words))
    for choice in (1, 2, 0):
        grammar.add(choice)
    assert [words[choice - 1] for choice in grammar.choices()] == ["work"]


@pytest.mark.parametrize(
    ("word", "others"),
    [
        ("lights", {"light", "lighting"}),
        ("elegance", {"elegant"}),
        ("craft", {"craftsmanship"}),
        ("harmony", {"harmonious"}),
        ("precise", {"precision"}),
        ("beauty", {"beautiful", "beautifully"}),
        ("textures", {"texture"}),
        ("balance", {"balanced"}),
        ("unknown", set()),
    ],
)
def test_other_forms_of_a_word(word, others):
    there = "light lighting elegant craftsmanship harmonious precision"
    more = "beautiful beautifully texture balanced sing s"
    forms = Forms(f"{there} {more}".split())
    assert forms.of([word]) == {word, *others}
