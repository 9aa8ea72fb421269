"""An engine of the Forge family, as small as can be, with exactly the peculiarities that were observed.

Seen in Forge (main dfdcbab), reForge (main 3b56b26) and Forge Classic (classic 1f95d71); read in the source
of neo (a copy of 2025-12-06, c24dc1c), which is as Forge where nothing else is said:

* x has one row for each picture, and sigma is a real noise level, with DDIM too (all three);
* at CFG scale 1 there is no conditioning for the negative prompt (Forge) or it is there and not used;
* the parts of an AND prompt are one item each, of as many rows as there are pictures, with its weight as
  ``strength``; cond_denoised is their weighted mean (all three);
* the rows of one call are those of the negative prompt first (all three);
* samplers of the DDIM family give timesteps, and CFGDenoiser finds the level in the active model's table,
  which those samplers have moved to the device of x when they began (all three);
* clones deep-copy the options in which hooks are registered (all three);
* the scale is set to 1 for a call before the modifiers see it (Forge, Classic) or after them (reForge); what
  was not run is zeros then (all three); post-CFG functions are told ``cond_scale`` (reForge, neo);
* Classic makes the first call of every job at scale 1;
* Forge and reForge combine a hires pass with ``p.hr_cfg``;
* another extension's CFG function replaces the combination (all three);
* samplers of the CFG++ family bring options of their own, whose post-CFG functions take the place of the
  UNet's for each call (reForge);
* the webui's own refiner is loaded at the beginning of a call, in place of the active model (all three);
* ControlNet's "reference_only" has a modifier that makes a call of its own at scale 1, with the options of
  the call that it modifies, and throws its result away (all three);
* with a mask, the picture outside of it is shown with noise of the global RNG (Forge, Classic; reForge where
  the sampler is of the DDIM family), and put back after the call (all three); reForge goes on with its own
  name for x, so what a callback assigns to ``params.x`` is lost there, what it writes into it is not.
"""

from __future__ import annotations

import copy
from types import SimpleNamespace

import torch

FORGE, REFORGE, CLASSIC, NEO = FAMILIES = ("Forge", "reForge", "Forge Classic", "neo")
WITH_BACKEND = (FORGE, NEO)


class Network:
    """Stands in for SDXL's UNet: each row's clean latent depends on its noise, text and sizes."""

    def __init__(self, name, sigmas):
        self.name = name
        self.predictor = SimpleNamespace(sigmas=sigmas, prediction_type="epsilon")
        self.model_sampling = SimpleNamespace(sigmas=sigmas)
        self.model_type = SimpleNamespace(name="EPS")
        self.calls = []

    def apply_model(self, x, sigma, crossattn, y):
        self.calls.append(SimpleNamespace(rows=len(x), x=x.clone(), y=y.clone()))
        text = crossattn.mean(dim=(1, 2)) + y[:, :1280].mean(dim=1)
        return (
            torch.tanh(x) * 0.5 + text.view(-1, 1, 1, 1) + y[:, 1280:].mean(dim=1).view(-1, 1, 1, 1)
        )


class UnetPatcher:
    """The engine's handle on a network, with hooks of its own."""

    def __init__(self, model, options=None):
        self.model = model
        self.model_options = options if options is not None else {"transformer_options": {}}

    def clone(self):
        return UnetPatcher(self.model, copy.deepcopy(self.model_options))

    def is_clone(self, other):
        return self.model is other.model

    def add_conditioning_modifier(self, modifier):
        self.model_options.setdefault("conditioning_modifiers", []).append(modifier)

    def set_model_sampler_post_cfg_function(self, function):
        functions = self.model_options.get("sampler_post_cfg_function", [])
        self.model_options["sampler_post_cfg_function"] = [*functions, function]

    def set_model_sampler_cfg_function(self, function):
        self.model_options["sampler_cfg_function"] = function


class ForgeObjects:
    """What a model consists of."""

    def __init__(self, unet, clip, vae):
        self.unet, self.clip, self.vae = unet, clip, vae

    def shallow_copy(self):
        return ForgeObjects(self.unet, self.clip, self.vae)


class Model:
    """The host's model object."""

    is_sdxl = True

    def __init__(self, name, sigmas):
        clip = SimpleNamespace(patcher=UnetPatcher(Network(name, sigmas)))
        self.name = name
        self.sd_checkpoint_info = SimpleNamespace(filename=name, title=name)
        self.alphas_cumprod = 1 / (sigmas**2 + 1)
        self.forge_objects_original = ForgeObjects(UnetPatcher(Network(name, sigmas)), clip, "vae")
        self.forge_objects_after_applying_lora = self.forge_objects_original.shallow_copy()
        self.reset()

    def reset(self):
        """As the host does before each pass: whatever was hooked in is gone."""
        self.forge_objects = self.forge_objects_after_applying_lora.shallow_copy()


class CFGDenoiser:
    """One call of the model, with a callback before it that the host guards.

    Args:
        family: which of the three.
        p: the request.
        active: returns the model that is active.
        callbacks: asked before the call.
        cond_scale: the job's CFG scale.
        total_steps: how many calls there will be.
        skip_early_cond: the host's option of that name.
        takes_timesteps: whether its sampler is of the DDIM family.
        sampler_options: what its sampler brings (reForge).
        refiner: (step, Model): the webui's own, and the call with which it begins.
    """

    def __init__(
        self,
        family,
        p,
        active,
        callbacks,
        cond_scale,
        *,
        total_steps=10,
        skip_early_cond=0.0,
        takes_timesteps=False,
        sampler_options=None,
        refiner=None,
    ):
        self.family, self.p, self.callbacks = family, p, callbacks
        self.active, self.model_wrap = active, None
        self.sampler = SimpleNamespace(sampler_extra_args={"cond_scale": cond_scale})
        self.step, self.steps, self.total_steps = 0, total_steps, total_steps
        self.skip_early_cond, self.takes_timesteps = skip_early_cond, takes_timesteps
        self.sampler_options, self.refiner = sampler_options or {}, refiner
        self.init_latent = self.mask = self.nmask = None
        self.errors = []

    @property
    def inner_model(self):
        if self.model_wrap is None:
            self.model_wrap = SimpleNamespace(inner_model=self.active())
        return self.model_wrap

    def begin(self, x):
        """Do what its sampler does before the first step."""
        model = self.inner_model.inner_model
        if self.takes_timesteps:
            model.alphas_cumprod = model.alphas_cumprod.to(x.device)

    def forward(self, x, sigma, cond, uncond, weights=(1.0,)):
        """Sample once. ``cond`` has the rows of part after part; each part has ``len(x)`` rows."""
        self._begin_with_refiner()
        if self.takes_timesteps:
            products = self.inner_model.inner_model.alphas_cumprod
            [sigma] = ((1 - products) / products)[sigma.view(1)] ** 0.5
            x = x * (sigma**2 + 1) ** 0.5
        scale = self.sampler.sampler_extra_args["cond_scale"]
        if scale == 1.0 and self.family in WITH_BACKEND:
            uncond = None
        if self.mask is not None and self.family != REFORGE:
            noisy = self.init_latent + sigma * torch.randn_like(self.init_latent)
            x = x * self.nmask + noisy * self.mask
        params = SimpleNamespace(
            x=x, sigma=sigma.expand(len(x)), text_cond=cond, text_uncond=uncond, denoiser=self
        )
        for callback in self.callbacks:
            try:
                callback(params)
            except Exception as error:  # noqa: BLE001  (as the webui does)
                self.errors.append(error)
        if self.p.is_hr_pass and self.family != CLASSIC:
            scale = self.p.hr_cfg
        if self.family == REFORGE:
            params.x = x
        skips = self._skips()
        if skips and self.family != REFORGE:
            scale = 1.0
        result = self._sample(params, scale, skips and self.family == REFORGE, weights)
        self.step += 1
        if self.mask is not None:
            result = result * self.nmask + self.init_latent * self.mask
        return result

    def _begin_with_refiner(self):
        if self.refiner is not None and self.step == self.refiner[0]:
            self.p.webui.model_data.sd_model = self.refiner[1]
            self.model_wrap = None

    def _skips(self):
        share = self.step / self.total_steps
        if self.family == CLASSIC:
            return 0.0 <= share <= self.skip_early_cond
        return self.skip_early_cond > 0 and share <= self.skip_early_cond

    def _sample(self, params, scale, skips_after, weights):
        unet = self.inner_model.inner_model.forge_objects.unet
        model, x, sigma = unet.model, params.x, params.sigma
        options = {**unet.model_options, **self.sampler_options}
        uncond = None if params.text_uncond is None else [dict(params.text_uncond)]
        rows = len(x)
        cond = [
            {
                **{
                    key: value[i * rows : (i + 1) * rows] for key, value in params.text_cond.items()
                },
                "strength": weight,
            }
            for i, weight in enumerate(weights)
        ]
        for modifier in options.get("conditioning_modifiers", []):
            model, x, sigma, uncond, cond, scale, options, _ = modifier(
                model, x, sigma, uncond, cond, scale, options, 1
            )
        if skips_after:
            uncond, scale = None, 1.0
        return self.sampling_function(model, x, sigma, uncond, cond, scale, options)

    def sampling_function(self, model, x, sigma, uncond, cond, scale, options):
        """Predict and combine; modifiers may ask for it, too."""
        run = None if scale == 1.0 else uncond
        cond_pred, uncond_pred = _both(model, x, sigma, run, cond)
        weight = sum(part["strength"] for part in cond)
        args = {
            "input": x,
            "sigma": sigma,
            "model": model,
            "model_options": options,
            "cond": cond,
            "uncond": uncond,
            "cond_denoised": cond_pred,
            "uncond_denoised": uncond_pred,
        }
        if "sampler_cfg_function" in options:
            told = {**args, "cond": x - cond_pred, "uncond": x - uncond_pred, "cond_scale": scale}
            result = x - options["sampler_cfg_function"](told)
        else:
            result = uncond_pred + (cond_pred - uncond_pred) * scale * weight
        if self.family in (REFORGE, NEO):
            args["cond_scale"] = scale
        for function in options.get("sampler_post_cfg_function", []):
            result = function({**args, "denoised": result})
        return result


def _both(model, x, sigma, uncond, cond):
    """Return the weighted mean of the parts, and the negative prompt's prediction or zeros."""
    parts = [*([] if uncond is None else uncond), *cond]
    crossattn = torch.cat([part["crossattn"] for part in parts])
    vector = torch.cat([part["vector"] for part in parts])
    out = model.apply_model(x.repeat(len(parts), 1, 1, 1), sigma, crossattn, vector).chunk(
        len(parts)
    )
    uncond_pred = torch.zeros_like(x) if uncond is None else out[0]
    outs = out[len(parts) - len(cond) :]
    total = sum(part["strength"] for part in cond)
    mean = sum(each * part["strength"] for each, part in zip(outs, cond, strict=True)) / total
    return mean, uncond_pred
