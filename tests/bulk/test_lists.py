"""Lists in every form, the fields of their lines, and what becomes of wrong ones."""

from __future__ import annotations

import contextlib
import json
import time

import pytest

from bulk import body, lists, names
from bulk.errors import BadLinesError, UsageError
from bulk.plan import Plan
from fooocus_ext.errors import RequestError
from tests.bulk.stubs import BULK_PYTHON, ENVIRONMENT, write_list


def read(path):
    return [(line.number, line.fields, line.problem) for line in lists.read(path)]


def plan_of(tmp_path, requests, defaults=None) -> Plan:
    plan = Plan(tmp_path / "plan.sqlite")
    plan.read(write_list(tmp_path / "list.jsonl", requests), body.checked_defaults(defaults or {}))
    plan.set_keys("abcdef0123", "0.1.0")
    return plan


def test_jsonl_counts_lines_and_names_each_that_is_none(tmp_path):
    path = tmp_path / "list.jsonl"
    texts = [
        '\ufeff{"prompt": "é"}',
        "",
        "[1]",
        '{"prompt": 1',
        '{"seed": 1, "seed": 2}',
        '{"seed": NaN}',
    ]
    path.write_text("\n".join(texts), encoding="utf-8")
    found = read(path)
    assert found[0] == (1, {"prompt": "é"}, "")
    assert [number for number, _fields, _problem in found] == [1, 3, 4, 5, 6]
    problems = [problem for _number, _fields, problem in found[1:]]
    assert "one JSON object" in problems[0]
    assert "'seed' is given twice" in problems[2]
    assert "NaN" in problems[3]


def test_csv_has_typed_cells_dotted_columns_and_lines_of_their_own(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(
        "prompt,seed,cfg_scale,fooocus.sharpness,fooocus.styles,id\n"
        '"two\nlines",7,4,3.5,"[""cinematic-default""]",001\n'
        "12,,5,,,\n",
        encoding="utf-8",
    )
    found = list(lists.read(path))
    assert [line.number for line in found] == [2, 4]
    first, second = (body.wanted(line.fields, {}, is_text=line.is_text) for line in found)
    ours = {"enabled": True, "sharpness": 3.5, "styles": ["cinematic-default"]}
    assert first == (
        {
            "prompt": "two\nlines",
            "seed": 7,
            "cfg_scale": 4.0,
            "alwayson_scripts": {"Fooocus": {"args": [ours]}},
        },
        "001",
        1,
    )
    assert second.request == {"prompt": "12", "cfg_scale": 5.0, "seed": -1}


def test_parquet_is_read_with_its_own_types(tmp_path):
    """In the environment of `dev.py bulk`: the webui's has no pyarrow."""
    if not BULK_PYTHON.exists():
        pytest.skip("there is no .venv-bulk: `python dev.py bulk` makes it")
    code = (
        "import sys, json, pathlib, pyarrow as pa; from pyarrow import parquet; from bulk import lists\n"
        "rows = [{'prompt': 'a', 'seed': 1, 'fooocus.sharpness': 3.0, 'fooocus.styles': ['x']},\n"
        "        {'prompt': 'b', 'seed': None, 'fooocus.sharpness': None, 'fooocus.styles': None}]\n"
        "parquet.write_table(pa.Table.from_pylist(rows), sys.argv[1])\n"
        "print(json.dumps([line[:2] for line in lists.read(pathlib.Path(sys.argv[1]))]))"
    )
    import subprocess

    command = [BULK_PYTHON, "-c", code, tmp_path / "list.parquet"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    first = {"prompt": "a", "seed": 1, "fooocus": {"sharpness": 3.0, "styles": ["x"]}}
    assert json.loads(done.stdout) == [[1, first], [2, {"prompt": "b"}]]


@pytest.mark.parametrize("name", ["list.txt", "gone.jsonl"])
def test_a_file_that_cannot_be_a_list_is_refused(tmp_path, name):
    (tmp_path / "list.txt").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match=name):
        list(lists.read(tmp_path / name))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"height": -64}, "height: got -64 (number); allowed: a whole number from 8 to 16384."),
        ({"steps": True}, "steps: got true (true/false); allowed: a whole number from 1 to 1000."),
        ({"promt": "a"}, 'promt: there is no such field (did you mean "prompt"'),
        ({"batch_size": 4}, "batch_size: got 4 (number); allowed: only 1 here."),
        ({"save_images": True}, "save_images: got true (true/false); allowed: only false here."),
        (
            {"fooocus": {"sharpness": 31}},
            "sharpness: got 31 (number); allowed: a number from 0 to 30.",
        ),
        ({"fooocus": {}, "alwayson_scripts": {"fooocus": {}}}, "allowed: one of the two"),
        ({"alwayson_scripts": {"Fooocus": [1]}}, 'allowed: an object with a list "args"'),
        ({"cfg_scale": float("nan")}, "cfg_scale: got NaN"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_allowed(fields, said):
    with pytest.raises(RequestError) as error:
        body.wanted(fields, {}, is_text=False)
    assert said in error.value.detail


def test_all_wrong_lines_are_reported_with_their_numbers(tmp_path):
    requests = [{"prompt": "a"} for _line in range(50)]
    requests[9] = {"prompt": "a", "steps": 0, "width": 1}
    requests[48] = {"sampler": "Euler"}
    with pytest.raises(BadLinesError) as error:
        plan_of(tmp_path, requests)
    assert [number for number, _problem in error.value.problems] == [10, 49]
    assert "steps" in error.value.problems[0][1]
    assert "width" in error.value.problems[0][1]


def test_defaults_fill_what_a_line_leaves_open_field_by_field(tmp_path):
    defaults = {"steps": 8, "fooocus": {"sharpness": 4, "expansion": False}}
    plan = plan_of(tmp_path, [{"prompt": "a", "seed": 1, "fooocus": {"sharpness": 1}}], defaults)
    (picture,) = plan.open_pictures()
    assert picture.request["steps"] == 8
    assert names.fooocus_of(picture.request) == {
        "enabled": True,
        "sharpness": 1.0,
        "expansion": False,
    }


def test_lines_that_ask_for_the_same_share_a_picture_whatever_they_are_written_like(tmp_path):
    requests = [
        {"prompt": "a", "seed": 1, "cfg_scale": 4, "id": "first"},
        {"seed": 1.0, "cfg_scale": 4.0, "prompt": "a", "save_images": False, "id": 2},
        {"prompt": "a", "seed": 2, "cfg_scale": 4},
    ]
    plan = plan_of(tmp_path, requests)
    one, other = plan.open_pictures()
    assert plan.lines_of(one) == ([1, 2], ["first", "2"])
    assert plan.lines_of(other) == ([3], [])


def test_count_makes_pictures_with_seeds_that_count_up_or_are_drawn_from_their_keys(tmp_path):
    plan = plan_of(tmp_path, [{"prompt": "a", "seed": 5, "count": 3}, {"prompt": "b", "count": 3}])
    pictures = list(plan.open_pictures())
    assert [picture.request["seed"] for picture in pictures[:3]] == [5, 6, 7]
    drawn = [picture.request["seed"] for picture in pictures[3:]]
    assert drawn == [int(picture.key[:8], 16) % (2**32 - 1) for picture in pictures[3:]]
    assert len(set(drawn)) == 3
    plan.close()
    assert (
        list(plan_of(tmp_path, [{"prompt": "b", "count": 3}]).open_pictures())[1].key
        == pictures[4].key
    )


def test_a_key_depends_on_content_model_and_version_alone(tmp_path):
    def key(requests, model="abcdef0123", version="0.1.0"):
        with contextlib.closing(Plan(tmp_path / "plan.sqlite")) as plan:
            plan.read(write_list(tmp_path / "list.jsonl", requests), {})
            plan.set_keys(model, version)
            return [picture.key for picture in plan.open_pictures()][-1]

    request = {"prompt": "a", "seed": 1}
    same = key([request])
    assert key([{"prompt": "b"}, dict(reversed(request.items()))]) == same
    assert (
        len({same, key([request], "1"), key([request], version="2"), key([{**request, "seed": 2}])})
        == 4
    )


def problems_of(tmp_path, name: str, text: str) -> str:
    """The one problem of a list that is written down as it is."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadLinesError) as error:
        Plan(tmp_path / "plan.sqlite").read(path, {})
    ((_number, problem),) = error.value.problems
    return problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"id": "\\ud800"}', "id: got"),
        ('{"eta": %s}' % ("9" * 400), "eta: got"),
        ('{"eta": 1e999}', "1e999 is too large a number"),
        ('{"override_settings": {"x": -1e999}}', "-1e999 is too large a number"),
        ('{"styles": %s}' % ("[" * 100_000), "nested too deeply"),
        ('{"seed": 4294967295, "count": 3}', "the last is 4294967295"),
        ('{"override_settings": {"sd_model_checkpoint": 6751234567}}', "override_settings: got"),
        (
            '{"alwayson_scripts": {"Fooocus": {"args": []}, "fooocus": {"args": [{"sharpness": "x"}]}}}',
            "got Fooocus and fooocus; allowed: one of them",
        ),
    ],
)
def test_a_line_that_nothing_could_be_made_of_is_named(tmp_path, text, said):
    assert said in problems_of(tmp_path, "list.jsonl", text)


def test_a_list_of_any_depth_is_named(tmp_path):
    """Reading gives up at another depth than writing."""
    depths = range(800, 1000)
    lines = ['{"fooocus": {"styles": %s}}' % ("[" * depth + "]" * depth) for depth in depths]
    path = tmp_path / "list.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(BadLinesError) as error:
        Plan(tmp_path / "plan.sqlite").read(path, {})
    problems = [problem for _line, problem in error.value.problems]
    assert len(problems) == len(lines)
    assert "is nested too deeply." in problems


@pytest.mark.parametrize(
    ("columns", "cells", "said"),
    [
        ("eta", "Infinity", "eta: got"),
        ("eta", "1e999", "eta: got"),
        ("styles", "[" * 100_000, "styles: got"),
        ("fooocus,fooocus.sharpness", "{},5", "fooocus: is given in fooocus.sharpness too"),
        ("fooocus.sharpness,fooocus", "5,{}", "fooocus: is given in fooocus.sharpness too"),
        ("prompt,prompt.x", "a,5", "prompt: is given in prompt.x too"),
    ],
)
def test_cells_that_are_no_value_or_would_be_lost_are_named(tmp_path, columns, cells, said):
    assert said in problems_of(tmp_path, "list.csv", f"{columns}\n{cells}\n")


@pytest.mark.parametrize("name", ["6751234567", "67512e4567", "true"])
def test_a_checkpoint_in_a_cell_is_a_text_whatever_it_looks_like(tmp_path, name):
    path = tmp_path / "list.csv"
    path.write_text(
        f"override_settings.sd_model_checkpoint,override_settings.CLIP_stop_at_last_layers\n{name},2\n",
        encoding="utf-8",
    )
    plan = Plan(tmp_path / "plan.sqlite")
    plan.read(path, {})
    assert dict(plan.names) == {("checkpoint", name): [2]}
    plan.set_keys("h", "v")
    (picture,) = plan.open_pictures()
    assert picture.request["override_settings"] == {
        "sd_model_checkpoint": name,
        "CLIP_stop_at_last_layers": 2,
    }


@pytest.mark.parametrize("none", ["None", "none"])
def test_no_refiner_is_no_name_of_one(none):
    assert list(names.names_in({"refiner_checkpoint": none})) == []
    assert list(names.names_in({"refiner_checkpoint": "r"})) == [("checkpoint", "r")]


def test_a_large_list_with_a_wrong_column_or_a_large_object_takes_no_time(tmp_path):
    begun = time.monotonic()
    for _line in range(3000):
        with pytest.raises(RequestError):
            body.wanted({"sampler": "Euler"}, {}, is_text=True)
    many = ",".join(f'"k{number}": 0' for number in range(20_000))
    with pytest.raises(ValueError, match="'k19999' is given twice"):
        lists.parse_object(f'{{{many}, "k19999": 0}}')
    assert time.monotonic() - begun < 2
