"""The extension's own HTTP routes, /fooocus/v1/*: what there is, and pictures from few words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Optional

from fastapi import APIRouter
from PIL import Image

from fooocus_ext import __version__, args
from fooocus_ext.api.base import as_http_error, new_router
from fooocus_ext.api.bodies import (
    EditRequest,
    ExpandRequest,
    PictureRequest,
    PreviewRequest,
    RemakeRequest,
    edit_of,
    pictures_of,
    settings_of,
)
from fooocus_ext.edit import Edit
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS
from fooocus_ext.presets.files import PresetLibrary
from fooocus_ext.presets.performance import PERFORMANCES
from fooocus_ext.prompting.rewrite import RewrittenPrompt
from fooocus_ext.prompting.styles import SPECIAL_STYLES, StyleLibrary


@dataclass(frozen=True)
class Pictures:
    """What a job gave: base64 pictures, each with its infotext and seed; and sentences about it."""

    images: list[str]
    infotexts: list[str]
    seeds: list[int]
    notes: list[str] = field(default_factory=list)


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
        edit_picture: the same for a job that edits a picture by its masks.
        remake: makes the picture again whose settings a text states.
        release_refiner: frees the resident refiner; returns its title, if there was one.
    """

    styles: Callable[[], StyleLibrary]
    presets: Callable[[], PresetLibrary]
    reload: Callable[[], None]
    rewrite: Callable[[str, str, int, args.Settings], RewrittenPrompt]
    expand: Callable[[Sequence[str], Sequence[int]], Sequence[str]]
    make_pictures: Callable[[Any, args.Settings], Pictures]
    edit_picture: Callable[[Any, args.Settings, Edit, Image.Image, Sequence[Image.Image]], Pictures]
    remake: Callable[[str], Pictures]
    release_refiner: Callable[[], str | None]


def router(services: Services) -> APIRouter:
    """Return the routes, ready to be included in the host's application."""
    routes = new_router()
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
            "special": list(SPECIAL_STYLES),
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

    @routes.post("/img2img", summary="A picture edited: a part made anew, grown, varied, upscaled")
    def img2img(request: EditRequest) -> dict[str, Any]:  # type: ignore[valid-type]
        with as_http_error():
            edit, settings = edit_of(request), settings_of(request)
            pictures = services.edit_picture(request, settings, edit, *pictures_of(request))
        return asdict(pictures)

    @routes.post("/remake", summary="The picture again whose settings a text states")
    def remake(request: RemakeRequest) -> dict[str, Any]:
        with as_http_error():
            pictures = services.remake(request.text)
        return asdict(pictures)

    @routes.post("/refiner/release", summary="Free the refiner that is kept in memory")
    def release_refiner() -> dict[str, Optional[str]]:  # noqa: UP045
        return {"released": services.release_refiner()}
