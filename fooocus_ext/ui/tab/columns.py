"""The Fooocus tab's "Advanced" column: Setting, Style, Models and Advanced."""

from __future__ import annotations

from typing import Any

import gradio as gr

from fooocus_ext.args import FIELDS_BY_NAME, REFINER_METHODS
from fooocus_ext.presets.performance import PERFORMANCES
from fooocus_ext.tab.choices import FORMATS, LORA_SLOTS, MAX_IMAGES, SIZE_LABELS
from fooocus_ext.ui.tab.services import TabServices


def build_columns(widgets: dict[str, Any], parts: dict[str, Any], services: TabServices) -> None:
    """Build the tabs of the column; adds the components to ``widgets`` and ``parts`` by name."""
    with gr.Tabs(elem_id="fooocus_tabs"):
        with gr.Tab("Setting", elem_id="fooocus_tab_setting"):
            _build_setting(widgets, parts, services)
        with gr.Tab("Style", elem_id="fooocus_tab_style"):
            _build_styles(widgets, parts, services)
        with gr.Tab("Models", elem_id="fooocus_tab_models"):
            _build_models(widgets, parts, services)
        with gr.Tab("Advanced", elem_id="fooocus_tab_advanced"):
            _build_advanced(widgets, services)


def _dropdown(name: str, label: str, services: TabServices, list_name: str = "") -> Any:
    choices = list(services.choices[list_name or name]())
    value = services.values[name]
    return gr.Dropdown(choices=choices, value=value, label=label, elem_id=f"fooocus_{name}")


def _slider(name: str, services: TabServices, label: str = "", **limits: Any) -> Any:
    known = FIELDS_BY_NAME.get(name)
    if known is not None:
        limits = {"minimum": known.minimum, "maximum": known.maximum, "step": known.step, **limits}
    slider = gr.Slider(
        value=services.values[name],
        label=label or (known.label if known else name),
        elem_id=f"fooocus_{name}",
        **limits,
    )
    slider.webui_tooltip = known.help if known else None
    return slider


def _build_setting(widgets: dict[str, Any], parts: dict[str, Any], services: TabServices) -> None:
    values = services.values
    parts["preset"] = gr.Dropdown(
        choices=list(services.choices["preset"]()),
        value=values["preset"],
        label="Preset",
        elem_id="fooocus_preset",
    )
    widgets["performance"] = gr.Radio(
        choices=list(PERFORMANCES),
        value=values["performance"],
        label="Performance",
        elem_id="fooocus_performance",
    )
    with gr.Accordion("Aspect ratios", open=True, elem_id="fooocus_aspect_ratios"):
        widgets["aspect_ratio"] = gr.Radio(
            choices=list(SIZE_LABELS),
            value=values["aspect_ratio"],
            label="Width × height in pixels",
            elem_id="fooocus_aspect_ratio",
        )
    widgets["image_number"] = _slider(
        "image_number", services, "Image number", minimum=1, maximum=MAX_IMAGES, step=1
    )
    widgets["output_format"] = gr.Radio(
        choices=list(FORMATS),
        value=values["output_format"],
        label="Output format",
        elem_id="fooocus_output_format",
    )
    widgets["negative_prompt"] = gr.Textbox(
        value=values["negative_prompt"],
        label="Negative prompt",
        lines=2,
        placeholder="What the picture should not show",
        elem_id="fooocus_negative_prompt",
    )
    with gr.Row(elem_id="fooocus_seed_row"):
        widgets["random_seed"] = gr.Checkbox(
            value=values["random_seed"], label="Random", elem_id="fooocus_random_seed"
        )
        widgets["seed"] = gr.Textbox(value=values["seed"], label="Seed", elem_id="fooocus_seed")
    widgets["private"] = gr.Checkbox(
        value=values["private"],
        label="Private: save no pictures and no log",
        elem_id="fooocus_private",
    )
    gr.HTML(
        f'<a id="fooocus_history" href="{services.history}" target="_blank">History log</a>',
        elem_id="fooocus_history_row",
    )


def _build_styles(widgets: dict[str, Any], parts: dict[str, Any], services: TabServices) -> None:
    gr.HTML(
        '<label class="fooocus-search"><span>Search styles</span>'
        '<input type="search" id="fooocus_style_search" autocomplete="off"></label>'
    )
    parts["style_list"] = gr.HTML(services.styles(), elem_id="fooocus_style_list")
    widgets["styles"] = gr.Textbox(
        value=services.values["styles"],
        label="Selected styles",
        elem_id="fooocus_styles",
        elem_classes=["fooocus-unseen"],
    )


def _build_models(widgets: dict[str, Any], parts: dict[str, Any], services: TabServices) -> None:
    widgets["base_model"] = _dropdown("base_model", "Base model", services)
    with gr.Row():
        widgets["refiner"] = _dropdown("refiner", "Refiner", services)
        widgets["refiner_switch"] = _slider("refiner_switch", services)
    with gr.Group(elem_id="fooocus_loras"):
        for slot in range(1, LORA_SLOTS + 1):
            name, weight = f"lora_{slot}", f"lora_weight_{slot}"
            with gr.Row():
                widgets[name] = _dropdown(name, f"LoRA {slot}", services, "lora")
                widgets[weight] = _slider(
                    weight, services, f"Weight {slot}", minimum=-2, maximum=2, step=0.01
                )
    widgets["vae"] = _dropdown("vae", "VAE", services)
    parts["refresh"] = gr.Button("Refresh all files", elem_id="fooocus_refresh")


def _build_advanced(widgets: dict[str, Any], services: TabServices) -> None:
    widgets["guidance_scale"] = _slider(
        "guidance_scale", services, "Guidance scale", minimum=1, maximum=30, step=0.01
    )
    widgets["sharpness"] = _slider("sharpness", services)
    widgets["adaptive_cfg"] = _slider("adaptive_cfg", services)
    widgets["adm_positive"] = _slider("adm_positive", services)
    widgets["adm_negative"] = _slider("adm_negative", services)
    widgets["adm_end"] = _slider("adm_end", services)
    widgets["refiner_method"] = gr.Radio(
        choices=list(REFINER_METHODS),
        value=services.values["refiner_method"],
        label="Refiner method",
        elem_id="fooocus_refiner_method",
    )
    with gr.Row():
        widgets["sampler"] = _dropdown("sampler", "Sampler", services)
        widgets["scheduler"] = _dropdown("scheduler", "Schedule type", services)
    widgets["upscaler"] = _dropdown("upscaler", "Upscaler", services)
    with gr.Accordion("Overrides (-1 = off)", open=False, elem_id="fooocus_forced"):
        widgets["steps"] = _number("steps", "Forced steps", services)
        with gr.Row():
            widgets["width"] = _number("width", "Forced width", services)
            widgets["height"] = _number("height", "Forced height", services)


def _number(name: str, label: str, services: TabServices) -> Any:
    return gr.Number(
        value=services.values[name], label=label, precision=0, elem_id=f"fooocus_{name}"
    )
