"""From decoded pictures to the request's results: scripts, overlays, saving, infotexts, grid."""

from __future__ import annotations

from PIL import Image

from modules import images, scripts
from modules.processing_images import apply_color_correction, apply_overlay, tensor_to_image
from modules.processing_result import create_infotext
from modules.shared import opts


class Output:
    """Collects a request's pictures and their infotexts."""

    def __init__(self, p):
        self.p = p
        self.images: list = []
        self.infotexts: list[str] = []
        self.index_of_first_image = 0

    def infotext(self, index=0, use_main_prompt=False):
        p = self.p
        return create_infotext(
            p,
            p.prompts,
            p.seeds,
            p.subseeds,
            use_main_prompt=use_main_prompt,
            index=index,
            all_negative_prompts=p.negative_prompts,
        )

    def save(self, image, index, suffix="") -> None:
        p = self.p
        images.save_image(
            image,
            p.outpath_samples,
            "",
            p.seeds[index],
            p.prompts[index],
            opts.samples_format,
            info=self.infotext(index),
            p=p,
            suffix=suffix,
        )

    def add(self, image, index) -> None:
        text = self.infotext(index)
        self.infotexts.append(text)
        if opts.enable_pnginfo:
            image.info["parameters"] = text
        self.images.append(image)

    def add_grid(self) -> None:
        p = self.p
        if p.do_not_save_grid or not (opts.return_grid or opts.grid_save):
            return
        if len(self.images) < 2 and opts.grid_only_if_multiple:
            return
        grid = images.image_grid(self.images, p.batch_size)
        if opts.return_grid:
            text = self.infotext(use_main_prompt=True)
            self.infotexts.insert(0, text)
            if opts.enable_pnginfo:
                grid.info["parameters"] = text
            self.images.insert(0, grid)
            self.index_of_first_image = 1
        if opts.grid_save:
            images.save_image(
                grid,
                p.outpath_grids,
                "grid",
                p.all_seeds[0],
                p.all_prompts[0],
                opts.grid_format,
                info=self.infotext(use_main_prompt=True),
                short_filename=not opts.grid_extended_filename,
                p=p,
                grid=True,
            )


def _overlay_of(p, i):
    """(mask, overlay) of image `i`, as the scripts want them."""
    mask = getattr(p, "mask_for_overlay", None)
    overlays = getattr(p, "overlay_images", None)
    overlay = (
        overlays[i] if opts.overlay_inpaint and overlays is not None and i < len(overlays) else None
    )
    if p.scripts is None:
        return mask, overlay
    params = scripts.PostProcessMaskOverlayArgs(i, mask, overlay)
    p.scripts.postprocess_maskoverlay(p, params)
    return params.mask_for_overlay, params.overlay_image


def _through_script(p, hook, image):
    if p.scripts is None:
        return image
    params = scripts.PostprocessImageArgs(image)
    getattr(p.scripts, hook)(p, params)
    return params.image


def finish_image(p, i, x, output: Output, save) -> None:
    """One picture: scripts, colour correction, overlay, saving, infotext, masks."""
    p.batch_index = i
    image = _through_script(p, "postprocess_image", tensor_to_image(x))
    mask, overlay = _overlay_of(p, i)
    if p.color_corrections is not None and i < len(p.color_corrections):
        if save and opts.save_images_before_color_correction:
            output.save(apply_overlay(image, p.paste_to, overlay)[0], i, "-before-color-correction")
        image = apply_color_correction(p.color_corrections[i], image)
    image, original = apply_overlay(image, p.paste_to, overlay)
    image = _through_script(p, "postprocess_image_after_composite", image)
    if save:
        output.save(image, i)
    output.add(image, i)
    if mask is not None:
        _add_masks(i, image, original, mask, output, save)


def _add_masks(i, image, original, mask, output: Output, save) -> None:
    if opts.return_mask or opts.save_mask:
        shown = mask.convert("RGB")
        if save and opts.save_mask:
            output.save(shown, i, "-mask")
        if opts.return_mask:
            output.images.append(shown)
    if opts.return_mask_composite or opts.save_mask_composite:
        fitted = images.resize_image(2, mask, image.width, image.height).convert("L")
        inside = original.convert("RGBA").convert("RGBa")
        composite = Image.composite(inside, Image.new("RGBa", image.size), fitted).convert("RGBA")
        if save and opts.save_mask_composite:
            output.save(composite, i, "-mask-composite")
        if opts.return_mask_composite:
            output.images.append(composite)
