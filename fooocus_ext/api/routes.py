"""The extension's own HTTP routes, /fooocus/v1/*: what there is, and pictures from few words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Optional

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field, StrictBool, create_model, root_validator, validator

from fooocus_ext import __version__, args, fields
from fooocus_ext.errors import RequestError, describe
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS, DEFAULT_ASPECT_RATIO
from fooocus_ext.presets.files import PresetLibrary
from fooocus_ext.presets.performance import PERFORMANCES
from fooocus_ext.prompting.rewrite import RewrittenPrompt
from fooocus_ext.prompting.styles import StyleLibrary

PREFIX = "/fooocus/v1"
MAX_IMAGES = 32
MAX_SEED = 2**63 - 1 - MAX_IMAGES
MAX_TEXT = 20_000


@dataclass(frozen=True)
class Pictures:
    """What a job gave: base64 pictures, each with its infotext and seed."""

    images: list[str]
    infotexts: list[str]
    seeds: list[int]


@dataclass(frozen=True)
class Services:
    """What the routes need from the rest of the extension and from the host.

    Attributes:
        styles: the styles there are.
        presets: the presets there are.
        reload: reads the users' files again.
        rewrite: one picture's texts from prompt, negative prompt, seed and settings.
        expand: continues texts, each with its seed.
        make_pictures: runs one job in the host's queue.
        release_refiner: frees the resident refiner; returns its title, if there was one.
    """

    styles: Callable[[], StyleLibrary]
    presets: Callable[[], PresetLibrary]
    reload: Callable[[], None]
    rewrite: Callable[[str, str, int, args.Settings], RewrittenPrompt]
    expand: Callable[[Sequence[str], Sequence[int]], Sequence[str]]
    make_pictures: Callable[[Any, args.Settings], Pictures]
    release_refiner: Callable[[], str | None]


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

    @classmethod
    def validate(cls, value: Any) -> Any:
        """Refuse a list: pydantic would make an empty one an object without fields."""
        if isinstance(value, list):
            raise TypeError("allowed: an object")
        return super().validate(value)

    @validator("image_number", "seed", "steps", "count", pre=True, check_fields=False)
    def _is_whole(cls, value: Any) -> Any:  # noqa: N805
        """Refuse what pydantic would cut down to a whole number."""
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError(f"got {describe(value)}; allowed: a whole number")
        return value


class _PictureWords(Strict):
    prompt: str = Field("", max_length=MAX_TEXT)
    negative_prompt: str = Field("", max_length=MAX_TEXT)
    image_number: int = Field(1, ge=1, le=MAX_IMAGES, description="Picture i gets seed + i.")
    seed: int = Field(-1, ge=-1, le=MAX_SEED, description="-1 draws one.")
    base_model: str = Field("", description="A checkpoint title; empty keeps the active one.")
    cfg_scale: Optional[float] = Field(None, ge=1.0, le=30.0)  # noqa: UP045  (pydantic 1)
    steps: Optional[int] = Field(None, ge=1, le=150)  # noqa: UP045


_DEFAULTS = {"performance": "Speed", "aspect_ratio": DEFAULT_ASPECT_RATIO}


def _as_model_field(field: fields.Field) -> tuple[Any, Any]:
    text = Literal[field.choices] if field.choices else str
    types: dict[str, Any] = {
        "flag": StrictBool,
        "number": float,
        "choice": text,
        "name": text,
        "names": list[text],  # type: ignore[valid-type]
    }
    limits = {"ge": field.minimum, "le": field.maximum} if field.kind == "number" else {}
    default = _DEFAULTS.get(field.name, field.default)
    default = list(default) if isinstance(default, tuple) else default
    return types[field.kind], Field(default, description=field.help, **limits)


PictureRequest = create_model(
    "PictureRequest",
    __base__=_PictureWords,
    **{field.name: _as_model_field(field) for field in args.FIELDS if field.name != "enabled"},
)
PictureRequest.__doc__ = "A picture from few words: everything but the prompt has a default."


class PreviewRequest(Strict):
    """Texts to put together without making a picture."""

    prompt: str = Field("", max_length=MAX_TEXT)
    negative_prompt: str = Field("", max_length=MAX_TEXT)
    styles: list[str] = Field(default_factory=list, max_items=100)
    seed: int = Field(0, ge=0, le=MAX_SEED)
    expansion: StrictBool = False


class ExpandRequest(Strict):
    """A prompt to continue, ``count`` times, with the seeds seed, seed + 1, ..."""

    prompt: str = Field(..., max_length=MAX_TEXT)
    seed: int = Field(0, ge=0, le=MAX_SEED)
    count: int = Field(1, ge=1, le=MAX_IMAGES)


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


def router(services: Services) -> APIRouter:
    """Return the routes, ready to be included in the host's application."""
    routes = APIRouter(prefix=PREFIX, tags=["Fooocus"])
    _add_lists(routes, services)
    _add_texts(routes, services)
    _add_actions(routes, services)
    return routes


def _add_lists(routes: APIRouter, services: Services) -> None:
    @routes.get("/schema", summary="JSON schema of the object in alwayson_scripts.Fooocus.args")
    def schema() -> dict[str, Any]:
        return {**args.json_schema(), "version": __version__}

    @routes.get("/styles", summary="The styles there are, and what of the files was not usable")
    def styles() -> dict[str, Any]:
        library = services.styles()
        return {
            "styles": [
                {
                    "name": style.name,
                    "group": style.group,
                    "prompt": style.prompt,
                    "negative_prompt": style.negative_prompt,
                }
                for style in library.styles
            ],
            "special": ["Fooocus V2", "Random Style"],
            "problems": [str(problem) for problem in library.problems],
        }

    @routes.get("/presets", summary="The presets there are, in Fooocus's own keys")
    def presets() -> dict[str, Any]:
        library = services.presets()
        return {
            "presets": {name: preset.to_json() for name, preset in library.presets.items()},
            "problems": [str(problem) for problem in library.problems],
        }

    @routes.get("/performances", summary="The performance modes")
    def performances() -> list[dict[str, Any]]:
        return [
            {
                "name": mode.name,
                "steps": mode.steps,
                "sampler": mode.sampler,
                "scheduler": mode.scheduler,
                "cfg_scale": mode.cfg_scale,
                "lora": mode.lora,
                "lora_weight": mode.lora_weight,
            }
            for mode in PERFORMANCES.values()
        ]

    @routes.get("/aspect-ratios", summary="The picture sizes")
    def aspect_ratios() -> list[dict[str, Any]]:
        return [
            {"value": value, "label": size.label, "width": size.width, "height": size.height}
            for value, size in ASPECT_RATIOS.items()
        ]


def _add_texts(routes: APIRouter, services: Services) -> None:
    @routes.post("/styles/preview", summary="The final texts of a prompt with styles")
    def preview(request: PreviewRequest) -> dict[str, Any]:
        with as_http_error():
            settings = args.Settings().replace(styles=request.styles, expansion=request.expansion)
            text = services.rewrite(request.prompt, request.negative_prompt, request.seed, settings)
        return {
            "prompt": text.positive,
            "negative_prompt": text.negative,
            "styles": list(text.applied_styles),
            "expansion": text.expansion,
            "notes": list(text.notes),
        }

    @routes.post("/expand", summary="Continuations of a prompt")
    def expand(request: ExpandRequest) -> dict[str, list[str]]:
        seeds = [request.seed + number for number in range(request.count)]
        with as_http_error():
            return {"expansions": list(services.expand([request.prompt] * request.count, seeds))}


def _add_actions(routes: APIRouter, services: Services) -> None:
    @routes.post("/reload", summary="Read the styles and presets on disk again")
    def reload() -> dict[str, int]:
        services.reload()
        return {"styles": len(services.styles()), "presets": len(services.presets().presets)}

    @routes.post("/txt2img", summary="Pictures from few words")
    def txt2img(request: PictureRequest) -> dict[str, Any]:  # type: ignore[valid-type]
        with as_http_error():
            pictures = services.make_pictures(request, settings_of(request))
        return {
            "images": pictures.images,
            "infotexts": pictures.infotexts,
            "seeds": pictures.seeds,
        }

    @routes.post("/refiner/release", summary="Free the refiner that is kept in memory")
    def release_refiner() -> dict[str, Optional[str]]:  # noqa: UP045
        return {"released": services.release_refiner()}


@contextmanager
def as_http_error() -> Iterator[None]:
    """Answer a request that cannot be honoured with its own status instead of 500."""
    try:
        yield
    except RequestError as error:
        raise HTTPException(status_code=error.status_code, detail=error.detail) from error


def surplus_problem(slots: Sequence[Any]) -> str | None:
    """Return what is wrong with positional values that no field takes, or None."""
    if len(slots) <= len(args.FIELDS):
        return None
    names = ", ".join(field.name for field in args.FIELDS)
    return (
        f"Fooocus: got {len(slots)} values in args; allowed: at most {len(args.FIELDS)} ({names})."
    )
