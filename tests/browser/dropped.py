"""Pictures dropped on the Fooocus tab, as a browser tells the page of them."""

from __future__ import annotations

import base64


def drop(tab, picture):
    """Drops a file on the page; gives the dialog that opens."""
    content = base64.b64encode(picture.read_bytes()).decode()
    tab.page.evaluate(
        """([content, name]) => {
            const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], name, {type: "image/png"}));
            const how = {dataTransfer, bubbles: true, cancelable: true};
            const page = document.querySelector("#fooocus_main");
            page.dispatchEvent(new DragEvent("dragover", how));
            page.dispatchEvent(new DragEvent("drop", how));
        }""",
        [content, picture.name],
    )
    return tab.page.get_by_role("dialog", name="The dropped picture")


def use_dropped(tab, picture):
    """Drops a file on the page and takes its settings over."""
    drop(tab, picture).get_by_role("button", name="Use these settings").click()


def drag(tab, selector, data):
    """Drags something over the middle of an element and lets it go there, as the browser itself does.

    Args:
        data: its contents by their type, such as "text/plain".
    """
    box = tab.page.locator(selector).bounding_box()
    where = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    items = [{"mimeType": kind, "data": content} for kind, content in data.items()]
    devtools = tab.page.context.new_cdp_session(tab.page)
    for kind in ("dragEnter", "dragOver", "drop"):
        dragged = {"items": items, "dragOperationsMask": 1}
        devtools.send("Input.dispatchDragEvent", {"type": kind, "data": dragged, **where})
