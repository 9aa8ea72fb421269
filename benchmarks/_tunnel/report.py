"""The wind tunnel's results as Markdown, as JSON, and in words that follow from the intervals by rule."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks._tunnel.evaluation import MEASURES, Difference, Measure, as_json
from benchmarks._tunnel.measures import Estimate

CHANCE = 0.05


@dataclass(frozen=True)
class Row:
    """One line of the tables.

    Attributes:
        name: what was measured.
        values: by measure.
        baseline: the name of the line that it is compared with, or none.
        differences: to the baseline, by measure.
        change: to the baseline's pictures, in levels of 255.
        facts: how it was made, for the JSON.
    """

    name: str
    values: dict[str, Estimate]
    baseline: str = ""
    differences: dict[str, Difference] = field(default_factory=dict)
    change: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)


def number(measure: Measure, shown: Estimate, *, difference: bool = False) -> str:
    """Return an estimate with its interval, in the measure's unit."""
    if not math.isfinite(shown.value):
        return "-"
    if measure.kind == "detail":
        return f"{shown.value:.2f} [{shown.low:.2f}, {shown.high:.2f}]"
    digits = 2 if measure.kind == "distance" else 0
    sign = "+" if difference else ""
    value, low, high = (f"{n:{sign}.{digits}f}" for n in (shown.value, shown.low, shown.high))
    return f"{value} [{low}, {high}]"


def _markdown(cells: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def values_table(rows: Sequence[Row]) -> str:
    """Return a Markdown table of every set of pictures against the true ones."""
    head = ["pictures", *(measure.title for measure in MEASURES)]
    body = [[row.name, *(number(m, row.values[m.key]) for m in MEASURES)] for row in rows]
    return _markdown([head, *body])


def differences_table(rows: Sequence[Row]) -> str:
    """Return a Markdown table of each setting against its baseline; + helps, - hurts."""
    marks = {"helps": " +", "hurts": " -", "no visible effect": ""}
    head = ["setting", "against", "pixels changed", *(measure.title for measure in MEASURES)]
    body = []
    for row in _compared(rows):
        cells = [row.name, row.baseline, f"{row.change:.1f}"]
        for measure in MEASURES:
            found = row.differences[measure.key]
            cells.append(number(measure, found.shown, difference=True) + marks[found.verdict])
        body.append(cells)
    return _markdown([head, *body])


def _compared(rows: Sequence[Row]) -> Iterator[Row]:
    return (row for row in rows if row.baseline)


def _state_of_detail(row: Row) -> str:
    """Say in which bands a set of pictures is too smooth or too harsh."""
    states: dict[str, list[str]] = {"too smooth": [], "too harsh": []}
    for measure in MEASURES:
        shown = row.values[measure.key]
        if measure.kind == "detail" and shown.excludes(1):
            state = "too smooth" if shown.high < 1 else "too harsh"
            states[state].append(f"{measure.key.removeprefix('detail ')} ({shown.value:.2f})")
    return "; ".join(f"{state} at {', '.join(bands)}" for state, bands in states.items() if bands)


def says(rows: Sequence[Row]) -> list[str]:
    """Return sentences that follow from the intervals by rule."""
    found = []
    for row in rows:
        state = _state_of_detail(row) or "no band visibly off the true pictures'"
        found.append(f"{row.name}: {state}." + _effects(row))
    tricks = [row for row in _compared(rows) if row.facts.get("arguments")]
    verdicts = [d.verdict for row in tricks for d in row.differences.values()]
    visible = sum(verdict != "no visible effect" for verdict in verdicts)
    found.append(
        f"Of {len(verdicts)} differences that tricks make, {visible} have an interval that excludes "
        f"no effect; without any effect at all about {CHANCE * len(verdicts):.0f} would."
    )
    return found


def _effects(row: Row) -> str:
    if not row.baseline:
        return ""
    if row.change == 0:
        return f" Against {row.baseline}: the very same pictures."
    parts = []
    for verdict in ("helps", "hurts"):
        named = [
            f"{measure.title} {number(measure, d.shown, difference=True)}"
            for measure in MEASURES
            if (d := row.differences[measure.key]).verdict == verdict
        ]
        if named:
            parts.append(f"{verdict} {', '.join(named)}")
    return f" Against {row.baseline}: {'; '.join(parts) or 'no visible effect on any measure'}."


def row_as_json(row: Row) -> dict[str, Any]:
    """Return all that is known of a row."""
    entry: dict[str, Any] = {**row.facts, "values": as_json(row.values)}
    if row.baseline:
        entry["baseline"] = row.baseline
        entry["pixels_changed"] = row.change
        entry["differences"] = as_json({key: d.shown for key, d in row.differences.items()})
        entry["verdicts"] = {key: d.verdict for key, d in row.differences.items()}
    return entry
