"""What a fast performance puts in place of the page's own values, to be shown beside them."""

from __future__ import annotations

from collections.abc import Mapping

from fooocus_ext.presets.performance import PERFORMANCES, Performance
from fooocus_ext.presets.samplers import SAMPLERS, SCHEDULERS, first_label
from fooocus_ext.tab.widgets import BY_NAME


def overruled() -> Mapping[str, Mapping[str, str]]:
    """Return, for each performance that overrules widgets, what it uses instead, by widget."""
    return {mode.name: _instead(mode) for mode in PERFORMANCES.values() if mode.distilled}


def _instead(mode: Performance) -> dict[str, str]:
    values = {
        **mode.settings,
        "guidance_scale": mode.cfg_scale,
        "sampler": first_label(mode.sampler or "", SAMPLERS),
        "scheduler": first_label(mode.scheduler or "", SCHEDULERS),
    }
    return {name: _shown(value) for name, value in values.items() if name in BY_NAME}


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
