"""What a fast performance puts in place of the page's own values, to be told."""

from __future__ import annotations

from collections.abc import Mapping

from fooocus_ext.presets.file_names import file_stem
from fooocus_ext.presets.performance import PERFORMANCES, Performance
from fooocus_ext.presets.samplers import SAMPLERS, SCHEDULERS, first_label
from fooocus_ext.tab.choices import Choices
from fooocus_ext.tab.widgets import BY_NAME


def overruled() -> Mapping[str, Mapping[str, str]]:
    """Return, for each performance that overrules widgets, what it uses instead, by widget."""
    return {mode.name: _instead(mode) for mode in PERFORMANCES.values() if mode.distilled}


def overruled_loras(choices: Choices) -> list[str]:
    """Return a sentence for each slot whose weight the performance does not leave its LoRA."""
    mode = PERFORMANCES[choices.settings.performance]
    return [
        f'The LoRA {name} has the weight {mode.lora_weight:g} of "{mode.name}", not the {weight:g} of '
        "its slot."
        for name, weight in choices.loras
        if is_lora_of(mode, name) and weight != mode.lora_weight
    ]


def is_lora_of(mode: Performance, name: str) -> bool:
    """Whether a LoRA is the one that the performance brings."""
    return mode.lora is not None and file_stem(name) == file_stem(mode.lora)


def _instead(mode: Performance) -> dict[str, str]:
    values = {
        **mode.settings,
        "guidance_scale": mode.cfg_scale,
        "sampler": first_label(mode.sampler or "", SAMPLERS),
        "scheduler": first_label(mode.scheduler or "", SCHEDULERS),
    }
    return {name: _shown(value) for name, value in values.items() if name in BY_NAME}


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
