"""The route that edits pictures: what it takes, what it refuses by name, and what it hands on."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from fooocus_ext.api.bodies import LARGEST_BODIES
from fooocus_ext.edit import FIELDS, Edit
from fooocus_ext.images import decoding
from tests.api.backend import PREFIX, post


def encoded(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


RED = Image.new("RGB", (32, 16), "red")
IMAGE = encoded(RED)


def test_an_edit_with_nothing_but_a_picture_is_fooocus_s(client, backend):
    answer = post(client, "/img2img", image=IMAGE, prompt="a fox")
    assert answer.status_code == 200
    assert answer.json()["images"] == ["picture"]
    assert answer.json()["notes"] == ["It is here."]
    edit, settings, picture, masks = backend.jobs[0]
    assert edit == Edit()
    assert (picture.mode, picture.tobytes(), masks) == ("RGB", RED.tobytes(), ())
    assert (settings.enabled, settings.performance) == (True, "Speed")


def test_every_field_of_an_edit_and_of_a_picture_can_be_named(client, backend):
    values = {
        "mask_invert": True,
        "mask_grow": -3,
        "mask_threshold": 9,
        "feather": 0,
        "outpaint_left": 0.5,
        "strength": 0.7,
        "field": 0,
        "engine": "v2.6",
        "additional_prompt": "a hat",
    }
    answer = post(client, "/img2img", image=IMAGE, mask=IMAGE, sharpness=3, seed=4, **values)
    assert answer.status_code == 200
    edit, settings, _picture, masks = backend.jobs[0]
    assert {name: getattr(edit, name) for name in values} == values
    assert settings.sharpness == 3
    assert [mask.size for mask in masks] == [(32, 16)]


def test_what_is_transparent_can_be_the_mask(client, backend):
    image = RED.convert("RGBA")
    image.putpixel((1, 1), (0, 255, 0, 0))
    image.putpixel((2, 1), (0, 0, 255, 204))
    assert post(client, "/img2img", image=encoded(image), mask="alpha").status_code == 200
    _, _, picture, (mask,) = backend.jobs[0]
    seen = [picture.getpixel((x, 1)) for x in range(3)]
    assert seen == [(255, 0, 0), (255, 255, 255), (51, 51, 255)]  # laid on white, as without a mask
    assert [mask.getpixel((x, 1)) for x in range(3)] == [0, 255, 51]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"image": None}, "image"),
        ({"image": 7}, "image: got 7 (number); allowed: a text"),
        ({"image": "https://example.org/a.png"}, "image: it is no base64; allowed: a picture"),
        ({"image": "/etc/passwd"}, "image: "),
        ({"mask": "file:///etc/passwd"}, "mask: it is no base64"),
        ({"mask": ""}, "mask: "),
        ({"mask": "alpha"}, 'mask: got \\"alpha\\"; allowed: a mask, as nothing is transparent.'),
        ({"mode": "inpant"}, "inpaint"),
        ({"mask_grow": 65}, "64"),
        ({"mask_grow": 1.5}, "a whole number"),
        ({"mask_grow": True}, "a whole number"),
        ({"mask_invert": 1}, "mask_invert"),
        ({"strength": 0}, "0.01"),
        ({"strength": "much"}, "strength"),
        ({"outpaint_left": -0.1}, "outpaint_left"),
        ({"outpaint_to": "big"}, "outpaint_to: got"),
        (
            {"mode": "detail", "outpaint_top": 0.3},
            "outpaint_top: got 0.3 (number); allowed in mode",
        ),
        ({"mask_blur": 4}, "mask_blur"),
        ({"aspect_ratio": "1024*1024"}, "aspect_ratio: allowed: none here"),
        ({"additional_prompt": "a" * 20_001}, "20000"),
        (
            {"additional_prompt": "a hat", "original_texts": {"full_prompt": ["a fox"]}},
            'additional_prompt: got \\"a hat\\" (text) beside original_texts; allowed: one of them',
        ),
    ],
)
def test_what_is_wrong_is_refused_by_name(client, backend, values, words: str):
    body = {"image": IMAGE, **values}
    answer = post(client, "/img2img", **{k: v for k, v in body.items() if v is not None})
    assert answer.status_code == 422
    assert words in answer.text
    assert backend.jobs == []


def test_texts_that_hold_for_one_prompt_alone_give_way_to_an_additional_one(client, backend):
    """Of what they are, the generation sees that it has been edited, and says so."""
    texts = {"full_prompt": ["a fox"], "of": "0" * 16}
    values = {"image": IMAGE, "additional_prompt": "a hat", "original_texts": texts}
    assert post(client, "/img2img", **values).status_code == 200
    assert backend.jobs[0][0].additional_prompt == "a hat"


def test_the_host_s_refusal_is_the_answer(client, backend):
    backend.refusal = "mask: nothing is masked."
    answer = post(client, "/img2img", image=IMAGE)
    assert (answer.status_code, answer.json()["detail"]) == (422, backend.refusal)


def test_the_largest_picture_fits_into_the_largest_body():
    assert LARGEST_BODIES[f"{PREFIX}/img2img"] > decoding.MAX_BYTES * 4 / 3


def test_the_route_describes_every_field(client):
    described = client.get("/openapi.json").json()["components"]["schemas"]["EditRequest"]
    assert {"image", "mask", "prompt", "seed"} <= set(described["properties"])
    for field in FIELDS:
        assert described["properties"][field.name]["description"] == field.help
