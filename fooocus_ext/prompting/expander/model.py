"""Reading the folder of an expansion model: our own, or Fooocus's if the user has it.

A folder holds ``config.json``, the weights (``model.safetensors`` or ``pytorch_model.bin``), the files of
its tokenizer, and the words it may write: ``words.txt`` and ``phrases.txt`` (ours, beside a ``facets.txt``
that sorts them) or ``positive.txt`` (Fooocus's). Every problem is one ``ExpansionModelError`` that names
the file.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from fooocus_ext.errors import describe
from fooocus_ext.prompting.expander.model_files import (
    FOOOCUS_WORDS,
    OWN_FACETS,
    OWN_PHRASES,
    OWN_WORDS,
    TOKENIZER_FILES,
    WEIGHT_FILES,
    broken,
    json_of,
    lines_of,
    require_files,
)
from fooocus_ext.prompting.expander.network import Network, NetworkShape
from fooocus_ext.prompting.expander.words import PhraseBook

logger = logging.getLogger("fooocus")

BUILT_IN_FOLDER = Path(__file__).parents[1] / "expansion_model"
_OWN_UNKNOWN, _OWN_END = "[UNK]", "<|endoftext|>"
_GPT2_SPACE = "Ġ"  # how byte-level BPE writes the space in front of a word
_FOOOCUS_TOP_K = 100
_OWN_TOP_K, _OWN_TEMPERATURE, _OWN_WINDOW = 40, 0.7, 48


@dataclass(frozen=True)
class ExpansionModel:
    """A loaded model and all that is needed to write with it.

    Attributes:
        network: the language model, its head cut down to the comma and the allowed words.
        encode: turns text into token ids.
        output_ids: token id of each output; the first is the comma.
        words: the allowed words, those of the outputs behind the comma.
        book: the phrases that it was taught; None for a model that puts words together freely.
        top_k: among how many words it chooses.
        temperature: by which scores are divided.
        window: how many tokens of the prompt it reads at most; None for as many as the context holds.
        unknown_id: the token of words that it does not know; None where letters make up all words.
        name: for messages.
    """

    network: Network
    encode: Callable[[str], list[int]]
    output_ids: tuple[int, ...]
    words: tuple[str, ...]
    book: PhraseBook | None
    top_k: int
    temperature: float
    window: int | None
    name: str
    unknown_id: int | None = None


def load_model(folder: Path, *, device: torch.device, dtype: torch.dtype) -> ExpansionModel:
    """Load an expansion model.

    Args:
        folder: with the files named at the top of this module.
        device: where to compute.
        dtype: in what precision.

    Raises:
        ExpansionModelError: a file is missing or cannot be used.
    """
    try:
        return _load_model(folder, device, dtype)
    except (
        OSError,
        ArithmeticError,
        LookupError,
        RecursionError,
        RuntimeError,
        MemoryError,
    ) as error:
        raise broken(folder, error) from error


def _load_model(folder: Path, device: torch.device, dtype: torch.dtype) -> ExpansionModel:
    require_files(folder)
    shape = _read_shape(folder)
    tensors = _read_weights(folder, shape)
    tokenizer = _load_tokenizer(folder, shape)
    book = _read_book(folder) if (folder / OWN_WORDS).is_file() else None
    if book is not None:
        ids = _ids_of(book.words, tokenizer, folder / OWN_WORDS, prefix="")
        words = book.words
    else:
        listed = lines_of(folder / FOOOCUS_WORDS)
        ids = _ids_of(listed, tokenizer, folder / FOOOCUS_WORDS, prefix=_GPT2_SPACE)
        words = tuple(ids)
    output_ids = (_comma_of(tokenizer, folder), *(ids[word] for word in words))
    head = tensors.get("lm_head.weight", tensors["wte.weight"])[list(output_ids)]
    return ExpansionModel(
        network=Network(shape, tensors, head, device=device, dtype=dtype),
        encode=tokenizer.encode,
        output_ids=output_ids,
        words=words,
        book=book,
        top_k=_OWN_TOP_K if book else _FOOOCUS_TOP_K,
        temperature=_OWN_TEMPERATURE if book else 1.0,
        window=_OWN_WINDOW if book else None,
        name=folder.name,
        unknown_id=tokenizer.vocabulary.get(_OWN_UNKNOWN) if book else None,
    )


def _read_shape(folder: Path) -> NetworkShape:
    path = folder / "config.json"
    config = json_of(path)
    for key, allowed in (("model_type", "gpt2"), ("activation_function", "gelu_new")):
        if config.get(key, allowed) != allowed:
            raise broken(path, f'{key} is {describe(config[key])}, allowed is "{allowed}"')
    for unusual in ("scale_attn_by_inverse_layer_idx", "add_cross_attention"):
        if config.get(unusual):
            raise broken(path, f"{unusual} is not supported")
    try:
        return NetworkShape.from_config(config)
    except ValueError as error:
        raise broken(path, error) from error


def _read_weights(folder: Path, shape: NetworkShape) -> dict[str, torch.Tensor]:
    path = next(folder / name for name in WEIGHT_FILES if (folder / name).is_file())
    taken = path.stat().st_size
    if not shape.fewest_bytes <= taken <= shape.most_bytes:
        raise broken(path, f"{taken} bytes cannot hold the network that config.json describes")
    loaded = _load_safetensors(path) if path.suffix == ".safetensors" else _load_bin(path)
    tensors = {name.removeprefix("transformer."): tensor for name, tensor in loaded.items()}
    wanted = shape.tensors()
    if "lm_head.weight" in tensors:
        wanted["lm_head.weight"] = wanted["wte.weight"]
    for name, size in wanted.items():
        if name not in tensors:
            raise broken(path, f"it has no tensor {name}")
        if tuple(tensors[name].shape) != size:
            found = tuple(tensors[name].shape)
            raise broken(path, f"{name} has shape {found}, config.json asks for {size}")
        if not torch.isfinite(tensors[name]).all():
            raise broken(path, f"{name} contains numbers that are not finite")
    return {name: tensors[name].float() for name in wanted}


def _load_safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError  # noqa: PLC0415 - nothing heavy before an expansion is asked for
    from safetensors.torch import load_file  # noqa: PLC0415

    try:
        return dict(load_file(str(path)))
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise broken(path, error) from error


def _load_bin(path: Path) -> dict[str, torch.Tensor]:
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise broken(path, error) from error
    # The webui wraps torch.load: what it refuses comes back as None.
    if not isinstance(loaded, dict):
        raise broken(path, "it is not a table of tensors")
    return {
        str(name): tensor for name, tensor in loaded.items() if isinstance(tensor, torch.Tensor)
    }


@dataclass(frozen=True)
class _Tokenizer:
    """What is needed of a tokenizer, of tokenizers or of transformers."""

    encode: Callable[[str], list[int]]
    vocabulary: dict[str, int]


def _load_tokenizer(folder: Path, shape: NetworkShape) -> _Tokenizer:
    present = next(files for files in TOKENIZER_FILES if all((folder / f).is_file() for f in files))
    path = folder / present[0]
    for name in (
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "vocab.json",
    ):
        if (folder / name).is_file():
            json_of(folder / name)
    load = _own_tokenizer if (folder / OWN_WORDS).is_file() else _tokenizer_of_gpt2
    try:
        tokenizer = load(folder)
    except Exception as error:  # the Rust tokenizers raise bare Exception for a bad file
        raise broken(path, error) from error
    last = max(tokenizer.vocabulary.values(), default=0)
    if last >= shape.vocabulary:
        reason = f"token {last}, but vocab_size in config.json is {shape.vocabulary}"
        raise broken(path, reason)
    return tokenizer


def _own_tokenizer(folder: Path) -> _Tokenizer:
    from tokenizers import Tokenizer  # noqa: PLC0415 - not wanted at webui start

    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILES[0][0]))
    tokenizer.add_special_tokens([_OWN_UNKNOWN, _OWN_END])
    return _Tokenizer(
        lambda text: list(tokenizer.encode(text, add_special_tokens=False).ids),
        tokenizer.get_vocab(),
    )


def _tokenizer_of_gpt2(folder: Path) -> _Tokenizer:
    from transformers import GPT2TokenizerFast  # noqa: PLC0415 - slow to import

    # Not AutoTokenizer: the folder itself would choose the class, and some of them read pickles.
    tokenizer = GPT2TokenizerFast.from_pretrained(str(folder), local_files_only=True)
    tokenizer.model_max_length = 10**9  # long prompts are cut here, without the library's warning
    return _Tokenizer(
        lambda text: list(tokenizer.encode(text, add_special_tokens=False)), tokenizer.get_vocab()
    )


def _ids_of(
    words: tuple[str, ...], tokenizer: _Tokenizer, path: Path, *, prefix: str
) -> dict[str, int]:
    vocabulary = tokenizer.vocabulary
    found = {word: vocabulary[prefix + word] for word in words if prefix + word in vocabulary}
    found.pop(",", None)
    if not found:
        raise broken(path, "none of its words is a token of the model")
    if not prefix and len(found) < len(words):
        strange = next(word for word in words if word not in found)
        raise broken(path, f'"{strange}" is no token of the model')
    if len(found) < len(words):
        logger.info("%s: %d of %d words are tokens", path.name, len(found), len(words))
    return found


def _comma_of(tokenizer: _Tokenizer, folder: Path) -> int:
    comma = tokenizer.vocabulary.get(",")
    if comma is None:
        raise broken(folder / "tokenizer.json", "it has no token for the comma")
    return comma


def _read_book(folder: Path) -> PhraseBook:
    costs: dict[str, int] = {}
    for line in lines_of(folder / OWN_WORDS):
        word, _, cost = line.partition(" ")
        costs[word] = int(cost) if cost.isdigit() else 1
    index = {word: place + 1 for place, word in enumerate(costs)}
    phrases = []
    for line in lines_of(folder / OWN_PHRASES):
        words = line.split()
        strange = [word for word in words if word not in index]
        if strange:
            raise broken(folder / OWN_PHRASES, f'"{strange[0]}" is not in {OWN_WORDS}')
        phrases.append(tuple(index[word] for word in words))
    if not phrases:
        raise broken(folder / OWN_PHRASES, "it is empty")
    facets = _read_facets(folder, lines_of(folder / OWN_PHRASES))
    return PhraseBook(tuple(costs), tuple(costs.values()), tuple(phrases), facets)


def _read_facets(folder: Path, phrases: tuple[str, ...]) -> tuple[str, ...]:
    """Return what each phrase speaks of, by the lines ``facet: phrase; phrase``; nothing without them."""
    path = folder / OWN_FACETS
    if not path.is_file():
        return ()
    found: dict[str, str] = {}
    for line in lines_of(path):
        facet, _, items = line.partition(":")
        found.update({item.strip(): facet.strip() for item in items.split(";")})
    missing = next((phrase for phrase in phrases if phrase not in found), None)
    if missing:
        raise broken(path, f'it does not name "{missing}"')
    return tuple(found[phrase] for phrase in phrases)
