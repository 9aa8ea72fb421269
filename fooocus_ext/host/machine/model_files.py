"""Model files on this machine: their folders, what is there, and what happens when one has come."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from modules import modelloader, paths, sd_models, shared

from fooocus_ext.api.downloads import ModelFiles
from fooocus_ext.downloads.orders import Order
from fooocus_ext.downloads.queue import Downloads
from fooocus_ext.downloads.sources import from_environment
from fooocus_ext.host.inpaint_engine import files as inpaint_files
from fooocus_ext.host.machine import assets, expansion, text_encoder, vae
from fooocus_ext.presets.offers import offers
from fooocus_ext.presets.published import Kind, Published
from fooocus_ext.prompting.expansion_folder import DOWNLOAD

REFUSAL = (
    "this webui can be reached from outside (--listen, --share or --server-name) and downloads nothing "
    "on request"
)


def refusal() -> str:
    """Return why nothing may be downloaded: where the host lets nobody install extensions either."""
    return REFUSAL if getattr(shared.cmd_opts, "disable_extension_access", False) else ""


def folders() -> dict[Kind, Path]:
    """Return where files of each kind belong."""
    known, models = assets.installed().folders, Path(paths.models_path)
    upscalers = getattr(shared.cmd_opts, "esrgan_models_path", None)
    embeddings = getattr(shared.cmd_opts, "embeddings_dir", None)
    return {
        "checkpoint": Path(known.checkpoints),
        "lora": Path(known.loras),
        "vae": Path(known.vaes),
        "embedding": Path(embeddings) if embeddings else Path(paths.data_path) / "embeddings",
        "upscaler": Path(upscalers) if upscalers else models / "ESRGAN",
        "inpaint": inpaint_files.folder(),
    }


def installed() -> Mapping[Kind, Sequence[str]]:
    """Return what there is of each kind: as the host names it, and as the folders have it."""
    known = assets.installed()
    listed: dict[Kind, Iterable[str]] = {
        "checkpoint": known.checkpoints,
        "lora": known.loras,
        "vae": known.vaes,
        "embedding": text_encoder.installed_embeddings(),
        "upscaler": (str(each.data_path) for each in shared.sd_upscalers if each.data_path),
        "inpaint": (),
    }
    return {kind: [*listed[kind], *_names_in(folder)] for kind, folder in folders().items()}


def _names_in(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def _offers() -> Mapping[str, Published]:
    return offers(assets.presets(), from_environment())


def read_again(kind: str) -> None:
    """Have the host and the extension find files of a kind that have come or gone."""
    if kind == "checkpoint":
        sd_models.list_models()
    elif kind == "vae":
        vae.list_again()
    elif kind == "upscaler":
        modelloader.load_upscalers()
    elif kind == "lora" and "networks" in sys.modules:
        sys.modules["networks"].list_available_networks()
    elif kind == DOWNLOAD:
        expansion.forget_models()


def _arrived(order: Order) -> None:
    read_again(order.kind)


DOWNLOADS = Downloads(_arrived)
"""The webui's only queue of downloads; it outlives a reload of the page's server."""
MODEL_FILES = ModelFiles(
    offers=_offers,
    installed=installed,
    folders=folders,
    sources=from_environment,
    refusal=refusal,
)


def take_up() -> None:
    """List what an earlier run of the webui has left unfinished, as paused."""
    for kind, folder in folders().items():
        DOWNLOADS.take_up(kind, folder, from_environment)
