"""What a preset asks of this machine, and what of it is missing. Nothing is ever substituted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fooocus_ext.args import NONE
from fooocus_ext.presets.file_names import AvailableFiles, file_stem
from fooocus_ext.presets.preset import Preset

OFFSET_LORA = "sd_xl_offset_example-lora_1.0.safetensors"
MODEL_OF_CHECKPOINT = "Default (model)"
_MOST_HINTS = 5
"""Missing files of a preset for which similar ones are looked for, which takes long."""


@dataclass(frozen=True)
class Folders:
    """Where files of each kind belong on this machine, for messages."""

    checkpoints: str = "models/Stable-diffusion"
    loras: str = "models/Lora"
    vaes: str = "models/VAE"


@dataclass(frozen=True)
class Resolution:
    """A preset's files as this machine calls them.

    Attributes:
        checkpoint: the host's name of the base model; None if the preset names none.
        refiner: the host's name of the refiner, "None" for none; None if the preset is silent.
        vae: the host's name of the VAE; None for the checkpoint's own or if the preset is silent.
        loras: the host's names of the active LoRAs, with weights.
        problems: sentences, one for each file that is missing; with any of them, the preset cannot
            be used as it is.
        notes: sentences about what is left out without harm.
    """

    checkpoint: str | None
    refiner: str | None
    vae: str | None
    loras: tuple[tuple[str, float], ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def resolve(
    preset: Preset,
    checkpoints: Iterable[str],
    loras: Iterable[str],
    vaes: Iterable[str] = (),
    folders: Folders | None = None,
) -> Resolution:
    """Look a preset's files up among what the host has.

    Names need not be equal to the letter (see ``AvailableFiles.match``). The SDXL offset LoRA is an
    extra of the model's makers: it is used when it is there, and its absence is only a note.

    Args:
        preset: the preset.
        checkpoints: the host's checkpoint names or titles.
        loras: the host's LoRA names or files.
        vaes: the host's VAE names or files.
        folders: where missing files belong.
    """
    known_models = AvailableFiles(checkpoints)
    where = folders or Folders()
    lookup = _Lookup(preset, [], [])
    downloads = preset.checkpoint_downloads or {}
    checkpoint = lookup.find(
        "checkpoint", preset.base_model, known_models, where.checkpoints, downloads
    )
    checkpoint = None if checkpoint == NONE else checkpoint
    refiner = lookup.find("refiner", preset.refiner, known_models, where.checkpoints, downloads)
    if refiner is not None and refiner == checkpoint:
        lookup.notes.append("The refiner is the base model itself, so none is used.")
        refiner = NONE
    vae = preset.vae if preset.vae not in (MODEL_OF_CHECKPOINT, NONE) else None
    found_vae = lookup.find(
        "VAE", vae, AvailableFiles(vaes), where.vaes, preset.vae_downloads or {}
    )
    return Resolution(
        checkpoint=checkpoint,
        refiner=refiner,
        vae=found_vae,
        loras=lookup.find_loras(AvailableFiles(loras), where.loras),
        problems=tuple(lookup.problems),
        notes=tuple(dict.fromkeys(lookup.notes)),
    )


@dataclass(frozen=True)
class _Lookup:
    """The search for one preset's files, and what it had to say."""

    preset: Preset
    problems: list[str]
    notes: list[str]

    def find(
        self,
        kind: str,
        wanted: str | None,
        known: AvailableFiles,
        folder: str,
        downloads: Mapping[str, str],
    ) -> str | None:
        """Return the host's name of a file, or None if it is missing (a problem) or not wanted."""
        if wanted in (None, "", NONE):
            return wanted or None
        found = known.match(wanted)
        if found is None:
            self.problems.append(self._missing(kind, wanted, known, folder, downloads))
        return found

    def find_loras(self, known: AvailableFiles, folder: str) -> tuple[tuple[str, float], ...]:
        """Return the host's names of the active LoRAs that it has, with their weights."""
        found = []
        downloads = self.preset.lora_downloads or {}
        for slot in self.preset.active_loras:
            is_offset = file_stem(slot.name) == file_stem(OFFSET_LORA)
            if is_offset and known.match(slot.name) is None:
                self.notes.append(
                    f"The LoRA {slot.name} is not in {folder}, so the picture is made without it"
                    f"{_published(slot.name, downloads)}."
                )
                continue
            name = self.find("LoRA", slot.name, known, folder, downloads)
            if name is not None:
                found.append((name, slot.weight))
        return tuple(found)

    def _missing(
        self,
        kind: str,
        wanted: str,
        known: AvailableFiles,
        folder: str,
        downloads: Mapping[str, str],
    ) -> str:
        earlier = [
            entry
            for model in self.preset.previous_models or ()
            if kind == "checkpoint" and (entry := known.match(model))
        ]
        hint = known.nearest(wanted) if len(self.problems) < _MOST_HINTS else ""
        if earlier:
            hint = f' (its earlier version "{earlier[0]}" is there and can be chosen by hand)'
        return (
            f'preset "{self.preset.name}": the {kind} {wanted} is not in {folder}{hint}; put it '
            f"there{_published(wanted, downloads)}."
        )


def _published(file: str, downloads: Mapping[str, str]) -> str:
    address = downloads.get(file)
    return f" (published at {address})" if address else ""
