"""The tab's list of styles: those that there are, in their groups, and what of some names there is."""

from __future__ import annotations

from collections.abc import Sequence

from fooocus_ext.errors import shortened
from fooocus_ext.limits import MAX_NOTES
from fooocus_ext.prompting import style_names
from fooocus_ext.prompting.styles import (
    PLACEHOLDER,
    SPECIAL_STYLES,
    Style,
    StyleLibrary,
    special_style,
)

_SPECIAL_HELP = (
    "A small language model continues the prompt with words that suit it.",
    "A style drawn for each picture.",
)


def grouped_styles(library: StyleLibrary) -> list[tuple[str, list[dict[str, str]]]]:
    """Return the groups of the style list, each style with what is said of it to whoever points at it."""
    special = [
        {"name": name, "help": text}
        for name, text in zip(SPECIAL_STYLES, _SPECIAL_HELP, strict=True)
    ]
    groups = [("Special", special)]
    for group, styles in library.groups.items():
        groups.append((group, [{"name": s.name, "help": _help(s)} for s in styles]))
    return groups


def _help(style: Style) -> str:
    texts = {"Writes": style.prompt, "Avoids": style.negative_prompt}
    shown = {what: text.replace(PLACEHOLDER, "(your prompt)") for what, text in texts.items()}
    return "\n".join(f"{what}: {text}" for what, text in shown.items() if text)


def known_styles(names: Sequence[str], library: StyleLibrary) -> tuple[list[str], list[str]]:
    """Return styles as the library spells them, and sentences about those that it does not have.

    The nearest of the library takes the place of one that it does not have; nothing does if none
    comes near it.
    """
    known, notes = [], []
    for name in names:
        found: str | None = special_style(name)
        if found is None and name in library:
            found = library.get(name).name
        if found is None:
            found = style_names.nearest(name, library.names)
            notes.append(f"Style {style_names.note(name, found)}.")
            notes += library.left_out(name)
        if found is not None:
            known.append(found)
    return list(dict.fromkeys(known)), shortened(notes, MAX_NOTES)
