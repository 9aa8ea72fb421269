"""Prompts of all images and their conds, a part of StableDiffusionProcessing."""

from __future__ import annotations

from modules import devices, extra_networks, prompt_parser, sd_samplers, shared
from modules.shared import opts


class PromptsAndConds:
    """Prompts per image, conds per batch, and the cache of one slot that all requests share."""

    def setup_prompts(self):
        """One prompt and negative prompt per image."""
        if isinstance(self.prompt, list):
            self.all_prompts = list(self.prompt)
        elif isinstance(self.negative_prompt, list):
            self.all_prompts = [self.prompt] * len(self.negative_prompt)
        else:
            self.all_prompts = self.batch_size * self.n_iter * [self.prompt]
        negative = self.negative_prompt
        self.all_negative_prompts = (
            list(negative) if isinstance(negative, list) else [negative] * len(self.all_prompts)
        )
        counts = len(self.all_prompts), len(self.all_negative_prompts)
        if counts[0] != counts[1]:
            raise RuntimeError(
                f"Received a different number of prompts ({counts[0]}) and negative prompts"
                f" ({counts[1]})"
            )
        self.all_prompts, self.all_negative_prompts = self.in_styles(
            self.all_prompts, self.all_negative_prompts
        )
        self.main_prompt = self.all_prompts[0]
        self.main_negative_prompt = self.all_negative_prompts[0]

    def in_styles(self, prompts, negative_prompts):
        """Each prompt and negative prompt in the texts of the webui's own styles that are chosen."""
        known = shared.prompt_styles
        return (
            [known.apply_styles_to_prompt(prompt, self.styles) for prompt in prompts],
            [
                known.apply_negative_styles_to_prompt(prompt, self.styles)
                for prompt in negative_prompts
            ],
        )

    def cached_params(
        self,
        required_prompts,
        steps,
        extra_network_data,
        hires_steps=None,
        use_old_scheduling=False,
    ):
        """The key of the conds cache.

        What is not in it (aesthetic scores, hires size) is shared by mistake.
        """
        return (
            required_prompts,
            steps,
            hires_steps,
            use_old_scheduling,
            opts.CLIP_stop_at_last_layers,
            shared.sd_model.sd_checkpoint_info,
            extra_network_data,
            opts.sdxl_crop_left,
            opts.sdxl_crop_top,
            self.width,
            self.height,
            opts.fp8_storage,
            opts.cache_fp16_weight,
            opts.emphasis,
        )

    def get_conds_with_caching(
        self, function, required_prompts, steps, caches, extra_network_data, hires_steps=None
    ):
        """function(model, prompts, steps, ...), or its last result if a cache [key, value] holds it."""
        old_scheduling = opts.use_old_scheduling
        if old_scheduling:
            schedule = prompt_parser.get_learned_conditioning_prompt_schedules
            old, new = (
                schedule(required_prompts, steps, hires_steps, flag) for flag in (False, True)
            )
            if old != new:
                self.extra_generation_params["Old prompt editing timelines"] = True
        key = self.cached_params(
            required_prompts, steps, extra_network_data, hires_steps, old_scheduling
        )
        for cache in caches:
            if cache[0] is not None and key == cache[0]:
                return cache[1]
        cache = caches[0]
        with devices.autocast():
            cache[1] = function(
                shared.sd_model, required_prompts, steps, hires_steps, old_scheduling
            )
        cache[0] = key
        return cache[1]

    def setup_conds(self):
        """Encode the batch's prompts with the active model."""
        size = {"width": self.width, "height": self.height}
        prompts = prompt_parser.SdConditioning(self.prompts, **size)
        negative_prompts = prompt_parser.SdConditioning(
            self.negative_prompts, **size, is_negative_prompt=True
        )
        config = sd_samplers.find_sampler_config(self.sampler_name)
        total_steps = config.total_steps(self.steps) if config else self.steps
        self.step_multiplier = total_steps // self.steps
        self.firstpass_steps = total_steps
        self.uc = self.get_conds_with_caching(
            prompt_parser.get_learned_conditioning,
            negative_prompts,
            total_steps,
            [self.cached_uc],
            self.extra_network_data,
        )
        self.c = self.get_conds_with_caching(
            prompt_parser.get_multicond_learned_conditioning,
            prompts,
            total_steps,
            [self.cached_c],
            self.extra_network_data,
        )

    def get_conds(self):
        """(conds, unconds) of the running pass."""
        return self.c, self.uc

    def parse_extra_network_prompts(self):
        """Take the <name:...> tags out of the batch's prompts."""
        self.prompts, self.extra_network_data = extra_networks.parse_prompts(self.prompts)
