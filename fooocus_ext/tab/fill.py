"""The values of the tab's widgets for the settings of a picture: what this machine has of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fooocus_ext.args import FIELDS_BY_NAME, NONE, REFINER_METHODS
from fooocus_ext.errors import RequestError
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS, AspectRatio
from fooocus_ext.presets.performance import PERFORMANCES, file_stem, match_file
from fooocus_ext.presets.samplers import SAMPLERS, fooocus_names, host_sampler
from fooocus_ext.prompting.styles import StyleLibrary
from fooocus_ext.tab.choices import DEFAULT, LORA_SLOTS, OFF, style_value
from fooocus_ext.tab.metadata import ADM
from fooocus_ext.tab.presets import Filled, known_styles, lora_values


@dataclass(frozen=True)
class Names:
    """What this machine has, as the host names it."""

    checkpoints: Sequence[str] = ()
    loras: Sequence[str] = ()
    vaes: Sequence[str] = ()
    samplers: Sequence[str] = ()
    schedulers: Sequence[str] = ()
    styles: StyleLibrary = field(default_factory=StyleLibrary)


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
            for name, value in zip(ADM, self.metadata["adm_guidance"], strict=True):
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
