"""Masks, overlays, image conds and decoding; modules/processing.py re-exports this, as in the host."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from modules import devices, errors, images, rng, shared
from modules.latent_images import (
    approximation_indexes,
    decode_first_stage,
    images_tensor_to_samples,
)
from modules.shared import opts

opt_C = 4
opt_f = 8


class DecodedSamples(list):
    """Pictures that need no decoding any more."""

    already_decoded = True


def image_to_array(image) -> np.ndarray:
    """[3,H,W] float32 in 0..1."""
    return np.moveaxis(np.array(image).astype(np.float32) / 255.0, 2, 0)


def tensor_to_image(x) -> Image.Image:
    """PIL image of a tensor [3,H,W] in 0..1."""
    return Image.fromarray((255.0 * np.moveaxis(x.cpu().numpy(), 0, 2)).astype(np.uint8))


def uncrop(image, dest_size, paste_loc):
    """`image` resized into its place (x, y, w, h) of a transparent picture of size dest_size."""
    x, y, w, h = paste_loc
    base = Image.new("RGBA", dest_size)
    base.paste(images.resize_image(1, image, w, h), (x, y))
    return base


def apply_overlay(image, paste_loc, overlay):
    """(image under the overlay, image before that)."""
    if overlay is None:
        return image, image.copy()
    if paste_loc is not None:
        image = uncrop(image, (overlay.width, overlay.height), paste_loc)
    original = image.copy()
    image = image.convert("RGBA")
    image.alpha_composite(overlay)
    return image.convert("RGB"), original


def create_binary_mask(image, round=True):
    """Greyscale mask; a picture with transparency gives its alpha, rounded to black and white if asked."""
    if image.mode == "RGBA" and image.getextrema()[-1] != (255, 255):
        alpha = image.split()[-1].convert("L")
        return alpha.point(lambda x: 255 if x > 128 else 0) if round else alpha
    return image.convert("L")


def setup_color_correction(image):
    """What `apply_color_correction` needs of the original: mean and deviation of each LAB channel."""
    lab = np.asarray(image.convert("RGB").convert("LAB"), dtype=np.float32)
    return lab.mean((0, 1)), lab.std((0, 1))


def apply_color_correction(correction, original_image):
    """Give the picture the original's mean and deviation in LAB (the host matches whole histograms)."""
    lab = np.asarray(original_image.convert("RGB").convert("LAB"), dtype=np.float32)
    mean, deviation = correction
    matched = (lab - lab.mean((0, 1))) / np.maximum(lab.std((0, 1)), 1e-3) * deviation + mean
    return Image.fromarray(matched.clip(0, 255).astype(np.uint8), "LAB").convert("RGB")


def _masked_image_latent(x, height, width):
    """The image cond of inpainting models when everything is masked."""
    grey = torch.ones(x.shape[0], 3, height, width, device=x.device) * 0.5
    latent = images_tensor_to_samples(grey, approximation_indexes.get(opts.sd_vae_encode_method))
    return torch.nn.functional.pad(latent, (0, 0, 0, 0, 1, 0), value=1.0).to(x.dtype)


def txt2img_image_conditioning(sd_model, x, width, height):
    """[B,5,h,w] for inpainting models, otherwise [B,5,1,1] zeros that nobody reads."""
    if sd_model.model.conditioning_key in {"hybrid", "concat"} or sd_model.is_sdxl_inpaint:
        return _masked_image_latent(x, height, width)
    return x.new_zeros(x.shape[0], 5, 1, 1, dtype=x.dtype, device=x.device)


def inpainting_image_conditioning(p, source_image, latent_image, image_mask, round_image_mask):
    """[B,5,h,w]: the mask and the latent of the masked picture."""
    p.is_using_inpainting_conditioning = True
    if image_mask is None:
        mask = source_image.new_ones(1, 1, *source_image.shape[-2:])
    elif torch.is_tensor(image_mask):
        mask = image_mask
    else:
        mask = torch.from_numpy(np.array(image_mask.convert("L")).astype(np.float32) / 255.0)[
            None, None
        ]
        mask = torch.round(mask) if round_image_mask else mask
    mask = mask.to(device=source_image.device, dtype=source_image.dtype)
    weight = getattr(p, "inpainting_mask_weight", opts.inpainting_mask_weight)
    masked = torch.lerp(source_image, source_image * (1.0 - mask), weight)
    latent = p.sd_model.get_first_stage_encoding(p.sd_model.encode_first_stage(masked))
    mask = torch.nn.functional.interpolate(mask, size=latent_image.shape[-2:]).expand(
        latent.shape[0], -1, -1, -1
    )
    return torch.cat([mask, latent], dim=1).to(shared.device).type(p.sd_model.dtype)


def create_random_tensors(
    shape,
    seeds,
    subseeds=None,
    subseed_strength=0.0,
    seed_resize_from_h=0,
    seed_resize_from_w=0,
    p=None,
):
    """The initial noise of these seeds."""
    return rng.ImageRNG(
        shape,
        seeds,
        subseeds=subseeds,
        subseed_strength=subseed_strength,
        seed_resize_from_h=seed_resize_from_h,
        seed_resize_from_w=seed_resize_from_w,
    ).next()


def _decode_again_in_float32(model, latent):
    """What the option `auto_vae_precision` does when half precision gave not-a-number."""
    errors.print_error_explanation(
        "A tensor with all NaNs was produced in VAE.\n"
        "Web UI will now convert VAE into 32-bit float and retry."
    )
    devices.dtype_vae = torch.float32
    model.first_stage_model.to(devices.dtype_vae)
    return decode_first_stage(model, latent.to(devices.dtype_vae))[0]


def decode_latent_batch(model, batch, target_device=None, check_for_nans=False):
    """Pictures [3,H,W] in -1..1 of a batch of latents, decoded one by one."""
    samples = DecodedSamples()
    if check_for_nans:
        devices.test_for_nans(batch, "unet")
    for i in range(batch.shape[0]):
        sample = decode_first_stage(model, batch[i : i + 1])[0]
        if check_for_nans:
            try:
                devices.test_for_nans(sample, "vae")
            except devices.NansException:
                if not opts.auto_vae_precision or devices.dtype_vae == torch.float32:
                    raise
                sample = _decode_again_in_float32(model, batch[i : i + 1])
        samples.append(sample if target_device is None else sample.to(target_device))
    return samples
