"""From a request to the flat argument list of a tab's scripts; modules/api/api.py uses this."""

from __future__ import annotations

import gradio as gr
from fastapi.exceptions import HTTPException


def script_name_to_index(name, scripts):
    """Position of the script with this title in any case; 422 if there is none."""
    try:
        return [script.title().lower() for script in scripts].index(name.lower())
    except Exception as e:
        raise HTTPException(status_code=422, detail=f"Script '{name}' not found") from e


class ScriptArgsMixin:
    """get_selectable_script, get_script, init_default_script_args and init_script_args of Api."""

    def get_selectable_script(self, script_name, script_runner):
        """(script, index) of the dropdown's scripts; (None, None) for no name."""
        if script_name is None or script_name == "":
            return None, None
        index = script_name_to_index(script_name, script_runner.selectable_scripts)
        return script_runner.selectable_scripts[index], index

    def get_script(self, script_name, script_runner):
        """Any script of the tab.

        An empty name gives a pair, which its caller does not expect, as in the host.
        """
        if script_name is None or script_name == "":
            return None, None
        return script_runner.scripts[script_name_to_index(script_name, script_runner.scripts)]

    def init_default_script_args(self, script_runner):
        """0 (no selected script), then the values of freshly built controls."""
        count = max([1, *(script.args_to for script in script_runner.scripts)])
        script_args = [0, *[None] * (count - 1)]
        with gr.Blocks():  # controls cannot be built outside
            for script in script_runner.scripts:
                if script.ui(script.is_img2img):
                    values = [control.value for control in script.ui(script.is_img2img)]
                    script_args[script.args_from : script.args_to] = values
        return script_args

    def init_script_args(
        self,
        request,
        default_script_args,
        selectable_scripts,
        selectable_idx,
        script_runner,
        *,
        input_script_args=None,
    ):
        """The defaults with the request's values in their places: fewer leave defaults, more are dropped."""
        script_args = default_script_args.copy()
        for index, value in (input_script_args or {}).items():
            script_args[index] = value
        if selectable_scripts:
            script_args[selectable_scripts.args_from : selectable_scripts.args_to] = (
                request.script_args
            )
            script_args[0] = selectable_idx + 1
        for name in request.alwayson_scripts or {}:
            script = self.get_script(name, script_runner)
            if script.alwayson is False:
                raise HTTPException(
                    status_code=422,
                    detail="Cannot have a selectable script in the always on scripts params",
                )
            given = request.alwayson_scripts[name]
            if "args" in given:
                for offset in range(min(script.args_to - script.args_from, len(given["args"]))):
                    script_args[script.args_from + offset] = given["args"][offset]
        return script_args
