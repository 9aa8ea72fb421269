"""Counts what fights prompts that are easily misread, with the styles that the default preset adds.

    python -m tools.expander.evaluation.awkward --show

continues the prompts of ``awkward.txt`` and counts the pairs of ``lexicon.txt`` that do not go together.
Unlike ``tools.expander.evaluate`` it needs no package beside the extension's own.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch

from fooocus_ext.prompting.expander import Expansion, load_expander
from fooocus_ext.prompting.style_files import load_styles
from tools.expander.evaluation.judge import contradictions
from tools.expander.sources import HERE, read_keyed_lists

PROMPTS = Path(__file__).with_name("awkward.txt")
ROOT = HERE.parents[1]
SEEDS = 5


def default_style_text() -> str:
    """Return the positive texts of the default preset's styles, joined."""
    library = load_styles([ROOT / "styles"])
    preset = json.loads((ROOT / "presets" / "default.json").read_text("utf-8"))
    names = [name for name in preset["default_styles"] if name in library.names]
    return ", ".join(filter(None, (library.get(name).prompt for name in names)))


def written(prompts: Sequence[str], seeds: int, style: str) -> list[Expansion]:
    """Return the expansions of each prompt beside a style's text, with the seeds from 1 on."""
    asked = [(prompt, seed) for prompt in prompts for seed in range(1, seeds + 1)]
    texts, numbers = zip(*asked, strict=True)
    return load_expander().expansions(texts, numbers, style_texts=[style] * len(asked))


def found_against(prompts: Sequence[str], style: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return prompt, words and what fights, for each prompt and seed."""
    expansions = written(prompts, SEEDS, style)
    return [(e.prompt, e.words, contradictions(e.prompt, e.words)) for e in expansions]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Count what fights prompts of awkward.txt.")
    parser.add_argument("--show", action="store_true", help="print what was found")
    show = parser.parse_args().show
    torch.set_num_threads(1)
    style = default_style_text()
    for kind, prompts in read_keyed_lists(PROMPTS).items():
        found = found_against(prompts, style)
        against = [entry for entry in found if entry[2]]
        names = Counter(name for _, _, pairs in against for name in pairs)
        hit = len({prompt for prompt, _, _ in against})
        print(
            f"{kind}: {len(prompts)} prompts, {SEEDS} seeds: {100 * len(against) / len(found):.1f} %"
        )
        print(f"  of {hit} prompts; {dict(names.most_common())}")
        for prompt, words, pairs in against if show else ():
            print(f"  ! {prompt[:60]} | {words} | {', '.join(pairs)}")


if __name__ == "__main__":
    main()
