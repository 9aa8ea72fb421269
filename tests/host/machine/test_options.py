"""Our settings: values that a request may override, checked; and what the infotext says of them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fooocus_ext import infotext
from fooocus_ext.errors import RequestError


@pytest.fixture
def load(load_host_module):
    def with_values(**values):
        return load_host_module(
            "machine/options",
            paths=SimpleNamespace(models_path="models"),
            shared=SimpleNamespace(opts=SimpleNamespace(**values)),
        )

    return with_values


def test_absent_settings_have_their_defaults(load):
    options = load()
    assert options.text_separator() == ", "
    assert options.refiner_switch_rule() == "steps"
    assert (options.wildcards_in_order(), options.expansion_target()) == (False, 75)
    assert options.entries(options.SEPARATOR, options.EXPANSION_TARGET) == {}


def test_values_other_than_the_default_are_in_the_infotext(load):
    options = load(fooocus_text_separator="BREAK", fooocus_expansion_target=30.0)
    assert options.text_separator() == " BREAK "
    assert options.expansion_target() == 30
    assert options.entries(options.SEPARATOR, options.EXPANSION_TARGET, options.REFINER_RULE) == {
        infotext.SEPARATOR: "BREAK",
        infotext.EXPANSION_TARGET: "30",
    }


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("fooocus_text_separator", "semicolon", '"comma", "BREAK"'),
        ("fooocus_refiner_switch_rule", None, '"steps"'),
        ("fooocus_wildcards_in_order", "yes", "true"),
        ("fooocus_expansion_target", 10, "a whole number, 15 to 300"),
        ("fooocus_expansion_target", [], "a whole number, 15 to 300"),
    ],
)
def test_a_value_that_the_settings_page_does_not_offer_is_refused(load, key, value, allowed):
    options = load(**{key: value})
    with pytest.raises(RequestError) as caught:
        options._value(key)
    assert key in caught.value.detail
    assert allowed in caught.value.detail
