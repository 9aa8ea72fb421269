"""The kinds of arguments there are, what a value of each may be, and the tables that are made of them.

A table is a frozen dataclass whose fields are made with ``column``: ``args.Settings``, ``edit.Edit``.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fooocus_ext import original_texts
from fooocus_ext.errors import RequestError, describe, did_you_mean
from fooocus_ext.limits import MAX_ITEMS, MAX_TEXT_LENGTH

MAX_PROBLEMS = 10
"""Wrong fields that one refusal names."""
Kind = Literal["flag", "number", "whole", "choice", "name", "names", "text", "texts"]


@dataclass(frozen=True)
class Field:
    """What is known of one argument besides its Python type.

    ``kind`` says how it is checked and shown: ``flag`` a boolean, ``number`` a finite float in
    ``minimum..maximum`` and ``whole`` an integer there (or None, if that is the default: something else
    decides; no widget says so by itself), ``choice`` one of ``choices``, ``name`` a non-empty text whose
    legal values only the host knows (a checkpoint, a preset, a size), ``names`` a list of up to
    ``MAX_ITEMS`` such texts, each one of ``choices`` if there are any, ``text`` any text, ``texts`` the
    texts of a picture of Fooocus (``original_texts``), or none.
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
        number = f"{_NUMBERS.get(self.kind)} from {self.minimum:g} to {self.maximum:g}"
        number = number if self.default is not None else f"{number}, or null for the mode's own"
        words: dict[Kind, str] = {
            "flag": "true or false",
            "number": number,
            "whole": number,
            "choice": f"one of {self._listed}",
            "name": f'a name, or "{self.default}"',
            "names": f"a list of up to {MAX_ITEMS} names"
            + (f" out of {self._listed}" if self.choices else ""),
            "text": f"a text of up to {MAX_TEXT_LENGTH} characters",
            "texts": original_texts.ALLOWED,
        }
        return words[self.kind]

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

    def from_text(self, text: str) -> object:
        """Return the value, to be checked, that an infotext or an axis says; what says none, as it is."""
        try:
            return _FROM_TEXT.get(self.kind, str)(text)
        except (ValueError, KeyError, RecursionError):
            return text

    def is_default(self, value: object) -> bool:
        """Whether ``value``, in whatever form, is the default."""
        try:
            return bool(self.check(value) == self.default)
        except RequestError:
            return False


_NUMBERS: Mapping[Kind, str] = {"number": "a number", "whole": "a whole number"}


def column(
    kind: Kind,
    default: Any,
    label: str,
    infotext: str,
    help: str,  # noqa: A002  (the word users of widgets know)
    **limits: Any,
) -> Any:
    """Return a field of a table's dataclass; the arguments are those of ``Field``."""
    return dataclasses.field(
        default=default,
        metadata={"kind": kind, "label": label, "infotext": infotext, "help": help, **limits},
    )


def fields_of(table: type) -> tuple[Field, ...]:
    """Return the fields of a table, in its order."""
    return tuple(
        Field(name=field.name, default=field.default, **field.metadata)
        for field in dataclasses.fields(table)
    )


def checked_values(
    values: Mapping[str, object], fields: Mapping[str, Field], noun: str
) -> dict[str, Any]:
    """Return a table's values by name, each checked.

    Args:
        values: what a client gives.
        fields: the table's fields by name.
        noun: what one of them is called, such as "a Fooocus argument".

    Raises:
        RequestError: names the fields that are wrong, their values and what is allowed; of more than
            ``MAX_PROBLEMS``, the first.
    """
    problems: list[str] = []
    checked: dict[str, Any] = {}
    for number, (name, value) in enumerate(values.items()):
        if len(problems) == MAX_PROBLEMS:  # to look for similar names takes long
            problems.append(f"{len(values) - number} more were not looked at.")
            break
        field = fields.get(name)
        if field is None:
            hint = did_you_mean(str(name), fields)
            problems.append(f'"{name}" is not {noun}{hint}; allowed: {", ".join(fields)}.')
            continue
        try:
            checked[name] = field.check(value)
        except RequestError as error:
            problems.append(error.detail)
    if problems:
        raise RequestError("Fooocus: " + " ".join(problems))
    return checked


def object_schema(title: str, description: str, fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return the JSON schema of an object with a table's values (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": description,
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _property(field) for name, field in fields.items()},
    }


def _property(field: Field) -> dict[str, Any]:
    limits = {"minimum": field.minimum, "maximum": field.maximum}
    shape: dict[Kind, dict[str, Any]] = {
        "flag": {"type": "boolean"},
        "number": {"type": _or_null(field, "number"), **limits},
        "whole": {"type": _or_null(field, "integer"), **limits},
        "choice": {"type": "string", "enum": list(field.choices)},
        "name": {"type": "string", "minLength": 1},
        "names": {"type": "array", "items": _item(field), "maxItems": MAX_ITEMS},
        "text": {"type": "string", "maxLength": MAX_TEXT_LENGTH},
        "texts": {"type": ["object", "null"]},
    }
    return {
        "title": field.label,
        "description": field.help,
        **shape[field.kind],
        "default": as_json(field.default),
    }


def _or_null(field: Field, json_type: str) -> Any:
    return json_type if field.default is not None else [json_type, "null"]


def _item(field: Field) -> dict[str, Any]:
    named = {"enum": list(field.choices)} if field.choices else {"minLength": 1}
    return {"type": "string", **named}


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
    if value is None and field.default is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _REFUSED
    # Comparisons are false for NaN, and exact for integers too large to become a float.
    in_range = field.minimum <= value <= field.maximum
    return float(value) if in_range else _REFUSED


def _check_whole(field: Field, value: object) -> object:
    checked = _check_number(field, value)
    if not isinstance(checked, float):
        return checked
    return int(checked) if checked.is_integer() else _REFUSED


def _check_choice(field: Field, value: object) -> object:
    return value if isinstance(value, str) and value in field.choices else _REFUSED


def _check_name(_field: Field, value: object) -> object:
    return value if isinstance(value, str) and value.strip() else _REFUSED


def _check_names(field: Field, value: object) -> object:
    if not isinstance(value, (list, tuple)) or len(value) > MAX_ITEMS:
        return _REFUSED
    if not all(isinstance(item, str) and item.strip() for item in value):
        return _REFUSED
    if field.choices and not set(field.choices).issuperset(value):
        return _REFUSED
    return tuple(value)


def _check_text(_field: Field, value: object) -> object:
    return value if isinstance(value, str) and len(value) <= MAX_TEXT_LENGTH else _REFUSED


def _check_texts(_field: Field, value: object) -> object:
    return original_texts.read(value)


def _flag_from_text(text: str) -> bool:
    return {"true": True, "false": False}[text.strip().lower()]


def _names_from_text(text: str) -> Any:
    """Return names as a JSON list, or between commas."""
    if text.startswith('["'):
        return json.loads(text)
    return [name.strip() for name in text.split(",") if name.strip()]


_FROM_TEXT: Mapping[Kind, Callable[[str], object]] = {
    "flag": _flag_from_text,
    "number": float,
    "whole": float,
    "names": _names_from_text,
}
_CHECKS: Mapping[Kind, Callable[[Field, object], object]] = {
    "flag": _check_flag,
    "number": _check_number,
    "whole": _check_whole,
    "choice": _check_choice,
    "name": _check_name,
    "names": _check_names,
    "text": _check_text,
    "texts": _check_texts,
}
