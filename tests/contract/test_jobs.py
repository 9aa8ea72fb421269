"""Jobs of our own tab on the host: what they leave of its options, and on the disk."""

from __future__ import annotations

import dataclasses
import importlib
import json
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from fooocus_ext.metadata.fooocus import read_fooocus_settings
from fooocus_ext.metadata.picture_file import picture_text
from tests.contract.families import COMMENTS
from tests.contract.hosts import FAMILY
from tests.contract.test_infotext import parse

FEW_STEPS = {"steps": 1, "width": 128, "height": 128}
PRESET = "odd"
PRESET_OPTIONS = {"default_vae": "None", "default_clip_skip": 2}
OPTIONS_OF_OURS = (
    "save_to_dirs",
    "save_mask",
    "save_images_before_face_restoration",
    "img2img_fix_steps",
    "sd_vae",
    "CLIP_stop_at_last_layers",
)


@pytest.fixture
def run(host):
    """Runs a job of the tab in the host's queue."""
    jobs = importlib.import_module("fooocus_ext.host.jobs.run")

    def run_job(**values):
        job = jobs.Job(**{"prompt": "a fox", "seed": 1, "request": FEW_STEPS, **values})
        without_expansion = job.settings.replace(expansion=False)
        return jobs.run_queued(dataclasses.replace(job, settings=without_expansion))

    return run_job


@pytest.fixture
def output(host, tmp_path):
    """Returns where a job's pictures go."""
    outputs = importlib.import_module("fooocus_ext.host.jobs.outputs")
    return lambda *, private=False: outputs.Output(None if private else tmp_path / "fooocus")


@pytest.fixture
def unsaved(host):
    """The host's options as on a fresh install: nothing of ours was ever saved."""
    opts = host.modules.shared.opts
    for key in OPTIONS_OF_OURS:
        opts.data.pop(key, None)
    return opts


def assert_untouched(opts):
    for key in OPTIONS_OF_OURS:
        default = opts.get_default(key)
        assert getattr(opts, key) == default, key
        assert opts.data.get(key, default) == default, key


def test_options_of_a_job_end_with_it(run, output, unsaved):
    job_output = output()
    run(output=job_output, options={"img2img_fix_steps": True, "sd_vae": "None"})
    assert [picture.file.is_file() for picture in job_output.pictures] == [True]
    assert_untouched(unsaved)


@pytest.mark.parametrize("typed", ["a cat # my note", "a cat # <lora:det:0.5>", "a cat // my note"])
@pytest.mark.reports_errors  # Forge reports one of its own: there is no LoRA called "det"
def test_a_comment_of_the_prompt_swallows_no_lora_of_the_tab(host, run, output, typed):
    from fooocus_ext.host.machine import assets

    if not any(sign in typed for sign in assets.comment_signs()):
        pytest.skip("this webui knows no such comments in prompts")
    made = run(prompt=typed, loras=(("det", 0.5),), output=output())
    plain = run(prompt="a cat", loras=(("det", 0.5),), output=output())
    assert [text.strip() for text in made.all_prompts] == ["a cat <lora:det:0.5>"]
    pixels = [job.images[0].convert("RGB").tobytes() for job in (made, plain)]
    assert pixels[0] == pixels[1]  # Forge may write the infotext into the alpha channel
    FAMILY.need(COMMENTS)
    entries = parse(host, made.infotexts[0])
    assert entries["Prompt"] == typed.replace("cat", "cat <lora:det:0.5>")


def test_options_of_a_preset_end_with_its_picture(host, unsaved):
    from fooocus_ext.host.machine import assets

    folder = host.folder / "fooocus" / "presets"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{PRESET}.json"
    file.write_text(json.dumps(PRESET_OPTIONS), encoding="utf-8")
    assets.reload()
    try:
        infotext = host.generate({"preset": PRESET}, steps=1).infotext
    finally:
        file.unlink()
        assets.reload()
    assert "Clip skip: 2" in infotext
    assert_untouched(unsaved)


def test_a_job_sets_no_option_that_holds_anyway(host, run, output, monkeypatch):
    opts = host.modules.shared.opts
    opts.data.update(dict.fromkeys(("save_to_dirs", "save_mask", "save_mask_composite"), False))
    for moment in ("face_restoration", "color_correction"):
        opts.data[f"save_images_before_{moment}"] = False
    monkeypatch.setattr(host.modules.shared.cmd_opts, "freeze_settings", True)
    job_output = output()
    run(output=job_output)
    assert len(job_output.pictures) == 1


def files_of(host):
    """Return each file with the time of its last change, or what it says if it is written in any case."""
    files = [file for file in host.folder.rglob("*") if file.is_file()]
    return {
        file: file.read_text(encoding="utf-8")
        if file.name == "params.txt"
        else file.stat().st_mtime_ns
        for file in files
    }


@pytest.fixture(params=["with the flag", "without"])
def history(request, host, monkeypatch):
    """The host's file of the last prompt, written unless told not to; 1.6 and Classic cannot be told."""
    flags = host.modules.shared.cmd_opts
    if "no_prompt_history" in vars(flags):
        monkeypatch.setattr(flags, "no_prompt_history", False)
    elif request.param == "with the flag":
        pytest.skip("this host lacks the flag")
    if request.param == "without":
        if host.is_embedded:
            loop = host.modules.processing_loop
            monkeypatch.setattr(loop, "cmd_opts", SimpleNamespace(**vars(flags)))
        elif "no_prompt_history" in vars(flags):
            pytest.skip("this host has the flag")
        monkeypatch.delattr(flags, "no_prompt_history", raising=False)
    file = Path(host.modules.paths.data_path) / "params.txt"
    file.unlink(missing_ok=True)  # where there is no flag, other tests' jobs have left one
    yield file
    file.unlink(missing_ok=True)


@pytest.mark.parametrize("before", [None, "the prompt before"])
def test_a_private_job_leaves_the_prompt_of_the_job_before(run, output, history, before):
    if before is not None:
        history.write_text(before, encoding="utf-8")
    run(output=output(private=True))
    assert (history.read_text(encoding="utf-8") if history.exists() else None) == before


def test_any_other_job_is_the_one_to_go_on_with(run, output, history):
    run(output=output())
    assert "a fox" in history.read_text(encoding="utf-8")


def test_a_private_variation_writes_no_file(host, run, output, monkeypatch, tmp_path):
    host.modules.shared.opts.data.update(save_init_img=True, outdir_init_images=str(tmp_path))
    if hasattr(host.modules.shared.cmd_opts, "no_prompt_history"):
        monkeypatch.setattr(host.modules.shared.cmd_opts, "no_prompt_history", False)
    before = files_of(host)
    run(output=output(private=True), picture=Image.new("RGB", (128, 128)), denoising=0.5)
    assert files_of(host) == before
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("extension", ["png", "jpeg"])
@pytest.mark.parametrize("metadata", ["webui", "Fooocus", "none"])
def test_a_file_carries_the_settings_that_were_asked_for(run, tmp_path, metadata, extension):
    outputs = importlib.import_module("fooocus_ext.host.jobs.outputs")
    settings = json.dumps({"prompt": "a fox", "version": "Fooocus v2.5.5", "seed": "1"})
    told = SimpleNamespace(
        sampled=lambda *_: None, announced=lambda _: settings, stored=lambda _: None
    )
    job_output = outputs.Output(tmp_path / "made", extension, listener=told, metadata=metadata)
    run(output=job_output)
    picture = job_output.pictures[0]
    assert "Steps: 1" in picture.infotext  # what the page shows
    content = picture.file.read_bytes()
    carried = picture_text(content)[0] or ""
    assert ("Steps: 1" in carried) is (metadata == "webui")
    read = read_fooocus_settings(content)
    assert (read is not None) is (metadata == "Fooocus")
    if read is not None:
        assert (read.prompt, read.seed) == ("a fox", 1)


@pytest.mark.parametrize("names_denoiser", [True, False], ids=["from 1.8", "before"])
def test_the_time_left_is_reckoned_from_the_first_step(host, names_denoiser, monkeypatch):
    queue = importlib.import_module("fooocus_ext.host.tab.queue")
    outputs = importlib.import_module("fooocus_ext.host.jobs.outputs")
    p = SimpleNamespace()
    setattr(p, outputs._ATTRIBUTE, outputs.Output(None))
    running = SimpleNamespace(p=p)
    if not names_denoiser:
        monkeypatch.setattr(queue.samplings, "_running", [running])
    params = SimpleNamespace(**({"denoiser": running} if names_denoiser else {}))
    state = host.modules.shared.state
    state.begin(job="task(time left)")
    try:
        state.job_count, state.sampling_steps, state.time_start = 2, 20, 0.0
        queue.say_progress(params)
        assert time.time() - state.time_start < 60
        assert "Picture 1 of 2, step 1 of 20" in state.textinfo
        state.sampling_step, state.time_start = 5, 0.0
        queue.say_progress(params)
        assert state.time_start == 0.0
    finally:
        state.end()


def test_a_job_waits_for_the_model_that_the_webui_starts_with(host, monkeypatch):
    """The webui loads it in a thread of its own; to load another at the same time breaks both."""
    jobs, order = importlib.import_module("fooocus_ext.host.jobs.run"), []

    class Shared:
        opts = host.modules.shared.opts

        @property
        def sd_model(self):
            order.append("model")

    def request(_):
        order.append("request")
        raise RuntimeError("far enough")

    monkeypatch.setattr(jobs, "shared", Shared())
    monkeypatch.setattr(jobs, "_request", request)
    with pytest.raises(RuntimeError, match="far enough"):
        jobs.make_pictures(jobs.Job("a fox"))
    assert order == ["model", "request"]
