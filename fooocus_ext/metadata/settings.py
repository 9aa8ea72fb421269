"""The settings of one picture: one type for every source, and one table of how each is written.

``ENTRIES`` is the table: under which key Fooocus's JSON stores a value, how the log and Fooocus's other
forms label it, how it is read and how it is written. Our arguments that Fooocus does not have are
stored under their own names and need no row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fooocus_ext.args import FIELDS, FIELDS_BY_NAME, Settings
from fooocus_ext.data_files import DataFileError
from fooocus_ext.errors import RequestError
from fooocus_ext.fields import Field, as_json
from fooocus_ext.limits import CLIP_SKIP
from fooocus_ext.metadata import values
from fooocus_ext.presets.file_names import file_stem
from fooocus_ext.presets.performance import PERFORMANCES, Performance
from fooocus_ext.prompting.embeddings import bare_embeddings
from fooocus_ext.readers import Reader, flag, name

SCHEME_KEY, JSON_SCHEME, TEXT_SCHEME = "metadata_scheme", "fooocus", "a1111"
RUINED_SCHEME = "ruinedfooocus"
OWN_NAME = "sd-webui-fooocus"
"""How the version of our own pictures begins."""


@dataclass(frozen=True)
class PictureSettings:
    """What made a picture, or what a preset asks for; None where the source does not say.

    Attributes:
        prompt: as typed; likewise ``negative_prompt``.
        styles: names in order, "Fooocus V2" and "Random Style" among them.
        performance: a mode's name.
        steps: sampling steps.
        size: (width, height) in pixels.
        guidance_scale: CFG scale.
        sharpness: this and the next four as in ``args.Settings``.
        adm_positive: see ``args.Settings``.
        adm_negative: see ``args.Settings``.
        adm_end: see ``args.Settings``.
        adaptive_cfg: see ``args.Settings``.
        base_model: a checkpoint, perhaps without its folder and ending.
        refiner: likewise; "None" for none.
        refiner_switch: fraction of the steps, 0..1.
        refiner_method: "joint" or "separate", or one of Fooocus's own.
        sampler: Fooocus's name or the host's; likewise ``scheduler``.
        vae: a file, perhaps without its folder and ending; "Default (model)" for the checkpoint's own.
        modules: files that Forge adds to a checkpoint, VAEs and text encoders; named as ``vae``.
        seed: 0..2**64 - 1.
        loras: (name, weight) in order; names as for ``base_model``.
        full_prompt: the texts that were encoded; likewise ``full_negative_prompt``.
        version: the program that made the picture.
        prompt_expansion: the expansion's text; this and the next four are Fooocus's own.
        clip_skip: layers of the text encoder, 1..12.
        overwrite_switch: refiner switch in steps, -1 for none.
        freeu: FreeU's four numbers.
        created_by: who made the picture.
        aspect_ratio: one of ``aspect_ratios.ASPECT_RATIOS``, of a preset alone.
        forced_steps: steps that replace the performance's, -1 for none; of a preset, or of a picture
            that states no ``steps``.
        image_number: pictures per job.
        arguments: the other arguments of the extension, those in ``OTHER_FIELDS``, by name.
        wildcards_in_order: whether wildcards counted through their options.
        scheme: the form they were read from: Fooocus's "fooocus" or "a1111", or "ruinedfooocus".
        others: what else the source states and has no attribute here, by the source's names and as text.
        problems: sentences about values that were left out.
    """

    prompt: str | None = None
    negative_prompt: str | None = None
    styles: tuple[str, ...] | None = None
    performance: str | None = None
    steps: int | None = None
    size: tuple[int, int] | None = None
    guidance_scale: float | None = None
    sharpness: float | None = None
    adm_positive: float | None = None
    adm_negative: float | None = None
    adm_end: float | None = None
    adaptive_cfg: float | None = None
    base_model: str | None = None
    refiner: str | None = None
    refiner_switch: float | None = None
    refiner_method: str | None = None
    sampler: str | None = None
    scheduler: str | None = None
    vae: str | None = None
    modules: tuple[str, ...] = ()
    seed: int | None = None
    loras: tuple[tuple[str, float], ...] | None = None
    full_prompt: tuple[str, ...] | None = None
    full_negative_prompt: tuple[str, ...] | None = None
    version: str | None = None
    prompt_expansion: str | None = None
    clip_skip: int | None = None
    overwrite_switch: float | None = None
    freeu: tuple[float, ...] | None = None
    created_by: str | None = None
    aspect_ratio: str | None = None
    forced_steps: int | None = None
    image_number: int | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    wildcards_in_order: bool | None = None
    scheme: str | None = None
    others: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def mode(self) -> Performance | None:
        """The performance mode; None if it is not stated, or is none that we know."""
        return PERFORMANCES.get(self.performance or "")

    def argument(self, argument: str) -> Any:
        """Return the value of one of the extension's arguments, None if it is not stated."""
        return getattr(self, argument, self.arguments.get(argument))

    def as_chosen(self) -> PictureSettings:
        """Return a copy without what the performance forced upon the picture.

        A picture made in a few steps has the mode's sampler, guidance and LoRA; what its maker had
        chosen instead is not known.
        """
        mode = self.mode
        if mode is None or not mode.distilled:
            return self
        forced = {"guidance_scale", "sampler", "scheduler", *mode.settings}
        arguments = {key: value for key, value in self.arguments.items() if key not in forced}
        own = file_stem(mode.lora or "")
        loras = self.loras and tuple(lora for lora in self.loras if file_stem(lora[0]) != own)
        nothing: dict[str, Any] = dict.fromkeys(forced & _ATTRIBUTES)
        return dataclasses.replace(self, arguments=arguments, loras=loras, **nothing)

    def with_bare_embeddings(self) -> PictureSettings:
        """Return a copy whose texts name embeddings as the webui does."""
        bare: dict[str, Any] = {}
        for key in ("prompt", "negative_prompt", "prompt_expansion"):
            bare[key] = (text := getattr(self, key)) and bare_embeddings(text)
        for key in ("full_prompt", "full_negative_prompt"):
            bare[key] = (texts := getattr(self, key)) and tuple(map(bare_embeddings, texts))
        return dataclasses.replace(self, **bare)

    def to_json(self) -> dict[str, Any]:
        """Return what is stated in the keys and forms of Fooocus's JSON scheme, ready for ``json``."""
        content: dict[str, Any] = {}
        for entry in ENTRIES:
            stated = [getattr(self, attribute) for attribute in entry.attributes]
            if stated and None not in stated:
                content[entry.key] = entry.write(stated[0] if len(stated) == 1 else tuple(stated))
        content[SCHEME_KEY] = JSON_SCHEME
        content.update({k: as_json(v) for k, v in self.arguments.items() if v is not None})
        for number, (lora, weight) in enumerate(self.loras or (), start=1):
            content[f"lora_combined_{number}"] = f"{lora} : {weight:g}"
        return content


_ATTRIBUTES = frozenset(item.name for item in dataclasses.fields(PictureSettings))
_IN_OTHER_WORDS = ("enabled", "expansion", "aspect_ratio", "preset", "keep")
"""Arguments that a picture's settings express otherwise: in its styles, its size and its values."""
OTHER_FIELDS: tuple[Field, ...] = tuple(
    item for item in FIELDS if item.name not in _ATTRIBUTES and item.name not in _IN_OTHER_WORDS
)
"""The arguments that Fooocus does not have."""


def of_arguments(settings: Settings) -> dict[str, Any]:
    """Return the keywords of ``PictureSettings`` for the values of the argument table."""
    known = _ATTRIBUTES.intersection(FIELDS_BY_NAME).difference(_IN_OTHER_WORDS)
    arguments = {item.name: getattr(settings, item.name) for item in OTHER_FIELDS}
    return {**{key: getattr(settings, key) for key in known}, "arguments": arguments}


@dataclass(frozen=True)
class Entry:
    """One value as Fooocus stores it.

    Attributes:
        key: its key in Fooocus's JSON.
        label: its label in our log.
        old_label: its label in the logs of older Fooocus versions; empty if they lack it.
        text_label: its label in Fooocus's ``a1111`` scheme; empty if that lacks it.
        read: checks and converts it; None if it is only ever written.
        attributes: where ``PictureSettings`` has it; several share a tuple, none if it has no use here.
        write: converts the attribute's value for the JSON.
    """

    key: str
    label: str
    old_label: str
    text_label: str
    read: Reader | None
    attributes: tuple[str, ...]
    write: Callable[[Any], Any]


def _as_it_is(value: Any) -> Any:
    return value


def _entry(
    key: str,
    label: str,
    old: str,
    text: str,
    read: Reader | None,
    attributes: tuple[str, ...] | None = None,
    write: Callable[[Any], Any] = _as_it_is,
) -> Entry:
    return Entry(key, label, old, text, read, (key,) if attributes is None else attributes, write)


def _as_python(value: tuple[Any, ...]) -> str:
    return str(value)


def _names_as_python(value: tuple[str, ...]) -> str:
    return str(list(value))


def _pairs(value: tuple[tuple[str, float], ...]) -> list[list[Any]]:
    return [list(pair) for pair in value]


_ADM = ("adm_positive", "adm_negative", "adm_end")
_any_figure = values.figure(0.0, 1000.0)

# fmt: off
ENTRIES: tuple[Entry, ...] = (
    # key, label in our log, in older logs of Fooocus, in its a1111 scheme, reader[, attributes, writer]
    _entry("prompt", "Prompt", "Prompt", "Raw prompt", values.long_text),
    _entry("negative_prompt", "Negative prompt", "Negative Prompt", "Raw negative prompt", values.long_text),
    _entry("styles", "Styles", "Styles", "Styles", values.style_names, write=_names_as_python),
    _entry("performance", "Performance", "Performance", "Performance", name),
    _entry("steps", "Steps", "Steps", "Steps", values.whole_figure(1, 1000)),
    _entry("resolution", "Resolution", "Resolution", "Size", values.size, ("size",), _as_python),
    _entry("guidance_scale", "Guidance scale", "Guidance Scale", "CFG scale", _any_figure),
    _entry("sharpness", "Sharpness", "Sharpness", "Sharpness", _any_figure),
    _entry("adm_guidance", "ADM guidance", "ADM Guidance", "ADM Guidance",
           values.figures(3, 0.0, 1000.0), _ADM, _as_python),
    _entry("adaptive_cfg", "Adaptive CFG", "CFG Mimicking from TSNR", "Adaptive CFG", _any_figure),
    _entry("base_model", "Base model", "Base Model", "Model", name),
    _entry("refiner_model", "Refiner", "Refiner Model", "Refiner", name, ("refiner",)),
    _entry("refiner_switch", "Refiner switch", "Refiner Switch", "", values.figure(0.0, 1.0)),
    _entry("refiner_swap_method", "Refiner method", "Refiner Swap Method", "Refiner Swap Method",
           name, ("refiner_method",)),
    _entry("sampler", "Sampler", "Sampler", "Sampler", name),
    _entry("scheduler", "Scheduler", "Scheduler", "Scheduler", name),
    _entry("vae", "VAE", "VAE", "VAE", name),
    _entry("seed", "Seed", "Seed", "Seed", values.whole_figure(0, 2**64 - 1), write=str),
    _entry("loras", "LoRAs", "", "", values.loras, write=_pairs),
    _entry("full_prompt", "Full prompt", "", "", values.full_texts, write=list),
    _entry("full_negative_prompt", "Full negative prompt", "", "", values.full_texts, write=list),
    _entry("version", "Version", "", "Version", name),
    _entry("prompt_expansion", "Prompt expansion", "Fooocus V2 Expansion", "", values.long_text),
    _entry("clip_skip", "CLIP skip", "CLIP Skip", "Clip skip", values.whole_figure(*CLIP_SKIP)),
    _entry("overwrite_switch", "Overwrite switch", "Overwrite Switch", "Overwrite Switch",
           values.figure(-1, 200)),
    _entry("freeu", "FreeU", "FreeU", "FreeU", values.figures(4, 0.0, 1000.0), write=_as_python),
    _entry("image_number", "Image number", "Image Number", "", values.whole_figure(1, 1000)),
    _entry("read_wildcards_in_order", "Wildcards in order", "", "", flag, ("wildcards_in_order",)),
    _entry("created_by", "Created by", "", "User", name),
)
# fmt: on


_MAY_BE_EMPTY = ("prompt", "negative_prompt")
"""Keys whose empty text states a value."""


def read_entries(content: Mapping[str, object]) -> dict[str, Any]:
    """Return the keywords of ``PictureSettings`` for values by Fooocus's keys.

    What has the wrong type or range is left out and becomes one of the ``problems``.
    """
    problems: list[str] = []

    def value_of(key: str, read: Reader) -> Any:
        if content.get(key) is None or (content[key] == "" and key not in _MAY_BE_EMPTY):
            return None
        try:
            return read(content[key])
        except (DataFileError, RequestError) as error:
            problems.append(f"{key} could not be read and is left out: {error}")
            return None

    found: dict[str, Any] = {}
    for entry in ENTRIES:
        value = value_of(entry.key, entry.read) if entry.read else None
        if value is not None:
            parts = value if len(entry.attributes) > 1 else (value,)
            found.update(zip(entry.attributes, parts, strict=False))
    others = {item.name: value_of(item.name, item.check) for item in OTHER_FIELDS}
    arguments = {key: value for key, value in others.items() if value is not None}
    return {**found, "arguments": arguments, "problems": tuple(problems)}
