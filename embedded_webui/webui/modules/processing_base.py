"""StableDiffusionProcessing, the request object `p`; modules/processing.py re-exports it, as in the host."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from PIL.Image import Image

from modules import devices, shared
from modules.processing_conds import PromptsAndConds
from modules.processing_images import inpainting_image_conditioning, txt2img_image_conditioning
from modules.shared import opts, state

FROM_OPTIONS = ("s_min_uncond", "s_churn", "s_tmin", "s_tmax", "s_noise")


@dataclass(repr=False)
class StableDiffusionProcessing(PromptsAndConds):
    """One request. Fields without init are filled while it runs; see `process_images`."""

    sd_model: object = None
    outpath_samples: str = None
    outpath_grids: str = None
    prompt: str = ""
    prompt_for_display: str = None
    negative_prompt: str = ""
    styles: list[str] = None
    seed: int = -1
    subseed: int = -1
    subseed_strength: float = 0
    seed_resize_from_h: int = -1
    seed_resize_from_w: int = -1
    seed_enable_extras: bool = True
    sampler_name: str = None
    scheduler: str = None
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 50
    cfg_scale: float = 7.0
    width: int = 512
    height: int = 512
    restore_faces: bool = None
    tiling: bool = None
    do_not_save_samples: bool = False
    do_not_save_grid: bool = False
    extra_generation_params: dict[str, Any] = None
    overlay_images: list = None
    eta: float = None
    do_not_reload_embeddings: bool = False
    denoising_strength: float = None
    ddim_discretize: str = None
    s_min_uncond: float = None
    s_churn: float = None
    s_tmax: float = None
    s_tmin: float = None
    s_noise: float = None
    override_settings: dict[str, Any] = None
    override_settings_restore_afterwards: bool = True
    sampler_index: int = None
    refiner_checkpoint: str = None
    refiner_switch_at: float = None
    token_merging_ratio = 0
    token_merging_ratio_hr = 0
    disable_extra_networks: bool = False
    firstpass_image: Image = None

    scripts_value: Any = field(default=None, init=False)
    script_args_value: list = field(default=None, init=False)
    scripts_setup_complete: bool = field(default=False, init=False)

    cached_uc = [None, None]  # noqa: RUF012 - shared by all requests, as in the host
    cached_c = [None, None]  # noqa: RUF012

    comments: dict = None
    sampler: Any = field(default=None, init=False)
    is_using_inpainting_conditioning: bool = field(default=False, init=False)
    paste_to: tuple | None = field(default=None, init=False)
    is_hr_pass: bool = field(default=False, init=False)
    c: tuple = field(default=None, init=False)
    uc: tuple = field(default=None, init=False)
    rng: Any = field(default=None, init=False)
    step_multiplier: int = field(default=1, init=False)
    color_corrections: list = field(default=None, init=False)
    all_prompts: list = field(default=None, init=False)
    all_negative_prompts: list = field(default=None, init=False)
    all_seeds: list = field(default=None, init=False)
    all_subseeds: list = field(default=None, init=False)
    iteration: int = field(default=0, init=False)
    main_prompt: str = field(default=None, init=False)
    main_negative_prompt: str = field(default=None, init=False)
    prompts: list = field(default=None, init=False)
    negative_prompts: list = field(default=None, init=False)
    seeds: list = field(default=None, init=False)
    subseeds: list = field(default=None, init=False)
    extra_network_data: dict = field(default=None, init=False)
    user: str = field(default=None, init=False)
    sd_model_name: str = field(default=None, init=False)
    sd_model_hash: str = field(default=None, init=False)
    sd_vae_name: str = field(default=None, init=False)
    sd_vae_hash: str = field(default=None, init=False)
    is_api: bool = field(default=False, init=False)

    def __post_init__(self):
        self.comments = {}
        self.styles = [] if self.styles is None else self.styles
        self.sampler_noise_scheduler_override = None
        self.extra_generation_params = self.extra_generation_params or {}
        self.override_settings = self.override_settings or {}
        self.script_args = self.script_args or {}
        self.refiner_checkpoint_info = None
        if not self.seed_enable_extras:
            self.subseed = -1
            self.subseed_strength = self.seed_resize_from_h = self.seed_resize_from_w = 0
        self.cached_uc = StableDiffusionProcessing.cached_uc
        self.cached_c = StableDiffusionProcessing.cached_c

    def fill_fields_from_opts(self):
        """Values that the request leaves open come from the settings; s_tmax 0 means no limit."""
        for name in FROM_OPTIONS:
            if getattr(self, name) is None:
                setattr(self, name, getattr(opts, name))
        self.s_tmax = self.s_tmax or float("inf")

    @property
    def sd_model(self):  # noqa: F811 - the field exists for the constructor, as in the host
        return shared.sd_model

    @sd_model.setter
    def sd_model(self, value):
        pass

    @property
    def scripts(self):
        return self.scripts_value

    @scripts.setter
    def scripts(self, value):
        self.scripts_value = value
        self._setup_scripts_once()

    @property
    def script_args(self):
        return self.script_args_value

    @script_args.setter
    def script_args(self, value):
        self.script_args_value = value
        self._setup_scripts_once()

    def _setup_scripts_once(self) -> None:
        if self.scripts_value and self.script_args_value and not self.scripts_setup_complete:
            self.setup_scripts()

    def setup_scripts(self):
        """Call the scripts' setup hook; happens by itself when scripts and arguments are both set."""
        self.scripts_setup_complete = True
        self.scripts.setup_scrips(self, is_ui=not self.is_api)

    def comment(self, text):
        """A remark for the user, shown under the picture; each text once."""
        self.comments[text] = 1

    def txt2img_image_conditioning(self, x, width=None, height=None):
        """The image cond of a picture made from text."""
        self.is_using_inpainting_conditioning = self.sd_model.model.conditioning_key in {
            "hybrid",
            "concat",
        }
        return txt2img_image_conditioning(
            self.sd_model, x, width or self.width, height or self.height
        )

    def img2img_image_conditioning(
        self, source_image, latent_image, image_mask=None, round_image_mask=True
    ):
        """The image cond of a picture made from a picture: unused by ordinary models."""
        if self.sampler.conditioning_key in {"hybrid", "concat"}:
            return inpainting_image_conditioning(
                self,
                devices.cond_cast_float(source_image),
                latent_image,
                image_mask,
                round_image_mask,
            )
        return latent_image.new_zeros(latent_image.shape[0], 5, 1, 1)

    def init(self, all_prompts, all_seeds, all_subseeds):
        """Once per request, after the scripts' `process`."""

    def sample(
        self, conditioning, unconditional_conditioning, seeds, subseeds, subseed_strength, prompts
    ):
        """Latents of one batch."""
        raise NotImplementedError

    def close(self):
        """The request is over."""
        self.sampler = None
        self.c = None
        self.uc = None
        if not opts.persistent_cond_cache:
            StableDiffusionProcessing.cached_c = [None, None]
            StableDiffusionProcessing.cached_uc = [None, None]

    def get_token_merging_ratio(self, for_hr=False):
        """Noted in the infotext only."""
        normal = self.token_merging_ratio or opts.token_merging_ratio
        return (
            (self.token_merging_ratio_hr or opts.token_merging_ratio_hr or normal)
            if for_hr
            else normal
        )

    def save_samples(self) -> bool:
        """True if pictures are to be written to disk."""
        complete = not state.interrupted and not state.skipped
        return (
            opts.samples_save
            and not self.do_not_save_samples
            and (opts.save_incomplete_images or complete)
        )
