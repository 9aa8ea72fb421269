"""Doubles modules/shared_options.py: the host's settings that its engine, its page or this extension read."""

from __future__ import annotations

import os

import gradio as gr

from modules import shared_items
from modules.options import OptionInfo, options_section
from modules.paths_internal import data_path, default_output_dir

restricted_opts = {
    "samples_filename_pattern",
    "directories_filename_pattern",
    "outdir_samples",
    "outdir_txt2img_samples",
    "outdir_img2img_samples",
    "outdir_extras_samples",
    "outdir_grids",
    "outdir_txt2img_grids",
    "outdir_save",
    "outdir_init_images",
}
options_templates: dict[str, OptionInfo] = {}


def _section(identifier, options: dict) -> None:
    infos = {
        key: value if isinstance(value, OptionInfo) else OptionInfo(*value)
        for key, value in options.items()
    }
    options_templates.update(options_section(identifier, infos))


def _slider(default, label, low, high, step, **kwargs) -> OptionInfo:
    return OptionInfo(
        default, label, gr.Slider, {"minimum": low, "maximum": high, "step": step}, **kwargs
    )


def _radio(default, label, choices, **kwargs) -> OptionInfo:
    return OptionInfo(default, label, gr.Radio, {"choices": choices}, **kwargs)


def _out(name: str) -> str:
    return os.path.join(default_output_dir, name)


_section(
    ("saving-images", "Saving images/grids", "saving"),
    {
        "samples_save": (True, "Always save all generated images"),
        "samples_format": ("png", "File format for images"),
        "grid_save": (True, "Always save all generated image grids"),
        "grid_format": ("png", "File format for grids"),
        "grid_extended_filename": (
            False,
            "Add extended info (seed, prompt) to filename when saving grid",
        ),
        "grid_only_if_multiple": (True, "Do not save grids consisting of one picture"),
        "grid_prevent_empty_spots": (False, "Prevent empty spots in grid (when set to autodetect)"),
        "n_rows": (
            -1,
            "Grid row count; use -1 for autodetect and 0 for it to be same as batch size",
        ),
        "font": ("", "Font for image grids that have text"),
        "grid_background_color": ("#ffffff", "Background color for image grids"),
        "save_images_before_face_restoration": (
            False,
            "Save a copy of image before doing face restoration.",
        ),
        "save_images_before_highres_fix": (
            False,
            "Save a copy of image before applying highres fix.",
        ),
        "save_images_before_color_correction": (
            False,
            "Save a copy of image before applying color correction",
        ),
        "save_mask": (False, "For inpainting, save a copy of the greyscale mask"),
        "save_mask_composite": (False, "For inpainting, save a masked composite"),
        "jpeg_quality": _slider(80, "Quality for saved jpeg and avif images", 1, 100, 1),
        "webp_lossless": (False, "Use lossless compression for webp images"),
        "save_selected_only": (True, "When using 'Save' button, only save a single selected image"),
        "save_init_img": (False, "Save init images when using img2img"),
        "save_incomplete_images": (False, "Save incomplete images"),
        "temp_dir": ("", "Directory for temporary images; leave empty for default"),
        "save_to_dirs": (True, "Save images to a subdirectory"),
        "grid_save_to_dirs": (True, "Save grids to a subdirectory"),
        "use_save_to_dirs_for_ui": (
            False,
            'When using "Save" button, save images to a subdirectory',
        ),
    },
)
_section(
    ("saving-paths", "Paths for saving", "saving"),
    {
        "outdir_samples": ("", "Output directory for images"),
        "outdir_txt2img_samples": (_out("txt2img-images"), "Output directory for txt2img images"),
        "outdir_img2img_samples": (_out("img2img-images"), "Output directory for img2img images"),
        "outdir_grids": ("", "Output directory for grids"),
        "outdir_txt2img_grids": (_out("txt2img-grids"), "Output directory for txt2img grids"),
        "outdir_img2img_grids": (_out("img2img-grids"), "Output directory for img2img grids"),
        "outdir_save": (os.path.join(data_path, "log", "images"), "Directory for the Save button"),
        "outdir_init_images": (_out("init-images"), "Output directory for init images"),
    },
)
_section(
    ("system", "System", "system"),
    {
        "multiple_tqdm": (True, "Add a second progress bar to the console"),
    },
)
_section(
    ("sd", "Stable Diffusion", "sd"),
    {
        "sd_model_checkpoint": OptionInfo(
            None,
            "Stable Diffusion checkpoint",
            gr.Dropdown,
            lambda: {"choices": shared_items.list_checkpoint_tiles()},
            refresh=shared_items.refresh_checkpoints,
            infotext="Model hash",
        ),
        "sd_checkpoints_limit": _slider(
            1, "Maximum number of checkpoints loaded at the same time", 1, 10, 1
        ),
        "sd_checkpoints_keep_in_cpu": (True, "Only keep one model on device"),
        "sd_unet": ("Automatic", "SD Unet"),
        "enable_quantization": (
            False,
            "Enable quantization in K samplers for sharper and cleaner results.",
        ),
        "emphasis": _radio(
            "Original",
            "Emphasis mode",
            ["None", "Ignore", "Original", "No norm"],
            infotext="Emphasis",
        ),
        "comma_padding_backtrack": _slider(20, "Prompt word wrap length limit", 0, 74, 1),
        "enable_prompt_comments": (True, "Enable comments"),
        "sdxl_clip_l_skip": (False, "Clip skip SDXL"),
        "CLIP_stop_at_last_layers": _slider(1, "Clip skip", 1, 12, 1, infotext="Clip skip"),
        "randn_source": _radio(
            "GPU", "Random number generator source.", ["GPU", "CPU"], infotext="RNG"
        ),
        "tiling": OptionInfo(False, "Tiling", infotext="Tiling"),
        "hires_fix_refiner_pass": _radio(
            "second pass",
            "Hires fix: which pass to enable refiner for",
            ["first pass", "second pass", "both passes"],
            infotext="Hires refiner",
        ),
        "sdxl_crop_top": (0, "crop top coordinate"),
        "sdxl_crop_left": (0, "crop left coordinate"),
        "sdxl_refiner_low_aesthetic_score": (2.5, "SDXL low aesthetic score", gr.Number),
        "sdxl_refiner_high_aesthetic_score": (6.0, "SDXL high aesthetic score", gr.Number),
        "sd_vae": OptionInfo(
            "Automatic", "SD VAE", gr.Dropdown, {"choices": ["Automatic", "None"]}, infotext="VAE"
        ),
        "auto_vae_precision": (True, "Automatically revert VAE to 32-bit floats"),
        "sd_vae_encode_method": _radio(
            "Full", "VAE type for encode", ["Full"], infotext="VAE Encoder"
        ),
        "sd_vae_decode_method": _radio(
            "Full", "VAE type for decode", ["Full"], infotext="VAE Decoder"
        ),
        "inpainting_mask_weight": _slider(
            1.0,
            "Inpainting conditioning mask strength",
            0,
            1,
            0.01,
            infotext="Conditional mask weight",
        ),
        "initial_noise_multiplier": _slider(
            1.0, "Noise multiplier for img2img", 0, 1.5, 0.001, infotext="Noise multiplier"
        ),
        "img2img_extra_noise": _slider(
            0.0,
            "Extra noise multiplier for img2img and hires fix",
            0,
            1,
            0.01,
            infotext="Extra noise",
        ),
        "img2img_color_correction": (False, "Apply color correction to img2img results"),
        "img2img_fix_steps": (
            False,
            "With img2img, do exactly the amount of steps the slider specifies.",
        ),
        "img2img_background_color": (
            "#ffffff",
            "With img2img, fill transparent parts with this color.",
        ),
        "return_mask": (False, "For inpainting, include the greyscale mask in results for web"),
        "return_mask_composite": (
            False,
            "For inpainting, include masked composite in results for web",
        ),
        "overlay_inpaint": (True, "Overlay original for inpaint"),
        "face_restoration": OptionInfo(False, "Restore faces", infotext="Face restoration"),
        "face_restoration_model": ("CodeFormer", "Face restoration model"),
        "upscaler_for_img2img": (None, "Upscaler for img2img"),
    },
)
