"""The half of the double of ScriptRunner that builds the scripts' part of a page and their argument slots."""

from __future__ import annotations

import os

import gradio as gr

from modules import errors


def _title(script, default):
    try:
        return script.title() or default
    except Exception:
        errors.report(f"Error calling: {script.filename}/title", exc_info=True)
        return default


def _describe_control(control):
    from modules.api import models

    info = models.ScriptArg(label=control.label or "")
    for field in ("value", "minimum", "maximum", "step"):
        value = getattr(control, field, None)
        if value is not None:
            setattr(info, field, value)
    choices = getattr(control, "choices", None)
    if choices is not None:
        info.choices = [choice[0] if isinstance(choice, tuple) else choice for choice in choices]
    return info


class ScriptUiMixin:
    """create_script_ui, setup_ui_for_section, prepare_ui and setup_ui of ScriptRunner."""

    def create_script_ui(self, script):
        """Call the script's ui(); without controls, or if it fails, it has no slots."""
        script.args_from = script.args_to = len(self.inputs)
        try:
            self.create_script_ui_inner(script)
        except Exception:
            errors.report(f"Error creating UI for {script.name}: ", exc_info=True)

    def create_script_ui_inner(self, script):
        """Give the script's controls their slots and describe them for the API."""
        from modules.api import models
        from modules.script_runner import wrap_call

        controls = script.controls = wrap_call(script.ui, script.filename, "ui", script.is_img2img)
        if controls is None:
            return
        script.name = _title(script, script.filename).lower()
        for control in controls:
            control.custom_script_source = os.path.basename(script.filename)
        script.api_info = models.ScriptInfo(
            name=script.name,
            is_img2img=script.is_img2img,
            is_alwayson=script.alwayson,
            args=[_describe_control(control) for control in controls],
        )
        self.infotext_fields += script.infotext_fields or []
        self.paste_field_names += script.paste_field_names or []
        self.inputs += controls
        script.args_to = len(self.inputs)

    def setup_ui_for_section(self, section, scriptlist=None):
        """Build the scripts that belong into this section of the page."""
        for script in self.alwayson_scripts if scriptlist is None else scriptlist:
            if script.alwayson and script.section != section:
                continue
            if script.create_group:
                with gr.Group(visible=script.alwayson) as group:
                    self.create_script_ui(script)
                script.group = group
            else:
                self.create_script_ui(script)

    def prepare_ui(self):
        """Forget all slots but the first, the dropdown's."""
        self.inputs = [None]

    def setup_ui(self):
        """Build the scripts without a section and the dropdown with the selectable ones.

        Returns all inputs.
        """
        self.title_map = {
            _title(script, script.filename).lower(): script for script in self.scripts
        }
        self.titles = [
            _title(script, f"{script.filename} [error]") for script in self.selectable_scripts
        ]
        self.setup_ui_for_section(None)
        dropdown = gr.Dropdown(
            label="Script",
            elem_id="script_list",
            choices=["None", *self.titles],
            value="None",
            type="index",
        )
        self.inputs[0] = dropdown
        self.setup_ui_for_section(None, self.selectable_scripts)

        def select_script(script_index):
            chosen = self.selectable_scripts[script_index - 1] if script_index else None
            return [gr.update(visible=script is chosen) for script in self.selectable_scripts]

        def init_field(title):
            if title != "None":
                self.selectable_scripts[self.titles.index(title)].group.visible = True

        def visible_after_paste(script_title):
            return lambda params: gr.update(visible=params.get("Script") == script_title)

        dropdown.init_field = init_field
        groups = [script.group for script in self.selectable_scripts]
        if groups:
            dropdown.change(fn=select_script, inputs=[dropdown], outputs=groups)
        self.infotext_fields.append((dropdown, lambda x: gr.update(value=x.get("Script", "None"))))
        self.infotext_fields.extend(
            (group, visible_after_paste(title))
            for group, title in zip(groups, self.titles, strict=True)
        )
        self.apply_on_before_component_callbacks()
        return self.inputs
