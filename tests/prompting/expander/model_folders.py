"""Small expansion-model folders for the tests, with the file names of Fooocus's model."""

from __future__ import annotations

import json
from pathlib import Path

import torch

WORDS = [
    "soft",
    "bright",
    "warm",
    "golden",
    "misty",
    "dark",
    "deep",
    "crisp",
    "vivid",
    "quiet",
    "ancient",
    "ornate",
    "gentle",
    "silver",
    "stormy",
    "glowing",
    "detailed",
    "dramatic",
    "epic",
    "light",
    "shadow",
    "color",
    "texture",
    "mood",
    "glow",
    "sky",
    "smoke",
    "dust",
    "rain",
    "stone",
]
TRAINING_TEXT = [
    "a knight in the rain, soft golden light, dramatic mood, misty sky",
    "portrait of a sailor, warm glow, crisp texture, deep shadow",
    *(f"the {word} {other}" for word in WORDS for other in ("light", "mood", "cat")),
]


def make_fooocus_folder(folder: Path, *, safetensors: bool = False, context: int = 160) -> Path:
    """Write a random GPT-2 with a byte-level BPE tokenizer and a ``positive.txt`` into ``folder``."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import GPT2Config, GPT2LMHeadModel

    folder.mkdir(parents=True, exist_ok=True)
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(
        TRAINING_TEXT * 3, vocab_size=900, min_frequency=1, special_tokens=["<|endoftext|>"]
    )
    bpe.save_model(str(folder))
    bpe.save(str(folder / "tokenizer.json"))
    _write(folder / "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer"})
    _write(folder / "special_tokens_map.json", {"eos_token": "<|endoftext|>"})
    config = GPT2Config(
        vocab_size=bpe.get_vocab_size() + 3, n_positions=context, n_embd=48, n_layer=3, n_head=4
    )
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = GPT2LMHeadModel(config)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.15)
    config.save_pretrained(folder)
    (folder / "positive.txt").write_text("\n".join([*WORDS, "notaword", ""]), encoding="utf-8")
    state = {
        name: tensor.clone() for name, tensor in model.state_dict().items() if "lm_head" not in name
    }
    if safetensors:
        from safetensors.torch import save_file

        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    else:
        state["lm_head.weight"] = state["transformer.wte.weight"]
        torch.save(state, folder / "pytorch_model.bin")
    return folder


def _write(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
