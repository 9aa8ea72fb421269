"""Doubles modules/api/models.py.

Requests and responses; the generation requests mirror the processing classes.
"""

from __future__ import annotations

import inspect
from typing import Any

from pydantic import BaseModel, Field, create_model

from modules.processing import StableDiffusionProcessingImg2Img, StableDiffusionProcessingTxt2Img
from modules.shared import opts, parser

API_NOT_ALLOWED = frozenset(
    (
        "self",
        "kwargs",
        "sd_model",
        "outpath_samples",
        "outpath_grids",
        "sampler_index",
        "extra_generation_params",
        "overlay_images",
        "do_not_reload_embeddings",
        "seed_enable_extras",
        "prompt_for_display",
        "sampler_noise_scheduler_override",
        "ddim_discretize",
    )
)
TYPES = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "list": list,
    "dict": dict,
    "list[str]": list[str],
    "Any": Any,
    "dict[str, Any]": dict[str, Any],
    "Image": str,
    "object": Any,
}
SMALLEST_SIDE = 1
"""of a picture: the host takes smaller numbers and fails on them with a status of 500"""
COMMON_FIELDS: dict[str, tuple[Any, Any]] = {
    "sampler_index": (str, "Euler"),
    "script_name": (str | None, None),
    "script_args": (list, []),
    "send_images": (bool, True),
    "save_images": (bool, False),
    "alwayson_scripts": (dict, {}),
    "force_task_id": (str | None, None),
    "infotext": (str | None, None),
}
IMG2IMG_FIELDS: dict[str, tuple[Any, Any]] = {
    "init_images": (list | None, None),
    "denoising_strength": (float, 0.75),
    "mask": (str | None, None),
    "include_init_images": (bool, Field(default=False, exclude=True)),
}


def _request_model(processing_class, extra: dict[str, tuple[Any, Any]]):
    fields: dict[str, tuple[Any, Any]] = {}
    for name, parameter in inspect.signature(processing_class.__init__).parameters.items():
        if name in API_NOT_ALLOWED:
            continue
        default = None if isinstance(parameter.default, property) else parameter.default
        smallest = SMALLEST_SIDE if name in ("width", "height") else None
        fields[name] = (TYPES[parameter.annotation] | None, Field(default=default, ge=smallest))
    return create_model(processing_class.__name__, **{**fields, **extra})


StableDiffusionTxt2ImgProcessingAPI = _request_model(
    StableDiffusionProcessingTxt2Img, COMMON_FIELDS
)
StableDiffusionImg2ImgProcessingAPI = _request_model(
    StableDiffusionProcessingImg2Img, {**COMMON_FIELDS, **IMG2IMG_FIELDS}
)


class TextToImageResponse(BaseModel):
    """Pictures in base64, the request, and Processed.js()."""

    images: list[str] | None = None
    parameters: dict
    info: str


class ImageToImageResponse(TextToImageResponse):
    """The same."""


class PNGInfoRequest(BaseModel):
    """A picture in base64."""

    image: str


class PNGInfoResponse(BaseModel):
    """Its infotext, its other texts, the infotext parsed."""

    info: str
    items: dict
    parameters: dict


class ProgressRequest(BaseModel):
    """Whether the preview is wanted."""

    skip_current_image: bool = False


class ProgressResponse(BaseModel):
    """Progress of the running job in 0..1."""

    progress: float
    eta_relative: float
    state: dict
    current_image: str | None = None
    textinfo: str | None = None


class SamplerItem(BaseModel):
    """A sampler."""

    name: str
    aliases: list[str]
    options: dict[str, str]


class SchedulerItem(BaseModel):
    """A schedule type."""

    name: str
    label: str
    aliases: list[str] | None
    default_rho: float | None
    need_inner_model: bool | None


class SDModelItem(BaseModel):
    """A checkpoint."""

    title: str
    model_name: str
    hash: str | None
    sha256: str | None
    filename: str
    config: str | None


class ScriptsList(BaseModel):
    """Names of the scripts of both tabs."""

    txt2img: list | None = None
    img2img: list | None = None


class ScriptArg(BaseModel):
    """One control of a script."""

    label: str | None = None
    value: Any | None = None
    minimum: Any | None = None
    maximum: Any | None = None
    step: Any | None = None
    choices: list[str] | None = None


class ScriptInfo(BaseModel):
    """A script and its controls."""

    name: str | None = None
    is_alwayson: bool | None = None
    is_img2img: bool | None = None
    args: list[ScriptArg]


def _options_model():
    fields = {}
    for key, info in opts.data_labels.items():
        kind = opts.typemap.get(type(info.default), type(info.default)) if info.default else Any
        fields[key] = (kind | None, Field(default=info.default, description=info.label))
    return create_model("Options", **fields)


def _flags_model():
    fields = {}
    for action in vars(parser)["_option_string_actions"].values():
        if action.dest != "help":
            kind = str if action.default is None else type(action.default)
            fields[action.dest] = (
                kind | None,
                Field(default=action.default, description=action.help),
            )
    return create_model("Flags", **fields)


OptionsModel = _options_model()
FlagsModel = _flags_model()
