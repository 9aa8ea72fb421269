"""The log: its pages, what becomes of a crash, and several programs at once."""

from __future__ import annotations

import json
import multiprocessing
import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fooocus_ext import image_log
from fooocus_ext.data_files import SCRATCH_PREFIX

DAY = "2026-05-31"
HOSTILE = "\"><img src=x onerror=alert(1)><script>alert(2)</script>&amp;'{{ 7 * 7 }}"


class Page(HTMLParser):
    """What a browser would make of a log page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.cells, self.copied, self.articles = [], [], [], []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append((tag, values))
        if "data-json" in values:
            self.copied.append(json.loads(values["data-json"]))
        if tag == "article":
            self.articles.append(int(values["id"].removeprefix("picture-")))
        self._in_cell = tag == "td"
        if self._in_cell:
            self.cells.append("")

    def handle_endtag(self, tag):
        self._in_cell = self._in_cell and tag != "td"

    def handle_data(self, data):
        if self._in_cell:
            self.cells[-1] += data


def read(folder, name=image_log.PAGE_NAME):
    return Page((folder / name).read_text(encoding="utf-8"))


def append(folder, **metadata):
    return image_log.append(folder, f"{len(metadata)}.png", "12:00", metadata)


def fill(folder, count):
    for number in range(count):
        image_log.append(folder, f"{number}.png", "12:00", {"prompt": f"picture {number}"})


@pytest.fixture
def folder(tmp_path):
    return tmp_path / DAY


def test_an_entry_shows_the_picture_its_settings_and_a_button_that_copies_them(folder):
    metadata = {"prompt": "a fox", "styles": "['Fooocus V2', 'Fooocus Sharp']", "seed": "5"}
    image_log.append(folder, "a.png", "2026-05-31 12:00:00", metadata)
    page = read(folder)
    assert page.copied == [metadata]
    assert page.cells == ["a fox", "Fooocus V2, Fooocus Sharp", "5"]
    assert ("img", "a.png") in [(tag, values.get("src")) for tag, values in page.tags]


def test_the_newest_picture_comes_first(folder):
    fill(folder, 3)
    assert read(folder).articles == [2, 1, 0]


@settings(max_examples=40, deadline=None)
@given(
    text=st.text(st.characters(blacklist_categories=["Cs"]), max_size=80),
    key=st.text(min_size=1, max_size=20),
)
def test_any_text_comes_back_as_text_alone(tmp_path_factory, text, key):
    folder = tmp_path_factory.mktemp("log") / DAY
    metadata = {"prompt": HOSTILE + text, key.encode(errors="replace").decode(): HOSTILE}
    image_log.append(folder, "a.png", HOSTILE, metadata)
    page = read(folder)
    assert page.copied == [metadata]
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not [values for _, values in page.tags if any(name.startswith("on") for name in values)]
    assert all(values.get("src") == "a.png" for tag, values in page.tags if tag == "img")


def test_hostile_names_of_files_stay_within_their_attributes(folder):
    image_log.append(folder, 'a" onload="alert(1).png', "12:00", {"base_model": HOSTILE})
    page = read(folder)
    assert [values["src"] for tag, values in page.tags if tag == "img"] == [
        'a" onload="alert(1).png'
    ]
    assert not any("onload" in values for _, values in page.tags)


def test_full_pages_are_kept_and_the_newest_page_leads_to_them(folder):
    fill(folder, 2 * image_log.PAGE_SIZE + 3)
    shown = read(folder).articles
    assert shown == list(range(102, 49, -1))
    assert read(folder, "log-0000.html").articles == list(range(49, -1, -1))
    assert read(folder, "log-0001.html").articles == list(range(99, 49, -1))
    assert ("a", "log-0000.html") in [(tag, v.get("href")) for tag, v in read(folder).tags]


def test_a_line_cut_off_by_a_crash_costs_no_other_entry(folder):
    fill(folder, 2)
    with (folder / image_log.ENTRIES_NAME).open("ab") as stream:
        stream.write(b'{"number": 2, "file": "half')
    entry = append(folder, prompt="after the crash")
    assert entry.number == 2
    assert [found.number for found in image_log.read_newest(folder, 10)] == [2, 1, 0]
    assert read(folder).articles == [2, 1, 0]


def test_what_no_page_can_hold_is_replaced_and_the_log_goes_on(folder):
    metadata = {"prompt": "a \ud800 fox", "cfg": float("inf"), "\udfff": [float("nan")]}
    image_log.append(folder, "\ud800.png", "12:00", metadata)
    append(folder, prompt="the next one")
    newest, oldest = read(folder).copied
    assert newest == {"prompt": "the next one"}
    assert oldest == {"prompt": "a ? fox", "cfg": "Infinity", "?": ["NaN"]}


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b'"text"',
        b"{}",
        b'{"number":"x","file":1,"time":1,"metadata":{}}',
        b"\xff\xfe",
        b'{"number":1,"file":"a","time":"b","metadata":[]}',
        b'{"number":1e999,"file":"a","time":"b","metadata":{}}',
        b'{"number":-9,"file":"a","time":"b","metadata":{}}',
        b'{"number":1,"file":"a","time":"b","metadata":{"prompt":NaN}}',
        b'{"number":1,"file":"a","time":"b","metadata":{"prompt":"\\ud800"}}',
        b'{"number":1,"file":"a","time":"b","metadata":{"prompt":' + b"9" * 5000 + b"}}",
        b'{"number":1,"file":"a","time":"b","metadata":{"a":' + b"[" * 900 + b"]" * 900 + b"}}",
        b'{"number":1,"file":"a","time":"b","metadata":{"a":' + b'{"a":' * 99_999,
    ],
    ids=lambda line: repr(line[:70]),
)
def test_lines_that_make_no_sense_are_read_over(folder, line):
    fill(folder, 1)
    with (folder / image_log.ENTRIES_NAME).open("ab") as stream:
        stream.write(line + b"\n")
    assert append(folder, prompt="next").number == 1


def test_a_page_that_was_lost_comes_back_with_the_next_picture(folder):
    fill(folder, image_log.PAGE_SIZE + 1)
    (folder / image_log.PAGE_NAME).unlink()
    (folder / "log-0000.html").unlink()
    append(folder, prompt="next")
    assert read(folder).articles[0] == image_log.PAGE_SIZE + 1
    assert read(folder, "log-0000.html").articles[0] == image_log.PAGE_SIZE - 1


def test_no_scratch_file_remains(folder):
    fill(folder, 3)
    assert not [path for path in folder.iterdir() if path.name.startswith(SCRATCH_PREFIX)]


def write_many(folder, name, count):
    for number in range(count):
        image_log.append(folder, f"{name}-{number}.png", "12:00", {"prompt": name})


def test_two_programs_at_once_lose_no_entry(folder):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(folder, name, 40)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=120)
        assert writer.exitcode == 0
    entries = image_log.read_newest(folder, 1000)
    assert sorted(entry.number for entry in entries) == list(range(80))
    assert {entry.file for entry in entries} == {f"{n}-{i}.png" for n in "ab" for i in range(40)}


def test_the_ten_thousandth_picture_costs_what_the_hundredth_did(folder):
    fill(folder, 100)
    line = json.dumps(
        {"number": 99, "file": "x.png", "time": "12:00", "metadata": {"prompt": "p" * 1500}}
    )
    with (folder / image_log.ENTRIES_NAME).open("a", encoding="utf-8") as stream:
        stream.writelines(
            line.replace('"number": 99', f'"number": {n}') + "\n" for n in range(100, 9997)
        )
    seconds = []
    for number in range(9997, 10_000):  # a busy machine is given three chances to be fair
        start = time.process_time()
        assert append(folder, prompt="the ten thousandth").number == number
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.1  # ten times what it takes, and half of what all lines would
    assert len(read(folder).articles) == 2 * image_log.PAGE_SIZE


def test_prompts_larger_than_a_block_are_read_whole(folder):
    append(folder, prompt="x" * 200_000)
    append(folder, prompt="y")
    assert [len(entry.metadata["prompt"]) for entry in image_log.read_newest(folder, 5)] == [
        1,
        200_000,
    ]


def test_the_last_day_with_a_page_is_found_and_days_lead_to_earlier_ones(tmp_path):
    assert image_log.newest_page(tmp_path / "nothing") is None
    for day in ("2026-05-30", DAY):
        fill(tmp_path / day, 1)
    (tmp_path / "2026-06-01").mkdir()
    (tmp_path / "notes").mkdir()
    assert image_log.newest_page(tmp_path) == tmp_path / DAY / image_log.PAGE_NAME
    assert "../2026-05-30/log.html" in (tmp_path / DAY / image_log.PAGE_NAME).read_text(
        encoding="utf-8"
    )


def test_the_page_needs_nothing_from_elsewhere(folder):
    fill(folder, 1)
    text = (folder / image_log.PAGE_NAME).read_text(encoding="utf-8")
    assert not re.search(r"https?://", text)


def test_samplers_and_sizes_have_the_names_that_the_page_gives_them(folder):
    names = {"sampler": "dpmpp_2m_sde_gpu", "scheduler": "karras", "resolution": "(1152, 896)"}
    entry = append(folder, **names)
    assert dict(entry.rows) == {
        "Sampler": "DPM++ 2M SDE",
        "Scheduler": "Karras",
        "Resolution": "1152×896",
    }
    assert names.items() <= json.loads(entry.json).items()


@pytest.mark.parametrize("prompt", ["(a:1.2) and (b:1.1)", "(a cat)", "[cat|dog]", "('x', 'y')"])
def test_a_text_in_brackets_is_shown_as_it_was_typed(folder, prompt):
    lists = {"styles": "['Fooocus V2', 'Sharp']", "adm_guidance": "(1.5, 0.8, 0.3)"}
    texts = dict.fromkeys(("prompt", "negative_prompt", "prompt_expansion"), prompt)
    entry = append(folder, **texts, **lists, freeu="(1.01, 1.02, 0.99, 0.95)", full_prompt=prompt)
    assert dict(entry.rows) == {
        "Prompt": prompt,
        "Negative prompt": prompt,
        "Styles": "Fooocus V2, Sharp",
        "ADM guidance": "1.5, 0.8, 0.3",
        "Prompt expansion": prompt,
        "FreeU": "1.01, 1.02, 0.99, 0.95",
    }
    assert entry.texts == [("Full prompt", prompt)]
