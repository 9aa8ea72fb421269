"""The pictures in tests/twin, which Fooocus itself made, and how a webui is asked for the same."""

from __future__ import annotations

import base64
import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fooocus_ext.args import FOOOCUS, Settings
from fooocus_ext.presets.samplers import HostSampler, host_sampler

FOLDER = Path(__file__).resolve().parents[1] / "twin"
CASES = json.loads((FOLDER / "cases.json").read_text(encoding="utf-8"))
MADE_OF = "Pocket SDXL base"


@dataclass(frozen=True)
class Difference:
    """Between two pictures, in steps of 255: of the worst number, and on average."""

    largest: int
    mean: float

    def __str__(self) -> str:
        return f"{self.largest} / {self.mean:.5f}"


def title_of(path: Path) -> str | None:
    """Return the title that the metadata of a checkpoint's file state."""
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return header.get("__metadata__", {}).get("modelspec.title")


def made_by_fooocus(name: str) -> np.ndarray:
    """Return Fooocus's picture [height, width, 3]."""
    return np.asarray(Image.open(FOLDER / f"{name}.png").convert("RGB"))


def difference(name: str, picture: np.ndarray) -> Difference:
    """Compare a picture with Fooocus's."""
    reference = made_by_fooocus(name)
    assert picture.shape == reference.shape
    steps = np.abs(picture.astype(int) - reference.astype(int))
    return Difference(int(steps.max()), float(steps.mean()))


def arguments(case: dict[str, Any], host: Any) -> dict[str, Any]:
    """Return the extension's arguments of a case."""
    adm_positive, adm_negative, adm_end = case["adm"]
    refiner = host.checkpoints.refiner if case["refiner"] != "None" else "None"
    return {
        "rendering": FOOOCUS,
        "sharpness": case["sharpness"],
        "adm_positive": adm_positive,
        "adm_negative": adm_negative,
        "adm_end": adm_end,
        "adaptive_cfg": case["adaptive"],
        "refiner": refiner,
        "refiner_switch": case["switch"],
        "refiner_method": case["method"],
    }


def sampler_for(case: dict[str, Any], host: Any) -> HostSampler:
    """Return what the host calls a case's sampler; raise RequestError if it has none."""
    assets = importlib.import_module("fooocus_ext.host.machine.assets")
    return host_sampler(
        case["sampler"],
        case["scheduler"],
        list(host.modules.sd_samplers.all_samplers_map),
        assets.scheduler_labels(),
        as_fooocus=True,
    )


def request(case: dict[str, Any], host: Any) -> dict[str, Any]:
    """Return the fields of the host's request of a case."""
    chosen = sampler_for(case, host)
    schedule = {"scheduler": chosen.scheduler} if chosen.scheduler else {}
    return {
        "prompt": "\n".join(case["pos"]),
        "negative_prompt": "\n".join(case["neg"]),
        "seed": case["seed"],
        "steps": case["steps"],
        "width": case["width"],
        "height": case["height"],
        "cfg_scale": case["cfg"],
        "sampler_name": chosen.sampler,
        **schedule,
        "override_settings": dict(chosen.options),
    }


def picture_of(name: str, host: Any, **changed: Any) -> np.ndarray:
    """Return the host's picture [height, width, 3] of a case; ``changed`` are other arguments of ours."""
    case = CASES[name]
    if case.get("tiled"):
        return _upscaled(case, host, changed)
    fields = request(case, host)
    if case["init"]:
        start = base64.b64encode((FOLDER / case["init"]).read_bytes()).decode()
        fields |= {
            "init_images": [start],
            "denoising_strength": case["denoise"],
            "tab": "img2img",
        }
    return host.generate({**arguments(case, host), **changed}, **fields).pictures[0]


def _upscaled(case: dict[str, Any], host: Any, changed: dict[str, Any]) -> np.ndarray:
    """Ask as the tab does for its upscaling: the API's users have no way to ask for tiles."""
    jobs = importlib.import_module("fooocus_ext.host.jobs.run")
    fields = request(case, host)
    del fields["override_settings"]
    settings = {**arguments(case, host), "enabled": True, "expansion": False, **changed}
    processed = jobs.run_queued(
        jobs.Job(
            prompt=fields.pop("prompt"),
            negative_prompt=fields.pop("negative_prompt"),
            seed=fields.pop("seed"),
            settings=Settings().replace(**settings),
            request=fields,
            picture=Image.open(FOLDER / case["init"]).convert("RGB"),
            denoising=case["denoise"],
            tiles=True,
        )
    )
    return np.asarray(processed.images[0].convert("RGB"))
