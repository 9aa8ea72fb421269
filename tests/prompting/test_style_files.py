"""Style files of every format, sound, broken and hostile."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fooocus_ext.data_files import MAX_PROBLEMS_PER_FILE, Problem
from fooocus_ext.errors import RequestError
from fooocus_ext.prompting.style_files import load_styles
from fooocus_ext.prompting.styles import Style, StyleLibrary


def write(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    raw = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(raw)
    return folder


def entry(name, prompt="{prompt}, x", negative="y"):
    return {"name": name, "prompt": prompt, "negative_prompt": negative}


def reasons(library):
    return [f"{problem.entry}|{problem.reason}" for problem in library.problems]


def test_fooocus_and_sai_styler_lists_load(tmp_path):
    write(
        tmp_path,
        "sdxl_styles_sai.json",
        json.dumps(
            [entry("sai-anime"), {"name": "base", "prompt": "{prompt}", "negative_prompt": ""}]
        ),
    )
    write(tmp_path, "mine.json", json.dumps([{"name": "only negative", "negative_prompt": "fog"}]))
    library = load_styles([tmp_path])
    assert library.names == ["only negative", "sai-anime", "base"]
    assert library.get("only negative").prompt == ""
    assert list(library.groups) == ["Mine", "SAI"]
    assert not library.problems


def test_a_single_file_may_be_given(tmp_path):
    write(tmp_path, "styles.csv", "name,prompt\nmine,a {prompt}\n")
    write(tmp_path, "other.csv", "name,prompt\nother,a {prompt}\n")
    assert load_styles([tmp_path / "styles.csv"]).names == ["mine"]


def test_texts_are_kept_to_the_letter(tmp_path):
    write(tmp_path, "a.json", json.dumps([entry("s", " {prompt} . Ünïcode, ", "n, ")]))
    style = load_styles([tmp_path]).get("s")
    assert (style.prompt, style.negative_prompt) == (" {prompt} . Ünïcode, ", "n, ")


def test_a1111_csv_with_byte_order_mark_quoted_line_breaks_comments_and_dividers(tmp_path):
    content = (
        "\ufeffname,prompt,negative_prompt\r\n"
        "# a comment,ignored,too\r\n"
        "--- mine ---,,\r\n"
        '"Quoted, name","first {prompt},\r\nsecond ""line""", "bad, worse"\r\n'
        "short,only a prompt\r\n"
        "trailing,text,neg,,\r\n"
    )
    library = load_styles([write(tmp_path, "styles.csv", content)])
    assert library.names == ["Quoted, name", "short", "trailing"]
    assert library.get("Quoted, name").prompt == 'first {prompt},\r\nsecond "line"'
    assert library.get("Quoted, name").negative_prompt == "bad, worse"
    assert library.get("short").negative_prompt == ""
    assert not library.problems


def test_the_oldest_csv_calls_its_column_text(tmp_path):
    library = load_styles([write(tmp_path, "styles.csv", "name,text\nold,a {prompt}\n")])
    assert library.get("old").prompt == "a {prompt}"


def test_a_csv_row_with_unquoted_commas_is_reported_and_the_rest_loads(tmp_path):
    content = "name,prompt,negative_prompt\nbroken,a,b,c,d\ngood,a,b\n"
    library = load_styles([write(tmp_path, "styles.csv", content)])
    assert library.names == ["good"]
    assert 'row 2 ("broken")|' in reasons(library)[0]
    assert "double quotes" in reasons(library)[0]


def test_a_csv_without_the_columns_is_reported(tmp_path):
    library = load_styles([write(tmp_path, "styles.csv", "a;b;c\n1;2;3\n")])
    assert len(library) == 0
    assert "name,prompt,negative_prompt" in reasons(library)[0]


def test_a_later_folder_replaces_a_style_in_its_place(tmp_path):
    write(
        tmp_path / "ours",
        "a.json",
        json.dumps([entry("first"), entry("Second-One"), entry("third")]),
    )
    write(
        tmp_path / "users",
        "b.json",
        json.dumps([entry("second one", "new {prompt}"), entry("fourth")]),
    )
    library = load_styles([tmp_path / "ours", tmp_path / "users"])
    assert library.names == ["first", "second one", "third", "fourth"]
    assert library.get("Second-One").prompt == "new {prompt}"


def test_subfolders_are_read_and_missing_folders_are_empty(tmp_path):
    write(tmp_path / "a" / "b", "deep.json", json.dumps([entry("deep")]))
    library = load_styles([tmp_path, tmp_path / "absent"])
    assert library.names == ["deep"]
    assert not library.problems


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not JSON (line 1"),
        ('{"name": "x"}', "a style file is a list"),
        ("[" * 100_000, "nested too deeply"),
        (b"\xff\xfe\x00", "not UTF-8"),
        ("[" + "9" * 5000 + "]", "5000 digits"),
        ("[NaN]", "NaN"),
        ("[1e999]", "out of range"),
        ('[{"name": "\\ud800", "prompt": "x"}]', "half characters"),
        ("", "not JSON"),
        (b" " * (4 * 1024 * 1024 + 1), "larger than 4096 KiB"),
    ],
)
def test_a_broken_file_is_reported_and_the_others_load(tmp_path, content, reason):
    write(tmp_path, "broken.json", content)
    write(tmp_path, "good.json", json.dumps([entry("good")]))
    library = load_styles([tmp_path])
    assert library.names == ["good"]
    assert len(library.problems) == 1
    assert library.problems[0].file.endswith("broken.json")
    assert reason in library.problems[0].reason


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("a name", "not an object"),
        (None, "not an object"),
        ({"prompt": "x"}, "no name"),
        (entry(" "), "no name"),
        (entry(7), "no name"),
        (entry("n" * 201), "longer than 200"),
        (entry("line\nbreak"), "control characters"),
        (entry("x", ["list"]), "prompt is not text"),
        (entry("x", "a", 3), "negative_prompt is not text"),
        (entry("x", "a" * 20_001), "longer than 20000"),
        (entry("x", "nul\0"), "NUL"),
        (entry("x", "", ""), "neither a prompt nor"),
        (entry("x", None, None), "neither a prompt nor"),
        (entry("Random Style"), "built in"),
        (entry("fooocus-v2"), "built in"),
    ],
)
def test_a_broken_entry_is_reported_with_its_number_and_the_rest_loads(tmp_path, bad, reason):
    write(tmp_path, "a.json", json.dumps([entry("before"), bad, entry("after")]))
    library = load_styles([tmp_path])
    assert library.names == ["before", "after"]
    assert len(library.problems) == 1
    assert library.problems[0].entry.startswith("entry 2")
    assert reason in library.problems[0].reason


def test_a_file_of_nothing_but_broken_entries_is_reported_briefly(tmp_path):
    library = load_styles([write(tmp_path, "sorted_styles.json", json.dumps(["name"] * 1000))])
    assert len(library.problems) == MAX_PROBLEMS_PER_FILE + 1
    assert "980 more" in library.problems[-1].reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a Unix thing")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    library = load_styles([tmp_path])
    assert "not a regular file" in library.problems[0].reason


def test_a_link_that_leads_nowhere_is_reported(tmp_path):
    try:
        (tmp_path / "gone.json").symlink_to(tmp_path / "missing")
    except OSError:
        pytest.skip("this system makes no links")
    assert "cannot be read" in load_styles([tmp_path]).problems[0].reason


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=2 * settings.default.max_examples,
)
@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_bytes_load_or_are_reported(tmp_path, content):
    for name in ("any.json", "any.csv"):
        write(tmp_path, name, content)
    library = load_styles([tmp_path])
    assert all(problem.file and problem.reason for problem in library.problems)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "prompt", "negative_prompt", "group"]), inner)
    ),
    max_leaves=20,
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=2 * settings.default.max_examples,
)
@given(content=st.lists(json_values, max_size=6))
def test_any_list_loads_only_sound_styles(tmp_path, content):
    write(tmp_path, "any.json", json.dumps(content))
    for style in load_styles([tmp_path]).styles:
        assert style.name.strip()
        assert style.group
        assert style.prompt.strip() or style.negative_prompt.strip()


@pytest.mark.parametrize("content", [b"[{", b"\xff\xfe", b"{}"])
def test_a_style_that_may_be_in_an_unreadable_file_is_refused_with_its_path_and_reason(
    tmp_path, content
):
    (tmp_path / "mine.json").write_bytes(content)
    (tmp_path / "sound.json").write_text(
        '[{"name": "film", "prompt": "{prompt}, film"}]', encoding="utf-8"
    )
    library = load_styles([tmp_path])
    (problem,) = library.problems
    assert problem.file == str(tmp_path / "mine.json")
    with pytest.raises(RequestError) as refused:
        library.check(["qqqqqqqq"])
    assert f"{problem.file} could not be read: {problem.reason}." in refused.value.detail
    assert "did you mean" not in refused.value.detail
    library.check(["film"])


def test_a_style_whose_entry_is_unreadable_is_refused_with_the_reason(tmp_path):
    (tmp_path / "mine.json").write_text(
        '[{"name": "film", "prompt": 7}, {"name": "x"}]', encoding="utf-8"
    )
    library = load_styles([tmp_path])
    with pytest.raises(RequestError) as refused:
        library.get("Film")
    detail = refused.value.detail
    assert f'{tmp_path / "mine.json"} could not be read in entry 1 ("film"): its prompt' in detail
    assert "entry 2" not in detail


def test_a_name_is_never_suggested_in_place_of_itself():
    with pytest.raises(RequestError) as refused:
        StyleLibrary([Style("Random Styles", "p", "")]).get("random style")
    assert '"Random Style"?' not in refused.value.detail
    assert 'did you mean "Random Styles"' in refused.value.detail


def test_many_unreadable_files_are_counted():
    problems = [Problem(f"/styles/{number}.json", "", "it is not JSON") for number in range(40)]
    sentences = StyleLibrary((), problems).left_out("film")
    assert len(sentences) == 6
    assert sentences[-1] == "Nor could 35 more."
