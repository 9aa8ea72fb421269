"""Doubles modules/initialize.py: starts the host in stages, and reloads the scripts with the page."""

from __future__ import annotations

import logging
import warnings


def imports():
    """Everything that must exist before scripts are loaded."""
    from modules import shared_init

    shared_init.initialize()
    from modules import processing, rng, sd_samplers  # noqa: F401


def initialize():
    """Once per process."""
    logging.getLogger("transformers").setLevel(logging.ERROR)
    warnings.filterwarnings(
        "ignore", category=UserWarning, module="torchsde"
    )  # rounding at the ends of the schedule
    imports()
    _configure_opts_onchange()
    initialize_rest(reload_script_modules=False)


def _configure_opts_onchange() -> None:
    from modules import sd_models, sd_vae, shared
    from modules.call_queue import wrap_queued_call

    reload_model = wrap_queued_call(sd_models.reload_model_weights)
    shared.opts.onchange("sd_model_checkpoint", reload_model, call=False)
    shared.opts.onchange("sd_vae", wrap_queued_call(sd_vae.reload_vae_weights), call=False)


def initialize_rest(*, reload_script_modules=False):
    """Once per page: extensions, checkpoints, scripts; the model is loaded when it is first needed."""
    from modules import (
        extensions,
        extra_networks,
        modelloader,
        scripts,
        sd_models,
        sd_samplers,
        shared,
    )

    sd_samplers.set_samplers()
    extensions.list_extensions()
    sd_models.list_models()
    if shared.opts.sd_model_checkpoint is None and sd_models.checkpoints_list:
        # The host has it from loading the model, which begins at the start there.
        shared.opts.data["sd_model_checkpoint"] = sd_models.select_checkpoint().title
    scripts.load_scripts()
    modelloader.load_upscalers()
    extra_networks.initialize()
    extra_networks.register_default_extra_networks()
