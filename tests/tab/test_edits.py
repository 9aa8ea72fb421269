"""What the tab's "Input image" asks for, and how an edit comes back into its widgets."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fooocus_ext.args import NONE
from fooocus_ext.edit import MODES, Edit
from fooocus_ext.errors import RequestError
from fooocus_ext.metadata.fooocus import read_fooocus_settings
from fooocus_ext.metadata.settings import OWN_NAME, PictureSettings
from fooocus_ext.tab.choices import read_choices
from fooocus_ext.tab.edited import (
    UNSAMPLED,
    WITHOUT_PICTURE,
    WITHOUT_WHOLE_PICTURE,
    is_unsampled,
    unsampled,
    with_edit,
)
from fooocus_ext.tab.edits import EDIT_WIDGETS, MASKED, SWITCH, WHOLE, edit_of, widget_values
from fooocus_ext.tab.fill import Filled
from fooocus_ext.tab.record import settings_of_unsampled
from fooocus_ext.tab.variations import EDIT, GENERATE, VARIATIONS, variation_as_edit
from fooocus_ext.tab.widgets import DEFAULTS, NAMES

MASKED_MODES = {name: mode for name, mode in MODES.items() if mode.has_mask}


def choices(**values):
    return read_choices([{**DEFAULTS, **values}[name] for name in NAMES])


def editing(method="Inpaint or Outpaint", **values):
    return choices(**{SWITCH: True, "edit_kind": MASKED, "edit_method": method, **values})


def test_their_values_travel_behind_all_others():
    assert NAMES[-len(EDIT_WIDGETS) :] == tuple(widget.name for widget in EDIT_WIDGETS)


def test_without_an_input_image_nothing_of_it_counts():
    asked = choices(edit_kind=MASKED, edit_strength=0.3, edit_outpaint_to="nonsense")
    assert (asked.action, asked.edit) == (GENERATE, None)


@pytest.mark.parametrize("key", VARIATIONS)
def test_a_whole_picture_is_varied_or_upscaled(key):
    label = VARIATIONS[key].label
    asked = choices(**{SWITCH: True, "edit_kind": WHOLE, "edit_whole": label})
    assert (asked.action, asked.edit, asked.forced_strength) == (key, None, None)
    assert choices(**{SWITCH: True, "edit_strength": 0.7}).forced_strength == 0.7
    assert (
        choices(**{SWITCH: True, "edit_strength": None}).forced_strength is None
    )  # an emptied box


@pytest.mark.parametrize("strength", [0.0, -0.5])
@pytest.mark.parametrize("kind", [WHOLE, MASKED])
def test_a_forced_strength_that_is_none_is_refused_where_it_would_count(strength, kind):
    values = {SWITCH: True, "edit_kind": kind, "edit_strength": strength}
    with pytest.raises(RequestError, match=rf"^Forced strength: got {strength:g}; .* to 1, or -1"):
        choices(**values)
    assert choices(**{**values, SWITCH: False}).action == GENERATE


def test_a_forced_field_that_is_none_is_named_as_the_page_does():
    with pytest.raises(RequestError, match=r"^Forced field: got -0\.5; allowed: 0 to 1, or -1\.$"):
        editing(edit_field=-0.5)
    assert editing(edit_field=0.0).edit == Edit(field=0)


@pytest.mark.parametrize("mode", MASKED_MODES)
def test_each_method_is_fooocuss_unless_more_is_asked_for(mode):
    asked = editing(MASKED_MODES[mode].label)
    assert asked.action == EDIT
    assert asked.edit == Edit(mode=mode)


def test_the_widgets_say_all_that_a_mask_can_be_asked_for():
    asked = editing(
        edit_left=True,
        edit_bottom=True,
        edit_share=0.5,
        edit_additional_prompt="a door",
        edit_mask_invert=True,
        edit_mask_grow=-3,
        edit_feather=8,
        edit_strength=0.9,
        edit_field=0.25,
        edit_engine="v2.6",
    ).edit
    assert asked == Edit(
        outpaint_left=0.5,
        outpaint_bottom=0.5,
        additional_prompt="a door",
        mask_invert=True,
        mask_grow=-3,
        feather=8,
        strength=0.9,
        field=0.25,
        engine="v2.6",
    )


def test_sides_that_are_out_of_sight_do_not_count():
    asked = editing("Improve Detail", edit_left=True, edit_outpaint_to="nonsense").edit
    assert asked == Edit(mode="detail")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"edit_outpaint_to": "16 to 9"}, "outpaint_to"),
        ({"edit_outpaint_to": "16:9", "edit_top": True}, "outpaint_to"),
        ({"edit_strength": 0.0}, "strength"),
        ({"edit_mask_grow": 65}, "mask"),
    ],
)
def test_what_cannot_be_is_named(values, named):
    with pytest.raises(RequestError) as caught:
        editing(**values)
    assert named in caught.value.detail


@pytest.mark.parametrize(
    "edit",
    [
        Edit(),
        Edit(mode="detail", strength=0.4, mask_grow=5),
        Edit(mode="modify", engine=NONE, additional_prompt="a cat", mask_invert=True),
        Edit(outpaint_left=0.3, outpaint_right=0.3, field=0.5, feather=0),
        Edit(outpaint_to="16:9"),
    ],
)
def test_an_edit_comes_back_from_the_widgets_as_it_was(edit):
    values, notes = widget_values(edit)
    assert notes == []
    assert edit_of({**DEFAULTS, SWITCH: True, **values}) == edit


def test_what_the_page_cannot_say_is_named():
    values, notes = widget_values(Edit(outpaint_left=0.2, outpaint_top=0.6, engine="mine.patch"))
    assert values["edit_share"] == 0.6
    assert "0.6 is taken" in notes[0]
    assert "mine.patch" in notes[1]


def test_what_the_page_has_no_place_for_is_named_once_each():
    values, notes = widget_values(Edit(mask_threshold=50, outpaint_left=0.02))
    assert values["edit_share"] == 0.05
    assert notes == [
        "Outpainting by 0.02 is changed to 0.05, the page's least.",
        "Mask threshold 50 is not taken over: the page has no such setting.",
    ]


def test_a_pasted_infotext_fills_them_and_says_that_the_picture_is_missing():
    filled = Filled({"prompt": "a house"}, ("a note",))
    read = with_edit(filled, Edit(mode="detail", strength=0.3).to_text())
    assert read.values["prompt"] == "a house"
    assert (read.values["edit_method"], read.values["edit_strength"]) == ("Improve Detail", 0.3)
    assert SWITCH not in read.values
    assert read.notes == ("a note", WITHOUT_PICTURE)
    for other in ("", "nonsense", "[]"):
        assert with_edit(filled, other) == filled


@pytest.mark.parametrize("forced", [None, 0.7])
@pytest.mark.parametrize("key", VARIATIONS)
def test_an_infotext_of_a_whole_picture_chooses_what_was_done(key, forced):
    variation = VARIATIONS[key]
    if forced and variation.denoising:
        variation = replace(variation, denoising=forced)
    edit = variation_as_edit(variation)
    read = with_edit(Filled({}), edit.to_text())
    assert read.notes == (WITHOUT_WHOLE_PICTURE,)
    asked = choices(**{SWITCH: True, **read.values})
    is_forced = variation.denoising != VARIATIONS[key].denoising
    wanted = "vary_subtle" if is_forced and key == "vary_strong" else key
    assert (asked.action, asked.forced_strength) == (wanted, forced if is_forced else None)


def test_a_picture_that_was_not_sampled_has_nothing_else():
    read = unsampled(variation_as_edit(VARIATIONS["upscale_fast"]).to_text())
    assert read.notes == (UNSAMPLED,)
    assert {name.partition("_")[0] for name in read.values} == {"edit"}
    assert unsampled("nonsense") is None


def test_an_enlarged_picture_has_the_size_that_follows_from_the_one_it_is_made_of():
    filled = Filled({"aspect_ratio": "1152×896", "width": 448, "height": 304, "seed": "1"})
    enlarged = with_edit(filled, variation_as_edit(VARIATIONS["upscale_2"]).to_text()).values
    assert not {"aspect_ratio", "width", "height"} & enlarged.keys()
    assert enlarged["seed"] == "1"
    varied = with_edit(filled, variation_as_edit(VARIATIONS["vary_strong"]).to_text()).values
    assert (varied["width"], varied["height"]) == (448, 304)


def test_what_a_log_says_of_a_picture_that_was_not_sampled_is_known_for_that():
    text = json.dumps(settings_of_unsampled((1536, 1024)).to_json())
    assert is_unsampled(read_fooocus_settings(text))
    assert not is_unsampled(PictureSettings(size=(1536, 1024)))
    assert not is_unsampled(PictureSettings(prompt="", version=f"{OWN_NAME} 0.1.0"))
