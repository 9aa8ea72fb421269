"""Which nouns name things: the concreteness ratings of the MRC Psycholinguistic Database.

3 977 nouns were rated by people from 100 (abstract) to 700 (concrete): Coltheart 1981, "The MRC
Psycholinguistic Database". The package ``wonderlic-nlp`` carries the table as a pickle.
"""

from __future__ import annotations

import pickle
from functools import cache
from typing import Any

from tools.expander.sources import package_folder

REQUIREMENTS = "tools/expander/evaluation/requirements.txt"
CONCRETE = 500
"""a horse has 613, a chair 606, the sky 542, light 550, a shadow 457, an idea 259"""
WORDS_OF_LIGHT = frozenset(["light"])
"""rated as things, but what an expansion is meant to speak of"""
_PLURALS = ("s", "es")


class _PlainUnpickler(pickle.Unpickler):
    """Reads tables of plain values; refuses a file that names anything to call."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} has no place in a table")


@cache
def noun_ratings() -> dict[str, int]:
    """Return the concreteness of each rated noun."""
    folder = package_folder("wonderlic_nlp", REQUIREMENTS)
    path = folder / "psycholinguistics" / "mrc.pickle"
    with path.open("rb") as file:
        table = _PlainUnpickler(file).load()
    return {
        word.lower(): values["CNC"]
        for (word, kind), values in table.items()
        if kind == "N" and values["CNC"]
    }


def is_concrete(word: str) -> bool:
    """Tell whether a word is a noun, or the plural of one, that names something one can point at."""
    ratings = noun_ratings()
    forms = {word, *(word.removesuffix(ending) for ending in _PLURALS)}
    return not forms & WORDS_OF_LIGHT and any(ratings.get(f, 0) >= CONCRETE for f in forms)
