"""Errors reach the user whatever the user typed."""

from __future__ import annotations

import pytest

from fooocus_ext import args, errors
from fooocus_ext.errors import RequestError


@pytest.mark.parametrize(
    "values", [{"\ud800x": 1}, {"sharpness": "\ud800"}, {"styles": [1, "\udfff"]}]
)
def test_messages_about_half_characters_can_be_sent(values):
    with pytest.raises(RequestError) as refusal:
        args.parse([{"enabled": True, **values}])

    assert refusal.value.detail.encode("utf-8")
    assert str(refusal.value) == refusal.value.detail


def test_other_texts_stay_as_they_are():
    assert RequestError('refiner: got "日本語 😀"').detail == 'refiner: got "日本語 😀"'


def test_what_is_shown_of_a_value_fits_a_line():
    assert errors.describe(True) == "true (true/false)"
    assert errors.describe(None) == "null"
    assert errors.describe("é") == '"é" (text)'
    assert len(errors.describe("x" * 10_000)) < 80
    assert "object" in errors.describe(object())


def test_a_detail_ends_somewhere():
    error = RequestError("wrong " * 100_000)
    assert len(error.detail) < 11_000
    assert error.detail.startswith("wrong wrong")
    assert str(error) == error.detail
