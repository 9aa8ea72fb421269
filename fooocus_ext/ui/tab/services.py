"""What the Fooocus tab's page needs from the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fooocus_ext.tab.page_limits import PageLimits


@dataclass(frozen=True)
class TabServices:
    """What the page needs from the host.

    Attributes:
        values: the first value of each widget, by name.
        notes: what there is to say of those values, as HTML.
        choices: the functions that list names, by ``Widget.listed_as``.
        styles: the list of styles as HTML, every text in it escaped.
        first_run: what to say if no model is installed, as HTML; empty otherwise.
        send_buttons: makes the host's buttons that send pictures to other tabs.
        history: the address of the log.
        tab_first: whether the tab comes before all others.
        limits: how many pictures and LoRAs the page offers.
    """

    values: Mapping[str, Any]
    notes: str
    choices: Mapping[str, Callable[[], Sequence[str]]]
    styles: Callable[[], str]
    first_run: Callable[[], str]
    send_buttons: Callable[[Sequence[str]], Mapping[str, Any]]
    history: str
    tab_first: bool = False
    limits: PageLimits = field(default_factory=PageLimits)
