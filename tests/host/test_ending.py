"""How a generation ends on a webui that swallows exceptions in hooks."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from fastapi import HTTPException

from fooocus_ext import infotext
from fooocus_ext.args import Settings
from fooocus_ext.errors import RequestError
from fooocus_ext.generation import state
from fooocus_ext.host import ending


class Request:
    """The parts of the webui's processing object that an ending touches."""

    def __init__(self, *, is_api=False):
        self.is_api = is_api
        self.extra_generation_params = {}
        self.comments = []
        self.closed = 0

    def setup_prompts(self):
        return "prompts"

    def init(self):
        return "initialised"

    def close(self):
        self.closed += 1

    def comment(self, text):
        self.comments.append(text)


@pytest.mark.parametrize("is_api", [False, True])
@pytest.mark.parametrize("step", ["setup_prompts", "init"])
def test_a_refused_request_fails_at_the_next_step_and_is_itself_again_after_its_close(
    is_api, step, monkeypatch
):
    ended = []
    processing = SimpleNamespace(Processed=lambda p, images: (p, images))
    monkeypatch.setitem(sys.modules, "modules.processing", processing)
    p = Request(is_api=is_api)
    p.scripts = SimpleNamespace(postprocess=lambda *arguments: ended.append(arguments))
    ending.refuse(p, state.attach(p, Settings()), RequestError("sharpness: got 99"))
    with pytest.raises(HTTPException if is_api else RequestError) as caught:
        getattr(p, step)()
    assert caught.value.status_code == 422
    assert caught.value.detail == "sharpness: got 99"
    # other scripts have begun when init is called, and are told of the end
    assert ended == ([(p, (p, []))] if step == "init" else [])
    p.close()
    assert p.closed == 1
    assert (p.setup_prompts(), p.init()) == ("prompts", "initialised")
    assert state.generation_of(p) is None


def test_other_errors_reach_the_user_as_they_are():
    error = ZeroDivisionError("by zero")
    assert ending.reason_for_user(Request(is_api=True), error) is error


def test_what_was_skipped_is_under_the_picture_and_in_its_infotext():
    p = Request()
    generation = state.attach(p, Settings())
    ending.report_skipped(p, generation)
    assert (p.comments, p.extra_generation_params) == ([], {})
    generation.skipped = {"refiner": "no step was left", "ADM guidance": "it needs SDXL"}
    ending.report_skipped(p, generation)
    reasons = "refiner: no step was left; ADM guidance: it needs SDXL"
    assert p.extra_generation_params == {infotext.SKIPPED: reasons}
    assert p.comments == [f"Fooocus skipped {reasons}"]
