"""The Script class and the argument objects of its hooks.

Modules/scripts.py re-exports them, as in the host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

AlwaysVisible = object()


class MaskBlendArgs:
    """A masked blend; `blended_latent` may be replaced. The final blend has no denoiser."""

    def __init__(
        self, current_latent, nmask, init_latent, mask, blended_latent, denoiser=None, sigma=None
    ):
        self.current_latent = current_latent
        self.nmask = nmask
        self.init_latent = init_latent
        self.mask = mask
        self.blended_latent = blended_latent
        self.denoiser = denoiser
        self.is_final_blend = denoiser is None
        self.sigma = sigma


class PostSampleArgs:
    """The sampled latents, or a DecodedSamples list after hires fix."""

    def __init__(self, samples):
        self.samples = samples


class PostprocessImageArgs:
    """One finished PIL image."""

    def __init__(self, image):
        self.image = image


class PostProcessMaskOverlayArgs:
    """Inpainting's mask and overlay of one image."""

    def __init__(self, index, mask_for_overlay, overlay_image):
        self.index = index
        self.mask_for_overlay = mask_for_overlay
        self.overlay_image = overlay_image


class PostprocessBatchListArgs:
    """The images of a batch as a list of [C,H,W] tensors in 0..1."""

    def __init__(self, images):
        self.images = images


@dataclass
class OnComponent:
    """A component of the page that was or will be made."""

    component: Any


class Script:
    """Base class of extensions' scripts. Every hook does nothing unless overridden."""

    name = None
    section = None
    filename = None
    args_from = None
    args_to = None
    alwayson = False
    is_txt2img = False
    is_img2img = False
    tabname = None
    group = None
    create_group = True
    infotext_fields = None
    paste_field_names = None
    api_info = None
    on_before_component_elem_id = None
    on_after_component_elem_id = None
    setup_for_ui_only = False
    controls = None

    def title(self):
        """The name shown to the user; its lower case is the API's name."""
        raise NotImplementedError

    def ui(self, is_img2img):
        """Make the components inside the current gradio block and return those whose values the hooks get."""

    def show(self, is_img2img):
        """False: not on this tab; True: in the scripts dropdown; AlwaysVisible: always on."""
        return True

    def run(self, p, *args):
        """Selected in the dropdown: do all the work and return a Processed."""

    def setup(self, p, *args):
        """p.scripts and p.script_args have been set."""

    def before_process(self, p, *args):
        """First thing in process_images."""

    def process(self, p, *args):
        """Prompts and seeds are known."""

    def before_process_batch(self, p, *args, **kwargs):
        """Before extra networks are parsed; kwargs: batch_number, prompts, seeds, subseeds."""

    def after_extra_networks_activate(self, p, *args, **kwargs):
        """Extra networks are active; kwargs as above and extra_network_data."""

    def process_before_every_sampling(self, p, *args, **kwargs):
        """Before each sampling pass; kwargs: x, noise, c, uc."""

    def process_batch(self, p, *args, **kwargs):
        """Before conds are computed; kwargs as in before_process_batch."""

    def postprocess_batch(self, p, *args, **kwargs):
        """After decoding; kwargs: images [B,C,H,W] in 0..1, batch_number."""

    def postprocess_batch_list(self, p, pp: PostprocessBatchListArgs, *args, **kwargs):
        """The same with a list that may be changed; kwargs: batch_number."""

    def on_mask_blend(self, p, mba: MaskBlendArgs, *args):
        """Inpainting blends original and new content."""

    def post_sample(self, p, ps: PostSampleArgs, *args):
        """Sampling is done, decoding is not."""

    def postprocess_image(self, p, pp: PostprocessImageArgs, *args):
        """For each image."""

    def postprocess_maskoverlay(self, p, ppmo: PostProcessMaskOverlayArgs, *args):
        """For each image, before the overlay is pasted."""

    def postprocess_image_after_composite(self, p, pp: PostprocessImageArgs, *args):
        """For each image, after the overlay was pasted."""

    def postprocess(self, p, processed, *args):
        """Last thing in process_images; not called if it failed."""

    def before_component(self, component, **kwargs):
        """Before every component of the page."""

    def after_component(self, component, **kwargs):
        """After every component of the page."""

    def on_before_component(self, callback, *, elem_id):
        """Ask for callback(OnComponent) before the component with this id is made."""
        self.on_before_component_elem_id = [
            *(self.on_before_component_elem_id or []),
            (elem_id, callback),
        ]

    def on_after_component(self, callback, *, elem_id):
        """Ask for callback(OnComponent) after the component with this id was made."""
        self.on_after_component_elem_id = [
            *(self.on_after_component_elem_id or []),
            (elem_id, callback),
        ]

    def _tab_prefix(self) -> str:
        if self.show(True) != self.show(False):
            return ""
        return "img2img_" if self.is_img2img else "txt2img_"

    def elem_id(self, item_id):
        """script_[tab_]{title}_{item_id}, the tab named if the script is on both tabs."""
        title = re.sub(r"[^a-z_0-9]", "", re.sub(r"\s", "_", self.title().lower()))
        return f"script_{self._tab_prefix()}{title}_{item_id}"

    def before_hr(self, p, *args):
        """Before the second pass of hires fix."""


class ScriptBuiltinUI(Script):
    """A part of the host's page that is written as a script."""

    setup_for_ui_only = True

    def elem_id(self, item_id):
        """[tab_]{item_id}."""
        return f"{self._tab_prefix()}{item_id}"

    def show(self, is_img2img):
        """Always."""
        return AlwaysVisible
