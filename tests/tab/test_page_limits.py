"""Settings that need more than the page offers: what fits is kept, and what does not is named."""

from __future__ import annotations

from fooocus_ext.metadata.settings import PictureSettings
from fooocus_ext.tab.fill import Filled, fill
from fooocus_ext.tab.page_limits import PageLimits, fit
from tests.tab.names import INSTALLED, STYLES, accepted


def filled(**settings):
    return fill(PictureSettings(**settings), INSTALLED, STYLES)


def test_without_own_limits_nothing_changes():
    wanted = filled(image_number=32, loras=(("film", 0.5), ("detail", 0.25)) * 2)
    assert fit(wanted, PageLimits()) == wanted


def test_the_image_number_is_lowered_and_said():
    fitted = fit(filled(image_number=9), PageLimits(image_number=4))
    assert fitted.values["image_number"] == 4
    assert [note for note in fitted.notes if "9" in note and "4" in note]
    assert fit(filled(image_number=4), PageLimits(image_number=4)).notes == ()


def test_a_lora_without_a_slot_is_named_and_not_used():
    wanted = filled(loras=(("film", 0.5), ("detail", 0.25)))
    fitted = fit(wanted, PageLimits(lora_slots=1))
    assert accepted(fitted).loras == (("film", 0.5),)
    assert len(fitted.notes) == 1
    assert '"detail"' in fitted.notes[0]
    assert '"film"' not in fitted.notes[0]


def test_a_lora_of_a_hidden_slot_takes_a_free_one_with_its_weight_and_switch():
    kept = {"lora_1": "film", "lora_2": "None", "lora_weight_2": 1.0, "lora_on_2": True}
    hidden = {"lora_5": "detail", "lora_weight_5": 0.25, "lora_on_5": False}
    fitted = fit(Filled({**kept, **hidden}), PageLimits(lora_slots=2))
    values = fitted.values
    assert (values["lora_2"], values["lora_weight_2"], values["lora_on_2"]) == (
        "detail",
        0.25,
        False,
    )
    assert (values["lora_1"], values["lora_5"], fitted.notes) == ("film", "None", ())


def test_a_slot_whose_value_on_the_page_is_unknown_is_not_taken():
    fitted = fit(Filled({"lora_5": "detail"}), PageLimits(lora_slots=2))
    assert fitted.values == {"lora_5": "None"}
    assert '"detail"' in fitted.notes[0]
