"""The parts of a webui of the Forge family that the adapter touches, around the engine's stand-in."""

from __future__ import annotations

from contextlib import nullcontext
from types import ModuleType, SimpleNamespace

import torch
from safetensors.torch import save_file

from fooocus_ext.generation import state
from tests.host.forge.engine_stand_in import NEO, REFORGE, WITH_BACKEND, CFGDenoiser, Model

ABAR = torch.linspace(0.9991, 0.0047, 1000)
SIGMAS = ((1 - ABAR) / ABAR) ** 0.5

BASE_MARK = "conditioner.embedders.1.model.ln_final.weight"
REFINER_MARK = "conditioner.embedders.0.model.ln_final.weight"


class Request:
    """The host's processing object."""

    def __init__(self, webui, **values):
        self.webui = webui
        self.is_hr_pass = False
        self.enable_hr = False
        self.hr_cfg = 1.0
        self.hr_upscale_to_x = self.hr_upscale_to_y = 192
        self.width, self.height = 256, 128
        self.sampler_name = "Euler"
        self.disable_extra_networks = False
        self.extra_network_data = {"lora": ["one"]}
        self.hr_extra_network_data = {"lora": ["another"]}
        self.cached_c, self.cached_uc = ["base's", None], ["base's", None]
        self.c = self.uc = "base's"
        self.extra_generation_params = {}
        self.comments = []
        self.sampler = SimpleNamespace()
        vars(self).update(values)

    def comment(self, text):
        self.comments.append(text)

    def calculate_hr_conds(self):
        self.hr_c, self.hr_uc = self.webui.encode()

    def close(self):
        """End the request."""

    def sample(self):
        return self.during()


class Webui:
    """A webui of the family.

    Attributes:
        family: which of the three.
        base: its active model.
        told: what its memory manager was told, in order.
        loaded: the memory manager's list.
        activated: (model, networks) each time LoRAs were put on a model.
        device: where it has what it has encoded.
        loading_options: Forge's, of the last time a base was loaded ("forge_unet_storage_dtype").
        heard: (conditioning, step) each time it was asked what conditioning means at a step.
        clip_skips: clip skip of each step, where it changes (reForge 3b56b26); empty where it does not.
        modules: what stands in for its modules, by name.
    """

    def __init__(self, family, folder):
        self.family = family
        self.folder = folder
        self.base = Model("base", SIGMAS)
        self.told, self.loaded, self.activated, self.callbacks = [], [], [], {}
        self.heard, self.clip_skips = [], []
        self.device, self.loading_options = "cpu", {}
        self.model_data = SimpleNamespace(sd_model=self.base)
        self.load_error = None
        self.text_encoder = SimpleNamespace(
            current_text_encoder="the base's", current_text_encoder_option="the base's"
        )
        self.modules = {**self._webui_modules(), **self._engine_modules()}

    def start(self):
        """Let the adapter register with the webui."""
        self.adapter("forge.callbacks").register()

    # --- what a test does with it ---------------------------------------------------------------------

    def request(self, settings, **values):
        """Return a request with a generation of ours."""
        p = Request(self, **values)
        return p, state.attach(p, settings)

    def sample(self, p, steps, cond_scale=7.0, second_pass=(), loaded_between=None, **others):
        """Run a pass as the host does: hooks before it, then ``steps``; each is what `forward` takes.

        Then a second pass, if it has steps: of the active model, or of a Model that is loaded before it.
        Returns what each step gave. Of ``others``, ``masked`` are the latents of a picture and its mask,
        1 inside; the rest is for the denoiser.
        """

        def during():
            made = self._sample_pass(p, steps, cond_scale, **others)
            if loaded_between is not None:
                self.base = self.model_data.sd_model = loaded_between
            if second_pass:
                p.is_hr_pass = True
                made += self._sample_pass(p, second_pass, cond_scale, **others)
            return made

        p.during = during
        self.adapter("sampling").follow_sampling(p, state.generation_of(p))
        return p.sample()

    def _sample_pass(self, p, steps, cond_scale, masked=None, **denoiser_values):
        callbacks = self.callbacks.get("cfg_denoiser", [])
        denoiser = CFGDenoiser(
            self.family,
            p,
            lambda: self.model_data.sd_model,
            callbacks,
            cond_scale,
            total_steps=len(steps),
            **denoiser_values,
        )
        self.denoiser = denoiser
        if masked is not None:
            denoiser.init_latent, denoiser.nmask = masked
            denoiser.mask = 1 - denoiser.nmask
        self.base.reset()
        self._before_every_sampling(p)
        denoiser.begin(steps[0][0])
        return [denoiser.forward(*step) for step in steps]

    def _before_every_sampling(self, p):
        host, generation = self.adapter("forge.family").HOST, state.generation_of(p)
        if p.is_hr_pass and self.family in WITH_BACKEND:  # asked twice, with a reset in between
            host.prepare_pass(p, generation)
            self.base.reset()
        host.prepare_pass(p, generation)

    def checkpoint(self, mark=REFINER_MARK):
        """Return the CheckpointInfo of a file with the names of an SDXL base or refiner."""
        path = self.folder / "other.safetensors"
        save_file({"model.diffusion_model.x": torch.zeros(1), mark: torch.zeros(1)}, path)
        return SimpleNamespace(
            filename=str(path),
            title="other",
            short_title="other",
            calculate_shorthash=lambda: "hash",
        )

    def encode(self):
        """Encode with the active model, whose name is then in the conditioning."""
        name = self.model_data.sd_model.name
        self.told.append(("encode", name))
        return name, name

    # --- what the adapter finds -----------------------------------------------------------------------

    def _webui_modules(self):
        webui = self

        class Shared(ModuleType):
            @property
            def sd_model(self):
                return webui.model_data.sd_model

        shared = Shared("modules.shared")
        shared.opts = SimpleNamespace(
            CLIP_stop_at_last_layers=1, randn_source="GPU", skip_early_cond=0.0
        )
        shared.state = SimpleNamespace(interrupted=False, skipped=False)

        def setup_conds(p):
            p.c, p.uc = webui.encode()
            if self.clip_skips and self.family == REFORGE:
                name = self.model_data.sd_model.name
                p.dynamic_clip_skip_schedule = self.clip_skips
                p.dynamic_clip_skip_sets = {
                    skip: (f"{name} {skip}", f"{name} {skip}") for skip in self.clip_skips
                }

        def register(name):
            return lambda function: webui.callbacks.setdefault(name, []).append(function)

        def conditioning(name, step):
            self.heard.append((name, step))
            width = 2816 if name in ("base", "second base") else 2560
            return {
                "crossattn": torch.zeros(1, 77, 8, device=self.device),
                "vector": torch.zeros(1, width, device=self.device),
            }

        parts = {
            "shared": shared,
            "devices": SimpleNamespace(
                torch_gc=lambda: None, autocast=nullcontext, device=torch.device("cpu")
            ),
            "rng": SimpleNamespace(ImageRNG=object),
            "sd_models": SimpleNamespace(
                model_data=self.model_data,
                get_checkpoint_state_dict=lambda info, _timer: dict.fromkeys(info.names),
                checkpoint_tiles=list,
                select_checkpoint=lambda selected=self.base.sd_checkpoint_info: selected,
            ),
            "sd_vae": SimpleNamespace(),
            "timer": SimpleNamespace(Timer=lambda: None),
            "script_callbacks": SimpleNamespace(on_cfg_denoiser=register("cfg_denoiser")),
            "scripts": SimpleNamespace(Script=object),
            "sd_samplers": SimpleNamespace(
                find_sampler_config=lambda _name: SimpleNamespace(options={})
            ),
            "sd_samplers_common": SimpleNamespace(),
            "paths": SimpleNamespace(script_path=str(self.folder)),
            "extra_networks": SimpleNamespace(activate=self._activate),
            "processing": SimpleNamespace(
                StableDiffusionProcessing=SimpleNamespace(setup_conds=setup_conds)
            ),
            "prompt_parser": SimpleNamespace(
                reconstruct_multicond_batch=lambda cond, step: (None, conditioning(cond, step)),
                reconstruct_cond_batch=conditioning,
                SdConditioning=_Texts,
            ),
        }
        if self.family == REFORGE:
            parts["sd_text_encoder"] = self.text_encoder
        if self.family == NEO:
            del parts["sd_models"].get_checkpoint_state_dict
        return {
            **_modules("modules", parts),
            "fooocus_ext.host.machine.options": SimpleNamespace(
                refiner_switch_rule=lambda: "steps", entries=lambda *_: {}, REFINER_RULE="rule"
            ),
        }

    def _engine_modules(self):
        sampling = SimpleNamespace(
            sampling_prepare=lambda unet, x: self._prepare(unet),
            sampling_cleanup=lambda unet: self.told.append(("cleanup", unet.model.name)),
        )
        memory = SimpleNamespace(
            current_loaded_models=self.loaded, text_encoder_dtype=lambda: torch.float16
        )
        if self.family in WITH_BACKEND:
            (self.folder / "backend").mkdir()
            (self.folder / "backend" / "memory_management.py").touch()
            parts = {
                "args": SimpleNamespace(dynamic_args=self.loading_options),
                "loader": SimpleNamespace(forge_loader=self._forge_loader),
                "memory_management": memory,
                "utils": SimpleNamespace(load_torch_file=lambda path: {f"read from {path}": None}),
            }
            return {
                **_modules("backend", parts),
                **_modules("backend.sampling", {"sampling_function": sampling}),
            }
        (self.folder / "ldm_patched").mkdir()
        loader = SimpleNamespace(load_model_for_a1111=self._load_model_for_a1111)
        return {
            **_modules("ldm_patched", {}),
            **_modules("ldm_patched.modules", {"model_management": memory}),
            **_modules("modules_forge", {"forge_loader": loader, "forge_sampler": sampling}),
        }

    def _prepare(self, unet):
        self.told.append(("prepare", unet.model.name))
        self.loaded.insert(0, SimpleNamespace(model=unet))

    def _activate(self, p, networks):
        self.activated.append((self.model_data.sd_model.name, networks))

    def _forge_loader(self, filename, additional_state_dicts):
        if self.load_error is not None:
            raise self.load_error
        model = Model("other", SIGMAS)
        model.forge_objects_original.unet.model.diffusion_model = SimpleNamespace(in_channels=4)
        return model

    def _load_model_for_a1111(self, timer, checkpoint_info, state_dict):
        if self.family == REFORGE:
            for name in vars(self.text_encoder):
                setattr(self.text_encoder, name, "the other's")
        return self._forge_loader(checkpoint_info.filename, [])


class _Texts(list):
    """Texts to encode, with the size of their picture."""

    def __init__(self, texts, is_negative_prompt=False, width=None, height=None):
        super().__init__(texts)
        self.is_negative_prompt, self.width, self.height = is_negative_prompt, width, height


def _modules(package, parts):
    """Return modules that stand in for a package with these parts, by dotted name."""
    top = ModuleType(package)
    top.__path__ = []
    named = {package: top}
    for name, part in parts.items():
        setattr(top, name, part)
        named[f"{package}.{name}"] = part
    return named
