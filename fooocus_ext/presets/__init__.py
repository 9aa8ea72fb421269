"""Performance modes, picture sizes, samplers and preset files."""

from fooocus_ext.presets.aspect_ratios import (
    ASPECT_RATIOS,
    DEFAULT_ASPECT_RATIO,
    AspectRatio,
    find_aspect_ratio,
    nearest_sizes,
    parse_size,
)
from fooocus_ext.presets.files import PresetLibrary, load_presets, read_preset, save_preset
from fooocus_ext.presets.performance import (
    PERFORMANCES,
    Performance,
    find_lora,
    find_performance,
)
from fooocus_ext.presets.preset import (
    LoraSlot,
    Preset,
    preset_from_json,
    preset_from_settings,
)
from fooocus_ext.presets.resolve import Folders, Resolution, resolve
from fooocus_ext.presets.samplers import HostSampler, fooocus_names, host_sampler

__all__ = [
    "ASPECT_RATIOS",
    "DEFAULT_ASPECT_RATIO",
    "PERFORMANCES",
    "AspectRatio",
    "Folders",
    "HostSampler",
    "LoraSlot",
    "Performance",
    "Preset",
    "PresetLibrary",
    "Resolution",
    "find_aspect_ratio",
    "find_lora",
    "find_performance",
    "fooocus_names",
    "host_sampler",
    "load_presets",
    "nearest_sizes",
    "parse_size",
    "preset_from_json",
    "preset_from_settings",
    "read_preset",
    "resolve",
    "save_preset",
]
