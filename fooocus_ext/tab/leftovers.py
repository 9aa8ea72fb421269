"""Sentences about values of a picture or a preset that no widget of the tab can take over."""

from __future__ import annotations

from collections.abc import Iterator

from fooocus_ext.args import FOOOCUS
from fooocus_ext.limits import CLIP_SKIP_ON_SDXL
from fooocus_ext.metadata.settings import PictureSettings

_MOST_OTHERS = 12
_NO_COUNTERPART = "the tab has no such setting"


def leftovers(settings: PictureSettings, *, has_originals: bool = False) -> list[str]:
    """Return one sentence for each value that is stated and has no effect in the tab.

    ``has_originals`` says that the texts of the picture are used as they were, expansion included.
    """
    notes = [f"{what} is not taken over: {reason}." for what, reason in _values(settings)]
    if settings.prompt_expansion and not has_originals:
        expansion = _short(settings.prompt_expansion)
        notes.append(f'Prompt expansion "{expansion}" is not taken over: it is written anew here.')
    others = list(settings.others.items())
    for key, value in others[:_MOST_OTHERS]:
        notes.append(f"{key} {value} is not taken over: {_NO_COUNTERPART}.")
    if len(others) > _MOST_OTHERS:
        names = ", ".join(key for key, _value in others[_MOST_OTHERS:][:_MOST_OTHERS])
        notes.append(f"Nor are {len(others) - _MOST_OTHERS} more: {names}.")
    return notes


def _values(settings: PictureSettings) -> Iterator[tuple[str, str]]:
    """Yield what is not taken over, with its value, and why."""
    if settings.performance is not None and settings.mode is None:
        yield f'Performance "{settings.performance}"', "there is no such mode here"
    rendering = settings.arguments.get("rendering", FOOOCUS)  # the page's own default
    if settings.clip_skip is not None and rendering != FOOOCUS:
        yield f"Clip skip {settings.clip_skip}", CLIP_SKIP_ON_SDXL
    if settings.freeu is not None:
        numbers = ", ".join(f"{number:g}" for number in settings.freeu)
        yield f"FreeU ({numbers})", "FreeU is not part of this extension"


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
