"""Small checkpoints for the contract tests: which of a folder's files plays which part."""

from __future__ import annotations

import json
import shutil
import struct
from dataclasses import dataclass, field, fields
from pathlib import Path

SDXL_MARK = "conditioner.embedders.1.model.ln_final.weight"
REFINER_MARK = "conditioner.embedders.0.model.ln_final.weight"
SD2_MARK = "cond_stage_model.model.ln_final.weight"
SD1_MARK = "cond_stage_model.transformer.text_model.embeddings.position_ids"

EPS_SCALING = "denoiser_scaling.EpsScaling"
V_SCALING = "denoiser_scaling.VScaling"

CORRUPT = "corrupt.safetensors"
NO_MODEL = "no-model.safetensors"


@dataclass
class Checkpoints:
    """File names of checkpoints by the part that they play; None where there is none.

    Attributes:
        base: the SDXL base that is active unless a test says otherwise.
        second: another SDXL base.
        refiner: an SDXL refiner.
        sd15: a Stable Diffusion 1.5 model.
        v_prediction: an SDXL base that predicts v.
        paths: file name -> path of the file itself, links followed.
    """

    base: str | None = None
    second: str | None = None
    refiner: str | None = None
    sd15: str | None = None
    v_prediction: str | None = None
    paths: dict[str, Path] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in fields(self) if entry.name != "paths")


def tensor_names(path: Path) -> frozenset[str]:
    """Read the names of a .safetensors file's tensors from its header."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return frozenset(json.loads(file.read(length)))


def part_of(names: frozenset[str]) -> str | None:
    """Tell a checkpoint's part by its tensors; an SDXL base may turn out to be the second one."""
    if SDXL_MARK in names:
        return "base"
    if REFINER_MARK in names:
        return "refiner"
    return (
        "sd15" if any(name.startswith("cond_stage_model.transformer") for name in names) else None
    )


def collect(source: Path, folder: Path) -> Checkpoints:
    """Link the checkpoints of ``source`` into ``folder``, each at most once for every part.

    A model config beside a checkpoint (same stem, .yaml) goes with it; from an SDXL base's, a
    v-prediction model is made of the same weights.
    """
    found = Checkpoints()
    for path in sorted(source.glob("*.safetensors")):
        part = part_of(tensor_names(path))
        if part == "base" and found.base is not None:
            part = "second"
        if part is None or getattr(found, part) is not None:
            continue
        setattr(found, part, _link(path, folder, path.stem, found))
        if part == "base" and path.with_suffix(".yaml").is_file():
            found.v_prediction = _link(path, folder, "v-" + path.stem, found)
            config = folder / f"v-{path.stem}.yaml"
            config.write_text(
                config.read_text(encoding="utf-8").replace(EPS_SCALING, V_SCALING), encoding="utf-8"
            )
    return found


def _link(path: Path, folder: Path, stem: str, found: Checkpoints) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    name = stem + path.suffix
    (folder / name).symlink_to(path.resolve())
    found.paths[name] = path.resolve()
    config = path.with_suffix(".yaml")
    if config.is_file():
        shutil.copyfile(config, folder / f"{stem}.yaml")
    return name


def add_broken(folder: Path) -> None:
    """Put two files there that look like checkpoints: a cut-off one and one without a model."""
    (folder / CORRUPT).write_bytes(struct.pack("<Q", 1 << 40) + b"{}")
    header = json.dumps({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / NO_MODEL).write_bytes(struct.pack("<Q", len(header)) + header + b"\0\0\0\0")
