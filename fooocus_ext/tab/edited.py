"""A picture that was made of another one: what its infotext puts into the tab's "Input image"."""

from __future__ import annotations

from fooocus_ext.edit import UPSCALE, Edit, from_text
from fooocus_ext.metadata.settings import OWN_NAME, PictureSettings
from fooocus_ext.tab.edits import widget_values
from fooocus_ext.tab.fill import Filled

_NOT_IN_ITS_SETTINGS = (
    "It was made by editing a picture, which its settings do not contain: choose that one as the input "
    "image"
)
_SIZE = ("aspect_ratio", "width", "height")
WITHOUT_PICTURE = f"{_NOT_IN_ITS_SETTINGS}, and mark in it what is to be made anew."
WITHOUT_WHOLE_PICTURE = f"{_NOT_IN_ITS_SETTINGS}."
UNSAMPLED = (
    "It was enlarged by an upscaler and nothing of it was sampled, so it has no prompt, seed or steps. The "
    "picture that it was made of is not in its settings: choose that one as the input image."
)


def with_edit(filled: Filled, text: str) -> Filled:
    """Return the widgets' values with those of the edit that an infotext states, if it states one."""
    edit = from_text(text)
    if edit is None:
        return filled
    missing = WITHOUT_PICTURE if edit.of_mode.has_mask else WITHOUT_WHOLE_PICTURE
    return _with(filled, edit, missing)


def unsampled(text: str) -> Filled | None:
    """Return the widgets' values for a picture without steps whose infotext states an edit.

    None if it states none that can be read: whatever made the picture, it was no edit.
    """
    edit = from_text(text)
    return None if edit is None else _with(Filled({}), edit, UNSAMPLED)


def is_unsampled(settings: PictureSettings) -> bool:
    """Whether they are what ``record.settings_of_unsampled`` says of a picture, in a log or a file."""
    return settings.prompt is None and str(settings.version).startswith(OWN_NAME)


def _with(filled: Filled, edit: Edit, missing: str) -> Filled:
    values, notes = widget_values(edit)
    kept = {
        name: value
        for name, value in filled.values.items()
        if edit.mode != UPSCALE or name not in _SIZE  # which follows from the picture and the scale
    }
    return Filled({**kept, **values}, (*filled.notes, *notes, missing))
