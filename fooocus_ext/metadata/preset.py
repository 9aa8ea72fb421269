"""What a preset asks for, as the settings of a picture on this machine."""

from __future__ import annotations

from fooocus_ext.errors import shortened
from fooocus_ext.limits import MAX_NOTES
from fooocus_ext.metadata.settings import PictureSettings
from fooocus_ext.presets.preset import Preset
from fooocus_ext.presets.resolve import MODEL_OF_CHECKPOINT, Resolution
from fooocus_ext.presets.samplers import DEFAULT_SAMPLER, DEFAULT_SCHEDULER


def from_preset(preset: Preset, found: Resolution) -> PictureSettings:
    """Return the settings that a preset determines; what it is silent about, they do not state.

    Args:
        preset: the preset.
        found: its files, looked up on this machine; a missing one is among the problems.
    """
    has_sampler = preset.sampler or preset.scheduler
    settings = PictureSettings(
        prompt=preset.prompt or None,
        negative_prompt=preset.negative_prompt,
        styles=preset.styles,
        performance=preset.performance,
        forced_steps=preset.steps,
        aspect_ratio=preset.aspect_ratio,
        size=(preset.size.width, preset.size.height) if preset.size else None,
        image_number=preset.image_number,
        guidance_scale=preset.cfg_scale,
        sharpness=preset.sharpness,
        adm_positive=preset.adm_positive,
        adm_negative=preset.adm_negative,
        adm_end=preset.adm_end,
        adaptive_cfg=preset.adaptive_cfg,
        base_model=found.checkpoint,
        refiner=found.refiner,
        refiner_switch=preset.refiner_switch,
        refiner_method=preset.refiner_method,
        overwrite_switch=preset.switch_step,
        clip_skip=preset.clip_skip,
        sampler=(preset.sampler or DEFAULT_SAMPLER) if has_sampler else None,
        scheduler=(preset.scheduler or DEFAULT_SCHEDULER) if has_sampler else None,
        vae=None if preset.vae is None else found.vae or MODEL_OF_CHECKPOINT,
        loras=None if preset.loras is None else found.loras,
        problems=(
            *preset.complaints,
            *shortened((*found.problems, *found.notes), MAX_NOTES),
        ),
    )
    return settings.with_bare_embeddings()
