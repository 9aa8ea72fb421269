"""Jobs of our own tab on the host: what they leave of its options, and on the disk."""

from __future__ import annotations

import dataclasses
import importlib
import json

import pytest

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
    jobs = importlib.import_module("fooocus_ext.host.jobs")

    def run_job(**values):
        job = jobs.Job("a fox", seed=1, forced=FEW_STEPS, **values)
        without_expansion = job.settings.replace(expansion=False)
        return jobs.run_queued(dataclasses.replace(job, settings=without_expansion))

    return run_job


@pytest.fixture
def output(host, tmp_path):
    """Returns where a job's pictures go."""
    outputs = importlib.import_module("fooocus_ext.host.outputs")
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


def test_options_of_a_preset_end_with_its_picture(host, unsaved):
    from fooocus_ext.host import assets

    folder = host.folder / "fooocus" / "presets"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{PRESET}.json"
    file.write_text(json.dumps(PRESET_OPTIONS))
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
