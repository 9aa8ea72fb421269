"""A preset: one set of choices in Fooocus's own JSON key names, read without trusting it.

Fooocus's published presets load unchanged. A key that a preset does not have means "as it is now",
so every attribute may be None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from fooocus_ext.args import FIELDS_BY_NAME, HOST_CHOICE, NONE, Settings
from fooocus_ext.data_files import DataFileError, Problem, first_problems
from fooocus_ext.errors import RequestError, describe
from fooocus_ext.limits import (
    CFG_SCALE,
    CLIP_SKIP,
    FORCED_STEPS,
    IMAGE_NUMBER,
    LORA_WEIGHT,
    MAX_ITEMS,
    MAX_TEXT_LENGTH,
)
from fooocus_ext.presets.aspect_ratios import AspectRatio, find_aspect_ratio, parse_size
from fooocus_ext.presets.performance import find_performance
from fooocus_ext.presets.samplers import SAMPLERS, SCHEDULERS
from fooocus_ext.prompting.styles import EXPANSION_STYLE, wants_expansion
from fooocus_ext.readers import (
    Reader,
    name,
    names,
    names_not_blank,
    number,
    of_field,
    one_of,
    text,
    whole,
)


@dataclass(frozen=True)
class LoraSlot:
    """One LoRA of a preset: ``name`` is a file name, "None" for an empty slot."""

    enabled: bool
    name: str
    weight: float


def _key(json_key: str) -> Any:
    return field(default=None, metadata={"key": json_key})


@dataclass(frozen=True)
class Preset:
    """The choices of one preset file; None where it makes none.

    Attributes:
        name: the file's name without ending.
        base_model: checkpoint file name; "None" leaves it to the page, like the absence of the key.
        refiner: checkpoint file name, "None" for no refiner.
        refiner_switch: fraction of the steps, as in the argument table.
        loras: the LoRA slots, empty ones included.
        cfg_scale: CFG scale, within ``limits.CFG_SCALE``.
        sharpness: this and the next five as in the argument table.
        adaptive_cfg: see ``args.Settings``.
        adm_positive: this and the next three are keys of our own, which Fooocus ignores.
        adm_negative: see ``args.Settings``.
        adm_end: see ``args.Settings``.
        refiner_method: see ``args.Settings``.
        clip_skip: 1..12.
        sampler: one of Fooocus's sampler names (``samplers.SAMPLERS``).
        scheduler: one of Fooocus's scheduler names (``samplers.SCHEDULERS``).
        vae: VAE file name; "Default (model)" for the checkpoint's own.
        steps: steps that replace the performance's; -1 for none.
        switch_step: refiner switch in steps that replaces the fraction; -1 for none.
        performance: one of ``performance.PERFORMANCES``.
        styles: style names in order.
        aspect_ratio: one of ``aspect_ratios.ASPECT_RATIOS``.
        image_number: pictures per job.
        prompt: positive text; empty keeps the user's.
        negative_prompt: negative text.
        checkpoint_downloads: where checkpoints are published, by file name; nothing is downloaded.
        lora_downloads: the same for LoRAs; likewise ``embeddings_downloads`` and ``vae_downloads``.
        previous_models: earlier versions of the base model.
        inpaint_engine: the version for editing; "None" switches the engine off where it is "auto".
        extra: the file's other keys, kept as they are.
        problems: what was left out because it was not usable.
        size: one that the file states and that is none of ours; a problem where none can be forced.
        source: the file.
    """

    name: str
    base_model: str | None = _key("default_model")
    refiner: str | None = _key("default_refiner")
    refiner_switch: float | None = _key("default_refiner_switch")
    loras: tuple[LoraSlot, ...] | None = _key("default_loras")
    cfg_scale: float | None = _key("default_cfg_scale")
    sharpness: float | None = _key("default_sample_sharpness")
    adaptive_cfg: float | None = _key("default_cfg_tsnr")
    adm_positive: float | None = _key("default_adm_positive")
    adm_negative: float | None = _key("default_adm_negative")
    adm_end: float | None = _key("default_adm_end")
    refiner_method: str | None = _key("default_refiner_method")
    clip_skip: int | None = _key("default_clip_skip")
    sampler: str | None = _key("default_sampler")
    scheduler: str | None = _key("default_scheduler")
    vae: str | None = _key("default_vae")
    steps: int | None = _key("default_overwrite_step")
    switch_step: int | None = _key("default_overwrite_switch")
    performance: str | None = _key("default_performance")
    styles: tuple[str, ...] | None = _key("default_styles")
    aspect_ratio: str | None = _key("default_aspect_ratio")
    image_number: int | None = _key("default_image_number")
    prompt: str | None = _key("default_prompt")
    negative_prompt: str | None = _key("default_prompt_negative")
    checkpoint_downloads: Mapping[str, str] | None = _key("checkpoint_downloads")
    lora_downloads: Mapping[str, str] | None = _key("lora_downloads")
    embeddings_downloads: Mapping[str, str] | None = _key("embeddings_downloads")
    vae_downloads: Mapping[str, str] | None = _key("vae_downloads")
    previous_models: tuple[str, ...] | None = _key("previous_default_models")
    inpaint_engine: str | None = _key("default_inpaint_engine_version")
    extra: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    source: Path | None = None
    size: AspectRatio | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The values of ``args.Settings`` that the preset determines, by field name."""
        values = {name: getattr(self, name) for name in _SETTINGS}
        if self.styles is not None:
            values["expansion"] = wants_expansion(self.styles)
        return {name: value for name, value in values.items() if value is not None}

    @property
    def complaints(self) -> tuple[str, ...]:
        """Sentences about what the file asks for and cannot have, for those who use the preset."""
        named = ((p.entry or "the rest", p.reason) for p in first_problems(self.problems))
        return tuple(f'Preset "{self.name}", {entry}: {reason}' for entry, reason in named)

    @property
    def active_loras(self) -> tuple[LoraSlot, ...]:
        """The LoRAs that are switched on and not empty."""
        return tuple(slot for slot in self.loras or () if slot.enabled and slot.name != NONE)

    def to_json(self) -> dict[str, Any]:
        """Return the content of the preset's file: Fooocus's keys, other keys as they came."""
        content: dict[str, Any] = {KEYS["aspect_ratio"]: self.size.value} if self.size else {}
        for attribute, key in KEYS.items():
            value = getattr(self, attribute)
            if value is not None:
                content[key] = _plain(value)
        return {**content, **self.extra}


_AS_IN_THE_TABLE = (
    "refiner_switch",
    "refiner_method",
    "sharpness",
    "adaptive_cfg",
    "adm_positive",
    "adm_negative",
    "adm_end",
)
"""The attributes with the values that the argument table allows."""
_SETTINGS = ("refiner", *_AS_IN_THE_TABLE, "performance", "styles", "aspect_ratio")
KEYS: Mapping[str, str] = {
    item.name: item.metadata["key"] for item in fields(Preset) if "key" in item.metadata
}
_ATTRIBUTES: Mapping[str, str] = {key: attribute for attribute, key in KEYS.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, LoraSlot):
        return [value.enabled, value.name, value.weight]
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value


def preset_from_settings(name: str, settings: Settings, **choices: Any) -> Preset:
    """Return the current settings as a preset.

    Args:
        name: the preset's name.
        settings: the panel's values; "webui" choices are left to the page and not stored.
        choices: what only the page knows, by attribute name of ``Preset`` (``base_model``,
            ``loras``, ``cfg_scale``, ``sampler``, ``scheduler``, ...).
    """
    values = {
        attribute: value
        for attribute in _SETTINGS
        if (value := getattr(settings, attribute)) != HOST_CHOICE
    }
    if settings.expansion and not wants_expansion(settings.styles):
        values["styles"] = (EXPANSION_STYLE, *settings.styles)
    return Preset(name, **{**values, **choices})


def preset_from_json(
    preset_name: str, content: Mapping[str, object], source: Path | None = None
) -> Preset:
    """Read a preset's keys.

    A value of the wrong type or out of range is left out and becomes a problem of the preset; an
    unknown key is kept in ``extra`` and reported likewise, because it has no effect here.
    """
    values: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    problems: list[Problem] = []
    where = str(source or preset_name)
    for key, value in content.items():
        attribute = _ATTRIBUTES.get(key)
        if attribute is None:
            extra[key] = value
            if key not in _WITHOUT_EFFECT:
                problems.append(Problem(where, key[:60], "this key is not known and has no effect"))
        elif value is not None:
            try:
                values[attribute] = _READERS[attribute](value)
            except (DataFileError, RequestError) as error:
                reason = f"{error} Got {describe(value)}; the current value stays."
                problems.append(Problem(where, key, reason))
    if "aspect_ratio" not in values:
        values["size"] = parse_size(str(content.get(KEYS["aspect_ratio"])))
    return Preset(preset_name, **values, extra=extra, problems=tuple(problems), source=source)


_WITHOUT_EFFECT = frozenset(
    {"default_save_metadata_to_images", "default_max_lora_number"}
    | {"default_loras_min_weight", "default_loras_max_weight"}
)
"""Keys of Fooocus for features that are not part of this extension: kept without a complaint."""


def _performance(value: object) -> str:
    mode = find_performance(name(value))
    if mode is None:
        raise DataFileError("It must be a mode of Fooocus.")
    return mode.name


def _aspect_ratio(value: object) -> str:
    size = find_aspect_ratio(name(value))
    if size is None:
        raise DataFileError("It must be a size such as 1152*896.")
    return size.value


def _downloads(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > MAX_ITEMS:
        raise DataFileError(f"It must be an object of up to {MAX_ITEMS} file names and addresses.")
    read_address = text(MAX_TEXT_LENGTH)
    return {name(file): read_address(address) for file, address in value.items()}


def _loras(value: object) -> tuple[LoraSlot, ...]:
    if not isinstance(value, (list, tuple)) or len(value) > MAX_ITEMS:
        raise DataFileError(f"It must be a list of up to {MAX_ITEMS} [enabled, name, weight].")
    return tuple(_lora(item) for item in value)


def _lora(item: object) -> LoraSlot:
    """Read ``[enabled, name, weight]``, or ``[name, weight]`` as Fooocus wrote up to 2.3."""
    if not isinstance(item, (list, tuple)) or len(item) not in (2, 3):
        raise DataFileError("Each LoRA must be [enabled, name, weight].")
    enabled, file, weight = item if len(item) == 3 else (True, *item)
    if not isinstance(enabled, bool):
        raise DataFileError("A LoRA's first value must be true or false.")
    return LoraSlot(enabled, name(file), number(*LORA_WEIGHT)(weight))


_READERS: Mapping[str, Reader] = {
    "base_model": name,
    "refiner": lambda value: name(value).strip() or NONE,
    **{field: of_field(FIELDS_BY_NAME[field]) for field in _AS_IN_THE_TABLE},
    "loras": _loras,
    "cfg_scale": number(*CFG_SCALE),
    "clip_skip": whole(*CLIP_SKIP),
    "sampler": one_of(SAMPLERS),
    "scheduler": one_of(SCHEDULERS),
    "vae": name,
    "steps": whole(*FORCED_STEPS),
    "switch_step": whole(*FORCED_STEPS),
    "performance": _performance,
    "styles": names_not_blank,
    "aspect_ratio": _aspect_ratio,
    "image_number": whole(*IMAGE_NUMBER),
    "prompt": text(MAX_TEXT_LENGTH),
    "negative_prompt": text(MAX_TEXT_LENGTH),
    "checkpoint_downloads": _downloads,
    "lora_downloads": _downloads,
    "embeddings_downloads": _downloads,
    "vae_downloads": _downloads,
    "previous_models": names,
    "inpaint_engine": name,
}
