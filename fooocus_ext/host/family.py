"""Which family of webuis this is, and whether the extension knows its way around in it."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import NamedTuple

from fooocus_ext.generation.host import Host
from fooocus_ext.host.machine import versions

log = logging.getLogger("fooocus")

_NOTICE = (
    "Fooocus is not started: it knows AUTOMATIC1111's webui 1.6 to 1.10, Forge, reForge and Forge Classic, "
    "and found %s. Nothing of this webui was changed. Please report it, with "
    "the name and version of your webui, where you got this extension."
)


class Family(NamedTuple):
    """A family of webuis.

    Attributes:
        host: what it offers to a generation.
        register: registers what it is asked around model calls.
    """

    host: Host
    register: Callable[[], None]


def is_supported() -> bool:
    """Whether the extension can run here; if not, say so in the log, once."""
    problem = _problem()
    if problem:
        log.error(_NOTICE, problem)
    return not problem


@functools.cache
def of_this_webui() -> Family:
    """Return the family of a webui that is supported. What is of another family is never imported."""
    if versions.forge_packages():
        from fooocus_ext.host.forge import callbacks as forge_callbacks
        from fooocus_ext.host.forge.family import HOST as FORGE

        return Family(FORGE, forge_callbacks.register)
    from fooocus_ext.host.a1111 import callbacks
    from fooocus_ext.host.a1111.family import HOST

    return Family(HOST, callbacks.register)


def _problem() -> str:
    """Return what was found instead of a webui that the extension knows; empty if it knows this one."""
    packages = versions.forge_packages()
    if packages:
        return _forge_problem(f"an engine of Forge's kind ({', '.join(packages)})")
    if not versions.asks_around_model_calls():
        return "a webui that does not ask extensions before and after each model call"
    return ""


def _forge_problem(found: str) -> str:
    """Return what a child of Forge lacks that the adapter needs; empty if it has all of it."""
    if not (versions.has_sampling_hook() and versions.asks_before_model_calls()):
        return f"{found} that does not ask extensions before each pass and each model call"
    try:
        from fooocus_ext.host.forge.engine import engine

        engine()
    except ImportError as error:
        return f"{found} of another make ({error})"
    return ""
