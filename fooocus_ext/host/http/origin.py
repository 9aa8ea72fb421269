"""Where a request comes from: the webui's own page, a program, or a page that has no business here.

A browser lets any page send requests to ``http://127.0.0.1``, and by pointing its own domain at that
address (DNS rebinding) a page can even read the answers. What a browser says of a request cannot be
forged by the page that causes it, so three things tell such pages apart:

* ``Sec-Fetch-Site``, which browsers send to https and loopback addresses only, says whether the page is
  the webui's own as the browser knows it, behind whatever proxy. A page that rebinds its domain is at
  neither kind of address, so its requests lack the header.
* ``Origin``, which browsers send with everything but GET and HEAD, is compared with the address that the
  request was sent to: ``Host``, or what a proxy says that was (``X-Forwarded-Host``; another site's page
  cannot send that without asking first).
* The name in that address must be one that no stranger can own.

A program such as curl sends neither of the first two, and is asked for nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from fooocus_ext.errors import describe

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_PORTS = {"http": 80, "https": 443}
_PRIVATE = (".localhost", ".local", ".internal", ".home.arpa", ".lan")
"""Ends of names that no registry gives away."""
_SHARED = ".gradio.live"


class _Address(NamedTuple):
    """A name or number in lower case, and a port; None for the scheme's own."""

    name: str
    port: int | None


@dataclass(frozen=True)
class Trust:
    """Whose pages may use this webui.

    Attributes:
        names: what it is called, besides numbers and names that no stranger can own; one that begins
            with a dot stands for every name that ends in it.
        origins: pages of other servers that may use it (``https://name:port``); ``*`` for all.
        origin_pattern: the same as a pattern, or None.
    """

    names: tuple[str, ...] = ()
    origins: frozenset[str] = frozenset()
    origin_pattern: re.Pattern[str] | None = None

    def problem(self, method: str, headers: Mapping[str, str]) -> str | None:
        """Return why a request must be refused, or None.

        Args:
            method: GET and so on; those of ``SAFE_METHODS`` change nothing, so any page may cause one:
                the browser keeps the answer from it.
            headers: by their names in lower case.
        """
        if method not in SAFE_METHODS and not self._may_change(headers):
            sender = describe(headers["origin"]) if "origin" in headers else "another site"
            return (
                f"Fooocus: this request was sent by a page of {sender}; allowed: the webui's own page, "
                "programs other than browsers, and origins that the webui is started with in "
                "--cors-allow-origins."
            )
        return self._name_problem(method, headers)

    def _may_change(self, headers: Mapping[str, str]) -> bool:
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None and self._is_allowed(origin):
            return True
        if site is not None:
            return site in ("same-origin", "none")
        return origin is None or _is_own(origin, headers)

    def _is_allowed(self, origin: str) -> bool:
        if "*" in self.origins or origin in self.origins:
            return True
        return self.origin_pattern is not None and bool(self.origin_pattern.fullmatch(origin))

    def _name_problem(self, method: str, headers: Mapping[str, str]) -> str | None:
        """Return what is wrong with the name that a browser may have used for this webui."""
        if "sec-fetch-site" in headers:
            return None
        if method not in SAFE_METHODS and "origin" not in headers:
            return None
        unknown = [address for address in _addresses(headers) if not self._knows(address.name)]
        if not unknown:
            return None
        return (
            f"Fooocus: this request was sent to {describe(unknown[0].name)}, a name that the webui does "
            "not know as its own; allowed: IP addresses, localhost, names without a dot and https; or "
            f"start the webui with --fooocus-allow-host {unknown[0].name}"
        )

    def _knows(self, name: str) -> bool:
        if _is_number(name) or "." not in name or name.endswith(_PRIVATE):
            return True
        if any(self._is_allowed(f"{scheme}://{name}") for scheme in _PORTS):
            return True
        if name in self.names or name.endswith(tuple(n for n in self.names if n.startswith("."))):
            return True
        pages = (_read_address(origin.partition("://")[2]) for origin in self.origins)
        return any(page is not None and page.name == name for page in pages)


def trust_of(options: Any) -> Trust:
    """Return whom the webui's command line trusts (``shared.cmd_opts``)."""
    allowed = getattr(options, "fooocus_allow_host", None) or []
    names = [*_listed(*allowed), socket.gethostname(), getattr(options, "server_name", None) or ""]
    if getattr(options, "share", False):
        names.append(_SHARED)
    pattern = getattr(options, "cors_allow_origins_regex", None)
    return Trust(
        names=tuple(name.lower() for name in names if name),
        origins=frozenset(_listed(getattr(options, "cors_allow_origins", None) or "")),
        origin_pattern=re.compile(pattern) if pattern else None,
    )


def _listed(*texts: str) -> list[str]:
    return [item.strip() for text in texts for item in text.split(",") if item.strip()]


def _addresses(headers: Mapping[str, str]) -> Iterator[_Address]:
    """Yield every address that the request says it was sent to; one that cannot be read has no name."""
    for header in ("host", "x-forwarded-host"):
        for text in _listed(headers.get(header, "")):
            yield _read_address(text) or _Address(f"?.{text}", None)


def _is_own(origin: str, headers: Mapping[str, str]) -> bool:
    """Whether the page is at the address that the request was sent to.

    The schemes are not compared: behind a proxy the webui does not know its own.
    """
    scheme, _, address = origin.partition("://")
    default, page = _PORTS.get(scheme), _read_address(address)
    if page is None or default is None:
        return False
    own = ((it.name, it.port or default) for it in _addresses(headers))
    return (page.name, page.port or default) in own


def _read_address(text: str) -> _Address | None:
    """Read ``name``, ``name:port``, ``1.2.3.4:port`` or ``[::1]:port``; None if it is none of them."""
    try:
        parts = urlsplit(f"//{text}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not name or parts.path or parts.query or parts.fragment or "@" in text:
        return None
    return _Address(name.rstrip("."), port)


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
