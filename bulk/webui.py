"""One webui over HTTP: is it well, and what does it make of a request?

Nothing is tried twice here, and no answer is believed before it is read: what it means, `policy` says.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import urllib3

from bulk import pictures
from bulk.answers import CANARY, Answer, Job, Kind, Made, Make, Probe

TXT2IMG = "/sdapi/v1/txt2img"
SCHEMA = "/fooocus/v1/schema"
CONNECT_SECONDS = 10
INTERRUPT_SECONDS = 5
CHUNK = 1 << 16
LONGEST_REASON = 2000
OF_THE_REQUEST = {400, 413, 422}
OF_THE_CALLER = {401, 403}
OF_THE_WAY = {429, 502, 503, 504}
"""A proxy's, or a webui's that has no time: it says nothing about the request."""


class _NoAnswerError(Exception):
    """A request that ended without a status."""

    def __init__(self, kind: Kind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class Webui:
    """A webui at an address.

    Args:
        url: without a path behind it, or with the one that a proxy gave it.
        auth: "user:password" of its --api-auth, or "".
        ca: a file with certificates to believe besides the system's, or "".
    """

    def __init__(self, url: str, auth: str = "", ca: str = "") -> None:
        self.url = url.rstrip("/")
        headers = {"Content-Type": "application/json"}
        if auth:
            headers["Authorization"] = f"Basic {base64.b64encode(auth.encode()).decode()}"
        self._pool = urllib3.PoolManager(
            maxsize=4, headers=headers, cert_reqs="CERT_REQUIRED", ca_certs=ca or None
        )

    def run(self, job: Job) -> Answer:
        """Do a job; whatever happens is an answer."""
        started = time.monotonic()
        try:
            answer = self._probe(job) if isinstance(job, Probe) else self._make(job)
        except _NoAnswerError as problem:
            answer = Answer(problem.kind, problem.reason)
        except _UnexpectedError as problem:
            answer = problem.answer
        return replace(answer, seconds=time.monotonic() - started)

    def is_there(self) -> bool:
        """Tell whether the extension's routes are."""
        try:
            return self._ask("GET", SCHEMA, time.monotonic() + CONNECT_SECONDS)[0] != 404
        except _NoAnswerError:
            return False

    def interrupt(self) -> None:
        """Ask the webui to give up what it is making; only for one that serves nobody else."""
        try:
            self._ask("POST", "/sdapi/v1/interrupt", time.monotonic() + INTERRUPT_SECONDS)
        except _NoAnswerError:
            return

    def _make(self, job: Make) -> Answer:
        body = json.dumps(job.request).encode()
        status, content = self._ask("POST", TXT2IMG, time.monotonic() + job.timeout, body)
        if status != 200:
            raise _UnexpectedError(status, content)
        return Answer("picture", http=status, made=read_made(content))

    def _probe(self, job: Probe) -> Answer:
        deadline = time.monotonic() + job.timeout
        version = str(self._json(SCHEMA, deadline)["version"])
        names = self._names(deadline) if job.names else {}
        canary = self._make(Make(CANARY, deadline - time.monotonic()))
        return replace(canary, version=version, names=names)

    def _names(self, deadline: float) -> dict[str, frozenset[str]]:
        """Return all names that requests may use, each in every form that the webui takes.

        A kind whose list this webui does not have (schedulers before A1111 1.9) is left out.
        """
        found: dict[str, frozenset[str]] = {}
        for kind, (path, names) in LISTS.items():
            try:
                found[kind] = frozenset(names(self._json(path, deadline)))
            except _UnexpectedError as problem:
                if problem.answer.kind != "absent":
                    raise
            except (KeyError, TypeError, AttributeError) as error:
                raise _NoAnswerError("broken", f"{path} has no list of names: {error!r}") from error
        if "sampler" in found:  # older webuis, and requests for them, have both in one name
            found["sampler"] |= {
                f"{sampler} {scheduler}"
                for sampler in found["sampler"]
                for scheduler in found.get("scheduler", ())
            }
        return found

    def _json(self, path: str, deadline: float) -> Any:
        status, content = self._ask("GET", path, deadline)
        if status != 200:
            raise _UnexpectedError(status, content)
        try:
            return json.loads(content)
        except ValueError as error:
            raise _NoAnswerError("broken", f"{path} is no JSON: {error}") from error

    def _ask(
        self, method: str, path: str, deadline: float, body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Return status and content of an answer. Raises _NoAnswerError."""
        left = max(0.1, deadline - time.monotonic())
        timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, left), read=left)
        try:
            response = self._pool.request(
                method,
                self.url + path,
                body=body,
                timeout=timeout,
                retries=False,
                preload_content=False,
            )
            try:
                return response.status, _content(response, deadline)
            finally:
                response.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise _NoAnswerError(_kind_of(error), f"{type(error).__name__}: {error}") from error


class _UnexpectedError(Exception):
    """A status other than 200."""

    def __init__(self, status: int, content: bytes) -> None:
        super().__init__(status)
        self.answer = Answer(_kind_of_status(status), reason_in(content), status)


def _content(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """Return a body, unless it takes until the deadline, byte by byte.

    Headers have no such end: each byte of them may take as long as the whole answer.
    """
    parts = []
    while part := response.read1(CHUNK):
        parts.append(part)
        if time.monotonic() > deadline:
            response.close()
            raise _NoAnswerError("timeout", "the answer came too slowly")
    return b"".join(parts)


def _kind_of(error: urllib3.exceptions.HTTPError) -> Kind:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "forbidden"
    if isinstance(
        error, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    ):
        return "absent"
    return "timeout" if isinstance(error, urllib3.exceptions.TimeoutError) else "broken"


def _kind_of_status(status: int) -> Kind:
    if status in OF_THE_REQUEST:
        return "refused"
    if status in OF_THE_CALLER:
        return "forbidden"
    if status in OF_THE_WAY:
        return "broken"
    return "error" if status >= 500 else "absent"  # 404: its API is not there yet


def reason_in(content: bytes) -> str:
    """Return what an answer says is wrong, in whatever form it says it, shortened."""
    text = content.decode("utf-8", "replace").strip()
    try:
        found = json.loads(text)
    except ValueError:
        return text[:LONGEST_REASON]
    if isinstance(found, dict):
        said = [found.get(name) for name in ("detail", "errors")]
        text = " ".join(
            part if isinstance(part, str) else json.dumps(part) for part in said if part
        )
    return text[:LONGEST_REASON]


def read_made(content: bytes) -> Made:
    """Return the picture in an answer of txt2img. Raises _NoAnswerError if none can be believed."""
    try:
        answer = json.loads(content)
        png = base64.b64decode(answer["images"][0], validate=True)
        info = json.loads(answer["info"])
        return Made(
            png=png,
            facts=pictures.read_png(png)._replace(infotext=str(info["infotexts"][0])),
            prompt=str(info["all_prompts"][0]),
            model=str(info["sd_model_name"]),
            model_hash=str(info["sd_model_hash"]),
        )
    except (ValueError, KeyError, IndexError, TypeError, binascii.Error) as error:
        raise _NoAnswerError("broken", f"no picture in the answer: {error!r}") from error


def _with_aliases(found: list[Mapping[str, Any]], *names: str) -> set[str]:
    own = {str(entry[name]) for entry in found for name in names}
    return own | {str(alias) for entry in found for alias in entry.get("aliases") or ()}


def _checkpoint_names(found: list[Mapping[str, Any]]) -> set[str]:
    names = set()
    for model in found:
        file = str(model["filename"]).replace("\\", "/").rpartition("/")[2]
        title, sha256 = str(model["title"]), model.get("sha256") or ""
        forms = (
            title,
            title.partition(" [")[0],
            model["model_name"],
            file,
            file.rpartition(".")[0],
        )
        names |= {*forms, model.get("hash") or "", sha256, sha256[:10]}
    return names - {""}


LISTS: dict[str, tuple[str, Callable[[Any], set[str]]]] = {
    "sampler": ("/sdapi/v1/samplers", lambda found: _with_aliases(found, "name")),
    "scheduler": ("/sdapi/v1/schedulers", lambda found: _with_aliases(found, "name", "label")),
    "checkpoint": ("/sdapi/v1/sd-models", _checkpoint_names),
    "script": ("/sdapi/v1/scripts", lambda found: set(found["txt2img"])),
    "webui style": ("/sdapi/v1/prompt-styles", lambda found: {style["name"] for style in found}),
    "style": (
        "/fooocus/v1/styles",
        lambda found: {style["name"] for style in found["styles"]} | set(found["special"]),
    ),
    "preset": ("/fooocus/v1/presets", lambda found: set(found["presets"])),
}
"""Kind of name -> where a webui lists it, and how."""
