"""Registers the extension with the webui: what is for all of it here, the family's and the tab's there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from modules import script_callbacks

from fooocus_ext.host import family, typed_texts
from fooocus_ext.host.http import services
from fooocus_ext.host.inpaint_engine import resident as engines
from fooocus_ext.host.machine import options
from fooocus_ext.host.panel import axes
from fooocus_ext.host.refiner import resident
from fooocus_ext.host.sampling import samplings
from fooocus_ext.host.tab import connect


def register() -> None:
    """Register with the webui; it forgets all callbacks before it runs the entry file again.

    For each callback the webui looks through the whole stack for the file that registers it, and for each
    file on it that is no module through all modules there are: a second of its start. A thread of its own
    has a short stack.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(_register).result()


def _register() -> None:
    family.of_this_webui().register()
    script_callbacks.on_model_loaded(_let_go_of_what_was_for_another)
    script_callbacks.on_ui_settings(options.register)
    script_callbacks.on_before_ui(axes.register)
    script_callbacks.on_infotext_pasted(typed_texts.restore)
    script_callbacks.on_app_started(services.register)
    connect.register()


def _let_go_of_what_was_for_another(model: Any) -> None:
    """With another base, its memory is worth more than a refiner's; unless one samples."""
    if resident.RESIDENCE.is_loading:
        return
    engines.RESIDENCE.model_loaded(model)
    if samplings.current() is None:
        resident.RESIDENCE.release_unless_for(model)
