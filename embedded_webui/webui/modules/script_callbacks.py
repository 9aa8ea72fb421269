"""Doubles modules/script_callbacks.py.

Events that extensions subscribe to; every callback's Exception is swallowed.
"""

from __future__ import annotations

import dataclasses
import inspect
import os
from typing import Any

from modules import errors, extensions, shared
from modules.script_callback_params import (  # noqa: F401
    AfterCFGCallbackParams,
    BeforeTokenCounterParams,
    CFGDenoisedParams,
    CFGDenoiserParams,
    ExtraNoiseParams,
    ImageGridLoopParams,
    ImageSaveParams,
    UiTrainTabParams,
)

CATEGORIES = (
    "app_started",
    "model_loaded",
    "ui_tabs",
    "ui_settings",
    "before_image_saved",
    "image_saved",
    "extra_noise",
    "cfg_denoiser",
    "cfg_denoised",
    "cfg_after_cfg",
    "before_component",
    "after_component",
    "image_grid",
    "infotext_pasted",
    "script_unloaded",
    "before_ui",
    "on_reload",
)


@dataclasses.dataclass
class ScriptCallback:
    """A subscription: the file that made it, the function, its unique name."""

    script: str
    callback: Any
    name: str = "unnamed"


callback_map: dict[str, list[ScriptCallback]] = {
    f"callbacks_{category}": [] for category in CATEGORIES
}
ordered_callbacks_map: dict[str, list[ScriptCallback]] = {}


def report_exception(c, job):
    """Tell that callback `c` of event `job` failed."""
    errors.report(f"Error executing callback {job} for {c.script}", exc_info=True)


def _calling_file() -> str | None:
    frame = inspect.currentframe()
    while frame and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame.f_code.co_filename if frame else None


def add_callback(callbacks, fun, *, name=None, category="unknown", filename=None):
    """Append a subscription named {extension}/{file}/{category}[/{name}][-{n}]."""
    filename = filename or _calling_file() or "unknown file"
    extension = extensions.find_extension(filename)
    owner = extension.canonical_name if extension else "base"
    base = "/".join(filter(None, (owner, os.path.basename(filename), category, name)))
    taken = {c.name for c in callbacks}
    unique, index = base, 0
    while unique in taken:
        index += 1
        unique = f"{base}-{index}"
    callbacks.append(ScriptCallback(filename, fun, unique))


def sort_callbacks(category, unordered_callbacks, *, enable_user_sort=True):
    """The callbacks in order of registration, those that the user put first moved to the front."""
    callbacks = list(unordered_callbacks)
    preferred = (
        getattr(shared.opts, f"prioritized_callbacks_{category}", []) if enable_user_sort else []
    )
    rank = {name: index for index, name in enumerate(preferred)}
    return sorted(callbacks, key=lambda c: rank.get(c.name, len(rank)))


def ordered_callbacks(category, unordered_callbacks=None, *, enable_user_sort=True):
    """The sorted callbacks of an event; the sorting is kept while their number stays the same."""
    if unordered_callbacks is None:
        unordered_callbacks = callback_map.get(f"callbacks_{category}", [])
    if not enable_user_sort:
        return sort_callbacks(category, unordered_callbacks, enable_user_sort=False)
    kept = ordered_callbacks_map.get(category)
    if kept is None or len(kept) != len(unordered_callbacks):
        kept = ordered_callbacks_map[category] = sort_callbacks(category, unordered_callbacks)
    return kept


def clear_callbacks():
    """Forget every subscription."""
    for callbacks in callback_map.values():
        callbacks.clear()
    ordered_callbacks_map.clear()


def _call(category, *args, newest_first=False, **kwargs) -> None:
    """Call every subscriber; an Exception is reported and the next one is called."""
    callbacks = ordered_callbacks(category)
    for c in reversed(callbacks) if newest_first else callbacks:
        try:
            c.callback(*args, **kwargs)
        except Exception:
            report_exception(c, f"{category}_callback")


def _remove(condition) -> None:
    for callbacks in [*callback_map.values(), *ordered_callbacks_map.values()]:
        callbacks[:] = [c for c in callbacks if not condition(c)]


def remove_callbacks_for_function(callback_func):
    """Forget every subscription of this function."""
    _remove(lambda c: c.callback == callback_func)


def app_started_callback(demo, app):
    """The server runs; `demo` is the page or None, `app` the FastAPI application."""
    _call("app_started", demo, app)


def app_reload_callback():
    """The page is about to be rebuilt."""
    _call("on_reload")


def model_loaded_callback(sd_model):
    """A checkpoint's weights have been loaded."""
    _call("model_loaded", sd_model)


def ui_tabs_callback():
    """All (blocks, title, elem_id) triples of the extensions' tabs."""
    tabs: list = []
    for c in ordered_callbacks("ui_tabs"):
        try:
            tabs += c.callback() or []
        except Exception:
            report_exception(c, "ui_tabs_callback")
    return tabs


def ui_settings_callback():
    """Extensions add their options."""
    _call("ui_settings")


def before_image_saved_callback(params):
    """A picture is about to be written."""
    _call("before_image_saved", params)


def image_saved_callback(params):
    """A picture was written."""
    _call("image_saved", params)


def extra_noise_callback(params):
    """Extra noise is about to be added in img2img or hires fix."""
    _call("extra_noise", params)


def cfg_denoiser_callback(params):
    """The inputs of a model call are ready."""
    _call("cfg_denoiser", params)


def cfg_denoised_callback(params):
    """A model call returned."""
    _call("cfg_denoised", params)


def cfg_after_cfg_callback(params):
    """Cond and uncond were combined."""
    _call("cfg_after_cfg", params)


def before_component_callback(component, **kwargs):
    """A page component is about to be made."""
    _call("before_component", component, **kwargs)


def after_component_callback(component, **kwargs):
    """A page component was made."""
    _call("after_component", component, **kwargs)


def image_grid_callback(params):
    """A grid is about to be drawn."""
    _call("image_grid", params)


def infotext_pasted_callback(infotext, params):
    """An infotext was parsed into `params`."""
    _call("infotext_pasted", infotext, params)


def script_unloaded_callback():
    """Scripts are about to be loaded anew."""
    _call("script_unloaded", newest_first=True)


def before_ui_callback():
    """All scripts are loaded, the page is not built yet."""
    _call("before_ui", newest_first=True)


def _subscription(category: str, about: str):
    def on_event(callback, *, name=None):
        add_callback(callback_map[f"callbacks_{category}"], callback, name=name, category=category)

    on_event.__name__ = on_event.__qualname__ = (
        "on_before_reload" if category == "on_reload" else f"on_{category}"
    )
    on_event.__doc__ = f"Register a function to be called {about}."
    return on_event


on_app_started = _subscription("app_started", "with (demo, app) when the server has started")
on_before_reload = _subscription("on_reload", "before the page is rebuilt")
on_model_loaded = _subscription("model_loaded", "with the model after its weights were loaded")
on_ui_tabs = _subscription("ui_tabs", "for a list of (blocks, title, elem_id)")
on_ui_settings = _subscription("ui_settings", "to add options before the settings page is built")
on_before_image_saved = _subscription(
    "before_image_saved", "with ImageSaveParams before a picture is saved"
)
on_image_saved = _subscription("image_saved", "with ImageSaveParams after a picture was saved")
on_extra_noise = _subscription("extra_noise", "with ExtraNoiseParams")
on_cfg_denoiser = _subscription("cfg_denoiser", "with CFGDenoiserParams before every model call")
on_cfg_denoised = _subscription("cfg_denoised", "with CFGDenoisedParams after every model call")
on_cfg_after_cfg = _subscription("cfg_after_cfg", "with AfterCFGCallbackParams after guidance")
on_before_component = _subscription("before_component", "before every page component")
on_after_component = _subscription("after_component", "after every page component")
on_image_grid = _subscription("image_grid", "with ImageGridLoopParams")
on_infotext_pasted = _subscription("infotext_pasted", "with (infotext, parsed dict)")
on_script_unloaded = _subscription("script_unloaded", "before scripts are reloaded")
on_before_ui = _subscription("before_ui", "before the page is built")
