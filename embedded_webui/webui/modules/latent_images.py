"""Latents to images and back; modules/sd_samplers_common.py re-exports this, as in the host."""

from __future__ import annotations

import torch
from PIL import Image

from modules import devices, sd_vae_approx, shared
from modules.shared import opts

approximation_indexes = {"Full": 0, "Approx NN": 2, "Approx cheap": 2, "TAESD": 2}
"""ways to decode; the embedded host has the VAE (0) and the linear map (2)"""


def samples_to_images_tensor(sample, approximation=None, model=None):
    """[B,4,h,w] latents to [B,3,8h,8w] (or [B,3,h,w], approximated) in -1..1."""
    if approximation is None or (shared.state.interrupted and opts.live_preview_fast_interrupt):
        approximation = approximation_indexes.get(opts.show_progress_type, 0)
    if approximation:
        return sd_vae_approx.cheap_approximation(sample)
    model = model or shared.sd_model
    with torch.no_grad(), devices.without_autocast():
        return model.decode_first_stage(sample.to(model.first_stage_model.dtype))


def single_sample_to_image(sample, approximation=None):
    """One latent [4,h,w] as a PIL image."""
    pixels = samples_to_images_tensor(sample.unsqueeze(0), approximation)[0] * 0.5 + 0.5
    pixels = 255.0 * pixels.float().clamp(0.0, 1.0).permute(1, 2, 0).cpu().numpy()
    return Image.fromarray(pixels.astype("uint8"))


def sample_to_image(samples, index=0, approximation=None):
    """One latent of a batch as a PIL image."""
    return single_sample_to_image(samples[index], approximation)


def samples_to_image_grid(samples, approximation=None):
    """A batch of latents as one picture."""
    from modules import images

    return images.image_grid([single_sample_to_image(sample, approximation) for sample in samples])


def decode_first_stage(model, x):
    """Latents to images in -1..1 with the decoder that the settings name."""
    return samples_to_images_tensor(
        x.to(devices.dtype_vae), approximation_indexes.get(opts.sd_vae_decode_method, 0), model
    )


def images_tensor_to_samples(image, approximation=None, model=None):
    """Images [B,3,H,W] in 0..1 to latents, one at a time so that a picture does not depend on its batch."""
    model = model or shared.sd_model
    model.first_stage_model.to(devices.dtype_vae)
    image = image.to(shared.device, dtype=devices.dtype_vae) * 2 - 1
    return torch.cat(
        [model.get_first_stage_encoding(model.encode_first_stage(one[None])) for one in image]
    )
