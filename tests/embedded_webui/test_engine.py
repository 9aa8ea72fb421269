"""The engine as a whole, in a process of its own, with a probing extension and the default checkpoints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 600
# Starts a webui of its own and makes 25 pictures, for the first test that asks for the report.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(TIMEOUT + 60)]
PER_CALL = ["cfg_denoiser", "cfg_denoised", "cfg_after_cfg"]
BEFORE = ["setup", "before_process", "process", "before_process_batch", "after_extra_networks_activate",
          "process_batch", "process_before_every_sampling"]  # fmt: skip
AFTER = ["post_sample", "postprocess_batch", "postprocess_batch_list", "postprocess_image",
         "postprocess_maskoverlay", "postprocess_image_after_composite", "postprocess"]  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine")
    command = [sys.executable, "-m", "tests.embedded_webui.engine_report", str(folder)]
    threads = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **threads}, capture_output=True, text=True,
        timeout=TIMEOUT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout.rpartition("REPORT ")[2])
    found["stderr"] = done.stderr
    return found


def events(case):
    return [entry if isinstance(entry, str) else entry[0] for entry in case["log"]]


def calls(case):
    return [entry for entry in case["log"] if entry[0] == "cfg_denoiser"]


def difference(a, b):
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def test_widgets_are_built_three_times_for_each_tab(report):
    assert [entry for entry in report["started"] if entry == "ui"] == ["ui"] * 6


def test_hooks_come_in_the_hosts_order(report):
    found = [name for name in events(report["plain"]) if name != "model_loaded"]
    assert found == BEFORE + PER_CALL * 3 + AFTER


def test_a_failing_hook_changes_nothing_but_the_log(report):
    case = report["failing"]
    assert case["status"] == 200
    assert case["pixels"] == report["plain"]["pixels"]
    assert events(case) == events(report["again"])
    assert "*** Error running postprocess_batch:" in report["stderr"]
    assert "probe failed in before_process" in report["stderr"]


def test_the_same_request_gives_the_same_bytes(report):
    assert report["plain"]["pixels"] == report["again"]["pixels"]


def test_hires_fix_samples_twice_at_two_sizes(report):
    case = report["hires"]
    assert [entry[1] for entry in calls(case)] == [[2, 4, 8, 8]] * 3 + [[2, 4, 16, 16]] * 2
    names = events(case)
    assert names.count("process_before_every_sampling") == 2
    second = len(names) - names[::-1].index("process_before_every_sampling") - 1
    assert names[second - 2 : second] == ["after_extra_networks_activate", "before_hr"]
    for text in ("Denoising strength: 0.75", "Hires upscale: 2", "Hires steps: 2",
                 "Hires upscaler: Latent"):  # fmt: skip
        assert text in case["infotexts"][0]


def test_pictures_of_a_batch_are_those_made_alone(report):
    batch = report["batch"]
    assert batch["seeds"] == [1, 2, 3, 4]
    assert len(batch["pixels"]) == 4
    assert difference(batch["pixels"][0], report["plain"]["pixels"][0]) <= 1
    assert difference(batch["pixels"][1], report["single"]["pixels"][0]) <= 1
    assert difference(batch["pixels"][0], batch["pixels"][1]) > 20


def test_rows_of_the_model_calls(report):
    assert calls(report["plain"])[0][1:4] == [[2, 4, 8, 8], [1, 77, 2048], [1, 77, 2048]]
    assert calls(report["batch"])[0][1:4] == [[4, 4, 8, 8], [2, 77, 2048], [2, 77, 2048]]
    assert calls(report["and"])[0][1:4] == [[6, 4, 8, 8], [4, 77, 2048], [2, 77, 2048]]
    assert calls(report["long"])[0][1:4] == [[2, 4, 8, 8], [1, 154, 2048], [1, 77, 2048]]


def test_counters_of_the_model_calls(report):
    assert [tuple(entry[4:]) for entry in calls(report["plain"])] == [(0, 0), (0, 1), (1, 2)]
    heun = [tuple(entry[4:]) for entry in calls(report["heun"])]
    assert heun == [(0, 0), (0, 1), (0, 2), (1, 3), (1, 4)]


def test_infotext_has_the_hosts_entries_in_order(report):
    lines = report["plain"]["infotexts"][0].split("\n")
    assert lines[:2] == ["a red cat", "Negative prompt: blurry"]
    keys = [part.split(": ")[0] for part in lines[2].split(", ")]
    assert keys == ["Steps", "Sampler", "Schedule type", "CFG scale", "Seed", "Size", "Model hash",
                    "Model", "Version"]  # fmt: skip
    assert report["png info"] == report["plain"]["infotexts"][0]


def test_overrides_last_for_their_request(report):
    assert "NGMS: 20.0, NGMS all steps: True" in report["ngms"]["infotexts"][0]
    assert report["ngms"]["pixels"] != report["plain"]["pixels"]
    assert "NGMS" not in report["lora"]["infotexts"][0]


def test_missing_networks_are_stripped(report):
    case = report["lora"]
    assert case["status"] == 200
    assert case["infotexts"][0].startswith("cat <lora:x:1>\n")


def test_the_hosts_refiner_takes_over(report):
    case = report["refiner"]
    widths = [entry[2][-1] for entry in calls(case)]
    assert widths == sorted(widths, reverse=True)
    assert set(widths) == {2048, 1280}
    assert "Refiner switch at: 0.5" in case["infotexts"][0]
    assert events(case).count("model_loaded") == 1


@pytest.mark.parametrize(
    ("case", "status", "text"),
    [
        ("unknown script", 422, "Script 'nobody' not found"),
        ("selectable", 422, "Cannot have a selectable script"),
        ("unknown option", 500, "no_such_option"),
        ("unknown refiner", 500, "Could not find checkpoint with name nobody"),
    ],
)
def test_errors(report, case, status, text):
    found = report[case]
    assert found["status"] == status
    assert text in f"{found['error']}"


def test_a_size_that_no_picture_has_is_refused_as_any_wrong_field_is(report):
    case = report["negative height"]
    assert case["status"] == 422
    (problem,) = case["error"]["detail"]
    assert problem["loc"] == ["body", "height"]
    assert "greater than or equal to 1" in problem["msg"]


def test_surplus_arguments_are_dropped(report):
    assert report["more args"]["log"][0] == ["setup", [False, "u"]]


def test_other_routes_answer(report):
    assert set(report["routes"].values()) == {200}
    assert report["img2img"] == 200
    assert "probe" in report["scripts"]["txt2img"]


def test_an_interrupted_job_returns_what_it_has(report):
    assert report["interrupted"] == {"status": 200, "pictures": 1}


def test_models_stay_loaded_up_to_the_limit(report):
    found = report["residency"]
    assert found["evicted"] == "meta"
    assert found["same object"]
    assert found["active"]
    assert found["crossattn"] == [1, 77, 2048]
