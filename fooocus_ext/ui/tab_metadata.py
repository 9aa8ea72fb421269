"""The settings of one picture as Fooocus writes them, and what such settings put into the widgets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fooocus_ext import __version__
from fooocus_ext.args import (
    FIELDS,
    FIELDS_BY_NAME,
    NONE,
    REFINER_METHODS,
    Settings,
    from_infotext,
)
from fooocus_ext.errors import RequestError
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS, AspectRatio
from fooocus_ext.presets.performance import PERFORMANCES, file_stem, find_performance, match_file
from fooocus_ext.presets.preset import Preset
from fooocus_ext.presets.samplers import SAMPLERS, fooocus_names, host_sampler
from fooocus_ext.prompting.styles import EXPANSION_STYLE, StyleLibrary, wants_expansion
from fooocus_ext.ui.tab_presets import Filled, known_styles, lora_values
from fooocus_ext.ui.tab_values import DEFAULT, LORA_SLOTS, OFF, Choices, style_value

_LORA_TAG = re.compile(r"\s*<lora:([^:<>]+):([-+]?\d*\.?\d+)>")
_ADM = ("adm_positive", "adm_negative", "adm_end")


@dataclass(frozen=True)
class Names:
    """What this machine has, as the host names it."""

    checkpoints: Sequence[str] = ()
    loras: Sequence[str] = ()
    vaes: Sequence[str] = ()
    samplers: Sequence[str] = ()
    schedulers: Sequence[str] = ()
    styles: StyleLibrary = field(default_factory=StyleLibrary)


def metadata_of(
    choices: Choices,
    *,
    base_model: str,
    seed: int,
    steps: int,
    size: tuple[int, int],
    full_prompt: str,
    full_negative_prompt: str,
) -> dict[str, Any]:
    """Return the settings of a picture in the keys and forms of Fooocus's own metadata.

    What the performance forces stands there as it was used, not as the page has it.
    """
    mode = find_performance(choices.settings.performance)
    settings = choices.settings.replace(**(mode.settings if mode else {}))
    sampler, scheduler = fooocus_names(choices.sampler, choices.scheduler or None)
    guidance_scale = choices.guidance_scale
    if mode is not None and mode.distilled:
        sampler, scheduler, guidance_scale = mode.sampler, mode.scheduler, mode.cfg_scale
    metadata: dict[str, Any] = {
        "prompt": choices.prompt,
        "negative_prompt": choices.negative_prompt,
        "styles": str(list(settings.styles)),
        "performance": settings.performance,
        "steps": steps,
        "resolution": str(tuple(size)),
        "guidance_scale": guidance_scale,
        "sharpness": settings.sharpness,
        "adm_guidance": str(tuple(getattr(settings, name) for name in _ADM)),
        "adaptive_cfg": settings.adaptive_cfg,
        "base_model": _stem(base_model),
        "refiner_model": _stem(settings.refiner),
        "refiner_switch": settings.refiner_switch,
        "refiner_swap_method": settings.refiner_method,
        "sampler": sampler or choices.sampler,
        "scheduler": scheduler or choices.scheduler,
        "vae": choices.vae or "Default (model)",
        "seed": str(seed),
        "loras": [list(entry) for entry in choices.loras],
        "full_prompt": [full_prompt],
        "full_negative_prompt": [full_negative_prompt],
        "metadata_scheme": "fooocus",
        "version": f"sd-webui-fooocus {__version__}",
    }
    for number, (name, weight) in enumerate(choices.loras, start=1):
        metadata[f"lora_combined_{number}"] = f"{name} : {weight:g}"
    return metadata


def _stem(title: str) -> str:
    bare = title.rpartition(" [")[0] if title.endswith("]") else title
    return re.sub(r"\.(safetensors|ckpt)$", "", bare.replace("\\", "/").rsplit("/", 1)[-1])


def metadata_from_infotext(
    entries: Mapping[str, Any], presets: Mapping[str, Preset] | None = None
) -> dict[str, Any]:
    """Return what the host's parser found in an infotext, in the keys of Fooocus's metadata.

    The tab's widgets hold what a preset decides, so the one that the infotext names is looked up in
    ``presets``; one that is not there is among the ``problems``.
    """
    settings, ours = _settings_of(entries)
    preset = (presets or {}).get(settings.preset)
    if preset is not None:
        settings = settings.with_preset(preset.settings)
    styles = list(settings.styles)
    if ours and settings.expansion and not wants_expansion(styles):
        styles.insert(0, EXPANSION_STYLE)
    prompt = str(entries.get("Prompt", ""))
    found: dict[str, Any] = {
        "prompt": _LORA_TAG.sub("", prompt),
        "negative_prompt": str(entries.get("Negative prompt", "")),
        "styles": styles,
        "loras": _loras_of(prompt, preset),
        "sampler": entries.get("Sampler"),
        "scheduler": entries.get("Schedule type"),
        "base_model": entries.get("Model"),
        "vae": entries.get("VAE"),
        "steps": _number(entries.get("Steps")),
        "seed": _number(entries.get("Seed")),
        "guidance_scale": _number(entries.get("CFG scale")),
    }
    size = (_number(entries.get("Size-1")), _number(entries.get("Size-2")))
    if all(size):
        found["resolution"] = tuple(int(side or 0) for side in size)
    if ours:
        found.update(
            {name: getattr(settings, name) for name in ("sharpness", "adaptive_cfg", "performance")}
        )
        found["adm_guidance"] = tuple(getattr(settings, name) for name in _ADM)
        found["refiner_model"] = settings.refiner
        found["refiner_switch"] = settings.refiner_switch
        found["refiner_swap_method"] = settings.refiner_method
    if preset is None and settings.preset != NONE:
        sentence = f'The preset "{settings.preset}" does not exist here; its values are left out.'
        found["problems"] = [sentence]
    return {name: value for name, value in found.items() if value is not None}


def _settings_of(entries: Mapping[str, Any]) -> tuple[Settings, bool]:
    """Return the settings in an infotext, and whether it is of a picture made with Fooocus."""
    values = {item.name: from_infotext(item, entries) for item in FIELDS}
    given = {name: value for name, value in values.items() if value is not None}
    return Settings().replace(**given), bool(values["enabled"])


def _loras_of(prompt: str, preset: Preset | None) -> list[tuple[str, float]]:
    """Return the LoRAs of a typed prompt's tags, and before them the preset's others."""
    tagged = [(name, float(weight)) for name, weight in _LORA_TAG.findall(prompt)]
    named = {file_stem(name) for name, _weight in tagged}
    slots = preset.active_loras if preset else ()
    return [*((s.name, s.weight) for s in slots if file_stem(s.name) not in named), *tagged]


def _number(value: object) -> float | int | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return int(str(value)) if re.fullmatch(r"\d+", str(value)) else number


def fill_from_metadata(metadata: Mapping[str, Any], names: Names) -> Filled:
    """Return the widgets' values for settings read by ``presets.metadata`` or from an infotext.

    What this machine does not have is left as it is, with a sentence that says so.
    """
    filling = _Filling(metadata, names, {}, [*metadata.get("problems", ())])
    filling.texts()
    filling.performance()
    filling.size()
    filling.numbers()
    filling.models()
    filling.sampler()
    return Filled(filling.values, tuple(filling.notes))


@dataclass
class _Filling:
    """The widgets' values being put together from ``metadata``."""

    metadata: Mapping[str, Any]
    names: Names
    values: dict[str, Any]
    notes: list[str]

    @property
    def distilled(self) -> bool:
        """Whether a mode forces guidance, sampler and refiner, so that the widgets keep their own."""
        mode = PERFORMANCES.get(str(self.metadata.get("performance")))
        return mode is not None and mode.distilled

    def texts(self) -> None:
        for name in ("prompt", "negative_prompt"):
            if name in self.metadata:
                self.values[name] = self.metadata[name]
        if "styles" in self.metadata:
            known, unknown = known_styles(self.metadata["styles"], self.names.styles)
            self.values["styles"] = style_value(known)
            self.notes += [f'The style "{name}" does not exist here.' for name in unknown]

    def performance(self) -> None:
        name, steps = self.metadata.get("performance"), self.metadata.get("steps")
        if name in PERFORMANCES:
            self.values["performance"] = name
        if steps is not None:
            mode = PERFORMANCES.get(str(name))
            self.values["steps"] = OFF if mode and mode.steps == steps else int(steps)

    def size(self) -> None:
        if "resolution" not in self.metadata:
            return
        size = AspectRatio(*self.metadata["resolution"])
        known = size.value in ASPECT_RATIOS
        if known:
            self.values["aspect_ratio"] = size.label
        self.values["width"], self.values["height"] = (
            (OFF, OFF) if known else (size.width, size.height)
        )

    def numbers(self) -> None:
        for name in ("sharpness", "adaptive_cfg", "refiner_switch"):
            if name in self.metadata and not self.distilled:
                item = FIELDS_BY_NAME[name]
                self.values[name] = _within(self.metadata[name], item.minimum, item.maximum)
        if "guidance_scale" in self.metadata and not self.distilled:
            self.values["guidance_scale"] = _within(self.metadata["guidance_scale"], 1.0, 30.0)
        if "adm_guidance" in self.metadata and not self.distilled:
            for name, value in zip(_ADM, self.metadata["adm_guidance"], strict=True):
                item = FIELDS_BY_NAME[name]
                self.values[name] = _within(value, item.minimum, item.maximum)
        if self.metadata.get("refiner_swap_method") in REFINER_METHODS:
            self.values["refiner_method"] = self.metadata["refiner_swap_method"]
        if "seed" in self.metadata:
            self.values.update(random_seed=False, seed=str(self.metadata["seed"]))

    def models(self) -> None:
        self._file("base_model", "base_model", self.names.checkpoints, "base model")
        if not self.distilled:
            self._file("refiner_model", "refiner", self.names.checkpoints, "refiner")
        self._file("vae", "vae", self.names.vaes, "VAE")
        if "loras" in self.metadata:
            self._loras()

    def _file(self, key: str, widget: str, known: Sequence[str], kind: str) -> None:
        wanted = self.metadata.get(key)
        if not wanted:
            return
        if wanted in (NONE, "Default (model)"):
            self.values[widget] = NONE if wanted == NONE else DEFAULT
            return
        found = match_file(str(wanted), known)
        if found is None:
            self.notes.append(f'The {kind} "{wanted}" is not installed; the choice stays as it is.')
        else:
            self.values[widget] = found

    def _loras(self) -> None:
        mode = PERFORMANCES.get(str(self.metadata.get("performance")))
        own = file_stem(mode.lora) if mode and mode.lora else None
        found = []
        for wanted, weight in self.metadata["loras"]:
            name = match_file(wanted, self.names.loras)
            if file_stem(wanted) == own:
                continue
            if name is None:
                self.notes.append(f'The LoRA "{wanted}" is not installed and is left out.')
            else:
                found.append((name, weight))
        if len(found) > LORA_SLOTS:
            self.notes.append(f"Only the first {LORA_SLOTS} of {len(found)} LoRAs fit.")
        self.values.update(lora_values(found))

    def sampler(self) -> None:
        sampler, scheduler = self.metadata.get("sampler"), self.metadata.get("scheduler")
        if not sampler or self.distilled:
            return
        if sampler in self.names.samplers:
            self.values["sampler"] = sampler
            if scheduler in self.names.schedulers:
                self.values["scheduler"] = scheduler
            return
        try:
            if sampler not in SAMPLERS:
                sampler, named = fooocus_names(sampler, scheduler)
                scheduler = named or scheduler
            chosen = host_sampler(
                sampler or "", scheduler or "normal", self.names.samplers, self.names.schedulers
            )
        except RequestError as error:
            self.notes.append(f"{error.detail} The sampler stays as it is.")
            return
        self.values.update(sampler=chosen.sampler, scheduler=chosen.scheduler or "")


def _within(value: float, minimum: float, maximum: float) -> float:
    return min(max(float(value), minimum), maximum)
