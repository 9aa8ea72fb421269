"""Asking a server for a file: where it leads is followed as far as files may come from there."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from fooocus_ext.downloads.files import DownloadError, is_sum
from fooocus_ext.downloads.sources import Sources

log = logging.getLogger("fooocus")

_USER_AGENT = "sd-webui-fooocus"
_TIMEOUT = httpx.Timeout(30.0)
_MAX_REDIRECTS = 6
_MAX_DIGITS = 18
_PARTIAL, _RANGE_REFUSED, _TOO_MANY, _SERVER_FAULT = 206, 416, 429, 500


class BrokenOffError(Exception):
    """The connection failed, or the server is busy: worth another try."""


class RefusedError(Exception):
    """The server does not give the file, or leads where files may not come from; says which."""


@dataclass(frozen=True)
class Answer:
    """What a server says of a file before it gives it.

    Attributes:
        response: the answer; its body has not been read.
        stated_sum: the SHA-256 that the hub states, in lower case; empty if it does not.
        stated_size: the file's size in bytes, as the hub states it.
    """

    response: httpx.Response
    stated_sum: str = ""
    stated_size: int | None = None

    @property
    def range_refused(self) -> bool:
        """Whether there is nothing from the byte on that was asked for."""
        return self.response.status_code == _RANGE_REFUSED

    @property
    def is_partial(self) -> bool:
        """Whether it gives a part of the file."""
        return self.response.status_code == _PARTIAL

    @property
    def version(self) -> str:
        """What names this state of the file: the hub's sum, an entity tag, a date, or nothing."""
        headers = self.response.headers
        return self.stated_sum or headers.get("ETag") or headers.get("Last-Modified") or ""

    @property
    def begins_at(self) -> int | None:
        """The byte of the file at which it begins; None for a part that does not say."""
        return self._range[0] if self.is_partial else 0

    @property
    def whole_size(self) -> int | None:
        """The size of the whole file in bytes, None if it does not say."""
        length = _number(self.response.headers.get("Content-Length", ""))
        if self.is_partial or self.range_refused:
            return self._range[1]
        return self.stated_size if length is None else length

    @property
    def _range(self) -> tuple[int | None, int | None]:
        found = re.fullmatch(
            r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", self.response.headers.get("Content-Range", "")[:99]
        )
        return (_number(found[1] or ""), _number(found[2])) if found else (None, None)


def new_client() -> httpx.Client:
    """Return what asks servers; its proxies are those of the environment, as in the webui's own downloads.

    Raises:
        DownloadError: the environment names a proxy that cannot be used.
    """
    try:
        return httpx.Client(timeout=_TIMEOUT)
    except (ImportError, ValueError) as error:
        raise DownloadError(f"The proxy that is set cannot be used: {error}") from error


@contextmanager
def ask(
    client: httpx.Client,
    url: str,
    sources: Sources,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
) -> Iterator[Answer]:
    """Ask for a file, and give the answer before its body is read.

    Raises:
        BrokenOffError: the connection failed, or the server has a fault.
        RefusedError: the server, or another that it leads to, does not give the file.
    """
    sent = {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity", **(headers or {})}
    try:
        request = client.build_request(method, sources.address(url), headers=sent)
        answer = _follow(client, request, sources)
        try:
            _check_status(answer.response)
            yield answer
        finally:
            answer.response.close()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise BrokenOffError(str(error) or type(error).__name__) from error


def look(url: str, sources: Sources) -> tuple[int | None, str]:
    """Return the size in bytes and the SHA-256 that a file's host states: None and "" if it does not.

    Raises:
        DownloadError: it cannot be asked; one line.
    """
    try:
        with new_client() as client, ask(client, url, sources, "HEAD") as answer:
            return answer.stated_size or answer.whole_size, answer.stated_sum
    except (BrokenOffError, RefusedError) as error:
        log.warning("%s: %s", url, error)
        raise DownloadError(f"The file's host could not be asked: {error}") from error


def _follow(client: httpx.Client, first: httpx.Request, sources: Sources) -> Answer:
    request: httpx.Request | None = first
    stated_sum, stated_size = "", None
    for _ in range(_MAX_REDIRECTS):
        if request is None or not sources.allows(str(request.url)):
            where = request.url.host if request is not None else "no address"
            raise RefusedError(f"it leads to {where}, where files may not come from")
        response = client.send(request, stream=True, follow_redirects=False)
        if sources.is_hub(str(request.url)):
            entity = response.headers.get("X-Linked-Etag", "").removeprefix("W/").strip('"').lower()
            stated_sum = entity if is_sum(entity) else stated_sum
            size = _number(response.headers.get("X-Linked-Size", ""))
            stated_size = stated_size if size is None else size
        if not response.has_redirect_location:
            return Answer(response, stated_sum, stated_size)
        response.close()
        request = response.next_request
    raise RefusedError("its address leads in circles")


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status == _TOO_MANY or status >= _SERVER_FAULT:
        raise BrokenOffError(f"its host answers HTTP {status}")
    if not response.is_success and status != _RANGE_REFUSED:
        raise RefusedError(f"its host answers HTTP {status}")


def _number(digits: str) -> int | None:
    return int(digits) if digits.isdecimal() and len(digits) <= _MAX_DIGITS else None
