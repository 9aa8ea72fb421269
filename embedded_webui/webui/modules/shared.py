"""Doubles modules/shared.py: the host's global state, filled by modules/shared_init.py."""

from __future__ import annotations

import sys
from typing import Any

from modules import options, shared_cmd_options, shared_items
from modules.paths_internal import (  # noqa: F401
    data_path,
    default_sd_model_file,
    extensions_builtin_dir,
    extensions_dir,
    models_path,
    script_path,
    sd_model_file,
)

cmd_opts = shared_cmd_options.cmd_opts
parser = shared_cmd_options.parser
batch_cond_uncond = True
parallel_processing_allowed = True
config_filename = cmd_opts.ui_settings_file

demo: Any = None
device: Any = None
weight_load_location = None
hypernetworks: dict = {}
state: Any = None
opts: options.Options = None  # type: ignore[assignment]
options_templates: dict = {}
restricted_opts: set[str] = set()
settings_components: dict | None = None
tab_names: list[str] = []
sd_upscalers: list = []
prompt_styles: Any = None
progress_print_out = sys.stdout
total_tqdm: Any = None

latent_upscale_default_mode = "Latent"
latent_upscale_modes = {
    "Latent": {"mode": "bilinear", "antialias": False},
    "Latent (antialiased)": {"mode": "bilinear", "antialias": True},
    "Latent (bicubic)": {"mode": "bicubic", "antialias": False},
    "Latent (bicubic antialiased)": {"mode": "bicubic", "antialias": True},
    "Latent (nearest)": {"mode": "nearest", "antialias": False},
    "Latent (nearest-exact)": {"mode": "nearest-exact", "antialias": False},
}

options_section = options.options_section
OptionInfo = options.OptionInfo
OptionHTML = options.OptionHTML
list_checkpoint_tiles = shared_items.list_checkpoint_tiles
refresh_checkpoints = shared_items.refresh_checkpoints
list_samplers = shared_items.list_samplers
