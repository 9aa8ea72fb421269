"""Numbers as the webui's X/Y/Z plot has them written."""

from __future__ import annotations

import pytest

from fooocus_ext.errors import RequestError
from fooocus_ext.host.panel.ranges import MOST_NUMBERS, numbers


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", []),
        (" ", []),
        ("2.5", [2.5]),
        ("-.5", [-0.5]),
        ("1e-3", [0.001]),
        ("1-3", [1, 2, 3]),
        ("1-5 (+2)", [1, 3, 5]),
        ("10-5 (-3)", [10, 7]),
        ("1-3 (+0.5)", [1, 1.5, 2, 2.5, 3]),
        ("1-2(.5)", [1, 1.5, 2]),
        ("0.5-1.0 (+0.1)", [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ("0.3-0 (-0.1)", [0.3, 0.2, 0.1, 0]),
        ("-1--0.5 (+0.25)", [-1, -0.75, -0.5]),
        (" - 1 - + 1 ( + 1 ) ", [-1, 0, 1]),
        ("0-1 [6]", [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ("1-0 [ 3 ]", [1, 0.5, 0]),
        ("2-3 [1]", [2]),
        ("2-2", [2]),
    ],
)
def test_what_the_webui_understands_is_read(text, meant):
    found = numbers(text)
    assert found == meant
    assert "-0.0" not in map(str, found)


@pytest.mark.parametrize(
    "text",
    [
        "abc",
        "3-1",
        "1-3 (-1)",
        "0-1 (+0)",
        "0-1 [0]",
        "0-1 [2.5]",
        "0-1 [-2]",
        "0-1 (+0.1",
        "1-2-3",
        "0,5",
        "1-" + "9" * 400,
        f"{'9' * 400}-{'9' * 400}",
    ],
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(RequestError, match="must be a number, or a range"):
        numbers(text)


def test_a_range_has_an_end():
    assert (
        len(numbers(f"1-{MOST_NUMBERS}")) == len(numbers(f"1-2 [{MOST_NUMBERS}]")) == MOST_NUMBERS
    )
    for text in (
        f"0-{MOST_NUMBERS}",
        f"1-2 [{MOST_NUMBERS + 1}]",
        "0-1 (+1e9)",
        "0-1 (+0.0000001)",
    ):
        with pytest.raises(RequestError):
            numbers(text)
