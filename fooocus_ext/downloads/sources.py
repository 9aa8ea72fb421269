"""Where files may come from: the model hub and the machines that it leads to, or a mirror of it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

HUB = "https://huggingface.co"
_HUB_DOMAINS = ("huggingface.co", "hf.co")
"""The hub's own names; the machines that store its files are below them."""
_HOST = re.compile(
    r"([^@]*@)?([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:[0-9]*)?", re.ASCII | re.IGNORECASE
)
"""The host of an address, spelled so that every program reads the same one: no "%2f", no other letters."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_web_address(text: str) -> bool:
    """Whether a text is an address that files may come from at all: http or https."""
    return _split(text) is not None


@dataclass(frozen=True)
class Sources:
    """Which addresses files may be asked from, wherever a server leads.

    Attributes:
        endpoint: what stands in for ``HUB``: the hub itself, or a mirror with the same paths.
        anywhere: whether any http or https address will do, because a person has typed it.
    """

    endpoint: str = HUB
    anywhere: bool = False

    def address(self, url: str) -> str:
        """Return where the file published at ``url`` is asked for: on the mirror, if there is one."""
        if url.startswith(f"{HUB}/"):
            return self.endpoint.rstrip("/") + url.removeprefix(HUB)
        return url

    def allows(self, url: str) -> bool:
        """Whether a file may come from an address: the hub over https, or the mirror as it was given."""
        parts = _split(url)
        if parts is None or self.anywhere:
            return parts is not None
        if "@" in parts.netloc:
            return False
        return self._is_endpoint(parts) or (
            _origin(parts)[::2] == ("https", 443)
            and any(
                parts.hostname == domain or str(parts.hostname).endswith(f".{domain}")
                for domain in _HUB_DOMAINS
            )
        )

    def is_hub(self, url: str) -> bool:
        """Whether an answer from ``url`` may be believed when it states what a file's content is."""
        parts = _split(url)
        if parts is None or self.anywhere:
            return False
        return self._is_endpoint(parts) or parts.hostname == _HUB_DOMAINS[0]

    def _is_endpoint(self, parts: SplitResult) -> bool:
        endpoint = _split(self.endpoint)
        return endpoint is not None and _origin(endpoint) == _origin(parts)


ANYWHERE = Sources(anywhere=True)


def from_environment() -> Sources:
    """Return the sources that this machine's owner has set: ``HF_ENDPOINT`` names a mirror of the hub."""
    endpoint = os.environ.get("HF_ENDPOINT", "").strip()
    return Sources(endpoint if is_web_address(endpoint) else HUB)


def _split(url: str) -> SplitResult | None:
    """Return the parts of a web address; None for anything else, and for what browsers may read otherwise.

    Python drops line breaks and tabs; a browser also takes a backslash for the end of the host.
    """
    if not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        is_host = _HOST.fullmatch(parts.netloc) is not None
        known = parts.scheme in _DEFAULT_PORTS and is_host and parts.port != 0
    except ValueError:
        return None
    return parts if known else None


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme]
