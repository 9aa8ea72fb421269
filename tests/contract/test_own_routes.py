"""Our own routes, where they meet the host: lists, texts and pictures come from a running one."""

from __future__ import annotations

import pytest

TXT2IMG = "/fooocus/v1/txt2img"
FEW_WORDS = {"prompt": "a red circle", "seed": 7, "steps": 2, "styles": [], "expansion": False}


@pytest.fixture
def states_size(host, monkeypatch):
    """Makes the file of the active checkpoint state a size of its pictures, or none."""
    checkpoint = host.modules.shared.opts.sd_model_checkpoint
    info = host.modules.sd_models.checkpoint_aliases[checkpoint]

    def state(size):
        header = {} if size is None else {"modelspec.resolution": size}
        monkeypatch.setattr(info, "metadata", header, raising=False)

    return state


@pytest.fixture
def asked_sizes(host, monkeypatch):
    """The sizes that the host was asked for; no picture is made."""
    asked = []

    def refuse(p, *_args):
        asked.append((p.width, p.height))
        raise RuntimeError("far enough")

    monkeypatch.setattr(host.modules.processing.StableDiffusionProcessingTxt2Img, "init", refuse)
    return asked


def refuse_after_settling(host, body):
    assert host.post(TXT2IMG, {**FEW_WORDS, **body}).status == 500


def test_few_words_make_a_picture_of_the_size_that_the_model_states(host, states_size):
    states_size("128x64")
    made = host.post(TXT2IMG, FEW_WORDS)
    assert made.status == 200, made.body
    assert [picture.shape[:2] for picture in made.pictures] == [(64, 128)]
    (infotext,) = made.body["infotexts"]
    assert "Seed: 7" in infotext
    assert "Size: 128x64" in infotext
    assert "Fooocus: True" in infotext
    assert made.body["seeds"] == [7]


def test_the_same_request_makes_the_same_picture_and_the_next_seed_another(host, states_size):
    states_size("128x128")
    first = host.post(TXT2IMG, {**FEW_WORDS, "image_number": 2})
    second = host.post(TXT2IMG, {**FEW_WORDS, "seed": 8})
    assert first.status == second.status == 200
    assert first.body["seeds"] == [7, 8]
    assert first.body["images"][1] == second.body["images"][0]
    assert first.body["images"][0] != first.body["images"][1]


@pytest.mark.parametrize("stated", [None, "1024x1024", "512x512", "nonsense"])
@pytest.mark.reports_errors
def test_any_other_model_makes_fooocus_default_size(host, states_size, asked_sizes, stated):
    states_size(stated)
    refuse_after_settling(host, {})
    assert asked_sizes == [(1152, 896)]


@pytest.mark.reports_errors
def test_a_named_aspect_ratio_wins_over_the_stated_size(host, states_size, asked_sizes):
    states_size("128x128")
    refuse_after_settling(host, {"aspect_ratio": "704*1408"})
    assert asked_sizes == [(704, 1408)]


@pytest.mark.reports_errors
def test_a_base_model_that_is_not_there_is_named(host):
    refused = host.post(TXT2IMG, {**FEW_WORDS, "base_model": "gone"})
    assert refused.status == 422
    assert 'there is no checkpoint "gone"' in refused.detail
    assert host.checkpoints.base in refused.detail


MODEL = {"base_url": "http://", "files": [{"name": "a", "sha256": "0" * 64}], "accept_notice": True}


@pytest.mark.parametrize("closed", [True, False])
def test_a_webui_open_to_others_downloads_no_model(host, monkeypatch, closed):
    monkeypatch.setattr(host.modules.shared.cmd_opts, "disable_extension_access", closed)
    refused = host.post("/fooocus/v1/expansion-model", MODEL)
    assert refused.status == 422
    assert ("reached from outside" if closed else 'base_url is "http://"') in refused.detail


def test_a_refiner_that_was_used_is_released_by_name(host, states_size):
    states_size("128x128")
    body = {"refiner": host.checkpoints.refiner, "refiner_switch": 0.5}
    made = host.post(TXT2IMG, {**FEW_WORDS, **body})
    assert made.status == 200, made.body
    released = host.post("/fooocus/v1/refiner/release", {})
    assert host.checkpoints.refiner in released.body["released"]
    assert host.post("/fooocus/v1/refiner/release", {}).body == {"released": None}
