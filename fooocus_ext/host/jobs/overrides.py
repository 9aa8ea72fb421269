"""Options of the host that hold for one job, and leave no trace in its settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modules import shared

from fooocus_ext.host.machine import vae


def override(p: Any, values: Mapping[str, Any]) -> None:
    """Let ``values`` hold for ``p`` alone; what the request itself overrides, stays.

    What holds anyway is left out: under ``--freeze-settings`` the host refuses to set even that.
    """
    wanted = dict(values)
    if vae.OPTION in wanted:
        wanted.update(vae.options_for(wanted.pop(vae.OPTION)))
    changed = {key: value for key, value in wanted.items() if getattr(shared.opts, key) != value}
    make_restorable(changed)
    # A new dict: copies of a request share theirs.
    p.override_settings = {**changed, **p.override_settings}


def make_restorable(keys: Iterable[str]) -> None:
    """Make the host able to take options back after a job.

    It restores only what its settings file holds (1.6 fails on anything else), so an option that
    nobody has ever saved gets its default there first.
    """
    for key in keys:
        shared.opts.data.setdefault(key, shared.opts.get_default(key))
