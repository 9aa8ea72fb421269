"""Doubles modules/scripts.py.

Loads the scripts of the host and of the extension, and holds both tabs' runners.
"""

from __future__ import annotations

import inspect
import os
import sys
from typing import Any, NamedTuple

from modules import errors, extensions, paths, script_callbacks, script_loading
from modules.script_base import (  # noqa: F401
    AlwaysVisible,
    MaskBlendArgs,
    OnComponent,
    PostprocessBatchListArgs,
    PostprocessImageArgs,
    PostProcessMaskOverlayArgs,
    PostSampleArgs,
    Script,
    ScriptBuiltinUI,
)
from modules.script_runner import ScriptRunner, wrap_call  # noqa: F401

ScriptFile = extensions.ScriptFile


class ScriptClassData(NamedTuple):
    """A loaded script class, its file, its extension's folder, its module."""

    script_class: type[Script]
    path: str
    basedir: str
    module: Any


current_basedir = paths.script_path
scripts_data: list[ScriptClassData] = []
postprocessing_scripts_data: list = []
scripts_txt2img: ScriptRunner = None  # type: ignore[assignment]
scripts_img2img: ScriptRunner = None  # type: ignore[assignment]
scripts_current: ScriptRunner = None  # type: ignore[assignment]


def list_scripts(scriptdirname, extension, *, include_extensions=True):
    """Script files of the host's folder `scriptdirname`, then of every active extension's."""
    files = extensions.Extension(paths.script_path).list_files(scriptdirname, extension)
    if include_extensions:
        for ext in extensions.active():
            files += ext.list_files(scriptdirname, extension)
    return files


def list_files_with_name(filename):
    """Paths of this file in the host's folder and in every active extension's."""
    folders = [paths.script_path, *(ext.path for ext in extensions.active())]
    found = [os.path.join(folder, filename) for folder in folders]
    return [path for path in found if os.path.isfile(path)]


def _load_script(script_file) -> None:
    global current_basedir
    saved_path = sys.path
    try:
        if script_file.basedir != paths.script_path:
            sys.path = [script_file.basedir, *sys.path]
        current_basedir = script_file.basedir
        module = script_loading.load_module(script_file.path)
        scripts_data.extend(
            ScriptClassData(value, script_file.path, script_file.basedir, module)
            for value in module.__dict__.values()
            if inspect.isclass(value) and issubclass(value, Script)
        )
    except Exception:
        errors.report(f"Error loading script: {script_file.filename}", exc_info=True)
    finally:
        sys.path = saved_path
        current_basedir = paths.script_path


def load_scripts():
    """Forget all callbacks, execute every script file, start with two empty runners."""
    global scripts_txt2img, scripts_img2img
    scripts_data.clear()
    postprocessing_scripts_data.clear()
    script_callbacks.clear_callbacks()
    for script_file in list_scripts("scripts", ".py"):
        _load_script(script_file)
    for script_file in list_scripts("modules/processing_scripts", ".py", include_extensions=False):
        _load_script(script_file)
    scripts_txt2img = ScriptRunner()
    scripts_img2img = ScriptRunner()
