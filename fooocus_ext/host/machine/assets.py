"""What is installed on this machine: styles, wildcards, presets, the expander, the host's models."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from modules import paths, sd_models, sd_samplers, shared

from fooocus_ext.generation.writer import Writer
from fooocus_ext.host.machine import expansion, options, vae, versions
from fooocus_ext.presets.files import PresetLibrary, load_presets
from fooocus_ext.presets.installed import Installed
from fooocus_ext.presets.resolve import Folders
from fooocus_ext.prompting import comments
from fooocus_ext.prompting.style_files import load_styles
from fooocus_ext.prompting.styles import StyleLibrary
from fooocus_ext.prompting.wildcards import Wildcards

EXTENSION_ROOT = Path(__file__).resolve().parents[3]
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def user_folder() -> Path:
    """Return the folder outside the extension where users keep their own files."""
    return Path(paths.data_path) / "fooocus"


def presets_folder() -> Path:
    """Return where the user's presets are."""
    return user_folder() / "presets"


@functools.lru_cache(maxsize=1)
def styles() -> StyleLibrary:
    """Return the styles of the extension and of the user; those saved in the webui are its own affair."""
    return load_styles([EXTENSION_ROOT / "styles", user_folder() / "styles"])


def wildcards() -> Wildcards:
    """Return the wildcard files; the user's replace ours."""
    return Wildcards([EXTENSION_ROOT / "wildcards", user_folder() / "wildcards"])


@functools.lru_cache(maxsize=1)
def presets() -> PresetLibrary:
    """Return the presets of the extension and of the user; the user's replace ours."""
    return load_presets([EXTENSION_ROOT / "presets", presets_folder()])


def reload() -> None:
    """Forget what was read, so that changed files are read again."""
    styles.cache_clear()
    presets.cache_clear()


def installed(overridden: Mapping[str, Any] = _NOTHING) -> Installed:
    """Return what this machine has, as the host names it, for a job with these options."""
    switch = versions.CLIP_SKIP_ACTS
    clip_skip_acts = overridden.get(switch, getattr(shared.opts, switch, False))
    return Installed(
        presets=presets(),
        checkpoints=sd_models.checkpoint_tiles(),
        loras=lora_names(),
        vaes=vae.names(),
        samplers=list(sd_samplers.all_samplers_map),
        schedulers=scheduler_labels(),
        folders=Folders(
            # Neo has "--ckpt-dirs", folders beside the usual one.
            checkpoints=getattr(shared.cmd_opts, "ckpt_dir", None) or sd_models.model_path,
            loras=_lora_folder(),
            vaes=vae.folder(),
        ),
        clip_skip_acts=bool(clip_skip_acts),
        has_uni_pc_variants=hasattr(shared.opts, "uni_pc_variant"),
    )


def lora_names() -> list[str]:
    """Return the names that ``<lora:...>`` tags accept; none where the Lora extension is off."""
    networks = sys.modules.get("networks")
    return list(getattr(networks, "available_networks", {}))


def lora_files() -> dict[str, str]:
    """Return the LoRAs' files by these names, as Fooocus writes them: below their folder, with ``/``."""
    networks, folder = sys.modules.get("networks"), _lora_folder()
    files = {}
    for name, network in getattr(networks, "available_networks", {}).items():
        path = Path(network.filename)
        is_there = path.is_relative_to(folder)  # A1111 has another folder, of LyCORIS
        files[name] = path.relative_to(folder).as_posix() if is_there else path.name
    return files


def _lora_folder() -> str:
    return getattr(shared.cmd_opts, "lora_dir", None) or str(Path(paths.models_path) / "Lora")


def visible_sampler_names() -> list[str]:
    """Return the samplers that the host's settings do not hide."""
    from_1_9 = getattr(sd_samplers, "visible_samplers", None)
    return [sampler.name for sampler in (from_1_9() if from_1_9 else sd_samplers.samplers)]


def default_sampler_name() -> str:
    """Return the sampler that the host takes where a request names none."""
    name: str = sd_samplers.find_sampler_config(None).name
    return name


def scheduler_labels() -> list[str]:
    """Return the labels of the host's schedule types; none before 1.9, where samplers imply them."""
    if not versions.has_schedulers():
        return []
    return [s.label for s in importlib.import_module("modules.sd_schedulers").schedulers]


def comment_signs() -> comments.Signs:
    """Return what begins a comment in a prompt: nothing on A1111 before 1.8, or where it is switched off."""
    if hasattr(shared.opts, "enable_prompt_comments"):
        return comments.HASH if shared.opts.enable_prompt_comments else comments.NO_COMMENTS
    # reForge strips them always; its setting is about what it saves of them.
    is_reforge = hasattr(shared.opts, "enable_prompt_comments_def")
    return comments.WITH_BLOCKS if is_reforge else comments.NO_COMMENTS


def writer() -> Writer:
    """Return what prompts are rewritten with, as the settings page has it."""
    return Writer(
        styles=styles(),
        wildcards=wildcards(),
        expand=expansion.expand,
        separator=options.text_separator(),
        in_order=options.wildcards_in_order(),
        comments=comment_signs(),
        entries=options.entries(
            options.SEPARATOR,
            options.WILDCARDS_IN_ORDER,
            options.EXPANSION_TARGET,
            options.EXPANSION_FILL,
        ),
    )
