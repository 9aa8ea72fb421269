"""Infotexts mean here what they mean to the host; expected values were read off the host's own parser."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.embedded_webui.lazy import Lazy

infotext_utils, shared = Lazy("infotext_utils"), Lazy("shared")

PARAMETERS = "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x768"


def parse(*args):
    return infotext_utils.parse_generation_parameters(*args)


def quote(text):
    return infotext_utils.quote(text)


def unquote(text):
    return infotext_utils.unquote(text)


line = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=30).map(
    lambda text: text.strip()
)
prompt_line = line.filter(lambda text: text and not text.startswith("Negative prompt:"))
value = st.text(max_size=30)


@pytest.fixture(autouse=True)
def _host_is_imported(opts):
    """The first import takes seconds, which are not a test's."""
    infotext_utils._module()


@given(st.lists(prompt_line, max_size=4), st.lists(prompt_line, max_size=4))
def test_prompts_of_several_lines_come_back(prompt, negative):
    text = "\n".join([*prompt, "Negative prompt: " + "\n".join(negative), PARAMETERS])
    parsed = parse(text)
    assert parsed["Prompt"] == "\n".join(prompt)
    assert parsed["Negative prompt"] == "\n".join(negative)
    assert (parsed["Size-1"], parsed["Size-2"]) == ("512", "768")
    assert "Size" not in parsed


@given(st.dictionaries(value, st.one_of(value, st.integers(), st.booleans(), st.none())))
def test_a_json_object_comes_back_as_it_was_written(settings):
    written = json.dumps(settings, ensure_ascii=False)
    parsed = parse(f"a cat\n{PARAMETERS}, Fooocus settings: {quote(written)}")
    assert json.loads(parsed["Fooocus settings"]) == settings


@given(st.lists(value))
def test_a_json_list_comes_back_and_what_follows_it_too(styles):
    written = quote(json.dumps(styles))
    parsed = parse(f"a cat\n{PARAMETERS}, F styles: {written}, After: yes")
    assert json.loads(parsed["F styles"]) == styles
    assert parsed["After"] == "yes"


@given(value, st.sampled_from(",:\n"), value)
def test_text_that_needs_quotes_comes_back(before, mark, after):
    text = before + mark + after
    assert unquote(quote(text)) == text
    parsed = parse(f"{PARAMETERS}, Fooocus expansion: {quote(text)}")
    assert parsed["Fooocus expansion"] == text


def test_text_that_needs_no_quotes_stays_bare():
    assert quote("plain text") == "plain text"
    assert quote(3.5) == 3.5
    assert unquote('"not json') == '"not json'
    assert unquote('"\\x"') == '"\\x"'


def test_a_last_line_with_two_pairs_is_prompt():
    parsed = parse("a cat\nSteps: 20, Seed: 5")
    assert parsed["Prompt"] == "a cat\nSteps: 20, Seed: 5"
    assert "Steps" not in parsed


def test_values_without_text_and_unclosed_quotes():
    parsed = parse('a\nSteps: 20, Empty: , Half: "a, b: c, Seed: 5')
    assert "Empty" not in parsed
    assert parsed["Half"] == '"a'
    assert parsed["Seed"] == "5"


def test_keys_may_hold_dashes_and_slashes_but_no_dots():
    parsed = parse("a\nSteps: 2, A-b/c: x, d.e: y, F: z, Gh: w")
    assert parsed["A-b/c"] == "x"
    assert "d.e" not in parsed
    assert "F" not in parsed, "a key has two characters at least"
    assert parsed["Gh"] == "w"


def test_absent_labels_get_their_meaning():
    parsed = parse(f"a (cat:1.2)\n{PARAMETERS}")
    assert parsed["Clip skip"] == "1"
    assert parsed["Schedule type"] == "Automatic"
    assert parsed["RNG"] == "GPU"
    assert (parsed["Hires resize-1"], parsed["Hires resize-2"]) == (0, 0)
    assert parsed["Hires sampler"] == "Use same sampler"
    assert parsed["Refiner switch by sampling steps"] is False
    assert parsed["Emphasis"] == "Original"
    assert "Emphasis" not in parse(f"a cat BREAK a dog\n{PARAMETERS}")


def test_fields_to_skip(opts):
    assert "Seed" not in parse(PARAMETERS, ["Seed"])
    opts.infotext_skip_pasting = ["Steps"]
    assert "Steps" not in parse(PARAMETERS)
    assert parse(PARAMETERS, [])["Steps"] == "20"


class _Options(SimpleNamespace):
    def cast_value(self, key, text):
        return type(self.data_labels[key].default)(text)


def test_labels_become_override_settings(monkeypatch):
    labels = {
        "CLIP_stop_at_last_layers": SimpleNamespace(infotext="Clip skip", default=1),
        "unrelated": SimpleNamespace(infotext=None, default=1),
    }
    options = _Options(data_labels=labels, CLIP_stop_at_last_layers=1)
    monkeypatch.setattr(shared, "opts", options)
    wanted = infotext_utils.create_override_settings_dict(["Clip skip: 2", "Nobody: knows"])
    assert wanted == {"CLIP_stop_at_last_layers": 2}
    found = infotext_utils.get_override_settings({"Clip skip": "2"})
    assert found == [("Clip skip", "CLIP_stop_at_last_layers", 2)]
    assert infotext_utils.get_override_settings({"Clip skip": "1"}) == []
    assert infotext_utils.get_override_settings({"Clip skip": "2"}, skip_fields=["Clip skip"]) == []


def test_paste_fields_are_pairs_with_attributes():
    component, function = object(), dict.get
    assert tuple(infotext_utils.PasteField(component, "Steps", api="steps")) == (component, "Steps")
    named = infotext_utils.PasteField(component, "Steps", api="steps")
    assert (named.label, named.function, named.api) == ("Steps", None, "steps")
    called = infotext_utils.PasteField(component, function)
    assert (called.label, called.function, called.api) == (None, function, None)


def test_a_button_to_a_tab_that_is_not_here_is_hidden(monkeypatch):
    monkeypatch.setattr(infotext_utils, "paste_fields", {})
    buttons = [SimpleNamespace(visible=True), SimpleNamespace(visible=True)]
    bindings = [infotext_utils.ParamBinding(buttons[0], "extras")]
    monkeypatch.setattr(infotext_utils, "registered_param_bindings", bindings)
    infotext_utils.connect_paste_params_buttons()
    assert buttons[0].visible is False
    bindings.append(infotext_utils.ParamBinding(buttons[1], "mistyped"))
    with pytest.raises(KeyError):
        infotext_utils.connect_paste_params_buttons()


@pytest.mark.parametrize(
    ("start", "text", "expected"),
    [
        (True, "False", False),
        (20, "30", 30.0),
        (0.5, "0.25", 0.25),
        ("a", "b", "b"),
        (20, "x", None),
    ],
)
def test_pasted_text_takes_the_type_of_the_widget(start, text, expected):
    update = infotext_utils.update_for(SimpleNamespace(value=start), "Label", {"Label": text})
    assert update.get("value") == expected


def test_a_failing_paste_function_leaves_its_widget_alone():
    def fail(params):
        raise KeyError("Label")

    update = infotext_utils.update_for(SimpleNamespace(value=1), fail, {})
    assert "value" not in update


def test_the_old_module_name_is_the_same_module():
    old = Lazy("generation_parameters_copypaste")
    assert old._module() is infotext_utils._module()
