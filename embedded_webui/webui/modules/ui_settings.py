"""The Settings tab and the quick settings above the tabs; doubles the host's `modules/ui_settings.py`.

One page a section, made from `opts.data_labels`.  Without search, defaults editor and actions.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import gradio as gr

from modules import script_callbacks, shared
from modules.call_queue import wrap_gradio_call_no_job
from modules.ui_common import create_refresh_button
from modules.ui_components import FormRow

_BY_TYPE = {
    str: gr.Textbox,
    int: gr.Number,
    float: gr.Number,
    bool: gr.Checkbox,
    type(None): gr.Textbox,
}


def _component_args(info: Any) -> dict[str, Any]:
    args = info.component_args
    return dict((args() if callable(args) else args) or {})


def get_value_for_setting(key: str) -> dict[str, Any]:
    """The update that shows an option's value, and its choices as they are now."""
    args = _component_args(shared.opts.data_labels[key])
    args.pop("precision", None)
    return gr.update(value=getattr(shared.opts, key), **args)


def create_setting_component(key: str, is_quicksettings: bool = False) -> Any:
    """The widget of one option; a list without a widget of its own becomes a dropdown."""
    info = shared.opts.data_labels[key]
    args = {**_component_args(info), "label": info.label, "elem_id": f"setting_{key}"}
    maker = info.component or _BY_TYPE.get(type(info.default))
    if maker is None:
        maker = gr.Dropdown
        choices = dict.fromkeys([*info.default, *getattr(shared.opts, key)])
        args = {"choices": list(choices), "multiselect": True, **args}
    if type(info.default) is int and maker is gr.Number:
        args.setdefault("precision", 0)

    args["value"] = getattr(shared.opts, key)
    if info.refresh is None:
        return maker(**args)
    if is_quicksettings:
        return _refreshable(key, info, maker, args)
    with FormRow():
        return _refreshable(key, info, maker, args)


def _refreshable(key: str, info: Any, maker: Any, args: dict[str, Any]) -> Any:
    component = maker(**args)
    create_refresh_button(component, info.refresh, info.component_args, f"refresh_{key}")
    return component


class UiSettings:
    """`create_ui` makes the tab, `add_quicksettings` the row above, `add_functionality` wires both."""

    def __init__(self) -> None:
        self.component_dict: dict[str, Any] = {}
        self.quick: list[str] = []

    def register_settings(self) -> None:
        """Extensions add their options now."""
        script_callbacks.ui_settings_callback()

    def create_ui(self) -> gr.Blocks:
        """The tab; `shared.settings_components` then maps options to their widgets."""
        opts = shared.opts
        opts.reorder()
        self.quick = [name for name in opts.quicksettings_list if name in opts.data_labels]
        shared.settings_components = self.component_dict
        with gr.Blocks(analytics_enabled=False) as self.interface:
            with gr.Row():
                with gr.Column(scale=6):
                    self.submit = gr.Button(
                        value="Apply settings", variant="primary", elem_id="settings_submit"
                    )
                with gr.Column():
                    self.reload = gr.Button(
                        value="Reload UI", variant="primary", elem_id="settings_restart_gradio"
                    )
            self.result = gr.HTML(elem_id="settings_result")
            with gr.Tabs(elem_id="settings"):
                for section, entries in groupby(opts.data_labels.items(), lambda e: e[1].section):
                    self._create_section(section, [key for key, _info in entries])
            self.text_settings = gr.Textbox(
                elem_id="settings_json", value=opts.dumpjson, visible=False
            )
        return self.interface

    def _create_section(self, section: tuple[str | None, str] | None, keys: list[str]) -> None:
        if section is None or section[0] is None:
            return
        identifier, title = section
        with (
            gr.TabItem(elem_id=f"settings_{identifier}", label=title),
            gr.Column(elem_id=f"column_settings_{identifier}", variant="compact"),
        ):
            for key in keys:
                if key not in self.quick:
                    self.component_dict[key] = create_setting_component(key)

    def add_quicksettings(self) -> None:
        """The options that the user wants in sight, in a row above the tabs."""
        with gr.Row(elem_id="quicksettings", variant="compact"):
            for key in self.quick:
                self.component_dict[key] = create_setting_component(key, is_quicksettings=True)

    def run_settings(self, *values: Any) -> tuple[str, str]:
        """Sets and saves every option of the tab; (all options as JSON, what changed)."""
        opts = shared.opts
        wanted = dict(zip(self._keys_of_tab(), values, strict=True))
        # An empty text box stands for None where that is what the option holds.
        wanted = {
            key: value or None if getattr(opts, key) is None else value
            for key, value in wanted.items()
        }
        for key, value in wanted.items():
            default = opts.data_labels[key].default
            if not opts.same_type(value, default):
                message = f"setting {key}: {value!r} is not of type {type(default).__name__}"
                raise TypeError(message)
        changed = [
            key
            for key, value in wanted.items()
            if value != getattr(opts, key) and opts.set(key, value)
        ]
        opts.save(shared.config_filename)
        names = f": {', '.join(changed)}" if changed else ""
        return opts.dumpjson(), f"{len(changed)} settings changed{names}."

    def run_settings_single(self, value: Any, key: str) -> tuple[Any, str]:
        """Sets and saves one quick setting; (its widget's update, all options as JSON)."""
        opts = shared.opts
        if value is None or not opts.same_type(value, opts.data_labels[key].default):
            return gr.update(), opts.dumpjson()
        if opts.set(key, value):
            opts.save(shared.config_filename)
        return get_value_for_setting(key), opts.dumpjson()

    def _keys_of_tab(self) -> list[str]:
        labels = shared.opts.data_labels
        return [key for key in labels if key in self.component_dict and key not in self.quick]

    def add_functionality(self, demo: gr.Blocks) -> None:
        """Wires the buttons, the quick settings, and a page load that shows the present values."""
        self.submit.click(
            fn=wrap_gradio_call_no_job(self.run_settings, extra_outputs=[gr.update()]),
            inputs=[self.component_dict[key] for key in self._keys_of_tab()],
            outputs=[self.text_settings, self.result],
        )
        self.reload.click(fn=shared.state.request_restart, _js="restart_reload")
        for key in self.quick:
            component = self.component_dict[key]
            for event in _events(component):
                event(
                    fn=lambda value, key=key: self.run_settings_single(value, key=key),
                    inputs=[component],
                    outputs=[component, self.text_settings],
                    show_progress=shared.opts.data_labels[key].refresh is not None,
                )
        keys = [key for key in shared.opts.data_labels if key in self.component_dict]
        demo.load(
            fn=lambda: [get_value_for_setting(key) for key in keys],
            inputs=[],
            outputs=[self.component_dict[key] for key in keys],
            queue=False,
        )


def _events(component: Any) -> list[Any]:
    if isinstance(component, gr.Textbox):
        return [component.submit, component.blur]
    return [component.release if hasattr(component, "release") else component.change]
