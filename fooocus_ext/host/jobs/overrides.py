"""Options of the host that hold for one job, and leave no trace in its settings."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from modules import sd_models, shared

from fooocus_ext.host.by_request import ByRequest
from fooocus_ext.host.machine import vae

CHECKPOINT = "sd_model_checkpoint"

_replaced: ByRequest[dict[str, Any]] = ByRequest()
"""What `override` has put other values in place of."""


def override(p: Any, values: Mapping[str, Any]) -> None:
    """Let ``values`` hold for ``p`` alone; what the request itself overrides, stays.

    What holds anyway is left out: under ``--freeze-settings`` the host refuses to set even that.
    """
    wanted = dict(values)
    if vae.OPTION in wanted:
        wanted.update(vae.options_for(wanted.pop(vae.OPTION)))
    changed = {key: value for key, value in wanted.items() if getattr(shared.opts, key) != value}
    make_restorable(changed)
    requested = p.override_settings
    ours = {key: value for key, value in changed.items() if key not in requested}
    if ours and not p.override_settings_restore_afterwards:
        _set_for_good(requested)
        p.override_settings_restore_afterwards = True
    _replaced.note(p, {key: getattr(shared.opts, key) for key in ours})
    # A new dict: copies of a request share theirs.
    p.override_settings = {**ours, **requested}


def take_back(p: Any, keys: Iterable[str]) -> None:
    """Undo `override` for some options of a job that has begun; none that models are loaded by."""
    replaced = _replaced.of(p) or {}
    undone = {key: replaced[key] for key in keys if key in replaced}
    shared.opts.data.update(undone)
    _take_out(p, undone)


def forget(p: Any) -> None:
    """Leave in a request that is done only what it came with; the host has noted what to restore.

    A script may process it again (Loopback; batches of img2img): ours would then pass for its own.
    """
    _take_out(p, _replaced.take(p) or {})


def _take_out(p: Any, keys: Collection[str]) -> None:
    if keys:
        p.override_settings = {
            key: value for key, value in p.override_settings.items() if key not in keys
        }


def make_restorable(keys: Iterable[str]) -> None:
    """Make the host able to take options back after a job.

    It restores only what its settings file holds (1.6 fails on anything else), so an option that
    nobody has ever saved gets its default there first.
    """
    for key in keys:
        shared.opts.data.setdefault(key, shared.opts.get_default(key))


def _set_for_good(requested: Mapping[str, Any]) -> None:
    """Set options of a request whose options shall stay, as the host is about to do.

    A host takes back all options of a job or none. With the request's set before it looks, it goes back
    to these, and takes back ours alone, in its own way and however the job ends.
    """
    values = dict(requested)
    if sd_models.checkpoint_aliases.get(values.get(CHECKPOINT)) is None:
        values.pop(CHECKPOINT, None)  # as the host does
    if hasattr(shared.opts, vae.FORGE_OPTION):  # there, a model's loader is told as well
        sysinfo = importlib.import_module("modules.sysinfo")
        sysinfo.set_config(values, is_api=True, run_callbacks=False, save_config=False)
        return
    for key, value in values.items():
        shared.opts.set(key, value, is_api=True, run_callbacks=False)
