"""What of Gradio 4.40, as Forge has it, the tab's gallery rests on; where Gradio 3 is installed.

Seen on Forge (June 2025): a gallery's value is a model with a list in ``root``; what has a string as
``path`` in it is read, checked and copied on its way in and out; every new class of a component gets a file
beside its own unless it is marked; the page shows an entry's ``url``.
"""

from __future__ import annotations

from types import ModuleType
from typing import ClassVar


class Model:
    """pydantic's, as far as it is needed."""

    def __init__(self, **fields):
        self.__dict__.update(fields)

    def model_dump(self):
        return _dumped(self.__dict__)


def _dumped(value):
    if isinstance(value, Model):
        return value.model_dump()
    if isinstance(value, dict):
        return {key: _dumped(item) for key, item in value.items()}
    return [_dumped(item) for item in value] if isinstance(value, list) else value


class GradioRootModel(Model):
    def model_dump(self):
        return _dumped(self.root)


class GalleryData(GradioRootModel):
    pass


class Gallery:
    data_model = GalleryData
    files_written: ClassVar[list[str]] = []

    def __init_subclass__(cls):
        if not hasattr(cls, "webui_do_not_create_gradio_pyi_thank_you"):
            Gallery.files_written.append(cls.__name__)

    def __init__(self, *, elem_id=None, interactive=None):
        self.elem_id, self.interactive = elem_id, interactive

    def postprocess(self, value):
        images = [Model(image=Model(path=item, url=None), caption=None) for item in value or []]
        return GalleryData(root=images)


def on_its_way(data):
    """Return what Gradio makes of a value between a component and the page, in either direction."""
    if isinstance(data, list):
        return [on_its_way(item) for item in data]
    if not isinstance(data, dict):
        return data
    if isinstance(data.get("path"), str):
        if not data["path"].startswith("/served/"):
            raise ValueError(f"File {data['path']} is not in the upload folder")
        return {**data, "url": f"/file={data['path']}"}
    return {key: on_its_way(value) for key, value in data.items()}


def modules():
    """Return the modules that stand in for Gradio's, by name."""
    gradio, data_classes = ModuleType("gradio"), ModuleType("gradio.data_classes")
    gradio.Gallery, data_classes.GradioRootModel = Gallery, GradioRootModel
    return {"gradio": gradio, "gradio.data_classes": data_classes}
