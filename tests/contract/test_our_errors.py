"""An error of our own must reach the user: the host swallows exceptions in hooks and callbacks."""

from __future__ import annotations

import pytest

from fooocus_ext.generation import hooks
from tests.contract.families import ERROR_TEXTS
from tests.contract.hosts import FAMILY
from tests.test_readme import api_example

pytestmark = pytest.mark.reports_errors


def broken(*_args, **_kwargs):
    raise ZeroDivisionError("broken on purpose")


@pytest.mark.parametrize("step", ["apply_to_request", "begin", "claim_sizes", *FAMILY.guides])
def test_no_picture_is_made_without_what_was_asked_for(host, unchanged, monkeypatch, step):
    plain = host.generate()
    monkeypatch.setattr(hooks, step, broken)
    refused = host.run({"sharpness": 4})
    assert refused.status == 500
    assert ERROR_TEXTS in FAMILY.lacks or "broken on purpose" in str(refused.body)
    monkeypatch.undo()
    assert host.generate().same_pixels(plain)


def test_the_request_in_the_readme_makes_a_picture(host):
    answer = host.client.post("/sdapi/v1/txt2img", json=api_example())
    assert answer.status_code == 200
    assert "Fooocus styles: cinematic-default" in answer.json()["info"]


def test_an_infotext_over_the_api_gives_the_same_picture(host):
    settings = {"styles": ["cinematic-default"], "expansion": True, "sharpness": 5.25}
    first = host.generate(settings, prompt="a fox [[red, blue]] (x:1.2)", seed=7)
    again = host.post("/sdapi/v1/txt2img", {"infotext": first.infotext})
    assert again.status == 200, again.body
    assert again.same_pixels(first)
    assert again.infotext == first.infotext


def test_an_infotext_with_prompts_of_the_second_pass_gives_the_same_picture(host):
    first = host.generate(
        {"styles": ["cinematic-default"], "expansion": True},
        scheduler="Karras",  # not the one that a sampler has without one
        enable_hr=True,
        hr_scale=1.5,
        hr_upscaler="Latent",
        hr_second_pass_steps=2,
        denoising_strength=0.6,
        hr_prompt="a sharp fox",
        hr_negative_prompt="soft",
    )
    again = host.post("/sdapi/v1/txt2img", {"infotext": first.infotext})
    assert again.status == 200, again.body
    assert again.infotext == first.infotext
    assert again.same_pixels(first)


def test_named_arguments_stand_before_those_of_an_infotext(host):
    first = host.generate({"sharpness": 5.25, "adm_end": 0.5})
    script = {"Fooocus": {"args": [{"sharpness": 1.5}]}}
    body = {"infotext": first.infotext, "alwayson_scripts": script}
    changed = host.post("/sdapi/v1/txt2img", body)
    assert changed.status == 200, changed.body
    assert "Fooocus sharpness: 1.5" in changed.infotext
    assert "Fooocus ADM end: 0.5" in changed.infotext
    script["Fooocus"]["args"] = [{"sharpnes": 1.5}]
    assert "sharpness" in host.post("/sdapi/v1/txt2img", body).detail
