"""The tab's own presets: saving the page's settings as one, renaming and deleting."""

from __future__ import annotations

from typing import Any

import gradio as gr

from fooocus_ext.args import NONE
from fooocus_ext.errors import RequestError
from fooocus_ext.host.machine import assets
from fooocus_ext.host.panel import build
from fooocus_ext.markup import render
from fooocus_ext.presets.files import check_name
from fooocus_ext.presets.own import delete_own, own_file, rename_own, save_own
from fooocus_ext.tab.as_preset import preset_of
from fooocus_ext.tab.choices import read_choices
from fooocus_ext.tab.widgets import NAMES
from fooocus_ext.ui.tab.page import Tab


def connect(tab: Tab) -> None:
    """Connect the buttons; every list of presets on the page learns of what they do."""
    parts = tab.parts
    widgets = [tab.widgets[name] for name in NAMES]
    panels = list(build.PRESET_LISTS.values())
    outputs = [
        parts["preset"],
        parts["preset_said"],
        parts["preset_overwrite"],
        parts["preset_delete_sure"],
        parts["preset_asked"],
        *panels,
    ]
    chosen, name, prompts = parts["preset"], parts["preset_name"], parts["preset_prompts"]
    asked = parts["preset_asked"]  # until the answer comes, the user may write and choose others

    def on(button: str, act: Any, inputs: list[Any]) -> None:
        def run(*values: Any) -> list[Any]:
            return _answer(act, values, len(panels))

        parts[button].click(
            fn=run, inputs=inputs, outputs=outputs, show_progress=False, queue=False
        )

    parts["list_presets"].click(
        fn=lambda: _lists(len(panels)),
        inputs=[],
        outputs=[chosen, *panels],
        show_progress=False,
        queue=False,
    )
    on("preset_save", save, [name, prompts, *widgets])
    on("preset_overwrite", overwrite, [asked, prompts, *widgets])
    on("preset_rename", rename, [chosen, name])
    on("preset_delete", ask_to_delete, [chosen])
    on("preset_delete_sure", delete, [asked, chosen])


class _Question(Exception):  # noqa: N818  (no error: the user is asked)
    """Something about a preset, to be confirmed with a button that is shown now."""

    def __init__(self, button: str, preset: str, text: str) -> None:
        super().__init__(text)
        self.button, self.preset = button, preset


def _answer(act: Any, values: tuple[Any, ...], panels: int) -> list[Any]:
    """Do something, and return the updates that tell the page what came of it."""
    kind, button, asked = "note", "", ""
    chosen: dict[str, Any] = {}
    try:
        name, said = act(*values)
        assets.reload()
        chosen["value"] = name
    except _Question as question:
        said, button, asked = [str(question)], question.button, question.preset
    except RequestError as error:
        said, kind = [error.detail], "error"
    tabs_list, *lists = _lists(panels)
    return [
        {**tabs_list, **chosen},
        render("notice.html", kind=kind, messages=said),
        gr.update(visible=button == "overwrite"),
        gr.update(visible=button == "delete"),
        asked,
        *lists,
    ]


def _lists(panels: int) -> list[Any]:
    """Return updates of the lists of presets: the tab's, and those of so many panels."""
    names = assets.presets().names
    return [gr.update(choices=names), *[gr.update(choices=[NONE, *names])] * panels]


def save(name: str, with_prompts: bool, *values: Any) -> tuple[str, list[str]]:
    """Save the page's settings; asks first if a preset of that name is there."""
    library, name = assets.presets(), check_name(name)
    if name.casefold() in (known.casefold() for known in library.presets):
        raise _Question("overwrite", name, f'There is a preset "{name}" already. Overwrite it?')
    return _saved(name, with_prompts, values, replaces=False)


def overwrite(asked: str, with_prompts: bool, *values: Any) -> tuple[str, list[str]]:
    """Save the page's settings in the place of the preset that was asked about."""
    return _saved(asked, with_prompts, values, replaces=True)


def _saved(
    name: str, with_prompts: bool, values: tuple[Any, ...], *, replaces: bool
) -> tuple[str, list[str]]:
    preset, notes = preset_of(
        name,
        read_choices(values),
        with_prompts=bool(with_prompts),
        lora_files=assets.lora_files(),
    )
    path = save_own(assets.presets_folder(), assets.presets(), name, preset, overwrite=replaces)
    return path.stem, [f'The settings are saved as the preset "{path.stem}", in {path}.', *notes]


def rename(chosen: str | None, new_name: str) -> tuple[str, list[str]]:
    """Rename the chosen preset."""
    path = rename_own(assets.presets_folder(), assets.presets(), chosen or NONE, new_name)
    return path.stem, [f'The preset "{chosen}" is called "{path.stem}" now.']


def ask_to_delete(chosen: str | None) -> tuple[str, list[str]]:
    """Ask whether the chosen preset is to be deleted."""
    name = chosen or NONE
    path = own_file(assets.presets_folder(), assets.presets(), name)
    raise _Question("delete", name, f'Delete the preset "{name}" ({path})?')


def delete(asked: str, chosen: str | None) -> tuple[str | None, list[str]]:
    """Delete the preset that was asked about; the page's settings stay as they are."""
    delete_own(assets.presets_folder(), assets.presets(), asked or NONE)
    return None if chosen == asked else chosen, [f'The preset "{asked}" is deleted.']
