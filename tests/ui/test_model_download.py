from __future__ import annotations

from html import escape
from html.parser import HTMLParser
from pathlib import Path

from fooocus_ext.prompting.expander.folder import NOTICE
from fooocus_ext.ui.model_download import download_form


class Fields(HTMLParser):
    """The names of a form's fields that must be filled in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.required = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if "required" in attributes:
            self.required.add(attributes["name"])


def test_the_notice_stands_above_the_button_and_must_be_accepted():
    form = download_form(Path("/models"))
    assert form.index(escape(NOTICE)) < form.index('type="submit"')
    assert Fields(form).required == {"accepted", "address", "files"}


def test_the_folder_is_shown_as_text():
    form = download_form(Path("/a<b>&'c'"))
    assert "<code>/a&lt;b&gt;&amp;&#x27;c&#x27;</code>" in form
    assert "<b>" not in form
