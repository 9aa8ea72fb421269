"""Doubles modules/sd_vae.py: which autoencoder is in use. Here it is always the checkpoint's own."""

from __future__ import annotations

import os

from modules import paths

vae_path = os.path.abspath(os.path.join(paths.models_path, "VAE"))
vae_dict: dict[str, str] = {}
base_vae = None
loaded_vae_file = None
checkpoint_info = None


def get_loaded_vae_name():
    """None: the checkpoint's own."""
    return loaded_vae_file


def get_loaded_vae_hash():
    """None: the checkpoint's own."""
    return


def refresh_vae_list():
    """There are no separate VAE files."""


def clear_loaded_vae():
    """Forget a separate VAE."""
    global loaded_vae_file
    loaded_vae_file = None


def load_vae(model, vae_file=None, vae_source="from unknown source"):
    """Note that this model's own autoencoder is in use."""
    global base_vae, checkpoint_info
    base_vae = None
    checkpoint_info = model.sd_checkpoint_info
    clear_loaded_vae()
    model.base_vae = base_vae
    model.loaded_vae_file = loaded_vae_file


def reload_vae_weights(sd_model=None, vae_file=None):
    """Nothing to reload."""
    return sd_model
