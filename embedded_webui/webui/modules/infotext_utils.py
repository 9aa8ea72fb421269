"""Parameters between text, pictures and widgets; doubles the host's `modules/infotext_utils.py`.

Tabs offer their widgets with `add_paste_fields`, buttons wait in `register_paste_params_button`,
and `connect_paste_params_buttons` wires them once every tab exists.
"""

from __future__ import annotations

import base64
import io
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import gradio as gr
from PIL import Image

from modules import images, paths, script_callbacks, shared
from modules.infotext_overrides import (
    create_override_settings_dict,
    get_override_settings,
    infotext_to_setting_name_mapping,
)
from modules.infotext_parsing import (
    parse_generation_parameters,
    quote,
    re_imagesize,
    re_param,
    unquote,
)

__all__ = [
    "ParamBinding", "PasteField", "add_paste_fields", "bind_buttons", "connect_paste",
    "connect_paste_params_buttons", "create_buttons", "create_override_settings_dict",
    "get_override_settings", "image_from_url_text", "infotext_to_setting_name_mapping",
    "parse_generation_parameters", "paste_fields", "quote", "re_imagesize", "re_param",
    "register_paste_params_button", "registered_param_bindings", "reset",
    "send_image_and_dimensions", "unquote",
]  # fmt: skip

logger = logging.getLogger("fooocus.embedded")
sys.modules["modules.generation_parameters_copypaste"] = sys.modules[__name__]

ALWAYS_SENT = ("Prompt", "Negative prompt", "Steps", "Face restoration")
TABS_NOT_HERE = ("extras",)
_PNG_PREFIX = "data:image/png;base64,"
_TYPE_OF_UPDATE = type(gr.update())


class ParamBinding:
    """A button, the tab it sends to, and where text, picture or other tab's values come from."""

    def __init__(
        self,
        paste_button: gr.Button,
        tabname: str,
        source_text_component: Any = None,
        source_image_component: Any = None,
        source_tabname: str | None = None,
        override_settings_component: Any = None,
        paste_field_names: list[str] | None = None,
    ) -> None:
        self.paste_button = paste_button
        self.tabname = tabname
        self.source_text_component = source_text_component
        self.source_image_component = source_image_component
        self.source_tabname = source_tabname
        self.override_settings_component = override_settings_component
        self.paste_field_names = paste_field_names or []


class PasteField(tuple):  # noqa: SLOT001 - the host's has attributes beside its two items
    """(component, target): the infotext label, or the function of all labels, for a widget."""

    def __new__(cls, component: Any, target: Any, *, api: str | None = None) -> PasteField:  # noqa: PYI034
        """Makes the pair; `api` names the request's field that the widget stands for."""
        return super().__new__(cls, (component, target))

    def __init__(self, component: Any, target: Any, *, api: str | None = None) -> None:
        self.component = component
        self.label = target if isinstance(target, str) else None
        self.function = target if callable(target) else None
        self.api = api


paste_fields: dict[str, dict[str, Any]] = {}
registered_param_bindings: list[ParamBinding] = []


def reset() -> None:
    """Forgets all fields and buttons; the page calls it before it is built again."""
    paste_fields.clear()
    registered_param_bindings.clear()


def image_from_url_text(filedata: Any) -> Image.Image | None:
    """The picture in what a gallery or image widget gives: served file, list of those, or data URL.

    Raises PermissionError for a file that the page did not itself hand out.
    """
    if isinstance(filedata, list):
        filedata = filedata[0] if filedata else None
    if filedata is None:
        return None
    if isinstance(filedata, dict) and filedata.get("is_file", False):
        filename = filedata["name"]
        if not _served_by_page(filename):
            raise PermissionError("trying to open image file outside of allowed directories")
        return images.read(filename.rsplit("?", 1)[0])
    data = base64.decodebytes(filedata.removeprefix(_PNG_PREFIX).encode("utf8"))
    return images.read(io.BytesIO(data))


def _served_by_page(filename: str) -> bool:
    sets = getattr(shared.demo, "temp_file_sets", [])
    return any(filename in files for files in sets)


def add_paste_fields(
    tabname: str, init_img: Any, fields: list | None, override_settings_component: Any = None
) -> None:
    """Offers a tab's widgets: its picture (or None) and its fields, which become `PasteField`s."""
    for index, field in enumerate(fields or []):
        if not isinstance(field, PasteField):
            fields[index] = PasteField(*field)
    paste_fields[tabname] = {
        "init_img": init_img,
        "fields": fields,
        "override_settings_component": override_settings_component,
    }


def create_buttons(tabs_list: list[str]) -> dict[str, gr.Button]:
    """One "Send to ..." button for each tab named."""
    return {tab: gr.Button(f"Send to {tab}", elem_id=f"{tab}_tab") for tab in tabs_list}


def bind_buttons(buttons: dict[str, gr.Button], send_image: Any, send_generate_info: Any) -> None:
    """Registers each button; the older, shorter way to call `register_paste_params_button`."""
    is_text = isinstance(send_generate_info, gr.components.Component)
    for tabname, button in buttons.items():
        binding = ParamBinding(
            paste_button=button,
            tabname=tabname,
            source_text_component=send_generate_info if is_text else None,
            source_tabname=send_generate_info if isinstance(send_generate_info, str) else None,
            source_image_component=send_image,
        )
        register_paste_params_button(binding)


def register_paste_params_button(binding: ParamBinding) -> None:
    """Keeps a button until the page is complete enough to be wired."""
    registered_param_bindings.append(binding)


def connect_paste_params_buttons() -> None:
    """Wires every registered button; KeyError for one to a tab that offered no fields.

    Buttons to a tab of the host that this host lacks are hidden.
    """
    for binding in registered_param_bindings:
        if binding.tabname in TABS_NOT_HERE and binding.tabname not in paste_fields:
            binding.paste_button.visible = False
            continue
        target = paste_fields[binding.tabname]
        fields = target["fields"]
        if binding.source_image_component and target["init_img"]:
            _connect_image(binding, target["init_img"], fields or [])
        if binding.source_text_component is not None and fields is not None:
            overrides = binding.override_settings_component or target["override_settings_component"]
            connect_paste(
                binding.paste_button,
                fields,
                binding.source_text_component,
                overrides,
                binding.tabname,
            )
        if binding.source_tabname is not None and fields is not None:
            _connect_tabs(binding, fields)
        binding.paste_button.click(fn=None, _js=f"switch_to_{binding.tabname}", show_progress=False)


def _same(image: Any) -> Any:
    return image


def _connect_image(binding: ParamBinding, destination: Any, fields: list[PasteField]) -> None:
    sizes = {label: component for component, label in reversed(fields) if isinstance(label, str)}
    outputs = [destination]
    function: Callable[[Any], Any] = _same
    from_gallery = isinstance(binding.source_image_component, gr.Gallery)
    if "Size-1" in sizes and binding.tabname != "inpaint":
        outputs += [sizes["Size-1"], sizes["Size-2"]]
        function = send_image_and_dimensions
    elif from_gallery:
        function = image_from_url_text
    binding.paste_button.click(
        fn=function,
        _js="extract_image_from_gallery" if from_gallery else None,
        inputs=[binding.source_image_component],
        outputs=outputs,
        show_progress=False,
    )


def _connect_tabs(binding: ParamBinding, fields: list[PasteField]) -> None:
    names = {*ALWAYS_SENT, *binding.paste_field_names}
    if getattr(shared.opts, "send_seed", True):
        names.add("Seed")

    def chosen(candidates: list[PasteField]) -> list[Any]:
        return [component for component, label in candidates if label in names]

    binding.paste_button.click(
        fn=lambda *values: values,
        inputs=chosen(paste_fields[binding.source_tabname]["fields"]),
        outputs=chosen(fields),
        show_progress=False,
    )


def send_image_and_dimensions(x: Any) -> tuple[Any, Any, Any]:
    """(picture, width, height); the sizes stay as they are where the option send_size is off."""
    image = x if isinstance(x, Image.Image) else image_from_url_text(x)
    if image is not None and getattr(shared.opts, "send_size", True):
        return image, image.width, image.height
    return image, gr.update(), gr.update()


def _text_to_paste(text: str) -> str:
    if text:
        return text
    try:
        with open(os.path.join(paths.data_path, "params.txt"), encoding="utf8") as file:
            return file.read()
    except OSError:
        return text


def update_for(component: Any, target: Any, params: dict[str, Any]) -> Any:
    try:
        value = target(params) if callable(target) else params.get(target)
    except Exception:  # an extension's own function; the other fields still want pasting
        logger.exception("cannot paste into %s", getattr(component, "elem_id", component))
        return gr.update()
    if value is None:
        return gr.update()
    if isinstance(value, _TYPE_OF_UPDATE):
        return value
    kind = type(component.value)
    try:
        if kind is bool and value == "False":
            return gr.update(value=False)
        # int("1.0") raises, and widgets take a whole float for an int.
        return gr.update(value=float(value) if kind is int else kind(value))
    except (TypeError, ValueError):
        return gr.update()


def connect_paste(
    button: gr.Button,
    paste_fields: list,
    input_comp: Any,
    override_settings_component: Any,
    tabname: str,
) -> None:
    """Makes `button` read the infotext in `input_comp` (if empty, the last one) into the fields."""
    fields = list(paste_fields)
    if override_settings_component is not None:
        handled = {label for _component, label in fields if isinstance(label, str)}

        def overrides(params: dict[str, Any]) -> dict[str, Any]:
            found = get_override_settings(params, skip_fields=handled)
            pairs = [f"{label}: {value}" for label, _name, value in found]
            return gr.Dropdown.update(value=pairs, choices=pairs, visible=bool(pairs))

        fields.append((override_settings_component, overrides))

    def paste(text: str) -> list[Any]:
        text = _text_to_paste(text)
        params = parse_generation_parameters(text)
        script_callbacks.infotext_pasted_callback(text, params)
        return [update_for(component, target, params) for component, target in fields]

    outputs = [component for component, _target in fields]
    button.click(fn=paste, inputs=[input_comp], outputs=outputs, show_progress=False)
    button.click(fn=None, _js=f"recalculate_prompts_{tabname}", show_progress=False)
