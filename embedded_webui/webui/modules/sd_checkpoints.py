"""The list of checkpoint files and their names; modules/sd_models.py re-exports this, as in the host."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from pathlib import Path

from modules import errors, hashes, shared
from modules.paths_internal import data_path, models_path

model_dir = "Stable-diffusion"
model_path = os.path.abspath(os.path.join(models_path, model_dir))
checkpoints_list: dict[str, CheckpointInfo] = {}
checkpoint_aliases: dict[str, CheckpointInfo] = {}
checkpoint_alisases = checkpoint_aliases
re_strip_checksum = re.compile(r"\s*\[[^]]+]\s*$")
MAX_HEADER = 100_000_000


def read_metadata_from_safetensors(filename):
    """The __metadata__ of a safetensors file; values that are JSON objects are parsed."""
    with open(filename, mode="rb") as file:
        size = int.from_bytes(file.read(8), "little")
        assert 2 < size < MAX_HEADER, f"{filename} is not a safetensors file"
        metadata = json.loads(file.read(size)).get("__metadata__", {})
    for key, value in metadata.items():
        if isinstance(value, str) and value.startswith("{"):
            try:
                metadata[key] = json.loads(value)
            except ValueError:
                continue
    return metadata


def model_hash(filename):
    """The old short hash over 64 KiB at an offset of 1 MiB."""
    try:
        with open(filename, "rb") as file:
            file.seek(0x100000)
            return hashlib.sha256(file.read(0x10000)).hexdigest()[:8]
    except FileNotFoundError:
        return "NOFILE"


class CheckpointInfo:
    """One file: `title` is what the user sees, `ids` are all names by which it is found."""

    def __init__(self, filename):
        self.filename = filename
        self.is_safetensors = filename.lower().endswith(".safetensors")
        self.metadata = {}
        if self.is_safetensors:
            try:
                self.metadata = read_metadata_from_safetensors(filename)
            except Exception as e:
                errors.display(e, f"reading metadata for {filename}")
        self.name = self._relative_name()
        self.name_for_extra = os.path.splitext(os.path.basename(filename))[0]
        self.model_name = os.path.splitext(self.name.replace("/", "_").replace("\\", "_"))[0]
        self.hash = model_hash(filename)
        self.ids = [
            self.hash,
            self.model_name,
            self.name,
            self.name_for_extra,
            f"{self.name} [{self.hash}]",
        ]
        self._set_sha256(hashes.sha256_from_cache(filename, f"checkpoint/{self.name}"))
        self.ids.append(self.title)

    def _relative_name(self) -> str:
        path = os.path.abspath(self.filename)
        for folder in filter(None, (shared.cmd_opts.ckpt_dir, model_path)):
            if path.startswith(os.path.abspath(folder) + os.sep):
                return os.path.relpath(path, folder)
        return os.path.basename(path)

    def _set_sha256(self, sha256) -> None:
        self.sha256 = sha256
        self.shorthash = sha256[:10] if sha256 else None
        suffix = f" [{self.shorthash}]" if self.shorthash else ""
        self.title = self.name + suffix
        self.short_title = self.name_for_extra + suffix
        if self.shorthash:
            self.ids += [
                x
                for x in (self.shorthash, sha256, self.title, self.short_title)
                if x not in self.ids
            ]

    def register(self):
        """List the checkpoint under its title and all its names."""
        checkpoints_list[self.title] = self
        checkpoint_aliases.update(dict.fromkeys(self.ids, self))

    def calculate_shorthash(self):
        """Compute the hash now; the title then carries it, in the same place of the list."""
        sha256 = hashes.sha256(self.filename, f"checkpoint/{self.name}")
        if self.shorthash == sha256[:10]:
            return self.shorthash
        old_title = self.title
        self._set_sha256(sha256)
        items = [
            (self.title if info is self else title, info)
            for title, info in checkpoints_list.items()
        ]
        if any(info is self for _, info in items) or old_title in checkpoints_list:
            checkpoints_list.clear()
            checkpoints_list.update(items)
        self.register()
        return self.shorthash


def checkpoint_tiles(use_short=False):
    """Titles of all checkpoints."""
    return [x.short_title if use_short else x.title for x in checkpoints_list.values()]


def _checkpoint_files() -> list[str]:
    folders = [Path(folder) for folder in (shared.cmd_opts.ckpt_dir, model_path) if folder]
    return [
        str(path)
        for folder in folders
        if folder.is_dir()
        for path in sorted(folder.rglob("*.safetensors"))
    ]


def list_models():
    """Search again: --ckpt, Pocket SDXL if need be, --refiner-ckpt, the folders; the first is the default."""
    checkpoints_list.clear()
    checkpoint_aliases.clear()
    ckpt = shared.cmd_opts.ckpt
    files = [path for path in (ckpt, shared.cmd_opts.refiner_ckpt) if path and os.path.exists(path)]
    if os.path.exists(ckpt):
        info = CheckpointInfo(ckpt)
        info.register()
        shared.opts.data["sd_model_checkpoint"] = info.title
    elif ckpt != shared.default_sd_model_file:
        print(f"Checkpoint in --ckpt argument not found: {ckpt}", file=sys.stderr)
    known = {os.path.abspath(x.filename) for x in checkpoints_list.values()}
    files += _checkpoint_files()
    if not files or shared.cmd_opts.pocket:
        from embedded_webui.pocket import ensure_pocket_checkpoints

        pocket = ensure_pocket_checkpoints(Path(data_path) / "pocket")
        files = [*map(str, pocket), *files]
    for path in dict.fromkeys(map(os.path.abspath, files)):
        if path not in known:
            CheckpointInfo(path).register()


def get_closet_checkpoint_match(search_string):
    """The checkpoint of this name, else the shortest title that contains it, with or without a checksum."""
    if not search_string:
        return None
    if search_string in checkpoint_aliases:
        return checkpoint_aliases[search_string]
    for wanted in (search_string, re_strip_checksum.sub("", search_string)):
        found = [info for info in checkpoints_list.values() if wanted in info.title]
        if found:
            return min(found, key=lambda info: len(info.title))
    return None


def select_checkpoint():
    """The checkpoint of the settings, or the first one; raises FileNotFoundError if there is none."""
    wanted = shared.opts.sd_model_checkpoint
    if wanted in checkpoint_aliases:
        return checkpoint_aliases[wanted]
    if not checkpoints_list:
        raise FileNotFoundError(f"No checkpoints found in {model_path}")
    info = next(iter(checkpoints_list.values()))
    if wanted is not None:
        print(f"Checkpoint {wanted} not found; loading fallback {info.title}", file=sys.stderr)
    return info
