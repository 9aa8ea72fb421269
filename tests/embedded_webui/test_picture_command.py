"""`python -m embedded_webui picture`: what it loads, what it makes, and on how many threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from embedded_webui import cli_picture, cli_serve, files, threads

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, sys
from embedded_webui.__main__ import main
status = main(["picture", *sys.argv[1:]])
page = {"pandas", "altair", "matplotlib", "gradio_client", "anyio"} & set(sys.modules)
print(json.dumps([status, sorted(page), getattr(sys.modules["gradio"], "__file__", None)]))
"""

LISTED = """
import argparse, json, sys
from embedded_webui import cli_serve, put_webui_on_path
parser = argparse.ArgumentParser()
cli_serve.add_checkpoint_flags(parser)
flags = cli_serve.host_flags(*parser.parse_known_args(sys.argv[1:]))
put_webui_on_path()
from modules import cmd_args
cmd_args.arguments = flags
from modules import sd_checkpoints, shared_init
shared_init.initialize()
sd_checkpoints.list_models()
listed = [info.name_for_extra for info in sd_checkpoints.checkpoints_list.values()]
print(json.dumps([sd_checkpoints.select_checkpoint().name_for_extra, sorted(listed)]))
"""


def run_program(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def make(*arguments: str) -> tuple[list[str], list]:
    finished = run_program(PROGRAM, "--prompt", "a boat", "--steps", "1", *arguments)
    assert finished.returncode == 0, finished.stderr
    *said, found = finished.stdout.splitlines()
    return said, json.loads(found)


@pytest.mark.slow
def test_a_picture_needs_no_page(tmp_path):
    said, found = make("--out", str(tmp_path / "a.png"), "--set", "sharpness=4", "--compare")
    assert found == [0, [], None]
    picture, sheet = Path(said[-5]), Path(said[-4])
    assert Image.open(picture).size == (256, 256)
    assert "Fooocus sharpness: 4" in Image.open(picture).info["parameters"]
    assert Image.open(sheet).size == (512, 280)


@pytest.mark.slow
def test_a_wrong_argument_is_told_without_a_page_too(tmp_path):
    said, found = make("--out", str(tmp_path / "a.png"), "--set", "sharpness=4000")
    assert found == [2, [], None]
    assert not (tmp_path / "a.png").exists()
    assert not any(line.endswith(".png") for line in said)


@pytest.fixture
def nothing_started(monkeypatch):
    """Have a command fail that goes on to start the host."""

    def start(*_flags):
        pytest.fail("the host is started")

    monkeypatch.setattr(cli_picture.no_page, "install", lambda: None)
    monkeypatch.setattr(cli_picture.pictures, "start", start)
    monkeypatch.setattr(cli_serve, "bootstrap", start)


def refusal(run, arguments, capsys) -> str:
    """Return the last line of what a command says that is refused."""
    with pytest.raises(SystemExit) as stop:
        run(arguments)
    assert stop.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.usefixtures("nothing_started")
@pytest.mark.parametrize("flag", ["--checkpoint", "--refiner"])
@pytest.mark.parametrize(
    ("run", "rest"), [(cli_serve.serve, []), (cli_picture.picture, ["--prompt", "a boat"])]
)
def test_a_checkpoint_that_is_not_there_is_not_replaced_by_another(
    run, rest, flag, tmp_path, capsys
):
    missing = tmp_path / "mistyped.safetensors"
    said = refusal(run, [*rest, flag, str(missing)], capsys)
    assert said.endswith(f"argument {flag}: got {missing}; there is no such file")


@pytest.mark.usefixtures("nothing_started")
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, capsys):
    garbage = tmp_path / "page.safetensors"
    garbage.write_bytes(b"<!doctype html>" * 9)
    lora = tmp_path / "lora.safetensors"
    files.write_safetensors(lora, {}, {}, zeros={"lora_unet_down.weight": (1,)})
    for given in (garbage, lora):
        said = refusal(cli_serve.serve, ["--checkpoint", str(given)], capsys)
        assert said.endswith(
            f"argument --checkpoint: got {given}; allowed: a readable .safetensors file that has a UNet"
        )


@pytest.mark.usefixtures("nothing_started")
@pytest.mark.parametrize(
    ("flag", "given", "smallest"),
    [("--steps", "0", 1), ("--steps", "x", 1), ("--width", "7", 8), ("--height", "-64", 8)],
)
def test_a_number_of_nothing_is_refused(flag, given, smallest, capsys):
    said = refusal(cli_picture.picture, ["--prompt", "a boat", flag, given], capsys)
    assert said.endswith(
        f"argument {flag}: got {given}; allowed: a whole number that is at least {smallest}"
    )


@pytest.mark.usefixtures("nothing_started")
def test_a_picture_that_could_not_be_written_is_not_made(tmp_path, monkeypatch, capsys):
    out, fixed = tmp_path / "new" / "a.png", tmp_path / "letter.txt"
    fixed.touch()
    impossible = fixed / "a.png"
    said = refusal(cli_picture.picture, ["--prompt", "a boat", "--out", str(impossible)], capsys)
    assert said.endswith(f"argument --out: got {impossible}; {fixed} cannot be written to")
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.F_OK and path.exists())
    said = refusal(cli_picture.picture, ["--prompt", "a boat", "--out", str(out)], capsys)
    assert said.endswith(f"argument --out: got {out}; {tmp_path} cannot be written to")


@pytest.mark.usefixtures("nothing_started")
@pytest.mark.parametrize("name", ["a.jpg", "a", "folder.png"])
def test_a_picture_is_a_png_file(name, tmp_path, capsys):
    (tmp_path / "folder.png").mkdir()
    out = tmp_path / name
    said = refusal(cli_picture.picture, ["--prompt", "a boat", "--out", str(out)], capsys)
    assert said.endswith(f"argument --out: got {out}; allowed: a file whose name ends in .png")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("--sampler", "--sampler: got Eulre; allowed: DPM++ 2M, DPM++ SDE, "),
        ("--scheduler", "--scheduler: got Eulre; allowed: Automatic, Uniform, Karras, "),
    ],
)
def test_an_unknown_sampler_or_schedule_is_not_replaced_by_another(flag, said, tmp_path):
    out = tmp_path / "a.png"
    done = run_program(
        PROGRAM, "--prompt", "a boat", "--steps", "1", "--out", str(out), flag, "Eulre"
    )
    assert json.loads(done.stdout.splitlines()[-1])[0] == 2
    assert done.stderr.splitlines()[-1].startswith(said)
    assert not out.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--setp", "5"), "unrecognized arguments: --setp 5"),
        (("--precision", "low"), "argument --precision: invalid choice: 'low'"),
    ],
)
def test_a_mistyped_option_is_told_with_the_usage_of_a_picture(words, said):
    done = run_program(PROGRAM, "--prompt", "a boat", *words)
    assert done.returncode == 2
    usage, _, error = done.stderr.partition("python -m embedded_webui picture: error: ")
    assert error.startswith(said)
    assert "--negative-prompt" in usage
    assert "--gradio" not in usage


@pytest.mark.slow
@pytest.mark.parametrize("chosen", [(), ("--refiner",), ("--checkpoint",)])
def test_the_base_is_pocket_sdxl_unless_a_checkpoint_is_named(chosen, tmp_path):
    other = tmp_path / "models" / "Stable-diffusion" / "a-refiner.safetensors"
    files.write_safetensors(other, {}, {}, zeros={"model.diffusion_model.out.0.bias": (1,)})
    named = [word for flag in chosen for word in (flag, str(other))]
    done = run_program(LISTED, "--data-dir", str(tmp_path), *named)
    assert done.returncode == 0, done.stderr
    base, listed = json.loads(done.stdout.splitlines()[-1])
    pocket = ["pocket-sdxl-base", "pocket-sdxl-refiner"]
    is_named = "--checkpoint" in chosen
    assert base == ("a-refiner" if is_named else "pocket-sdxl-base")
    assert listed == ["a-refiner", *([] if is_named else pocket)]


@pytest.mark.parametrize(
    ("running", "cores", "most", "count"),
    [
        (0, 2, 4, 2),
        (1, 2, 4, 1),
        (9, 2, 4, 1),
        (0, 16, 4, 4),
        (3, 16, None, 13),
        (None, 16, 4, 4),
        (None, 16, None, None),
    ],
)
def test_threads_are_as_many_as_idle_cores(running, cores, most, count):
    assert threads.threads_beside(running, cores, most) == count


def test_what_the_user_has_set_stays(monkeypatch, tmp_path):
    monkeypatch.setattr(threads, "RUNNING", tmp_path / "loadavg")
    monkeypatch.setattr(threads, "cores", lambda: 8)
    threads.RUNNING.write_text("0.20 0.18 0.12 6/80 11206\n", encoding="utf-8")
    for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "restored afterwards")
        monkeypatch.delenv(name)
    threads.choose(pocket=True)
    assert (os.environ["OMP_NUM_THREADS"], os.environ["OMP_WAIT_POLICY"]) == ("3", "passive")
    os.environ["OMP_NUM_THREADS"] = "7"
    threads.choose(pocket=False)
    assert os.environ["OMP_NUM_THREADS"] == "7"
