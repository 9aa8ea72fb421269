"""StableDiffusionProcessingTxt2Img with hires fix; modules/processing.py re-exports it, as in the host."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch

from modules import devices, extra_networks, images, lowvram, prompt_parser, rng, sd_models, sd_samplers, shared
from modules.latent_images import approximation_indexes, decode_first_stage, images_tensor_to_samples, sample_to_image
from modules.processing_base import StableDiffusionProcessing
from modules.processing_images import decode_latent_batch, image_to_array, opt_f, tensor_to_image
from modules.shared import opts, state

OLD_PIXELS = 512 * 512


def old_hires_fix_first_pass_dimensions(width, height):
    """(width, height) of the first pass under the old option: about 512x512 pixels in multiples of 64."""
    scale = math.sqrt(OLD_PIXELS / (width * height))
    return math.ceil(scale * width / 64) * 64, math.ceil(scale * height / 64) * 64


def _hires_prompt(p, index, prompt_text, **kwargs):
    prompt = p.all_hr_prompts[index]
    return prompt if prompt != prompt_text else None


def _hires_negative_prompt(p, index, negative_prompt, **kwargs):
    prompt = p.all_hr_negative_prompts[index]
    return prompt if prompt != negative_prompt else None


@dataclass(repr=False)
class StableDiffusionProcessingTxt2Img(StableDiffusionProcessing):
    """A picture from text, optionally enlarged and sampled again."""

    enable_hr: bool = False
    denoising_strength: float = 0.75
    firstphase_width: int = 0
    firstphase_height: int = 0
    hr_scale: float = 2.0
    hr_upscaler: str = None
    hr_second_pass_steps: int = 0
    hr_resize_x: int = 0
    hr_resize_y: int = 0
    hr_checkpoint_name: str = None
    hr_sampler_name: str = None
    hr_scheduler: str = None
    hr_prompt: str = ""
    hr_negative_prompt: str = ""
    force_task_id: str = None

    cached_hr_uc = [None, None]  # noqa: RUF012 - shared by all requests, as in the host
    cached_hr_c = [None, None]  # noqa: RUF012

    hr_checkpoint_info: dict = field(default=None, init=False)
    hr_upscale_to_x: int = field(default=0, init=False)
    hr_upscale_to_y: int = field(default=0, init=False)
    truncate_x: int = field(default=0, init=False)
    truncate_y: int = field(default=0, init=False)
    applied_old_hires_behavior_to: tuple = field(default=None, init=False)
    latent_scale_mode: dict = field(default=None, init=False)
    hr_c: tuple | None = field(default=None, init=False)
    hr_uc: tuple | None = field(default=None, init=False)
    all_hr_prompts: list = field(default=None, init=False)
    all_hr_negative_prompts: list = field(default=None, init=False)
    hr_prompts: list = field(default=None, init=False)
    hr_negative_prompts: list = field(default=None, init=False)
    hr_extra_network_data: list = field(default=None, init=False)

    def __post_init__(self):
        super().__post_init__()
        if self.firstphase_width != 0 or self.firstphase_height != 0:
            self.hr_upscale_to_x, self.hr_upscale_to_y = self.width, self.height
            self.width, self.height = self.firstphase_width, self.firstphase_height
        self.cached_hr_uc = StableDiffusionProcessingTxt2Img.cached_hr_uc
        self.cached_hr_c = StableDiffusionProcessingTxt2Img.cached_hr_c

    def calculate_target_resolution(self):
        """Size of the second pass, and how much of its latent is cut off to fit the requested ratio."""
        if opts.use_old_hires_fix_width_height and self.applied_old_hires_behavior_to != (self.width, self.height):
            self.hr_resize_x = self.hr_upscale_to_x = self.width
            self.hr_resize_y = self.hr_upscale_to_y = self.height
            self.width, self.height = old_hires_fix_first_pass_dimensions(self.width, self.height)
            self.applied_old_hires_behavior_to = (self.width, self.height)
        x, y = self.hr_resize_x, self.hr_resize_y
        if x == 0 and y == 0:
            self.extra_generation_params["Hires upscale"] = self.hr_scale
            self.hr_upscale_to_x = int(self.width * self.hr_scale)
            self.hr_upscale_to_y = int(self.height * self.hr_scale)
            return
        self.extra_generation_params["Hires resize"] = f"{x}x{y}"
        by_width = y == 0 or (x != 0 and self.width / self.height < x / y)
        self.hr_upscale_to_x = x if by_width else y * self.width // self.height
        self.hr_upscale_to_y = x * self.height // self.width if by_width else y
        if x and y:
            self.truncate_x = (self.hr_upscale_to_x - x) // opt_f
            self.truncate_y = (self.hr_upscale_to_y - y) // opt_f

    def init(self, all_prompts, all_seeds, all_subseeds):
        if not self.enable_hr:
            return
        params = self.extra_generation_params
        params["Denoising strength"] = self.denoising_strength
        if self.hr_checkpoint_name and self.hr_checkpoint_name != "Use same checkpoint":
            self.hr_checkpoint_info = sd_models.get_closet_checkpoint_match(self.hr_checkpoint_name)
            if self.hr_checkpoint_info is None:
                raise Exception(f"Could not find checkpoint with name {self.hr_checkpoint_name}")
            params["Hires checkpoint"] = self.hr_checkpoint_info.short_title
        if self.hr_sampler_name is not None and self.hr_sampler_name != self.sampler_name:
            params["Hires sampler"] = self.hr_sampler_name
        params["Hires prompt"] = _hires_prompt
        params["Hires negative prompt"] = _hires_negative_prompt
        params["Hires schedule type"] = None  # the sampler sets it, here it gets its place
        if self.hr_scheduler is None:
            self.hr_scheduler = self.scheduler
        upscaler = shared.latent_upscale_default_mode if self.hr_upscaler is None else self.hr_upscaler
        self.latent_scale_mode = shared.latent_upscale_modes.get(upscaler)
        if self.latent_scale_mode is None and all(x.name != upscaler for x in shared.sd_upscalers):
            raise Exception(f"could not find upscaler named {upscaler}")
        self.calculate_target_resolution()
        self._count_jobs()
        if self.hr_second_pass_steps:
            params["Hires steps"] = self.hr_second_pass_steps
        if self.hr_upscaler is not None:
            params["Hires upscaler"] = self.hr_upscaler

    def _count_jobs(self) -> None:
        if state.processing_has_refined_job_count:
            return
        if state.job_count == -1:
            state.job_count = self.n_iter
        first = 0 if getattr(self, "txt2img_upscale", False) else self.steps
        shared.total_tqdm.updateTotal((first + (self.hr_second_pass_steps or self.steps)) * state.job_count)
        state.job_count *= 2
        state.processing_has_refined_job_count = True

    def _note_encoder(self) -> None:
        if opts.sd_vae_encode_method != "Full":
            self.extra_generation_params["VAE Encoder"] = opts.sd_vae_encode_method

    def _encode(self, array):
        """Latents of pictures [B,3,H,W] in 0..1."""
        pictures = torch.from_numpy(array).to(shared.device, dtype=devices.dtype_vae)
        self._note_encoder()
        return images_tensor_to_samples(pictures, approximation_indexes.get(opts.sd_vae_encode_method), self.sd_model)

    def _given_first_pass(self):
        """(latents, decoded pictures), one of them None, of `firstpass_image`."""
        array = image_to_array(self.firstpass_image)[None]
        if self.latent_scale_mode is None:
            return None, torch.asarray(array * 2.0 - 1.0)
        return self._encode(array), None

    def sample(self, conditioning, unconditional_conditioning, seeds, subseeds, subseed_strength, prompts):
        self.sampler = sd_samplers.create_sampler(self.sampler_name, self.sd_model)
        if self.firstpass_image is not None and self.enable_hr:
            samples, decoded_samples = self._given_first_pass()
        else:
            x = self.rng.next()
            if self.scripts is not None:
                self.scripts.process_before_every_sampling(p=self, x=x, noise=x, c=conditioning,
                                                           uc=unconditional_conditioning)
            samples = self.sampler.sample(self, x, conditioning, unconditional_conditioning,
                                          image_conditioning=self.txt2img_image_conditioning(x))
            if not self.enable_hr:
                return samples
            devices.torch_gc()
            decoded_samples = None
            if self.latent_scale_mode is None:
                decoded = decode_latent_batch(self.sd_model, samples, target_device=devices.cpu, check_for_nans=True)
                decoded_samples = torch.stack(decoded).to(dtype=torch.float32)
        with sd_models.SkipWritingToConfig():
            sd_models.reload_model_weights(info=self.hr_checkpoint_info)
        return self.sample_hr_pass(samples, decoded_samples, seeds, subseeds, subseed_strength, prompts)

    def _save_before_hires(self, image, index, seeds, prompts) -> None:
        from modules import processing

        if not self.save_samples() or not opts.save_images_before_highres_fix:
            return
        info = processing.create_infotext(self, self.all_prompts, self.all_seeds, self.all_subseeds, [],
                                          iteration=self.iteration, position_in_batch=index)
        images.save_image(image, self.outpath_samples, "", seeds[index], prompts[index], opts.samples_format,
                          info=info, p=self, suffix="-before-highres-fix")

    def _enlarge_latents(self, samples, seeds, prompts):
        """(latents, image cond) of the second pass, interpolated."""
        for i in range(samples.shape[0]):
            self._save_before_hires(sample_to_image(samples, i, approximation=0), i, seeds, prompts)
        size = (self.hr_upscale_to_y // opt_f, self.hr_upscale_to_x // opt_f)
        samples = torch.nn.functional.interpolate(samples, size=size, mode=self.latent_scale_mode["mode"],
                                                  antialias=self.latent_scale_mode["antialias"])
        if getattr(self, "inpainting_mask_weight", opts.inpainting_mask_weight) < 1.0:
            return samples, self.img2img_image_conditioning(decode_first_stage(self.sd_model, samples), samples)
        return samples, self.txt2img_image_conditioning(samples)

    def _enlarge_pictures(self, decoded_samples, seeds, prompts):
        """(latents, image cond) of the second pass, from enlarged pictures."""
        arrays = []
        for i, x in enumerate(torch.clamp((decoded_samples + 1.0) / 2.0, min=0.0, max=1.0)):
            image = tensor_to_image(x)
            self._save_before_hires(image, i, seeds, prompts)
            image = images.resize_image(0, image, self.hr_upscale_to_x, self.hr_upscale_to_y,
                                        upscaler_name=self.hr_upscaler)
            arrays.append(image_to_array(image))
        array = np.array(arrays)
        samples = self._encode(array)
        return samples, self.img2img_image_conditioning(torch.from_numpy(array).to(samples.device), samples)

    def sample_hr_pass(self, samples, decoded_samples, seeds, subseeds, subseed_strength, prompts):
        """The second pass; returns DecodedSamples, or the first pass's latents if interrupted before."""
        if state.interrupted:
            return samples
        self.is_hr_pass = True
        self.sampler = sd_samplers.create_sampler(self.hr_sampler_name or self.sampler_name, self.sd_model)
        if self.latent_scale_mode is not None:
            samples, image_conditioning = self._enlarge_latents(samples, seeds, prompts)
        else:
            samples, image_conditioning = self._enlarge_pictures(decoded_samples, seeds, prompts)
        state.nextjob()
        top, left = self.truncate_y // 2, self.truncate_x // 2
        bottom = samples.shape[2] - (self.truncate_y + 1) // 2
        right = samples.shape[3] - (self.truncate_x + 1) // 2
        samples = samples[:, :, top:bottom, left:right]
        self.rng = rng.ImageRNG(samples.shape[1:], self.seeds, subseeds=self.subseeds,
                                subseed_strength=self.subseed_strength, seed_resize_from_h=self.seed_resize_from_h,
                                seed_resize_from_w=self.seed_resize_from_w)
        noise = self.rng.next()
        devices.torch_gc()
        if not self.disable_extra_networks:
            with devices.autocast():
                extra_networks.activate(self, self.hr_extra_network_data)
        with devices.autocast():
            self.calculate_hr_conds()
        sd_models.apply_token_merging(self.sd_model, self.get_token_merging_ratio(for_hr=True))
        if self.scripts is not None:
            self.scripts.before_hr(self)
            self.scripts.process_before_every_sampling(p=self, x=samples, noise=noise, c=self.hr_c, uc=self.hr_uc)
        samples = self.sampler.sample_img2img(self, samples, noise, self.hr_c, self.hr_uc,
                                              steps=self.hr_second_pass_steps or self.steps,
                                              image_conditioning=image_conditioning)
        sd_models.apply_token_merging(self.sd_model, self.get_token_merging_ratio())
        self.sampler = None
        devices.torch_gc()
        decoded_samples = decode_latent_batch(self.sd_model, samples, target_device=devices.cpu, check_for_nans=True)
        self.is_hr_pass = False
        return decoded_samples

    def close(self):
        super().close()
        self.hr_c = None
        self.hr_uc = None
        if not opts.persistent_cond_cache:
            StableDiffusionProcessingTxt2Img.cached_hr_uc = [None, None]
            StableDiffusionProcessingTxt2Img.cached_hr_c = [None, None]

    def setup_prompts(self):
        super().setup_prompts()
        if not self.enable_hr:
            return
        self.hr_prompt = self.prompt if self.hr_prompt == "" else self.hr_prompt
        self.hr_negative_prompt = self.negative_prompt if self.hr_negative_prompt == "" else self.hr_negative_prompt

        def one_per_image(prompt, apply_styles):
            prompts = prompt if isinstance(prompt, list) else self.batch_size * self.n_iter * [prompt]
            return [apply_styles(x, self.styles) for x in prompts]

        styles = shared.prompt_styles
        self.all_hr_prompts = one_per_image(self.hr_prompt, styles.apply_styles_to_prompt)
        self.all_hr_negative_prompts = one_per_image(self.hr_negative_prompt, styles.apply_negative_styles_to_prompt)

    def calculate_hr_conds(self):
        """Encode the second pass's prompts with the active model, unless that has been done."""
        if self.hr_c is not None:
            return
        size = {"width": self.hr_upscale_to_x, "height": self.hr_upscale_to_y}
        prompts = prompt_parser.SdConditioning(self.hr_prompts, **size)
        negative_prompts = prompt_parser.SdConditioning(self.hr_negative_prompts, **size, is_negative_prompt=True)
        config = sd_samplers.find_sampler_config(self.hr_sampler_name or self.sampler_name)
        steps = self.hr_second_pass_steps or self.steps
        hires_steps = config.total_steps(steps) if config else steps
        first, data = self.firstpass_steps, self.hr_extra_network_data
        self.hr_uc = self.get_conds_with_caching(prompt_parser.get_learned_conditioning, negative_prompts, first,
                                                 [self.cached_hr_uc, self.cached_uc], data, hires_steps)
        self.hr_c = self.get_conds_with_caching(prompt_parser.get_multicond_learned_conditioning, prompts, first,
                                                [self.cached_hr_c, self.cached_c], data, hires_steps)

    def setup_conds(self):
        if self.is_hr_pass:  # the refiner asks in the middle of the second pass
            self.hr_c = None
            self.calculate_hr_conds()
            return
        super().setup_conds()
        self.hr_uc = None
        self.hr_c = None
        if self.enable_hr and self.hr_checkpoint_info is None:
            if opts.hires_fix_use_firstpass_conds or lowvram.is_enabled(shared.sd_model):
                self.calculate_hr_conds()

    def get_conds(self):
        return (self.hr_c, self.hr_uc) if self.is_hr_pass else super().get_conds()

    def parse_extra_network_prompts(self):
        super().parse_extra_network_prompts()
        if self.enable_hr:
            batch = slice(self.iteration * self.batch_size, (self.iteration + 1) * self.batch_size)
            self.hr_prompts = self.all_hr_prompts[batch]
            self.hr_negative_prompts = self.all_hr_negative_prompts[batch]
            self.hr_prompts, self.hr_extra_network_data = extra_networks.parse_prompts(self.hr_prompts)
