"""Doubles modules/shared_init.py: fills `modules.shared` in a fixed order."""

from __future__ import annotations

import torch

from modules import shared
from modules.shared import cmd_opts


def initialize():
    """Options, devices and their dtypes, state."""
    from modules import options, shared_options, shared_options_page  # noqa: F401

    shared.options_templates = shared_options.options_templates
    shared.restricted_opts = shared_options.restricted_opts
    shared.opts = options.Options(shared_options.options_templates, shared_options.restricted_opts)
    shared.opts.load(shared.config_filename)

    from modules import devices

    devices.device = devices.get_device_for("sd")
    full = cmd_opts.no_half or devices.device.type == "cpu"
    if full:
        cmd_opts.no_half = True  # CPUs compute in float32 here: half precision would only be slower
    devices.dtype = torch.float32 if full else torch.float16
    devices.dtype_vae = torch.float32 if full or cmd_opts.no_half_vae else torch.float16
    devices.dtype_unet = devices.dtype
    devices.dtype_inference = torch.float32 if cmd_opts.precision == "full" else devices.dtype
    shared.device = devices.device
    shared.weight_load_location = None if cmd_opts.lowram else "cpu"

    from modules import shared_state, shared_total_tqdm, styles

    shared.prompt_styles = styles.StyleDatabase()

    shared.state = shared_state.State()
    shared.total_tqdm = shared_total_tqdm.TotalTQDM()
