"""What a request may say: the fields of the webui's txt2img, checked before any webui sees them.

The webui ignores names that it does not know, and takes a sampler that does not exist for another: in a
list of a hundred thousand lines nobody would notice. Here a wrong name is an error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from bulk import lists
from fooocus_ext import args
from fooocus_ext.errors import RequestError, describe, did_you_mean, is_writable

FOOOCUS = "fooocus"
SCRIPTS = "alwayson_scripts"
SETTINGS = "override_settings"
MODEL = "sd_model_checkpoint"
MAX_COUNT = 10_000
LAST_SEED = 2**32 - 1
RANDOM = -1
MAX_SIDE = 16_384
LARGEST = sys.float_info.max
_REFUSED = object()


class Kind(NamedTuple):
    """How a value is checked: its canonical form, or `_REFUSED`; and what is allowed, in words."""

    check: Callable[[Any], Any]
    allowed: str
    reads_text: bool = True
    """Whether a text of CSV is read as JSON first."""


class Wanted(NamedTuple):
    """What one line asks for.

    Attributes:
        request: the body for `/sdapi/v1/txt2img`; a seed of -1 is one that nobody chose.
        id: the name that its author gave it, or "".
        copies: how many pictures, with seeds that count up.
    """

    request: dict[str, Any]
    id: str
    copies: int


def _whole(minimum: int, maximum: int) -> Kind:
    def check(value: Any) -> Any:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        good = (
            isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum
        )
        return value if good else _REFUSED

    return Kind(check, f"a whole number from {minimum} to {maximum}")


def _number(minimum: float, maximum: float) -> Kind:
    def check(value: Any) -> Any:
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        return float(value) if good and minimum <= value <= maximum else _REFUSED

    return Kind(check, f"a number from {minimum:g} to {maximum:g}")


def _of(kind: type, allowed: str, *, reads_text: bool = True) -> Kind:
    return Kind(lambda value: value if isinstance(value, kind) else _REFUSED, allowed, reads_text)


def _only(only: Any) -> Kind:
    return Kind(lambda value: value if value == only else _REFUSED, f"only {json.dumps(only)} here")


def _check_names(value: Any) -> Any:
    good = isinstance(value, list) and all(isinstance(name, str) for name in value)
    return value if good else _REFUSED


def _check_settings(value: Any) -> Any:
    good = isinstance(value, dict) and isinstance(value.get(MODEL), str | None)
    return value if good else _REFUSED


def _check_id(value: Any) -> Any:
    good = isinstance(value, (str, int)) and is_writable(str(value))
    return str(value) if good else _REFUSED


TEXT = _of(str, "a text", reads_text=False)
FLAG = _of(bool, "true or false")
OBJECT = _of(dict, "an object")
ANY_NUMBER = _number(-LARGEST, LARGEST)
SIDE = _whole(8, MAX_SIDE)
SEED = _whole(RANDOM, LAST_SEED)
STEPS = _whole(1, 1000)
UNIT = _number(0, 1)

FIELDS: dict[str, Kind] = {
    **dict.fromkeys(("prompt", "negative_prompt", "hr_prompt", "hr_negative_prompt"), TEXT),
    **dict.fromkeys(("sampler_name", "scheduler", "hr_sampler_name", "hr_scheduler"), TEXT),
    **dict.fromkeys(("refiner_checkpoint", "hr_checkpoint_name", "hr_upscaler"), TEXT),
    "styles": Kind(_check_names, "a list of names"),
    "seed": SEED,
    "subseed": SEED,
    "subseed_strength": UNIT,
    "seed_resize_from_h": _whole(-1, MAX_SIDE),
    "seed_resize_from_w": _whole(-1, MAX_SIDE),
    "width": SIDE,
    "height": SIDE,
    "firstphase_width": _whole(0, MAX_SIDE),
    "firstphase_height": _whole(0, MAX_SIDE),
    "hr_resize_x": _whole(0, MAX_SIDE),
    "hr_resize_y": _whole(0, MAX_SIDE),
    "hr_scale": _number(1, 8),
    "steps": STEPS,
    "hr_second_pass_steps": _whole(0, 1000),
    "cfg_scale": _number(0, 100),
    "denoising_strength": UNIT,
    "refiner_switch_at": UNIT,
    **dict.fromkeys(("eta", "s_min_uncond", "s_churn", "s_tmax", "s_tmin", "s_noise"), ANY_NUMBER),
    **dict.fromkeys(("restore_faces", "tiling", "enable_hr", "disable_extra_networks"), FLAG),
    SCRIPTS: OBJECT,
    SETTINGS: Kind(_check_settings, f"an object, whose {MODEL} is a text if it has one"),
    "override_settings_restore_afterwards": _only(True),  # else the next picture has another model
    "batch_size": _only(1),  # one request, one picture: `count` asks for more
    "n_iter": _only(1),
    "send_images": _only(True),
    "save_images": _only(False),
}
OURS: dict[str, Kind] = {
    "id": Kind(_check_id, "a text in UTF-8 or a whole number", reads_text=False),
    "count": _whole(1, MAX_COUNT),
    FOOOCUS: OBJECT,
}
KNOWN = {**FIELDS, **OURS}
NOT_SENT = (
    "batch_size",
    "n_iter",
    "send_images",
    "save_images",
    "override_settings_restore_afterwards",
)
"""They can only have the value that they have anyway."""


def wanted(fields: Mapping[str, Any], defaults: Mapping[str, Any], *, is_text: bool) -> Wanted:
    """Return what a line asks for, completed by the defaults.

    Args:
        fields: the line's.
        defaults: the same fields for every line that does not have them; of objects, field by field.
        is_text: the values are texts that may stand for something else, as in CSV.

    Raises:
        RequestError: names everything that is wrong.
    """
    problems: list[str] = []
    values = _checked(_typed(fields) if is_text else fields, problems)
    values = _over(defaults, values)
    copies, seed = values.get("count", 1), values.get("seed", RANDOM)
    if seed + copies - 1 > LAST_SEED:
        problems.append(f"count: the seeds from {seed} on are too few; the last is {LAST_SEED}.")
    if SCRIPTS in values or FOOOCUS in values:
        try:
            values[SCRIPTS] = _scripts(values)
        except RequestError as error:
            problems.append(error.detail)
    if problems:
        raise RequestError(" ".join(problems))
    request = {name: value for name, value in values.items() if name not in OURS}
    for name in NOT_SENT:
        request.pop(name, None)
    request.setdefault("seed", RANDOM)
    return Wanted(request, values.get("id", ""), copies)


def checked_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a file of defaults in canonical form. Raises RequestError."""
    problems = ["id: each line has its own."] if "id" in values else []
    found = _checked(values, problems)
    if problems:
        raise RequestError(" ".join(problems))
    return found


def _checked(fields: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in fields.items():
        kind = KNOWN.get(name)
        if kind is None:
            problems.append(f"{name}: there is no such field{_similar_fields(name)}.")
            continue
        checked = kind.check(value)
        if checked is _REFUSED:
            problems.append(f"{name}: got {describe(value)}; allowed: {kind.allowed}.")
        else:
            found[name] = checked
    return found


@lru_cache(maxsize=1000)
def _similar_fields(name: str) -> str:
    """Return what may be meant; a wrong column is in every line."""
    return did_you_mean(name, KNOWN)


def _over(defaults: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with the defaults below them; objects are merged field by field."""
    merged = {**defaults, **values}
    for name in (FOOOCUS, SETTINGS):
        if name in defaults and name in values:
            merged[name] = {**defaults[name], **values[name]}
    return merged


def _typed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of a CSV as what they stand for; what stands for nothing else is a text."""
    found: dict[str, Any] = {}
    for name, cell in fields.items():
        if isinstance(cell, dict):
            found[name] = {
                inner: text if inner == MODEL else _value(text) for inner, text in cell.items()
            }
        else:
            kind = KNOWN.get(name)
            found[name] = _value(cell) if kind and kind.reads_text else cell
    return found


def _value(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return lists.parse(text)
    except ValueError:
        return text


def _scripts(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scripts of a request, ours checked and in one form."""
    scripts = dict(values.get(SCRIPTS, {}))
    ours = [name for name in scripts if name.lower() == FOOOCUS]
    if ours and FOOOCUS in values:
        raise RequestError(f"{FOOOCUS}: is given in {SCRIPTS} too; allowed: one of the two.")
    if len(ours) > 1:
        raise RequestError(f"{SCRIPTS}: got {' and '.join(ours)}; allowed: one of them.")
    if FOOOCUS in values:
        slots = [{"enabled": True, **values[FOOOCUS]}]
    elif ours:
        script = scripts.pop(ours[0])
        if not isinstance(script, dict) or not isinstance(script.get("args", []), list):
            raise RequestError(f'{SCRIPTS}.{ours[0]}: allowed: an object with a list "args".')
        slots = script.get("args", [])
    else:
        return scripts
    return {**scripts, args.TITLE: {"args": _canonical_slots(json.dumps(slots))}}


@lru_cache(maxsize=1000)
def _canonical_slots(slots: str) -> list[Any]:
    given = json.loads(slots)
    settings = args.parse(given).as_dict()
    if given and isinstance(given[0], dict):
        return [{name: settings[name] for name in given[0]}]
    return given  # type: ignore[no-any-return]  # values by position
