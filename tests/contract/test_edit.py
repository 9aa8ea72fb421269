"""Pictures edited on the host: what the model is shown, what stays as it was, and what is refused."""

from __future__ import annotations

import copy
import importlib
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image

from fooocus_ext import edit
from fooocus_ext.images import canvas
from tests.contract import probes
from tests.contract.families import PASS_HOOK
from tests.contract.hosts import FAMILY, decode, encode

SIDE = 128
ROUTE = "/fooocus/v1/img2img"
SEED = 7
PLAIN = {"steps": 3, "cfg_scale": 2, "expansion": False, "styles": [], "seed": SEED}
BOX = (50, 40, 110, 90)


def scene() -> Image.Image:
    rows, columns = np.mgrid[0:128, 0:160]
    channels = (rows, columns, (rows // 16 + columns // 16) % 2 * 200)
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def box_mask() -> Image.Image:
    mask = Image.new("L", scene().size)
    mask.paste(255, BOX)
    return mask


MASK = encode(np.asarray(box_mask()))


@pytest.fixture
def edited(host, monkeypatch):
    """Edits the scene, and returns the answer; its parts are small, so that a test takes seconds."""
    checkpoints = importlib.import_module("fooocus_ext.host.machine.checkpoints")
    monkeypatch.setattr(checkpoints, "side", lambda _title: SIDE)

    def send(**values):
        body = {**PLAIN, "image": encode(np.asarray(scene())), "prompt": "a fox", **values}
        return host.post(ROUTE, body)

    return send


@dataclass
class Call:
    """What the model is shown in one call: tensors are copies."""

    x: torch.Tensor
    sigma: float
    clean: torch.Tensor
    inside: torch.Tensor


@pytest.fixture
def calls(host):
    """The model calls, as they are when all callbacks before them have had their say."""
    seen = []

    def look(params):
        denoiser = probes.denoiser_of(params, made)
        copies = (params.x.clone(), float(params.sigma[0]))
        seen.append(Call(*copies, denoiser.init_latent.clone(), denoiser.nmask.clone()))

    callbacks = host.modules.script_callbacks
    callbacks.on_cfg_denoiser(look)
    with probes.processing_objects(host) as made:
        yield seen
    callbacks.remove_callbacks_for_function(look)


def part(**values) -> canvas.Canvas:
    """Return what the host is handed of the scene."""
    return canvas.prepare(scene(), [box_mask()], edit.from_dict(values), side=SIDE)


def far_from_the_mask() -> np.ndarray:
    rows, columns = np.mgrid[0:128, 0:160]
    across = np.maximum(BOX[0] - columns, columns - BOX[2] + 1)
    down = np.maximum(BOX[1] - rows, rows - BOX[3] + 1)
    return np.maximum(across, down) >= 32


@pytest.mark.parametrize("mode", ["inpaint", "detail", "modify"])
@pytest.mark.parametrize("rendering", ["webui", "Fooocus"])
def test_beyond_the_ramp_the_picture_stays_byte_for_byte(edited, unchanged, mode, rendering):
    answer = edited(mask=MASK, mode=mode, rendering=rendering)
    assert answer.status == 200, answer.body
    picture, before = decode(answer.body["images"][0]), np.asarray(scene())
    assert (picture[far_from_the_mask()] == before[far_from_the_mask()]).all()
    inside = np.asarray(box_mask()) > 0
    assert np.abs(picture.astype(int) - before)[inside].mean() > 3


def test_a_picture_grows_and_stands_unchanged_within(edited):
    answer = edited(outpaint_left=0.5, outpaint_bottom=0.25)
    picture = decode(answer.body["images"][0])
    assert picture.shape == (160, 240, 3)
    # beyond the ramp of 32 pixels on the old picture's side
    assert (picture[:96, 112:] == np.asarray(scene())[:96, 32:]).all()


@pytest.mark.parametrize("mode", ["inpaint", "modify"])
def test_every_call_shows_the_picture_around_the_mask_with_noise_of_its_own(edited, calls, mode):
    """Fooocus's noise there: one CPU generator of seed + 1, and of each call's level."""
    answer = edited(mask=MASK, mode=mode)
    assert answer.status == 200, answer.body
    assert len(calls) >= 3
    pooled = torch.from_numpy(part(mode=mode).crop_mask).float()[None, None]
    inside = torch.nn.functional.max_pool2d(pooled, 8)[0, 0].bool()
    generator = torch.Generator("cpu").manual_seed(SEED + 1)
    for call in calls:
        clean = call.clean.cpu().float()
        noise = torch.randn(clean.shape, generator=generator)
        assert torch.equal(call.inside[0].bool().cpu(), inside)
        for row in call.x.cpu().float():
            expected = (clean + noise * call.sigma)[0]
            assert torch.allclose(row[:, ~inside], expected[:, ~inside], atol=1e-2, rtol=1e-2)
            assert not torch.allclose(row[:, inside], expected[:, inside], atol=1e-1)
        assert (clean[0][:, inside] == 0).all().item() is (mode == "modify")


@pytest.mark.parametrize("side", [1, 2, 3])
def test_a_speck_of_a_mask_is_edited_with_any_upscaler(host, side):
    """The webui's upscalers round sizes down to multiples of 8: a pixel would become none."""
    task = importlib.import_module("fooocus_ext.host.edit.task")
    speck = Image.new("L", scene().size)
    speck.paste(255, (80, 60, 80 + side, 60 + side))
    asked = task.Task(edit.Edit("detail"), scene(), (speck,), SIDE, "Nearest")
    found = asked.canvas()
    assert found.crop.size == (SIDE, SIDE)
    assert found.crop_mask.any()


def test_the_infotext_has_the_edit_and_the_additional_prompt_is_the_first_line(edited):
    answer = edited(mask=MASK, additional_prompt="a red hat", mask_grow=4)
    text = answer.body["infotexts"][0]
    assert text.startswith("a red hat\na fox\n")
    entries = importlib.import_module("fooocus_ext.host.infotext_parser").parse(text)
    assert edit.from_text(entries[edit.INFOTEXT]) == edit.Edit(mask_grow=4)
    width, height = part(mask_grow=4).start.size
    assert f"Size: {width}x{height}" in text
    assert "Denoising strength: 1" in text
    assert "Mask blur" not in text


def test_each_picture_of_a_job_is_another_and_keeps_what_is_around(edited):
    answer = edited(mask=MASK, image_number=2)
    assert answer.body["seeds"] == [SEED, SEED + 1]
    first, second = (decode(text) for text in answer.body["images"])
    assert (first != second).any()
    assert (first[far_from_the_mask()] == second[far_from_the_mask()]).all()
    again = decode(edited(mask=MASK, seed=SEED + 1).body["images"][0])
    # not to the byte: a webui's autoencoder draws the latents that it starts with from the global RNG
    apart, alike = (np.abs(x.astype(int) - second).mean() for x in (first, again))
    assert alike < apart / 2


def test_a_refiner_takes_part(host, edited, calls):
    if host.checkpoints.refiner is None:
        pytest.skip("no refiner")
    answer = edited(mask=MASK, refiner=host.checkpoints.refiner, refiner_switch=0.5, steps=4)
    assert answer.status == 200, answer.body
    assert "Fooocus refiner: " in answer.body["infotexts"][0]
    picture, before = decode(answer.body["images"][0]), np.asarray(scene())
    assert (picture[far_from_the_mask()] == before[far_from_the_mask()]).all()


@pytest.mark.parametrize(("method", "later"), [("separate", 0), ("vae", 1)])
def test_the_second_run_of_a_refiner_begins_the_noise_around_the_mask_anew(
    host, edited, calls, method, later
):
    """As in Fooocus, each run of whose sampler has a generator of its own; that of "vae" another seed."""
    if host.checkpoints.refiner is None:
        pytest.skip("no refiner")
    FAMILY.need(PASS_HOOK)
    takes_over = {"refiner": host.checkpoints.refiner, "refiner_method": method}
    answer = edited(
        mask=MASK, rendering="Fooocus", steps=4, refiner_switch=0.5, image_number=1, **takes_over
    )
    assert answer.status == 200, answer.body
    assert len(calls) == 4
    inside = calls[0].inside[0].bool().cpu()
    for seed, run in ((SEED + 1, calls[:2]), (SEED + 1 + later, calls[2:])):
        generator = torch.Generator("cpu").manual_seed(seed)
        for call in run:
            clean = call.clean.cpu().float()
            expected = (clean + torch.randn(clean.shape, generator=generator) * call.sigma)[0]
            for row in call.x.cpu().float():
                found, wanted = row[:, ~inside], expected[:, ~inside]
                assert torch.allclose(found, wanted, atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize(
    ("values", "size", "denoising"),
    [
        ({"mode": "vary"}, (128, 64), "0.5"),
        ({"mode": "vary", "strength": 0.85, "rendering": "Fooocus"}, (128, 64), "0.85"),
        ({"mode": "upscale"}, (240, 192), "0.382"),
        ({"mode": "upscale", "scale": "2x", "performance": "webui"}, (320, 256), "0.382"),
        ({"mode": "upscale", "scale": "fast 2x", "image_number": 2}, (320, 256), None),
    ],
)
def test_a_whole_picture_is_varied_and_upscaled(edited, unchanged, values, size, denoising):
    answer = edited(**values)
    assert answer.status == 200, answer.body
    pictures = [decode(text) for text in answer.body["images"]]
    assert [picture.shape for picture in pictures] == [(size[1], size[0], 3)]
    text = answer.body["infotexts"][0]
    assert (f"Denoising strength: {denoising}" in text) is (denoising is not None)
    assert ("Lanczos" in " ".join(answer.body["notes"])) is (values["mode"] == "upscale")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mode": "vary", "mask": MASK}, 'mask: allowed in mode "vary": none'),
        ({}, "mask: nothing is masked"),
        ({"mask": MASK, "mask_grow": -64}, "mask: nothing is masked"),
        ({"mask": MASK, "engine": "v9"}, "engine: "),
        ({"outpaint_left": 0.3, "mode": "modify"}, "outpaint_left: got 0.3"),
        ({"image": "https://example.org/a.png"}, "image: it is no base64"),
    ],
)
def test_what_cannot_be_edited_is_refused_by_name(edited, values, words):
    answer = edited(**values)
    assert answer.status == 422
    assert words in answer.detail


def test_a_copy_of_the_request_is_no_edit(host):
    """Other extensions copy it for pictures of theirs, with all its attributes."""
    task = importlib.import_module("fooocus_ext.host.edit.task")
    p = host.modules.processing.StableDiffusionProcessingImg2Img()
    task.ask_for(p, edit.Edit(), part())
    assert task.asked_of(p) is not None
    assert task.asked_of(copy.copy(p)) is None


def test_a_request_as_large_as_pictures_are_is_taken_and_a_larger_one_is_not(host):
    for size, status in ((2 * 1024 * 1024, 422), (49 * 1024 * 1024, 413)):
        answer = host.post(ROUTE, {"image": "A" * size})
        assert answer.status == status, answer.detail
    assert host.post("/fooocus/v1/expand", {"prompt": "A" * 2**21}).status == 413


def test_a_model_that_noises_pictures_itself_is_shown_the_webuis_own(edited, host, monkeypatch):
    """As SD3 on A1111 1.10, which says so by this method."""
    if not FAMILY.asks_after_calls:
        pytest.skip("Forge's family knows such models by what they predict")
    made = edited(mask=MASK)
    assert "noise around" not in made.body["infotexts"][0]
    model = host.modules.shared.sd_model
    add = lambda x, noise, level: x + noise * level  # noqa: E731
    monkeypatch.setattr(model, "add_noise_to_latent", add, raising=False)
    left = edited(mask=MASK)
    assert "Fooocus's noise around what is made anew" in left.body["infotexts"][0]
    assert not left.same_pixels(made)
