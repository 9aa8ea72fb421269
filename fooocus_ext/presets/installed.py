"""What this machine has, as the host names it: checkpoints and their like, presets, samplers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fooocus_ext.presets.files import PresetLibrary
from fooocus_ext.presets.preset import Preset
from fooocus_ext.presets.resolve import Folders, Resolution, resolve


@dataclass(frozen=True)
class Installed:
    """What this machine has; by default nothing."""

    presets: PresetLibrary = field(default_factory=lambda: PresetLibrary({}))
    checkpoints: Sequence[str] = ()
    loras: Sequence[str] = ()
    vaes: Sequence[str] = ()
    samplers: Sequence[str] = ()
    schedulers: Sequence[str] = ()
    folders: Folders = field(default_factory=Folders)
    clip_skip_acts: bool = False
    """Whether the host applies clip skip to SDXL, as v1.10 can be told to."""
    has_uni_pc_variants: bool = True
    """Whether the host has an option for UniPC's variant, as all but Forge's later children."""

    def find(self, preset: Preset) -> Resolution:
        """Return a preset's files as this machine calls them, and what of them is missing."""
        return resolve(preset, self.checkpoints, self.loras, self.vaes, self.folders)
