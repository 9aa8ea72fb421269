from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch

from fooocus_ext.prompting.expander import ExpansionModelError, linear, load_expander
from fooocus_ext.prompting.expander.model import BUILT_IN_FOLDER
from fooocus_ext.prompting.expander.model_files import missing_file
from tests.prompting.expander.model_folders import WORDS, make_fooocus_folder

LARGEST_SHIPPED = 8_000_000


@pytest.fixture
def folder(tmp_path) -> Path:
    return make_fooocus_folder(tmp_path / "fooocus_expansion")


def reference(folder: Path):
    from transformers import GPT2LMHeadModel

    model = GPT2LMHeadModel.from_pretrained(folder).eval()
    return model.float()


@pytest.mark.parametrize("fewest_bytes", [0, linear._FEWEST_BYTES], ids=["halves", "plain"])
@pytest.mark.parametrize("which", ["own", "fooocus"])
def test_scores_equal_those_of_transformers(which, folder, fewest_bytes, monkeypatch):
    monkeypatch.setattr(linear, "_FEWEST_BYTES", fewest_bytes)
    path = BUILT_IN_FOLDER if which == "own" else folder
    model = load_expander(path).model
    full = reference(path)
    rows = [
        model.encode(text) for text in ("a knight in the rain,", "portrait of a sailor,", "fox,")
    ]
    scores, cache = model.network.start(rows, 40)
    outputs = list(model.output_ids)
    for step in range(6):
        for row, line in zip(rows, scores, strict=True):
            with torch.no_grad():
                expected = full(torch.tensor([row])).logits[0, -1, outputs]
            torch.testing.assert_close(line, expected, rtol=1e-4, atol=1e-4)
        if step == 3:
            cache.keep([0, 2])
            rows, scores = [rows[0], rows[2]], scores[[0, 2]]
        best = [outputs[int(i)] for i in scores.argmax(-1)]
        rows = [[*row, token] for row, token in zip(rows, best, strict=True)]
        scores = model.network.go_on(best, cache)


def test_safetensors_and_bin_give_the_same(tmp_path, folder):
    other = make_fooocus_folder(tmp_path / "other", safetensors=True)
    assert load_expander(folder).expansions(["a knight"], [1]) == load_expander(other).expansions(
        ["a knight"], [1]
    )


def test_weights_in_half_precision_and_without_prefix(folder):
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    halved = {name.removeprefix("transformer."): value.half() for name, value in state.items()}
    torch.save(halved, folder / "pytorch_model.bin")
    assert load_expander(folder).expansions(["a knight"], [1])[0].text.startswith("a knight, ")


def test_word_list_keeps_only_whole_tokens(folder):
    assert set(load_expander(folder).model.words) == set(WORDS)


def test_slow_tokenizer_files_alone_are_enough(folder):
    expected = load_expander(folder).expansions(["a knight"], [1])
    (folder / "tokenizer.json").unlink()
    assert load_expander(folder).expansions(["a knight"], [1]) == expected


@pytest.mark.parametrize(
    "name", ["config.json", "pytorch_model.bin", "tokenizer.json", "positive.txt"]
)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    if name == "tokenizer.json":
        (folder / "merges.txt").unlink()
    assert name in str(missing_file(folder))
    with pytest.raises(ExpansionModelError, match=name.replace(".", r"\.")) as caught:
        load_expander(folder)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ExpansionModelError, match="nowhere is not a folder"):
        load_expander(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b"[]"),
        ("config.json", b'{"model_type": "llama"}'),
        ("config.json", b'{"n_embd": 50, "n_head": 7}'),
        ("config.json", b'{"n_embd": "wide"}'),
        ("config.json", b'{"n_layer": 99999999}'),
        ("config.json", b"\xff\xfe\x00"),
        ("pytorch_model.bin", b""),
        ("pytorch_model.bin", b"no weights at all"),
        ("pytorch_model.bin", b"PK\x03\x04 broken archive"),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b"not json"),
        ("positive.txt", b""),
        ("positive.txt", b"\xff\xff"),
        ("positive.txt", b"unheardof\nwords\n"),
    ],
)
def test_a_corrupt_file_is_named(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(ExpansionModelError, match=name.replace(".", r"\.")) as caught:
        load_expander(folder)
    assert "\n" not in str(caught.value)


def test_truncated_weights_are_named(folder):
    path = folder / "pytorch_model.bin"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ExpansionModelError, match=r"pytorch_model\.bin"):
        load_expander(folder)


def test_weights_of_another_size_are_named(folder):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"n_embd": 64}), encoding="utf-8")
    with pytest.raises(ExpansionModelError, match=r"pytorch_model\.bin.*shape"):
        load_expander(folder)


def test_weights_that_are_not_numbers_are_named(folder):
    state = torch.load(folder / "pytorch_model.bin", weights_only=True)
    state["transformer.ln_f.bias"][0] = float("nan")
    torch.save(state, folder / "pytorch_model.bin")
    with pytest.raises(ExpansionModelError, match=r"ln_f\.bias"):
        load_expander(folder)


class Exploit:
    def __reduce__(self):
        return Path.touch, (Path("exploited"),)


def test_code_in_a_pickle_is_not_run(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"a": Exploit()}))
    with pytest.raises(ExpansionModelError, match=r"pytorch_model\.bin"):
        load_expander(folder)
    assert not (tmp_path / "exploited").exists()


@pytest.mark.parametrize("which", ["own", "fooocus", "fooocus without tokenizer.json"])
def test_token_ids_are_those_of_transformers_own_choice(which, folder):
    from transformers import AutoTokenizer

    path = BUILT_IN_FOLDER if which == "own" else folder
    if which == "fooocus without tokenizer.json":
        (folder / "tokenizer.json").unlink()
    theirs = AutoTokenizer.from_pretrained(str(path), local_files_only=True)
    encode = load_expander(path).model.encode
    for text in (
        "a knight in the rain,",
        " Warm  glow!",
        "<|endoftext|>misty\nsky",
        "\u00e9\u4eba",
        "",
    ):
        assert encode(text) == theirs.encode(text, add_special_tokens=False)


@pytest.mark.parametrize("files", ["all", "without tokenizer.json"])
def test_the_folder_does_not_choose_the_class_of_its_tokenizer(
    folder, files, monkeypatch, tmp_path
):
    """TransfoXLTokenizer reads a pickle."""
    monkeypatch.chdir(tmp_path)
    expected = load_expander(folder).model.encode("a knight in the rain")
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "TransfoXLTokenizer"}', encoding="utf-8"
    )
    (folder / "vocab.pkl").write_bytes(pickle.dumps({"a": Exploit()}))
    if files == "without tokenizer.json":
        (folder / "tokenizer.json").unlink()
    assert load_expander(folder).model.encode("a knight in the rain") == expected
    assert not (tmp_path / "exploited").exists()


def test_shipped_folder_is_small_and_holds_no_pickle():
    files = [path for path in BUILT_IN_FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= LARGEST_SHIPPED
    assert {path.suffix for path in files} <= {".safetensors", ".json", ".txt", ".md"}
    assert (BUILT_IN_FOLDER / "MODEL_CARD.md").is_file()


def held_out_rows(model) -> list[tuple[list[int], list[int]]]:
    """Prompt and continuation of texts that the model was not trained on, as token ids."""
    by_word = dict(zip((",", *model.words), model.output_ids, strict=True))
    rows = []
    for line in (Path(__file__).parent / "held_out.tsv").read_text("utf-8").splitlines():
        prompt, _, phrases = line.partition("\t")
        words = phrases.replace(",", " ,").split()
        rows.append((model.encode(f"{prompt},"), [by_word[word] for word in words]))
    return rows


@pytest.mark.slow
def test_perplexity_is_far_below_that_of_word_frequencies():
    """The frequencies are those of the held-out texts themselves, which flatters them."""
    model = load_expander().model
    full, rows = reference(BUILT_IN_FOLDER), held_out_rows(model)
    outputs = torch.tensor(model.output_ids)
    losses = []
    for prompt, words in rows:
        ids = torch.tensor([*prompt, *words])[: model.network.shape.context]
        with torch.no_grad():
            logits = full(ids[None]).logits[0, len(prompt) - 1 : -1]
        scores = torch.log_softmax(logits[:, outputs], -1)
        targets = (ids[len(prompt) :, None] == outputs).float().argmax(-1)
        losses.append(-scores.gather(1, targets[:, None]))
    written = [word for _, words in rows for word in words]
    counts = torch.tensor(written).bincount().float()
    unigram = (-(counts[written] / len(written)).log().mean()).exp()
    perplexity = torch.cat(losses).mean().exp()
    assert perplexity < 10
    assert perplexity < unigram / 10


def test_words_depend_on_the_subject():
    def words(prompt: str) -> set[str]:
        texts = load_expander().expansions([prompt] * 8, range(8))
        return {word for text in texts for word in text.words.replace(",", "").split()}

    sailor, kitchen = words("portrait of an old sailor"), words("a farmhouse kitchen")
    common = sailor & kitchen
    assert len(sailor - common) > 8
    assert len(kitchen - common) > 8
    assert sailor & {"shaping", "sensitive", "honest", "handling"}
    assert kitchen & {"detailing", "tactile", "proportions", "surfaces"}
