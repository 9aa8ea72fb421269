"""What the host adds to gradio's components; doubles the host's `modules/gradio_extensons.py`.

Every component may have `tooltip=`, gets a CSS class by its kind, and is announced to scripts and
callbacks before and after it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr

from modules import script_callbacks, scripts, ui_tempdir


def _add_classes(component: Any) -> None:
    classes = [f"gradio-{component.get_block_name()}", *(component.elem_classes or [])]
    if getattr(component, "multiselect", False):
        classes.append("multiselect")
    component.elem_classes = classes


def _announcing(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        self.webui_tooltip = kwargs.pop("tooltip", None)
        runner = scripts.scripts_current
        if runner is not None:
            runner.before_component(self, **kwargs)
        script_callbacks.before_component_callback(self, **kwargs)
        original(self, *args, **kwargs)
        _add_classes(self)
        script_callbacks.after_component_callback(self, **kwargs)
        if runner is not None:
            runner.after_component(self, **kwargs)

    return init


def _with_tooltip(original: Callable[..., dict]) -> Callable[..., dict]:
    @wraps(original)
    def get_config(self: Any) -> dict:
        config = original(self)
        if getattr(self, "webui_tooltip", None):
            config["webui_tooltip"] = self.webui_tooltip
        config.pop("example_inputs", None)
        return config

    return get_config


def _without_examples(original: Callable[..., dict]) -> Callable[..., dict]:
    @wraps(original)
    def get_config_file(self: Any, *args: Any, **kwargs: Any) -> dict:
        config = original(self, *args, **kwargs)
        for component in config["components"]:
            if "example_inputs" in component:
                component["example_inputs"] = {"serialized": []}
        return config

    return get_config_file


def _install() -> None:
    gr.components.IOComponent.__init__ = _announcing(gr.components.IOComponent.__init__)
    gr.blocks.BlockContext.__init__ = _announcing(gr.blocks.BlockContext.__init__)
    gr.blocks.Block.get_config = _with_tooltip(gr.blocks.Block.get_config)
    gr.blocks.Blocks.get_config_file = _without_examples(gr.blocks.Blocks.get_config_file)
    ui_tempdir.install_ui_tempdir_override()


# Once a process, as the host does it: the components made before keep gradio's own ways.
_install()
