"""Picture sizes: the 26, their labels, and what is said of others."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fooocus_ext.errors import RequestError
from fooocus_ext.presets.aspect_ratios import (
    ASPECT_RATIOS,
    DEFAULT_ASPECT_RATIO,
    find_aspect_ratio,
    nearest_sizes,
    parse_size,
)

# Size and reduced ratio, as section 6.1 of the reference lists them.
TABLE = re.findall(
    r"\S+",
    """
704×1408 1:2   704×1344 11:21  768×1344 4:7    768×1280 3:5    832×1216 13:19  832×1152 13:18
896×1152 7:9   896×1088 14:17  960×1088 15:17  960×1024 15:16  1024×1024 1:1   1024×960 16:15
1088×960 17:15 1088×896 17:14  1152×896 9:7    1152×832 18:13  1216×832 19:13  1280×768 5:3
1344×768 7:4   1344×704 21:11  1408×704 2:1    1472×704 23:11  1536×640 12:5   1600×640 5:2
1664×576 26:9  1728×576 3:1
""",
)


def test_the_26_sizes_and_their_labels():
    expected = [f"{size} | {ratio}" for size, ratio in zip(TABLE[::2], TABLE[1::2], strict=True)]
    assert [size.label for size in ASPECT_RATIOS.values()] == expected
    assert len(ASPECT_RATIOS) == 26
    assert ASPECT_RATIOS[DEFAULT_ASPECT_RATIO].label == "1152×896 | 9:7"
    assert all(size.width % 64 == size.height % 64 == 0 for size in ASPECT_RATIOS.values())


@pytest.mark.parametrize(
    "text",
    [
        "1152*896",
        "1152x896",
        "1152X896",
        "1152×896",
        " 1152 * 896 ",
        "1152×896 | 9:7",
        '1152×896 <span style="color: grey;"> ∣ 9:7</span>',
    ],
)
def test_every_spelling_of_a_size_is_read(text):
    assert find_aspect_ratio(text).value == "1152*896"


def test_webui_keeps_the_pages_size():
    assert find_aspect_ratio("webui") is None


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("1920*1080", "1344*768"),
        ("512*512", "1024*1024"),
        ("1080x1920", "768*1344"),
        ("1160*900", "1152*896"),
        ("99999*1", "1728*576"),
    ],
)
def test_other_sizes_are_refused_with_the_nearest(text, nearest):
    with pytest.raises(RequestError) as refused:
        find_aspect_ratio(text)
    assert f'"{nearest}"' in refused.value.detail.split("nearest are ")[1]


@pytest.mark.parametrize(
    "text",
    ["", "9:7", "1152", "1152*", "-1152*896", "0*0", "1152*896*2", "1e3*900", "9" * 9999, "None"],
)
def test_what_is_no_size_is_refused(text):
    with pytest.raises(RequestError, match=r"aspect_ratio: .*is not a size"):
        find_aspect_ratio(text)


@given(st.text(alphabet="0123456789*xX×| :<>\n", max_size=30))
def test_any_text_is_a_size_or_refused(text):
    size = parse_size(text)
    if size is None or size.value not in ASPECT_RATIOS:
        with pytest.raises(RequestError):
            find_aspect_ratio(text)
    else:
        assert find_aspect_ratio(text) == size


@given(st.integers(1, 99_999), st.integers(1, 99_999))
def test_the_nearest_size_has_the_nearest_shape(width, height):
    def error(size):
        quotient = (size.width / size.height) / (width / height)
        return max(quotient, 1 / quotient)

    best = min(error(size) for size in ASPECT_RATIOS.values())
    assert error(nearest_sizes(width, height)[0]) <= best * (1 + 1e-5)


def test_known_sizes_are_their_own_nearest():
    for size in ASPECT_RATIOS.values():
        assert nearest_sizes(size.width, size.height, 1) == [size]
