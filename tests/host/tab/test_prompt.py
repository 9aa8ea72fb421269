"""The tab's help with the prompt, on stand-ins for the webui's parser, tokenizer and model."""

from __future__ import annotations

import re
import sys
from types import ModuleType, SimpleNamespace

import pytest

import fooocus_ext.host.machine
from fooocus_ext.limits import MAX_TEXT_LENGTH
from tests.test_linear_time import check

HOST_TAG = re.compile(r"<(\w+):([^>]+)>")  # the webui's (v1.10, ``extra_networks.re_extra_net``)


def parse_prompt(text):
    return HOST_TAG.sub("", text), {}


@pytest.fixture
def prompt(load_host_module, monkeypatch):
    """Return the module, with a writer that notes what it continues and a count of characters."""
    asked = []
    writer = SimpleNamespace(continued=lambda text, *_rest: asked.append(text) or f"{text}, fog")
    machine = {
        "assets": SimpleNamespace(writer=lambda: writer),
        "text_encoder": SimpleNamespace(prompt_lengths=lambda: lambda text: (len(text), 75)),
    }
    for name, stand_in in machine.items():
        monkeypatch.setattr(fooocus_ext.host.machine, name, stand_in, raising=False)
    for name in ("fooocus_ext.host.tab", "fooocus_ext.host.tab.fill", "fooocus_ext.ui.tab.page"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["fooocus_ext.host.tab.fill"].notice = "; ".join
    sys.modules["fooocus_ext.ui.tab.page"].Tab = object
    module = load_host_module(
        "tab/prompt", extra_networks=SimpleNamespace(parse_prompt=parse_prompt)
    )
    module.asked = asked
    return module


def test_a_prompt_that_is_too_long_is_not_expanded(prompt):
    longest = "a" * MAX_TEXT_LENGTH
    assert prompt.expand(longest, "[]", False, "1")[0] == f"{longest}, fog"
    text, _styles, notice = prompt.expand(f"{longest}a", "[]", False, "1")
    assert text == f"{longest}a"
    assert notice == "prompt: got 20001 characters; allowed: up to 20000."
    assert prompt.asked == [longest]


@pytest.mark.parametrize(
    "text", ["a fox", "a <lora:b:1> fox", "<lora:a:1", "a <b:<c:d> e", "<a:> b <c:d", "a > b"]
)
def test_what_the_host_takes_for_tags_is_not_counted(prompt, text):
    assert prompt.count_tokens(text, "[]") == f"{len(parse_prompt(text)[0])} of 75 tokens"


@pytest.mark.slow  # measures
@pytest.mark.parametrize(
    "text", [("", "<a:", ""), ("<a:b>", "<a:", ""), ("", "<a", ""), ("", "<a:>", "")]
)
def test_counting_takes_time_that_grows_with_the_length(prompt, text):
    check(lambda typed: prompt.count_tokens(typed, "[]"), text)
