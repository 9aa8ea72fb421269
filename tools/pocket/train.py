"""Train Pocket SDXL from nothing: `python dev.py pocket --train DIR`.

Everything is drawn from one seed. Each stage leaves its files in the work folder, is skipped when it has
taken its steps, and goes on where it last saved when it has not. About five hours on two cores.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from embedded_webui.argument_types import at_least, folder_to_write
from embedded_webui.files import whole
from tools.pocket import autoencoder, denoiser
from tools.pocket.optimizing import ResumeError
from tools.pocket.recipe import STEPS
from tools.pocket.store import store
from tools.pocket.vocabulary import token_rows

logger = logging.getLogger("pocket")
DETAIL_RANGE = 4.0
"""least ratio of detail between pictures of original size 128 and 16 that the autoencoder must let through"""


def train_autoencoder(work: Path, seed: int, steps: int) -> None:
    """Train it, and stop everything if it hides what the size conditioning does."""
    path = autoencoder.train(work, seed, steps)
    model = autoencoder.load(path)
    logger.info("held-out pictures come back at %.1f dB", autoencoder.fidelity(model))
    table = autoencoder.detail_table(model)
    for size, true, decoded in table:
        logger.info(
            "original size %4d: detail %.5f, after the autoencoder %.5f", size, true, decoded
        )
    spanned = table[-1][2] / table[0][2]
    if spanned < DETAIL_RANGE:
        raise SystemExit(
            f"the autoencoder spans {spanned:.1f}x of detail, {DETAIL_RANGE}x are needed"
        )


def train_all(work: Path, seed: int, steps: dict[str, int]) -> None:
    """The autoencoder, the base with the text encoders, the refiner."""
    rows = work / "rows.npy"
    if not rows.is_file():
        with whole(rows) as unfinished:
            np.save(unfinished, token_rows())
    train_autoencoder(work, seed, steps["vae"])
    base = denoiser.train(work, denoiser.BASE, seed, steps["base"])
    start = torch.load(base, weights_only=True)
    denoiser.train(work, denoiser.REFINER, seed, steps["refiner"], start)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--work", type=folder_to_write, required=True, help="folder for everything that is kept"
    )
    parser.add_argument("--seed", type=at_least(0), default=1)
    parser.add_argument("--threads", type=at_least(1), default=os.cpu_count())
    for part, number in STEPS.items():
        parser.add_argument(
            f"--{part}-steps", type=at_least(1), default=number, help=f"default {number}"
        )
    parser.add_argument("--store", action="store_true", help="put the weights into the repository")
    options = parser.parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    steps = {part: getattr(options, f"{part}_steps") for part in STEPS}
    try:
        train_all(options.work, options.seed, steps)
    except ResumeError as error:
        parser.error(str(error))
    if options.store:
        for path in store(options.work):
            logger.info("%s: %.1f MB", path, path.stat().st_size / 1e6)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
