from __future__ import annotations

from html import unescape
from html.parser import HTMLParser

from fooocus_ext.markup import render
from fooocus_ext.prompting.expansion_folder import NOTICE


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


def form_for(folder):
    return render("model_download.html", folder=folder, notice=NOTICE)


def test_the_notice_stands_above_the_button_and_must_be_accepted():
    form = form_for("/models")
    shown = unescape(form)
    assert shown.index(NOTICE) < shown.index('type="submit"')
    assert Fields(form).required == {"accepted", "address", "files"}


def test_the_folder_is_shown_as_text():
    form = form_for("/a<b>&'c'")
    assert "<code>/a&lt;b&gt;&amp;&#39;c&#39;</code>" in form
    assert "<b>" not in form
