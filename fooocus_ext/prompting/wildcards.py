"""Wildcards: ``__name__`` in a prompt becomes a line of the file ``name.txt``.

Fooocus 2.5 (``util.apply_wildcards``) defines the semantics: the file's lines are the options, each
occurrence draws its own with the image's random generator, options may hold wildcards themselves (up to
64 rounds), in-order mode takes line ``image index mod count``, and a missing file leaves the bare word.
Different here: comments and lines of blanks are no options, of two files of one name the one in the outer
folder is taken, and two underscores always end a name. In the tag of a LoRA, which Fooocus takes out before,
only wildcards that have a file are wildcards.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fooocus_ext.data_files import MEBIBYTE, DataFileError, Problem, iter_files, read_text
from fooocus_ext.errors import RequestError, did_you_mean, is_writable, writable
from fooocus_ext.normal_forms import marks, normal_form
from fooocus_ext.prompting.grammar import tag_spans

MAX_ROUNDS = 64
MAX_FILE_BYTES = 4 * MEBIBYTE
MAX_REPLACEMENTS = 10_000
MAX_ADDED_CHARACTERS = 100_000
MAX_MOVED_CHARACTERS = 100_000_000
"""Characters that all searches for the first place of a token may go over, together."""
MAX_HINTS = 10


@functools.cache
def _token() -> re.Pattern[str]:
    return re.compile(rf"__((?! )(?:(?!__)[\w{marks()}\-./\\ ])+(?<! ))__")


@functools.cache
def _name() -> re.Pattern[str]:
    word = rf"[\w{marks()}\-]+"
    return re.compile(rf"{word}(?:\.{word})*(?:/{word}(?:\.{word})*)*")


@dataclass
class Wildcards:
    """The wildcard files of several folders, found when first needed and then remembered.

    Make one per generation: it is free for prompts without wildcards, and new files are seen.
    ``name`` finds ``name.txt`` in any subfolder (the first in alphabetical order), ``folder/name``
    the one at that place. Files of a later folder win over an earlier one's.

    Attributes:
        folders: the folders to look in.
    """

    folders: Sequence[Path] = ()
    _paths: dict[str, Path] | None = field(default=None, init=False, repr=False)
    _options: dict[Path, list[str] | DataFileError] = field(
        default_factory=dict, init=False, repr=False
    )

    @property
    def names(self) -> list[str]:
        """All names that can stand between the underscores, sorted.

        One that is not UTF-8 cannot, nor one with other signs than ``_token`` knows or a "_" at its end.
        """
        usable = filter(is_writable, self._index())
        return sorted(name for name in usable if _token().fullmatch(f"__{name}__"))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and normal_form("NFC", name) in self._index()

    def options(self, name: str) -> list[str]:
        """Return the options of a wildcard: its file's lines, trimmed, without comments and empty ones.

        Raises:
            KeyError: there is no such file.
            DataFileError: it is empty, too large or unreadable.
        """
        path = self._index()[normal_form("NFC", name)]
        if path not in self._options:
            try:
                self._options[path] = _read_options(path)
            except DataFileError as error:
                self._options[path] = error
        options = self._options[path]
        if isinstance(options, DataFileError):
            raise options
        return options

    def _index(self) -> dict[str, Path]:
        if self._paths is None:
            self._paths = {}
            for folder in self.folders:
                self._paths.update(_index_folder(Path(folder)))
        return self._paths


def _index_folder(folder: Path) -> dict[str, Path]:
    """Map every name of one folder's files; where two share a bare name, the first keeps it.

    Accents are joined to their letters: some systems keep them apart in names of files.
    """
    found: dict[str, Path] = {}
    root = folder.resolve()
    for path in iter_files(folder, (".txt",), _ignore):
        if _is_inside(path, root):
            relative = PurePosixPath(*path.relative_to(folder).parts)
            found[normal_form("NFC", str(relative.with_suffix("")))] = path
            found.setdefault(normal_form("NFC", relative.stem), path)
    return found


def _is_inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # links in a circle
        return False


def _ignore(_problem: Problem) -> None:
    """Folder limits need no report here: a name that is not found is reported where it is used."""


def _read_options(path: Path) -> list[str]:
    try:
        lines = read_text(path, limit=MAX_FILE_BYTES).splitlines()
        options = [line for line in map(str.strip, lines) if _is_option(line)]
        if not options:
            raise DataFileError("it is empty")
    except DataFileError as reason:
        raise DataFileError(writable(f"{path}: {reason}")) from reason
    return options


def _is_option(line: str) -> bool:
    """Whether a trimmed line is more than a comment, such as the licence at the top of a file."""
    return bool(line) and not line.startswith("#") and "\0" not in line


def has_wildcards(text: str) -> bool:
    """Return whether a text names any wildcard, with or without a file."""
    return _token().search(text) is not None


def apply_wildcards(
    text: str,
    wildcards: Wildcards,
    rng: random.Random,
    *,
    index: int = 0,
    in_order: bool = False,
    note: Callable[[str], None] | None = None,
) -> str:
    """Replace the wildcards of one text.

    Args:
        text: a prompt; without wildcards it is returned as it is and ``rng`` is not touched.
        wildcards: the files.
        rng: the image's generator; one draw per occurrence, from left to right, round by round.
        index: the image's number in its job, from 0.
        in_order: take option ``index mod count`` of each file instead of drawing.
        note: called with a sentence for what could not be replaced (the first ``MAX_HINTS`` names).

    Raises:
        RequestError: the options multiply beyond ``MAX_REPLACEMENTS`` or
            ``MAX_ADDED_CHARACTERS`` (files that name each other twice and more).
    """
    expansion = _Expansion(wildcards, rng, index, in_order, note or (lambda _sentence: None))
    for _round in range(MAX_ROUNDS):
        before = expansion.replacements
        text = expansion.round(text)
        if expansion.replacements == before:
            return text
    if unresolved := _token().search(text):
        expansion.note(
            f"Wildcards: {unresolved[0][:80]} is still unresolved after {MAX_ROUNDS} rounds; "
            "do its files name each other in a circle?"
        )
    return text


@dataclass
class _Expansion:
    """The replacements made in one text."""

    wildcards: Wildcards
    rng: random.Random
    index: int
    in_order: bool
    note: Callable[[str], None]
    replacements: int = 0
    characters: int = 0
    moved: int = 0
    unusable: set[str] = field(default_factory=set)

    def round(self, text: str) -> str:
        """Return a text after one draw for each token that stands in it now.

        Fooocus gives each draw to the first place where its token stands at that moment, which may
        be inside an option that the same round has put in. Only where double underscores are left in
        front of a token that names a file is that place searched for; elsewhere it is the token's own.
        A token without a file is part of the name where it stands in the tag of a LoRA.
        """
        left: list[str] = []
        tail, end, plain = "", 0, True
        tags = tag_spans(text)
        for token in _token().finditer(text):
            while tags and tags[0][1] <= token.start():
                tags.popleft()
            names_file = token[1] in self.wildcards
            is_part = bool(tags) and tags[0][0] < token.start() and not names_file
            gap = tail + text[end : token.start()]
            option = token[0] if is_part else self.replace(token)
            left.append(text[end : token.start()])
            plain = plain and "__" not in gap
            if plain or not names_file:
                left.append(option)
            else:
                left = [self._at_first_place("".join([*left, token[0]]), token[0], option)]
            plain = plain and "__" not in gap[-1:] + option
            tail, end = (gap + option)[-1:], token.end()
        return "".join([*left, text[end:]])

    def _at_first_place(self, text: str, token: str, option: str) -> str:
        self.moved += len(text)
        if self.moved > MAX_MOVED_CHARACTERS:
            raise self._too_much("text that is too long")
        return text.replace(token, option, 1)

    def replace(self, token: re.Match[str]) -> str:
        name = token[1]
        if not _name().fullmatch(name) and name not in self.wildcards:
            self.note(
                f"Wildcards: {token[0][:80]} is left as text: a name is made of letters, digits, "
                '"_" and "-", with "/" between folders inside the wildcards folder.'
            )
            return token[0]
        self.replacements += 1
        if self.replacements > MAX_REPLACEMENTS:
            raise self._too_much(f"more than {MAX_REPLACEMENTS} replacements")
        try:
            options = self.wildcards.options(name)
        except KeyError:
            self._note_unusable(name, None)
            return name
        except DataFileError as reason:
            self._note_unusable(name, reason)
            return name
        option = options[self.index % len(options)] if self.in_order else self.rng.choice(options)
        self.characters += len(option)
        if self.characters > MAX_ADDED_CHARACTERS:
            raise self._too_much(f"more than {MAX_ADDED_CHARACTERS} characters")
        return option

    def _note_unusable(self, name: str, reason: DataFileError | None) -> None:
        """Say what is wrong with a wildcard's file; without a reason, there is none."""
        if name in self.unusable or len(self.unusable) >= MAX_HINTS:
            return
        self.unusable.add(name)
        if reason is None:
            hint = did_you_mean(name[:80], self.wildcards.names)
            problem = f"there is no {name[:80]}.txt{hint}"
        else:
            problem = str(reason)
        self.note(f'Wildcards: {problem}; "{name[:80]}" is used as a normal word.')

    def _too_much(self, what: str) -> RequestError:
        return RequestError(
            f"prompt: its wildcards grow into {what}; allowed: at most {MAX_REPLACEMENTS} "
            f"replacements and {MAX_ADDED_CHARACTERS} characters. Do their files name each other?"
        )
