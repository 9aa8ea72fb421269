"""The wind tunnel: what each trick does to pictures whose true distribution is known.

`python dev.py tunnel` samples the embedded host's default checkpoints, a base and a refiner that were
trained on pictures painted from a grammar of captions, through the whole extension, with equal captions,
seeds and steps for all settings. It prints how far each setting's pictures are from true ones, how they
differ from those without the trick, and what follows from the intervals.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.__main__ import environment
from benchmarks._tunnel import evaluation, report, sheet
from benchmarks._tunnel.arrays import Pixels
from benchmarks._tunnel.cases import COPIES, Case, draw_cases
from benchmarks._tunnel.features import DESCRIPTION
from benchmarks._tunnel.measures import RESAMPLES
from benchmarks._tunnel.sampling import SAMPLER, SCHEDULER, STEPS, sample, through_autoencoder
from benchmarks._tunnel.settings import GROUPS, Setting, chosen
from embedded_webui.destinations import file_to_write

TRUE, DECODED = "true pictures", "true pictures, through the autoencoder"
LEAST_SAMPLES = 8
HOW = """\
## Wind tunnel

{samples} pictures for each setting, seed {seed}, 128x128, {steps} steps of {sampler}; {machine}.

- Brackets: 95 % intervals, of the bootstrap over captions ({resamples} draws); of shares Wilson's, of their
  differences Newcombe's for pairs.
- Frechet distance: in percent of the true pictures' variance, to {copies} true pictures of each caption,
  corrected for the bias of few pictures;
  features: {features}; {dimensions} principal components, {explained:.0%} of the variance
  (from 32 pictures on always 8, so that runs can be compared).
- Detail: geometric mean of the spectral energy in octaves of the period, over the true pictures' energy;
  below 1 is too smooth, above 1 too harsh.
- Right: percent of the {readable} captions of shapes whose picture a program reads as captioned; the row
  of true pictures shows how well it reads."""
AGAINST = """\
### Against the same pictures without the trick

Distance and following: difference; detail: ratio. + helps, - hurts, no mark: no visible effect.
Pixels changed: root mean square, of 255."""
SAYS = "### What the numbers say"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    options = _parser().parse_args(arguments)
    for path in filter(None, (options.json, options.sheet)):
        path.parent.mkdir(parents=True, exist_ok=True)
    settings = chosen(options.only)
    cases = draw_cases(options.seed, options.samples)
    truth = evaluation.Truth(cases, options.seed)
    pictures = _pictures(settings, cases, truth)
    rows = _rows(settings, pictures, truth)
    print(_text(rows, truth, options))
    if options.json:
        options.json.write_text(
            json.dumps(_numbers(rows, truth, options), indent=2) + "\n", "utf-8"
        )
    if options.sheet:
        sheet.contact_sheet(pictures, [case.caption for case in cases]).save(options.sheet, "PNG")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "dev.py tunnel", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--samples",
        type=_count,
        default=64,
        metavar="N",
        help="pictures for each setting (default 64)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="of captions, noise and bootstrap"
    )
    parser.add_argument("--only", nargs="+", default=GROUPS, choices=GROUPS, metavar="GROUP",
                        help=f"of settings: {', '.join(GROUPS)}")  # fmt: skip
    parser.add_argument(
        "--json", type=file_to_write, metavar="FILE", help="write all numbers to FILE"
    )
    parser.add_argument(
        "--sheet",
        type=file_to_write,
        metavar="FILE",
        help="write pictures of all settings to FILE (.png)",
    )
    return parser


def _count(text: str) -> int:
    with contextlib.suppress(ValueError):
        number = int(text)
        if number >= LEAST_SAMPLES:
            return number
    raise argparse.ArgumentTypeError(
        f"got {text!r}; allowed: a whole number from {LEAST_SAMPLES} on"
    )


def _pictures(
    settings: Sequence[Setting], cases: Sequence[Case], truth: evaluation.Truth
) -> dict[str, Pixels]:
    """Make all pictures: name of the row -> uint8 [N,128,128,3]."""
    pictures = {TRUE: truth.more_pictures()}
    pictures[DECODED] = through_autoencoder(pictures[TRUE])
    for index, setting in enumerate(settings, 1):
        begin = time.perf_counter()
        pictures[setting.name] = sample(setting, cases)
        taken = time.perf_counter() - begin
        print(f"{index}/{len(settings)} {setting.name}: {taken:.0f} s", file=sys.stderr, flush=True)
    return pictures


def _rows(
    settings: Sequence[Setting], pictures: dict[str, Pixels], truth: evaluation.Truth
) -> list[report.Row]:
    found = {name: truth.found(made) for name, made in pictures.items()}
    baselines = {setting.name: setting.baseline for setting in settings} | {DECODED: TRUE}
    facts = {
        setting.name: {
            "arguments": setting.script_arguments("refiner"),
            "cfg_scale": setting.cfg_scale,
        }
        for setting in settings
    }
    rows = []
    for name, made in pictures.items():
        baseline = baselines.get(name, name)
        compared: dict[str, Any] = {}
        if baseline != name:
            compared = {
                "baseline": baseline,
                "differences": evaluation.differences(found[name], found[baseline]),
                "change": evaluation.change(made, pictures[baseline]),
            }
        values = evaluation.values(found[name])
        rows.append(report.Row(name, values, facts=facts.get(name, {}), **compared))
    return rows


def _text(rows: Sequence[report.Row], truth: evaluation.Truth, options: argparse.Namespace) -> str:
    how = HOW.format(
        samples=options.samples,
        seed=options.seed,
        steps=STEPS,
        sampler=f"{SAMPLER} {SCHEDULER}",
        machine=", ".join(f"{k.partition('.')[2]} {v}" for k, v in environment().items()),
        resamples=RESAMPLES,
        copies=COPIES,
        features=DESCRIPTION,
        dimensions=truth.dimensions,
        explained=truth.project.explained,
        readable=sum(case.readable for case in truth.cases),
    )
    parts = [how, report.values_table(rows), AGAINST, report.differences_table(rows), SAYS]
    return "\n\n".join(parts) + "\n\n" + "\n".join(f"- {text}" for text in report.says(rows))


def _numbers(
    rows: Sequence[report.Row], truth: evaluation.Truth, options: argparse.Namespace
) -> dict[str, Any]:
    return {
        **environment(),
        "samples": options.samples,
        "seed": options.seed,
        "steps": STEPS,
        "sampler": f"{SAMPLER} {SCHEDULER}",
        "features": DESCRIPTION,
        "dimensions": truth.dimensions,
        "explained_variance": truth.project.explained,
        "cases": [
            {"caption": case.caption, "seed": case.seed, "readable": case.readable}
            for case in truth.cases
        ],
        "pictures": {row.name: report.row_as_json(row) for row in rows},
        "says": report.says(rows),
    }


if __name__ == "__main__":
    sys.exit(main())
