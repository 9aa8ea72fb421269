"""Writes what has to be read by a person: expansions, beside the styles that the default preset adds.

    python -m tools.expander.evaluation.reading --prompts FILE --seeds 2

The prompts of ``read.txt`` were read like this; a list of your own tells more, as no rule was made for it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from embedded_webui.argument_types import at_least, file_to_read
from tools.expander.evaluation.awkward import default_style_text, written

PROMPTS = Path(__file__).with_name("read.txt")


def prompts_of(path: Path) -> list[str]:
    """Return the prompts of a file, one a line; ``#`` begins a comment."""
    lines = map(str.strip, path.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Write expansions to be read by a person.")
    parser.add_argument(
        "--prompts", type=file_to_read, default=PROMPTS, metavar="FILE", help="one prompt a line"
    )
    parser.add_argument("--seeds", type=at_least(1), default=2, metavar="N", help="of each prompt")
    options = parser.parse_args(arguments)
    prompts = prompts_of(options.prompts)
    if not prompts:
        parser.error(f"--prompts: {options.prompts} has none")
    torch.set_num_threads(1)
    for number, expansion in enumerate(written(prompts, options.seeds, default_style_text())):
        seed = number % options.seeds + 1
        if seed == 1:
            print(f"\n{expansion.prompt}")
        print(f"  {seed}: {expansion.words}")


if __name__ == "__main__":
    main()
