"""What the infotext says of schedule types: Fooocus's rendering, beside the webui's own."""

from __future__ import annotations

import re

import pytest

from tests.contract.conftest import OFF
from tests.contract.families import SCHEDULE_TYPES
from tests.contract.hosts import FAMILY

HIRES = {
    "enable_hr": True,
    "hr_scale": 1.5,
    "denoising_strength": 0.6,
    "width": 64,
    "height": 64,
    "steps": 2,
    "hr_second_pass_steps": 2,
}
POLY = "Polyexponential"
"""A schedule type that Fooocus has not."""
PASSES = {
    "one for both": ("Euler", {"scheduler": "Karras"}),
    "a sampler's own for both": ("DPM++ 2M", {"scheduler": "Automatic"}),
    "none for both": ("Euler", {"scheduler": "Automatic"}),
    "second alone": ("Euler", {"scheduler": "Automatic", "hr_scheduler": "Karras"}),
    "each its own": ("Euler", {"scheduler": "Karras", "hr_scheduler": "Exponential"}),
    "a sampler's own, then another": (
        "DPM++ 2M",
        {"scheduler": "Automatic", "hr_scheduler": "Normal"},
    ),
    "the second sampler's own": (
        "Euler",
        {"scheduler": "Automatic", "hr_sampler_name": "DPM++ 2M"},
    ),
    "the webui's, then Fooocus's": ("Euler", {"scheduler": POLY, "hr_scheduler": "Karras"}),
    "Fooocus's, then the webui's": ("Euler", {"scheduler": "Karras", "hr_scheduler": POLY}),
}


def schedule_types(host, rendering, sampler, fields):
    result = host.generate(
        {**OFF, "rendering": rendering}, sampler_name=sampler, **{**HIRES, **fields}
    )
    return re.findall(r"(?:Hires s|S)chedule type: [^,]+", result.infotext)


@pytest.mark.parametrize("passes", PASSES)
def test_each_pass_is_named_its_own_schedule(host, passes):
    FAMILY.need(SCHEDULE_TYPES)
    sampler, fields = PASSES[passes]
    wanted = schedule_types(host, "webui", sampler, fields)
    assert wanted[0].startswith("Schedule type: ")
    assert schedule_types(host, "Fooocus", sampler, fields) == wanted


def test_an_automatic_second_pass_is_named_too(host):
    """The webui says nothing of it, so that its infotext has the first pass's schedule in both."""
    FAMILY.need(SCHEDULE_TYPES)
    fields = {"scheduler": "Karras", "hr_scheduler": "Automatic"}
    assert schedule_types(host, "Fooocus", "Euler", fields) == [
        "Schedule type: Karras",
        "Hires schedule type: Automatic",
    ]
