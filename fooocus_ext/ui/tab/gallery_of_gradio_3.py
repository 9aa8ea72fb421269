"""The gallery of ``ui.tab.gallery`` in Gradio 3; to be imported where that is what the webui has."""

from __future__ import annotations

from typing import Any

import gradio as gr


class PictureGallery(gr.Gallery):  # type: ignore[misc]  # Gradio publishes no types
    """Gradio's gallery; a ``data:`` address among its pictures is passed on instead of stored."""

    is_template = True  # the page knows it as its base class

    def postprocess(self, y: list[Any] | None) -> list[Any]:
        """Return what the page shows: stored files as Gradio does, ``data:`` addresses as such."""
        return [
            {"name": "", "data": item, "is_file": False}
            if isinstance(item, str) and item.startswith("data:")
            else super(PictureGallery, self).postprocess([item])[0]
            for item in y or []
        ]

    def preprocess(self, x: Any) -> Any:
        """Return what the host's functions read: entries of files, addresses of the others.

        The page sends all pictures, or the selected one alone.
        """
        return [_address(item) for item in x] if isinstance(x, list) else _address(x)


def _address(item: Any) -> Any:
    in_memory = isinstance(item, dict) and not item.get("is_file") and item.get("data")
    return item["data"] if in_memory else item
