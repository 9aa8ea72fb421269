"""Second half of the double of modules/shared_options.py: page, infotext and sampler settings."""

from __future__ import annotations

from modules.options import OptionInfo
from modules.shared_options import _radio, _section, _slider

_section(
    ("ui", "User interface", "ui"),
    {
        "quicksettings_list": (["sd_model_checkpoint"], "Quicksettings list"),
        "ui_tab_order": ([], "UI tab order"),
        "hidden_tabs": ([], "Hidden UI tabs"),
        "ui_reorder_list": ([], "UI item order for txt2img/img2img tabs"),
        "show_progress_in_title": (True, "Show generation progress in window title."),
        "send_seed": (True, "Send seed when sending prompt or image to other interface"),
        "send_size": (True, "Send size when sending prompt or image to another interface"),
        "do_not_show_images": (False, "Do not show any images in gallery"),
        "gallery_height": ("", "Gallery height"),
        "return_grid": (True, "Show grid in gallery"),
        "dimensions_and_batch_together": (True, "Show Width/Height and Batch sliders in same row"),
        "hires_fix_show_sampler": (False, "Hires fix: show hires checkpoint and sampler selection"),
        "hires_fix_show_prompts": (False, "Hires fix: show hires prompt and negative prompt"),
        "interrupt_after_current": (True, "Don't Interrupt in the middle"),
    },
)
_section(
    ("infotext", "Infotext", "ui"),
    {
        "enable_pnginfo": (True, "Write infotext to metadata of the generated image"),
        "save_txt": (False, "Create a text file with infotext next to every generated image"),
        "add_model_name_to_info": (True, "Add model name to infotext"),
        "add_model_hash_to_info": (True, "Add model hash to infotext"),
        "add_vae_name_to_info": (True, "Add VAE name to infotext"),
        "add_vae_hash_to_info": (True, "Add VAE hash to infotext"),
        "add_user_name_to_info": (False, "Add user name to infotext when authenticated"),
        "add_version_to_infotext": (True, "Add program version to infotext"),
        "disable_weights_auto_swap": (
            True,
            "Disregard checkpoint information from pasted infotext",
        ),
        "infotext_styles": _radio(
            "Apply if any",
            "Infer styles from prompts of pasted infotext",
            ["Ignore", "Apply", "Discard", "Apply if any"],
        ),
        "infotext_skip_pasting": ([], "Disregard fields from pasted infotext"),
    },
)
_section(
    ("ui", "Live previews", "ui"),
    {
        "show_progressbar": (True, "Show progressbar"),
        "live_previews_enable": (True, "Show live previews of the created image"),
        "live_previews_image_format": _radio(
            "png", "Live preview file format", ["jpeg", "png", "webp"]
        ),
        "show_progress_grid": (True, "Show previews of all images generated in a batch as a grid"),
        "show_progress_every_n_steps": _slider(10, "Live preview display period", -1, 32, 1),
        "show_progress_type": _radio(
            "Approx cheap", "Live preview method", ["Full", "Approx cheap"]
        ),
        "live_preview_content": _radio(
            "Prompt", "Live preview subject", ["Combined", "Prompt", "Negative prompt"]
        ),
        "live_preview_refresh_period": (1000, "Progressbar and preview update period"),
        "live_preview_fast_interrupt": (
            False,
            "Return image with chosen live preview method on interrupt",
        ),
    },
)
_section(
    ("sampler-params", "Sampler parameters", "sd"),
    {
        "hide_samplers": ([], "Hide samplers in user interface"),
        "eta_ddim": _slider(0.0, "Eta for DDIM", 0, 1, 0.01, infotext="Eta DDIM"),
        "eta_ancestral": _slider(1.0, "Eta for k-diffusion samplers", 0, 1, 0.01, infotext="Eta"),
        "ddim_discretize": ("uniform", "img2img DDIM discretize"),
        "s_churn": _slider(0.0, "sigma churn", 0, 100, 0.01, infotext="Sigma churn"),
        "s_tmin": _slider(0.0, "sigma tmin", 0, 10, 0.01, infotext="Sigma tmin"),
        "s_tmax": _slider(0.0, "sigma tmax", 0, 999, 0.01, infotext="Sigma tmax"),
        "s_noise": _slider(1.0, "sigma noise", 0, 1.1, 0.001, infotext="Sigma noise"),
        "sigma_min": OptionInfo(0.0, "sigma min", infotext="Schedule min sigma"),
        "sigma_max": OptionInfo(0.0, "sigma max", infotext="Schedule max sigma"),
        "rho": OptionInfo(0.0, "rho", infotext="Schedule rho"),
        "eta_noise_seed_delta": OptionInfo(0, "Eta noise seed delta", infotext="ENSD"),
        "always_discard_next_to_last_sigma": OptionInfo(
            False, "Always discard next-to-last sigma", infotext="Discard penultimate sigma"
        ),
        "sgm_noise_multiplier": OptionInfo(
            False, "SGM noise multiplier", infotext="SGM noise multiplier"
        ),
        "sd_noise_schedule": _radio(
            "Default",
            "Noise schedule for sampling",
            ["Default", "Zero Terminal SNR"],
            infotext="Noise Schedule",
        ),
        "skip_early_cond": _slider(
            0.0,
            "Ignore negative prompt during early sampling",
            0,
            1,
            0.01,
            infotext="Skip Early CFG",
        ),
    },
)
_section(
    (None, "Hidden options"),
    {
        "disabled_extensions": ([], "Disable these extensions"),
        "disable_all_extensions": ("none", "Disable all extensions"),
        "sd_checkpoint_hash": ("", "SHA256 hash of the current checkpoint"),
    },
)
_section(
    ("optimizations", "Optimizations", "sd"),
    {
        "s_min_uncond": _slider(
            0.0, "Negative Guidance minimum sigma", 0, 15, 0.01, infotext="NGMS"
        ),
        "s_min_uncond_all": OptionInfo(
            False, "Negative Guidance minimum sigma all steps", infotext="NGMS all steps"
        ),
        "token_merging_ratio": (0.0, "Token merging ratio"),
        "token_merging_ratio_img2img": (0.0, "Token merging ratio for img2img"),
        "token_merging_ratio_hr": (0.0, "Token merging ratio for high-res pass"),
        "pad_cond_uncond": OptionInfo(False, "Pad prompt/negative prompt", infotext="Pad conds"),
        "pad_cond_uncond_v0": OptionInfo(
            False, "Pad prompt/negative prompt (v0)", infotext="Pad conds v0"
        ),
        "persistent_cond_cache": (True, "Persistent cond cache"),
        "batch_cond_uncond": (True, "Batch cond/uncond"),
        "fp8_storage": ("Disable", "FP8 weight"),
        "cache_fp16_weight": (False, "Cache FP16 weight for LoRA"),
    },
)
_section(
    ("compatibility", "Compatibility", "sd"),
    {
        "use_old_karras_scheduler_sigmas": (False, "Use old karras scheduler sigmas (0.1 to 10)."),
        "no_dpmpp_sde_batch_determinism": (
            False,
            "Do not make DPM++ SDE deterministic across batch sizes.",
        ),
        "use_old_hires_fix_width_height": (
            False,
            "For hires fix, use width/height sliders as the final size.",
        ),
        "hires_fix_use_firstpass_conds": (
            False,
            "For hires fix, calculate conds of second pass with first.",
        ),
        "use_old_scheduling": OptionInfo(
            False, "Use old prompt editing timelines.", infotext="Old prompt editing timelines"
        ),
        "use_downcasted_alpha_bar": OptionInfo(
            False,
            "Downcast model alphas_cumprod to fp16 before sampling.",
            infotext="Downcast alphas_cumprod",
        ),
        "refiner_switch_by_sample_steps": OptionInfo(
            False,
            "Switch to refiner by sampling steps",
            infotext="Refiner switch by sampling steps",
        ),
    },
)
