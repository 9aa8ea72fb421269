"""Which webuis take part: those that make the same pictures as the one that sets the standard."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bulk import names
from bulk.answers import Answer
from bulk.hosts import Host

GATHER_SECONDS = 20.0
"""How long the first webui that is well waits for those before it in the order."""
SHOWN = 5
USE_SAME = "Use same "
"""Begins the names by which hires fix means what the first pass has."""


class RefusedError(Exception):
    """A webui may not take part; the message says why.

    Attributes:
        missing: the (kind, name) of the list that it does not have, if that is why.
    """

    def __init__(self, reason: str, missing: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(reason)
        self.missing = tuple(missing)


@dataclass
class Standard:
    """What every webui of a run must have in common; it is kept in the folder, for later runs too.

    Attributes:
        of: the webui that set it.
        model: the checkpoint that is loaded there, with ``model_hash``.
        version: the extension's.
        pixels_sha256: the canary's.
        hashes: of other checkpoints that requests name, as the first picture had it.
    """

    of: str
    model: str
    model_hash: str
    version: str
    pixels_sha256: str
    hashes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_host(cls, name: str, answer: Answer) -> Standard:
        """Return what a webui sets that has answered a probe well."""
        assert answer.made is not None  # noqa: S101 -- a probe that went well has a canary
        made = answer.made
        return cls(name, made.model, made.model_hash, answer.version, made.facts.pixels_sha256)

    def check(self, answer: Answer, *, strict: bool) -> str:
        """Return what is to be said about a webui that has answered a probe well, "" for nothing.

        Raises:
            RefusedError: it has another checkpoint or version, or, if ``strict``, makes other pixels.
        """
        made = answer.made
        assert made is not None  # noqa: S101
        if answer.version != self.version:
            raise RefusedError(
                f"has version {answer.version} of the extension; {self.of} has {self.version}"
            )
        if made.model_hash != self.model_hash:
            raise RefusedError(
                f"has loaded {made.model} with the hash {made.model_hash}; "
                f"{self.of} has {self.model} with {self.model_hash}"
            )
        if made.facts.pixels_sha256 == self.pixels_sha256:
            return ""
        other = f"makes other pixels of the same request than {self.of} (another kind of GPU?)"
        if strict:
            raise RefusedError(other)
        return other

    def check_model(self, request: Mapping[str, Any], model_hash: str) -> None:
        """Check the checkpoint of a picture. Raises RefusedError."""
        named = [names.model_named(request), names.preset_named(request)]
        expected = self.model_hash
        if any(named):
            expected = self.hashes.setdefault(" / ".join(named), model_hash)
        if model_hash != expected:
            raise RefusedError(
                f"made a picture with the checkpoint {model_hash} in place of {expected}"
            )


class Admission:
    """Decides about webuis that have answered a probe well.

    Args:
        hosts: all, in the order of the command line.
        names: the (kind, name) that the list needs.
        standard: that of an earlier run in the same folder.
        set_standard: told of a new one.
        strict: whether other pixels are refused.
        model_hash: the checkpoint that must be loaded, "" for whatever the first webui has.
    """

    def __init__(
        self,
        hosts: Sequence[Host],
        names: Mapping[tuple[str, str], Sequence[int]],
        standard: Standard | None,
        set_standard: Callable[[Standard], None],
        *,
        strict: bool,
        model_hash: str = "",
    ) -> None:
        self._hosts = hosts
        self._names = names
        self._set_standard = set_standard
        self._strict = strict
        self._model_hash = model_hash
        self._first_at: float | None = None
        self.standard = standard

    def take(self, host: Host, answer: Answer) -> Iterator[tuple[Host, str]]:
        """Take in a webui that has answered a probe well, or let it wait until there is a standard.

        Returns:
            what is to be said about which webui.

        Raises:
            RefusedError: it may not take part.
        """
        if not host.is_admitted:
            self._check_names(answer)
        host.probed = answer
        if self.standard is None:
            host.state = "waiting"
            return iter(())
        note = self.standard.check(answer, strict=self._strict)
        first = not host.is_admitted
        host.is_well()
        return iter([(host, note if first else "")])

    def choose_standard(self) -> bool:
        """Let the first webui in order that is well set the standard, once the others before it had time.

        Returns:
            whether there is a standard now.
        """
        if self.standard is not None:
            return True
        well = [host for host in self._hosts if host.state == "waiting" and host.probed is not None]
        if not well:
            return False
        now = time.monotonic()
        self._first_at = self._first_at or now
        undecided = any(host.state in ("new", "probing") for host in self._hosts)
        if undecided and now - self._first_at < GATHER_SECONDS:
            return False
        first = well[0]
        assert first.probed is not None  # noqa: S101 -- chosen so
        self.standard = Standard.of_host(first.name, first.probed)
        self._set_standard(self.standard)
        return True

    def settle_waiting(self) -> Iterator[tuple[Host, str]]:
        """Yield the webuis that waited for the standard, each with what is to be said about it."""
        for host in self._hosts:
            if host.state == "waiting" and host.probed is not None:
                try:
                    yield from self.take(host, host.probed)
                except RefusedError as refusal:
                    host.missing = refusal.missing
                    host.leaves(str(refusal))
                    yield host, f"is left out: {refusal}"

    def check_model(self, request: Mapping[str, Any], model_hash: str) -> None:
        """Check the checkpoint of a picture. Raises RefusedError."""
        assert self.standard is not None  # noqa: S101 -- no picture is asked for before
        known = len(self.standard.hashes)
        self.standard.check_model(request, model_hash)
        if len(self.standard.hashes) > known:
            self._set_standard(self.standard)

    def _check_names(self, answer: Answer) -> None:
        made = answer.made
        assert made is not None  # noqa: S101 -- it has answered well
        if self._model_hash and not made.model_hash.startswith(self._model_hash):
            raise RefusedError(
                f"has loaded {made.model} with the hash {made.model_hash}, not {self._model_hash}"
            )
        missing = missing_names(answer.names, self._names)
        if missing:
            shown = ", ".join(
                f'{kind} "{name}" (line {self._names[kind, name][0]})'
                for kind, name in missing[:SHOWN]
            )
            more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
            raise RefusedError(f"does not have what the list names: {shown}{more}", missing)


def missing_names(
    names: Mapping[str, frozenset[str]], wanted: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return those of the (kind, name) that a list names and a webui does not have."""
    known = {kind: {_folded(kind, name) for name in there} for kind, there in names.items()}
    return [
        (kind, name)
        for kind, name in wanted
        if kind in known
        and _folded(kind, name) not in known[kind]
        and not name.startswith(USE_SAME)
    ]


def _folded(kind: str, name: str) -> str:
    """Return a name as its equals are: the extension takes a style in any case, with - or blanks."""
    return " ".join(name.replace("-", " ").casefold().split()) if kind == "style" else name
