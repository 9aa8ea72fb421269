"""The embedded host's modules, imported when they are first used.

The host reads its command line when `modules` is imported. Were that to happen while tests are being
collected, a host that other tests start later in this process would get the wrong one.
"""

from __future__ import annotations

import importlib


class Lazy:
    """Stands for one module of the host, for reading, setting and patching its names."""

    __slots__ = ("_name",)

    def __init__(self, name):
        object.__setattr__(self, "_name", name)

    def _module(self):
        import embedded_webui

        embedded_webui.put_webui_on_path()
        return importlib.import_module(f"modules.{self._name}")

    def __getattr__(self, name):
        # pytest asks every object of a test module for names of its own, to tell what it is
        if name.startswith(("_", "pytest")):
            raise AttributeError(name)
        return getattr(self._module(), name)

    def __setattr__(self, name, value):
        setattr(self._module(), name, value)

    def __delattr__(self, name):
        delattr(self._module(), name)
