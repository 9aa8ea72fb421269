"""The journal in the forms that people load: one Parquet file, and shards for webdataset."""

from __future__ import annotations

import importlib.util
import io
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from bulk.journal import DONE, UNFINISHED, Folder, Record, read_records
from bulk.lists import NO_PARQUET
from fooocus_ext.data_files import replace_file

ROWS = 5000
COLUMNS = (
    ("key", "string"),
    ("status", "string"),
    ("lines", "list"),
    ("ids", "list of texts"),
    ("file", "string"),
    ("bytes", "int64"),
    ("sha256", "string"),
    ("pixels_sha256", "string"),
    ("width", "int64"),
    ("height", "int64"),
    ("seed", "int64"),
    ("request", "json"),
    ("prompt_final", "string"),
    ("infotext", "string"),
    ("model", "string"),
    ("model_hash", "string"),
    ("extension_version", "string"),
    ("host", "string"),
    ("attempt", "int64"),
    ("seconds", "float64"),
    ("finished_at", "string"),
    ("adopted", "bool"),
    ("error", "json"),
)


def write_manifest(folder: Folder) -> str:
    """Write manifest.parquet: a row for each record. Returns why not, if it cannot be.

    Another process does it, and takes the 70 MB that it needs along when it ends.
    """
    if importlib.util.find_spec("pyarrow") is None:
        return NO_PARQUET
    if is_newer(folder.manifest, folder.journal):
        return ""
    command = [sys.executable, "-m", "bulk.manifest", str(folder.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- ourselves
    return done.stderr if done.returncode else ""


def is_newer(path: Path, source: Path) -> bool:
    """Tell whether a file is there and was written after what it is made of."""
    return path.is_file() and path.stat().st_mtime_ns > source.stat().st_mtime_ns


def write_parquet(folder: Folder) -> None:
    """Write manifest.parquet in this process, which must have pyarrow."""
    import pyarrow as pa  # noqa: PLC0415 -- 30 MB that only this needs
    from pyarrow import parquet  # noqa: PLC0415

    types = {
        "list": pa.list_(pa.int64()),
        "list of texts": pa.list_(pa.string()),
        "json": pa.string(),
        "bool": pa.bool_(),
        "string": pa.string(),
        "int64": pa.int64(),
        "float64": pa.float64(),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in COLUMNS])
    unfinished = folder.manifest.with_name(folder.manifest.name + UNFINISHED)
    records = read_records(folder.journal)
    with parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer:
        while rows := [_row(record) for record in islice(records, ROWS)]:
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    replace_file(unfinished, folder.manifest)


def _row(record: Record) -> dict[str, Any]:
    row = {name: record.get(name) for name, _kind in COLUMNS}
    for name, kind in COLUMNS:
        if kind == "json" and row[name] is not None:
            row[name] = json.dumps(row[name], ensure_ascii=False)
    row["adopted"] = bool(row["adopted"])
    return row


def write_shards(folder: Folder, size: int) -> int:
    """Write the finished pictures into tar files of ``size`` each, as webdataset reads them.

    A picture is three members with its key as their name: .png, .json (its record) and .txt (its prompt).

    Returns:
        the number of shards.
    """
    folder.shards.mkdir(exist_ok=True)
    done = (record for record in read_records(folder.journal) if record["status"] == DONE)
    number = 0
    while records := list(islice(done, size)):
        path = folder.shards / f"{number:06}.tar"
        unfinished = path.with_name(path.name + UNFINISHED)
        with tarfile.open(unfinished, "w") as shard:
            for record in records:
                for name, content in _members(folder, record):
                    entry = tarfile.TarInfo(name)
                    entry.size = len(content)
                    shard.addfile(entry, io.BytesIO(content))
        replace_file(unfinished, path)
        number += 1
    for path in _surplus(folder, number):
        path.unlink()
    return number


def _members(folder: Folder, record: Record) -> Iterator[tuple[str, bytes]]:
    key = record["key"]
    prompt = record.get("prompt_final") or record["request"].get("prompt", "")
    yield f"{key}.png", folder.image(key).read_bytes()
    yield f"{key}.json", json.dumps(record, ensure_ascii=False).encode("utf-8", "replace")
    yield f"{key}.txt", str(prompt).encode("utf-8", "replace")


def _surplus(folder: Folder, count: int) -> list[Path]:
    """Return shards of an earlier packing that had more; tar files of other names are somebody's own."""
    shards = (path for path in folder.shards.glob("*.tar") if re.fullmatch(r"\d{6,}", path.stem))
    return [path for path in shards if int(path.stem) >= count]


if __name__ == "__main__":
    write_parquet(Folder(Path(sys.argv[1])))
