"""Errors reach the user whatever the user typed."""

from __future__ import annotations

import pytest

from fooocus_ext import args
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
