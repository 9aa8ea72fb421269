"""Fooocus's performance modes: how many steps, with which sampler, and what a fast mode forces.

The numbers are Fooocus 2.5's (``flags.py``, ``async_worker.py``). Extreme Speed, Lightning and
Hyper-SD are distilled: a LoRA teaches the model to finish in a few steps without guidance, so the
refiner and the guidance tricks are switched off with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fooocus_ext.args import HOST_CHOICE, NONE
from fooocus_ext.errors import RequestError, did_you_mean
from fooocus_ext.presets.file_names import AvailableFiles
from fooocus_ext.presets.published import published

_DISTILLED_SETTINGS: Mapping[str, object] = {
    "refiner": NONE,
    "refiner_switch": 1.0,
    "sharpness": 0.0,
    "adaptive_cfg": 1.0,
    "adm_positive": 1.0,
    "adm_negative": 1.0,
    "adm_end": 0.0,
}


@dataclass(frozen=True)
class Performance:
    """One mode.

    Attributes:
        name: as users know it.
        steps: sampling steps of the first pass.
        upscale_steps: sampling steps of a second pass over a finished picture (hires fix).
        sampler: Fooocus's sampler name, or None to keep the page's (or the preset's).
        scheduler: Fooocus's scheduler name, or None likewise.
        cfg_scale: the CFG scale that the mode forces, or None.
        lora: file name of the LoRA that the mode needs, or None.
        lora_weight: its weight.
        settings: values forced upon ``args.Settings``, by field name.
    """

    name: str
    steps: int
    upscale_steps: int
    sampler: str | None = None
    scheduler: str | None = None
    cfg_scale: float | None = None
    lora: str | None = None
    lora_weight: float = 1.0
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def distilled(self) -> bool:
        """Whether the mode works through a distillation LoRA, without guidance."""
        return self.lora is not None


PERFORMANCES: Mapping[str, Performance] = {
    mode.name: mode
    for mode in (
        Performance("Speed", steps=30, upscale_steps=18),
        Performance("Quality", steps=60, upscale_steps=36),
        Performance(
            "Extreme Speed",
            steps=8,
            upscale_steps=8,
            sampler="lcm",
            scheduler="lcm",
            cfg_scale=1.0,
            lora="sdxl_lcm_lora.safetensors",
            settings=_DISTILLED_SETTINGS,
        ),
        Performance(
            "Lightning",
            steps=4,
            upscale_steps=4,
            sampler="euler",
            scheduler="sgm_uniform",
            cfg_scale=1.0,
            lora="sdxl_lightning_4step_lora.safetensors",
            settings=_DISTILLED_SETTINGS,
        ),
        Performance(
            "Hyper-SD",
            steps=4,
            upscale_steps=4,
            sampler="dpmpp_sde_gpu",
            scheduler="karras",
            cfg_scale=1.0,
            lora="sdxl_hyper_sd_4step_lora.safetensors",
            lora_weight=0.8,
            settings=_DISTILLED_SETTINGS,
        ),
    )
}


def find_performance(name: str) -> Performance | None:
    """Return the mode called ``name``, or None for "webui" (the page's own steps and sampler).

    Raises:
        RequestError: there is no such mode.
    """
    if name == HOST_CHOICE:
        return None
    try:
        return PERFORMANCES[name]
    except KeyError:
        allowed = ", ".join(f'"{known}"' for known in (HOST_CHOICE, *PERFORMANCES))
        hint = did_you_mean(name[:100], PERFORMANCES)
        raise RequestError(
            f'performance: there is no mode "{name[:100]}"{hint}; allowed: {allowed}.'
        ) from None


def find_lora(performance: Performance, available: Iterable[str], folder: str) -> str | None:
    """Return the name, out of ``available``, of the LoRA that a mode needs.

    Args:
        performance: the mode.
        available: the host's LoRAs, as file names, paths or bare names.
        folder: where LoRAs belong on this machine, for the message.

    Returns:
        The entry of ``available``, or None if the mode needs no LoRA.

    Raises:
        RequestError: it is not there; names the file, the folder, its address and the nearest.
    """
    if performance.lora is None:
        return None
    known = AvailableFiles(available)
    found = known.match(performance.lora)
    if found is None:
        raise RequestError(
            f'performance: "{performance.name}" needs the LoRA {performance.lora}, which is not '
            f"in {folder}{known.nearest(performance.lora)}. Put the file there (it is "
            f"published at {published()[performance.lora].file.url}) or choose another performance."
        )
    return found
