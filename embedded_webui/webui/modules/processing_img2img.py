"""StableDiffusionProcessingImg2Img with inpainting; modules/processing.py re-exports it, as in the host."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from PIL import Image as PilImage
from PIL import ImageOps
from PIL.Image import Image

from modules import devices, images, masking, sd_samplers, shared
from modules.latent_images import approximation_indexes, images_tensor_to_samples
from modules.processing_base import StableDiffusionProcessing
from modules.processing_images import (
    create_binary_mask,
    create_random_tensors,
    image_to_array,
    opt_f,
    setup_color_correction,
)
from modules.sd_hijack import model_hijack
from modules.shared import opts

FILL_BLURRED, FILL_ORIGINAL, FILL_NOISE, FILL_NOTHING = range(4)
JUST_RESIZE, CROP_AND_RESIZE, LATENT_UPSCALE = 0, 2, 3


@dataclass(repr=False)
class StableDiffusionProcessingImg2Img(StableDiffusionProcessing):
    """A picture from pictures; with a mask, only its white part is made anew."""

    init_images: list = None
    resize_mode: int = 0
    denoising_strength: float = 0.75
    image_cfg_scale: float = None
    mask: Any = None
    mask_blur_x: int = 4
    mask_blur_y: int = 4
    mask_blur: int = None
    mask_round: bool = True
    inpainting_fill: int = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: int = 0
    inpainting_mask_invert: int = 0
    initial_noise_multiplier: float = None
    latent_mask: Image = None
    force_task_id: str = None

    image_mask: Any = field(default=None, init=False)
    nmask: torch.Tensor = field(default=None, init=False)
    image_conditioning: torch.Tensor = field(default=None, init=False)
    init_img_hash: str = field(default=None, init=False)
    mask_for_overlay: Image = field(default=None, init=False)
    init_latent: torch.Tensor = field(default=None, init=False)

    def __post_init__(self):
        super().__post_init__()
        self.image_mask = self.mask
        self.mask = None
        if self.initial_noise_multiplier is None:
            self.initial_noise_multiplier = opts.initial_noise_multiplier

    @property
    def mask_blur(self):  # noqa: F811 - the field exists for the constructor, as in the host
        return self.mask_blur_x if self.mask_blur_x == self.mask_blur_y else None

    @mask_blur.setter
    def mask_blur(self, value):
        if isinstance(value, int):
            self.mask_blur_x = self.mask_blur_y = value

    def _blurred_mask(self):
        """The mask, inverted and blurred as requested."""
        mask = create_binary_mask(self.image_mask, round=self.mask_round)
        if self.inpainting_mask_invert:
            mask = ImageOps.invert(mask)
            self.extra_generation_params["Mask mode"] = "Inpaint not masked"
        if self.mask_blur_x > 0 or self.mask_blur_y > 0:
            mask = masking.gaussian_blur(mask, self.mask_blur_x, self.mask_blur_y)
            self.extra_generation_params["Mask blur"] = self.mask_blur
        return mask

    def _crop_to_mask(self, mask):
        """(mask of the cropped region, region) for "only masked"; (None, None) if the mask is blank."""
        self.mask_for_overlay = mask
        region = masking.get_crop_region_v2(mask, self.inpaint_full_res_padding)
        if not region:
            self.mask_for_overlay = None
            self.inpaint_full_res = False
            model_hijack.comments.append(
                'Unable to perform "Inpaint Only mask" because mask is blank, switch to'
                " img2img mode."
            )
            return None, None
        region = masking.expand_crop_region(
            region, self.width, self.height, mask.width, mask.height
        )
        x1, y1, x2, y2 = region
        self.paste_to = (x1, y1, x2 - x1, y2 - y1)
        self.extra_generation_params["Inpaint area"] = "Only masked"
        self.extra_generation_params["Masked area padding"] = self.inpaint_full_res_padding
        return images.resize_image(
            CROP_AND_RESIZE, mask.crop(region), self.width, self.height
        ), region

    def _prepare_mask(self):
        """(mask in the size of the picture or None, crop region or None)."""
        if self.image_mask is None:
            return None, None
        self.overlay_images = []
        mask = self._blurred_mask()
        if self.inpaint_full_res:
            return self._crop_to_mask(mask)
        mask = images.resize_image(self.resize_mode, mask, self.width, self.height)
        doubled = np.clip(np.array(mask).astype(np.float32) * 2, 0, 255).astype(np.uint8)
        self.mask_for_overlay = PilImage.fromarray(doubled)
        return mask, None

    def _add_overlay(self, image) -> None:
        """Keep what the mask leaves of a source picture, to be pasted over the result."""
        if self.mask_for_overlay.size != image.size:
            self.mask_for_overlay = images.resize_image(
                self.resize_mode, self.mask_for_overlay, *image.size
            )
        kept = PilImage.new("RGBa", image.size)
        kept.paste(
            image.convert("RGBA").convert("RGBa"),
            mask=ImageOps.invert(self.mask_for_overlay.convert("L")),
        )
        self.overlay_images.append(kept.convert("RGBA"))

    def _prepare_image(self, img, image_mask, latent_mask, crop_region):
        """One source picture as an array [3,H,W] in 0..1."""
        if opts.save_init_img:
            self.init_img_hash = hashlib.md5(img.tobytes()).hexdigest()  # noqa: S324 - a name, no security
            images.save_image(
                img,
                path=opts.outdir_init_images,
                basename=None,
                forced_filename=self.init_img_hash,
                save_to_dirs=False,
                existing_info=img.info,
            )
        image = images.flatten(img, opts.img2img_background_color)
        if crop_region is None and self.resize_mode != LATENT_UPSCALE:
            image = images.resize_image(self.resize_mode, image, self.width, self.height)
        if image_mask is not None:
            self._add_overlay(image)
        if crop_region is not None:
            image = images.resize_image(
                CROP_AND_RESIZE, image.crop(crop_region), self.width, self.height
            )
        if image_mask is not None and self.inpainting_fill != FILL_ORIGINAL:
            image = masking.fill(image, latent_mask)
            if self.inpainting_fill == FILL_BLURRED:
                self.extra_generation_params["Masked content"] = "fill"
        if self._collects_colors:
            self.color_corrections.append(setup_color_correction(image))
        return image_to_array(image)

    def _batch(self, arrays):
        """The source pictures of a batch [B,3,H,W]; a single one serves for all."""
        if len(arrays) == 1:
            for name in ("overlay_images", "color_corrections"):
                items = getattr(self, name)
                if items is not None and len(items) == 1:
                    setattr(self, name, items * self.batch_size)
            return np.repeat(arrays[0][None], self.batch_size, axis=0)
        if len(arrays) > self.batch_size:
            raise RuntimeError(
                f"bad number of images passed: {len(arrays)}; expecting {self.batch_size} or less"
            )
        self.batch_size = len(arrays)
        return np.array(arrays)

    def init(self, all_prompts, all_seeds, all_subseeds):
        self.extra_generation_params["Denoising strength"] = self.denoising_strength
        self.image_cfg_scale = (
            self.image_cfg_scale if shared.sd_model.cond_stage_key == "edit" else None
        )
        self.sampler = sd_samplers.create_sampler(self.sampler_name, self.sd_model)
        image_mask, crop_region = self._prepare_mask()
        latent_mask = self.latent_mask if self.latent_mask is not None else image_mask
        self._collects_colors = opts.img2img_color_correction and self.color_corrections is None
        if self._collects_colors:
            self.color_corrections = []
        arrays = [
            self._prepare_image(img, image_mask, latent_mask, crop_region)
            for img in self.init_images
        ]
        image = torch.from_numpy(self._batch(arrays)).to(shared.device, dtype=devices.dtype_vae)
        if opts.sd_vae_encode_method != "Full":
            self.extra_generation_params["VAE Encoder"] = opts.sd_vae_encode_method
        method = approximation_indexes.get(opts.sd_vae_encode_method)
        self.init_latent = images_tensor_to_samples(image, method, self.sd_model)
        devices.torch_gc()
        if self.resize_mode == LATENT_UPSCALE:
            size = (self.height // opt_f, self.width // opt_f)
            self.init_latent = torch.nn.functional.interpolate(
                self.init_latent, size=size, mode="bilinear"
            )
        if image_mask is not None:
            self._mask_latent(latent_mask, all_seeds)
        self.image_conditioning = self.img2img_image_conditioning(
            image * 2 - 1, self.init_latent, image_mask, self.mask_round
        )

    def _mask_latent(self, latent_mask, all_seeds) -> None:
        """Sets `mask` (1 where the original stays) and `nmask`, fills the masked part of the latent."""
        channels, height, width = self.init_latent.shape[1:]
        small = latent_mask.convert("RGB").resize((width, height))
        values = np.moveaxis(np.array(small, dtype=np.float32), 2, 0)[0] / 255
        values = np.around(values) if self.mask_round else values
        values = np.tile(values[None], (channels, 1, 1))
        self.mask = torch.asarray(1.0 - values).to(shared.device).type(devices.dtype)
        self.nmask = torch.asarray(values).to(shared.device).type(devices.dtype)
        if self.inpainting_fill == FILL_NOISE:
            noise = create_random_tensors(
                self.init_latent.shape[1:], all_seeds[: self.init_latent.shape[0]]
            )
            self.init_latent = self.init_latent * self.mask + noise * self.nmask
            self.extra_generation_params["Masked content"] = "latent noise"
        elif self.inpainting_fill == FILL_NOTHING:
            self.init_latent = self.init_latent * self.mask
            self.extra_generation_params["Masked content"] = "latent nothing"

    def sample(
        self, conditioning, unconditional_conditioning, seeds, subseeds, subseed_strength, prompts
    ):
        x = self.rng.next()
        if self.initial_noise_multiplier != 1.0:
            self.extra_generation_params["Noise multiplier"] = self.initial_noise_multiplier
            x *= self.initial_noise_multiplier
        if self.scripts is not None:
            self.scripts.process_before_every_sampling(
                p=self, x=self.init_latent, noise=x, c=conditioning, uc=unconditional_conditioning
            )
        samples = self.sampler.sample_img2img(
            self,
            self.init_latent,
            x,
            conditioning,
            unconditional_conditioning,
            image_conditioning=self.image_conditioning,
        )
        if self.mask is not None:
            samples = self._final_blend(samples)
        devices.torch_gc()
        return samples

    def _final_blend(self, samples):
        from modules import scripts

        blended = samples * self.nmask + self.init_latent * self.mask
        if self.scripts is None:
            return blended
        args = scripts.MaskBlendArgs(samples, self.nmask, self.init_latent, self.mask, blended)
        self.scripts.on_mask_blend(self, args)
        return args.blended_latent

    def get_token_merging_ratio(self, for_hr=False):
        return (
            self.token_merging_ratio or opts.token_merging_ratio_img2img or opts.token_merging_ratio
        )
