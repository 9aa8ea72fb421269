"""What the expander makes of prompts in other languages, and of foreign words in English ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fooocus_ext.prompting.expander import Expander, load_expander
from fooocus_ext.prompting.expander.rules_file import load_rules
from fooocus_ext.prompting.style_files import load_styles

ROOT = Path(__file__).parents[3]
RULES = load_rules()
STYLES = load_styles([ROOT / "styles"])
SEEDS = 8
FILM_NOIR = "shadow|contrast|dramatic|drama|dim "
PAINT = "brush|pigment|painterly"
FOOD = "appetizing|mouthwatering|delicious|luscious|tempting|indulgent|styling|fresh"
COLOURS = "color"


@pytest.fixture(scope="module")
def expander() -> Expander:
    return load_expander()


def known_in_english(word: str) -> bool:
    return word in {"a", "and", "the", "of", "in", "style", "detective", "poster", "portrait"}


def said(text: str) -> frozenset[str]:
    return RULES.read(text, knows=known_in_english).said


def phrases_behind(expander: Expander, prompt: str, style: str = "") -> str:
    expansions = expander.expansions([prompt] * SEEDS, range(SEEDS), style_texts=[style] * SEEDS)
    return "\n".join(expansion.words for expansion in expansions)


@pytest.mark.parametrize(
    ("prompt", "not_behind"),
    [
        ("chat noir", FILM_NOIR),
        ("un manteau noir", FILM_NOIR),
        ("femme aux cheveux noirs, robe rouge", FILM_NOIR),
        ("tasse de café noir", FILM_NOIR),
        ("masterpiece, best quality, cheval noir", FILM_NOIR),
        ("noir et blanc", f"{COLOURS}|dramatic|dim |deep shadows"),
        ("portrait noir et blanc, femme", f"{COLOURS}|dramatic|dim |deep shadows"),
        ("queso fresco", PAINT),
        ("conte de fées, princesse", "hatching|linework"),
        ("czarny pies", FOOD),
        ("un chat noir sur un toit, clair de lune", FILM_NOIR),
        ("una mesa con pan y vino", FOOD),
    ],
)
@pytest.mark.parametrize("style", ["", "Fooocus Sharp"])
def test_no_false_friend_brings_words_of_its_own(expander, prompt, not_behind, style):
    texts = phrases_behind(expander, prompt, STYLES.get(style).prompt if style else "")
    assert texts
    assert not re.findall(not_behind, texts)


@pytest.mark.parametrize(
    ("prompt", "somewhere_behind"),
    [
        ("film noir detective in the rain", FILM_NOIR),
        ("gotham city noir", FILM_NOIR),
        ("a noir alley in Los Angeles, jalapeño stand", FILM_NOIR),
        ("tokyo noir, 東京", FILM_NOIR),
        ("a fresco of a saint", PAINT),
        ("two apple pies", FOOD),
        ("crème brûlée, food photography", "photograph|exposure"),
        ("a naïve painting of a château", PAINT),
    ],
)
def test_english_stays_english_beside_foreign_words(expander, prompt, somewhere_behind):
    assert re.search(somewhere_behind, phrases_behind(expander, prompt))


@pytest.mark.parametrize("text", ["Día de los Muertos, skull", "1girl, kimono, 桜", "a café, 雨"])
def test_a_foreign_name_does_not_hide_the_prompt(expander, text):
    english = "skull" if "skull" in text else text.rpartition(",")[0]
    assert said(english) <= said(text)
    assert not set(phrases_behind(expander, text).replace("\n", ", ").split(", ")) <= RULES.neutral


@pytest.mark.parametrize(
    ("text", "is_said"),
    [
        ("chat noir", False),
        ("costume style noir", True),
        ("chat noir, a detective", False),
        ("a detective, noir", True),
        ("a detective, chat noir, noir", True),
        ("tasse style cafe noir", False),
        ("noir", True),
        ("1940s noir", True),
        ("noir noir noir", True),
        ("gatsby film noir", True),
        ("the gatsby noir poster", True),
    ],
)
def test_a_false_friend_speaks_where_half_of_the_words_beside_it_are_known(text, is_said):
    assert ("light.dark" in said(text)) is is_said


def test_a_false_friend_speaks_to_who_knows_no_words():
    assert "light.dark" in RULES.read("chat noir").said


@pytest.mark.parametrize(
    "text",
    [
        "schwarzweiß",
        "Schwarz-Weiß Foto",
        "portrait noir et blanc",
        "en blanco y negro",
        "bianco e nero",
        "preto e branco",
        "zwart-wit",
        "siyah beyaz",
    ],
)
def test_black_and_white_in_other_languages(text):
    assert "gray.all" in said(text)
    assert not {"contrast.high", "light.dark"} & said(text)


@pytest.mark.parametrize("word", ["çatı", "sıcat", "catœur", "rainß", "ærain", "rainø"])
def test_no_word_is_cut_out_of_another(word):
    assert not RULES.read(word).said


@pytest.mark.parametrize("word", ["café", "Café", "fiancée", "château", "ČAT"])
def test_accents_do_not_matter(word):
    plain = {"café": "cafe", "fiancée": "fiancee", "château": "chateau", "čat": "cat"}
    assert RULES.read(word) == RULES.read(plain[word.lower()])
