"""Infotexts pasted from one family of webuis into another: taken over, translated, or said to be missing.

The entries are those that each family's own parser hands over of pictures that the family has written
(A1111 1.10.1, Forge dfdcbab, reForge 3b56b26, Forge Classic 1f95d71).
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from fooocus_ext.metadata.infotext import from_infotext
from fooocus_ext.tab.fill import fill
from tests.presets.test_samplers import V110, V110_SCHEDULERS
from tests.presets.test_samplers_of_forge import (
    CLASSIC,
    FORGE,
    FORGE_SCHEDULERS,
    REFORGE,
    REFORGE_SCHEDULERS,
)
from tests.tab.names import INSTALLED, STYLES, accepted

WEBUIS = {
    name: replace(INSTALLED, samplers=samplers, schedulers=schedulers)
    for name, samplers, schedulers in (
        ("A1111", V110, V110_SCHEDULERS),
        ("Forge", FORGE, FORGE_SCHEDULERS),
        ("reForge", REFORGE, REFORGE_SCHEDULERS),
        ("Classic", CLASSIC, []),
    )
}
WITH_TYPES = ("A1111", "Forge", "reForge")
COMMON = {
    "Prompt": "a fox", "Negative prompt": "blurry", "Steps": "30", "CFG scale": "4", "Seed": "7",
    "Size-1": "896", "Size-2": "1152", "Model": "base", "Fooocus": "True", "Fooocus sharpness": "9",
    "Fooocus performance": "Speed",
}  # fmt: skip
TYPED = {"Sampler": "DPM++ 2M SDE", "Schedule type": "Karras"}
WRITTEN = {
    "A1111": {**TYPED, "VAE": "good.vae.safetensors", "Version": "v1.10.1"},
    "Forge": {
        **TYPED,
        "Module 1": "good.vae",
        "Hires VAE/TE": ["Use same choices"],
        "Version": "f2.0.1v1.10.1-previous-669-gdfdcbab6",
    },
    "reForge": {**TYPED, "VAE": "good.vae.safetensors", "Version": "f1.0.5-v1.10.1RC"},
    "Classic": {
        "Sampler": "DPM++ 2M SDE Karras",
        "VAE": "good.vae.safetensors",
        "SGM noise multiplier": "True",
        "Version": "classic",
    },
}


@pytest.mark.parametrize("here", WEBUIS)
@pytest.mark.parametrize("written", WRITTEN)
def test_a_picture_of_any_family_is_read_by_any_other(written, here):
    """Forge's parser takes the entry "VAE" away, and puts "VAE/TE" in its place."""
    entries = {**COMMON, **WRITTEN[written]}
    if here == "Forge" and "VAE" in entries:
        entries["VAE/TE"] = [entries.pop("VAE")]
    filled = fill(from_infotext(entries).as_chosen(), WEBUIS[here], STYLES)
    sampler, scheduler = TYPED.values()
    if here == "Classic":
        sampler, scheduler = f"{sampler} {scheduler}", ""
    wanted = {
        "prompt": "a fox", "negative_prompt": "blurry", "performance": "Speed", "guidance_scale": 4.0,
        "seed": "7",
        "sharpness": 9.0, "base_model": "sub/base.safetensors [0123456789]", "sampler": sampler,
        "scheduler": scheduler, "vae": "good.vae.safetensors",
    }  # fmt: skip
    assert {name: filled.values[name] for name in wanted} == wanted
    assert filled.notes == ()
    assert accepted(filled)


@pytest.mark.parametrize(
    ("entries", "lacking", "notes"),
    [
        (
            {"Sampler": "HeunPP2", "Schedule type": "Karras"},
            ["A1111", "Classic"],
            ['This webui has no sampler "HeunPP2"'],
        ),
        (
            {"Sampler": "Euler", "Schedule type": "Align Your Steps 32"},
            ["A1111", "Classic"],
            ['no schedule type "Align Your Steps 32" for the sampler "Euler"'],
        ),
        (
            {"Sampler": "Euler", "Schedule type": "Laplace"},
            ["A1111", "Forge", "Classic"],
            ['no schedule type "Laplace"'],
        ),
        (
            {"Sampler": "Euler A Turbo"},
            ["A1111"],
            ["This webui has no s"],
        ),
        (
            {**TYPED, "Module 1": "clip_l", "VAE/TE": ["clip_l.safetensors"]},
            list(WEBUIS),
            ['"clip_l.safetensors", which Forge added to the checkpoint, is no VAE'],
        ),
        (
            {**TYPED, "Rescale CFG": "0.5", "Diffusion in Low Bits": "float8-e4m3fn"},
            list(WEBUIS),
            ["Rescale CFG 0.5 is not taken over", "Low Bits float8-e4m3fn is not taken over"],
        ),
    ],
    ids=["sampler", "schedule", "schedule of reForge", "turbo", "text encoder", "engine"],
)
@pytest.mark.parametrize("here", WEBUIS)
def test_what_a_family_lacks_of_another_is_said(entries, lacking, notes, here):
    filled = fill(from_infotext({**COMMON, **entries}).as_chosen(), WEBUIS[here], STYLES)
    wanted = notes if here in lacking else []
    assert [note for note in wanted if not any(note in said for said in filled.notes)] == []
    assert len(filled.notes) == len(wanted), filled.notes
    assert accepted(filled)
