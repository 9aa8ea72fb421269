"""What a widget of the Fooocus tab is: the kinds of them, and what is checked of what a browser sends."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fooocus_ext import fields, readers
from fooocus_ext.fields import Field
from fooocus_ext.limits import MAX_TEXT_LENGTH, OFF
from fooocus_ext.readers import Reader, one_of, text, whole

Kind = Literal["text", "flag", "slider", "whole", "radio", "list", "names"]


@dataclass(frozen=True)
class Widget:
    """One widget.

    Attributes:
        name: its name; the page's element is called ``fooocus_`` and this.
        kind: ``text`` a text box, ``flag`` a checkbox, ``slider`` a number within a range, ``whole`` a
            box for a whole number, ``radio`` one of ``choices``, ``list`` one of the names that the
            host lists, ``names`` several of ``choices``.
        label: what the page calls it.
        default: its value before anything else is known.
        read: checks what a browser sent, and converts it.
        title: what messages call it; empty if they use the label.
        minimum: of a slider, as are ``maximum`` and ``step``; ``read`` may accept more.
        maximum: see ``minimum``.
        step: see ``minimum``.
        choices: of a radio or of names.
        listed_as: the name of the host's list.
        tooltip: shown on hover, if there is anything to explain.
    """

    name: str
    kind: Kind
    label: str
    default: Any
    read: Reader
    title: str = ""
    minimum: float = 0.0
    maximum: float = 0.0
    step: float = 0.0
    choices: tuple[str, ...] = ()
    listed_as: str = ""
    tooltip: str | None = None


def text_box(name: str, label: str, default: str = "", limit: int = MAX_TEXT_LENGTH) -> Widget:
    """Return a box for text of at most ``limit`` characters."""
    return Widget(name, "text", label, default, text(limit))


def checkbox(
    name: str, label: str, title: str, *, default: bool, tooltip: str | None = None
) -> Widget:
    """Return a checkbox; ``title`` is what messages call it."""
    return Widget(name, "flag", label, default, readers.flag, title=title, tooltip=tooltip)


def radio(name: str, label: str, default: str, choices: Collection[str], title: str = "") -> Widget:
    """Return a choice of one of ``choices``."""
    return Widget(
        name, "radio", label, default, one_of(choices), title=title, choices=tuple(choices)
    )


def slider(
    name: str, label: str, default: float, read: Reader, shown: tuple[float, float], **more: Any
) -> Widget:
    """Return a slider over ``shown``; ``read`` may accept more."""
    return Widget(name, "slider", label, default, read, minimum=shown[0], maximum=shown[1], **more)


def dropdown(name: str, label: str, default: str, listed_as: str = "") -> Widget:
    """Return a dropdown; which of its names exist is found out when they are used."""
    return Widget(name, "list", label, default, _optional, listed_as=listed_as or name)


def _optional(value: object) -> str:
    return text(1000)(value if value is not None else "")


def forced(name: str, label: str, largest: int) -> Widget:
    """Return a box for a whole number that replaces another one; -1 or an empty box for none."""
    return Widget(name, "whole", label, OFF, or_off(whole(OFF, largest)))


def or_off(read: Reader) -> Reader:
    """Return a reader that takes an emptied box for -1."""
    return lambda value: read(OFF if value is None else value)


def of_argument(field: Field) -> Widget:
    """Return the widget of an argument: everything about it is in the argument table."""
    return Widget(
        name=field.name,
        kind=_KINDS[field.kind],
        label=field.label,
        default=fields.as_widget_value(field.default),
        read=readers.of_field(field),
        minimum=field.minimum,
        maximum=field.maximum,
        step=field.step,
        choices=field.choices,
        tooltip=field.help,
    )


_KINDS: Mapping[fields.Kind, Kind] = {
    "flag": "flag",
    "number": "slider",
    "whole": "slider",
    "text": "text",
    "choice": "radio",
    "name": "text",
    "names": "names",
    "texts": "text",
}
