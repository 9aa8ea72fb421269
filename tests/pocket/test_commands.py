"""`python -m tools.pocket`: which program each word starts."""

from __future__ import annotations

import sys
import types

import pytest

from tools.pocket.__main__ import main


def test_export_says_what_it_wrote_and_where(monkeypatch, tmp_path, capsys):
    def export(folder):
        path = folder / "model.safetensors"
        path.write_bytes(b"x" * 2_500_000)
        return [path]

    module = types.SimpleNamespace(export=export)
    monkeypatch.setitem(sys.modules, "tools.pocket.export", module)
    assert main(["export", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'model.safetensors'}  2.5 MB\n"


def test_train_hands_its_arguments_on(monkeypatch):
    given = []
    module = types.SimpleNamespace(main=lambda arguments: given.append(arguments) or 0)
    monkeypatch.setitem(sys.modules, "tools.pocket.train", module)
    monkeypatch.setattr("tools.pocket.train", module, raising=False)
    assert main(["train", "--work", "here", "--help"]) == 0
    assert given == [["--work", "here", "--help"]]


@pytest.mark.parametrize("words", [[], ["export"], ["nothing"]])
def test_anything_else_is_explained(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert "usage: tools.pocket" in capsys.readouterr().err


def test_checkpoints_are_not_made_for_a_place_that_is_a_file(monkeypatch, tmp_path, capsys):
    module = types.SimpleNamespace(export=lambda _folder: pytest.fail("they are made"))
    monkeypatch.setitem(sys.modules, "tools.pocket.export", module)
    (tmp_path / "models").touch()
    with pytest.raises(SystemExit) as stop:
        main(["export", "--out", str(tmp_path / "models")])
    assert stop.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith(f"got {tmp_path / 'models'}, which is no folder; allowed: a folder")
