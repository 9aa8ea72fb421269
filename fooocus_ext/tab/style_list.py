"""The tab's list of styles: those that there are, in their groups, and which of some names are among them."""

from __future__ import annotations

from collections.abc import Sequence

from fooocus_ext.prompting.styles import SPECIAL_STYLES, Style, StyleLibrary, special_style

_SPECIAL_HELP = (
    "A small language model continues the prompt with words that suit it.",
    "A style drawn for each picture.",
)


def grouped_styles(library: StyleLibrary) -> list[tuple[str, list[dict[str, str]]]]:
    """Return the groups of the style list, each style with the text that is shown on hover."""
    special = [
        {"name": name, "help": text}
        for name, text in zip(SPECIAL_STYLES, _SPECIAL_HELP, strict=True)
    ]
    groups = [("Special", special)]
    for group, styles in library.groups.items():
        groups.append((group, [{"name": s.name, "help": _help(s)} for s in styles]))
    return groups


def _help(style: Style) -> str:
    parts = [style.prompt, f"Not: {style.negative_prompt}" if style.negative_prompt else ""]
    return "\n".join(part for part in parts if part)


def known_styles(names: Sequence[str], library: StyleLibrary) -> tuple[list[str], list[str]]:
    """Return the styles that exist, spelled as the library does, and those that do not."""
    known, unknown = [], []
    for name in names:
        special = special_style(name)
        if special is not None:
            known.append(special)
        elif name in library:
            known.append(library.get(name).name)
        else:
            unknown.append(name)
    return known, unknown
