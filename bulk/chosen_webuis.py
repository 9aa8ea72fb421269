"""The webuis that the command line names, and the executor that works with them."""

from __future__ import annotations

import argparse
from pathlib import Path

from bulk import spawn
from bulk.errors import UsageError
from bulk.executors.base import Executor, Spec
from bulk.executors.threads import Threads
from bulk.journal import Folder
from bulk.options import checked_certificates, checked_urls, credentials

GPUS = "gpus"
MOST_SPAWNED = 256


def wanted_webuis(options: argparse.Namespace, folder: Folder) -> list[Spec]:
    """Return the webuis to use, in the order of the command line. Raises UsageError."""
    urls = checked_urls(options.webui)
    secrets = credentials(options.auth_file, urls)
    ca = checked_certificates(options.ca)
    specs = [Spec(url, url, secrets.get(url, ""), ca) for url in urls]
    specs += _spawned(options, folder.webuis.resolve())
    if not specs:
        raise UsageError("name webuis with --webui URL, or have some started with --spawn N.")
    return specs


def _spawned(options: argparse.Namespace, folder: Path) -> list[Spec]:
    if options.spawn is None:
        return []
    on_gpus = options.spawn == GPUS
    if on_gpus:
        count = _gpu_count(options)
        if not count:
            raise UsageError(
                "--spawn gpus: there is no NVIDIA GPU; --spawn N starts N webuis on the CPU."
            )
    elif (
        options.spawn.isascii()
        and options.spawn.isdigit()
        and 0 < int(options.spawn) <= MOST_SPAWNED
    ):
        count = int(options.spawn)
    else:
        raise UsageError(
            f"--spawn: got {options.spawn}; allowed: {GPUS}, or a number from 1 to {MOST_SPAWNED}."
        )
    python = options.python or spawn.own_python()
    flags = ("--checkpoint", _checkpoint(options)) if options.checkpoint else ()
    return [
        Spec(
            f"webui-{number}",
            spawned=spawn.Spawned(
                python, str(folder / str(number)), flags, number - 1 if on_gpus else None
            ),
        )
        for number in range(1, count + 1)
    ]


def _is_this_machine(options: argparse.Namespace) -> bool:
    """Tell whether webuis are spawned here, and not on the machines of a cluster."""
    return bool(options.no_ray or options.ray == "local")


def _checkpoint(options: argparse.Namespace) -> str:
    path = Path(options.checkpoint).resolve()
    if _is_this_machine(options) and not path.is_file():
        raise UsageError(f"--checkpoint: got {options.checkpoint}; there is no such file.")
    return str(path)


def _gpu_count(options: argparse.Namespace) -> int:
    if _is_this_machine(options):
        return spawn.gpu_count()
    from bulk.executors.ray_actors import gpu_count  # noqa: PLC0415 -- its library is needed only now

    return gpu_count(options.ray)


def make_executor(options: argparse.Namespace, specs: list[Spec]) -> Executor:
    """Return the executor that the command line asks for. Raises UsageError."""
    if options.no_ray:
        return Threads(specs)
    from bulk.executors.ray_actors import Actors  # noqa: PLC0415

    return Actors(options.ray, specs)
