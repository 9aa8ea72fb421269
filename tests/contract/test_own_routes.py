"""Our own routes, where they meet the host: lists, texts and pictures come from a running one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.contract import probes

TXT2IMG = "/fooocus/v1/txt2img"
FEW_WORDS = {"prompt": "a red circle", "seed": 7, "steps": 2, "styles": [], "expansion": False}


@pytest.fixture
def states_size(host, monkeypatch):
    """Makes the file of a checkpoint, the active one, state a size of its pictures, or none."""
    active = host.modules.shared.opts.sd_model_checkpoint
    checkpoints = sys.modules["fooocus_ext.host.machine.checkpoints"]
    header_of, stated = checkpoints._header_of, {}

    def read(path):
        header = header_of(path)
        return header._replace(resolution=stated[path]) if path in stated else header

    monkeypatch.setattr(checkpoints, "_header_of", read)

    def state(size, checkpoint=active):
        info = host.modules.sd_models.get_closet_checkpoint_match(checkpoint)
        stated[Path(info.filename)] = size or ""

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


@pytest.fixture
def add_preset(host):
    """Puts a preset among the user's, called "mine" if not otherwise."""
    from fooocus_ext.host.machine import assets

    folder = assets.user_folder() / "presets"
    added = set()

    def add(name="mine", **content):
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{name}.json"
        added.add(file)
        file.write_text(json.dumps(content), encoding="utf-8")
        assets.reload()

    yield add
    for file in added:
        file.unlink()
    assets.reload()


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


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"cfg_scale": 9},
        {"performance": "Quality", "seed": 3},
        {"preset": "mine"},
        {"preset": "mine", "cfg_scale": 9},
        {"preset": "mine", "styles": [], "expansion": True, "sharpness": 2},
        {"preset": "mine", "keep": ["adm_end"]},
    ],
    ids=str,
)
def test_the_infotext_of_a_picture_gives_it_again_over_the_api(
    host, states_size, add_preset, named
):
    states_size("64x128")
    add_preset(
        default_performance="Speed",
        default_cfg_scale=3.0,
        default_styles=["cinematic-default"],
        default_sample_sharpness=7.0,
        default_adm_end=0.6,
        default_aspect_ratio="1152*896",
    )
    words = {key: FEW_WORDS[key] for key in ("prompt", "seed", "steps")}
    first = host.post(TXT2IMG, {**words, **named})
    assert first.status == 200, first.body
    (infotext,) = first.body["infotexts"]
    assert "Steps: 2," in infotext
    assert "Size: 64x128," in infotext
    again = host.post("/sdapi/v1/txt2img", {"infotext": infotext})
    assert again.status == 200, again.body
    assert again.infotext == infotext
    assert again.same_pixels(first)


def test_the_infotext_of_a_picture_of_the_tab_with_forced_steps_gives_it_again(host):
    from fooocus_ext.host.jobs import run
    from fooocus_ext.host.machine import assets
    from fooocus_ext.host.tab import job
    from fooocus_ext.tab.choices import read_choices
    from fooocus_ext.tab.start import Start
    from fooocus_ext.tab.widgets import DEFAULTS, NAMES

    forced = {"prompt": "a fox", "steps": 3, "width": 64, "height": 128, "image_number": 1}
    scheduler = "Automatic" if assets.scheduler_labels() else ""
    sampler = {"sampler": "Euler", "scheduler": scheduler, "random_seed": False, "seed": "5"}
    base = {"base_model": host.checkpoints.base}
    choices = read_choices([{**DEFAULTS, **base, **forced, **sampler}[name] for name in NAMES])
    job = job.job_for(choices, "generate", Start(), None)
    made = run.run_queued(job)
    assert "Steps: 3," in made.infotexts[0]
    assert "Size: 64x128," in made.infotexts[0]
    again = host.post("/sdapi/v1/txt2img", {"infotext": made.infotexts[0]})
    assert again.status == 200, again.body
    assert again.infotext == made.infotexts[0]
    assert (again.pictures[0] == np.asarray(made.images[0])).all()


def test_the_tab_reads_what_a_picture_has_from_its_preset(host, states_size, add_preset):
    from fooocus_ext.host.tab import loaded

    states_size("64x64")
    add_preset(default_sample_sharpness=7.0, default_styles=["cinematic-default"])
    made = host.post(TXT2IMG, {"prompt": "a fox", "steps": 2, "adm_end": 0.5, "preset": "mine"})
    assert made.status == 200, made.body
    filled = loaded.read_settings(made.body["infotexts"][0])
    wanted = {"prompt": "a fox", "sharpness": 7.0, "adm_end": 0.5, "steps": 2, "width": 64}
    assert {name: filled.values[name] for name in wanted} == wanted
    assert json.loads(filled.values["styles"]) == ["cinematic-default"]


def test_the_tab_begins_with_fooocus_rendering(host):
    from fooocus_ext.host.tab import fill

    assert fill.initial().values["rendering"] == "Fooocus"


@pytest.mark.parametrize(("there", "first"), [(("good.vae.pt",), "default"), ((), "initial")])
def test_the_tab_begins_with_ones_own_default_if_its_vae_is_there(
    host, add_preset, monkeypatch, there, first
):
    from fooocus_ext.host.machine import vae
    from fooocus_ext.host.tab import fill

    monkeypatch.setattr(vae, "names", lambda: list(there))
    add_preset("default", default_model=host.checkpoints.base, default_vae="good.vae.pt")
    assert fill.initial().values["preset"] == first


@pytest.mark.reports_errors
def test_the_size_of_a_small_active_model_is_not_that_of_a_presets(
    host, states_size, asked_sizes, add_preset
):
    states_size("128x128")
    states_size("1024x1024", host.checkpoints.second)
    add_preset(default_model=host.checkpoints.second, default_aspect_ratio="1024*1024")
    refuse_after_settling(host, {"preset": "mine"})
    add_preset(default_aspect_ratio="1024*1024")
    refuse_after_settling(host, {"preset": "mine"})
    assert asked_sizes == [(1024, 1024), (128, 128)]


@pytest.mark.parametrize("value", ["None", "installed"])
def test_a_refiner_that_is_named_stands_before_a_missing_one_of_the_preset(
    host, states_size, add_preset, value
):
    states_size("64x64")
    add_preset(default_refiner="gone.safetensors")
    refiner = host.checkpoints.refiner if value == "installed" else value
    made = host.post(TXT2IMG, {**FEW_WORDS, "preset": "mine", "refiner": refiner})
    assert made.status == 200, made.body


@pytest.mark.reports_errors
def test_a_base_model_that_is_not_there_is_named(host):
    refused = host.post(TXT2IMG, {**FEW_WORDS, "base_model": "gone"})
    assert refused.status == 422
    assert 'there is no checkpoint "gone"' in refused.detail
    assert host.checkpoints.base in refused.detail


@pytest.mark.parametrize(("here", "asked"), [("\\", "/"), ("/", "\\")])
def test_a_checkpoint_in_a_folder_may_be_named_as_on_another_system(
    host, monkeypatch, states_size, here, asked
):
    states_size("64x64", host.checkpoints.second)
    known = host.modules.sd_models.checkpoint_aliases
    for name in ("second", "refiner"):
        info = known[getattr(host.checkpoints, name)]
        monkeypatch.setitem(known, f"xl{here}{name}", info)
    body = {"base_model": f"xl{asked}second", "refiner": f"xl{asked}refiner"}
    made = host.post(TXT2IMG, {**FEW_WORDS, **body})
    assert made.status == 200, made.body
    checkpoints = sys.modules["fooocus_ext.host.machine.checkpoints"]
    assert checkpoints.title(f"xl{asked}refiner") == info.title


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


def test_a_presets_own_checkpoint_does_not_count_as_the_requests(host, add_preset):
    """So its refiner, the same file, is none at all, and not one that had to be skipped."""
    add_preset(default_model=host.checkpoints.second, default_refiner=host.checkpoints.second)
    made = host.generate({"preset": "mine"}, width=64, height=64)
    assert "Fooocus skipped" not in made.infotext


def test_nor_where_a_script_processes_its_request_again(host, add_preset):
    """Loopback and img2img's batches do so: the request then still has what we overrode before."""
    add_preset(default_model=host.checkpoints.second, default_refiner=host.checkpoints.second)
    infotexts = []

    def again(_script, p, processed, *_):
        infotexts.append(processed.infotexts[0])
        if len(infotexts) < 3:
            host.modules.processing.process_images(p)

    with probes.spying_script(host, {"postprocess": again}):
        host.generate({"preset": "mine"}, width=64, height=64)
    assert len(set(infotexts)) == 1
