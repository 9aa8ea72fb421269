"""The kinds of arguments there are, and what a value of each may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fooocus_ext import original_texts
from fooocus_ext.errors import RequestError, describe

Kind = Literal["flag", "number", "choice", "name", "names", "texts"]


@dataclass(frozen=True)
class Field:
    """What is known of one argument besides its Python type.

    ``kind`` says how it is checked and shown: ``flag`` a boolean, ``number`` a finite float in
    ``minimum..maximum``, ``choice`` one of ``choices``, ``name`` a non-empty text whose legal values
    only the host knows (a checkpoint, a preset, a size), ``names`` a list of such texts, each one of
    ``choices`` if there are any, ``texts`` the texts of a picture of Fooocus (``original_texts``), or none.
    """

    name: str
    kind: Kind
    default: Any
    label: str
    infotext: str
    help: str
    minimum: float = 0.0
    maximum: float = 0.0
    step: float = 0.0
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What a value may be, in words."""
        if self.kind == "flag":
            return "true or false"
        if self.kind == "number":
            return f"a number from {self.minimum:g} to {self.maximum:g}"
        if self.kind == "choice":
            return f"one of {self._listed}"
        if self.kind == "name":
            return f'a name, "{self.default}" for none'
        if self.kind == "texts":
            return original_texts.ALLOWED
        return f"a list of names out of {self._listed}" if self.choices else "a list of names"

    @property
    def _listed(self) -> str:
        return ", ".join(f'"{choice}"' for choice in self.choices)

    def check(self, value: object) -> Any:
        """Return ``value`` in its canonical type (numbers as float, names as a tuple, texts as an object).

        Raises:
            RequestError: the value's type or range is wrong.
        """
        checked = _CHECKS[self.kind](self, value)
        if checked is _REFUSED:
            raise RequestError(f"{self.name}: got {describe(value)}; allowed: {self.allowed}.")
        return checked

    def is_default(self, value: object) -> bool:
        """Whether ``value``, in whatever form, is the default."""
        try:
            return bool(self.check(value) == self.default)
        except RequestError:
            return False


def as_json(value: Any) -> Any:
    """Return a checked value as JSON has it."""
    if isinstance(value, original_texts.OriginalTexts):
        return value.to_json()
    return list(value) if isinstance(value, tuple) else value


def as_widget_value(value: Any) -> Any:
    """Return a checked value as a page's widget has it: texts travel as one line of JSON."""
    if value is None or isinstance(value, original_texts.OriginalTexts):
        return value.to_text() if value else ""
    return list(value) if isinstance(value, tuple) else value


class _Refused:
    """Marks a refused value; None could not, because None is something a client may send."""


_REFUSED = _Refused()


def _check_flag(_field: Field, value: object) -> object:
    return value if isinstance(value, bool) else _REFUSED


def _check_number(field: Field, value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _REFUSED
    # Comparisons are false for NaN, and exact for integers too large to become a float.
    in_range = field.minimum <= value <= field.maximum
    return float(value) if in_range else _REFUSED


def _check_choice(field: Field, value: object) -> object:
    return value if isinstance(value, str) and value in field.choices else _REFUSED


def _check_name(_field: Field, value: object) -> object:
    return value if isinstance(value, str) and value.strip() else _REFUSED


def _check_names(field: Field, value: object) -> object:
    if not isinstance(value, (list, tuple)):
        return _REFUSED
    if not all(isinstance(item, str) and item.strip() for item in value):
        return _REFUSED
    if field.choices and not set(field.choices).issuperset(value):
        return _REFUSED
    return tuple(value)


def _check_texts(_field: Field, value: object) -> object:
    return original_texts.read(value)


_CHECKS: Mapping[Kind, Callable[[Field, object], object]] = {
    "flag": _check_flag,
    "number": _check_number,
    "choice": _check_choice,
    "name": _check_name,
    "names": _check_names,
    "texts": _check_texts,
}
