"""Everything on the host that a generation could leave changed, in a form that can be compared."""

from __future__ import annotations

import copy
import hashlib
import sys
from collections.abc import Iterator
from typing import Any

import torch

from tests.contract.hosts import Host

HIJACK_FIELDS = ("layers", "clip", "circular_enabled", "comments", "extra_generation_params")
EMBEDDING_TABLES = ("ids_lookup", "word_embeddings", "skipped_embeddings")
VAE_GLOBALS = ("base_vae", "loaded_vae_file", "checkpoint_info")
DEVICE_FLAGS = ("device", "dtype", "dtype_unet", "dtype_vae", "fp8", "unet_needs_upcast")
STATE_FIELDS = ("job", "job_count")
CACHES = ("cached_c", "cached_uc", "cached_hr_c", "cached_hr_uc")
CACHE_KEY = "conditioning caches"

Snapshot = dict[str, Any]


def take(host: Host) -> Snapshot:
    """Describe the host's global state. Equal snapshots mean that nothing was left behind."""
    modules = host.modules
    data, hijack = modules.sd_models.model_data, modules.sd_hijack.model_hijack
    model = data.sd_model
    return {
        "active model": id(model),
        "loaded models": [id(item) for item in getattr(data, "loaded_sd_models", [model])],
        "weights": _weights(model),
        "hooks on the model": _hooks(model),
        "options": copy.deepcopy(modules.shared.opts.data),
        "state": {name: getattr(modules.shared.state, name, None) for name in STATE_FIELDS},
        "parallel processing": getattr(modules.shared, "parallel_processing_allowed", None),
        "hijack": _hijack(hijack),
        "embeddings": _embeddings(getattr(hijack, "embedding_db", None)),
        "VAE": {name: _plain(getattr(modules.sd_vae, name, None)) for name in VAE_GLOBALS},
        "devices": {name: str(getattr(modules.devices, name, None)) for name in DEVICE_FLAGS},
        "UNet override": id(getattr(modules.sd_unet, "current_unet", None)),
        CACHE_KEY: conditioning_caches(host),
        "callbacks": callback_counts(host),
        "scripts": [len(runner.scripts) for runner in _runners(host)],
        "functions": _functions(host),
        "sampling": _sampled(),
        "gradients": torch.is_grad_enabled(),
    }


def differences(before: Snapshot, after: Snapshot) -> dict[str, tuple[Any, Any]]:
    """Return what differs, name by name."""
    changed = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
    for key, (old, new) in changed.items():
        if isinstance(old, dict) and isinstance(new, dict):
            names = [name for name in {*old, *new} if old.get(name) != new.get(name)]
            changed[key] = tuple({n: side.get(n) for n in names} for side in (old, new))
    return changed


def callback_counts(host: Host) -> dict[str, int]:
    """Return how many callbacks each category of the host has."""
    return {name: len(items) for name, items in host.modules.script_callbacks.callback_map.items()}


def conditioning_caches(host: Host) -> dict[str, Any]:
    """Describe the caches that the host shares between requests: whose list, and the bytes in it."""
    processing = host.modules.processing
    result = {}
    for name in CACHES:
        owner = (
            processing.StableDiffusionProcessing
            if hasattr(processing.StableDiffusionProcessing, name)
            else processing.StableDiffusionProcessingTxt2Img
        )
        cache = getattr(owner, name)
        result[name] = (id(cache), str(cache[0]), id(cache[1]), digest(cache[1]))
    return result


def digest(value: Any) -> str:
    """Hash all tensors inside nested lists, dicts and plain objects."""
    total = hashlib.sha256()
    for tensor in tensors_in(value):
        total.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors inside nested lists, dicts and plain objects, such as cached conditioning."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_in(item)
    elif hasattr(value, "__dict__"):
        yield from tensors_in(vars(value))


def _weights(model: Any) -> dict[str, tuple[int, int, str]]:
    """Tell each weight by where it lies and how often it was written to, which is quick."""
    return {
        name: (weight.data_ptr(), _writes(weight), str(weight.device))
        for name, weight in _network(model).named_parameters()
    }


def _writes(weight: torch.Tensor) -> int:
    """Return how often a weight was written to; Forge's are inference tensors, which do not count it."""
    return -1 if weight.is_inference() else weight._version


def _hooks(model: Any) -> int:
    return sum(
        len(m._forward_hooks) + len(m._forward_pre_hooks) + ("forward" in vars(m))
        for m in _network(model).modules()
    )


def _network(model: Any) -> Any:
    """Return the module whose weights sample; Forge's family has the UNet apart."""
    objects = getattr(model, "forge_objects", None)
    return model if objects is None else objects.unet.model


def _hijack(hijack: Any) -> dict[str, Any]:
    return {name: _plain(getattr(hijack, name, None)) for name in HIJACK_FIELDS}


def _embeddings(database: Any) -> dict[str, Any]:
    tables = {
        name: {key: id(item) for key, item in getattr(database, name).items()}
        for name in EMBEDDING_TABLES
        if hasattr(database, name)
    }
    return {**tables, "expected_shape": getattr(database, "expected_shape", None)}


def _plain(value: Any) -> Any:
    """Return plain values as copies and anything else by its identity."""
    if isinstance(value, (str, int, float, bool, list, dict, type(None))):
        return copy.deepcopy(value) if not isinstance(value, (list, dict)) else repr(value)
    return id(value)


def _runners(host: Host) -> tuple[Any, Any]:
    return host.modules.scripts.scripts_txt2img, host.modules.scripts.scripts_img2img


def _functions(host: Host) -> dict[str, int]:
    """Identify the host's functions and methods that an extension might have replaced."""
    names = (
        "k_diffusion.sampling",
        "k_diff.k_diffusion.sampling",
        "ldm_patched.k_diffusion.sampling",
    )
    sampling = next(sys.modules[name] for name in names if name in sys.modules)  # reForge's two
    places = {
        **{name: sampling for name in vars(sampling) if name.startswith("sample_")},
        "load_model": host.modules.sd_models,
        "reload_model_weights": host.modules.sd_models,
        "create_infotext": host.modules.processing,
        "process_images": host.modules.processing,
        "forward": host.modules.sd_samplers_cfg_denoiser.CFGDenoiser,
        "apply_refiner": host.modules.sd_samplers_common,
        "create_sampler": host.modules.sd_samplers,
    }
    return {name: id(getattr(place, name, None)) for name, place in places.items()}


def _sampled() -> bool:
    """Whether the extension believes that a sampling is running."""
    from fooocus_ext.host import sampling

    return sampling.samplings.current() is not None
