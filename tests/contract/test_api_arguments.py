"""What a client may send in alwayson_scripts, and what it is told when it may not."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from fooocus_ext.args import FIELDS
from tests.contract import probes
from tests.contract.families import NO_INFOTEXTS
from tests.contract.hosts import FAMILY

SMALL = {"width": 64, "height": 64, "steps": 2}
DEFAULTS = [list(f.default) if isinstance(f.default, tuple) else f.default for f in FIELDS]
VALUES = {"enabled": True, "sharpness": 9.5, "adm_positive": 2.0, "expansion": False}


def positional(**values: Any) -> list[Any]:
    """Return the widgets' values in order, as the page sends them."""
    return [values.get(f.name, default) for f, default in zip(FIELDS, DEFAULTS, strict=True)]


def send(host, value, **request):
    return host.run(alwayson_scripts=value, **{**SMALL, **request})


@pytest.mark.parametrize("title", ["Fooocus", "fooocus", "FOOOCUS", "fOOoCUS"])
def test_the_title_counts_in_any_case(host, title):
    wanted = send(host, {"Fooocus": {"args": [VALUES]}})
    assert send(host, {title: {"args": [VALUES]}}).payload == wanted.payload


def test_positional_values_in_widget_order_mean_the_same_as_the_object(host):
    wanted = send(host, {"Fooocus": {"args": [VALUES]}})
    assert send(host, {"Fooocus": {"args": positional(**VALUES)}}).payload == wanted.payload


def test_missing_positional_values_have_their_defaults(host):
    wanted = send(host, {"Fooocus": {"args": [{"enabled": True, "sharpness": 9.5}]}})
    assert send(host, {"Fooocus": {"args": [True, 9.5]}}).payload == wanted.payload


@pytest.mark.parametrize("value", [{}, {"args": []}, {"args": [{}]}, {"args": [False]}])
def test_nothing_given_means_off(host, value):
    assert send(host, {"Fooocus": value}).payload == send(host, {}).payload


@pytest.mark.parametrize("tab", ["txt2img", "img2img"])
def test_the_hosts_own_list_of_arguments_has_our_defaults(host, tab):
    answer = host.client.get("/sdapi/v1/script-info").json()
    is_img2img = tab == "img2img"
    (info,) = [e for e in answer if e["name"] == "fooocus" and e["is_img2img"] == is_img2img]
    assert info["is_alwayson"]
    assert [argument["label"] for argument in info["args"]] == [f.label for f in FIELDS]
    assert [argument["value"] for argument in info["args"]] == [
        "" if field.kind == "texts" else default  # a box of text shows nothing as the empty text
        for field, default in zip(FIELDS, DEFAULTS, strict=True)
    ]
    numbers = [f for f in FIELDS if f.kind == "number"]
    given = {a["label"]: (a["minimum"], a["maximum"], a["step"]) for a in info["args"]}
    assert {f.label: given[f.label] for f in numbers} == {
        f.label: (f.minimum, f.maximum, f.step) for f in numbers
    }


def test_the_host_lists_the_script_in_both_tabs(host):
    answer = host.client.get("/sdapi/v1/scripts").json()
    assert "fooocus" in answer["txt2img"]
    assert "fooocus" in answer["img2img"]


def test_the_host_refuses_a_script_that_it_has_not(host):
    result = send(host, {"Fooocos": {"args": [VALUES]}})
    assert result.status == 422
    assert "Fooocos" in result.detail


def test_clients_may_send_numbers_as_integers(host):
    wanted = send(host, {"Fooocus": {"args": [{"enabled": True, "sharpness": 9.0}]}})
    assert (
        send(host, {"Fooocus": {"args": [{"enabled": True, "sharpness": 9}]}}).payload
        == wanted.payload
    )


@pytest.mark.parametrize("field", [f for f in FIELDS if f.kind == "number"], ids=lambda f: f.name)
def test_both_ends_of_a_range_are_allowed(host, field):
    for value in (field.minimum, field.maximum):
        result = send(host, {"Fooocus": {"args": [{"enabled": True, field.name: value}]}})
        assert result.status == 200, result.detail


NUMBERS = [f.name for f in FIELDS if f.kind == "number"]


def bad_numbers():
    """Yield (what is sent for the object's fields, words that the answer must have)."""
    for name in NUMBERS:
        yield {name: True}, [name, "true", "a number from"]
        yield {name: "3"}, [name, '"3"', "a number from"]
    for value in (None, [], [2.0], {}, {"value": 2.0}, "", float("nan")):
        yield {"sharpness": value}, ["sharpness", json.dumps(value), "a number from 0 to 30"]
    for value in (float("inf"), float("-inf"), 30.01, -0.01, 10**400, -(10**25)):
        yield {"sharpness": value}, ["sharpness", json.dumps(value)[:12], "a number from 0 to 30"]
    for name, value in (("adm_end", 1.01), ("refiner_switch", 0.09), ("adaptive_cfg", 0.5)):
        yield {name: value}, [name, str(value), "a number from"]


WRONG_TYPES = {
    ("enabled", "expansion"): ("true or false", (1, 0, "true", None, [])),
    ("performance", "refiner_method"): ("one of", ("fast", "", None, 3, ["Speed"])),
    ("refiner", "preset", "aspect_ratio"): (
        "allowed",
        ("", "  ", None, 0, False, ["x"], {}, "no such thing"),
    ),
    ("styles",): (
        "a list of up to 500 names",
        ("Cinematic", None, 1, {"a": 1}, [1], [None], [""], [["x"]]),
    ),
}


def bad_words():
    """The same for everything else than numbers."""
    for names, (allowed, values) in WRONG_TYPES.items():
        for name, value in itertools.product(names, values):
            yield {name: value}, [name, json.dumps(value), allowed]
    yield {"styles": ["No Such Style"]}, ["styles", "No Such Style"]
    for value in ("1152", "1152x896x2", "0*0", "-8*64", "999999*999999"):
        yield {"aspect_ratio": value}, ["aspect_ratio", value, "allowed"]
    yield {"keep": ["steps", "seed"]}, ["keep", "seed", "cfg_scale"]
    yield {"sharpnes": 2.0}, ["sharpnes", 'did you mean "sharpness"', "adm_positive"]
    yield {"Sharpness": 2.0}, ["Sharpness", 'did you mean "sharpness"']
    yield {"": 1}, ['""', "allowed"]
    yield {"seed": 1}, ["seed", "allowed"]
    yield {"sharpness": "a", "adm_end": 9}, ["sharpness", "adm_end", "9"]


BAD_FIELDS = [*bad_numbers(), *bad_words()]


def label(case):
    return json.dumps(case)[:40] if isinstance(case, dict) else ""


@pytest.fixture(scope="module")
def usual(session_host):
    """The pictures of a plain request before any bad one."""
    return send(session_host, {}).payload if session_host.checkpoints.base else None


def assert_refused(host, result, words, usual):
    assert result.status == 422, result.body
    assert isinstance(result.detail, str)
    missing = [word for word in words if word not in result.detail]
    assert not missing, result.detail
    assert "images" not in result.body
    assert send(host, {}).payload == usual


@pytest.mark.parametrize(("fields", "words"), BAD_FIELDS, ids=label)
def test_a_bad_field_is_refused(host, fields, words, usual, unchanged):
    with probes.recording(host) as calls:
        result = send(host, {"Fooocus": {"args": [{"enabled": True, **fields}]}})
        assert calls == []
    assert_refused(host, result, words, usual)


SHAPES = [
    ([], ["[]"]),
    (["args"], ['["args"]']),
    ("args", ['"args"']),
    ("", ['""']),
    (5, ["5"]),
    (None, ["null"]),
    (True, ["true"]),
    ({"arg": []}, ['"arg"']),
    ({"args": [], "more": 1}, ['"more"']),
    ({"enabled": True}, ['"enabled"']),
    ({"args": None}, ["null"]),
    ({"args": {}}, ["{}"]),
    ({"args": {"enabled": True}}, ['{"enabled": true}']),
    ({"args": "x"}, ['"x"']),
    ({"args": 5}, ["5"]),
    ({"args": [[]]}, ["[]"]),
    ({"args": [[True, 2.0]]}, ["[true, 2.0]"]),
    ({"args": [None]}, ["enabled", "null"]),
    ({"args": ["x"]}, ["enabled", '"x"']),
    ({"args": [1]}, ["enabled", "1"]),
    ({"args": [True, "x"]}, ["sharpness", '"x"']),
    ({"args": [True, None]}, ["sharpness", "null"]),
    ({"args": [*positional(enabled=True), 1]}, [str(len(FIELDS) + 1), str(len(FIELDS))]),
    ({"args": [{}, 3.0]}, ["sharpness", "3.0"]),
    ({"args": [{}, {}]}, ["sharpness", "{}"]),
    ({"args": [{}, *[None] * 3]}, ["sharpness", "null"]),
    ({"args": [{}, *DEFAULTS[1:], 1]}, [str(len(FIELDS) + 1), str(len(FIELDS))]),
]


@pytest.mark.parametrize(("value", "words"), SHAPES, ids=lambda case: json.dumps(case)[:40])
@pytest.mark.parametrize("tab", ["txt2img", "img2img"])
def test_a_foreign_shape_is_refused(host, value, words, tab, usual, picture):
    result = send(host, {"Fooocus": value}, tab=tab, init_images=[picture])
    assert_refused(host, result, [*words, "allowed"], usual)


def test_values_beside_an_object_are_refused_also_with_an_infotext(host, usual):
    FAMILY.need(NO_INFOTEXTS)
    infotext = host.generate({"sharpness": 9}, **SMALL).infotext
    result = send(host, {"Fooocus": {"args": [{"enabled": True}, 3.0]}}, infotext=infotext)
    assert_refused(host, result, ["sharpness", "3.0", "allowed"], usual)


def test_bad_arguments_are_refused_also_when_off(host, usual):
    result = send(host, {"Fooocus": {"args": [{"enabled": False, "sharpness": "x"}]}})
    assert_refused(host, result, ["sharpness", '"x"', "a number from 0 to 30"], usual)


def test_each_refusal_is_one_line_in_the_log(host, caplog):
    send(host, {"Fooocus": {"args": [{"enabled": True, "sharpness": 31}]}})
    messages = [record.getMessage() for record in caplog.records if record.name == "fooocus"]
    assert len(messages) == 1
    assert "sharpness: got 31" in messages[0]


@pytest.mark.reports_errors
@pytest.mark.parametrize("fails", [False, True])
def test_a_request_whose_options_stay_leaves_none_of_ours(host, monkeypatch, fails):
    def fail(_p):
        raise RuntimeError("before the hooks of a generation")

    if fails:
        monkeypatch.setattr(host.modules.processing, "process_images_inner", fail)
    data = host.modules.shared.opts.data
    before = dict(data)
    requested = {"sd_model_checkpoint": host.checkpoints.second, "jpeg_quality": 61}
    result = host.run(
        {"rendering": "Fooocus"},
        override_settings=requested,
        override_settings_restore_afterwards=False,
        **SMALL,
    )
    assert result.status == (500 if fails else 200)
    loaded = data.get("sd_checkpoint_hash")  # which hosts note there themselves
    assert data == {**before, **requested, "sd_checkpoint_hash": loaded}
