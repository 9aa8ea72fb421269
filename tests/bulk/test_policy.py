"""What an answer means, for the request and for the webui."""

from __future__ import annotations

import pytest

from bulk import body, policy, webui
from bulk.admission import RefusedError, Standard, missing_names
from bulk.answers import Answer
from bulk.errors import UsageError
from bulk.hosts import Host
from bulk.options import checked_certificates, checked_urls, credentials, parser
from bulk.plan import Picture
from bulk.policy import MOST_BREAKS, Task


def task(**faults) -> Task:
    made = Task(Picture(1, "key", {}))
    made.blamed.update(faults.get("blamed", {}))
    made.broken.update(faults.get("broken", {}))
    return made


@pytest.mark.parametrize(
    ("verdict", "statuses"),
    [
        ("failed", (400, 413, 422)),
        ("out", (401, 403)),
        ("again", (302, 404, 429, 502, 503, 504)),
        ("doubt", (500, 501)),
    ],
)
def test_a_status_alone_condemns_a_request_only_if_it_is_about_the_request(verdict, statuses):
    assert {policy.judge(Answer(webui._kind_of_status(status))) for status in statuses} == {verdict}


@pytest.mark.parametrize(
    ("faults", "others", "hopeless"),
    [
        ({"blamed": {"a": 3}}, set(), True),
        ({"blamed": {"a": 2}}, set(), False),
        ({"blamed": {"a": 3}}, {"b"}, False),
        ({"blamed": {"a": 2, "b": 1}}, {"b", "c"}, True),
        ({"broken": {"a": 3}}, set(), False),
        ({"broken": {"a": MOST_BREAKS}}, set(), True),
        ({"broken": {"a": MOST_BREAKS}}, {"b"}, False),
        ({"broken": {"a": MOST_BREAKS - 1, "b": 1}}, {"b"}, True),
        ({"blamed": {"a": 3}, "broken": {"b": 1}}, {"b"}, True),  # each avoids it: it would circle
    ],
)
def test_a_request_has_failed_when_two_webuis_say_so_or_the_only_one(faults, others, hopeless):
    assert policy.is_hopeless(task(**faults), 3, others) is hopeless


def test_pauses_double_up_to_a_minute_and_end_with_health():
    host = Host("a")
    pauses = []
    for _time in range(9):
        host.fell_sick("ill", now=100.0)
        pauses.append(host.next_probe - 100.0)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    host.is_well()
    host.fell_sick("ill", now=0.0)
    assert host.next_probe == 1.0


def test_a_request_may_take_ten_times_the_usual():
    host = Host("a")
    assert host.timeout(60.0) == 60.0
    host.seconds.extend([10.0, 20.0, 90.0])
    assert host.timeout(60.0) == 200.0
    assert host.timeout(300.0) == 300.0


def test_a_request_that_waits_behind_another_may_take_as_long_as_both():
    host = Host("a")
    host.running.update({1: (task(), 0.0), 2: (task(), 0.0)})
    assert host.timeout(60.0) == 120.0
    host.seconds.extend([1.0])
    assert host.timeout(60.0) == 120.0


def test_a_picture_of_another_checkpoint_is_noticed():
    standard = Standard("a", "model", "1111111111", "0.1.0", "0")
    standard.check_model({"prompt": "x"}, "1111111111")
    with pytest.raises(RefusedError, match="2222222222 in place of 1111111111"):
        standard.check_model({"prompt": "x"}, "2222222222")
    named = {"override_settings": {"sd_model_checkpoint": "other"}}
    standard.check_model(named, "3333333333")
    with pytest.raises(RefusedError, match="2222222222 in place of 3333333333"):
        standard.check_model(named, "2222222222")


@pytest.mark.parametrize("preset", ["None", "anime"])
def test_a_preset_is_another_checkpoint_only_if_there_is_one(preset):
    standard = Standard("a", "model", "1111111111", "0.1.0", "0")
    request = body.wanted({"fooocus": {"preset": preset}}, {}, is_text=False).request
    if preset == "anime":
        standard.check_model(request, "2222222222")
    with pytest.raises(RefusedError):
        standard.check_model(request, "3333333333")


def test_names_are_compared_as_the_webui_compares_them():
    there = {"style": frozenset({"cinematic-default"}), "sampler": frozenset({"Euler"})}
    wanted = [
        ("style", "Cinematic Default"),
        ("style", "x"),
        ("sampler", "euler"),
        ("webui style", "y"),
    ]
    assert missing_names(there, wanted) == [("style", "x"), ("sampler", "euler")]


def test_a_checkpoint_is_known_by_every_name_that_a_webui_takes():
    model = {"title": "sub/a.safetensors [0123456789]", "model_name": "sub_a", "hash": None}
    names = webui._checkpoint_names(
        [{**model, "sha256": "0123456789ab", "filename": "C:\\m\\sub\\a.safetensors"}]
    )
    expected = {"sub/a.safetensors", "a", "a.safetensors", "sub_a", "0123456789", "0123456789ab"}
    assert names == expected | {model["title"]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"detail": "Not Found"}', "Not Found"),
        (b'{"detail": "", "errors": "no attribute"}', "no attribute"),
        (b'{"detail": [{"loc": ["body", "steps"]}]}', '[{"loc": ["body", "steps"]}]'),
        (b"<html>Bad Gateway", "<html>Bad Gateway"),
        (b"x" * 5000, "x" * 2000),
    ],
)
def test_the_reason_is_found_in_any_form_of_answer(content, said):
    assert webui.reason_in(content) == said


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[]", b'{"images": []}', b'{"images": ["AAAA"], "info": "{}"}']
)
def test_what_is_no_picture_is_believed_to_be_none(content):
    with pytest.raises(webui._NoAnswerError) as error:
        webui.read_made(content)
    assert error.value.kind == "broken"


def test_passwords_belong_to_all_webuis_or_to_one(tmp_path, monkeypatch):
    path = tmp_path / "auth"
    path.write_text("ann:se:cret\nhttp://b bob:x\n", encoding="utf-8")
    assert credentials(path, ["http://a", "http://b"]) == {
        "http://a": "ann:se:cret",
        "http://b": "bob:x",
    }
    monkeypatch.setenv("FOOOCUS_BULK_AUTH", "eve:y")
    assert credentials(None, ["http://a"]) == {"http://a": "eve:y"}


@pytest.mark.parametrize("flags", [["--max-failures", "5%%"], ["--timeout", "0"], ["--spwan", "2"]])
def test_a_wrong_flag_is_a_usage_error(flags, capsys):
    with pytest.raises(SystemExit) as error:
        parser().parse_args(["list.jsonl", "--out", "out", *flags])
    assert error.value.code == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1",
        "http://a:99999",
        "http://a:0",
        "http://a:b",
        "http://a/?x=1",
        "http://a/#x",
        "http://a b",
        "ftp://a",
        "http://",
        "a:7860",
    ],
)
def test_what_is_no_address_is_refused_at_once(url):
    with pytest.raises(UsageError, match="allowed: an address such as"):
        checked_urls([url])


@pytest.mark.parametrize(
    "url", ["http://ann:x@a", "ftp://ann:x@a", "http://ann:x@[::1", "ann:x@a:7860"]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(url):
    with pytest.raises(UsageError) as error:
        checked_urls([url])
    assert "ann" not in str(error.value)


def test_addresses_of_any_kind_are_taken():
    urls = ["http://a", "https://a:1/sd/", "http://[::1]:7860", "http://a/x@y"]
    assert checked_urls(urls) == ["http://a", "https://a:1/sd", "http://[::1]:7860", "http://a/x@y"]


def test_certificates_that_are_none_are_refused_at_once(tmp_path):
    assert checked_certificates(None) == ""
    for content in (b"nonsense", b"", None):
        path = tmp_path / f"{content}.pem"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(UsageError, match=f"--ca: {path}"):
            checked_certificates(path)
