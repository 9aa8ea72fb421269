"""What becomes of the words of a request, on the host: comments, brackets, parts, and what had no part."""

from __future__ import annotations

import pytest

from tests.contract.families import COMMENTS
from tests.contract.hosts import FAMILY
from tests.contract.test_infotext import parse

STYLED = {"styles": ["cinematic-default"]}


def prompts_of(host, tab="txt2img", **request):
    result = host.generate(STYLED, tab=tab, steps=1, **request)
    return result.info["all_prompts"][0], result


@pytest.mark.parametrize("typed", ["# note\na cat", "a cat # draft", "a cat\n# note"])
def test_a_comment_swallows_neither_the_prompt_nor_the_style(host, typed):
    from fooocus_ext.host.machine import assets

    if not assets.comment_signs():
        pytest.skip("this webui knows no comments in prompts")
    shown, result = prompts_of(host, prompt=typed)
    plain, _ = prompts_of(host, prompt="a cat")
    assert shown == plain
    FAMILY.need(COMMENTS)
    entries = parse(host, result.infotext)
    assert entries["Prompt"] == typed


def test_parts_of_a_divided_prompt_keep_their_weights_beside_a_style(host):
    shown, _ = prompts_of(host, prompt="a cat AND a dog :0.5")
    parts = host.modules.prompt_parser.get_multicond_prompt_list([shown])
    [indexes, texts, _] = parts
    assert [weight for _, weight in indexes[0]] == [1.0, 0.5]
    assert [("cat" in text, "dog" in text) for text in texts] == [(True, False), (False, True)]


def test_a_weight_over_two_lines_keeps_its_meaning_beside_a_style(host):
    shown, _ = prompts_of(host, prompt="(masterpiece,\nbest quality:1.2), 1girl")
    weighted = host.modules.prompt_parser.parse_prompt_attention(shown)
    assert [weight for text, weight in weighted if "masterpiece" in text] == [1.2]
    assert {weight for text, weight in weighted if "masterpiece" not in text} == {1.0}


@pytest.mark.parametrize("typed", ['"a, b: c"', "  ", ' "x"\r', "a\n b \nc"])
def test_whatever_was_typed_comes_back_from_the_infotext(host, typed):
    if typed != typed.strip():
        FAMILY.need(COMMENTS)
    _, result = prompts_of(host, prompt=typed, negative_prompt=typed)
    entries = parse(host, result.infotext)
    assert (entries["Prompt"], entries["Negative prompt"]) == (typed, typed)


@pytest.mark.parametrize("negative", ["blurry", ""])
@pytest.mark.parametrize("settings", [{}, STYLED], ids=["plain", "styled"])
def test_a_line_that_seems_a_negative_prompt_spoils_neither_text(host, negative, settings):
    typed = "a cat\nNegative prompt: ugly"
    result = host.generate(settings, prompt=typed, negative_prompt=negative, steps=1)
    entries = parse(host, result.infotext)
    assert (entries["Prompt"], entries["Negative prompt"]) == (typed, negative)


@pytest.mark.parametrize(("switch", "had_a_turn"), [(0.5, True), (0.9, False)])
def test_a_refiner_without_a_turn_is_said(host, switch, had_a_turn):
    settings = {"refiner": host.checkpoints.refiner, "refiner_switch": switch}
    result = host.generate(
        settings, steps=4, override_settings={"fooocus_refiner_switch_rule": "steps"}
    )
    assert ("refiner: no step was left for it" in result.infotext) is not had_a_turn


def test_a_script_that_makes_a_picture_in_pieces_keeps_the_size_of_its_pieces(host):
    """Extensions that enlarge a picture in tiles set the size of a tile before they run the generation."""
    runner = host.runner_of("txt2img")
    values = [0, *(component.value for component in runner.inputs[1:])]
    values[host.script.args_from] = {"enabled": True, "aspect_ratio": "1024*1024"}
    processing = host.modules.processing
    p = processing.StableDiffusionProcessingTxt2Img(
        prompt="a cat",
        width=512,
        height=512,
        steps=1,
        sampler_name="Euler",
        do_not_save_samples=True,
        do_not_save_grid=True,
    )
    p.is_api, p.scripts, p.script_args = True, runner, tuple(values)
    p.width = p.height = 64  # what the script does
    processed = processing.process_images(p)
    p.close()
    assert processed.images[0].size == (64, 64)


def test_in_a_pass_of_adetailer_size_steps_and_text_are_its_own(host, monkeypatch):
    """Its settings can let other scripts into its passes, whose prompt is the finished one by default."""
    asked = {"styles": ["Fooocus Cinematic"], "aspect_ratio": "704*1408", "performance": "Speed"}
    request = {"prompt": "a fox", "steps": 2, "width": 64, "height": 128}
    processing = host.modules.processing.StableDiffusionProcessing
    monkeypatch.setattr(processing, "_ad_inner", True, raising=False)
    inner = host.generate({**asked, "sharpness": 20.0}, **request)
    assert inner.pictures[0].shape[:2] == (128, 64)
    assert inner.infotext.startswith("a fox\n")
    assert "Steps: 2," in inner.infotext
    assert "Fooocus sharpness: 20" in inner.infotext
