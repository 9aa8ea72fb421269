"""Hands and eyes for the input picture of the Fooocus tab and the editor of its mask."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image
from playwright.sync_api import expect

SIZE = (240, 160)


def picture_file(size=SIZE, colour=(120, 160, 200)):
    """A PNG file of one colour, with a darker box in its middle."""
    picture = Image.new("RGB", size, colour)
    third = tuple(side // 3 for side in size)
    picture.paste((90, 60, 30), (*third, 2 * third[0], 2 * third[1]))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def as_upload(content, name="picture.png"):
    return {"name": name, "mimeType": "image/png", "buffer": content}


class MaskEditor:
    """The editor of the mask, with a picture in it."""

    def __init__(self, tab, size=SIZE):
        self.tab, self.page = tab, tab.page
        self.size = size
        self.page.locator("#fooocus_input_image input").check()
        self.page.locator("#fooocus_input_file").set_input_files(as_upload(picture_file(size)))
        self.page.locator("#fooocus_edit_kind label", has_text="Inpaint or Outpaint").click()
        expect(self.stage).to_be_visible()
        self.stage.scroll_into_view_if_needed()
        self.resize(20)

    @property
    def stage(self):
        return self.page.locator("#fooocus_mask_stage")

    @property
    def said(self):
        return self.page.locator("#fooocus_mask_said")

    def button(self, name):
        part = self.page.locator("#fooocus_mask")
        return part.get_by_role("button", name=name, exact=True)

    def resize(self, size):
        self.page.locator("#fooocus_mask_size").fill(str(size))

    def point(self, x, y):
        """Where a pixel of the picture is on the screen."""
        box = self.stage.bounding_box()
        place = self.page.evaluate(
            "point => fooocusMaskEditor.view.toStage(point)", {"x": x, "y": y}
        )
        return box["x"] + place["x"], box["y"] + place["y"]

    def drag(self, *points, button="left"):
        mouse = self.page.mouse
        mouse.move(*self.point(*points[0]))
        mouse.down(button=button)
        for point in points[1:]:
            mouse.move(*self.point(*point), steps=4)
        mouse.up(button=button)

    def mask(self):
        """The mask as it would be sent: [H,W], true where the picture is made anew."""
        address = self.page.evaluate("fooocusMaskEditor.view.mask.toCanvas().toDataURL()")
        content = base64.b64decode(address.partition(",")[2])
        with Image.open(io.BytesIO(content)) as picture:
            levels = np.asarray(picture.convert("RGB"))
        assert (levels[..., 0] == levels[..., 1]).all()
        assert (levels[..., 0] == levels[..., 2]).all()
        return levels[..., 0] > 127


def disc(size, x, y, radius):
    """[H,W], true within the radius of (x, y)."""
    rows, columns = np.mgrid[: size[1], : size[0]] + 0.5
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
