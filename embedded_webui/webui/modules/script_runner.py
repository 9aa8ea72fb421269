"""The ScriptRunner of one tab; modules/scripts.py re-exports it, as in the host."""

from __future__ import annotations

from modules import errors, script_callbacks, shared
from modules.script_base import (
    AlwaysVisible,
    OnComponent,
    PostprocessBatchListArgs,
    PostSampleArgs,
    Script,
)
from modules.script_ui import ScriptUiMixin


def wrap_call(func, filename, funcname, *args, default=None, **kwargs):
    """func(*args, **kwargs), or `default` if it raises an Exception, which is reported."""
    try:
        return func(*args, **kwargs)
    except Exception:
        errors.report(f"Error calling: {filename}/{funcname}", exc_info=True)
    return default


class ScriptRunner(ScriptUiMixin):
    """The scripts of one tab, their slots in the flat argument list, and the calls of their hooks."""

    def __init__(self):
        self.scripts = []
        self.selectable_scripts = []
        self.alwayson_scripts = []
        self.titles = []
        self.title_map = {}
        self.infotext_fields = []
        self.paste_field_names = []
        self.inputs = [None]
        self.callback_map = {}
        self.callback_names = [
            "before_process",
            "process",
            "before_process_batch",
            "after_extra_networks_activate",
            "process_batch",
            "postprocess",
            "postprocess_batch",
            "postprocess_batch_list",
            "post_sample",
            "on_mask_blend",
            "postprocess_image",
            "postprocess_maskoverlay",
            "postprocess_image_after_composite",
            "before_component",
            "after_component",
        ]
        self.on_before_component_elem_id = {}
        self.on_after_component_elem_id = {}

    def initialize_scripts(self, is_img2img):
        """Make an instance of every loaded script class that wants to be on this tab."""
        from modules import scripts

        for group in (self.scripts, self.alwayson_scripts, self.selectable_scripts):
            group.clear()
        for data in scripts.scripts_data:
            try:
                script = data.script_class()
            except Exception:
                errors.report(f"Error # failed to initialize Script {data.module}: ", exc_info=True)
                continue
            script.filename = data.path
            script.is_txt2img = not is_img2img
            script.is_img2img = is_img2img
            script.tabname = "img2img" if is_img2img else "txt2img"
            self._register(script, script.show(is_img2img))
        self.callback_map.clear()
        self.apply_on_before_component_callbacks()

    def _register(self, script, visibility) -> None:
        if visibility is AlwaysVisible:
            self.scripts.append(script)
            self.alwayson_scripts.append(script)
            script.alwayson = True
        elif visibility:
            self.scripts.append(script)
            self.selectable_scripts.append(script)

    def apply_on_before_component_callbacks(self):
        """Take over what scripts asked for with on_before_component and on_after_component."""
        for script in self.scripts:
            for attribute in ("on_before_component_elem_id", "on_after_component_elem_id"):
                registered = getattr(self, attribute)
                for elem_id, callback in getattr(script, attribute) or []:
                    registered.setdefault(elem_id, []).append((callback, script))
                setattr(script, attribute, [])

    def run(self, p, *args):
        """Run the selected script of the dropdown; None if none is selected."""
        script_index = args[0]
        if script_index == 0 or script_index is None:
            return None
        script = self.selectable_scripts[script_index - 1]
        if script is None:
            return None
        processed = script.run(p, *args[script.args_from : script.args_to])
        shared.total_tqdm.clear()
        return processed

    def list_scripts_for_method(self, method_name):
        """Component hooks concern all scripts, the others those that are always on."""
        return (
            self.scripts
            if method_name in ("before_component", "after_component")
            else self.alwayson_scripts
        )

    def create_ordered_callbacks_list(self, method_name, *, enable_user_sort=True):
        """The scripts whose class overrides the hook, in calling order."""
        category = f"script_{method_name}"
        callbacks: list = []
        for script in self.list_scripts_for_method(method_name):
            if getattr(type(script), method_name, None) != getattr(Script, method_name, None):
                script_callbacks.add_callback(
                    callbacks,
                    script,
                    category=category,
                    name=type(script).__name__,
                    filename=script.filename,
                )
        return script_callbacks.sort_callbacks(
            category, callbacks, enable_user_sort=enable_user_sort
        )

    def ordered_callbacks(self, method_name, *, enable_user_sort=True):
        """The same, kept while the number of scripts stays the same."""
        count = len(self.list_scripts_for_method(method_name))
        known_count, callbacks = self.callback_map.get(f"script_{method_name}", (-1, None))
        if callbacks is None or known_count != count:
            callbacks = self.create_ordered_callbacks_list(
                method_name, enable_user_sort=enable_user_sort
            )
            self.callback_map[f"script_{method_name}"] = count, callbacks
        return callbacks

    def ordered_scripts(self, method_name):
        """The scripts whose hook is to be called."""
        return [c.callback for c in self.ordered_callbacks(method_name)]

    def _call_hook(self, method_name, p, *first, **kwargs) -> None:
        for script in self.ordered_scripts(method_name):
            try:
                script_args = p.script_args[script.args_from : script.args_to]
                getattr(script, method_name)(p, *first, *script_args, **kwargs)
            except Exception:
                errors.report(f"Error running {method_name}: {script.filename}", exc_info=True)

    def before_process(self, p):
        """Call the hook of every script; likewise below."""
        self._call_hook("before_process", p)

    def process(self, p):
        self._call_hook("process", p)

    def process_before_every_sampling(self, p, **kwargs):
        self._call_hook("process_before_every_sampling", p, **kwargs)

    def before_process_batch(self, p, **kwargs):
        self._call_hook("before_process_batch", p, **kwargs)

    def after_extra_networks_activate(self, p, **kwargs):
        self._call_hook("after_extra_networks_activate", p, **kwargs)

    def process_batch(self, p, **kwargs):
        self._call_hook("process_batch", p, **kwargs)

    def postprocess(self, p, processed):
        self._call_hook("postprocess", p, processed)

    def postprocess_batch(self, p, images, **kwargs):
        self._call_hook("postprocess_batch", p, images=images, **kwargs)

    def postprocess_batch_list(self, p, pp: PostprocessBatchListArgs, **kwargs):
        self._call_hook("postprocess_batch_list", p, pp, **kwargs)

    def post_sample(self, p, ps: PostSampleArgs):
        self._call_hook("post_sample", p, ps)

    def on_mask_blend(self, p, mba):
        self._call_hook("on_mask_blend", p, mba)

    def postprocess_image(self, p, pp):
        self._call_hook("postprocess_image", p, pp)

    def postprocess_maskoverlay(self, p, ppmo):
        self._call_hook("postprocess_maskoverlay", p, ppmo)

    def postprocess_image_after_composite(self, p, pp):
        self._call_hook("postprocess_image_after_composite", p, pp)

    def before_hr(self, p):
        self._call_hook("before_hr", p)

    def setup_scrips(self, p, *, is_ui=True):
        """Call `setup`; parts of the page are left out when the API asks."""
        for script in self.ordered_scripts("setup"):
            if not is_ui and script.setup_for_ui_only:
                continue
            try:
                script.setup(p, *p.script_args[script.args_from : script.args_to])
            except Exception:
                errors.report(f"Error running setup: {script.filename}", exc_info=True)

    def _component_hook(self, method_name, asked_for, component, **kwargs) -> None:
        for callback, script in asked_for:
            wrap_call(
                callback, script.filename, f"on_{method_name}", OnComponent(component=component)
            )
        for script in self.ordered_scripts(method_name):
            wrap_call(
                getattr(script, method_name), script.filename, method_name, component, **kwargs
            )

    def before_component(self, component, **kwargs):
        """A component of the page is about to be made."""
        asked_for = self.on_before_component_elem_id.get(kwargs.get("elem_id"), [])
        self._component_hook("before_component", asked_for, component, **kwargs)

    def after_component(self, component, **kwargs):
        """A component of the page was made."""
        asked_for = self.on_after_component_elem_id.get(component.elem_id, [])
        self._component_hook("after_component", asked_for, component, **kwargs)

    def script(self, title):
        """The script of this title in any case, or None."""
        return self.title_map.get(title.lower())
