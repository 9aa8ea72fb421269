"""The refiner's part in one generation: its conditioning, and its turn in the running sampler."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from modules import processing, prompt_parser, shared

from fooocus_ext.args import FIELDS_BY_NAME, FOOOCUS, NONE
from fooocus_ext.core.refiner_switch import first_refiner_step, nearest_step, takes_over
from fooocus_ext.host.machine import options
from fooocus_ext.host.passes import (
    FIRST_PASS,
    SECOND_PASS,
    has_checkpoint_of_its_own,
    in_second_pass,
    passes_of,
    sampler_names,
    second_pass_networks,
)
from fooocus_ext.host.refiner import conditioning, fresh_noise, resident, split_sampler, webuis
from fooocus_ext.host.rendering import schedules
from fooocus_ext.host.sampling import samplings

if TYPE_CHECKING:
    from modules.script_callbacks import CFGDenoiserParams

    from fooocus_ext.args import Settings
    from fooocus_ext.core.noise_levels import LevelTable
    from fooocus_ext.generation.state import Generation
    from fooocus_ext.host.rendering.texts import Texts

_JOINT, _FRESH_NOISE = "joint", "vae"
_CACHES = ("cached_c", "cached_uc", "cached_hr_c", "cached_hr_uc")


def take_part(p: Any, generation: Generation, loader: resident.Loader) -> Refiner | None:
    """Make the refiner that the settings name ready for ``p``; None if they name none.

    ``loader`` loads it if it is not resident. Only one refiner runs: the webui's own, if the request
    names one too, gives way to ours. One that another base has left in memory is freed.

    Raises:
        RequestError: no such checkpoint, a broken file, another kind than the base, or a method
            that this host or a sampler of the refined passes has not got.
    """
    settings = generation.settings
    base = shared.sd_model
    if settings.refiner == NONE:
        # The host reports no base as loaded that it has kept (sd_checkpoints_limit).
        if samplings.current() is None:
            resident.RESIDENCE.release_unless_for(base)
        return None
    info = resident.find(settings.refiner)
    if info.filename == base.sd_checkpoint_info.filename:
        generation.skipped["refiner"] = "it is the base model itself"
        return None
    passes = passes_of(p)
    if not passes:
        generation.skipped["refiner"] = (
            "it takes part in the first pass alone, and that is not sampled"
        )
        return None
    if settings.refiner_method != _JOINT:
        split_sampler.check_available(
            settings.refiner_method,
            sampler_names(p, passes),
            as_fooocus=settings.rendering == FOOOCUS,
        )
    if SECOND_PASS in passes and has_checkpoint_of_its_own(p):
        generation.skipped["refiner in the second pass"] = "that pass has a checkpoint of its own"
    webuis_own = webuis.switch_off(p)
    if webuis_own is not None:
        p.comment(
            f"Fooocus's refiner {info.short_title} is used; the webui's own refiner "
            f"{webuis_own} is not."
        )
    refiner = Refiner(resident.RESIDENCE.acquire(info, base, loader), settings, base)
    p.extra_generation_params.update(refiner.infotext())
    return refiner


class Refiner:
    """One refiner taking part in the sampling of one processing object.

    Nothing of the host changes hands but ``denoiser.model_wrap`` and the conditioning of the call:
    the solver, its history and its noise go on, and the base stays the host's active model.
    """

    def __init__(self, model: resident.ResidentModel, settings: Settings, base: Any) -> None:
        self._resident = model
        self._settings = settings
        self._is_split = settings.refiner_method != _JOINT
        self._is_second_run = False
        self._rule = options.refiner_switch_rule()
        self._second = model.second
        self._weights = model.second.beside(base)
        self._conds: dict[bool, conditioning.CondsOfStep] = {}
        self._levels: LevelTable | None = None
        self._taken: Any = None
        self._had_its_turn = False
        self._base_wrap: Any = None

    def infotext(self) -> dict[str, str]:
        """Return what the infotext records, defaults included: a picture's refiner matters."""
        name, switch = FIELDS_BY_NAME["refiner"], FIELDS_BY_NAME["refiner_switch"]
        return {
            name.infotext: self._resident.info.short_title,
            switch.infotext: f"{self._settings.refiner_switch:g}",
            **({} if self._is_split else options.entries(options.REFINER_RULE)),
        }

    def prepare_pass(self, p: Any, generation: Generation) -> None:
        """Split the sampler of a pass in two, if that is the method and the refiner's pass."""
        self._is_second_run = False
        if self._is_split and in_second_pass(p) in self._conds:
            split_sampler.split_sampler(p.sampler, self._runs(p, generation), generation)

    def _runs(self, p: Any, generation: Generation) -> split_sampler.Runs:
        """Return how the two runs of "separate" and "vae" are made."""
        editing = generation.editing

        def begin(is_second: bool) -> None:
            self._is_second_run = is_second
            if editing is not None:
                editing.begin_noise(p)

        def renoise(x: torch.Tensor, seen: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
            if editing is not None:
                editing.begin_noise(p, later=fresh_noise.LATER)
            largest = float(p.sampler.model_wrap_cfg.inner_model.sigmas[-1])
            return fresh_noise.renoised(p, x, seen, level, largest=largest)

        method = self._settings.refiner_method
        return split_sampler.Runs(
            method, self._switch_step, begin, renoise if method == _FRESH_NOISE else None
        )

    def _switch_step(self, denoiser: Any) -> int:
        ratio, steps = self._settings.refiner_switch, denoiser.steps
        if self._settings.rendering == FOOOCUS:
            return nearest_step(ratio, steps=steps)
        return first_refiner_step(ratio, total_calls=denoiser.total_steps, steps=steps)

    def prepare_batch(self, p: Any, texts: Texts | None = None) -> None:
        """Encode the batch's prompts for the refiner, before sampling starts.

        Args:
            p: the processing object.
            texts: encode in Fooocus's way, where the refiner hears the base's text encoders. Without
                them its own text encoder does it, by the host's own code on private caches: schedules
                (prompt editing), AND, emphasis and sizes come out as if it were the active model.
        """
        self._second.prepare()
        passes = passes_of(p)
        if texts is not None:
            self._hear(p, texts, passes)
            return
        with (
            conditioning.kept(p),
            self._weights.text_encoder_on_device(),
            torch.no_grad(),
        ):
            caches = self._resident.caches_telling(conditioning.told_beside_texts(p))
            for name in _CACHES:
                if hasattr(p, name):
                    setattr(p, name, caches.setdefault(name, [None, None]))
            if FIRST_PASS in passes:
                with self._second.encoding(p, is_second_pass=False):
                    processing.StableDiffusionProcessing.setup_conds(p)
                self._conds[False] = conditioning.of_first_pass(p)
            if SECOND_PASS in passes and not has_checkpoint_of_its_own(p):
                with self._second.encoding(p, is_second_pass=True):
                    p.hr_c = p.hr_uc = None
                    p.calculate_hr_conds()
                self._conds[True] = conditioning.always((p.hr_c, p.hr_uc))

    def _hear(self, p: Any, texts: Texts, passes: frozenset[str]) -> None:
        self._levels = schedules.whole_table(self._second.model)
        if FIRST_PASS in passes:
            heard = texts.conditioning(p, self._second.model, is_second_pass=False)
            self._conds[False] = conditioning.always(heard)
        if SECOND_PASS in passes and not has_checkpoint_of_its_own(p):
            with second_pass_networks(p):
                heard = texts.conditioning(p, self._second.model, is_second_pass=True)
            self._conds[True] = conditioning.always(heard)

    def intervene(
        self,
        generation: Generation,
        params: CFGDenoiserParams,
        denoiser: Any,
        timestep: Callable[[], int],
    ) -> bool:
        """Take a model call if it is the refiner's turn; return whether it is.

        ``timestep`` reads the call's from the device, which is asked only where it decides.
        """
        if self._taken is not denoiser:  # that pass is over, and its base may be gone
            self.hand_back()
        is_second_pass = in_second_pass(denoiser.p)
        if is_second_pass not in self._conds or not self._is_turn(denoiser, timestep):
            self._return_to_base(params.x)
            return False
        if self._taken is None:
            generation.sampling.callback(self.hand_back)
            self._take(denoiser, params.x)
            if generation.rendering is not None:
                schedules.use_fooocus_levels(denoiser, self._levels)
        cond, uncond = self._conds[is_second_pass](denoiser.step)
        _, params.text_cond = prompt_parser.reconstruct_multicond_batch(cond, denoiser.step)
        if uncond is not None:  # Forge has none at CFG scale 1
            params.text_uncond = prompt_parser.reconstruct_cond_batch(uncond, denoiser.step)
        self._second.pad(params, denoiser.p)
        return True

    def report(self, generation: Generation) -> None:
        """Say that the refiner had no turn, after a sampling that came to its end."""
        if self._conds and not self._had_its_turn:
            switch = f"{self._settings.refiner_switch:g}"
            generation.skipped["refiner"] = f"no step was left for it (switch at {switch})"

    def hand_back(self) -> None:
        """Give the sampler back to the base. Safe to call any number of times."""
        self._return_to_base(None)

    def _return_to_base(self, x: torch.Tensor | None) -> None:
        """Let the base make the coming model call of ``x``, or nothing more (None)."""
        if self._taken is not None:
            self._taken.model_wrap = self._base_wrap
            self._taken = self._base_wrap = None
        self._weights.base_on_device(x)

    def _is_turn(self, denoiser: Any, timestep: Callable[[], int]) -> bool:
        if self._is_split:
            return self._is_second_run
        return takes_over(
            self._rule,
            self._settings.refiner_switch,
            call=denoiser.step,
            total_calls=denoiser.total_steps,
            steps=denoiser.steps,
            timestep=timestep() if self._rule == "timestep" else 0,
        )

    def _take(self, denoiser: Any, x: torch.Tensor) -> None:
        self._base_wrap = denoiser.inner_model
        self._taken = denoiser
        self._had_its_turn = True
        with self._second.sampling(denoiser.p, is_second_pass=in_second_pass(denoiser.p)):
            self._weights.refiner_on_device(x)
            # The host's own property chooses the wrapper that fits sampler and parameterisation.
            denoiser.model_wrap = None
            denoiser.model_wrap = denoiser.inner_model
        model = denoiser.inner_model.inner_model
        if hasattr(model, "alphas_cumprod"):
            # Samplers of the DDIM family move the table of the model with which they begin.
            model.alphas_cumprod = model.alphas_cumprod.to(x.device)
