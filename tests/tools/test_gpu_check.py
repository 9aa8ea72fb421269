"""tools/gpu_check.py, on a CPU and without what a machine with a GPU need not have."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import instant_clip_tokenizer
import numpy as np
import pytest
import torch

from embedded_webui.network.shapes import SDXL_UNET
from tools.gpu import (
    cli,
    filtering,
    generation,
    hooks,
    leaks,
    letters,
    networks,
    progress,
    report,
    running,
    sizes,
)

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).parent / "gpu_check_restricted.py"
SETTING = running.Setting("cpu", True, "")
PATIENCE = "20"  # a test machine is not a GPU
STATES = {report.PASSED, report.FAILED, report.NOT_RUN, report.MEASURED}


def check(folder, *arguments, faults=""):
    """Run the program where nothing but the allowed packages can be imported: (its status, its JSON)."""
    command = [sys.executable, PROGRAM, "--device", "cpu", "--quick", "--out", folder]
    environment = {**os.environ, "FAULTS": faults}
    run = subprocess.run(
        [*command, "--patience", PATIENCE, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
    )
    assert (folder / report.JSON_FILE).is_file(), run.stderr
    assert (folder / report.TABLE_FILE).read_text("utf-8").strip() in run.stdout
    return run.returncode, json.loads((folder / report.JSON_FILE).read_text("utf-8"))


def assert_well_formed(found):
    assert set(found) == {"format", "passed", "seconds", "machine", "parts"}
    assert found["format"] == report.FORMAT
    assert {"device", "sizes", "version", "python", "torch", "cuda"} <= set(found["machine"])
    for part in found["parts"]:
        assert set(part) == {
            "key", "title", "status", "reason", "seconds", "budget", "figures",
        }  # fmt: skip
        assert part["status"] in STATES - {report.MEASURED}
        for figure in part["figures"]:
            assert set(figure) == {"name", "value", "unit", "wanted", "status", "note"}
            assert figure["status"] in STATES
            if figure["value"] is None:  # what failed may have come to no number
                assert figure["status"] in {report.NOT_RUN, report.FAILED}
            assert bool(figure["wanted"]) == (figure["status"] in {report.PASSED, report.FAILED})


@pytest.mark.slow
@pytest.mark.timeout(1200)  # five processes that each start a webui, one after the other
def test_it_runs_with_the_allowed_packages_alone(tmp_path):
    status, found = check(tmp_path)
    assert_well_formed(found)
    parts = {part["key"]: part for part in found["parts"]}
    assert status == 0, parts
    assert found["passed"] is True
    assert list(parts) == [part.key for part in cli.PARTS]
    assert parts.pop("memory")["status"] == report.NOT_RUN
    assert {part["status"] for part in parts.values()} == {report.PASSED}
    skipped = [f for p in parts.values() for f in p["figures"] if f["status"] == report.NOT_RUN]
    assert {figure["note"] for figure in skipped} == {report.NEEDS_CUDA}
    assert {figure["name"] for figure in skipped} == {
        "as Fooocus: numbers that differ from the CPU's",
        "as the webui: largest difference from the CPU's",
        "half precision beside full precision",
        "full precision beside CPU",
        "share of a step of SDXL's UNet",
        "synchronisations",
    }


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_what_is_wrong_is_told_and_the_other_parts_go_on(tmp_path):
    parts = [word for key in ("filter", "adm", "leaks") for word in ("--part", key)]
    status, found = check(tmp_path, *parts, faults="planted")
    assert_well_formed(found)
    assert (status, found["passed"]) == (1, False)
    assert [part["status"] for part in found["parts"]] == [report.FAILED] * 3
    wrong, broken, leaking = (
        [figure["name"] for figure in part["figures"] if figure["status"] == report.FAILED]
        for part in found["parts"]
    )
    assert wrong == [f"{name}: largest error" for name in ("float32", "float16", "bfloat16")]
    assert broken == []
    assert found["parts"][1]["reason"].startswith("TypeError: ")
    assert leaking == ["tensors that stay, a job", "bytes of tensors that stay, a job"]
    table = (tmp_path / report.TABLE_FILE).read_text("utf-8")
    assert table.startswith("# GPU check on a CPU: FAILED\n")


def test_the_status_is_1_if_a_part_breaks(monkeypatch, tmp_path):
    parts = (running.Part("a", "a", 600, {"": breaks}), running.Part("b", "b", 600, {"": finds}))
    monkeypatch.setattr(cli, "PARTS", parts)
    assert cli.main(["--device", "cpu", "--out", str(tmp_path)]) == 1
    found = json.loads((tmp_path / report.JSON_FILE).read_text("utf-8"))
    assert [part["status"] for part in found["parts"]] == [report.FAILED, report.PASSED]
    assert cli.main(["--device", "cpu", "--part", "b", "--out", str(tmp_path)]) == 0


def test_a_folder_that_could_not_be_written_to_is_refused_before_anything_is_measured(
    monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(cli, "run_part", lambda *_: pytest.fail("measures"))
    file = tmp_path / "file"
    file.touch()  # as root every folder can be written to
    for path, why in ((file / "out", f"{file} cannot be written to"), (file, "is no folder")):
        with pytest.raises(SystemExit) as stop:
            cli.main(["--device", "cpu", "--out", str(path)])
        assert stop.value.code == 2
        assert why in capsys.readouterr().err.splitlines()[-1]


def interrupts(_setting):
    raise KeyboardInterrupt


def test_what_was_measured_until_it_is_interrupted_is_told(monkeypatch, tmp_path, capsys):
    runs = {"a": finds, "b": interrupts, "c": finds}
    parts = tuple(running.Part(key, key, 600, {"": run}) for key, run in runs.items())
    monkeypatch.setattr(cli, "PARTS", parts)
    monkeypatch.setattr(running, "_in_its_own_process", lambda run, setting, *_: run(setting))
    assert cli.main(["--device", "cpu", "--out", str(tmp_path)]) == 1
    found = json.loads((tmp_path / report.JSON_FILE).read_text("utf-8"))["parts"]
    assert [(part["key"], part["status"]) for part in found] == [("a", "passed"), ("b", "failed")]
    assert "| b |  |  |  | failed: interrupted |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("figures", "on_cuda", "heading"),
    [
        ([report.at_most("a", 1, 2), report.not_run("b")], True, "# GPU check: passed"),
        ([report.at_most("a", 3, 2)], True, "# GPU check: FAILED"),
        ([report.Figure("a", 1), report.not_run("b")], False, "# GPU check on a CPU: not run"),
        ([], True, "# GPU check: not run"),
    ],
)
def test_the_heading_says_where_it_was_and_whether_anything_was_judged(figures, on_cuda, heading):
    part = running.Part("x", "a part", 600, {}, lambda *_: figures)
    parts = (running.run_part(part, SETTING),)
    text = report.Report({}, parts, 1, on_cuda=on_cuda).as_markdown()
    assert text.splitlines()[0] == heading


def test_without_a_gpu_it_says_so(capsys):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    assert cli.main([]) == cli.NO_GPU
    assert "no CUDA device" in capsys.readouterr().err


@pytest.mark.parametrize("chosen", [None, "7"])
def test_the_threads_are_chosen_before_torch_is_loaded(chosen):
    """torch reads these once; without them it takes every core it sees, a container's or not."""
    look = (
        "import json, os, runpy, sys; from embedded_webui import threads;"
        "choose = threads.choose; found = [];"
        "threads.choose = lambda **given: (found.append('torch' in sys.modules), choose(**given));"
        "sys.argv[1:] = ['--part', 'adm', '--device', 'cpu', '--help'];"
        "\ntry: runpy.run_path('tools/gpu_check.py', run_name='__main__')"
        "\nexcept SystemExit: pass"
        "\nprint(); print(json.dumps([found, os.environ['OMP_NUM_THREADS'], 'torch' in sys.modules]))"
    )
    environment = {name: os.environ[name] for name in os.environ if name != "OMP_NUM_THREADS"}
    environment |= {"OMP_NUM_THREADS": chosen} if chosen else {}
    run = subprocess.run(
        [sys.executable, "-c", look],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=environment,
    )
    found, count, is_loaded = json.loads(run.stdout.splitlines()[-1])
    assert (found, is_loaded) == ([False], True)
    assert count == chosen if chosen else 1 <= int(count) <= 4


def test_no_part_may_take_more_than_its_share_of_five_minutes():
    assert sum(part.budget for part in cli.PARTS) <= 295


# --- parts that break


def breaks(_setting):
    raise ValueError("broken | in\ntwo lines")


def ends_its_process(_setting):
    os._exit(3)


def never_ends(_setting):
    time.sleep(600)


def finds(setting):
    return [report.at_most(f"on {setting.device}", 1.0, 2.0)]


def finds_too_much(_setting):
    return [report.at_most("number", 3.0, 2.0), report.Figure("other", 1.0)]


def finds_nothing(_setting):
    return [report.not_run("speed")]


def judges_wrongly(found, _setting):
    return found["of another name"]


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (breaks, "ValueError: broken | in\ntwo lines"),
        (ends_its_process, "its process ended with status 3"),
        (never_ends, "took longer than the 6 s that it has"),
    ],
)
def test_a_part_that_breaks_has_failed(run, reason):
    patience = 6.0 if run is never_ends else 600.0
    result = running.run_part(running.Part("x", "a part", 1, {"": run}), SETTING, patience)
    assert (result.status, result.reason, result.figures) == (report.FAILED, reason, ())
    assert len(report.Report({}, (result,), 1).as_markdown().splitlines()) == 7


def test_a_part_whose_figures_cannot_be_judged_has_failed():
    part = running.Part("x", "a part", 600, {"": finds}, judges_wrongly)
    result = running.run_part(part, SETTING)
    assert (result.status, result.reason) == (report.FAILED, "KeyError: 'of another name'")


@pytest.mark.parametrize(
    ("run", "status"),
    [(finds, report.PASSED), (finds_too_much, report.FAILED), (finds_nothing, report.NOT_RUN)],
)
def test_the_status_of_a_part_is_that_of_its_figures(run, status):
    part = running.Part("x", "a part", 600, {"": run})
    assert running.run_part(part, SETTING).status == status


def test_what_needs_cuda_is_not_run_without_it():
    part = running.Part("x", "a part", 60, {"": breaks}, needs_cuda=True)
    result = running.run_part(part, SETTING)
    assert (result.status, result.reason) == (report.NOT_RUN, report.NEEDS_CUDA)
    part = running.Part("x", "a part", 600, {"a": finds, "b": breaks}, of_cuda=frozenset({"b"}))
    assert [figure.name for figure in running.run_part(part, SETTING).figures] == ["on cpu"]


def test_no_number_is_no_pass():
    nan = float("nan")
    assert report.at_most("x", nan, 1).status == report.FAILED
    assert report.at_least("x", nan, 1).status == report.FAILED


def test_what_is_no_number_leaves_the_json_valid():
    figures = (report.at_most("x", math.nan, 1), report.at_most("y", math.inf, 1))
    result = report.PartResult("key", "a part", report.FAILED, "", 1.0, 2.0, figures)

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    found = json.loads(report.Report({}, (result,), 1).as_json(), parse_constant=refuse)
    assert [figure["value"] for figure in found["parts"][0]["figures"]] == [None, None]


def test_a_package_under_another_name_is_unknown(monkeypatch):
    monkeypatch.setattr(cli, "PACKAGES", ("numpy", "a-fork-of-pillow"))
    machine = cli._machine(SETTING)
    assert machine["a-fork-of-pillow"] == "unknown"
    assert machine["numpy"] == np.__version__


# --- what the parts see


def test_the_unfolded_form_is_the_definition():
    """At one pixel, from the definition."""
    generator = torch.Generator().manual_seed(3)
    x, x0 = (torch.randn(1, 4, 16, 20, generator=generator).double() for _ in range(2))
    guidance = (x0 - x0.mean()) / (x0.std() + 1e-5)
    row, column = 8, 9
    total, weights = torch.zeros(4).double(), 0.0
    for dy in range(-6, 7):
        for dx in range(-6, 7):
            there = slice(None), row + dy, column + dx
            apart = float((guidance[0][there] - guidance[0, :, row, column]).abs().sum())
            weight = torch.tensor(-(dy**2 + dx**2) / 18 - apart**2 / 18).double().exp()
            total, weights = total + weight * x[0][there], weights + weight
    found = filtering.unfolded_filter(x, x0)[0, :, row, column]
    torch.testing.assert_close(found, total / weights)


@pytest.mark.parametrize("leak", [None, "tensor"])
def test_a_leak_is_seen(monkeypatch, leak):
    kept = []

    def make(_settings, **_request):
        if leak:
            kept.append(torch.zeros(1, 4, 8, 8))

    monkeypatch.setattr(leaks.host, "start", lambda *_: None)
    monkeypatch.setattr(leaks.host, "refiner", dict)
    monkeypatch.setattr(leaks.host, "make", make)
    states = {figure.name: figure.status for figure in leaks.check(SETTING)}
    expected = report.FAILED if leak else report.PASSED
    assert states.pop("jobs") == report.MEASURED
    assert set(states.values()) == {expected}


@pytest.mark.parametrize(
    ("counted", "states"),
    [
        ((90, 100), [report.PASSED, report.PASSED, report.PASSED]),
        ((10, 23), [report.PASSED, report.PASSED, report.FAILED]),
        ((0, 0), [report.FAILED, report.PASSED, report.PASSED]),
        ((9, 9), [report.FAILED, report.PASSED, report.PASSED]),
        ((40, 0), [report.PASSED, report.FAILED, report.PASSED]),
    ],
)
def test_a_counter_that_misses_the_webuis_own_synchronisations_is_seen(counted, states):
    assert [figure.status for figure in hooks._judged(*counted)] == states


@pytest.mark.parametrize(
    ("speedup", "wanted"),
    [
        (0.6, dict.fromkeys(["float32", "float16", "bfloat16"], True)),
        (0.4, {"float32": False, "float16": True, "bfloat16": True}),
    ],
)
def test_speed_is_judged_in_the_precision_that_both_filters_compute_in(
    monkeypatch, speedup, wanted
):
    times = {"unfolded": speedup, "ours": 1.0}
    monkeypatch.setattr(filtering, "SHAPE", filtering.QUICK_SHAPE)
    monkeypatch.setattr(filtering, "milliseconds", lambda *_args, **_kwargs: times)
    monkeypatch.setattr(filtering, "extra_mebibytes", lambda *_args, **_kwargs: 1.0)
    monkeypatch.setattr(filtering, "LARGEST_MEMORY_RATIO", 1)
    figures = filtering.check(running.Setting("cpu", False, ""))
    failed = {f.name.partition(":")[0] for f in figures if f.status == report.FAILED}
    assert {name: name not in failed for name in wanted} == wanted


def test_the_cpus_size_numbers_are_not_compared_with_themselves():
    figures = {figure.name: figure.status for figure in sizes.check(SETTING)}
    assert figures == {
        "as Fooocus: numbers that differ from the CPU's": report.NOT_RUN,
        "as the webui: numbers that differ from its own on this device": report.PASSED,
        "as the webui: largest difference from the CPU's": report.NOT_RUN,
    }


@pytest.fixture
def pictures(monkeypatch):
    """Have the runs of a generation make no pictures: one of stripes, and a brighter one with tricks."""
    stripes = np.zeros((8, 8, 3), np.uint8)
    stripes[::2] = 90
    made = generation.Pictures(stripes, stripes + np.uint8(9), None)
    monkeypatch.setattr(generation, "_pictures", lambda *_: made)


def test_without_a_gpu_the_cpus_picture_is_not_compared_with_itself(pictures, monkeypatch):
    run_here = lambda run, setting, *_: run(setting)  # noqa: E731 -- where the stand-in is
    monkeypatch.setattr(running, "_in_its_own_process", run_here)
    (part,) = [part for part in cli.PARTS if part.key == "generation"]
    result = running.run_part(part, SETTING)
    figures = {figure.name: figure.status for figure in result.figures}
    assert figures == {
        "half precision beside full precision": report.NOT_RUN,
        "full precision beside CPU": report.NOT_RUN,
        "full precision: effect of all tricks": report.PASSED,
        "full precision: deviation in the picture": report.PASSED,
    }
    assert result.status == report.PASSED


def test_half_precision_is_allowed_what_the_webuis_own_is_apart():
    exact = np.zeros((8, 8, 3), np.uint8)
    exact[::2] = 90
    full = generation.Pictures(exact, exact + np.uint8(9), None)
    own = generation.Pictures(exact + np.uint8(3), exact + np.uint8(14), None)
    worse = generation.Pictures(exact + np.uint8(3), exact + np.uint8(16), None)
    for made, status in ((own, report.PASSED), (worse, report.FAILED)):
        found = {generation.HALF: made, generation.FULL: full, generation.ON_CPU: full}
        first = generation.judge(found, SETTING)[0]
        assert (first.status, first.value) == (
            status,
            made.tricks[0, 0, 0] - full.tricks[0, 0, 0],
        )


def test_a_half_precision_that_is_broken_by_itself_is_no_measure():
    stripes = np.zeros((8, 8, 3), np.uint8)
    stripes[::2] = 90
    full = generation.Pictures(stripes, stripes + np.uint8(9), None)
    black = generation.Pictures(np.zeros_like(stripes), np.zeros_like(stripes), None)
    found = {generation.HALF: black, generation.FULL: full, generation.ON_CPU: full}
    failed = [f.name for f in generation.judge(found, SETTING) if f.status == report.FAILED]
    assert failed == [
        "half precision beside full precision: on average",
        "half precision beside full precision: without the extension",
        "half precision: effect of all tricks",
        "half precision: deviation in the picture",
    ]


def test_full_precision_is_allowed_its_limit_alone():
    exact = np.full((8, 8, 3), 90, np.uint8)
    on_cpu = generation.Pictures(exact, exact, None)
    apart = generation.Pictures(exact + np.uint8(3), exact + np.uint8(1), None)
    found = {generation.FULL: apart, generation.ON_CPU: on_cpu}
    judged = generation.judge(found, SETTING)[1]
    assert (judged.value, judged.wanted, judged.status) == (1.0, "<= 0.1", report.FAILED)


@pytest.mark.parametrize("is_there", [True, False])
def test_tqdm_is_stood_in_for_where_it_is_not_installed(monkeypatch, is_there):
    names = ("tqdm", "tqdm.auto")
    before = [sys.modules.pop(name, None) for name in names]
    monkeypatch.setattr(progress.importlib.util, "find_spec", lambda _name: is_there or None)
    try:
        progress.install()
        assert ("tqdm" in sys.modules) is not is_there
        if not is_there:
            from tqdm.auto import tqdm, trange

            assert list(trange(1, 4, disable=True)) == [1, 2, 3]
            assert list(tqdm([5, 6])) == [5, 6]
    finally:
        for name, module in zip(names, before, strict=True):
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


def test_the_refiner_has_sdxls_size():
    with torch.device("meta"):
        refiner = networks.DiffusionModel(networks.REFINER_UNET)
    assert sum(parameter.numel() for parameter in refiner.parameters()) == pytest.approx(
        2.26e9, rel=2e-3
    )


def test_random_weights_let_numbers_of_the_usual_size_through():
    unet = networks.unet(networks.SMALL_UNET, "cpu", torch.float32)
    inputs = networks.inputs(SDXL_UNET, 16, "cpu", torch.float32)
    assert 0.05 < float(unet(**inputs).std()) < 20


def test_synchronisations_are_told_by_torchs_own_words():
    """The message is in torch's library; were it another, none would ever be counted."""
    library = Path(torch.__file__).parent / "lib"
    words = hooks.SYNCHRONISES.encode()
    candidates = [path for path in library.iterdir() if "c10_cuda" in path.name]
    if not candidates:
        pytest.skip("torch without CUDA has no such message")
    assert any(words in path.read_bytes() for path in candidates)


def test_letters_are_the_tokens_that_clip_gives_them():
    """Two characters with a space between are two words, which no merge of CLIP's makes one."""
    clip = instant_clip_tokenizer.Tokenizer()
    for text in ("a b , ! 7 ~", "x"):
        assert letters.Tokenizer().encode(text) == list(clip.encode(text))
    assert letters.Tokenizer().decode(letters.Tokenizer().encode("a fox")) == "a fox "
