"""Doubles modules/sd_samplers_cfg_denoiser.py.

Classifier-free guidance around the model, with all its callbacks.
"""

from __future__ import annotations

import torch

from modules import prompt_parser, sd_samplers_common, shared
from modules.script_callbacks import (
    AfterCFGCallbackParams,
    CFGDenoisedParams,
    CFGDenoiserParams,
    cfg_after_cfg_callback,
    cfg_denoised_callback,
    cfg_denoiser_callback,
)
from modules.shared import opts, state


def catenate_conds(conds):
    """Conds (tensors or dicts of them) one after the other."""
    if not isinstance(conds[0], dict):
        return torch.cat(conds)
    return {key: torch.cat([x[key] for x in conds]) for key in conds[0]}


def subscript_cond(cond, a, b):
    """Rows a..b of conds."""
    if not isinstance(cond, dict):
        return cond[a:b]
    return {key: value[a:b] for key, value in cond.items()}


def pad_cond(tensor, repeats, empty):
    """Conds with `repeats` empty prompts [1,77,C] appended along the tokens; a dict is changed in place."""
    if isinstance(tensor, dict):
        tensor["crossattn"] = pad_cond(tensor["crossattn"], repeats, empty)
        return tensor
    return torch.cat([tensor, empty.repeat((tensor.shape[0], repeats, 1))], dim=1)


def _condition(text, image_cond):
    """The model's cond argument."""
    if isinstance(text, dict):
        return {**text, "c_concat": [image_cond]}
    return {"c_crossattn": [text], "c_concat": [image_cond]}


def _repeat_rows(tensor, repeats):
    return torch.repeat_interleave(tensor, torch.tensor(repeats, device=tensor.device), dim=0)


class CFGDenoiser(torch.nn.Module):
    """Called by the samplers once per evaluation: x0 (or eps, timestep samplers) guided by two prompts."""

    def __init__(self, sampler):
        super().__init__()
        self.model_wrap = None
        self.mask = None
        self.nmask = None
        self.init_latent = None
        self.steps = None
        self.total_steps = None
        self.step = 0
        self.image_cfg_scale = None
        self.padded_cond_uncond = False
        self.padded_cond_uncond_v0 = False
        self.sampler = sampler
        self.p = None
        self.cond_scale_miltiplier = 1.0
        self.need_last_noise_uncond = False
        self.last_noise_uncond = None
        self.mask_before_denoising = False

    @property
    def inner_model(self):
        raise NotImplementedError

    def combine_denoised(self, x_out, conds_list, uncond, cond_scale):
        """uncond + sum of weight * scale * (cond - uncond), per image."""
        denoised_uncond = x_out[-uncond.shape[0] :]
        denoised = torch.clone(denoised_uncond)
        for i, conds in enumerate(conds_list):
            for cond_index, weight in conds:
                denoised[i] += (x_out[cond_index] - denoised_uncond[i]) * (weight * cond_scale)
        return denoised

    def get_pred_x0(self, x_in, x_out, sigma):
        """x0 from the model's input and output."""
        return x_out

    def update_inner_model(self):
        """The active model was replaced: wrap the new one and take its conds."""
        self.model_wrap = None
        c, uc = self.p.get_conds()
        self.sampler.sampler_extra_args["cond"] = c
        self.sampler.sampler_extra_args["uncond"] = uc

    def pad_cond_uncond(self, cond, uncond):
        """Fill the shorter one up with empty prompts."""
        empty = shared.sd_model.cond_stage_model_empty_prompt
        missing = (cond.shape[1] - uncond.shape[1]) // empty.shape[1]
        if missing < 0:
            cond = pad_cond(cond, -missing, empty)
        elif missing > 0:
            uncond = pad_cond(uncond, missing, empty)
        self.padded_cond_uncond = self.padded_cond_uncond or missing != 0
        return cond, uncond

    def pad_cond_uncond_v0(self, cond, uncond):
        """Give the uncond the cond's length: repeat its last token, or cut it."""
        tokens = uncond["crossattn"] if isinstance(uncond, dict) else uncond
        missing = cond.shape[1] - tokens.shape[1]
        if missing > 0:
            tokens = torch.hstack([tokens, tokens[:, -1:].repeat(1, missing, 1)])
        elif missing < 0:
            tokens = tokens[:, : cond.shape[1]]
        self.padded_cond_uncond_v0 = self.padded_cond_uncond_v0 or missing != 0
        if not isinstance(uncond, dict):
            return cond, tokens
        uncond["crossattn"] = tokens
        return cond, uncond

    def _blend_mask(self, current_latent, sigma):
        blended = current_latent * self.nmask + self.init_latent * self.mask
        if self.p.scripts is None:
            return blended
        from modules import scripts

        args = scripts.MaskBlendArgs(
            current_latent,
            self.nmask,
            self.init_latent,
            self.mask,
            blended,
            denoiser=self,
            sigma=sigma,
        )
        self.p.scripts.on_mask_blend(self.p, args)
        return args.blended_latent

    def _inputs(self, x, sigma, image_cond, repeats, tensor, uncond):
        """What the callbacks see: rows for every cond of every image, then for every uncond."""
        rows = [
            torch.cat([_repeat_rows(value, repeats), value]) for value in (x, image_cond, sigma)
        ]
        return CFGDenoiserParams(
            *rows, state.sampling_step, state.sampling_steps, tensor, uncond, self
        )

    def _skips_uncond(self, sigma, s_min_uncond) -> bool:
        """Decides whether this call evaluates the cond alone, and notes it in the infotext."""
        params = self.p.extra_generation_params
        if opts.skip_early_cond != 0.0 and self.step / self.total_steps <= opts.skip_early_cond:
            params["Skip Early CFG"] = opts.skip_early_cond
            return True
        eligible = (self.step % 2 or opts.s_min_uncond_all) and s_min_uncond > 0
        if not eligible or sigma[0] >= s_min_uncond:
            return False
        params["NGMS"] = s_min_uncond
        if opts.s_min_uncond_all:
            params["NGMS all steps"] = opts.s_min_uncond_all
        return True

    def _pad(self, tensor, uncond):
        self.padded_cond_uncond = self.padded_cond_uncond_v0 = False
        if tensor.shape[1] == uncond.shape[1]:
            return tensor, uncond
        if opts.pad_cond_uncond_v0:
            return self.pad_cond_uncond_v0(tensor, uncond)
        if opts.pad_cond_uncond:
            return self.pad_cond_uncond(tensor, uncond)
        return tensor, uncond

    def _evaluate(self, x_in, sigma_in, image_cond_in, cond_in, rows_per_call):
        """Model calls over all rows, `rows_per_call` at a time (None: at once)."""
        if rows_per_call is None:
            return self.inner_model(x_in, sigma_in, cond=_condition(cond_in, image_cond_in))
        x_out = torch.zeros_like(x_in)
        for a in range(0, x_out.shape[0], rows_per_call):
            b = min(a + rows_per_call, x_out.shape[0])
            cond = _condition(subscript_cond(cond_in, a, b), image_cond_in[a:b])
            x_out[a:b] = self.inner_model(x_in[a:b], sigma_in[a:b], cond=cond)
        return x_out

    def _evaluate_all(self, params, tensor, uncond, batch_size, skip_uncond):
        """The model's outputs for all rows; conds and unconds of different lengths go apart."""
        x_in, sigma_in, image_cond_in = params.x, params.sigma, params.image_cond
        if skip_uncond or tensor.shape[1] == uncond.shape[1]:
            cond_in = tensor if skip_uncond else catenate_conds([tensor, uncond])
            rows = None if opts.batch_cond_uncond else batch_size
            return self._evaluate(x_in, sigma_in, image_cond_in, cond_in, rows)
        rows = batch_size * 2 if opts.batch_cond_uncond else batch_size
        n, u = tensor.shape[0], uncond.shape[0]
        x_out = torch.zeros_like(x_in)
        x_out[:n] = self._evaluate(x_in[:n], sigma_in[:n], image_cond_in[:n], tensor, rows)
        cond = _condition(uncond, image_cond_in[-u:])
        x_out[-u:] = self.inner_model(x_in[-u:], sigma_in[-u:], cond=cond)
        return x_out

    def _preview(self, x_in, x_out, denoised, uncond, firsts, sigma):
        """Remember x0 of each image's first cond; show what the option asks for."""
        self.sampler.last_latent = self.get_pred_x0(x_in[firsts], x_out[firsts], sigma)
        if opts.live_preview_content == "Prompt":
            preview = self.sampler.last_latent
        elif opts.live_preview_content == "Negative prompt":
            preview = self.get_pred_x0(x_in[-uncond.shape[0] :], x_out[-uncond.shape[0] :], sigma)
        else:
            rows = torch.cat([denoised[i : i + 1] for i in firsts])
            preview = self.get_pred_x0(x_in[firsts], rows, sigma)
        sd_samplers_common.store_latent(preview)

    def forward(self, x, sigma, uncond, cond, cond_scale, s_min_uncond, image_cond):
        if state.interrupted or state.skipped:
            raise sd_samplers_common.InterruptedException
        if sd_samplers_common.apply_refiner(self, sigma):
            cond = self.sampler.sampler_extra_args["cond"]
            uncond = self.sampler.sampler_extra_args["uncond"]
        conds_list, tensor = prompt_parser.reconstruct_multicond_batch(cond, self.step)
        uncond = prompt_parser.reconstruct_cond_batch(uncond, self.step)
        if self.mask_before_denoising and self.mask is not None:
            x = self._blend_mask(x, sigma)
        repeats = [len(conds) for conds in conds_list]
        params = self._inputs(x, sigma, image_cond, repeats, tensor, uncond)
        cfg_denoiser_callback(params)
        skip_uncond = self._skips_uncond(sigma, s_min_uncond)
        if skip_uncond:
            batch_size = len(conds_list)
            params.x, params.sigma = params.x[:-batch_size], params.sigma[:-batch_size]
        tensor, uncond = self._pad(params.text_cond, params.text_uncond)
        x_out = self._evaluate_all(params, tensor, uncond, len(conds_list), skip_uncond)
        firsts = [conds[0][0] for conds in conds_list]
        if skip_uncond:
            x_out = torch.cat([x_out, x_out[firsts]])
        steps = state.sampling_step, state.sampling_steps
        cfg_denoised_callback(CFGDenoisedParams(x_out, *steps, self.inner_model))
        if self.need_last_noise_uncond:
            self.last_noise_uncond = torch.clone(x_out[-uncond.shape[0] :])
        scale = 1.0 if skip_uncond else cond_scale * self.cond_scale_miltiplier
        denoised = self.combine_denoised(x_out, conds_list, uncond, scale)
        if not self.mask_before_denoising and self.mask is not None:
            denoised = self._blend_mask(denoised, sigma)
        self._preview(params.x, x_out, denoised, uncond, firsts, sigma)
        after = AfterCFGCallbackParams(denoised, *steps)
        cfg_after_cfg_callback(after)
        self.step += 1
        return after.x
