"""How the families of webuis differ where the contract tests start them and change their checkpoint."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import torch

from tests.embedded_webui.command_line import FLAGS

COMMENTS = "it takes comments and outer blanks off a prompt before extensions see it"
ERROR_TEXTS = "its API does not say what went wrong"
GRID_TEXTS = "it writes one picture's own texts on the grid of all"
INFOTEXTS = "its API answers every infotext in a request with an error"
MODEL_CONFIGS = "it reads no configuration beside a checkpoint"
NO_FOUND_SETTINGS = "it has no function that finds an infotext's settings"
NO_INFOTEXTS = "its API takes no infotext in a request"
NO_LCM = "it has no sampler called LCM"
ONE_VAE = "it has no option that names one VAE"
OWN_REFINER_LEAVES = "its own refiner stays for the second pass of hires fix"
PASS_HOOK = "it tells scripts of no pass before it is sampled"
NO_V_IN_DDIM = "its DDIM fails with an SDXL model that predicts v"
SCHEDULE_TYPES = "it has no schedule types of the passes of hires fix"
SHORT_REFUSALS = "its API repeats what it refuses, however long, and fails where that is no JSON"


SINCE = {
    GRID_TEXTS: ("modules/processing.py", "use_main_prompt=use_main_prompt"),  # not reForge
    PASS_HOOK: ("modules/scripts.py", "process_before_every_sampling"),  # A1111: 1.10
    NO_FOUND_SETTINGS: ("modules/infotext_utils.py", "get_override_settings"),  # A1111: 1.8
    NO_INFOTEXTS: ("modules/api/models.py", '"infotext"'),  # A1111: 1.8
    NO_LCM: ("modules/sd_samplers_lcm.py", "LCM"),  # A1111: 1.8
    SCHEDULE_TYPES: ("modules/sd_samplers_kdiffusion.py", "Hires schedule type"),  # A1111: 1.9
    NO_V_IN_DDIM: (
        "modules/sd_samplers_timesteps.py",
        "sqrt(self.inner_model.alphas_cumprod)",
    ),  # 1.8
}
"""What not each version has: the file, and the word in it by which it is known."""


def _has(file: Path, word: str) -> bool:
    return file.is_file() and word in file.read_text("utf-8")


class A1111:
    """AUTOMATIC1111's webui; the embedded one doubles it."""

    flags: tuple[str, ...] = FLAGS
    asks_after_calls = True
    """Whether extensions are shown the rows that a model call has made."""
    initializes_apart = True
    """Whether importing the entry leaves the scripts and the model to be loaded."""
    asks_before_a_hires_pass = 1
    """How often extensions are asked before the second pass of hires fix is sampled."""
    guides: tuple[str, ...] = ("guide",)
    """The functions of ``fooocus_ext.generation.hooks`` that change what a model call predicts."""
    adapter_stages: tuple[str, ...] = (
        "a1111.callbacks.read_model_call",
        "a1111.callbacks.size_of_pass",
        "a1111.second_model.SecondModel.pad",
    )
    """Functions of ``fooocus_ext.host`` that every guided job of this family comes through."""
    loading_stages: tuple[str, ...] = (
        "modules.sd_models.get_checkpoint_state_dict",
        "modules.sd_models.load_model",
        "modules.sd_models.load_model_weights",
        "modules.sd_models.instantiate_from_config",
        "modules.sd_hijack.model_hijack.hijack",
        "modules.script_callbacks.model_loaded_callback",
        "modules.sd_models.get_empty_cond",
    )
    """Functions of the webui with which a refiner is loaded."""
    looks_for_nan = True
    """Whether a job fails that comes to NaN; else its picture is black."""
    lacks: frozenset[str] = frozenset()
    """What the webui itself cannot do, also without this extension."""
    request: Mapping[str, Any] = {}
    """What a request must say beside what it asks for."""

    def __init__(self, folder: Path | None = None) -> None:
        """``folder``: where the webui is, if it is not the embedded one; an old one may lack more."""
        if folder is not None:
            self.lacks |= {
                what for what, (file, word) in SINCE.items() if not _has(folder / file, word)
            }

    def need(self, what: str) -> None:
        """Skip a test on a webui that lacks something."""
        if what in self.lacks:
            pytest.skip(f"this webui lacks what the test needs: {what}")

    def boot(self) -> Any:
        """Import the webui, which is this folder, as its start does; return its entry.

        Not each version and family knows every flag (v1.8.0 does not know --no-prompt-history).
        """
        os.environ["IGNORE_CMD_ARGS_ERRORS"] = "1"
        entry = importlib.import_module("webui")
        if self.initializes_apart:
            entry.initialize.initialize()
        return entry

    def watch_preparations(self, modules: Any, patches: pytest.MonkeyPatch) -> list[str]:
        """Return a list that gets what the extension has made ready to sample, from here on.

        "active" is the webui's model at that time, "refiner" ours. (This family is told of none.)
        """
        return []

    def store_in_8_bits(self, modules: Any, patches: pytest.MonkeyPatch) -> None:
        """Let weights be stored in 8 bits from here on; what is loaded stays as it is."""
        patches.setattr(modules.devices, "fp8", True, raising=False)

    def use(self, modules: Any, title: str) -> None:
        """Make a checkpoint the active one, as choosing it on the page does."""
        modules.shared.opts.data["sd_model_checkpoint"] = title
        modules.sd_models.reload_model_weights()


class ForgeFamily(A1111):
    """What Forge, reForge and Forge Classic share: importing the entry initializes, and CPUs are asked for
    in other words."""

    asks_after_calls = False
    initializes_apart = False
    guides = ("damped_scale", "sharpen")
    adapter_stages = (
        "forge.guidance.install",
        "forge.guidance.begin_call",
        "forge.callbacks.size_of_pass",
        "forge.second_model.Placement.refiner_on_device",
        "forge.second_model.SecondModel.pad",
    )
    looks_for_nan = False
    flags = (*FLAGS, "--always-cpu", "--clip-in-fp16", "--vae-in-fp32")

    def watch_preparations(self, modules: Any, patches: pytest.MonkeyPatch) -> list[str]:
        from fooocus_ext.host.forge.engine import engine
        from fooocus_ext.host.refiner import resident

        prepare, prepared = engine().sampling_prepare, []

        def watched(unet: Any, x: Any) -> None:
            refiner = resident.RESIDENCE._model
            models = {
                "active": modules.sd_models.model_data.sd_model,
                "refiner": refiner.second.model if refiner is not None else None,
            }
            names = [
                name
                for name, model in models.items()
                if model is not None and model.forge_objects.unet.model is unet.model
            ]
            prepared.extend(names or ["a model that is neither"])
            prepare(unet, x)

        patches.setattr(engine(), "sampling_prepare", watched)
        return prepared

    def use(self, modules: Any, title: str) -> None:
        """Leave the active checkpoint alone: loaded again, it makes the webui forget all texts."""
        active = getattr(modules.sd_models.model_data, "sd_model", None)
        if getattr(getattr(active, "sd_checkpoint_info", None), "title", None) != title:
            self.load(modules, title)

    def load(self, modules: Any, title: str) -> None:
        """Make another checkpoint the active one."""
        super().use(modules, title)


class LdmPatched(ForgeFamily):
    """reForge and Forge Classic."""

    flags = (*FLAGS, "--always-cpu", "--clip-in-fp16", "--all-in-fp32")
    loading_stages = (
        "modules.sd_models.get_checkpoint_state_dict",
        "modules_forge.forge_loader.load_model_for_a1111",
        "modules_forge.forge_loader.instantiate_from_config",
    )


class Forge(ForgeFamily):
    """Forge, which loads a checkpoint when a job needs it, by what its page has noted (seen: dfdcbab)."""

    asks_before_a_hires_pass = 2
    lacks = frozenset(
        {
            COMMENTS,
            ERROR_TEXTS,
            INFOTEXTS,
            MODEL_CONFIGS,
            ONE_VAE,
            OWN_REFINER_LEAVES,
            SHORT_REFUSALS,
        }
    )
    loading_stages = ("backend.loader.forge_loader", "backend.loader.split_state_dict")
    request = MappingProxyType({"hr_additional_modules": ["Use same choices"]})

    def store_in_8_bits(self, modules: Any, patches: pytest.MonkeyPatch) -> None:
        options = importlib.import_module("backend.args").dynamic_args
        patches.setitem(options, "forge_unet_storage_dtype", torch.float8_e4m3fn)

    def load(self, modules: Any, title: str) -> None:
        modules.shared.opts.data["sd_model_checkpoint"] = title
        importlib.import_module("modules_forge.main_entry").refresh_model_loading_parameters()
        modules.sd_models.forge_model_reload()


def family_of(webui: Path | None) -> A1111:
    """Return the family of the webui in a folder; None is the embedded one."""
    if webui is not None and (webui / "backend").is_dir():
        return Forge(webui)
    if webui is not None and (webui / "ldm_patched").is_dir():
        return LdmPatched(webui)
    return A1111(webui)
