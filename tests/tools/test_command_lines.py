"""What is wrong with a command line is said in a line, before anything is computed."""

from __future__ import annotations

import pytest

from benchmarks import soak
from tools.expander import evaluate, sources
from tools.expander import train as expander
from tools.expander.evaluation import concreteness, reading
from tools.gpu import cli as gpu_check
from tools.pocket import train as pocket

BEGINNINGS = {
    gpu_check: "run_part",
    pocket: "train_all",
    expander: "build_corpus",
    evaluate: "evaluate",
    reading: "written",
    soak: "running",
}
"""of each program, what begins to compute"""
NUMBER, FOLDER = "a whole number that is at least 1", "a folder that is there"
WRONG = [
    *((gpu_check, ["--device", "cpu", "--patience", n], "a number above 0")
      for n in ("nan", "inf", "-1", "0", "x")),
    *((pocket, ["--work", "new", flag, "0"], NUMBER)
      for flag in ("--threads", "--vae-steps", "--refiner-steps")),
    (pocket, ["--work", "new", "--seed", "-1"], "a whole number that is at least 0"),
    (pocket, ["--work", "FILE"], "a folder"),
    (pocket, ["--work", "FILE/new"], "FILE cannot be written to"),
    *((expander, ["--work", "new", flag, "0"], NUMBER)
      for flag in ("--threads", "--steps", "--prompts")),
    *((expander, [flag, "FILE"], "a folder") for flag in ("--work", "--output")),
    (expander, ["--output", "FILE/new"], "FILE cannot be written to"),
    *((evaluate, [flag, "/nope"], FOLDER) for flag in ("--model", "--folder")),
    (evaluate, ["--model", "."], "config.json is missing in"),
    (evaluate, ["--before", "nope"], "--before nope: fatal: "),
    (evaluate, ["--show", "-1"], "a whole number that is at least 0"),
    (reading, ["--prompts", "/nope"], "a file that is there"),
    (reading, ["--prompts", "FILE"], "FILE has none"),
    (reading, ["--seeds", "0"], NUMBER),
    (soak, ["--webui", "/nope", "--models", "."], FOLDER),
    (soak, ["--webui", ".", "--models", "."], "a webui's folder, with venv/bin/python"),
]  # fmt: skip


@pytest.mark.parametrize(("program", "words", "said"), WRONG)
def test_what_is_wrong_is_said_in_a_line(monkeypatch, tmp_path, capsys, program, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").touch()
    monkeypatch.setattr(program, BEGINNINGS[program], lambda *_, **__: pytest.fail("computes"))
    with pytest.raises(SystemExit) as stop:
        program.main(words)
    assert stop.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_the_file_is_named_that_lists_a_package_which_is_missing(monkeypatch):
    monkeypatch.setattr(sources.importlib.util, "find_spec", lambda _name: None)
    concreteness.noun_ratings.cache_clear()
    with pytest.raises(FileNotFoundError, match=r"-r tools/expander/evaluation/requirements\.txt$"):
        concreteness.noun_ratings()
    with pytest.raises(FileNotFoundError, match=r"-r tools/expander/requirements\.txt$"):
        sources.embedding_model_folder()
