"""Measures whether expansions serve their prompts, beside other ways to write them.

    python -m pip install --no-deps -r tools/expander/requirements.txt
    python -m pip install --no-deps -r tools/expander/evaluation/requirements.txt
    python -m tools.expander.evaluate --before b352780

Each prompt of ``evaluation/prompts.txt`` is continued with five seeds. ``evaluation/judge.py`` reads the
result with lists that the expander does not know (``evaluation/lexicon.txt`` and ``concreteness.py``). With
``--show N``, N expansions are printed to be read by a person, and everything that was found.
"""

from __future__ import annotations

import argparse
import io
import random
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from embedded_webui.argument_types import at_least, folder_to_read
from fooocus_ext.prompting.expander import Expander, ExpansionModelError, load_expander
from fooocus_ext.prompting.expander.decode import Row, write
from fooocus_ext.prompting.expander.text import can_continue, readable_text, words_of
from fooocus_ext.prompting.expander.words import WholePhrases
from tools.expander.embeddings import embed
from tools.expander.evaluation.judge import Judgement, judge, rates
from tools.expander.sources import HERE, read_keyed_lists

PROMPTS = HERE / "evaluation" / "prompts.txt"
SHIPPED = "fooocus_ext/prompting/expansion_model"
SEEDS, BATCH, CHUNK = 5, 16, 75
Write = Callable[[Sequence[str], Sequence[int]], list[str]]
"""Returns the words behind each prompt."""


def read_prompts() -> dict[str, list[str]]:
    """Return the prompts by kind."""
    return read_keyed_lists(PROMPTS)


def by_contract(expander: Expander) -> Write:
    """As the extension writes by default."""
    return lambda prompts, seeds: [e.words for e in expander.expansions(prompts, seeds)]


def filling(expander: Expander) -> Write:
    """With Fooocus's rule."""
    return lambda prompts, seeds: [e.words for e in expander.expansions(prompts, seeds, fill=True)]


def without_rules(expander: Expander) -> Write:
    """As the built-in model wrote before it had rules: any phrase of its book, up to the border."""
    model, book = expander.model, expander.model.book
    if book is None or model.window is None:
        raise ValueError("this model has no phrase book")
    window = model.window

    def words(prompts: Sequence[str], seeds: Sequence[int]) -> list[str]:
        rows = []
        for prompt, seed in zip(prompts, seeds, strict=True):
            text = readable_text(prompt)
            ids = model.encode(f"{text},") if text and can_continue(prompt) else []
            room = CHUNK - len(ids) % CHUNK
            ids = [*ids[: window - 1], ids[-1]] if len(ids) > window else ids
            grammar = WholePhrases(book, set(words_of(text)), room)
            rows.append(Row(model, ids, grammar, room, seed))
        write(model, rows)
        return [", ".join(row.grammar.phrases()) for row in rows]

    return words


def random_phrases(expander: Expander) -> Write:
    """Phrases of the same book by lot, as many as the model writes."""
    book = expander.model.book
    texts = book.texts() if book else list(expander.model.words)

    def words(prompts: Sequence[str], seeds: Sequence[int]) -> list[str]:
        found = []
        for expansion, seed in zip(expander.expansions(prompts, seeds), seeds, strict=True):
            draw = random.Random(f"{expansion.prompt} {seed}")
            count = len(expansion.words.split(", ")) if expansion.words else 0
            found.append(", ".join(draw.sample(texts, count)))
        return found

    return words


def evaluate(
    write_words: Write, prompts: Sequence[str]
) -> tuple[dict[str, float], list[Judgement], list[str]]:
    """Return the rates of a way to write, and its expansions with what was found in each.

    The lists have ``len(prompts) * SEEDS`` entries, the seeds of a prompt one after the other.
    """
    asked = [(prompt, seed) for prompt in prompts for seed in range(1, SEEDS + 1)]
    words: list[str] = []
    for start in range(0, len(asked), BATCH):
        words += write_words(*zip(*asked[start : start + BATCH], strict=True))
    judgements = [judge(prompt, text) for (prompt, _), text in zip(asked, words, strict=True)]
    written = [(prompt, text) for (prompt, _), text in zip(asked, words, strict=True) if text]
    left, right = embed([p for p, _ in written]), embed([t for _, t in written])
    found = rates(judgements)
    found["similarity to the prompt"] = float((left * right).sum(1).mean())
    return found, judgements, words


@contextmanager
def shipped_at(commit: str) -> Iterator[Path]:
    """Give the folder of the built-in model as a commit of this repository had it.

    Raises CalledProcessError, with what git says in ``stderr``, where there is no such commit.
    """
    packed = subprocess.run(
        ["git", "archive", commit, SHIPPED], capture_output=True, check=True, cwd=HERE.parents[1]
    ).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder) / SHIPPED


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", metavar="COMMIT", help="also the built-in model of that commit")
    parser.add_argument("--folder", type=folder_to_read, help="also a folder with Fooocus's files")
    parser.add_argument(
        "--model", type=folder_to_read, help="another folder instead of the shipped model"
    )
    parser.add_argument(
        "--show", type=at_least(0), default=0, metavar="N", help="print N expansions"
    )
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        ways = _ways(options)
    except ExpansionModelError as error:
        parser.error(str(error))
    except subprocess.CalledProcessError as error:
        parser.error(
            f"--before {options.before}: {error.stderr.decode('utf-8', 'replace').strip()}"
        )
    prompts = [prompt for kind in read_prompts().values() for prompt in kind]
    results = {name: evaluate(way, prompts) for name, way in ways.items()}
    _print_table({name: found for name, (found, _, _) in results.items()}, len(prompts))
    if options.show:
        _show(prompts, results["ours"][1], results["ours"][2], options.show)


def _ways(options: argparse.Namespace) -> dict[str, Write]:
    """Return the ways to write that are asked for, by the name of their column, their models loaded."""
    ours = load_expander(options.model)
    ways: dict[str, Write] = {"ours": by_contract(ours)}
    if not options.show:
        ways |= {
            "ours, filling": filling(ours),
            "ours, no rules": without_rules(ours),
            "random phrases": random_phrases(ours),
        }
    if options.folder:
        theirs = load_expander(options.folder)
        ways |= {"folder": by_contract(theirs), "folder, filling": filling(theirs)}
    if options.before:
        with shipped_at(options.before) as folder:
            ways["before"] = without_rules(load_expander(folder))
    return ways


def _print_table(results: dict[str, dict[str, float]], prompts: int) -> None:
    print(f"{prompts} prompts, {SEEDS} seeds\n")
    print(f"| | {' | '.join(results)} |\n|---|{'---|' * len(results)}")
    for measure in next(iter(results.values())):
        values = " | ".join(f"{found[measure]:.2f}" for found in results.values())
        print(f"| {measure} | {values} |")


def _show(
    prompts: Sequence[str], judgements: Sequence[Judgement], words: Sequence[str], count: int
) -> None:
    asked = [prompt for prompt in prompts for _ in range(SEEDS)]
    for index in range(0, len(asked), max(1, len(asked) // count)):
        print(f"{asked[index][:90]} | {words[index]}")
    for prompt, text, found in zip(asked, words, judgements, strict=True):
        if found.mediums_mixed or found.brought or found.against or found.nouns:
            print(f"! {prompt[:60]} | {text} | {found}")


if __name__ == "__main__":
    main()
