"""What a benchmark finds out, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class Unavailable(Exception):  # noqa: N818 - a benchmark that cannot run here is no error
    """Something that a benchmark needs cannot be had on this machine."""


@dataclass(frozen=True)
class Figure:
    """One number, with what it was computed from.

    Attributes:
        key: ``<benchmark>.<name>``.
        value: the number that the key stands for, such as a ratio.
        unit: of ours and peer, and of value where there is no peer.
        ours: our side of the comparison.
        peer: the other side's figure, measured in the same run.
        peer_name: who the other side is.
        goal: what value should be, in words.
    """

    key: str
    value: float
    unit: str = ""
    ours: float | None = None
    peer: float | None = None
    peer_name: str = ""
    goal: str = ""


def as_json(figures: Iterable[Figure]) -> dict[str, float | str]:
    """Return ``{key: value}``, and beside each key what is known of ``key.ours``, ``key.peer``...."""
    numbers: dict[str, float | str] = {}
    for figure in figures:
        numbers[figure.key] = figure.value
        for name in ("ours", "peer", "unit", "peer_name", "goal"):
            detail = getattr(figure, name)
            if detail not in {None, ""}:
                numbers[f"{figure.key}.{name}"] = detail
    return numbers


def as_table(figures: Iterable[Figure]) -> str:
    """Return an aligned table with one line for each figure."""
    rows: list[tuple[str, ...]] = [("figure", "value", "ours", "peer", "unit", "peer is", "goal")]
    for figure in figures:
        numbers = (_short(number) for number in (figure.value, figure.ours, figure.peer))
        rows.append((figure.key, *numbers, figure.unit, figure.peer_name, figure.goal))
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join(_line(row, widths) for row in rows)


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    numeric = {1, 2, 3}
    padded = (
        cell.rjust(width) if column in numeric else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(padded).rstrip()


def _short(number: float | None) -> str:
    return "" if number is None else f"{number:.4g}"
