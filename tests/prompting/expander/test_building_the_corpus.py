"""The corpus that the expander is trained on is whole or not there, and is the one that was asked for."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from tools.expander import build, train
from tools.expander.corpus import Text


@pytest.fixture
def written(monkeypatch):
    """What would be sampled: the names of the files, and of how many prompts."""
    written = []

    def write(_material, path, *, prompts, **_rest):
        path.touch()
        written.append((path.name, prompts))

    monkeypatch.setattr(train, "gather_material", lambda: None)
    monkeypatch.setattr(train, "write_texts", write)
    return written


def test_a_corpus_is_written_once(written, tmp_path):
    for _ in range(2):
        train.build_corpus(tmp_path, None, 1)
    assert written == [("held_out.tsv", train.HELD_OUT_PROMPTS), ("texts.tsv", train.PROMPTS)]


def test_a_number_of_prompts_is_not_ignored_beside_a_corpus(written, tmp_path, capsys):
    train.build_corpus(tmp_path, 7, 1)
    assert ("texts.tsv", 7) in written
    with pytest.raises(SystemExit):
        train.main(["--work", str(tmp_path), "--prompts", "9"])
    assert f"--prompts: {tmp_path} has its texts already" in capsys.readouterr().err
    assert len(written) == 2


def test_texts_that_cannot_all_be_written_leave_no_file(monkeypatch, tmp_path):
    """A half-written one would be taken for the corpus."""
    shares = [[Text("a fox", ("in snow", "at dawn")), Text("a boat", (None,))]]
    pool = SimpleNamespace(map=lambda *_: shares)
    maker = SimpleNamespace(make=lambda: SimpleNamespace(text="a fox"))
    monkeypatch.setattr(build, "PromptMaker", lambda *_: maker)
    monkeypatch.setattr(build, "embed", lambda texts: np.zeros((len(texts), 384)))
    monkeypatch.setattr(build.multiprocessing, "get_context", lambda _name: FakePools(pool))
    material = SimpleNamespace(subjects=(), words=())
    path = tmp_path / "texts.tsv"
    with pytest.raises(TypeError):
        build.write_texts(material, path, prompts=2, seed=1, workers=1)
    assert list(tmp_path.iterdir()) == []
    del shares[0][1]
    build.write_texts(material, path, prompts=2, seed=1, workers=1)
    assert path.read_text(encoding="utf-8") == "a fox\tin snow, at dawn\n"


class FakePools:
    """Stands for multiprocessing: a pool of no processes."""

    def __init__(self, pool):
        self.pool = pool

    def Pool(self, _workers):  # noqa: N802 -- its name there
        return self

    def __enter__(self):
        return self.pool

    def __exit__(self, *_error):
        return None
