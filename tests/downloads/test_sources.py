"""Where files may come from."""

from __future__ import annotations

import pytest

from fooocus_ext.downloads.sources import ANYWHERE, HUB, Sources, from_environment, is_web_address

FILE = f"{HUB}/owner/name/resolve/main/a.safetensors"


@pytest.mark.parametrize(
    "url",
    [
        FILE,
        "https://huggingface.co:443/a",
        "https://HuggingFace.co/a",
        "https://cdn-lfs.huggingface.co/a",
        "https://cas-bridge.xethub.hf.co/a",
        "https://cdn-lfs-us-1.hf.co/a?X=1",
    ],
)
def test_the_hub_and_where_it_stores_files(url):
    assert Sources().allows(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://huggingface.co/a",
        "https://huggingface.co:8443/a",
        "https://huggingface.co.evil.org/a",
        "https://evilhuggingface.co/a",
        "https://evil.org/huggingface.co/a",
        "https://huggingface.co@evil.org/a",
        "https://user:secret@huggingface.co/a",
        "https://127.0.0.1/a",
        "https://[::1]/a",
        "file:///huggingface.co/a",
        "ftp://huggingface.co/a",
        "//huggingface.co/a",
        "https://huggingface.co:0/a",
        "https://huggingface.co:x/a",
        "https://",
        "",
        "https://evil.org\\.huggingface.co/a",
        "https://evil.org%2f.huggingface.co/a",
        "https://evil.org%5c.huggingface.co/a",
        "https://evil.org\uff0f.huggingface.co/a",
        "https://evil.org\t.huggingface.co/a",
        "https://evil org.huggingface.co/a",
        "https://evil.org;.huggingface.co/a",
        "https://[huggingface.co]evil.org/a",
        "https://b\xfccher.huggingface.co/a",
        "https://huggingface.co\n/a",
        "https://huggingface.co/a b",
        "https://huggingface.co/a\\b",
        "https://huggingface.co/\u202ea",
        "https://.huggingface.co/a",
        "https://huggingface.co./a",
        " https://huggingface.co/a",
    ],
)
def test_nowhere_else(url):
    assert not Sources().allows(url)


def test_a_mirror_stands_in_for_the_hub():
    mirror = Sources("https://mirror.example/hub/")
    assert (
        mirror.address(FILE) == "https://mirror.example/hub/owner/name/resolve/main/a.safetensors"
    )
    assert mirror.address("https://other.org/a") == "https://other.org/a"
    assert mirror.allows("https://mirror.example/anything")
    assert not mirror.allows("http://mirror.example/anything")
    assert not mirror.allows("https://mirror.example:8443/anything")
    assert mirror.allows("https://cdn-lfs.hf.co/a")


def test_the_owner_of_the_machine_chooses_the_mirror(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", " http://127.0.0.1:9000 ")
    assert from_environment().address(FILE).startswith("http://127.0.0.1:9000/owner/")
    assert from_environment().allows("http://127.0.0.1:9000/a")
    assert not from_environment().allows("http://127.0.0.1:9001/a")


@pytest.mark.parametrize("endpoint", ["", "  ", "huggingface.co", "file:///tmp"])
def test_an_endpoint_that_is_no_address_is_none(monkeypatch, endpoint):
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    assert from_environment() == Sources()


def test_what_was_typed_may_be_anywhere_on_the_web():
    assert ANYWHERE.allows("http://127.0.0.1:1/a")
    assert ANYWHERE.allows("http://[::1]:8000/a")
    assert ANYWHERE.allows("https://name:secret@my_mirror.example/a")
    assert not ANYWHERE.allows("http://evil.org\\.example/a")
    assert not ANYWHERE.allows("file:///etc/passwd")
    assert not ANYWHERE.is_hub(f"{HUB}/a")
    assert Sources().is_hub(f"{HUB}/a")
    assert not Sources().is_hub("https://cdn-lfs.hf.co/a")
    assert not is_web_address("data:,x")
