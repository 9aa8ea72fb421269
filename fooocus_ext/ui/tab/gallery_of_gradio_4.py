"""The gallery of ``ui.tab.gallery`` in Gradio 4; to be imported where that is what the webui has."""

from __future__ import annotations

from typing import Any, List  # noqa: UP035  (pydantic reads the annotation on every Python)

import gradio as gr
from gradio.data_classes import GradioRootModel


class Pictures(GradioRootModel):  # type: ignore[misc]  # Gradio publishes no types
    """What the page and the server tell each other, as Gradio's own gallery does, save for one thing.

    A picture in memory has an address and no path: Gradio reads whatever has a path, and copies it.
    """

    root: List[Any]  # noqa: UP006


class PictureGallery(gr.Gallery):  # type: ignore[misc]
    """Gradio's gallery; a ``data:`` address among its pictures is passed on instead of stored."""

    is_template = True  # the page knows it as its base class
    data_model = Pictures
    webui_do_not_create_gradio_pyi_thank_you = (
        True  # Gradio writes a file beside this one otherwise
    )

    def postprocess(self, value: list[Any] | None) -> Pictures:
        """Return what the page shows: stored files as Gradio does, ``data:`` addresses as such."""
        return Pictures(root=[self._entry(item) for item in value or []])

    def _entry(self, item: Any) -> dict[str, Any]:
        if isinstance(item, str) and item.startswith("data:"):
            return {"image": {"path": None, "url": item}, "caption": None}
        entry: dict[str, Any] = super().postprocess([item]).root[0].model_dump()
        return entry

    def preprocess(self, payload: Pictures | None) -> list[Any]:
        """Return what the host's functions read: entries of files as in Gradio 3, addresses of the others.

        That the files may be read, Gradio has made sure of.
        """
        return [_source(entry["image"]) for entry in payload.root] if payload else []


def _source(image: dict[str, Any]) -> Any:
    if isinstance(image["path"], str):
        return {"name": image["path"], "is_file": True}
    address = image["url"]
    return address if isinstance(address, str) and address.startswith("data:") else None
