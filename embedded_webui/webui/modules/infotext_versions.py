"""Old infotexts as their version meant them; doubles the host's `modules/infotext_versions.py`.

An infotext names the version that wrote it.  Where a later version changed behaviour behind an
option, the option is switched back for that text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from packaging import version

from modules import shared

v180_hr_styles = version.parse("1.8.0-139")

_BACKWARDS: list[tuple[version.Version, str, Callable[[dict[str, Any]], bool]]] = [
    (version.parse("1.6.0"), "Old prompt editing timelines", lambda d: "[" in d.get("Prompt", "")),
    (version.parse("1.6.0"), "Pad conds v0", lambda d: d.get("Sampler", "") in ("DDIM", "PLMS")),
    (version.parse("v1.7.0-225"), "Downcast alphas_cumprod", lambda d: True),
    (version.parse("1.8.0"), "Refiner switch by sampling steps", lambda d: bool(d.get("Refiner"))),
]


def parse_version(text: str | None) -> version.Version | None:
    """The version in "v1.7.0-225-gabc" and the like (without the commit); None if it is not one."""
    if text is None:
        return None
    match = re.match(r"([^-]+-[^-]+)-.*", text)
    try:
        return version.parse(match.group(1) if match else text)
    except version.InvalidVersion:
        return None


def backcompat(d: dict[str, Any]) -> None:
    """Adds to the parsed infotext `d` the options that its version had no choice about."""
    if not getattr(shared.opts, "auto_backcompat", True):
        return
    written_by = parse_version(d.get("Version"))
    if written_by is None:
        return
    for before, label, applies in _BACKWARDS:
        if written_by < before and applies(d):
            d[label] = True
