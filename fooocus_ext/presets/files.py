"""Preset files: loading every folder's, and saving one without ever leaving half a file."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fooocus_ext.args import NONE
from fooocus_ext.data_files import (
    MEBIBYTE,
    DataFileError,
    Problem,
    first_problems,
    is_device,
    iter_files,
    parse_json,
    read_text,
    write_whole,
)
from fooocus_ext.errors import RequestError, did_you_mean, is_writable
from fooocus_ext.normal_forms import marks, normal_form
from fooocus_ext.presets.preset import KEYS, Preset, preset_from_json

MAX_FILE_BYTES = MEBIBYTE
_RESERVED = re.compile(rf"(?i){NONE} *(\..*)?")


@dataclass(frozen=True)
class PresetLibrary:
    """All presets that were loaded, by name in list order, and everything left out of them."""

    presets: Mapping[str, Preset]
    problems: Sequence[Problem] = ()

    @property
    def names(self) -> list[str]:
        """The presets' names in list order."""
        return list(self.presets)

    def get(self, name: str) -> Preset | None:
        """Return the preset called ``name``, or None for "None".

        Raises:
            RequestError: there is none; the message gives the nearest names.
        """
        if name == NONE:
            return None
        found = self.presets.get(normal_form("NFC", name))
        if found is None:
            hint = did_you_mean(name[:100], self.presets)
            allowed = ", ".join(f'"{known}"' for known in (NONE, *self.presets))
            raise RequestError(
                f'preset: there is no preset "{name[:100]}"{hint}; allowed: {allowed}.'
            )
        return found


def load_presets(folders: Sequence[Path]) -> PresetLibrary:
    """Load every ``*.json`` file below ``folders``; a file's name is the preset's.

    A preset of a later folder replaces one of the same name in its place. Nothing is raised: files
    and values that cannot be used become problems of the library, and the rest loads.
    """
    presets: dict[str, Preset] = {}
    problems: list[Problem] = []
    for folder in folders:
        for path in iter_files(Path(folder), (".json",), problems.append):
            try:
                preset = read_preset(path)
            except DataFileError as error:
                problems.append(Problem(str(path), "", str(error)))
                continue
            presets[preset.name] = preset
            problems.extend(first_problems(preset.problems))
    return PresetLibrary(presets, tuple(problems))


def read_preset(path: Path) -> Preset:
    """Read one preset file.

    Raises:
        DataFileError: unreadable, not a JSON object, or of a name that no preset can have. Single bad
            values do not raise.
    """
    content = parse_json(read_text(path, limit=MAX_FILE_BYTES))
    if not isinstance(content, dict):
        raise DataFileError("a preset file is one object with Fooocus's keys (default_model, ...)")
    if path.stem == NONE:
        raise DataFileError(f'"{NONE}" means no preset; give the file another name')
    if not is_writable(path.stem):
        raise DataFileError("its name is not UTF-8")
    if not path.stem.isprintable():
        raise DataFileError("its name contains control characters")
    return preset_from_json(normal_form("NFC", path.stem), content, path)


def save_preset(folder: Path, name: str, preset: Preset, *, overwrite: bool = False) -> Path:
    """Write a preset as ``folder/name.json`` and return the path.

    The file appears whole or not at all, also if the program dies or two of them save at once.

    Args:
        folder: made if it does not exist.
        name: letters, digits, space and ``_ - + . ( )``, at most 64; no path.
        preset: what to save; its own name does not matter.
        overwrite: whether a preset of that name may be replaced.

    Raises:
        RequestError: the name is not allowed or taken, the file would not be loaded again as it is,
            or the folder cannot be written.
    """
    checked = check_name(name)
    target = folder / f"{checked}.json"
    text = json.dumps(preset.to_json(), indent=4, ensure_ascii=False) + "\n"
    _check_loads(checked, text, preset)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"preset: the folder {folder} cannot be made ({error}).") from error
    try:
        write_whole(target, text, overwrite=overwrite)
    except FileExistsError:
        raise RequestError(
            f'preset: there is a preset "{checked}" already; choose another name or overwrite it.'
        ) from None
    except (OSError, UnicodeEncodeError) as error:
        raise RequestError(f"preset: {target} cannot be written ({error}).") from error
    return target


def _check_loads(name: str, text: str, preset: Preset) -> None:
    """Raise RequestError for what ``load_presets`` would refuse, or leave a part of out."""
    if len(text.encode("utf-8", "replace")) > MAX_FILE_BYTES:
        raise RequestError(f"preset: it is larger than {MAX_FILE_BYTES // 1024} KiB.")
    try:
        loaded = preset_from_json(name, parse_json(text))
    except DataFileError as error:
        raise RequestError(f"preset: it could not be loaded again: {error}.") from error
    # A size that is none of the 26 is one only where none can be forced.
    problems = [p for p in loaded.problems if not preset.size or p.entry != KEYS["aspect_ratio"]]
    if problems:
        reasons = " ".join(f"{problem.entry}: {problem.reason}" for problem in problems[:5])
        raise RequestError(f"preset: it could not be loaded again: {reasons}")
    if loaded.to_json() != preset.to_json():
        raise RequestError("preset: it would not be loaded again as it is.")


def check_name(name: str) -> str:
    """Return a preset's name as its file has it: without blanks around it, accents joined to their letters.

    Raises:
        RequestError: it cannot be one.
    """
    checked = normal_form("NFC", name.strip())
    is_reserved = is_device(checked) or _RESERVED.fullmatch(checked)
    if not _file_name().fullmatch(checked) or is_reserved or checked[-1] == ".":
        raise RequestError(
            f'preset: "{name[:80]}" cannot be the name of a preset; allowed: 1 to 64 letters, digits, '
            'spaces and "_ - + . ( )", beginning with a letter, a digit or "_", without a dot at '
            'the end, and not "None" or another word that the system keeps for itself.'
        )
    return checked


@functools.cache
def _file_name() -> re.Pattern[str]:
    return re.compile(rf"\w[\w .+()\-{marks()}]{{0,63}}")
