"""The one table of a picture's settings: complete, and the same there and back."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.args import FIELDS, Settings
from fooocus_ext.metadata.fooocus import read_fooocus_settings
from fooocus_ext.metadata.settings import (
    ENTRIES,
    OTHER_FIELDS,
    OWN_NAME,
    PictureSettings,
    of_arguments,
    read_entries,
)
from fooocus_ext.presets.performance import PERFORMANCES

NOT_STORED = {
    "aspect_ratio",
    "forced_steps",
    "arguments",
    "modules",
    "scheme",
    "others",
    "problems",
}


def test_every_attribute_that_fooocus_stores_is_in_one_row():
    stored = [attribute for entry in ENTRIES for attribute in entry.attributes]
    assert sorted(stored) == sorted({item.name for item in fields(PictureSettings)} - NOT_STORED)


@pytest.mark.parametrize("column", ["key", "old_label", "text_label", "label"])
def test_no_two_rows_are_called_alike(column):
    names = [name for entry in ENTRIES if (name := getattr(entry, column))]
    assert len(names) == len(set(names))


def test_nothing_is_stated_of_nothing():
    settings = PictureSettings(**read_entries({}))
    assert settings == PictureSettings()
    assert settings.to_json() == {"metadata_scheme": "fooocus"}
    assert settings.as_chosen() == settings


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda text: " : " not in text and text.strip(" :") == text
)
floats = st.integers(0, 3000).map(lambda hundredths: hundredths / 100)


@given(
    st.builds(
        PictureSettings,
        prompt=names,
        styles=st.lists(names, max_size=3).map(tuple),
        steps=st.integers(1, 1000),
        size=st.tuples(st.integers(1, 9999), st.integers(1, 9999)),
        guidance_scale=floats,
        adm_positive=floats,
        adm_negative=floats,
        adm_end=floats,
        refiner=names,
        refiner_method=names,
        seed=st.integers(0, 2**64 - 1),
        loras=st.lists(
            st.tuples(names, st.sampled_from([0.25, 1.0, -2.0])), min_size=1, max_size=3
        ).map(tuple),
        version=names.map(f"{OWN_NAME} {{}}".format),  # of Fooocus's, more is read than is written
        scheme=st.just("fooocus"),
    )
)
def test_what_is_written_is_read_again(settings):
    assert read_fooocus_settings(json.dumps(settings.to_json())) == settings


def test_adm_of_which_a_part_is_not_stated_is_not_written():
    assert "adm_guidance" not in PictureSettings(adm_end=0.5).to_json()


@pytest.mark.parametrize("name", [name for name, mode in PERFORMANCES.items() if mode.distilled])
def test_what_a_fast_mode_forces_is_not_what_was_chosen(name):
    mode = PERFORMANCES[name]
    forced = Settings().replace(performance=name, styles=["a"], **mode.settings)
    settings = PictureSettings(
        **of_arguments(forced),
        prompt="p",
        guidance_scale=mode.cfg_scale,
        sampler=mode.sampler,
        scheduler=mode.scheduler,
        loras=((mode.lora, 1.0), ("film", 0.5)),
    )
    chosen = PictureSettings(
        prompt="p",
        performance=name,
        styles=("a",),
        refiner_method="joint",
        loras=(("film", 0.5),),
        arguments=settings.arguments,
    )
    assert settings.as_chosen() == chosen


def test_other_modes_force_nothing():
    settings = PictureSettings(performance="Quality", guidance_scale=4.0, sampler="euler")
    assert settings.as_chosen() is settings


def test_each_argument_is_an_attribute_or_among_the_others():
    keywords = of_arguments(Settings(sharpness=5.0))
    settings = PictureSettings(**keywords)
    in_other_words = {"enabled", "expansion", "aspect_ratio", "preset", "keep", "original_texts"}
    stated = {field.name for field in FIELDS if settings.argument(field.name) is not None}
    assert stated == {field.name for field in FIELDS} - in_other_words
    assert settings.sharpness == 5.0
    assert set(settings.arguments) == {field.name for field in OTHER_FIELDS}
