"""Builds the corpus, trains the model, measures it and writes the folder that the extension ships.

    python -m pip install --no-deps -r tools/expander/requirements.txt
    python -m tools.expander.train

takes about ten minutes for the corpus and a quarter of an hour for the training on one core (AVX-512). The
corpus is kept in the work folder. See docs/expander.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch

from embedded_webui.argument_types import at_least, folder_to_write
from tools.expander.build import gather_material, write_texts
from tools.expander.export import export
from tools.expander.phrases import own_phrases
from tools.expander.training import (
    WIDTH,
    encode,
    new_model,
    perplexity,
    read_texts,
    train,
    unigram_perplexity,
)
from tools.expander.vocabulary import choose_vocabulary, initial_embeddings

SHIPPED = Path(__file__).parents[2] / "fooocus_ext" / "prompting" / "expansion_model"
PROMPTS, HELD_OUT_PROMPTS = 26_000, 500
SEED, HELD_OUT_SEED = 1, 999
MEASURED_TEXTS = 400
STEPS = 1500


class CorpusError(Exception):
    """The corpus in the work folder is not the one that was asked for; the message says what to do."""


def build_corpus(work: Path, prompts: int | None, workers: int) -> None:
    """Write ``texts.tsv`` and ``held_out.tsv`` into the work folder, unless they are there.

    Args:
        work: the folder.
        prompts: how many prompts the texts continue; None for the usual number.
        workers: processes that write them.

    Raises:
        CorpusError: they are there, and a number of prompts was asked for.
    """
    work.mkdir(parents=True, exist_ok=True)
    texts, held_out = work / "texts.tsv", work / "held_out.tsv"
    if texts.is_file() and held_out.is_file():
        if prompts is not None:
            raise CorpusError(
                f"--prompts: {work} has its texts already; delete {texts}, or name another --work"
            )
        return
    material = gather_material()
    write_texts(material, held_out, prompts=HELD_OUT_PROMPTS, seed=HELD_OUT_SEED, workers=1)
    write_texts(material, texts, prompts=prompts or PROMPTS, seed=SEED, workers=workers)


def make_model(work: Path, folder: Path, steps: int) -> dict[str, float]:
    """Train on the corpus in ``work``, write the model to ``folder`` and return what was measured."""
    held_out = read_texts(work / "held_out.tsv")
    unseen = {text.prompt for text in held_out}
    texts = [text for text in read_texts(work / "texts.tsv") if text.prompt not in unseen]
    written = {phrase for text in texts for phrase in text.phrases}
    phrases = [phrase for phrase in own_phrases() if phrase.text in written]
    held_out = [text for text in held_out if set(text.phrases) <= written]
    words = sorted({word for phrase in phrases for word in phrase.text.split()})
    vocabulary = choose_vocabulary(words, [text.prompt for text in texts])
    outputs = vocabulary.index(words[-1]) + 1
    sequences = encode(texts, vocabulary)
    held_out_sequences = encode(held_out, vocabulary)[:MEASURED_TEXTS]
    torch.manual_seed(SEED)
    model = new_model(initial_embeddings(vocabulary, WIDTH))
    losses = train(model, sequences, outputs=outputs, steps=steps, seed=SEED)
    return {
        "bytes": export(model, vocabulary, words, phrases, folder),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "texts": len(texts),
        "phrases": len(phrases),
        "words": len(words),
        "vocabulary": len(vocabulary),
        "steps": len(losses),
        "unigram_perplexity": unigram_perplexity(sequences, held_out_sequences, outputs),
        "perplexity": perplexity(model, held_out_sequences, outputs),
        "perplexity_wrong_prompt": perplexity(model, held_out_sequences, outputs, shuffle=True),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--work", type=folder_to_write, default="outputs/expander", help="work folder"
    )
    parser.add_argument(
        "--output", type=folder_to_write, default=str(SHIPPED), help="where to write the model"
    )
    number = at_least(1)
    parser.add_argument("--prompts", type=number, help=f"prompts in the corpus (default {PROMPTS})")
    parser.add_argument("--steps", type=number, default=STEPS, help="batches to train on")
    parser.add_argument("--threads", type=number, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    try:
        build_corpus(options.work, options.prompts, options.threads)
    except CorpusError as error:
        parser.error(str(error))
    measured = make_model(options.work, options.output, options.steps)
    (options.work / "measured.json").write_text(json.dumps(measured, indent=2) + "\n", "utf-8")
    print(json.dumps(measured, indent=2))


if __name__ == "__main__":
    main()
