"""What the infotext says, through the host's own parser and paste fields and back."""

from __future__ import annotations

import json

import pytest

from fooocus_ext.args import FIELDS, FIELDS_BY_NAME, Settings
from fooocus_ext.fields import as_widget_value
from tests.contract import probes
from tests.contract.families import GRID_TEXTS, NO_FOUND_SETTINGS
from tests.contract.hosts import FAMILY

EVERYTHING = {
    "sharpness": 3.25,
    "adm_positive": 1.75,
    "adm_negative": 0.5,
    "adm_end": 0.45,
    "adaptive_cfg": 4.5,
    "refiner_switch": 0.65,
    "refiner_method": "separate",
    "expansion": False,
}


def parse(host, infotext):
    """Parse as the host does for PNG Info and pasting, extensions' callbacks included."""
    entries = host.modules.infotext_utils.parse_generation_parameters(infotext)
    host.modules.script_callbacks.infotext_pasted_callback(infotext, entries)
    return entries


def pasted(host, infotext, tab="txt2img"):
    """Return what pasting an infotext puts into each of our widgets; fields left alone are absent."""
    entries = parse(host, infotext)
    runner = host.runner_of(tab)
    by_component = {id(c): f.name for c, f in zip(host.widgets_of(tab), FIELDS, strict=True)}
    values = {}
    for component, target, *_ in runner.infotext_fields:
        value = target(entries) if callable(target) else entries.get(target)
        if value is not None and id(component) in by_component:
            values[by_component[id(component)]] = value
    return values


def test_settings_survive_the_round_trip(host):
    settings = {"enabled": True, **EVERYTHING, "refiner": host.checkpoints.refiner}
    first = host.generate(settings)
    values = pasted(host, first.infotext)
    assert set(values) == set(FIELDS_BY_NAME)
    second = host.generate(values)
    assert second.same_pixels(first)
    assert second.infotext == first.infotext


@pytest.mark.parametrize("name", [n for n in EVERYTHING if not n.startswith("refiner")])
def test_each_value_survives_the_round_trip(host, name):
    values = pasted(host, host.generate({name: EVERYTHING[name]}, steps=1).infotext)
    assert values[name] == EVERYTHING[name]
    untouched = Settings(enabled=True, expansion=False).replace(**{name: EVERYTHING[name]})
    assert values == {name: as_widget_value(value) for name, value in untouched.as_dict().items()}


def test_values_at_their_default_are_not_written(host):
    infotext = host.generate({"expansion": True, "sharpness": 2.0}, steps=1).infotext
    written = {f.name for f in FIELDS if f"{f.infotext}: " in infotext}
    assert written == {"enabled"}


def test_a_picture_without_fooocus_switches_it_off(host):
    assert pasted(host, host.generate(steps=1).infotext) == {"enabled": False}


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f.name)
def test_keys_are_those_that_every_host_can_parse(field):
    assert field.infotext.replace(" ", "").isalnum()


def test_the_api_reads_an_infotext(host):
    wanted = host.generate({"sharpness": 20})
    result = host.generate(infotext=wanted.infotext)
    assert result.same_pixels(wanted)


def test_png_info_gives_the_parameters_back(host):
    result = host.generate({"sharpness": 9.5})
    answer = host.post("/sdapi/v1/png-info", {"image": result.payload[0]})
    assert answer.body["info"] == result.infotext
    assert answer.body["parameters"]["Fooocus sharpness"] == "9.5"


def test_styles_and_the_typed_prompt_survive_the_round_trip(host):
    from fooocus_ext.host.machine import assets

    names = list(assets.styles().names)[:2]
    first = host.generate({"styles": names, "sharpness": 9})
    assert first.infotext.split("\n")[0] != "a red fox in the snow"
    values = pasted(host, first.infotext)
    assert list(values["styles"]) == names
    assert parse(host, first.infotext)["Prompt"] == "a red fox in the snow"
    assert host.generate(values).same_pixels(first)


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ({"aspect_ratio": "704x1408"}, "704*1408"),
        ({"aspect_ratio": "704×1408"}, "704*1408"),
        ({"styles": ["FOOOCUS-enhance", "random style"]}, ["Fooocus Enhance", "Random Style"]),
    ],
)
def test_a_value_comes_back_as_the_page_lists_it(host, written, listed):
    (name,) = written
    first = host.generate(written, steps=1)
    values = pasted(host, first.infotext)
    assert values[name] == listed
    assert host.generate(values, steps=1).infotext == first.infotext


def test_each_picture_of_a_job_has_its_own_texts(host):
    result = host.generate({"styles": []}, prompt="a [[fox, wolf]] in snow", batch_size=2, n_iter=2)
    texts = result.info["infotexts"]
    assert len(texts) >= 4
    assert all("Fooocus: True" in text for text in texts)


HIRES = {"enable_hr": True, "hr_scale": 1.5, "denoising_strength": 0.6, "hr_second_pass_steps": 2}


@pytest.mark.parametrize("hr_prompt", ["", "a sharp [[fox, wolf]]"])
def test_each_picture_of_a_job_has_its_own_texts_of_the_second_pass(host, hr_prompt):
    """From 1.9 on the webui looks for them by the picture's place in its batch, and finds another's."""
    typed = {"prompt": "a [[fox, wolf]] in snow", "hr_prompt": hr_prompt}
    job = {**HIRES, **typed, "width": 64, "height": 64, "steps": 2, "n_iter": 2}
    grid = {"save_images": True, "override_settings": {"return_grid": True}}
    texts = host.generate({}, **job, **grid).info["infotexts"]
    prompts = [typed["prompt"], "a fox in snow", "a wolf in snow"]  # the grid's is the one typed
    pictures = list(zip(texts, prompts, ("fox", "fox", "wolf"), strict=True))
    for infotext, prompt, animal in pictures[GRID_TEXTS in FAMILY.lacks :]:
        stated = host.modules.infotext_utils.parse_generation_parameters(infotext)
        assert stated["Prompt"] == prompt
        own = f"a sharp {animal}" if hr_prompt else ""
        assert stated["Hires prompt"] in (own, hr_prompt)  # before 1.9, it is what was typed
        assert parse(host, infotext)["Hires prompt"] == hr_prompt


CARRIED = {field.name for field in FIELDS} - {"aspect_ratio"}
"""A picture is sent with its own size, which the second pass may have made another."""


def test_the_same_fields_are_carried_to_the_other_tab(host):
    for tab in ("txt2img", "img2img"):
        names = {FIELDS_BY_NAME[name].infotext for name in CARRIED}
        assert set(host.script_of(tab).paste_field_names) == names


def test_a_button_below_the_gallery_carries_the_fields_to_the_other_tab(host, monkeypatch):
    """Below that of txt2img: the webui sends nothing but the picture from img2img's."""
    source, tab = "txt2img", "img2img"

    class Button:
        clicks = ()

        def click(self, fn=None, inputs=None, outputs=None, **_):
            self.clicks = (*self.clicks, (inputs or [], outputs or []))

    pasting, names = host.modules.infotext_utils, host.runner_of(source).paste_field_names
    binding = pasting.ParamBinding(Button(), tab, source_tabname=source, paste_field_names=names)
    monkeypatch.setattr(pasting, "registered_param_bindings", [binding])
    pasting.connect_paste_params_buttons()

    sent, received = next(click for click in binding.paste_button.clicks if click[0])
    assert len(sent) == len(received)
    taken = dict(zip(map(id, sent), received, strict=True))
    pairs = zip(FIELDS, host.widgets_of(source), host.widgets_of(tab), strict=True)
    for field, widget, other in pairs:
        assert taken.get(id(widget)) is (other if field.name in CARRIED else None)


def test_a_field_that_is_not_to_be_pasted_is_left_alone(host, monkeypatch):
    host.need_setting("infotext_skip_pasting")
    infotext = host.generate({"sharpness": 9, "adm_end": 0.5}, steps=1).infotext
    options = host.modules.shared.opts.data
    for name in ("enabled", "sharpness"):
        monkeypatch.setitem(options, "infotext_skip_pasting", [FIELDS_BY_NAME[name].infotext])
        values = pasted(host, infotext)
        assert name not in values
    assert values["adm_end"] == 0.5


def test_original_texts_of_a_pasted_picture_end_with_an_edit_of_its_prompt(host):
    texts = {"full_prompt": ["an old castle"], "full_negative_prompt": ["ugly"]}
    first = host.generate({"original_texts": texts}, steps=1)
    values = pasted(host, first.infotext)
    assert host.generate(values, steps=1).infotext == first.infotext
    edited = host.generate(values, steps=1, prompt="a brown dog").infotext
    assert edited.startswith("a brown dog\n")
    assert "original texts" not in edited


def settings_entries(host, infotext):
    """Return what pasting an infotext makes of our settings: overridden options of the host."""
    FAMILY.need(NO_FOUND_SETTINGS)
    found = host.modules.infotext_utils.get_override_settings(parse(host, infotext))
    return {key: value for _label, key, value in found if key.startswith("fooocus")}


SETTINGS = {
    "fooocus_text_separator": "BREAK",
    "fooocus_wildcards_in_order": True,
    "fooocus_expansion_target": 30,
    "fooocus_refiner_switch_rule": "Fooocus",
}
USES_ALL_SETTINGS = {"prompt": "a __color__ fox", "steps": 4, "n_iter": 2}


def test_settings_that_make_another_picture_come_back_from_its_infotext(host):
    fooocus = {"expansion": True, "refiner": host.checkpoints.refiner, "refiner_switch": 0.5}
    plain = host.generate(fooocus, **USES_ALL_SETTINGS)
    assert settings_entries(host, plain.infotext) == {}
    changed = host.generate(fooocus, **USES_ALL_SETTINGS, override_settings=SETTINGS)
    assert settings_entries(host, changed.infotext) == SETTINGS
    again = host.generate(infotext=changed.infotext, **USES_ALL_SETTINGS)
    assert again.infotext == changed.infotext
    assert again.same_pixels(changed)
    assert not changed.same_pixels(plain)


def test_settings_without_a_part_in_a_picture_are_not_in_its_infotext(host):
    infotext = host.generate({"expansion": False}, steps=1, override_settings=SETTINGS).infotext
    assert settings_entries(host, infotext) == {}


@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        ("fooocus_text_separator", "x", '"comma", "BREAK"'),
        ("fooocus_wildcards_in_order", "maybe", "false, true"),
        ("fooocus_expansion_target", 0, "a whole number, 15 to 300"),
        ("fooocus_expansion_target", 20.5, "a whole number, 15 to 300"),
        ("fooocus_refiner_switch_rule", ["steps"], '"steps", "timestep", "Fooocus"'),
    ],
)
@pytest.mark.reports_errors
def test_a_setting_that_is_none_of_its_choices_is_refused(host, setting, value, allowed):
    fooocus = {"expansion": True, "refiner": host.checkpoints.refiner}
    refused = host.run(fooocus, override_settings={setting: value})
    assert refused.status == 422
    assert refused.detail.startswith(f"{setting}: got {json.dumps(value)}")
    assert refused.detail.endswith(f"allowed: {allowed}.")


@pytest.mark.reports_errors  # 1.10.1's own script for comments fails on a list for the second pass
@pytest.mark.parametrize("hr_prompt", ["", "a sharp fox"])
def test_a_scripts_list_that_does_not_fill_its_last_batch_has_a_second_pass(host, hr_prompt):
    """As Prompt Matrix makes it of "a fox|snow": the host sizes the other texts by full batches."""
    typed = ["a fox", "a fox, snow"]

    def list_prompts(_script, p, *_):
        p.prompt, p.seed, p.n_iter = typed, [1, 1], 1

    hires = {"enable_hr": True, "hr_scale": 1.5, "denoising_strength": 0.6, "hr_prompt": hr_prompt}
    with probes.spying_script(host, {"before_process": list_prompts}):
        result = host.generate({"styles": ["Fooocus Enhance"]}, batch_size=4, **hires)
    entries = [parse(host, infotext) for infotext in result.info["infotexts"]]
    assert [each["Prompt"] for each in entries] == typed
    if hr_prompt:
        assert [each["Hires prompt"] for each in entries] == [hr_prompt] * 2
