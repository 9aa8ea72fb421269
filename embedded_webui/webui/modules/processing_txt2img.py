"""StableDiffusionProcessingTxt2Img with hires fix; modules/processing.py re-exports it, as in the host."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from modules import (
    devices,
    extra_networks,
    lowvram,
    prompt_parser,
    sd_models,
    sd_samplers,
    shared,
)
from modules.processing_base import StableDiffusionProcessing
from modules.processing_hires import HiresPass, old_hires_fix_first_pass_dimensions  # noqa: F401
from modules.processing_images import decode_latent_batch
from modules.shared import opts


def _hires_prompt(p, index, prompt_text, **kwargs):
    prompt = p.all_hr_prompts[index]
    return prompt if prompt != prompt_text else None


def _hires_negative_prompt(p, index, negative_prompt, **kwargs):
    prompt = p.all_hr_negative_prompts[index]
    return prompt if prompt != negative_prompt else None


@dataclass(repr=False)
class StableDiffusionProcessingTxt2Img(HiresPass, StableDiffusionProcessing):
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
        upscaler = (
            shared.latent_upscale_default_mode if self.hr_upscaler is None else self.hr_upscaler
        )
        self.latent_scale_mode = shared.latent_upscale_modes.get(upscaler)
        if self.latent_scale_mode is None and all(x.name != upscaler for x in shared.sd_upscalers):
            raise Exception(f"could not find upscaler named {upscaler}")
        self.calculate_target_resolution()
        self._count_jobs()
        if self.hr_second_pass_steps:
            params["Hires steps"] = self.hr_second_pass_steps
        if self.hr_upscaler is not None:
            params["Hires upscaler"] = self.hr_upscaler

    def sample(
        self, conditioning, unconditional_conditioning, seeds, subseeds, subseed_strength, prompts
    ):
        self.sampler = sd_samplers.create_sampler(self.sampler_name, self.sd_model)
        if self.firstpass_image is not None and self.enable_hr:
            samples, decoded_samples = self._given_first_pass()
        else:
            x = self.rng.next()
            if self.scripts is not None:
                self.scripts.process_before_every_sampling(
                    p=self, x=x, noise=x, c=conditioning, uc=unconditional_conditioning
                )
            samples = self.sampler.sample(
                self,
                x,
                conditioning,
                unconditional_conditioning,
                image_conditioning=self.txt2img_image_conditioning(x),
            )
            if not self.enable_hr:
                return samples
            devices.torch_gc()
            decoded_samples = None
            if self.latent_scale_mode is None:
                decoded = decode_latent_batch(
                    self.sd_model, samples, target_device=devices.cpu, check_for_nans=True
                )
                decoded_samples = torch.stack(decoded).to(dtype=torch.float32)
        with sd_models.SkipWritingToConfig():
            sd_models.reload_model_weights(info=self.hr_checkpoint_info)
        return self.sample_hr_pass(
            samples, decoded_samples, seeds, subseeds, subseed_strength, prompts
        )

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
        self.hr_negative_prompt = (
            self.negative_prompt if self.hr_negative_prompt == "" else self.hr_negative_prompt
        )

        def one_per_image(prompt):
            images = self.batch_size * self.n_iter
            return list(prompt) if isinstance(prompt, list) else images * [prompt]

        self.all_hr_prompts, self.all_hr_negative_prompts = self.in_styles(
            one_per_image(self.hr_prompt), one_per_image(self.hr_negative_prompt)
        )

    def calculate_hr_conds(self):
        """Encode the second pass's prompts with the active model, unless that has been done."""
        if self.hr_c is not None:
            return
        size = {"width": self.hr_upscale_to_x, "height": self.hr_upscale_to_y}
        prompts = prompt_parser.SdConditioning(self.hr_prompts, **size)
        negative_prompts = prompt_parser.SdConditioning(
            self.hr_negative_prompts, **size, is_negative_prompt=True
        )
        config = sd_samplers.find_sampler_config(self.hr_sampler_name or self.sampler_name)
        steps = self.hr_second_pass_steps or self.steps
        hires_steps = config.total_steps(steps) if config else steps
        first, data = self.firstpass_steps, self.hr_extra_network_data
        self.hr_uc = self.get_conds_with_caching(
            prompt_parser.get_learned_conditioning,
            negative_prompts,
            first,
            [self.cached_hr_uc, self.cached_uc],
            data,
            hires_steps,
        )
        self.hr_c = self.get_conds_with_caching(
            prompt_parser.get_multicond_learned_conditioning,
            prompts,
            first,
            [self.cached_hr_c, self.cached_c],
            data,
            hires_steps,
        )

    def setup_conds(self):
        if self.is_hr_pass:  # the refiner asks in the middle of the second pass
            self.hr_c = None
            self.calculate_hr_conds()
            return
        super().setup_conds()
        self.hr_uc = None
        self.hr_c = None
        same_checkpoint = self.enable_hr and self.hr_checkpoint_info is None
        early = opts.hires_fix_use_firstpass_conds or lowvram.is_enabled(shared.sd_model)
        if same_checkpoint and early:
            self.calculate_hr_conds()

    def get_conds(self):
        return (self.hr_c, self.hr_uc) if self.is_hr_pass else super().get_conds()

    def parse_extra_network_prompts(self):
        super().parse_extra_network_prompts()
        if self.enable_hr:
            batch = slice(self.iteration * self.batch_size, (self.iteration + 1) * self.batch_size)
            self.hr_prompts = self.all_hr_prompts[batch]
            self.hr_negative_prompts = self.all_hr_negative_prompts[batch]
            self.hr_prompts, self.hr_extra_network_data = extra_networks.parse_prompts(
                self.hr_prompts
            )
