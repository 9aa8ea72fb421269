"""Which model expands prompts, with folders that lack a file or hold a broken one."""

from __future__ import annotations

import json
import logging
import pickle
import shutil
import time
import tracemalloc
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
    monkeypatch.setattr(
        fooocus_ext.host.machine,
        "text_encoder",
        SimpleNamespace(token_counter=lambda: None, embedding_names=lambda: ()),
        raising=False,
    )
    caplog.set_level(logging.WARNING, "fooocus")
    return load_host_module(
        "machine/expansion",
        devices=SimpleNamespace(device=CPU, cpu=CPU, dtype=torch.float32),
        paths=SimpleNamespace(models_path=str(tmp_path / "models")),
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
    (folder / "config.json").write_text(json.dumps({"n_embd": 1}), encoding="utf-8")
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
    expansion.text_encoder.token_counter = lambda: lambda text: 74
    assert expansion.expand([prompt], [1]) == [prompt]
    expansion.text_encoder.token_counter = lambda: lambda text: 22
    assert expansion.expand([prompt], [1])[0].startswith(f"{prompt}, ")


def config_with(folder, **changes) -> str:
    return json.dumps(
        {**json.loads((folder / "config.json").read_text(encoding="utf-8")), **changes}
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"n_layer": 1_000_000},
        {"n_layer": 10**18},
        {"n_layer": 40},
        {"n_embd": 10**9, "n_head": 1},
        {"n_embd": 8_192, "n_head": 1},
        {"n_head": 7},
        {"n_head": 0},
        {"vocab_size": 10**7},
        {"vocab_size": -1},
        {"n_positions": 10**6},
        {"n_positions": 1},
        {"n_inner": 10**6},
        {"n_embd": "48"},
        {"n_layer": True},
        {"n_layer": 2.5},
        {"layer_norm_epsilon": -1.0},
        {"layer_norm_epsilon": 0},
        {"layer_norm_epsilon": "1e-5"},
        {"layer_norm_epsilon": 10**40},
        {"model_type": ["gpt2", "x"]},
        {"activation_function": {"a": 1}},
    ],
    ids=str,
)
def test_a_config_that_no_model_has_is_refused_before_anything_is_built(
    expansion, folder, caplog, changes
):
    (folder / "config.json").write_text(config_with(folder, **changes), encoding="utf-8")
    tracemalloc.start()
    start = time.process_time()
    assert not expansion._usable(folder, ())
    seconds, (_, most) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (seconds < 1, most < 10_000_000) == (True, True)
    assert name_of_model(expansion) == BUILT_IN
    assert "config.json" in caplog.messages[0]


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
@pytest.mark.parametrize(
    "content",
    [
        '{"a":' * 100_000,
        "[" * 900 + "]" * 900,
        '{"layer_norm_epsilon": 1e400}',
        '{"n_layer": NaN}',
        '{"n_layer": ' + "9" * 5_000 + "}",
        '{"n_layer": "\\ud800"}',
        "",
        "null",
    ],
    ids=["deep", "less deep", "1e400", "nan", "digits", "half character", "empty", "null"],
)
def test_json_that_nobody_writes_leads_to_the_built_in_model(
    expansion, folder, caplog, name, content
):
    (folder / name).write_text(content, encoding="utf-8")
    assert name_of_model(expansion) == BUILT_IN
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"{folder / name} cannot be used: ")


FILES = ["config.json", "pytorch_model.bin", "positive.txt"]


@pytest.mark.parametrize("name", [*FILES, "tokenizer_config.json"])
def test_a_folder_in_place_of_a_file(expansion, folder, name):
    (folder / name).unlink()
    (folder / name).mkdir()
    assert name_of_model(expansion) == (BUILT_IN if name in FILES else folder.name)


@pytest.mark.parametrize("name", FILES)
def test_a_link_that_leads_nowhere(expansion, folder, caplog, name):
    (folder / name).unlink()
    (folder / name).symlink_to(folder / "nowhere")
    assert name_of_model(expansion) == BUILT_IN
    assert len(caplog.messages) == 1
    assert name in caplog.messages[0]


def test_a_link_in_place_of_the_folder(expansion, folder, caplog):
    shutil.rmtree(folder)
    folder.symlink_to(folder.parent / "nowhere")
    assert name_of_model(expansion) == BUILT_IN


def test_a_folder_named_by_a_file(expansion, folder, caplog):
    expansion.shared.cmd_opts.fooocus_expansion_dir = str(folder / "config.json")
    assert name_of_model(expansion) == BUILT_IN
    assert "is not a folder" in caplog.messages[0]


def test_a_token_beyond_the_vocabulary(expansion, folder, caplog):
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    content["model"]["vocab"]["strange"] = 10**8
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    assert name_of_model(expansion) == BUILT_IN
    assert "100000000" in caplog.messages[0]


def test_weights_that_overflow(expansion, folder, caplog):
    weights = torch.load(folder / "pytorch_model.bin", weights_only=True)
    torch.save(
        {key: tensor * 1e37 for key, tensor in weights.items()}, folder / "pytorch_model.bin"
    )
    assert name_of_model(expansion) in (BUILT_IN, folder.name)


@pytest.mark.parametrize("context", [32, 40])
def test_a_short_context(expansion, folder, context):
    shutil.rmtree(folder)
    make_fooocus_folder(folder, context=context)
    assert name_of_model(expansion) == folder.name
