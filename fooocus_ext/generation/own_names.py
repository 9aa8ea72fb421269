"""Arguments in the words of the page's lists, however a client wrote them: so an infotext states them."""

from __future__ import annotations

import dataclasses

from fooocus_ext.args import Settings
from fooocus_ext.generation.plan import Plan
from fooocus_ext.presets.aspect_ratios import ASPECT_RATIOS, parse_size
from fooocus_ext.prompting.styles import StyleLibrary, special_style


def in_own_names(plan: Plan, library: StyleLibrary) -> Plan:
    """Return a plan whose arguments name styles and the aspect ratio as the page's lists do.

    The webui's parser of infotexts takes ``1152x896`` for two values, and a list without a name cannot show
    it. What is on no list stays as it is.
    """
    return dataclasses.replace(
        plan, settings=_named(plan.settings, library), typed=_named(plan.typed, library)
    )


def _named(settings: Settings, library: StyleLibrary) -> Settings:
    spelt = parse_size(settings.aspect_ratio)
    size = ASPECT_RATIOS.get(spelt.value) if spelt is not None else None
    return dataclasses.replace(
        settings,
        aspect_ratio=settings.aspect_ratio if size is None else size.value,
        styles=tuple(_style_name(name, library) for name in settings.styles),
    )


def _style_name(name: str, library: StyleLibrary) -> str:
    return special_style(name) or (library.get(name).name if name in library else name)
