"""Doubles modules/devices.py for CPU and CUDA: device, dtypes, autocast, the NaN check."""

from __future__ import annotations

import contextlib

import torch

from modules import shared

cpu = torch.device("cpu")
device: torch.device = cpu
fp8 = False
force_fp16 = False
dtype: torch.dtype = torch.float16
dtype_vae: torch.dtype = torch.float16
dtype_unet: torch.dtype = torch.float16
dtype_inference: torch.dtype = torch.float16
unet_needs_upcast = False


def get_cuda_device_string():
    """Name it "cuda" or "cuda:N" with --device-id."""
    return "cuda" if shared.cmd_opts.device_id is None else f"cuda:{shared.cmd_opts.device_id}"


def get_optimal_device_name():
    """The fastest device there is."""
    return get_cuda_device_string() if torch.cuda.is_available() else "cpu"


def get_optimal_device():
    """`get_optimal_device_name` as a torch.device."""
    return torch.device(get_optimal_device_name())


def get_device_for(task):
    """The device of a task; --use-cpu names tasks, or all."""
    if task in shared.cmd_opts.use_cpu or "all" in shared.cmd_opts.use_cpu:
        return cpu
    return get_optimal_device()


def torch_gc():
    """Give cached memory of the GPU back."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.empty_cache()
            torch.cuda.ipc_collect()


def cond_cast_float(tensor):
    """`tensor` in float32 under the same condition."""
    return tensor.float() if unet_needs_upcast else tensor


def autocast(disable=False):
    """The context in which hooks, text encoders and the UNet run: mixed precision unless all is float32."""
    if disable or force_fp16 or torch.float32 in (dtype, dtype_inference):
        return contextlib.nullcontext()
    return torch.autocast("cuda")


def without_autocast(disable=False):
    """Switches `autocast` off inside."""
    if torch.is_autocast_enabled() and not disable:
        return torch.autocast("cuda", enabled=False)
    return contextlib.nullcontext()


class NansException(Exception):
    """The UNet or the VAE produced not-a-number."""


def test_for_nans(x, where):
    """Raise NansException if the first element of `x` is not a number; `where` is "unet" or "vae"."""
    if shared.cmd_opts.disable_nan_check or not torch.isnan(x[(0,) * x.ndim]):
        return
    names = {"unet": " in Unet", "vae": " in VAE"}
    raise NansException(
        f"A tensor with NaNs was produced{names.get(where, '')}."
        " Use --disable-nan-check commandline argument to disable this check."
    )
