"""The second pass of hires fix, a part of StableDiffusionProcessingTxt2Img."""

from __future__ import annotations

import math

import numpy as np
import torch

from modules import devices, extra_networks, images, rng, sd_models, sd_samplers, shared
from modules.latent_images import (
    approximation_indexes,
    decode_first_stage,
    images_tensor_to_samples,
    sample_to_image,
)
from modules.processing_images import decode_latent_batch, image_to_array, opt_f, tensor_to_image
from modules.shared import opts, state

OLD_PIXELS = 512 * 512


def old_hires_fix_first_pass_dimensions(width, height):
    """(width, height) of the first pass under the old option: about 512x512 pixels in multiples of 64."""
    scale = math.sqrt(OLD_PIXELS / (width * height))
    return math.ceil(scale * width / 64) * 64, math.ceil(scale * height / 64) * 64


class HiresPass:
    """Sizes, enlarging and sampling of the second pass."""

    def calculate_target_resolution(self):
        """Size of the second pass, and how much of its latent is cut off to fit the requested ratio."""
        if opts.use_old_hires_fix_width_height and self.applied_old_hires_behavior_to != (
            self.width,
            self.height,
        ):
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

    def _count_jobs(self) -> None:
        if state.processing_has_refined_job_count:
            return
        if state.job_count == -1:
            state.job_count = self.n_iter
        first = 0 if getattr(self, "txt2img_upscale", False) else self.steps
        shared.total_tqdm.updateTotal(
            (first + (self.hr_second_pass_steps or self.steps)) * state.job_count
        )
        state.job_count *= 2
        state.processing_has_refined_job_count = True

    def _note_encoder(self) -> None:
        if opts.sd_vae_encode_method != "Full":
            self.extra_generation_params["VAE Encoder"] = opts.sd_vae_encode_method

    def _encode(self, array):
        """Latents of pictures [B,3,H,W] in 0..1."""
        pictures = torch.from_numpy(array).to(shared.device, dtype=devices.dtype_vae)
        self._note_encoder()
        return images_tensor_to_samples(
            pictures, approximation_indexes.get(opts.sd_vae_encode_method), self.sd_model
        )

    def _given_first_pass(self):
        """(latents, decoded pictures), one of them None, of `firstpass_image`."""
        array = image_to_array(self.firstpass_image)[None]
        if self.latent_scale_mode is None:
            return None, torch.asarray(array * 2.0 - 1.0)
        return self._encode(array), None

    def _save_before_hires(self, image, index, seeds, prompts) -> None:
        from modules import processing

        if not self.save_samples() or not opts.save_images_before_highres_fix:
            return
        info = processing.create_infotext(
            self,
            self.all_prompts,
            self.all_seeds,
            self.all_subseeds,
            [],
            iteration=self.iteration,
            position_in_batch=index,
        )
        images.save_image(
            image,
            self.outpath_samples,
            "",
            seeds[index],
            prompts[index],
            opts.samples_format,
            info=info,
            p=self,
            suffix="-before-highres-fix",
        )

    def _enlarge_latents(self, samples, seeds, prompts):
        """(latents, image cond) of the second pass, interpolated."""
        for i in range(samples.shape[0]):
            self._save_before_hires(sample_to_image(samples, i, approximation=0), i, seeds, prompts)
        size = (self.hr_upscale_to_y // opt_f, self.hr_upscale_to_x // opt_f)
        samples = torch.nn.functional.interpolate(
            samples,
            size=size,
            mode=self.latent_scale_mode["mode"],
            antialias=self.latent_scale_mode["antialias"],
        )
        if getattr(self, "inpainting_mask_weight", opts.inpainting_mask_weight) < 1.0:
            return samples, self.img2img_image_conditioning(
                decode_first_stage(self.sd_model, samples), samples
            )
        return samples, self.txt2img_image_conditioning(samples)

    def _enlarge_pictures(self, decoded_samples, seeds, prompts):
        """(latents, image cond) of the second pass, from enlarged pictures."""
        arrays = []
        for i, x in enumerate(torch.clamp((decoded_samples + 1.0) / 2.0, min=0.0, max=1.0)):
            image = tensor_to_image(x)
            self._save_before_hires(image, i, seeds, prompts)
            image = images.resize_image(
                0, image, self.hr_upscale_to_x, self.hr_upscale_to_y, upscaler_name=self.hr_upscaler
            )
            arrays.append(image_to_array(image))
        array = np.array(arrays)
        samples = self._encode(array)
        return samples, self.img2img_image_conditioning(
            torch.from_numpy(array).to(samples.device), samples
        )

    def _cut_to_ratio(self, samples):
        """Latents without the margins that the requested ratio leaves no room for."""
        top, left = self.truncate_y // 2, self.truncate_x // 2
        bottom = samples.shape[2] - (self.truncate_y + 1) // 2
        right = samples.shape[3] - (self.truncate_x + 1) // 2
        return samples[:, :, top:bottom, left:right]

    def sample_hr_pass(self, samples, decoded_samples, seeds, subseeds, subseed_strength, prompts):
        """The second pass; returns DecodedSamples, or the first pass's latents if interrupted before."""
        if state.interrupted:
            return samples
        self.is_hr_pass = True
        self.sampler = sd_samplers.create_sampler(
            self.hr_sampler_name or self.sampler_name, self.sd_model
        )
        if self.latent_scale_mode is not None:
            samples, image_conditioning = self._enlarge_latents(samples, seeds, prompts)
        else:
            samples, image_conditioning = self._enlarge_pictures(decoded_samples, seeds, prompts)
        state.nextjob()
        samples = self._cut_to_ratio(samples)
        self.rng = rng.ImageRNG(
            samples.shape[1:],
            self.seeds,
            subseeds=self.subseeds,
            subseed_strength=self.subseed_strength,
            seed_resize_from_h=self.seed_resize_from_h,
            seed_resize_from_w=self.seed_resize_from_w,
        )
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
            self.scripts.process_before_every_sampling(
                p=self, x=samples, noise=noise, c=self.hr_c, uc=self.hr_uc
            )
        samples = self.sampler.sample_img2img(
            self,
            samples,
            noise,
            self.hr_c,
            self.hr_uc,
            steps=self.hr_second_pass_steps or self.steps,
            image_conditioning=image_conditioning,
        )
        sd_models.apply_token_merging(self.sd_model, self.get_token_merging_ratio())
        self.sampler = None
        devices.torch_gc()
        decoded_samples = decode_latent_batch(
            self.sd_model, samples, target_device=devices.cpu, check_for_nans=True
        )
        self.is_hr_pass = False
        return decoded_samples
