"""X/Y/Z plot axes, one for each field of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modules import scripts

from fooocus_ext.args import FIELDS, NONE, Settings
from fooocus_ext.errors import RequestError
from fooocus_ext.fields import Field
from fooocus_ext.generation.plan import make_plan
from fooocus_ext.host import ending
from fooocus_ext.host.machine import assets
from fooocus_ext.host.refiner import resident
from fooocus_ext.prompting.styles import special_style

_ATTRIBUTE = "_fooocus_axes"
_LABEL_PREFIX = "[Fooocus] "


def apply_overrides(p: Any, settings: Settings) -> Settings:
    """Return ``settings`` with the values of the grid cell that ``p`` is.

    Naming any field as an axis asks for the extension, so it also enables it.
    """
    overrides = getattr(p, _ATTRIBUTE, None)
    return settings.replace(**{"enabled": True, **overrides}) if overrides else settings


def register() -> None:
    """Add the axes to the X/Y/Z plot script, if the host has one; called before the page is built."""
    for data in scripts.scripts_data:
        if data.script_class.__module__ in ("xyz_grid.py", "scripts.xyz_grid"):
            known = {axis.label for axis in data.module.axis_options}
            axes = [
                _axis(data.module.AxisOption, field) for field in FIELDS if field.kind != "texts"
            ]
            data.module.axis_options.extend(axis for axis in axes if axis.label not in known)


def _axis(axis_option: Callable[..., Any], field: Field) -> Any:
    choices = {"flag": ["True", "False"], "choice": list(field.choices)}.get(field.kind)
    return axis_option(
        _LABEL_PREFIX + field.label,
        float if field.kind == "number" else str,
        _apply(field),
        confirm=_confirm(field),
        choices=(lambda: choices) if choices else None,
    )


def _apply(field: Field) -> Callable[[Any, Any, Any], None]:
    def apply(p: Any, value: Any, _values: Any) -> None:
        # A new dict each time: cells are shallow copies of one processing object.
        overrides = {**getattr(p, _ATTRIBUTE, {}), field.name: _typed(field, value)}
        setattr(p, _ATTRIBUTE, overrides)

    return apply


def _confirm(field: Field) -> Callable[[Any, list[Any]], None]:
    def confirm(p: Any, values: list[Any]) -> None:
        try:
            for value in values:
                _check(Settings().replace(**{"enabled": True, field.name: _typed(field, value)}))
        except RequestError as error:
            raise ending.reason_for_user(p, error) from None

    return confirm


def _check(settings: Settings) -> None:
    """Raise RequestError for a name that no cell could find."""
    make_plan(settings, assets.installed())
    assets.styles().check(name for name in settings.styles if special_style(name) is None)
    if settings.refiner != NONE:
        resident.find(settings.refiner)


def _typed(field: Field, value: Any) -> Any:
    if field.kind == "flag":
        typed = {"true": True, "false": False}.get(str(value).strip().lower())
        if typed is None:
            raise RequestError(f'{field.name}: got "{value}"; allowed: {field.allowed}.')
        return typed
    if field.kind == "names":
        return [name.strip() for name in str(value).split(",") if name.strip()]
    return value
