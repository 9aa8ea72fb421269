"""Doubles modules/sd_samplers_cfg_denoiser.py: classifier-free guidance around the model, with all its callbacks."""

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


def _repeat_rows(tensor, repeats):
    return torch.repeat_interleave(tensor, torch.tensor(repeats, device=tensor.device), dim=0)


class CFGDenoiser(torch.nn.Module):
    """Called by the samplers once per model evaluation: x0 (or eps, timestep samplers) guided by two prompts."""

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
        raise NotImplementedError()

    def combine_denoised(self, x_out, conds_list, uncond, cond_scale):
        """uncond + sum of weight * scale * (cond - uncond), per image."""
        denoised_uncond = x_out[-uncond.shape[0]:]
        denoised = torch.clone(denoised_uncond)
        for i, conds in enumerate(conds_list):
            for cond_index, weight in conds:
                denoised[i] += (x_out[cond_index] - denoised_uncond[i]) * (weight * cond_scale)
        return denoised

    def combine_denoised_for_edit_model(self, x_out, cond_scale):
        """Guidance of InstructPix2Pix (Brooks et al. 2022), rows in three equal parts."""
        out_cond, out_img_cond, out_uncond = x_out.chunk(3)
        image_term = self.image_cfg_scale * (out_img_cond - out_uncond)
        return out_uncond + cond_scale * (out_cond - out_img_cond) + image_term

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
            tokens = tokens[:, :cond.shape[1]]
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

        args = scripts.MaskBlendArgs(current_latent, self.nmask, self.init_latent, self.mask, blended,
                                     denoiser=self, sigma=sigma)
        self.p.scripts.on_mask_blend(self.p, args)
        return args.blended_latent

    def _rows(self, x, sigma, image_cond, image_uncond, repeats, is_edit_model):
        """x, sigma and image cond for every cond of every image, then for every uncond (and image cond)."""
        unconds = 2 if is_edit_model else 1
        x_in = torch.cat([_repeat_rows(x, repeats)] + [x] * unconds)
        sigma_in = torch.cat([_repeat_rows(sigma, repeats)] + [sigma] * unconds)
        image_rows = [_repeat_rows(image_cond, repeats), image_uncond]
        if is_edit_model:
            image_rows.append(torch.zeros_like(self.init_latent))
        return x_in, sigma_in, torch.cat(image_rows)

    def _skips_uncond(self, sigma, s_min_uncond, is_edit_model) -> bool:
        """Decides whether this call evaluates the cond alone, and notes it in the infotext."""
        params = self.p.extra_generation_params
        if opts.skip_early_cond != 0.0 and self.step / self.total_steps <= opts.skip_early_cond:
            params["Skip Early CFG"] = opts.skip_early_cond
            return True
        eligible = (self.step % 2 or opts.s_min_uncond_all) and s_min_uncond > 0
        if not eligible or sigma[0] >= s_min_uncond or is_edit_model:
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

    def _evaluate(self, x_in, sigma_in, image_cond_in, cond_in, rows_per_call, condition):
        """Model calls over all rows, `rows_per_call` at a time (None: at once)."""
        if rows_per_call is None:
            return self.inner_model(x_in, sigma_in, cond=condition(cond_in, image_cond_in))
        x_out = torch.zeros_like(x_in)
        for a in range(0, x_out.shape[0], rows_per_call):
            b = min(a + rows_per_call, x_out.shape[0])
            x_out[a:b] = self.inner_model(x_in[a:b], sigma_in[a:b],
                                          cond=condition(subscript_cond(cond_in, a, b), image_cond_in[a:b]))
        return x_out

    def _evaluate_apart(self, x_in, sigma_in, image_cond_in, tensor, uncond, batch_size, condition):
        """Conds and unconds of different lengths in different calls."""
        n, rows = tensor.shape[0], batch_size * 2 if opts.batch_cond_uncond else batch_size
        out_cond = self._evaluate(x_in[:n], sigma_in[:n], image_cond_in[:n], tensor, rows, condition)
        u = uncond.shape[0]
        out_uncond = self.inner_model(x_in[-u:], sigma_in[-u:], cond=condition(uncond, image_cond_in[-u:]))
        x_out = torch.zeros_like(x_in)
        x_out[:n], x_out[-u:] = out_cond, out_uncond
        return x_out

    def _preview(self, x_in, x_out, denoised, uncond, firsts, sigma):
        """Remember x0 of each image's first cond; show what the option asks for."""
        self.sampler.last_latent = self.get_pred_x0(x_in[firsts], x_out[firsts], sigma)
        if opts.live_preview_content == "Prompt":
            preview = self.sampler.last_latent
        elif opts.live_preview_content == "Negative prompt":
            preview = self.get_pred_x0(x_in[-uncond.shape[0]:], x_out[-uncond.shape[0]:], sigma)
        else:
            rows = torch.cat([denoised[i:i + 1] for i in firsts])
            preview = self.get_pred_x0(x_in[firsts], rows, sigma)
        sd_samplers_common.store_latent(preview)

    def forward(self, x, sigma, uncond, cond, cond_scale, s_min_uncond, image_cond):
        if state.interrupted or state.skipped:
            raise sd_samplers_common.InterruptedException
        if sd_samplers_common.apply_refiner(self, sigma):
            cond = self.sampler.sampler_extra_args["cond"]
            uncond = self.sampler.sampler_extra_args["uncond"]
        is_edit_model = shared.sd_model.cond_stage_key == "edit" and self.image_cfg_scale not in (None, 1.0)
        conds_list, tensor = prompt_parser.reconstruct_multicond_batch(cond, self.step)
        uncond = prompt_parser.reconstruct_cond_batch(uncond, self.step)
        assert not is_edit_model or all(len(conds) == 1 for conds in conds_list), "AND needs image CFG scale 1"
        if self.mask_before_denoising and self.mask is not None:
            x = self._blend_mask(x, sigma)
        batch_size = len(conds_list)
        image_uncond, condition = self._condition_maker(image_cond, uncond)
        rows = self._rows(x, sigma, image_cond, image_uncond, [len(conds) for conds in conds_list], is_edit_model)
        params = CFGDenoiserParams(rows[0], rows[2], rows[1], state.sampling_step, state.sampling_steps, tensor,
                                   uncond, self)
        cfg_denoiser_callback(params)
        x_in, image_cond_in, sigma_in = params.x, params.image_cond, params.sigma
        skip_uncond = self._skips_uncond(sigma, s_min_uncond, is_edit_model)
        if skip_uncond:
            x_in, sigma_in = x_in[:-batch_size], sigma_in[:-batch_size]
        tensor, uncond = self._pad(params.text_cond, params.text_uncond)
        if tensor.shape[1] == uncond.shape[1] or skip_uncond:
            parts = [tensor] if skip_uncond else [tensor, uncond, uncond] if is_edit_model else [tensor, uncond]
            cond_in = tensor if skip_uncond else catenate_conds(parts)
            rows_per_call = None if opts.batch_cond_uncond else batch_size
            x_out = self._evaluate(x_in, sigma_in, image_cond_in, cond_in, rows_per_call, condition)
        else:
            x_out = self._evaluate_apart(x_in, sigma_in, image_cond_in, tensor, uncond, batch_size, condition)
        firsts = [conds[0][0] for conds in conds_list]
        if skip_uncond:
            x_out = torch.cat([x_out, x_out[firsts]])
        cfg_denoised_callback(CFGDenoisedParams(x_out, state.sampling_step, state.sampling_steps, self.inner_model))
        if self.need_last_noise_uncond:
            self.last_noise_uncond = torch.clone(x_out[-uncond.shape[0]:])
        scale = cond_scale * self.cond_scale_miltiplier
        if is_edit_model:
            denoised = self.combine_denoised_for_edit_model(x_out, scale)
        else:
            denoised = self.combine_denoised(x_out, conds_list, uncond, 1.0 if skip_uncond else scale)
        if not self.mask_before_denoising and self.mask is not None:
            denoised = self._blend_mask(denoised, sigma)
        self._preview(x_in, x_out, denoised, uncond, firsts, sigma)
        after = AfterCFGCallbackParams(denoised, state.sampling_step, state.sampling_steps)
        cfg_after_cfg_callback(after)
        self.step += 1
        return after.x

    @staticmethod
    def _condition_maker(image_cond, uncond):
        """(image cond of the uncond rows, function (text cond, image cond) -> the model's cond argument)."""
        if shared.sd_model.model.conditioning_key == "crossattn-adm":
            return torch.zeros_like(image_cond), lambda text, adm: {"c_crossattn": [text], "c_adm": adm}
        if isinstance(uncond, dict):
            return image_cond, lambda text, image: {**text, "c_concat": [image]}
        return image_cond, lambda text, image: {"c_crossattn": [text], "c_concat": [image]}
