"""The user's own presets among all: saving beside ours, renaming and deleting. Ours are never touched."""

from __future__ import annotations

from pathlib import Path

from fooocus_ext.data_files import DataFileError, read_text, write_whole
from fooocus_ext.errors import RequestError
from fooocus_ext.presets.files import MAX_FILE_BYTES, PresetLibrary, check_name, save_preset
from fooocus_ext.presets.preset import Preset


def save_own(
    folder: Path, library: PresetLibrary, name: str, preset: Preset, *, overwrite: bool = False
) -> Path:
    """Save a preset in the user's folder and return its file; see ``save_preset``.

    Raises:
        RequestError: as ``save_preset``; or the name is that of a preset of ours, which the user's would
            hide, and ``overwrite`` is false.
    """
    if not overwrite:
        _refuse_to_hide_ours(name, folder, library)
    return save_preset(folder, name, preset, overwrite=overwrite)


def delete_own(folder: Path, library: PresetLibrary, name: str) -> Path:
    """Delete a preset of the user's and return what its file was.

    Raises:
        RequestError: there is none, it is one of ours, or its file cannot be deleted.
    """
    path = own_file(folder, library, name)
    try:
        path.unlink()
    except OSError as error:
        raise RequestError(f"preset: {path} cannot be deleted ({error.strerror}).") from error
    return path


def rename_own(
    folder: Path, library: PresetLibrary, name: str, new_name: str, *, overwrite: bool = False
) -> Path:
    """Give a preset of the user's another name and return its new file; what is in it stays as it is.

    Raises:
        RequestError: there is no such preset of the user's; or the new name is not allowed, or is taken
            and ``overwrite`` is false; or the folder cannot be written.
    """
    old = own_file(folder, library, name)
    new = old.with_name(f"{check_name(new_name)}.json")
    if new == old:
        return old
    try:
        is_same_file = new.exists() and new.samefile(old)  # where case does not count
        if not overwrite and not is_same_file:
            _refuse_to_hide_ours(new_name, folder, library)
        if is_same_file:
            old.rename(new)
        else:
            write_whole(new, read_text(old, limit=MAX_FILE_BYTES), overwrite=overwrite)
            old.unlink()
    except FileExistsError:
        raise RequestError(
            f'preset: there is a preset "{new.stem}" already; choose another name or overwrite it.'
        ) from None
    except (OSError, DataFileError) as error:
        raise RequestError(f"preset: {old} cannot be renamed ({error}).") from error
    return new


def own_file(folder: Path, library: PresetLibrary, name: str) -> Path:
    """Return the file of a preset of the user's. Raises RequestError if there is none, or it is ours."""
    preset = library.get(name)
    if preset is None or preset.source is None:
        raise RequestError('preset: "None" is no preset.')
    if not preset.source.is_relative_to(folder):
        raise RequestError(
            f'preset: "{preset.name}" comes with the extension and stays as it is; allowed: saving it '
            "under another name, which is then yours to change."
        )
    return preset.source


def _refuse_to_hide_ours(name: str, folder: Path, library: PresetLibrary) -> None:
    folded = check_name(name).casefold()
    for preset in library.presets.values():
        is_ours = preset.source is not None and not preset.source.is_relative_to(folder)
        if is_ours and preset.name.casefold() == folded:
            raise RequestError(
                f'preset: the extension comes with a preset "{preset.name}", which yours would replace; '
                "choose another name or overwrite it."
            )
