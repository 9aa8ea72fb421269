"""Reads ``harmony.txt``, whose beginning explains its lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from fooocus_ext.prompting.expander.harmony import (
    BREAKS,
    Mask,
    Rules,
    Words,
    group_of,
    singular_of,
    tokens_of,
)

RULES_FILE = Path(__file__).with_name("harmony.txt")
_LISTS = frozenset(
    [
        "given",
        "decides",
        "never",
        "earns",
        "inside",
        "implied",
        "one of",
        "clash",
        "link",
        "scene",
        "not",
        "foreign",
        "false friend",
        "neutral",
        "common",
    ]
)


@cache
def load_rules(path: Path = RULES_FILE) -> Rules:
    """Read the rules; a list that the file does not have is empty.

    Raises:
        ValueError: a line is of no known kind, or a clash names a fact that no words say.
    """
    says: dict[Words, set[str]] = {}
    names: dict[Words, set[str]] = {}
    sealed: set[Words] = set()
    lists: dict[str, list[str]] = {name: [] for name in _LISTS}
    facts: dict[str, None] = {}
    for key, items in _lines(path):
        kind, _, of = key.partition(" ")
        if kind not in ("says", "names", "nothing"):
            if key not in _LISTS:
                raise ValueError(f"{path.name}: no line may begin with {key!r}")
            lists[key].extend(items)
            continue
        said = [fact.strip() for fact in of.split(",") if fact.strip()]
        facts |= dict.fromkeys(said)
        for words in (tuple(map(singular_of, tokens_of(item))) for item in items):
            says.setdefault(words, set()).update(said)
            if kind == "names":
                names.setdefault(words, set()).update(said)
            elif kind == "nothing":
                sealed.add(words)
    return Rules(
        lexicon={words: frozenset(said) for words, said in says.items()},
        names={words: frozenset(said) for words, said in names.items()},
        links=BREAKS.union(map(singular_of, lists["link"])),
        scene=frozenset(lists["scene"]),
        negations=tuple(sorted((tuple(tokens_of(i)) for i in lists["not"]), key=len, reverse=True)),
        implied=frozenset(lists["implied"]),
        sealed=frozenset(sealed),
        inside=frozenset(lists["inside"]),
        foreign=frozenset(lists["foreign"]),
        friends=frozenset(lists["false friend"]),
        neutral=frozenset(lists["neutral"]),
        common=frozenset(lists["common"]),
        facts=tuple(facts),
        clashes=_clashes(tuple(facts), lists["one of"], lists["clash"]),
        given=_of_groups(tuple(facts), lists["given"]),
        decides=_of_groups(tuple(facts), lists["decides"]),
        never=_of_groups(tuple(facts), lists["never"]),
        earns=_of_groups(tuple(facts), lists["earns"]),
    )


def _lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    for line in path.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            key, _, items = line.partition(":")
            yield key.strip(), [item.strip() for item in items.split(";") if item.strip()]


def _of_groups(facts: Sequence[str], groups: Sequence[str]) -> Mask:
    return np.array([group_of(fact) in groups for fact in facts])


def _clashes(facts: Sequence[str], single: Sequence[str], listed: Sequence[str]) -> Mask:
    """Return the table of what does not go together; a fact goes with itself."""
    table = np.zeros((len(facts), len(facts)), dtype=bool)
    for group in single:
        members = _of_groups(facts, [group])
        table |= members[:, None] & members[None, :]
    for line in listed:
        left, right = (
            [place for item in side.split(",") for place in _places(facts, item.strip())]
            for side in line.split("/")
        )
        table[np.ix_(left, right)] = True
    table |= table.T
    np.fill_diagonal(table, val=False)
    return table


def _places(facts: Sequence[str], item: str) -> list[int]:
    """Return where a fact stands, or all facts of a group ("heat.*")."""
    found = [place for place, fact in enumerate(facts) if item in (fact, f"{group_of(fact)}.*")]
    if not found:
        raise ValueError(f"no words say {item!r}")
    return found
