"""A gallery that can also show pictures that exist in memory alone.

Here alone it is known which Gradio the webui has: 3, or 4 as Forge has it. The host's functions are given
the same by both: a dict for a stored picture, and the ``data:`` address of one in memory.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

IS_GRADIO_4 = hasattr(gr.Gallery, "data_model")

if IS_GRADIO_4:
    from fooocus_ext.ui.tab.gallery_of_gradio_4 import PictureGallery
else:
    from fooocus_ext.ui.tab.gallery_of_gradio_3 import PictureGallery


def picture_gallery(**look: Any) -> Any:
    """Add a gallery to the current layout, into which nobody can put pictures.

    Args:
        look: the arguments of Gradio's gallery.
    """
    return PictureGallery(**look, **({"interactive": False} if IS_GRADIO_4 else {}))
