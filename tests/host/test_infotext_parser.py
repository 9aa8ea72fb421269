"""Infotexts on their way to the host's parser, whose time grows with the square of some texts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fooocus_ext.errors import RequestError
from fooocus_ext.metadata.values import MAX_SOURCE_LENGTH


@pytest.fixture(params=["infotext_utils", "generation_parameters_copypaste"])
def parser(load_host_module, request):
    """Its name on the host from webui 1.8 on, where Forge Classic has no other; and before."""
    webuis = SimpleNamespace(parse_generation_parameters=lambda text: {"Prompt": text[:5]})
    return load_host_module("infotext_parser", **{request.param: webuis})


@pytest.mark.parametrize(
    "text",
    [
        "a fox\nSteps: 5, Seed: 1",
        "",
        "word " * 20_000 + "\nSteps: 5",
        f'a\nFooocus prompt: "{"word " * 800}"',
    ],
    ids=["short", "empty", "long prompt", "long entry"],
)
def test_infotexts_reach_the_hosts_parser(parser, text):
    assert parser.parse(text) == {"Prompt": text[:5]}


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "a\nSteps: 5, " + " " * 200_000 + "x",
        "é-/" * 50_000,
        "a, " * MAX_SOURCE_LENGTH,
    ],
    ids=["letters", "blanks", "marks in keys", "too long"],
)
def test_what_would_take_it_minutes_does_not(parser, text):
    with pytest.raises(RequestError, match="infotext"):
        parser.parse(text)
