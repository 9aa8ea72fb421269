"""Doubles modules/sd_models.py: loading checkpoints, and which of the loaded models is the active one."""

from __future__ import annotations

import collections
import threading

import safetensors.torch
import torch

from embedded_webui.network.engine import DiffusionEngine
from modules import (
    devices,
    errors,
    lowvram,
    script_callbacks,
    sd_hijack,
    sd_models_xl,
    sd_unet,
    sd_vae,
    shared,
)
from modules.sd_checkpoints import (  # noqa: F401
    CheckpointInfo,
    checkpoint_aliases,
    checkpoint_alisases,
    checkpoint_tiles,
    checkpoints_list,
    get_closet_checkpoint_match,
    list_models,
    model_dir,
    model_hash,
    model_path,
    read_metadata_from_safetensors,
    select_checkpoint,
)
from modules.sd_models_config import heads_of, predicts_v
from modules.sd_noise_schedule import (  # noqa: F401
    apply_alpha_schedule_override,
    rescale_zero_terminal_snr_abar,
)

checkpoints_loaded: collections.OrderedDict = collections.OrderedDict()


class SkipWritingToConfig:
    """Inside, loading a model leaves opts.sd_model_checkpoint alone."""

    skip = False
    previous = None

    def __enter__(self):
        self.previous = SkipWritingToConfig.skip
        SkipWritingToConfig.skip = True
        return self

    def __exit__(self, exc_type, exc_value, exc_traceback):
        SkipWritingToConfig.skip = self.previous


class SdModelData:
    """`sd_model` is the active model, always the first of `loaded_sd_models`."""

    def __init__(self):
        self.sd_model = None
        self.loaded_sd_models = []
        self.was_loaded_at_least_once = False
        self.lock = threading.Lock()

    def get_sd_model(self):
        """The active model, loaded on first use; None after a failure."""
        if self.was_loaded_at_least_once:
            return self.sd_model
        with self.lock:
            if self.sd_model is None and not self.was_loaded_at_least_once:
                try:
                    load_model()
                except Exception as e:
                    errors.display(e, "loading stable diffusion model", full_traceback=True)
                    self.sd_model = None
        return self.sd_model

    def set_sd_model(self, v, already_loaded=False):
        """Make `v` the active model; one that was loaded before brings its VAE state back."""
        self.sd_model = v
        if already_loaded:
            sd_vae.base_vae = getattr(v, "base_vae", None)
            sd_vae.loaded_vae_file = getattr(v, "loaded_vae_file", None)
            sd_vae.checkpoint_info = v.sd_checkpoint_info
        self.loaded_sd_models[:] = [m for m in self.loaded_sd_models if m is not v]
        if v is not None:
            self.loaded_sd_models.insert(0, v)


model_data = SdModelData()


def read_state_dict(checkpoint_file, print_global_state=False, map_location=None):
    """All tensors of a safetensors file."""
    device = map_location or shared.weight_load_location or devices.get_optimal_device_name()
    return safetensors.torch.load_file(checkpoint_file, device=device)


def get_checkpoint_state_dict(checkpoint_info, timer=None):
    """The tensors of a checkpoint."""
    shorthash = checkpoint_info.calculate_shorthash()
    print(f"Loading weights [{shorthash}] from {checkpoint_info.filename}")
    return read_state_dict(checkpoint_info.filename)


def _write_config(title=None, sha256=None) -> None:
    if not SkipWritingToConfig.skip and title is not None:
        shared.opts.data["sd_model_checkpoint"] = title
    if sha256 is not None:
        shared.opts.data["sd_checkpoint_hash"] = sha256


def load_model_weights(model, checkpoint_info, state_dict, timer=None):
    """Fill a model of the right architecture and set all that the host notes about it."""
    _write_config(title=checkpoint_info.title)
    if state_dict is None:
        state_dict = get_checkpoint_state_dict(checkpoint_info)
    model.is_sdxl = model.kind != "sd1"
    model.is_sd1 = not model.is_sdxl
    model.is_sd2 = model.is_ssd = model.is_sd3 = model.is_sdxl_inpaint = False
    model.latent_channels = 4
    if model.is_sdxl:
        sd_models_xl.extend_sdxl(model)
    model.load_original(state_dict)
    configured = predicts_v(checkpoint_info)
    if configured is not None:
        model.parameterization = "v" if configured else "eps"
    alphas_cumprod = model.alphas_cumprod  # stays exact where the weights become half
    model.to(dtype=devices.dtype_unet)
    model.alphas_cumprod = alphas_cumprod
    model.alphas_cumprod_original = model.alphas_cumprod
    model.first_stage_model.to(dtype=devices.dtype_vae)
    model.sd_model_hash = checkpoint_info.calculate_shorthash()
    model.sd_model_checkpoint = checkpoint_info.filename
    model.sd_checkpoint_info = checkpoint_info
    model.preview_coefficients = None
    _write_config(sha256=checkpoint_info.sha256)
    model.logvar = None
    sd_vae.load_vae(model)


def get_empty_cond(sd_model):
    """crossattn [1,77,C] of the empty prompt."""
    conds = sd_model.get_learned_conditioning([""])
    return conds["crossattn"] if isinstance(conds, dict) else conds


def send_model_to_cpu(m):
    """Move a model out of the device's memory."""
    if m is not None and m.lowvram:
        lowvram.send_everything_to_cpu()
    elif m is not None:
        m.to(devices.cpu)
    devices.torch_gc()


def send_model_to_device(m):
    """Move a model to the device."""
    lowvram.apply(m)
    if not m.lowvram:
        m.to(shared.device)


def send_model_to_trash(m):
    """Drop a model's weights; what is left of it has tensors on the meta device."""
    m.to(device="meta")
    devices.torch_gc()


def load_model(checkpoint_info=None, already_loaded_state_dict=None):
    """Build a model and make it the active one; the model that was active loses its weights."""
    checkpoint_info = checkpoint_info or select_checkpoint()
    if model_data.sd_model:
        send_model_to_trash(model_data.sd_model)
        model_data.sd_model = None
    state_dict = already_loaded_state_dict or get_checkpoint_state_dict(checkpoint_info)
    sd_model = DiffusionEngine(state_dict, heads_of(checkpoint_info))
    sd_model.used_config = sd_model.architecture()
    load_model_weights(sd_model, checkpoint_info, state_dict)
    send_model_to_device(sd_model)
    sd_hijack.model_hijack.hijack(sd_model)
    sd_model.eval()
    model_data.set_sd_model(sd_model)
    model_data.was_loaded_at_least_once = True
    sd_hijack.model_hijack.embedding_db.load_textual_inversion_embeddings(force_reload=True)
    script_callbacks.model_loaded_callback(sd_model)
    with devices.autocast(), torch.no_grad():
        sd_model.cond_stage_model_empty_prompt = get_empty_cond(sd_model)
    return sd_model


def _unload_over_limit(checkpoint_info):
    """The loaded model of this checkpoint, if any; others beyond the limit lose their weights."""
    found = None
    limit = shared.opts.sd_checkpoints_limit
    for model in reversed(list(model_data.loaded_sd_models)):
        if model.sd_checkpoint_info.filename == checkpoint_info.filename:
            found = model
        elif len(model_data.loaded_sd_models) > limit > 0:
            model_data.loaded_sd_models[:] = [
                m for m in model_data.loaded_sd_models if m is not model
            ]
            send_model_to_trash(model)
    return found


def reuse_model_from_already_loaded(sd_model, checkpoint_info, timer=None):
    """The loaded model of this checkpoint, or a model to load its weights into, or None."""
    if sd_model is not None and sd_model.sd_checkpoint_info.filename == checkpoint_info.filename:
        return sd_model
    if shared.opts.sd_checkpoints_keep_in_cpu:
        send_model_to_cpu(sd_model)
    already_loaded = _unload_over_limit(checkpoint_info)
    loaded = model_data.loaded_sd_models
    if already_loaded is not None:
        send_model_to_device(already_loaded)
        model_data.set_sd_model(already_loaded, already_loaded=True)
        info = already_loaded.sd_checkpoint_info
        if not SkipWritingToConfig.skip:
            _write_config(info.title, info.sha256)
        return already_loaded
    if 1 < shared.opts.sd_checkpoints_limit > len(loaded):
        model_data.sd_model = None
        load_model(checkpoint_info)
        return model_data.sd_model
    if not loaded:
        return None
    reused = loaded.pop()
    model_data.sd_model = reused
    sd_vae.base_vae = getattr(reused, "base_vae", None)
    sd_vae.loaded_vae_file = getattr(reused, "loaded_vae_file", None)
    sd_vae.checkpoint_info = reused.sd_checkpoint_info
    return reused


def reload_model_weights(sd_model=None, info=None, forced_reload=False):
    """Make the checkpoint `info` (or the settings') the active model, loading only what is needed."""
    checkpoint_info = info or select_checkpoint()
    sd_model = sd_model or model_data.sd_model
    previous_info = None
    if sd_model is not None:
        previous_info = sd_model.sd_checkpoint_info
        if sd_model.sd_model_checkpoint == checkpoint_info.filename and not forced_reload:
            return sd_model
    sd_model = reuse_model_from_already_loaded(sd_model, checkpoint_info)
    if (
        not forced_reload
        and sd_model is not None
        and sd_model.sd_checkpoint_info.filename == checkpoint_info.filename
    ):
        return sd_model
    if sd_model is not None:
        sd_unet.apply_unet("None")
        send_model_to_cpu(sd_model)
        sd_hijack.model_hijack.undo_hijack(sd_model)
    state_dict = get_checkpoint_state_dict(checkpoint_info)
    architecture = DiffusionEngine.architecture_of(state_dict, heads_of(checkpoint_info))
    if sd_model is None or architecture != sd_model.used_config:
        if sd_model is not None:
            send_model_to_trash(sd_model)
        load_model(checkpoint_info, already_loaded_state_dict=state_dict)
        return model_data.sd_model
    _replace_weights(sd_model, checkpoint_info, previous_info, state_dict)
    model_data.set_sd_model(sd_model)
    sd_unet.apply_unet()
    return sd_model


def _replace_weights(sd_model, checkpoint_info, previous_info, state_dict) -> None:
    try:
        load_model_weights(sd_model, checkpoint_info, state_dict)
    except Exception:
        print("Failed to load checkpoint, restoring previous")
        load_model_weights(sd_model, previous_info, None)
        raise
    finally:
        sd_hijack.model_hijack.hijack(sd_model)
        if not sd_model.lowvram:
            sd_model.to(devices.device)
        script_callbacks.model_loaded_callback(sd_model)


def apply_token_merging(sd_model, token_merging_ratio):
    """Token merging is not available; the ratio is only noted."""
    sd_model.applied_token_merged_ratio = token_merging_ratio
