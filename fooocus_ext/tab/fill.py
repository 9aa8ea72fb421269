"""The values of the tab's widgets for the settings of a picture or of a preset, as this machine has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fooocus_ext.args import FIELDS_BY_NAME, FOOOCUS, NONE
from fooocus_ext.errors import RequestError, shortened
from fooocus_ext.fields import as_widget_value
from fooocus_ext.limits import (
    CFG_SCALE,
    FORCED_SIDE,
    FORCED_STEPS,
    IMAGE_NUMBER,
    LORA_SLOTS,
    LORA_WEIGHT,
    MAX_NOTES,
    MAX_TEXT_LENGTH,
    OFF,
    SEED,
    USUAL_CLIP_SKIP,
)
from fooocus_ext.metadata.settings import PictureSettings
from fooocus_ext.original_texts import OriginalTexts, fingerprint
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS, AspectRatio, allowed_size
from fooocus_ext.presets.file_names import AvailableFiles, match_file
from fooocus_ext.presets.installed import Installed
from fooocus_ext.presets.resolve import MODEL_OF_CHECKPOINT
from fooocus_ext.presets.samplers import (
    SAMPLERS,
    SCHEDULERS,
    HostSampler,
    first_label,
    host_sampler,
)
from fooocus_ext.presets.webui_samplers import webui_sampler
from fooocus_ext.prompting.styles import StyleLibrary, wants_expansion
from fooocus_ext.tab.choices import least_switch_step, style_names, style_value
from fooocus_ext.tab.leftovers import leftovers
from fooocus_ext.tab.style_list import known_styles
from fooocus_ext.tab.widgets import ARGUMENTS, DEFAULT, LORAS, ORIGINAL

ORIGINALS_IN_USE = (
    "The texts of the original picture are used as they were, styles and expansion included, until "
    "the prompt, the negative prompt or the styles are edited."
)


@dataclass(frozen=True)
class Filled:
    """New values for some of the widgets, by name, and sentences about what could not be had."""

    values: dict[str, Any]
    notes: tuple[str, ...] = ()


def fill(
    settings: PictureSettings,
    installed: Installed,
    styles: StyleLibrary,
    rendering: str = FOOOCUS,  # the page's own default
) -> Filled:
    """Return the widgets' values for settings; what they do not state stays as it is.

    So does what this machine does not have, with a sentence that says so. Of a picture, pass what its
    maker had chosen (``PictureSettings.as_chosen``). ``rendering`` holds where they state none.
    """
    rendering = settings.arguments.get("rendering", rendering)
    filling = _Filling(settings, installed, styles, rendering, {}, [*settings.problems])
    filling.texts()
    filling.original_texts()
    filling.performance()
    filling.size()
    filling.numbers()
    filling.models()
    filling.sampler()
    filling.notes += leftovers(settings, has_originals=bool(filling.values.get(ORIGINAL.name)))
    return Filled(filling.values, tuple(filling.notes))


@dataclass
class _Filling:
    """The widgets' values being put together from ``settings``."""

    settings: PictureSettings
    installed: Installed
    styles: StyleLibrary
    rendering: str
    values: dict[str, Any]
    notes: list[str]

    def put(self, widget: str, value: Any) -> None:
        """Give a widget its value, unless the settings do not state it."""
        if value is not None:
            self.values[widget] = value

    def texts(self) -> None:
        for name in ("prompt", "negative_prompt"):
            value: str | None = getattr(self.settings, name)
            if value is not None and (len(value) > MAX_TEXT_LENGTH or "\0" in value):
                what = name.replace("_", " ")
                self.notes.append(
                    f"The {what} is left out: it may have {MAX_TEXT_LENGTH} characters, none of them NUL."
                )
            else:
                self.put(name, value)
        if self.settings.styles is not None:
            known, notes = known_styles(self.settings.styles, self.styles)
            self.values["styles"] = style_value(known)
            self.notes += notes

    def original_texts(self) -> None:
        """Have the source's own texts encoded, until somebody edits what they were written from."""
        values = self.values
        if "prompt" not in values:
            return
        values[ORIGINAL.name] = ""
        texts: OriginalTexts | None = self.settings.arguments.get(ORIGINAL.name)
        if texts is None or "negative_prompt" not in values or "styles" not in values:
            return
        styles = style_names(values["styles"])
        made_of = values["prompt"], values["negative_prompt"], styles
        of = fingerprint(*made_of, expansion=wants_expansion(styles))
        values[ORIGINAL.name] = replace(texts, of=of).to_text()
        self.notes.insert(0, ORIGINALS_IN_USE)

    def performance(self) -> None:
        mode, steps = self.settings.mode, self.settings.steps
        self.put("performance", mode and mode.name)
        if steps is not None:
            steps = round(self._within("The number of steps", steps, 1, FORCED_STEPS.maximum))
            self.values["steps"] = OFF if mode and mode.steps == steps else steps
        self.put("steps", self.settings.forced_steps)

    def _steps(self) -> int:
        """Return how many steps the values come to; 1 if they do not say."""
        forced, mode = self.values.get("steps", OFF), self.settings.mode
        return forced if forced > 0 else mode.steps if mode else 1

    def size(self) -> None:
        if self.settings.aspect_ratio is not None:
            self.values["aspect_ratio"] = ASPECT_RATIOS[self.settings.aspect_ratio].label
        if self.settings.size is None:
            return
        wanted = AspectRatio(*self.settings.size)
        size = allowed_size(wanted)
        if size != wanted:
            self.notes.append(
                f"The size {wanted.width}×{wanted.height} becomes {size.width}×{size.height}: sides are "
                f"multiples of 8 from {FORCED_SIDE.minimum} to {FORCED_SIDE.maximum}."
            )
        if size.value in ASPECT_RATIOS:
            self.values.update(aspect_ratio=size.label, width=OFF, height=OFF)
        else:
            self.values.update(width=size.width, height=size.height)

    def numbers(self) -> None:
        if self.settings.image_number is not None:
            number = self._within("Image number", self.settings.image_number, *IMAGE_NUMBER)
            self.values["image_number"] = round(number)
        if self.settings.guidance_scale is not None:
            scale = self._within("Guidance scale", self.settings.guidance_scale, *CFG_SCALE)
            self.values["guidance_scale"] = scale
        self._switch_step()
        self.put("wildcards_in_order", self.settings.wildcards_in_order)
        rendering = self.settings.arguments.get("rendering")
        if rendering in (None, FOOOCUS):  # a preset leaves it to the page, whose default is this
            usual = USUAL_CLIP_SKIP if rendering else None
            self.put("clip_skip", self.settings.clip_skip or usual)
        for name in ARGUMENTS:
            if name != ORIGINAL.name:
                self._argument(name, self.settings.argument(name))
        if self.settings.seed is not None:
            self._seed(self.settings.seed)

    def _switch_step(self) -> None:
        step = self.settings.overwrite_switch
        if step is not None:
            least = FORCED_STEPS.minimum
            if step > 0 and self.settings.refiner != NONE:
                least = least_switch_step(self._steps())
            allowed = self._within("The refiner switch step", step, least, FORCED_STEPS.maximum)
            self.values["switch_step"] = round(allowed)
        elif self.settings.refiner_switch is not None:
            self.values["switch_step"] = OFF

    def _seed(self, seed: int) -> None:
        if SEED.minimum <= seed <= SEED.maximum:
            self.values.update(random_seed=False, seed=str(seed))
        else:
            self.notes.append(
                f"Seed {seed} is left out: a seed is a whole number from {SEED.minimum} to "
                f"{SEED.maximum}."
            )

    def _argument(self, name: str, value: Any) -> None:
        argument = FIELDS_BY_NAME[name]
        if value is None:
            return
        if argument.kind == "choice" and value not in argument.choices:
            said = f'{argument.label} "{value}" is not taken over'
            self.notes.append(f"{said}: it may be {' or '.join(argument.choices)} here.")
            return
        if argument.kind == "number":
            value = self._within(argument.label, value, argument.minimum, argument.maximum)
        self.values[name] = as_widget_value(value)

    def _within(self, title: str, value: float, minimum: float, maximum: float) -> float:
        """Return the allowed number that is nearest, with a note unless it is the number itself."""
        allowed = min(max(float(value), minimum), maximum)
        if allowed != value:
            self.notes.append(
                f"{title} {value:g} becomes {allowed:g}: it may be {minimum:g} to {maximum:g}."
            )
        return allowed

    def models(self) -> None:
        settings, checkpoints = self.settings, self.installed.checkpoints
        if settings.base_model not in (NONE, MODEL_OF_CHECKPOINT):
            self._file("base_model", settings.base_model, checkpoints, "base model")
        self._file("refiner", settings.refiner, checkpoints, "refiner")
        self._file("vae", settings.vae, self.installed.vaes, "VAE")
        self._modules(settings.modules)
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

    def _modules(self, wanted: Sequence[str]) -> None:
        for file in wanted:
            if found := match_file(file, self.installed.vaes):
                self.values["vae"] = found
            else:
                unknown = f'"{file}", which Forge added to the checkpoint, is no VAE installed here'
                self.notes.append(f"{unknown}; it is left out.")

    def _loras(self, wanted: Sequence[tuple[str, float]]) -> None:
        files = AvailableFiles(self.installed.loras)
        matched = [(files.match(file), file, weight) for file, weight in wanted]
        missing = [file for name, file, _weight in matched if name is None]
        notes = (f'The LoRA "{file}" is not installed and is left out.' for file in missing)
        self.notes += shortened(notes, MAX_NOTES)
        there = [(name, file, weight) for name, file, weight in matched if name is not None]
        if len(there) > LORA_SLOTS:
            self.notes.append(f"Only the first {LORA_SLOTS} of {len(there)} LoRAs fit.")
        slots = [
            (name, self._within(f'The weight of LoRA "{file}",', weight, *LORA_WEIGHT))
            for name, file, weight in there[:LORA_SLOTS]
        ]
        padded = [*slots, *[(NONE, 1.0)] * LORA_SLOTS][:LORA_SLOTS]  # empties the other slots
        for slot, (name, weight) in zip(LORAS, padded, strict=True):
            self.values.update(slot.values(name, weight))

    def sampler(self) -> None:
        sampler, scheduler = self.settings.sampler, self.settings.scheduler
        if not sampler:
            return
        try:
            chosen = self._translated(sampler, scheduler)
        except RequestError as error:
            self.notes.append(f"{error.detail} The sampler stays as it is.")
            return
        self.notes += chosen.notes
        self.values.update(sampler=chosen.sampler, scheduler=chosen.scheduler or "")

    def _translated(self, sampler: str, scheduler: str | None) -> HostSampler:
        """Return what this host calls a sampler, named by Fooocus or by a webui of any version."""
        here = self.installed.samplers, self.installed.schedulers
        schedule = scheduler or "normal"
        if sampler in SAMPLERS and schedule in SCHEDULERS:
            return host_sampler(sampler, schedule, *here, as_fooocus=self.rendering == FOOOCUS)
        return webui_sampler(first_label(sampler, SAMPLERS), scheduler, *here)
