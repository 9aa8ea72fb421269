"""What Fooocus does to the model's predictions between the model call and the CFG combination.

Sharpness ("anisotropic blur guidance") makes the conditional prediction of the noise a little
smoother, so that a little more detail is left in the picture. Adaptive CFG ("CFG mimicking from
TSNR") lets a high guidance scale in only gradually. Both follow Fooocus 2.5.5,
``patched_sampling_function`` and ``compute_cfg`` in its ``modules/patch.py``.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch

from fooocus_ext.core.anisotropic import adaptive_filter, working_dtype
from fooocus_ext.core.one_core import on_one_core

ALPHA_PER_SHARPNESS = 0.001


class GuidanceSettings(Protocol):
    """What the user chooses of guidance."""

    @property
    def sharpness(self) -> float:
        """0 (none) to 30; Fooocus's default is 2."""

    @property
    def adaptive_cfg(self) -> float:
        """The CFG scale, 1 to 30, above which the scale is let in gradually."""


def guide(
    x: torch.Tensor,
    cond: torch.Tensor,
    uncond: torch.Tensor | None,
    *,
    progress: float,
    cfg_scale: float,
    settings: GuidanceSettings,
    signal: torch.Tensor | None = None,
    spared: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the conditional predictions that the host is to combine with the unconditional ones.

    All rows are aligned: row i of ``uncond`` is the unconditional prediction for the picture of row i
    of ``cond``, whose noisy latent is row i of ``x``. So it does not matter how a host lays out its
    batches, nor whether several rows (the parts of an AND prompt) belong to one picture.

    Args:
        x: noisy latents [rows,C,H,W].
        cond: what the model made of them with the prompt, same shape: clean latents (x0) by default,
            or noise (eps) if ``signal`` is given.
        uncond: the same with the negative prompt; None if this call has none, as where the host
            skips it. Then the scale is not damped, because it is not used either.
        progress: 0 (pure noise) to 1.
        cfg_scale: the guidance scale that the host combines with.
        settings: sharpness and adaptive CFG.
        signal: the schedule's alphas_cumprod of each row [rows], if the host's model predicts noise.
        spared: whether ``uncond`` is none after all, in a tensor of no dimensions on the device of x:
            asking it would make the CPU wait for a GPU. None if it is known to be one.

    Returns:
        A new tensor, in float32 at least: it is rounded once, where it is put; or ``cond`` itself if
        nothing changes.
    """
    if is_unguided(cfg_scale):
        return cond
    values = cond.to(working_dtype(cond))
    if signal is None:
        sharp = sharpen(x, values, sharpness=settings.sharpness, progress=progress)
    else:
        x0 = predict_x0(x, cond, signal)
        sharp = sharpen_eps(values, x0, sharpness=settings.sharpness, progress=progress)
    guided = sharp
    if uncond is not None:
        effective = effective_cfg(cfg_scale, settings.adaptive_cfg, progress)
        guided = rescale_cond(sharp, uncond, effective / cfg_scale)
    if guided is values:
        return cond
    if spared is not None and guided is not sharp:
        guided = torch.where(spared, sharp, guided)
    return guided


def is_unguided(cfg_scale: float) -> bool:
    """Whether a CFG scale is so close to 1 that Fooocus applies neither sharpness nor adaptive CFG."""
    return math.isclose(cfg_scale, 1.0)


def effective_cfg(cfg_scale: float, mimic: float, progress: float) -> float:
    """Return the guidance scale to use: from ``mimic`` at progress 0 up to ``cfg_scale`` at 1.

    A scale not above ``mimic`` is used as it is.
    """
    if cfg_scale <= mimic:
        return cfg_scale
    return mimic + (cfg_scale - mimic) * progress


def is_damped(cfg_scale: float, mimic: float) -> bool:
    """Whether adaptive CFG acts on this scale at all: whether unconditional predictions are needed."""
    return cfg_scale > mimic


def rescale_cond(cond: torch.Tensor, uncond: torch.Tensor, ratio: float) -> torch.Tensor:
    """Move cond along its distance to uncond (same shape), so that CFG acts at ``ratio`` x its scale.

    Works on x0 and eps alike, and on each part of an AND prompt; cond is float32 at least. Ratio 1
    returns cond itself.
    """
    if ratio == 1.0:
        return cond
    return uncond + ratio * (cond - uncond)


def predict_x0(x: torch.Tensor, eps: torch.Tensor, alpha_cumprod: torch.Tensor) -> torch.Tensor:
    """Return the clean latents [rows,C,H,W] behind a variance-preserving x and its noise eps.

    ``alpha_cumprod`` [rows] is the schedule's value at each row's timestep; it must not be zero. It is
    about 0.005 at most noise, so that all is computed in float32 at least, also the dtype of the result.
    """
    signal = alpha_cumprod.to(x.device, working_dtype(x)).view(-1, 1, 1, 1)
    return (x - (1 - signal).sqrt() * eps) / signal.sqrt()


@on_one_core
def sharpen(
    x: torch.Tensor, x0: torch.Tensor, *, sharpness: float, progress: float
) -> torch.Tensor:
    """Return the sharpened x0 for samplers of the k-diffusion family (x = x0 + sigma * eps).

    In terms of noise, ``eps = (x - x0) / sigma`` becomes ``alpha * F(eps) + (1 - alpha) * eps`` with
    ``alpha = 0.001 * sharpness * progress`` and F the joint bilateral filter guided by the
    standardised x0. F is linear in eps, so sigma cancels and is not asked for.

    Args:
        x: noisy latents [rows,C,H,W], conditional rows only.
        x0: the model's clean latents for them, same shape.
        sharpness: 0 leaves x0 alone; Fooocus offers up to 30 and uses 2.
        progress: 0 (pure noise) to 1.

    Returns:
        A new tensor in the dtype of x0, or x0 itself if alpha is 0.

    Raises:
        ValueError: x and x0 differ in shape.
    """
    if x.shape != x0.shape:
        raise ValueError(f"x {tuple(x.shape)} and x0 {tuple(x0.shape)} differ in shape")
    noise = x.to(working_dtype(x)) - x0
    return _add_detail(x0, noise, x0, sharpness, progress)


@on_one_core
def sharpen_eps(
    eps: torch.Tensor, x0: torch.Tensor, *, sharpness: float, progress: float
) -> torch.Tensor:
    """Return the smoothed eps for samplers that ask the model for noise (DDIM, PLMS, UniPC).

    The same operation as `sharpen`, on the same arguments but for eps [rows,C,H,W], the model's
    noise, which takes the place of x.
    """
    if eps.shape != x0.shape:
        raise ValueError(f"eps {tuple(eps.shape)} and x0 {tuple(x0.shape)} differ in shape")
    return _add_detail(eps, eps, x0, -sharpness, progress)


def _add_detail(
    target: torch.Tensor,
    noise: torch.Tensor,
    x0: torch.Tensor,
    sharpness: float,
    progress: float,
) -> torch.Tensor:
    """Return target + alpha * (noise - F(noise)), or target itself if alpha is 0."""
    alpha = ALPHA_PER_SHARPNESS * sharpness * progress
    if alpha == 0.0:
        return target
    noise = noise.to(working_dtype(noise))
    detail = (noise - adaptive_filter(noise, x0)).mul_(alpha)
    return (target + detail).to(target.dtype)
