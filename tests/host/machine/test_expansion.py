"""Which model expands prompts, with folders that lack a file or hold a broken one."""

from __future__ import annotations

import json
import logging
import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import fooocus_ext.host.machine
from fooocus_ext.prompting.expander.model import BUILT_IN_FOLDER
from tests.prompting.expander.model_folders import make_fooocus_folder

CPU = torch.device("cpu")
BUILT_IN = BUILT_IN_FOLDER.name


class Exploit:
    """What a pickle of foreign code looks like."""

    def __reduce__(self):
        return Path.touch, (Path("exploited"),)


@pytest.fixture
def folder(tmp_path) -> Path:
    return make_fooocus_folder(tmp_path / "models" / "prompt_expansion" / "fooocus_expansion")


@pytest.fixture
def expansion(load_host_module, monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(
        fooocus_ext.host.machine,
        "options",
        SimpleNamespace(expansion_target=lambda: 75, expansion_fills=lambda: False),
        raising=False,
    )
    embeddings = SimpleNamespace(embedding_db=SimpleNamespace(word_embeddings={}))
    caplog.set_level(logging.WARNING, "fooocus")
    return load_host_module(
        "machine/expansion",
        devices=SimpleNamespace(device=CPU, cpu=CPU, dtype=torch.float32),
        paths=SimpleNamespace(models_path=str(tmp_path / "models")),
        sd_hijack=SimpleNamespace(model_hijack=embeddings),
        shared=SimpleNamespace(cmd_opts=SimpleNamespace(fooocus_expansion_dir=None)),
    )


def name_of_model(expansion) -> str:
    """Which model answers; it is asked twice, as two requests do."""
    texts = [expansion.expand(["a knight"], [1]) for _ in range(2)]
    assert texts[0] == texts[1]
    assert texts[0][0].startswith("a knight, ")
    return expansion._expander().model.name


def test_without_a_folder_ours_is_used_without_a_word(expansion, caplog):
    assert name_of_model(expansion) == BUILT_IN
    assert caplog.messages == []


def test_a_complete_folder_is_used(expansion, folder, caplog):
    assert name_of_model(expansion) == folder.name
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("removed", "named"),
    [
        (["config.json"], "config.json"),
        (["pytorch_model.bin"], "pytorch_model.bin or model.safetensors"),
        (["tokenizer.json", "vocab.json"], "tokenizer.json"),
        (["tokenizer.json", "merges.txt"], "tokenizer.json"),
        (["positive.txt"], "positive.txt"),
    ],
)
def test_a_missing_file_is_named_once_and_ours_is_used(expansion, folder, caplog, removed, named):
    for name in removed:
        (folder / name).unlink()
    assert name_of_model(expansion) == BUILT_IN
    assert caplog.messages == [
        f"{named} is missing in {folder}; the built-in expansion model is used instead"
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{"),
        ("tokenizer.json", b"not json"),
        ("positive.txt", b""),
        ("pytorch_model.bin", b"no weights at all"),
        ("pytorch_model.bin", pickle.dumps({"a": Exploit()})),
        ("model.safetensors", b"\xff" * 100),
    ],
    ids=["config", "tokenizer", "words", "weights", "code-in-weights", "safetensors"],
)
def test_a_corrupt_file_is_named_once_and_ours_is_used(
    expansion, folder, caplog, name, content, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    (folder / name).write_bytes(content)
    assert name_of_model(expansion) == BUILT_IN
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"{folder / name} cannot be used: ")
    assert caplog.messages[0].endswith("; the built-in expansion model is used instead")
    assert "\n" not in caplog.messages[0]
    assert not (tmp_path / "exploited").exists()


def test_a_changed_folder_is_looked_at_again(expansion, folder, caplog):
    config = (folder / "config.json").read_bytes()
    (folder / "config.json").write_bytes(b"{")
    assert name_of_model(expansion) == BUILT_IN
    (folder / "config.json").unlink()
    assert name_of_model(expansion) == BUILT_IN
    assert len(caplog.messages) == 2
    (folder / "config.json").write_bytes(config)
    assert name_of_model(expansion) == folder.name
    (folder / "config.json").write_text(json.dumps({"n_embd": 1}))
    assert name_of_model(expansion) == BUILT_IN
    assert len(caplog.messages) == 3


def test_a_folder_given_by_name_is_named_too(expansion, folder, caplog, tmp_path):
    expansion.shared.cmd_opts.fooocus_expansion_dir = str(tmp_path / "nowhere")
    assert name_of_model(expansion) == BUILT_IN
    assert len(caplog.messages) == 1
    assert f"{tmp_path / 'nowhere'} is not a folder" in caplog.messages[0]


def test_the_active_model_counts_the_tokens(expansion):
    """The prompt of 22 tokens was once estimated at 13."""
    prompt = "Yoshitaka Amano, zdzislaw beksinski, gmork, hieronymus"
    hijack = expansion.sd_hijack.model_hijack
    assert expansion._token_counter() is None
    hijack.clip, hijack.get_prompt_lengths = object(), lambda text: (74, 75)
    assert expansion.expand([prompt], [1]) == [prompt]
    hijack.get_prompt_lengths = lambda text: (22, 75)
    assert expansion.expand([prompt], [1])[0].startswith(f"{prompt}, ")
