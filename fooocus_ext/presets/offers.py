"""Which model files can be downloaded here: those of our table, and those whose address a preset names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from fooocus_ext.data_files import is_device
from fooocus_ext.downloads.files import RemoteFile
from fooocus_ext.downloads.sources import Sources
from fooocus_ext.presets.file_names import match_file
from fooocus_ext.presets.files import PresetLibrary
from fooocus_ext.presets.preset import Preset
from fooocus_ext.presets.published import Kind, Published, published

_FILE_NAME = re.compile(r"[\w][\w .+()\[\]-]{0,150}\.safetensors")
"""Files that cannot hold code. Of others, only those of our table come."""


def offers(library: PresetLibrary, sources: Sources) -> dict[str, Published]:
    """Return every file that can be downloaded, by name.

    What a preset says of a file of our table does not count; of two presets the first one's does.

    Args:
        library: the presets.
        sources: where files may come from; addresses elsewhere are left out.
    """
    found = dict(published())
    for preset in library.presets.values():
        for kind, name, url in _addresses(preset):
            is_file = _FILE_NAME.fullmatch(name) and not is_device(name)
            if is_file and sources.allows(sources.address(url)):
                file = Published(kind, RemoteFile(name, url), "", page_of(url))
                found.setdefault(name, file)
    return found


def _addresses(preset: Preset) -> Iterator[tuple[Kind, str, str]]:
    named: Mapping[Kind, Mapping[str, str] | None] = {
        "checkpoint": preset.checkpoint_downloads,
        "lora": preset.lora_downloads,
        "vae": preset.vae_downloads,
        "embedding": preset.embeddings_downloads,
    }
    for kind, files in named.items():
        for name, url in (files or {}).items():
            yield kind, name, url


def page_of(url: str) -> str:
    """Return the page of the hub's repository that a file is in, which tells its licence."""
    parts = urlsplit(url)
    owner_and_name = "/".join(parts.path.split("/")[1:3])
    return f"{parts.scheme}://{parts.netloc}/{owner_and_name}"


def is_installed(offer: Published, installed: Mapping[Kind, Sequence[str]]) -> bool:
    """Whether this machine has a file, as it names those that it has."""
    return match_file(offer.file.name, installed.get(offer.kind, ())) is not None
