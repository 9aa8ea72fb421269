"""Text made safe for the page; a part of the host's `modules/ui_common.py`."""

from __future__ import annotations

import html


def plaintext_to_html(text: str, classname: str | None = None) -> str:
    """`text` as one HTML paragraph, its line breaks kept, of CSS class `classname`."""
    content = "<br>\n".join(html.escape(line) for line in text.split("\n"))
    return f"<p class='{classname}'>{content}</p>" if classname else f"<p>{content}</p>"
