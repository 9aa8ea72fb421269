"""Processed, seeds and infotext; modules/processing.py re-exports this, as in the host."""

from __future__ import annotations

import json
import random

from modules import devices, errors, infotext_utils, sd_samplers_common
from modules.shared import opts, state

SEED_LIMIT = 4294967294
FROM_P = (
    "subseed_strength",
    "width",
    "height",
    "sampler_name",
    "cfg_scale",
    "steps",
    "batch_size",
    "restore_faces",
    "sd_model_name",
    "sd_model_hash",
    "sd_vae_name",
    "sd_vae_hash",
    "seed_resize_from_w",
    "seed_resize_from_h",
    "extra_generation_params",
    "styles",
    "token_merging_ratio",
    "token_merging_ratio_hr",
    "eta",
    "ddim_discretize",
    "s_churn",
    "s_tmin",
    "s_tmax",
    "s_noise",
    "s_min_uncond",
    "sampler_noise_scheduler_override",
    "is_using_inpainting_conditioning",
)
IN_JS = (
    "seed",
    "all_seeds",
    "subseed",
    "all_subseeds",
    "subseed_strength",
    "width",
    "height",
    "sampler_name",
    "cfg_scale",
    "steps",
    "batch_size",
    "restore_faces",
    "face_restoration_model",
    "sd_model_name",
    "sd_model_hash",
    "sd_vae_name",
    "sd_vae_hash",
    "seed_resize_from_w",
    "seed_resize_from_h",
    "denoising_strength",
    "extra_generation_params",
    "index_of_first_image",
    "infotexts",
    "styles",
    "job_timestamp",
    "clip_skip",
    "is_using_inpainting_conditioning",
    "version",
)


def get_fixed_seed(seed):
    """A number for -1, None and text that is no number; anything else as it is."""
    if isinstance(seed, str):
        try:
            seed = int(seed)
        except ValueError:
            seed = -1
    return random.randrange(SEED_LIMIT) if seed in (None, -1) else seed


def program_version():
    """The version that infotexts carry, None if it is unknown."""
    import launch

    version = launch.git_tag()
    return None if version == "<none>" else version


def _first(value):
    return value[0] if isinstance(value, list) else value


def _number(value) -> int:
    value = _first(value)
    return -1 if value is None else int(value)


class Processed:
    """What a request made: images (a grid first, if any), one infotext per image."""

    def __init__(
        self,
        p,
        images_list,
        seed=-1,
        info="",
        subseed=None,
        all_prompts=None,
        all_negative_prompts=None,
        all_seeds=None,
        all_subseeds=None,
        index_of_first_image=0,
        infotexts=None,
        comments="",
    ):
        for name in FROM_P:
            setattr(self, name, getattr(p, name))
        self.images = images_list
        self.prompt = _first(p.prompt)
        self.negative_prompt = _first(p.negative_prompt)
        self.seed = _number(seed)
        self.subseed = _number(subseed)
        self.info = info
        self.comments = "".join(f"{comment}\n" for comment in p.comments)
        self.image_cfg_scale = getattr(p, "image_cfg_scale", None)
        self.face_restoration_model = opts.face_restoration_model if p.restore_faces else None
        self.denoising_strength = getattr(p, "denoising_strength", None)
        self.index_of_first_image = index_of_first_image
        self.job_timestamp = state.job_timestamp
        self.clip_skip = opts.CLIP_stop_at_last_layers
        self.all_prompts = all_prompts or p.all_prompts or [self.prompt]
        self.all_negative_prompts = (
            all_negative_prompts or p.all_negative_prompts or [self.negative_prompt]
        )
        self.all_seeds = all_seeds or p.all_seeds or [self.seed]
        self.all_subseeds = all_subseeds or p.all_subseeds or [self.subseed]
        self.infotexts = infotexts or [info] * len(images_list)
        self.version = program_version()

    def js(self):
        """JSON for the page and the API; values that JSON cannot hold become null."""
        obj = {
            "prompt": self.all_prompts[0],
            "all_prompts": self.all_prompts,
            "negative_prompt": self.all_negative_prompts[0],
            "all_negative_prompts": self.all_negative_prompts,
            **{name: getattr(self, name) for name in IN_JS},
        }
        return json.dumps(obj, default=lambda o: None)

    def infotext(self, p, index):
        """The infotext of an image."""
        return create_infotext(
            p,
            self.all_prompts,
            self.all_seeds,
            self.all_subseeds,
            comments=[],
            position_in_batch=index % self.batch_size,
            iteration=index // self.batch_size,
        )

    def get_token_merging_ratio(self, for_hr=False):
        """As noted."""
        return self.token_merging_ratio_hr if for_hr else self.token_merging_ratio


def _if(condition, value):
    return value if condition else None


def _generation_params(p, seed, subseed) -> dict:
    """The entries of the infotext in the host's order; None is left out."""
    clip_skip = getattr(p, "clip_skip", opts.CLIP_stop_at_last_layers)
    ratio, ratio_hr = p.get_token_merging_ratio(), p.get_token_merging_ratio(for_hr=True)
    varied = p.subseed_strength != 0
    uses_ensd = (
        opts.eta_noise_seed_delta != 0
        and sd_samplers_common.is_sampler_using_eta_noise_seed_delta(p)
    )
    resized = p.seed_resize_from_w > 0 and p.seed_resize_from_h > 0
    mask_weight = getattr(p, "inpainting_mask_weight", opts.inpainting_mask_weight)
    return {
        "Steps": p.steps,
        "Sampler": p.sampler_name,
        "Schedule type": p.scheduler,
        "CFG scale": p.cfg_scale,
        "Image CFG scale": getattr(p, "image_cfg_scale", None),
        "Seed": seed,
        "Face restoration": _if(p.restore_faces, opts.face_restoration_model),
        "Size": f"{p.width}x{p.height}",
        "Model hash": _if(opts.add_model_hash_to_info, p.sd_model_hash),
        "Model": _if(opts.add_model_name_to_info, p.sd_model_name),
        "FP8 weight": _if(devices.fp8, opts.fp8_storage),
        "Cache FP16 weight for LoRA": _if(devices.fp8, opts.cache_fp16_weight),
        "VAE hash": _if(opts.add_vae_hash_to_info, p.sd_vae_hash),
        "VAE": _if(opts.add_vae_name_to_info, p.sd_vae_name),
        "Variation seed": _if(varied, subseed),
        "Variation seed strength": _if(varied, p.subseed_strength),
        "Seed resize from": _if(resized, f"{p.seed_resize_from_w}x{p.seed_resize_from_h}"),
        "Denoising strength": p.extra_generation_params.get("Denoising strength"),
        "Conditional mask weight": _if(p.is_using_inpainting_conditioning, mask_weight),
        "Clip skip": _if(clip_skip > 1, clip_skip),
        "ENSD": _if(uses_ensd, opts.eta_noise_seed_delta),
        "Token merging ratio": _if(ratio != 0, ratio),
        "Token merging ratio hr": _if(getattr(p, "enable_hr", False) and ratio_hr != 0, ratio_hr),
        "Init image hash": getattr(p, "init_img_hash", None),
        "RNG": _if(opts.randn_source != "GPU", opts.randn_source),
        "Tiling": _if(p.tiling, "True"),
        **p.extra_generation_params,
        "Version": _if(opts.add_version_to_infotext, program_version()),
        "User": _if(opts.add_user_name_to_info, p.user),
    }


def create_infotext(
    p,
    all_prompts,
    all_seeds,
    all_subseeds,
    comments=None,
    iteration=0,
    position_in_batch=0,
    use_main_prompt=False,
    index=None,
    all_negative_prompts=None,
):
    """Prompt, negative prompt and parameters of one image, as text.

     A value in p.extra_generation_params may be a list with one entry per image, or a function that
    gets the keyword arguments named here and more (p, index, prompt_text, negative_prompt, ...).
    """
    if use_main_prompt:
        index = 0
    elif index is None:
        index = position_in_batch + iteration * p.batch_size
    if all_negative_prompts is None:
        all_negative_prompts = p.all_negative_prompts
    prompt_text = p.main_prompt if use_main_prompt else all_prompts[index]
    negative_prompt = p.main_negative_prompt if use_main_prompt else all_negative_prompts[index]
    seed = p.all_seeds[0] if use_main_prompt else all_seeds[index]
    subseed = p.all_subseeds[0] if use_main_prompt else all_subseeds[index]
    generation_params = _generation_params(p, seed, subseed)
    available = dict(locals())
    for key, value in generation_params.items():
        try:
            if isinstance(value, list):
                generation_params[key] = value[index]
            elif callable(value):
                generation_params[key] = value(**available)
        except Exception:
            errors.report(f'Error creating infotext for key "{key}"', exc_info=True)
            generation_params[key] = None
    parameters = ", ".join(
        key if key == value else f"{key}: {infotext_utils.quote(value)}"
        for key, value in generation_params.items()
        if value is not None
    )
    negative_line = f"\nNegative prompt: {negative_prompt}" if negative_prompt else ""
    return f"{prompt_text}{negative_line}\n{parameters}".strip()
