"""What the settings of a picture of Fooocus's say beyond their letters.

Fooocus leaves out what was at its default, counts the refiner's switch in ways of its own, and renders
in its own way. A picture made again needs all of that said.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from fooocus_ext.args import FIELDS_BY_NAME, FOOOCUS, NONE
from fooocus_ext.errors import RequestError
from fooocus_ext.metadata.settings import OWN_NAME, PictureSettings
from fooocus_ext.original_texts import NAME, OriginalTexts, read

_UNSTATED = {"adaptive_cfg": 7.0, "refiner_method": "joint", "image_number": 1}
"""What Fooocus means where it says nothing; one picture is what made one picture."""


def made_by_fooocus(found: PictureSettings) -> PictureSettings:
    """Return the settings of a picture of Fooocus's as they are meant; others as they are."""
    if (found.version or "").startswith(OWN_NAME):
        return found
    unstated = {k: value for k, value in _UNSTATED.items() if getattr(found, k) is None}
    meant: dict[str, Any] = {**unstated, **_switch(found)}
    arguments, problems = {**found.arguments, "rendering": FOOOCUS}, found.problems
    try:
        arguments[NAME] = _texts(found)
    except RequestError as error:
        problems = (*problems, f"The full texts are left out: {error.detail}")
    return dataclasses.replace(found, **meant, arguments=arguments, problems=problems)


def _texts(found: PictureSettings) -> OriginalTexts | None:
    """Return the texts that were encoded. Raises RequestError if nobody would encode them."""
    if not found.full_prompt:
        return None
    last = found.full_prompt[-1]
    return read(
        {
            "full_prompt": found.full_prompt,
            "full_negative_prompt": found.full_negative_prompt or ("",),
            "prompt_expansion": last if last == found.prompt_expansion else "",
            "styles": found.styles or (),
        }
    )


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
