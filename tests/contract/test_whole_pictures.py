"""Whole pictures varied and upscaled: their sizes, their steps, and what their infotexts say of it."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pytest
from PIL import Image

from fooocus_ext.args import Settings
from fooocus_ext.edit import INFOTEXT, Edit, from_text
from fooocus_ext.tab.choices import read_choices
from fooocus_ext.tab.edited import UNSAMPLED
from fooocus_ext.tab.fill import Filled
from fooocus_ext.tab.record import settings_of_unsampled
from fooocus_ext.tab.start import Start
from fooocus_ext.tab.variations import VARIATIONS
from fooocus_ext.tab.widgets import DEFAULTS, NAMES
from tests.contract.hosts import decode, encode
from tests.contract.test_edit import edited  # noqa: F401  (a fixture)
from tests.contract.test_own_routes import add_preset  # noqa: F401  (a fixture)

FAST = {"mode": "upscale", "scale": "fast 2x"}


def noise(width: int, height: int) -> Image.Image:
    levels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(levels)


def sent(width: int, height: int) -> str:
    return encode(np.asarray(noise(width, height)))


@pytest.mark.parametrize(
    ("size", "upscaled"),
    [((200, 200), (296, 296)), ((257, 131), (384, 192)), ((307, 200), (456, 296))],
)
def test_fooocus_upscales_pictures_of_any_size(edited, unchanged, size, upscaled):  # noqa: F811
    answer = edited(image=sent(*size), mode="upscale", rendering="Fooocus", steps=1)
    assert answer.status == 200, answer.body
    assert decode(answer.body["images"][0]).shape == (upscaled[1], upscaled[0], 3)
    assert f"Size: {upscaled[0]}x{upscaled[1]}" in answer.body["infotexts"][0]


@pytest.mark.parametrize("action", ["vary_subtle", "upscale_1_5"])
def test_fooocus_encodes_the_middle_of_a_picture(host, monkeypatch, action):
    """Its autoencoder is given what whole latents cover, cut out in the middle."""
    variations = importlib.import_module("fooocus_ext.host.jobs.variations")
    before = noise(1030, 1027)
    monkeypatch.setattr(variations, "enlarging", lambda *_args, **_named: (1.0, before.size))
    monkeypatch.setattr(variations.upscalers, "enlarged", lambda *_args: before)
    job = variations.Job("", settings=Settings(rendering="Fooocus"))
    made = variations.varied(job, VARIATIONS[action], before)
    assert (made.request["width"], made.request["height"]) == (1024, 1024)
    middle = np.asarray(before)[1:1025, 3:1027]
    assert (np.asarray(made.picture) == middle).all()


@pytest.mark.parametrize(("action", "is_sampled"), [("upscale_fast", False), ("upscale_2", True)])
def test_a_job_of_the_tab_changes_no_vae_where_nothing_is_sampled(host, action, is_sampled):
    job = importlib.import_module("fooocus_ext.host.tab.job")
    values = {**DEFAULTS, "vae": "None"}
    choices = read_choices([values[name] for name in NAMES])
    made = job.job_for(choices, action, Start(noise(1030, 1027)), None)
    assert made.diffuses is is_sampled
    assert ("sd_vae" in made.options) is is_sampled


@pytest.mark.parametrize(
    ("preset", "values", "steps"),
    [
        ({"default_performance": "Speed"}, {}, 18),
        ({"default_performance": "Speed"}, {"steps": 2}, 2),
        ({"default_performance": "Speed"}, {"performance": "Quality"}, 36),
        ({"default_performance": "Speed", "default_overwrite_step": 4}, {}, 4),
    ],
)
def test_an_upscale_has_the_steps_of_a_presets_performance(
    edited,  # noqa: F811
    add_preset,  # noqa: F811
    preset,
    values,
    steps,
):
    add_preset(**preset)
    values = {"steps": None, "image": sent(64, 64), **values}
    answer = edited(mode="upscale", preset="mine", **values)
    assert answer.status == 200, answer.body
    assert f"Steps: {steps}, " in answer.body["infotexts"][0]


@pytest.mark.parametrize("size", [(301, 303), (257, 131), (16, 40)])
def test_fast_2x_is_twice_as_large_to_the_pixel(edited, size):  # noqa: F811
    answer = edited(image=sent(*size), **FAST)
    assert decode(answer.body["images"][0]).shape == (size[1] * 2, size[0] * 2, 3)


def test_a_tiny_picture_keeps_its_shape(edited):  # noqa: F811
    answer = edited(image=sent(20, 100), mode="upscale", steps=1)
    assert decode(answer.body["images"][0]).shape == (320, 64, 3)


@pytest.mark.parametrize(("number", "is_said"), [(1, False), (3, True)])
def test_that_all_pictures_would_be_the_same_is_said(edited, number, is_said):  # noqa: F811
    answer = edited(image_number=number, **FAST)
    assert len(answer.body["images"]) == 1
    assert any("image_number: got 3" in note for note in answer.body["notes"]) is is_said


def test_a_picture_that_would_become_too_large_is_named(edited, monkeypatch):  # noqa: F811
    actions = importlib.import_module("fooocus_ext.tab.actions")
    monkeypatch.setattr(actions, "LARGEST_ENLARGED_SIDE", 100)
    for rendering in ("webui", "Fooocus"):
        answer = edited(**FAST, rendering=rendering)
        assert answer.status == 422
        assert answer.detail.startswith("image: got 160×128, which would become 320×256; allowed: ")


def test_an_unknown_style_is_refused_also_where_none_is_applied(edited):  # noqa: F811
    answer = edited(**FAST, styles=["no-such-style"])
    assert answer.status == 422
    assert answer.detail.startswith('styles: there is no style "no-such-style"')


def entries_of(host, text: str):
    """Return what the host reads in an infotext, as it does for a picture on its PNG Info tab."""
    entries = importlib.import_module("fooocus_ext.host.infotext_parser").parse(text)
    host.modules.script_callbacks.infotext_pasted_callback(text, entries)
    return entries


@pytest.mark.parametrize(
    ("values", "stated"),
    [
        ({"mode": "vary"}, Edit(mode="vary")),
        ({"mode": "vary", "strength": 0.85}, Edit(mode="vary", strength=0.85)),
        ({"mode": "upscale"}, Edit(mode="upscale")),
        (
            {"mode": "upscale", "scale": "2x", "strength": 0.2, "rendering": "Fooocus"},
            Edit(mode="upscale", scale="2x", strength=0.2),
        ),
        (FAST, Edit(mode="upscale", scale="fast 2x")),
    ],
)
def test_the_infotext_says_what_became_of_the_picture(host, edited, values, stated):  # noqa: F811
    answer = edited(image=sent(64, 64), **values)
    entries = entries_of(host, answer.body["infotexts"][0])
    assert from_text(entries[INFOTEXT]) == stated


@pytest.mark.parametrize("limit", [None, 100])
def test_of_a_picture_that_is_not_sampled_no_sampling_is_told(
    host,
    edited,  # noqa: F811
    monkeypatch,
    limit,
):
    """Nor is its prompt expanded, and no other checkpoint is loaded."""
    asked = dict(FAST)
    if limit is not None:
        actions = importlib.import_module("fooocus_ext.tab.actions")
        monkeypatch.setattr(actions, "LARGEST_SIDE", limit)
        asked = {"mode": "upscale"}
    expansion = importlib.import_module("fooocus_ext.host.machine.expansion")
    monkeypatch.setattr(
        expansion, "expand", lambda *_args: pytest.fail("nothing is to be expanded")
    )
    active = host.modules.shared.sd_model.sd_checkpoint_info.title
    answer = edited(
        **asked,
        expansion=True,
        styles=["cinematic-default"],
        negative_prompt="blur",
        base_model=host.checkpoints.second or "",
    )
    assert answer.status == 200, answer.body
    entries = entries_of(host, answer.body["infotexts"][0])
    assert (entries["Prompt"], entries["Negative prompt"]) == ("", "")
    unsaid = {"Steps", "Sampler", "Seed", "CFG scale", "Model", "Denoising strength"}
    assert not unsaid & entries.keys()
    assert from_text(entries[INFOTEXT]).mode == "upscale"
    assert host.modules.shared.sd_model.sd_checkpoint_info.title == active


@pytest.mark.reports_errors
def test_the_infotext_of_a_picture_that_is_not_sampled_can_be_read_back(host, edited):  # noqa: F811
    loaded = importlib.import_module("fooocus_ext.host.tab.loaded")
    text = edited(**FAST).body["infotexts"][0]
    read = loaded.read_settings(text)
    assert read == loaded.fill_from_infotext(entries_of(host, text))
    assert read.notes == (UNSAMPLED,)
    assert read.values["edit_whole"] == VARIATIONS["upscale_fast"].label
    assert "prompt" not in read.values
    again = host.post("/fooocus/v1/remake", {"text": text})
    assert again.status == 422
    assert UNSAMPLED in again.detail
    nothing = f"{text}".replace("{", "[")
    assert loaded.read_settings(nothing) is None


@pytest.mark.parametrize("asked", [FAST, {"mode": "upscale", "scale": "2x"}])
def test_no_file_is_missed_where_nothing_is_sampled(edited, monkeypatch, add_preset, asked):  # noqa: F811
    """Neither a preset's nor a performance's; but what is written wrong is refused as ever."""
    actions = importlib.import_module("fooocus_ext.tab.actions")
    monkeypatch.setattr(actions, "LARGEST_SIDE", 100)
    file = "not-here.safetensors"
    add_preset("lacks", default_model=file, default_refiner=file, default_loras=[[True, file, 1]])
    for settings in ({"preset": "lacks"}, {"performance": "Extreme Speed"}):
        answer = edited(**asked, **settings)
        assert answer.status == 200, answer.body
        assert edited(mode="vary", **settings).status == 422
    for name in ("preset", "performance", "aspect_ratio"):
        assert edited(**asked, **{name: "nonsense"}).status == 422


def test_an_unknown_base_model_is_refused_also_where_nothing_is_sampled(edited):  # noqa: F811
    answer = edited(**FAST, base_model="nonsense")
    assert answer.status == 422
    assert "base_model" in answer.detail


@pytest.mark.reports_errors
def test_the_log_of_a_picture_that_is_not_sampled_puts_nothing_on_the_page(host):
    loaded = importlib.import_module("fooocus_ext.host.tab.loaded")
    text = json.dumps(settings_of_unsampled((1536, 1024)).to_json())
    assert loaded.read_settings(text) == Filled({}, (UNSAMPLED,))
    again = host.post("/fooocus/v1/remake", {"text": text})
    assert again.status == 422
    assert UNSAMPLED in again.detail
