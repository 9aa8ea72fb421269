"""What the settings of a picture of Fooocus's say beyond their letters.

Fooocus leaves out what was at its default, counts the refiner's switch in ways of its own, and renders
in its own way. A picture made again needs all of that said.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from fooocus_ext.args import FIELDS_BY_NAME, FOOOCUS, NONE
from fooocus_ext.errors import RequestError
from fooocus_ext.limits import CLIP_SKIP, OFF, USUAL_CLIP_SKIP
from fooocus_ext.metadata.settings import OWN_NAME, TEXT_SCHEME, PictureSettings
from fooocus_ext.metadata.written_texts import FullTexts, written
from fooocus_ext.original_texts import NAME, OriginalTexts, read
from fooocus_ext.prompting.styles import StyleLibrary, special_style

_UNSTATED = {"adaptive_cfg": 7.0, "refiner_method": "joint", "image_number": 1, "loras": ()}
"""What Fooocus means where it says nothing; one picture is what made one picture."""
_UNSTATED_IN_TEXT = {**_UNSTATED, "refiner": NONE}
"""Of its ``a1111`` scheme, which names a refiner only if there is one."""


def made_by_fooocus(found: PictureSettings, library: StyleLibrary | None = None) -> PictureSettings:
    """Return the settings of a picture of Fooocus's as they are meant; our own as they are.

    ``library`` is where the texts of styles are looked up for a source that lists no texts.
    """
    if (found.version or "").startswith(OWN_NAME):
        if found.refiner_switch is None:
            return found
        return dataclasses.replace(found, overwrite_switch=None)  # stated for Fooocus to read
    meanings = _UNSTATED_IN_TEXT if found.scheme == TEXT_SCHEME else _UNSTATED
    unstated = {k: value for k, value in meanings.items() if getattr(found, k) is None}
    if found.steps is None:
        unstated["forced_steps"] = OFF
    clip_skip = found.clip_skip or _unstated_clip_skip(found.version or "")
    meant: dict[str, Any] = {**unstated, **_switch(found), "clip_skip": clip_skip}
    arguments, problems = {**found.arguments, "rendering": FOOOCUS}, found.problems
    try:
        arguments[NAME] = _texts(found, library or StyleLibrary())
    except RequestError as error:
        problems = (*problems, f"The full texts are left out: {error.detail}")
    return dataclasses.replace(found, **meant, arguments=arguments, problems=problems)


def _texts(found: PictureSettings, library: StyleLibrary) -> OriginalTexts | None:
    """Return the texts that were encoded. Raises RequestError if nobody would encode them."""
    texts = _listed(found) or _logged(found, library)
    if texts is None:
        return None
    return read(
        {
            "full_prompt": texts.positive,
            "full_negative_prompt": texts.negative,
            "prompt_expansion": texts.expansion,
            "styles": found.styles or (),
        }
    )


def _listed(found: PictureSettings) -> FullTexts | None:
    if not found.full_prompt:
        return None
    last = found.full_prompt[-1]
    expansion = last if last == found.prompt_expansion else ""
    return FullTexts(found.full_prompt, found.full_negative_prompt or ("",), expansion)


def _logged(found: PictureSettings, library: StyleLibrary) -> FullTexts | None:
    """Return the texts of a log, which has the expansion; None if a style is missing.

    Without an expansion they are written anew.
    """
    names = [name for name in found.styles or () if special_style(name) is None]
    if not found.prompt_expansion or not all(name in library for name in names):
        return None
    typed = found.prompt or "", found.negative_prompt or ""
    return written(*typed, [library.get(name) for name in names], found.prompt_expansion)


def _unstated_clip_skip(version: str) -> int:
    """Return the clip skip of a picture that states none: Fooocus since 2.4.2 states all above 1."""
    numbers = re.match(r"Fooocus v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})", version)
    states_it = numbers is not None and tuple(map(int, numbers.groups())) >= (2, 4, 2)
    return CLIP_SKIP.minimum if states_it else USUAL_CLIP_SKIP


def _switch(found: PictureSettings) -> dict[str, Any]:
    """Return the refiner's switch as a fraction of the steps that were made.

    Fooocus may state it as a step. The fraction it takes of the performance's steps, also where others
    are forced.
    """
    steps, stated, mode = found.steps, found.refiner_switch, found.mode
    if found.refiner in (None, NONE) or not steps:
        return {}
    step = found.overwrite_switch or 0
    if step <= 0 and stated is not None and mode and steps not in (mode.steps, mode.upscale_steps):
        step = round(mode.steps * stated)
    share = min(step / steps, 1.0)
    if share < FIELDS_BY_NAME["refiner_switch"].minimum:
        return {}
    return {"refiner_switch": share, "overwrite_switch": None}
