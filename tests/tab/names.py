"""What the machine of the tab's tests has, and what its page would ask for."""

from __future__ import annotations

from fooocus_ext.presets.installed import Installed
from fooocus_ext.prompting.styles import Style, StyleLibrary
from fooocus_ext.tab.choices import read_choices
from fooocus_ext.tab.widgets import DEFAULTS, NAMES

STYLES = StyleLibrary(
    [Style("Fooocus Sharp", "sharp {prompt}", "blur"), Style("O'Brien, x", "", "")]
)
INSTALLED = Installed(
    checkpoints=["sub/base.safetensors [0123456789]", "refiner.safetensors"],
    loras=["film", "detail"],
    vaes=["good.vae.safetensors"],
    samplers=["DPM++ 2M SDE", "Euler a", "DDIM"],
    schedulers=["Automatic", "Karras", "Exponential"],
)


def accepted(filled):
    """Return what the page would ask for after these values, as Generate reads it."""
    values = {**DEFAULTS, "base_model": "base", **filled.values}
    return read_choices([values[name] for name in NAMES])
