"""The values of the tab's widgets for the settings of a picture or of a preset, as this machine has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fooocus_ext.args import FIELDS_BY_NAME, NONE
from fooocus_ext.errors import RequestError
from fooocus_ext.limits import CFG_SCALE, LORA_SLOTS, OFF
from fooocus_ext.metadata.settings import PictureSettings
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS, AspectRatio
from fooocus_ext.presets.performance import match_file
from fooocus_ext.presets.resolve import MODEL_OF_CHECKPOINT
from fooocus_ext.presets.samplers import SAMPLERS, HostSampler, fooocus_names, host_sampler
from fooocus_ext.prompting.styles import StyleLibrary
from fooocus_ext.tab.choices import style_value
from fooocus_ext.tab.style_list import known_styles
from fooocus_ext.tab.widgets import ARGUMENTS, DEFAULT


@dataclass(frozen=True)
class Names:
    """What this machine has, as the host names it."""

    checkpoints: Sequence[str] = ()
    loras: Sequence[str] = ()
    vaes: Sequence[str] = ()
    samplers: Sequence[str] = ()
    schedulers: Sequence[str] = ()
    styles: StyleLibrary = field(default_factory=StyleLibrary)


@dataclass(frozen=True)
class Filled:
    """New values for some of the widgets, by name, and sentences about what could not be had."""

    values: dict[str, Any]
    notes: tuple[str, ...] = ()


def fill(settings: PictureSettings, names: Names) -> Filled:
    """Return the widgets' values for settings; what they do not state stays as it is.

    So does what this machine does not have, with a sentence that says so. Of a picture, pass what its
    maker had chosen (``PictureSettings.as_chosen``).
    """
    filling = _Filling(settings, names, {}, [*settings.problems])
    filling.texts()
    filling.performance()
    filling.size()
    filling.numbers()
    filling.models()
    filling.sampler()
    return Filled(filling.values, tuple(filling.notes))


@dataclass
class _Filling:
    """The widgets' values being put together from ``settings``."""

    settings: PictureSettings
    names: Names
    values: dict[str, Any]
    notes: list[str]

    def put(self, widget: str, value: Any) -> None:
        """Give a widget its value, unless the settings do not state it."""
        if value is not None:
            self.values[widget] = value

    def texts(self) -> None:
        self.put("prompt", self.settings.prompt)
        self.put("negative_prompt", self.settings.negative_prompt)
        if self.settings.styles is not None:
            known, unknown = known_styles(self.settings.styles, self.names.styles)
            self.values["styles"] = style_value(known)
            self.notes += [f'Style "{name}" is not installed.' for name in unknown]

    def performance(self) -> None:
        mode, steps = self.settings.mode, self.settings.steps
        self.put("performance", mode and mode.name)
        if steps is not None:
            self.values["steps"] = OFF if mode and mode.steps == steps else steps
        self.put("steps", self.settings.forced_steps)

    def size(self) -> None:
        if self.settings.aspect_ratio is not None:
            self.values["aspect_ratio"] = ASPECT_RATIOS[self.settings.aspect_ratio].label
        if self.settings.size is None:
            return
        size = AspectRatio(*self.settings.size)
        if size.value in ASPECT_RATIOS:
            self.values.update(aspect_ratio=size.label, width=OFF, height=OFF)
        else:
            self.values.update(width=size.width, height=size.height)

    def numbers(self) -> None:
        self.put("image_number", self.settings.image_number)
        if self.settings.guidance_scale is not None:
            self.values["guidance_scale"] = _within(self.settings.guidance_scale, *CFG_SCALE)
        for name in ARGUMENTS:
            self._argument(name, self.settings.argument(name))
        if self.settings.seed is not None:
            self.values.update(random_seed=False, seed=str(self.settings.seed))

    def _argument(self, name: str, value: Any) -> None:
        argument = FIELDS_BY_NAME[name]
        if value is None or (argument.kind == "choice" and value not in argument.choices):
            return
        if argument.kind == "number":
            value = _within(value, argument.minimum, argument.maximum)
        self.values[name] = list(value) if isinstance(value, tuple) else value

    def models(self) -> None:
        settings, checkpoints = self.settings, self.names.checkpoints
        self._file("base_model", settings.base_model, checkpoints, "base model")
        self._file("refiner", settings.refiner, checkpoints, "refiner")
        self._file("vae", settings.vae, self.names.vaes, "VAE")
        if settings.loras is not None:
            self._loras(settings.loras)

    def _file(self, widget: str, wanted: str | None, known: Sequence[str], kind: str) -> None:
        if not wanted:
            return
        if wanted in (NONE, MODEL_OF_CHECKPOINT):
            self.values[widget] = NONE if wanted == NONE else DEFAULT
            return
        found = match_file(wanted, known)
        if found is None:
            self.notes.append(f'The {kind} "{wanted}" is not installed; the choice stays as it is.')
        else:
            self.values[widget] = found

    def _loras(self, wanted: Sequence[tuple[str, float]]) -> None:
        found = []
        for file, weight in wanted:
            name = match_file(file, self.names.loras)
            if name is None:
                self.notes.append(f'The LoRA "{file}" is not installed and is left out.')
            else:
                found.append((name, weight))
        if len(found) > LORA_SLOTS:
            self.notes.append(f"Only the first {LORA_SLOTS} of {len(found)} LoRAs fit.")
        padded = [*found, *[(NONE, 1.0)] * LORA_SLOTS][:LORA_SLOTS]  # empties the other slots
        for slot, (name, weight) in enumerate(padded, start=1):
            self.values[f"lora_{slot}"], self.values[f"lora_weight_{slot}"] = name, weight

    def sampler(self) -> None:
        sampler, scheduler = self.settings.sampler, self.settings.scheduler
        if not sampler:
            return
        if sampler in self.names.samplers:
            self.values["sampler"] = sampler
            if scheduler in self.names.schedulers:
                self.values["scheduler"] = scheduler
            return
        try:
            chosen = self._translated(sampler, scheduler)
        except RequestError as error:
            self.notes.append(f"{error.detail} The sampler stays as it is.")
            return
        self.notes += chosen.notes
        self.values.update(sampler=chosen.sampler, scheduler=chosen.scheduler or "")

    def _translated(self, sampler: str, scheduler: str | None) -> HostSampler:
        """Return what this host calls a sampler that it does not have under its name."""
        found: str | None = sampler
        if sampler not in SAMPLERS:
            found, named = fooocus_names(sampler, scheduler)
            scheduler = named or scheduler
        return host_sampler(
            found or "", scheduler or "normal", self.names.samplers, self.names.schedulers
        )


def _within(value: float, minimum: float, maximum: float) -> float:
    return min(max(float(value), minimum), maximum)
