"""Doubles modules/processing.py: process_images; the classes live in processing_*.py and are re-exported."""

from __future__ import annotations

from modules import sd_models, sd_samplers, sd_vae
from modules.processing_base import StableDiffusionProcessing
from modules.processing_images import (  # noqa: F401
    DecodedSamples,
    apply_color_correction,
    apply_overlay,
    create_binary_mask,
    create_random_tensors,
    decode_latent_batch,
    opt_C,
    opt_f,
    setup_color_correction,
    txt2img_image_conditioning,
    uncrop,
)
from modules.processing_img2img import StableDiffusionProcessingImg2Img  # noqa: F401
from modules.processing_loop import process_images_inner
from modules.processing_result import (  # noqa: F401
    Processed,
    create_infotext,
    get_fixed_seed,
    program_version,
)
from modules.processing_txt2img import (  # noqa: F401
    StableDiffusionProcessingTxt2Img,
    old_hires_fix_first_pass_dimensions,
)
from modules.shared import opts


def _apply_overrides(p) -> None:
    """Settings of this request.

    A checkpoint that does not exist is dropped, and the settings' one made active.
    """
    if sd_models.checkpoint_aliases.get(p.override_settings.get("sd_model_checkpoint")) is None:
        p.override_settings.pop("sd_model_checkpoint", None)
        sd_models.reload_model_weights()
    for key, value in p.override_settings.items():
        opts.set(key, value, is_api=True, run_callbacks=False)
        if key == "sd_model_checkpoint":
            sd_models.reload_model_weights()
        if key == "sd_vae":
            sd_vae.reload_vae_weights()


def process_images(p: StableDiffusionProcessing) -> Processed:
    """Make the pictures of a request under its override_settings, which are taken back afterwards."""
    if p.scripts is not None:
        p.scripts.before_process(p)
    stored = {key: opts.data[key] for key in p.override_settings if key in opts.data}
    try:
        _apply_overrides(p)
        sd_models.apply_token_merging(p.sd_model, p.get_token_merging_ratio())
        sd_samplers.fix_p_invalid_sampler_and_scheduler(p)
        return process_images_inner(p)
    finally:
        sd_models.apply_token_merging(p.sd_model, 0)
        if p.override_settings_restore_afterwards:
            for key, value in stored.items():
                setattr(opts, key, value)
                if key == "sd_vae":
                    sd_vae.reload_vae_weights()
