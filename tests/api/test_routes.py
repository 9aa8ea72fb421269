"""Our own HTTP routes with stand-ins for the host: what each answers, and that none ever fails."""

from __future__ import annotations

import json
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooocus_ext import __version__
from fooocus_ext.api.bodies import PictureRequest, settings_of, surplus_problem
from fooocus_ext.args import FIELDS, Settings, json_schema
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS
from fooocus_ext.presets.performance import PERFORMANCES
from tests.api.backend import Backend, client_of, post


def test_schema_is_the_arguments_own(client):
    answer = client.get("/fooocus/v1/schema").json()
    assert answer == {**json.loads(json.dumps(json_schema())), "version": __version__}


def test_styles_are_listed_with_what_was_not_usable(client):
    answer = client.get("/fooocus/v1/styles").json()
    assert [style["name"] for style in answer["styles"]] == ["film", "warm"]
    assert answer["styles"][1]["group"] == "Mood"
    assert answer["special"] == ["Fooocus V2", "Random Style"]
    assert answer["problems"] == ["styles/bad.json, third: it has no name"]


def test_presets_are_listed_in_fooocus_own_keys(client):
    answer = client.get("/fooocus/v1/presets").json()
    assert answer == {
        "presets": {"mine": {"default_sample_sharpness": 3.0, "other": [1]}},
        "problems": [],
    }


def test_performances_are_all_listed(client):
    answer = client.get("/fooocus/v1/performances").json()
    assert {mode["name"]: mode["steps"] for mode in answer} == {
        name: mode.steps for name, mode in PERFORMANCES.items()
    }


def test_each_listed_aspect_ratio_is_accepted(client):
    answer = client.get("/fooocus/v1/aspect-ratios").json()
    assert [size["value"] for size in answer] == list(ASPECT_RATIOS)
    assert all(f"{size['width']}*{size['height']}" == size["value"] for size in answer)


def test_preview_puts_texts_together(client):
    answer = post(
        client, "/styles/preview", prompt="a fox", negative_prompt="blur", styles=["Film"]
    ).json()
    assert answer == {
        "prompt": "film still of a fox",
        "negative_prompt": "cartoon, blur",
        "styles": ["film"],
        "expansion": "",
        "notes": [],
    }


def test_preview_expands_with_the_seed_where_asked(client):
    answer = post(client, "/styles/preview", prompt="a fox", seed=7, expansion=True).json()
    assert (answer["prompt"], answer["expansion"]) == ("a fox, word7", "word7")


def test_preview_of_an_unknown_style_is_refused(client):
    answer = post(client, "/styles/preview", prompt="a fox", styles=["flim"])
    assert answer.status_code == 422
    assert 'did you mean "film"' in answer.json()["detail"]


def test_expand_gives_each_continuation_its_seed(client):
    answer = post(client, "/expand", prompt="a fox", seed=5, count=3)
    assert answer.json() == {"expansions": ["a fox, word5", "a fox, word6", "a fox, word7"]}


def test_expand_needs_a_prompt(client):
    assert post(client, "/expand").status_code == 422


def test_reload_counts_what_there_is(client, backend):
    assert post(client, "/reload").json() == {"styles": 2, "presets": 1}
    assert backend.reloads == 1


def test_a_picture_is_made_again_from_its_text_with_what_is_to_be_said(client, backend):
    answer = post(client, "/remake", text='{"prompt": "a fox"}')
    assert answer.json() == {
        "images": ["picture"],
        "infotexts": ["Seed: 7"],
        "seeds": [7],
        "notes": ["It is here."],
    }
    assert backend.jobs == ['{"prompt": "a fox"}']
    backend.refusal = "text: it contains no settings"
    assert post(client, "/remake", text="?").json() == {"detail": "text: it contains no settings"}


@pytest.mark.parametrize("body", [{}, {"text": []}, {"text": "a" * 300_001}, {"text": "a", "n": 1}])
def test_a_text_that_is_none_or_too_long_is_refused(client, backend, body):
    assert post(client, "/remake", **body).status_code == 422
    assert backend.jobs == []


def test_release_tells_what_was_released(client):
    assert post(client, "/refiner/release").json() == {"released": "refiner.safetensors"}
    assert post(client, "/refiner/release").json() == {"released": None}


def test_a_picture_from_few_words_uses_the_tabs_defaults(client, backend):
    answer = post(client, "/txt2img", prompt="a fox", seed=4, image_number=2)
    assert answer.json() == {
        "images": ["picture0", "picture1"],
        "infotexts": ["Seed: 4", "Seed: 5"],
        "seeds": [4, 5],
    }
    ((request, chosen),) = backend.jobs
    assert (request.prompt, request.base_model, request.cfg_scale, request.steps) == (
        "a fox",
        "",
        None,
        None,
    )
    assert chosen == Settings(enabled=True, performance="Speed", aspect_ratio="1152*896")


def other_than_default(field):
    """Return a legal value of a field that differs from its default."""
    return {
        "flag": not field.default,
        "number": field.minimum + (field.maximum - field.minimum) / 3,
        "choice": field.choices[-1] if field.choices else "",
        "name": "other",
        "names": [field.choices[0]] if field.choices else ["film", "warm"],
        "texts": {"full_prompt": ["a"], "full_negative_prompt": ["b"]},
    }[field.kind]


def test_every_argument_reaches_the_settings(client, backend):
    values = {field.name: other_than_default(field) for field in FIELDS if field.name != "enabled"}
    assert values["styles"] == ["film", "warm"]
    assert post(client, "/txt2img", **values).status_code == 200
    ((_, chosen),) = backend.jobs
    assert chosen == Settings().replace(enabled=True, **values)
    same = [field.name for field in FIELDS if getattr(chosen, field.name) == field.default]
    assert same == []


@pytest.mark.parametrize(
    "body",
    [
        {"sharpnes": 2},
        {"enabled": False},
        {"sharpness": 31},
        {"expansion": "yes"},
        {"performance": "Turbo"},
        {"image_number": 0},
        {"image_number": 33},
        {"image_number": 1.5},
        {"image_number": True},
        {"seed": 4.5},
        {"sharpness": True},
        {"prompt": True},
        {"seed": -2},
        {"seed": 2**63},
        {"steps": 0},
        {"cfg_scale": 31},
        {"styles": ["film", ""]},
        {"refiner": " "},
    ],
    ids=str,
)
def test_what_cannot_be_honoured_is_refused_before_the_job(client, backend, body):
    assert post(client, "/txt2img", **body).status_code == 422
    assert backend.jobs == []


@pytest.mark.parametrize("content", [b'""', b"[]", b"null", b"5"], ids=repr)
def test_a_body_that_is_no_object_makes_no_picture(client, backend, content):
    headers = {"Content-Type": "application/json"}
    answer = client.post("/fooocus/v1/txt2img", content=content, headers=headers)
    assert (answer.status_code, backend.jobs) == (422, [])


def test_a_refused_job_says_why(client, backend):
    backend.refusal = "refiner: there is no such checkpoint."
    answer = post(client, "/txt2img", prompt="a fox")
    assert (answer.status_code, answer.json()["detail"]) == (422, backend.refusal)


def test_surplus_values_are_a_problem():
    assert surplus_problem([None] * len(FIELDS)) is None
    assert f"{len(FIELDS) + 1} values" in surplus_problem([None] * (len(FIELDS) + 1))


CLIENT = client_of(Backend())
OPEN_API = CLIENT.get("/openapi.json").json()
POST_ROUTES = {
    path: methods["post"] for path, methods in OPEN_API["paths"].items() if "post" in methods
}

HOSTILE_TEXTS = (
    "",
    "\ud800",
    "\0",
    "\n",
    "a\ud83d",
    "__x__",
    "[[a, b]]",
    "🦊",
    "<lora:x:1>",
    "__pydantic_self__",
)
TEXTS = st.text(max_size=20) | st.sampled_from(HOSTILE_TEXTS)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def body_schema(operation: dict) -> dict | None:
    if "requestBody" not in operation:
        return None
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return OPEN_API["components"]["schemas"][reference.rpartition("/")[2]]


def values_for(schema: dict) -> st.SearchStrategy:
    """Return values that a schema describes, near enough to its edges."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return st.lists(values_for(schema["items"]), max_size=3)
    if kind == "boolean":
        return st.booleans()
    low, high = schema.get("minimum", -(2**70)), schema.get("maximum", 2**70)
    if kind == "integer":
        return st.sampled_from([low, high, low - 1, high + 1]) | st.integers(low, high)
    if kind == "number":
        return st.sampled_from([low, high]) | st.floats(low, high)
    return st.sampled_from(["film", "None", "webui"]) | TEXTS


def bodies_for(schema: dict) -> st.SearchStrategy:
    fields = {
        name: st.one_of(values_for(inner), values_for(inner), JSON_VALUES)
        for name, inner in schema["properties"].items()
    }
    known = st.fixed_dictionaries({}, optional=fields)
    required = {name: fields[name] for name in schema.get("required", ())}
    others = {name: values for name, values in fields.items() if name not in required}
    surplus = st.builds(
        lambda body, more: {**more, **body}, known, st.dictionaries(TEXTS, JSON_VALUES)
    )
    complete = st.fixed_dictionaries(required, optional=others)
    return st.one_of(complete, known, surplus, JSON_VALUES)


def send(path: str, body: object) -> None:
    """Send a body as lenient clients do, NaN and half characters included, and judge the answer."""
    answer = CLIENT.post(
        path, content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (200, 400, 422), answer.text
    json.loads(answer.content, parse_constant=partial(pytest.fail, "not JSON:"))


@pytest.mark.parametrize("path", [path for path in POST_ROUTES if body_schema(POST_ROUTES[path])])
@given(st.data())
@settings(max_examples=settings.default.max_examples * 3 // 2)
def test_no_body_makes_a_route_fail(path, data):
    send(path, data.draw(bodies_for(body_schema(POST_ROUTES[path]))))


@pytest.mark.parametrize("path", POST_ROUTES)
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"\xff\xfe", b"[" * 5000, b'{"prompt": 1e999}', b'"a"', b"[[1]]"],
    ids=repr,
)
def test_no_bytes_make_a_route_fail(path, content):
    answer = CLIENT.post(path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code < 500


@pytest.mark.parametrize("path", OPEN_API["paths"])
def test_every_route_is_described(path):
    for operation in OPEN_API["paths"][path].values():
        assert operation["summary"]
        assert operation["tags"] == ["Fooocus"]


def test_a_preset_decides_what_the_request_does_not_name():
    with_preset = settings_of(PictureRequest(prompt="x", preset="lightning"))
    assert (with_preset.performance, with_preset.aspect_ratio) == ("webui", "webui")
    named = PictureRequest(prompt="x", preset="lightning", performance="Quality")
    assert settings_of(named).performance == "Quality"
    defaults = {"refiner": "None", "styles": [], "expansion": True, "sharpness": 2}
    named = PictureRequest(prompt="x", preset="sai", steps=12, cfg_scale=4, **defaults)
    kept = settings_of(named).keep
    assert set(kept) == {"steps", "cfg_scale", *defaults}
    assert len(kept) == 6
    plain = settings_of(PictureRequest(prompt="x"))
    assert plain.keep == ()
    assert (plain.performance, plain.aspect_ratio) == ("Speed", "1152*896")
