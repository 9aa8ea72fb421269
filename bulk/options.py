"""The command line of `python dev.py bulk`."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from bulk import lists
from bulk.errors import UsageError

AUTH_VARIABLE = "FOOOCUS_BULK_AUTH"
USAGE_ERROR = 2
DESCRIPTION = """\
Make the pictures of a list of requests on any number of webuis with this extension, each picture exactly
once: whatever is killed, the same command goes on. docs/bulk.md is the guide.

  python dev.py bulk requests.jsonl --webui http://a:7860 --webui http://b:7860 --out pictures
  python dev.py bulk requests.jsonl --spawn 2 --no-ray --out pictures
  python dev.py bulk --status pictures
  python dev.py bulk --verify pictures"""
EPILOG = """\
Exit status: 0 all pictures are made, 1 some have failed, 2 nothing was begun (wrong list or command line),
3 unfinished: the same command goes on."""


def read(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what a command line says. It needs no library, so that it comes before any is installed.

    Raises:
        UsageError: it does not say what is to be done, or a file that it names cannot be read.
        SystemExit: an argument is wrong, or help was asked for; both have been printed.
    """
    options = parser().parse_args(arguments)
    if options.status or options.verify:
        return options
    if options.list is None or (options.out is None and not options.dry_run):
        raise UsageError("name a list of requests and, with --out, a folder for the pictures.")
    lists.reader_of(options.list)
    if options.defaults:
        lists.read_object(options.defaults)
    return options


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    line = argparse.ArgumentParser(
        prog="dev.py bulk",
        allow_abbrev=False,
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    line.add_argument("list", nargs="?", type=Path, help="the requests: .jsonl, .csv or .parquet")
    line.add_argument("--out", metavar="DIR", type=Path, help="where pictures and journal are kept")
    line.add_argument(
        "--defaults", metavar="FILE", type=Path, help="a JSON object: fields for every request"
    )
    look = line.add_mutually_exclusive_group()
    look.add_argument("--status", metavar="DIR", type=Path, help="say how far the run in DIR is")
    look.add_argument(
        "--verify", metavar="DIR", type=Path, help="check every picture in DIR by its record"
    )
    look.add_argument(
        "--dry-run", action="store_true", help="check the list (and the webuis), make nothing"
    )
    _add_webuis(line)
    _add_engine(line)
    _add_limits(line)
    return line


def _add_webuis(line: argparse.ArgumentParser) -> None:
    webuis = line.add_argument_group("webuis")
    webuis.add_argument(
        "--webui", metavar="URL", action="append", default=[], help="one; repeatable"
    )
    webuis.add_argument(
        "--spawn",
        metavar="N|gpus",
        help="start N embedded webuis, one CPU core each, or one for each GPU",
    )
    webuis.add_argument(
        "--checkpoint", metavar="FILE", help="for the embedded webuis; default: Pocket SDXL"
    )
    webuis.add_argument(
        "--python", metavar="FILE", help="the Python of the embedded webuis; default: .venv's"
    )
    webuis.add_argument(
        "--auth-file",
        metavar="FILE",
        type=Path,
        help="user:password for all webuis, or lines of URL user:password; or the same in the environment "
        f"variable {AUTH_VARIABLE}",
    )
    webuis.add_argument("--ca", metavar="FILE", type=Path, help="certificates to believe, in PEM")
    webuis.add_argument(
        "--strict", action="store_true", help="refuse a webui whose canary has other pixels"
    )
    webuis.add_argument(
        "--model-hash",
        metavar="HASH",
        default="",
        help="the checkpoint that every webui must have loaded",
    )


def _add_engine(line: argparse.ArgumentParser) -> None:
    engine = line.add_argument_group("engine")
    engine.add_argument(
        "--ray",
        metavar="ADDRESS",
        default="local",
        help="a Ray cluster (its address, or auto); by default one is started that only this machine reaches",
    )
    engine.add_argument(
        "--no-ray", action="store_true", help="threads of this process in place of Ray"
    )


def _add_limits(line: argparse.ArgumentParser) -> None:
    limits = line.add_argument_group("what to put up with")
    limits.add_argument(
        "--timeout", metavar="S", type=_positive, default=300.0,
        help="seconds for a picture, at least; ten times a webui's median, if that is more (default 300)",
    )  # fmt: skip
    limits.add_argument(
        "--attempts", metavar="N", type=_whole, default=3,
        help="errors of webuis that are otherwise well, before a request has failed (default 3)",
    )  # fmt: skip
    limits.add_argument(
        "--max-failures", metavar="N|P%", type=_share, default=_share("5%"),
        help="stop when more pictures fail in this run; a share: when it is more than 10, too (default 5%%)",
    )  # fmt: skip
    limits.add_argument(
        "--patience", metavar="S", type=_positive, default=600.0,
        help="stop when no webui was well for so many seconds (default 600)",
    )  # fmt: skip
    limits.add_argument(
        "--retry-failed", action="store_true", help="try what has failed in earlier runs again"
    )
    limits.add_argument(
        "--format", choices=("files", "webdataset"), default="files",
        help="webdataset: finished pictures are packed into tar files, too",
    )  # fmt: skip
    limits.add_argument(
        "--shard-size",
        metavar="N",
        type=_whole,
        default=1000,
        help="pictures in one (default 1000)",
    )


def _whole(text: str) -> int:
    with contextlib.suppress(ValueError):
        value = int(text)
        if value >= 1:
            return value
    raise argparse.ArgumentTypeError(f"got {text!r}; allowed: a whole number above 0")


def _positive(text: str) -> float:
    with contextlib.suppress(ValueError):
        value = float(text)
        if 0 < value < float("inf"):
            return value
    raise argparse.ArgumentTypeError(f"got {text!r}; allowed: a number above 0")


def _share(text: str) -> tuple[float, bool]:
    """Return a number, and whether it is a share of all."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(%?)", text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"got {text!r}; allowed: a number, or a percentage such as 5%"
        )
    return (float(found[1]) / 100, True) if found[2] else (float(found[1]), False)


def checked_urls(urls: list[str]) -> list[str]:
    """Return the addresses of webuis without a slash at the end. Raises UsageError."""
    found = [url.rstrip("/") for url in urls]
    for url in found:
        if "@" in url.split("://")[-1].partition("/")[0]:
            raise UsageError(
                "--webui: allowed: an address without a password, which --auth-file has."
            )
        if not _is_address(url):
            raise UsageError(
                f"--webui: got {url}; allowed: an address such as http://127.0.0.1:7860."
            )
    twice = {url for url in found if found.count(url) > 1}
    if twice:
        raise UsageError(f"--webui: {', '.join(sorted(twice))} is named twice.")
    return found


def _is_address(url: str) -> bool:
    """Tell whether a path can be put behind it."""
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0  # raises if it is none
    except ValueError:
        return False
    is_http = parts.scheme in ("http", "https")
    return bool(is_http and parts.hostname and has_port and not re.search(r"[?#\s]", url))


def checked_certificates(path: Path | None) -> str:
    """Return the path of certificates to believe, "" for none. Raises UsageError."""
    if path is None:
        return ""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:
        raise UsageError(f"--ca: {path}: has no certificate in PEM: {error}.") from error
    return str(path.resolve())


def credentials(path: Path | None, urls: list[str]) -> dict[str, str]:
    """Return "user:password" for each address that has one.

    Raises:
        UsageError: the file cannot be read, or a line is neither user:password nor URL user:password.
    """
    text = os.environ.get(AUTH_VARIABLE, "")
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--auth-file: {error}.") from error
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        url, _blank, secret = line.strip().rpartition(" ")
        if not line.strip():
            continue
        if ":" not in secret or (url and url.strip().rstrip("/") not in urls):
            raise UsageError(
                f"--auth-file: line {number} is wrong; allowed: user:password for all webuis, or one of the "
                "addresses of --webui, a blank and user:password."
            )
        found |= (
            {url.strip().rstrip("/"): secret}
            if url
            else dict.fromkeys(set(urls) - set(found), secret)
        )
    return found
