"""The bodies of requests to the extension's routes: their shapes, their limits and what they mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Optional, get_args, get_origin

from PIL import Image
from pydantic import BaseModel, Field, StrictBool, create_model, root_validator

from fooocus_ext import args, edit, fields, original_texts
from fooocus_ext.api.base import PREFIX, fields_of
from fooocus_ext.errors import RequestError, describe, writable
from fooocus_ext.images import decoding
from fooocus_ext.limits import CFG_SCALE, IMAGE_NUMBER, MAX_ITEMS, MAX_TEXT_LENGTH, SEED
from fooocus_ext.metadata.values import MAX_SOURCE_LENGTH
from fooocus_ext.presets.aspect_ratios import DEFAULT_ASPECT_RATIO

_BASIC: Mapping[type, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    dict: "an object",
}
"""What JSON has for the types that pydantic makes of almost anything, in words."""


class Strict(BaseModel):
    """A request body that refuses what it does not know, and what no JSON answer can carry."""

    class Config:  # noqa: D106  (pydantic's)
        extra = "forbid"

    @root_validator(pre=True, allow_reuse=True)
    def _is_json(cls, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N805  (pydantic's)
        """Refuse what Python reads as JSON but no answer can carry, such as an error that quotes it."""
        try:
            json.dumps(values, ensure_ascii=False, allow_nan=False).encode()
        except ValueError:
            raise ValueError("allowed: no NaN, no infinity, no half characters") from None
        return values

    @root_validator(pre=True, allow_reuse=True)
    def _is_as_typed(cls: Any, values: Any) -> Any:  # noqa: N805
        """Refuse what pydantic would make a number, text or object of, cut down or not quote."""
        problems = [
            problem
            for name, value in (values.items() if isinstance(values, dict) else ())
            for problem in _misfits(cls, name, value)
        ]
        if problems:
            raise ValueError(" ".join(problems))
        return values

    @classmethod
    def validate(cls, value: Any) -> Any:
        """Refuse what is no object: pydantic 1 would make one without fields of an empty list or text."""
        if not isinstance(value, (dict, cls)):
            raise TypeError("allowed: an object")
        return super().validate(value)


def _innermost_type(model: type[BaseModel], name: str) -> Any:
    """Return the type of a field's value, or of a list's items; None for a field that there is not."""
    field = fields_of(model).get(name)
    found = getattr(field, "type_", None) or getattr(field, "annotation", None)  # pydantic 1, or 2
    outer = getattr(field, "outer_type_", found)  # pydantic 1 has only here that it is an object
    found = outer if get_origin(outer) is dict else found
    while inner := [each for each in get_args(found) if each is not type(None)]:
        if get_origin(found) is dict:
            return dict
        found = inner[-1]
    return found


def _range(model: type[BaseModel], name: str) -> tuple[float, float] | None:
    """Return the least and the largest number that a field may be; None if it has no such limits."""
    field = fields_of(model).get(name)
    info = getattr(field, "field_info", None)  # of pydantic 1; 2 has an object for each limit
    holders = getattr(field, "metadata", ()) if info is None else (info,)
    limits = {
        limit: getattr(holder, limit)
        for holder in holders
        for limit in ("ge", "le")
        if getattr(holder, limit, None) is not None
    }
    return (limits["ge"], limits["le"]) if len(limits) > 1 else None


def _misfits(model: type[BaseModel], name: str, value: Any) -> Iterator[str]:
    """Yield a sentence if a value, or an item of a list, is of another basic type or out of range."""
    wanted = _innermost_type(model, name)
    if not isinstance(wanted, type) or wanted in (bool, StrictBool):
        return
    basic = next((each for each in _BASIC if issubclass(wanted, each)), None)
    limits = _range(model, name)
    for item in value if isinstance(value, list) and basic is not dict else (value,):
        if basic is None or item is None:
            continue
        if not _is_of(basic, item) or (limits and not limits[0] <= item <= limits[1]):
            allowed = f"{_BASIC[basic]}{_in_words(limits)}"
            # Half a character in it would break pydantic 2, which has no other check before this one.
            yield f"{name}: got {writable(describe(item))}; allowed: {allowed}."
            return


def _in_words(limits: tuple[float, float] | None) -> str:
    if limits is None:
        return ""
    least, largest = (str(limit) if isinstance(limit, int) else f"{limit:g}" for limit in limits)
    return f" from {least} to {largest}"


def _is_of(basic: type, value: Any) -> bool:
    if basic in (str, dict):
        return isinstance(value, basic)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and (basic is float or value == value // 1)


class _PictureWords(Strict):
    prompt: str = Field("", max_length=MAX_TEXT_LENGTH)
    negative_prompt: str = Field("", max_length=MAX_TEXT_LENGTH)
    image_number: int = Field(
        1, ge=IMAGE_NUMBER.minimum, le=IMAGE_NUMBER.maximum, description="Picture i gets seed + i."
    )
    seed: int = Field(-1, ge=-1, le=SEED.maximum, description="-1 draws one.")
    base_model: str = Field("", description="A checkpoint title; empty keeps the active one.")
    cfg_scale: Optional[float] = Field(None, ge=CFG_SCALE.minimum, le=CFG_SCALE.maximum)  # noqa: UP045  (pydantic 1)
    steps: Optional[int] = Field(None, ge=1, le=150)  # noqa: UP045


ALPHA = "alpha"
"""For a mask: the transparent part of the picture."""
LARGEST_BODIES: Mapping[str, int] = {
    f"{PREFIX}/img2img": 48 * 1024 * 1024,
    f"{PREFIX}/queue/add": 80 * 1024 * 1024,
}
"""Bytes of a request's body, by path; elsewhere, they are few."""
_DEFAULTS = {"performance": "Speed", "aspect_ratio": DEFAULT_ASPECT_RATIO}


def _as_model_field(field: fields.Field) -> tuple[Any, Any]:
    text = Literal[field.choices] if field.choices else str
    is_number = field.kind in ("number", "whole")
    types: dict[str, Any] = {
        "flag": StrictBool,
        "number": float,
        "whole": int,
        "choice": text,
        "name": text,
        "names": list[text],  # type: ignore[valid-type]
        "text": str,
        "texts": dict[str, Any],
    }
    kind = types[field.kind]
    kind = kind if field.default is not None else Optional[kind]  # noqa: UP045
    limits: dict[str, Any] = {"ge": field.minimum, "le": field.maximum} if is_number else {}
    default = _DEFAULTS.get(field.name, field.default)
    default = list(default) if isinstance(default, tuple) else default
    return kind, Field(default, description=field.help, **limits)


_ARGUMENTS: dict[str, Any] = {
    field.name: _as_model_field(field) for field in args.FIELDS if field.name != "enabled"
}
PictureRequest = create_model("PictureRequest", __base__=_PictureWords, **_ARGUMENTS)
PictureRequest.__doc__ = "A picture from few words: everything but the prompt has a default."


_ENCODED = (
    f"A file ({', '.join(decoding.FORMATS)}) as base64 or as a data address, of up to "
    f"{decoding.MAX_BYTES} bytes and {decoding.MAX_PIXELS} pixels."
)


class _Pictures(PictureRequest):  # type: ignore[misc, valid-type]  # made above
    image: str = Field(..., description=f"What is edited. {_ENCODED}")
    mask: Optional[str] = Field(  # noqa: UP045
        None,
        description=f'White is made anew; "{ALPHA}" for what is transparent in the image. {_ENCODED}',
    )


_EDIT: dict[str, Any] = {field.name: _as_model_field(field) for field in edit.FIELDS}
EditRequest = create_model("EditRequest", __base__=_Pictures, **_EDIT)
EditRequest.__doc__ = "A picture that is edited; besides, what a picture from few words may have."


class PreviewRequest(Strict):
    """Texts to put together without making a picture."""

    prompt: str = Field("", max_length=MAX_TEXT_LENGTH)
    negative_prompt: str = Field("", max_length=MAX_TEXT_LENGTH)
    styles: list[str] = Field(default_factory=list, max_items=MAX_ITEMS)
    seed: int = Field(0, ge=SEED.minimum, le=SEED.maximum)
    expansion: StrictBool = False


class RemakeRequest(Strict):
    """The text of settings that a picture carries, or that a log's button copies."""

    text: str = Field(..., max_length=MAX_SOURCE_LENGTH)


class ExpandRequest(Strict):
    """A prompt to continue, ``count`` times, with the seeds seed, seed + 1, ..."""

    prompt: str = Field(..., max_length=MAX_TEXT_LENGTH)
    seed: int = Field(0, ge=SEED.minimum, le=SEED.maximum)
    count: int = Field(1, ge=IMAGE_NUMBER.minimum, le=IMAGE_NUMBER.maximum)


def settings_of(request: Any) -> args.Settings:
    """Return the settings within a picture request. Raises RequestError.

    A preset decides whatever the request does not name itself, so with one the route's own
    defaults give way to the table's, which a preset replaces; what is named is kept.
    """
    names = [field.name for field in args.FIELDS if field.name != "enabled"]
    if request.preset != args.NONE:
        names = [name for name in names if name in request.__fields_set__]
    settings = args.Settings().replace(
        enabled=True, **{name: getattr(request, name) for name in names}
    )
    kept = [name for name in ("steps", "cfg_scale") if getattr(request, name) is not None]
    if settings.preset != args.NONE:
        kept += [name for name in names if name in args.KEEPABLE and settings.is_open(name)]
    return settings.keeping(*kept)


def edit_of(request: Any) -> edit.Edit:
    """Return the edit within a request. Raises RequestError."""
    named = {field.name for field in edit.FIELDS} & request.__fields_set__
    if "aspect_ratio" in request.__fields_set__:
        raise RequestError(
            "aspect_ratio: allowed: none here, as the picture has a size of its own."
        )
    found = edit.from_dict({name: getattr(request, name) for name in named})
    texts = original_texts.read(request.original_texts)
    if found.additional_prompt and texts is not None and not texts.of:
        raise RequestError(
            f"additional_prompt: got {describe(found.additional_prompt)} beside {original_texts.NAME}; "
            "allowed: one of them, as those texts are encoded whatever the prompt is."
        )
    return found


def pictures_of(request: Any) -> tuple[Image.Image, tuple[Image.Image, ...]]:
    """Return the picture that is edited, in RGB, and its masks: one or none. Raises RequestError."""
    image = decoding.from_base64(request.image, "image")
    if request.mask is None:
        return decoding.opaque(image), ()
    if request.mask == ALPHA:
        if image.mode != "RGBA":
            raise RequestError(f'mask: got "{ALPHA}"; allowed: a mask, as nothing is transparent.')
        return decoding.opaque(image), (decoding.transparency(image),)
    return decoding.opaque(image), (decoding.from_base64(request.mask, "mask"),)


def surplus_problem(slots: Sequence[Any]) -> str | None:
    """Return what is wrong with positional values that no field takes, or None."""
    if len(slots) <= len(args.FIELDS):
        return None
    names = ", ".join(field.name for field in args.FIELDS)
    return (
        f"Fooocus: got {len(slots)} values in args; allowed: at most {len(args.FIELDS)} ({names})."
    )
