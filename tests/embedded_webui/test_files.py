"""Files are whole or not there, and a checkpoint is the same bytes whoever writes it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors
import safetensors.torch
import torch

from embedded_webui.files import whole, write_safetensors

ROOT = Path(__file__).resolve().parents[2]
WRITE_POCKET = """
import sys
from pathlib import Path
from embedded_webui.pocket import ensure_pocket_checkpoints
print(*ensure_pocket_checkpoints(Path(sys.argv[1])), sep="\\n")
"""


@pytest.mark.slow
def test_two_processes_write_the_same_checkpoints(tmp_path):
    hashes = []
    for seed in ("1", "2"):
        command = [sys.executable, "-c", WRITE_POCKET, str(tmp_path / seed)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        files = [Path(line) for line in done.stdout.splitlines()]
        hashes.append([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
    assert hashes[0] == hashes[1]
    assert len(set(hashes[0])) == 2


def test_the_order_in_which_tensors_and_metadata_come_does_not_matter(tmp_path):
    tensors = {"a": torch.arange(3).half(), "b": torch.ones(2, 2), "c": torch.ones(()).short()}
    metadata = {"format": "pt", "say": "this"}
    write_safetensors(tmp_path / "one", tensors, metadata)
    backwards = dict(reversed(tensors.items())), dict(reversed(metadata.items()))
    write_safetensors(tmp_path / "two", *backwards)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_library_reads_what_was_written_and_holes_as_zeros(tmp_path):
    tensors = {
        "half": torch.arange(6).reshape(2, 3).half(),
        "odd": torch.ones(5).half(),
        "turned": torch.arange(6.0).reshape(2, 3).T,
        "short": torch.arange(3).short(),
        "number": torch.tensor(4.5),
    }
    path = tmp_path / "new folder" / "sparse.safetensors"
    write_safetensors(path, tensors, {"format": "pt", "say": "this"}, {"hole": (1024, 2048)})
    read = safetensors.torch.load_file(path)
    assert set(read) == {*tensors, "hole"}
    for key, value in tensors.items():
        assert read[key].dtype == value.dtype
        assert torch.equal(read[key], value)
    assert read["hole"].shape == (1024, 2048)
    assert not read["hole"].any()
    with safetensors.safe_open(path, framework="pt") as file:
        assert file.metadata() == {"format": "pt", "say": "this"}
    assert list(path.parent.iterdir()) == [path]


def fail_halfway(path):
    path.write_text("half of the n", encoding="utf-8")
    raise ValueError("broken")


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ValueError, match="broken"), whole(path) as unfinished:
        fail_halfway(unfinished)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_that_write_one_file_do_not_write_into_each_other(tmp_path, monkeypatch):
    path = tmp_path / "file"
    with whole(path) as first:
        first.write_text("of the first", encoding="utf-8")
        with monkeypatch.context() as other:
            other.setattr(os, "getpid", lambda: -1)
            with whole(path) as second:
                second.write_text("of the second", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "of the second"
    assert path.read_text(encoding="utf-8") == "of the first"
    assert list(tmp_path.iterdir()) == [path]
