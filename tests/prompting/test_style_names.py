"""Names of others' styles: which of ours is nearest, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.prompting import style_names
from fooocus_ext.prompting.style_files import load_styles
from fooocus_ext.prompting.style_names import nearest, note
from fooocus_ext.prompting.styles import SPECIAL_STYLES

OURS = load_styles([Path(__file__).resolve().parents[2] / "styles"]).names
CIRCULATING = {
    "SAI Photographic": "photo-analog-35mm",
    "sai-photographic": "photo-analog-35mm",
    "sai_photographic": "photo-analog-35mm",
    "sai-anime": "anime-key-visual",
    "SAI Lowpoly": "3d-low-poly",
    "sai low poly": "3d-low-poly",
    "SAI Enhance": "Fooocus Enhance",
    "MRE Cinematic Dynamic": "cinematic-default",
    "MRE Sumi E Symbolic": "painting-sumi-e",
    "Artstyle Cubist": "painting-cubist",
    "Artstyle Cubism": "painting-cubist",
    "Futuristic Cyberpunk Cityscape": "future-cyberpunk-street",
    "Game RPG Fantasy Game": "game-fantasy-rpg-card",
    "ads-gourmet food photography": "photo-food",
    "Ads Real Estate": "architecture-real-estate",
    "papercraft-thick layered papercut": "craft-paper-cut-layers",
    "Papercraft Paper Quilling": "craft-quilling",
    "mk-van gogh": "painting-post-impressionist",
    "MK Ukiyo-e": "painting-ukiyo-e",
    "Photo Tilt-Shift": "3d-miniature-diorama",
    "Misc Fairy Tale": "mood-ethereal-fairy",
    "Steampunk 2": "future-steampunk",
}


@pytest.mark.parametrize(("name", "ours"), CIRCULATING.items())
def test_names_that_circulate_have_a_nearest_style(name, ours):
    assert nearest(name, OURS) == ours


@pytest.mark.parametrize("name", OURS)
def test_an_installed_style_is_nearest_to_itself_however_it_is_written(name):
    assert nearest(name, OURS) == name
    assert nearest(f"  {name.upper().replace('-', '_')} ", OURS) == name


def test_what_the_user_installed_goes_before_the_table():
    assert nearest("SAI Photographic", [*OURS, "sai-photographic"]) == "sai-photographic"
    assert nearest("photo_macro", [*OURS, "photo_macro"]) == "photo_macro"


def test_a_nearest_style_that_is_not_installed_is_not_given():
    assert nearest("SAI Photographic", ["painting-cubist"]) is None
    assert nearest("sai-anime", []) is None


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Watercolor Painting", "painting-watercolor-loose"),
        ("baroque style", "painting-baroque"),
        ("Impressionist", "painting-impressionist"),
        ("painting", None),
        ("Style: Anime", "anime-key-visual"),
        ("knitting", "craft-knitted"),
    ],
)
def test_other_names_go_to_the_one_style_that_has_all_their_words(name, found):
    assert nearest(name, OURS) == found


@pytest.mark.parametrize(
    "name",
    ["", " ", "???", "photo", "art", "the", "game-gta", "MK Kalighat Painting", "日本", "a" * 9999],
)
def test_where_none_is_near_there_is_none(name):
    assert nearest(name, OURS) is None


@pytest.mark.parametrize("name", [*SPECIAL_STYLES, "fooocus-v2"])
def test_nothing_stands_for_the_special_styles(name):
    assert nearest(name, OURS) is None


def test_the_table_names_styles_that_are_shipped_and_each_name_once():
    table = style_names._table()
    assert set(table.values()) <= set(OURS)
    listed = style_names._TABLE.replace(",\n    ", ", ").strip().splitlines()
    names = [name for line in listed for name in line.split(" | ")[1].split(", ")]
    assert len({style_names._key(style_names._words(name)) for name in names}) == len(names)
    assert len(names) > 200


def test_the_note_names_both():
    assert (
        note("SAI Photographic", "photo-analog-35mm")
        == "SAI Photographic is not installed; photo-analog-35mm is the nearest"
    )
    assert note("game-gta", None) == "game-gta is not installed, and no style comes near it"
    assert note(" \n", None).startswith("A style without a name is not installed")
    assert note("x" * 500, None).startswith("x" * 100 + "... is not")


@given(st.one_of(st.text(), st.sampled_from(sorted(CIRCULATING))), st.lists(st.text(), max_size=5))
def test_any_text_has_an_installed_style_or_none(name, installed):
    for names in (OURS, installed):
        found = nearest(name, names)
        assert found is None or found in names
        assert note(name, found)
    assert note(name, None).isprintable()


def test_the_installed_names_are_taken_apart_once_for_all_that_are_looked_up(monkeypatch):
    words, taken_apart = style_names._words, []

    def counted(name):
        taken_apart.append(name)
        return words(name)

    monkeypatch.setattr(style_names, "_words", counted)
    for number in range(50):
        assert nearest(f"q{number} zz", [*OURS, "of this test"]) is None
    assert len(taken_apart) < 3 * len(OURS)
