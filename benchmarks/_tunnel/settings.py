"""What the wind tunnel compares: ways to make the same pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks._host import NO_TRICKS

REFINER = "the checkpoint whose title has this word: refiner"
"""stands in `Setting.arguments` for a title that only the running host knows"""
CFG_SCALE = 3.0
"""of every setting but those that vary it: what the pocket model looks best at"""
ADM = {"adm_positive": 1.5, "adm_negative": 0.8}
DEFAULT_STYLES = ("Fooocus V2", "Fooocus Enhance", "Fooocus Sharp")
"""the styles that the tab starts with"""
GENTLE_START = 3.0
"""adaptive CFG starts here; Fooocus's 7 would leave CFG scales up to 7 as they are"""


@dataclass(frozen=True)
class Setting:
    """One way to make the pictures.

    Attributes:
        name: what the table calls it; unique.
        group: what ``--only`` calls it and its like.
        arguments: the extension's, where they differ from ``NO_TRICKS``; None for the extension switched off.
        cfg_scale: the request's CFG scale.
        baseline: the name of the setting that it is compared with, picture by picture.
    """

    name: str
    group: str
    arguments: Mapping[str, Any] | None = None
    cfg_scale: float = CFG_SCALE
    baseline: str = "plain"

    def script_arguments(self, refiner: str) -> dict[str, Any] | None:
        """Return the extension's arguments, ``refiner`` being the title of the refiner's checkpoint."""
        if self.arguments is None:
            return None
        given = {**NO_TRICKS, **self.arguments}
        return {key: refiner if value == REFINER else value for key, value in given.items()}


def _at_cfg(scale: float) -> list[Setting]:
    plain = f"plain, CFG {scale:g}"
    adaptive = Setting(
        f"adaptive CFG {GENTLE_START:g} to {scale:g}",
        "adaptive",
        {"adaptive_cfg": GENTLE_START},
        scale,
        plain,
    )
    return [Setting(plain, "adaptive", None, scale), adaptive]


def _refined(method: str, switch: float) -> Setting:
    arguments = {"refiner": REFINER, "refiner_method": method, "refiner_switch": switch}
    return Setting(f"refiner {method} at {switch:g}", "refiner", arguments)


def _all(cfg_scale: float, adaptive: float, baseline: str) -> Setting:
    arguments = {
        **ADM,
        "sharpness": 2.0,
        "adaptive_cfg": adaptive,
        "refiner": REFINER,
        "refiner_method": "joint",
        "refiner_switch": 0.8,
    }
    return Setting(f"all tricks, CFG {cfg_scale:g}", "all", arguments, cfg_scale, baseline)


SETTINGS: Sequence[Setting] = (
    Setting("plain", "plain"),
    *(Setting(f"sharpness {s:g}", "sharpness", {"sharpness": s}) for s in (2.0, 10.0, 30.0)),
    *(Setting(f"ADM 1.5/0.8, end {end:g}", "adm", {**ADM, "adm_end": end}) for end in (0.3, 1.0)),
    *(setting for scale in (4.0, 7.0, 12.0) for setting in _at_cfg(scale)),
    Setting("adaptive CFG 7 to 12", "adaptive", {"adaptive_cfg": 7.0}, 12.0, "plain, CFG 12"),
    *(_refined(method, switch) for switch in (0.6, 0.8) for method in ("joint", "separate")),
    Setting("expansion on", "words", {"expansion": True}),
    Setting("default styles on", "words", {"styles": list(DEFAULT_STYLES)}),
    _all(CFG_SCALE, 7.0, "plain"),
    _all(7.0, GENTLE_START, "plain, CFG 7"),
)
"""Plain is also "ADM off", "no refiner" and "sharpness 0": the extension is off in it."""
GROUPS = tuple(dict.fromkeys(setting.group for setting in SETTINGS))


def chosen(groups: Sequence[str]) -> list[Setting]:
    """Return the settings of these groups, plain, and whatever they are compared with, in order."""
    wanted = [setting for setting in SETTINGS if setting.group in groups]
    names = {setting.name for setting in wanted} | {setting.baseline for setting in wanted}
    return [s for s in SETTINGS if s.name in names or s.name == "plain"]
