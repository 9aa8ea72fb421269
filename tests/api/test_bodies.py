"""What bodies of requests may hold: each field the type that the documents promise."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fooocus_ext.api import bodies, downloads, model_download, presets, queue
from fooocus_ext.limits import MAX_ITEMS

MODULES = (bodies, downloads, model_download, presets, queue)
MODELS = {
    name: model
    for module in MODULES
    for name, model in vars(module).items()
    if isinstance(model, type) and issubclass(model, bodies.Strict) and model is not bodies.Strict
}
WRONG = {
    "string": (True, 5, 1.5),
    "number": (True, "4"),
    "integer": (True, "30", 1.5),
    "object": ([["sharpness", 3]], [{}], [], "", True, 5),
}
RIGHT = {"string": "a", "number": 1, "integer": 2.0, "object": {}}


def shape_of(schema):
    """Return the JSON type of a field, of its items for a list; None for any other or a choice."""
    shapes = schema.get("anyOf", [schema])
    shapes = [shape.get("items", shape) for shape in shapes if shape.get("type") != "null"]
    return None if "enum" in shapes[0] else shapes[0].get("type")


FIELDS = [
    (model, field, shape_of(schema), schema.get("type") == "array")
    for model in MODELS.values()
    for field, schema in model.schema()["properties"].items()
    if shape_of(schema) in WRONG
]


def problems(model, body):
    try:
        model(**body)
    except ValidationError as error:
        return [problem["msg"] for problem in error.errors()]
    return []


@pytest.mark.parametrize(
    ("model", "field", "shape", "is_list"),
    FIELDS,
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_field_is_given_its_own_type_or_refused_by_name(model, field, shape, is_list):
    for wrong in WRONG[shape]:
        body = {field: [wrong] if is_list else wrong}
        assert any(f"{field}: got " in problem for problem in problems(model, body)), wrong
    right = [RIGHT[shape]] if is_list else RIGHT[shape]
    assert not any("got " in problem for problem in problems(model, {field: right}))


def test_every_wrong_type_is_named_with_what_is_allowed():
    body = {"sharpness": True, "steps": "30", "styles": ["film", 1], "prompt": 5, "seed": 4}
    (problem,) = problems(bodies.PictureRequest, body)
    for said in (
        "sharpness: got true (true/false); allowed: a number from 0 to 30.",
        'steps: got "30" (text); allowed: a whole number from 1 to 150.',
        "styles: got 1 (number); allowed: a text.",
        "prompt: got 5 (number); allowed: a text.",
    ):
        assert said in problem
    assert "seed" not in problem


def test_a_list_of_pairs_is_no_object():
    body = {"name": "x", "settings": [["sharpness", 3]]}
    (problem,) = problems(presets.PresetToSave, body)
    assert problem == 'settings: got [["sharpness", 3]] (list); allowed: an object.'
    (problem,) = problems(bodies.EditRequest, {"image": "", "original_texts": []})
    assert problem == "original_texts: got [] (list); allowed: an object."
    bodies.EditRequest(image="", original_texts=None)


def test_a_number_out_of_range_is_named_with_its_value_and_the_range():
    numbers = {
        "field": (2, "a number from 0 to 1"),
        "feather": (129, "a whole number from 0 to 128"),
        "cfg_scale": (0.5, "a number from 1 to 30"),
        "steps": (0, "a whole number from 1 to 150"),
        "mask_threshold": (255, "a whole number from 0 to 254"),
        "seed": (2**63, "a whole number from -1 to 9223372036854775775"),
        "image_number": (33, "a whole number from 1 to 32"),
    }
    body = {"image": "", **{name: value for name, (value, _) in numbers.items()}}
    (problem,) = problems(bodies.EditRequest, body)
    for name, (value, allowed) in numbers.items():
        assert f"{name}: got {value} (number); allowed: {allowed}." in problem
    assert problems(bodies.EditRequest, {"image": "", "field": 1, "steps": 150, "seed": -1}) == []


def test_half_a_character_in_a_number_is_told_in_an_answer_that_can_be_sent():
    """pydantic 2 asks for the type before anything else, and fails on words that it cannot encode."""
    assert problems(bodies.PictureRequest, {"seed": "\ud800"})
    (problem,) = bodies._misfits(bodies.PictureRequest, "seed", "\ud800")
    assert problem.encode().startswith(b'seed: got "\\ud800" (text); allowed: a whole number from')


def test_a_preview_takes_as_many_styles_as_a_picture():
    most = ["film"] * MAX_ITEMS
    assert problems(bodies.PreviewRequest, {"prompt": "p", "styles": most}) == []
    assert problems(bodies.PreviewRequest, {"prompt": "p", "styles": [*most, "film"]})
