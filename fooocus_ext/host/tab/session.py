"""Beginning where the page was left: the browser keeps each job's settings, and asks for them again."""

from __future__ import annotations

import json
from typing import Any

from fooocus_ext.host.machine import assets
from fooocus_ext.host.tab import fill, lists
from fooocus_ext.tab.session import read_session
from fooocus_ext.tab.widgets import NAMES
from fooocus_ext.ui.tab.page import Tab


def connect(tab: Tab) -> None:
    """Connect the keeping to every button that begins a job, and the asking to a hidden button."""
    widgets = [tab.widgets[name] for name in NAMES]
    keep = f"(...values) => fooocusKeepSession({json.dumps(NAMES)}, values)"
    for button in (tab.parts["generate"], *tab.vary.values()):
        button.click(fn=None, _js=keep, inputs=widgets)

    def load(text: str) -> list[Any]:
        return fill.updates(read_session(text, lists.choices(), assets.styles()))

    tab.parts["apply_session"].click(
        fn=load,
        inputs=[tab.parts["session"]],
        outputs=[*widgets, tab.parts["log"]],
        show_progress=False,
        queue=False,
    )
