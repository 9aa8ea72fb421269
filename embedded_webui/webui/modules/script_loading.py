"""Doubles modules/script_loading.py: executes a script file without putting it into sys.modules."""

from __future__ import annotations

import importlib.util
import os
from types import ModuleType

from modules import errors

loaded_scripts: dict[str, ModuleType] = {}


def load_module(path: str) -> ModuleType:
    """Execute the file `path`; the module's name is the file's name with its extension, as in the host."""
    spec = importlib.util.spec_from_file_location(os.path.basename(path), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    loaded_scripts[path] = module
    return module


def preload_folders(folders, parser) -> None:
    """Run preload(parser) of every folder's preload.py; a failing one is reported and skipped."""
    for folder in folders:
        path = os.path.join(folder, "preload.py")
        if not os.path.isfile(path):
            continue
        try:
            module = load_module(path)
            if hasattr(module, "preload"):
                module.preload(parser)
        except Exception:
            errors.report(f"Error running preload() for {path}", exc_info=True)


def preload_extensions(extensions_dir, parser, extension_list=None) -> None:
    """The same for every extension installed below `extensions_dir`."""
    if not os.path.isdir(extensions_dir):
        return
    names = extension_list if extension_list is not None else os.listdir(extensions_dir)
    preload_folders([os.path.join(extensions_dir, name) for name in sorted(names)], parser)
