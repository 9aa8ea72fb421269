"""X/Y/Z plot axes, one for each field of the table."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from modules import scripts

from fooocus_ext.args import FIELDS, NONE, SCRIPT_KEY, Settings, parse
from fooocus_ext.errors import RequestError, describe
from fooocus_ext.fields import Field
from fooocus_ext.generation.plan import make_plan
from fooocus_ext.host import ending
from fooocus_ext.host.jobs import overrides
from fooocus_ext.host.machine import assets
from fooocus_ext.host.panel.ranges import numbers
from fooocus_ext.host.refiner import resident
from fooocus_ext.prompting.styles import special_style

_ATTRIBUTE = "_fooocus_axes"
_LABEL_PREFIX = "[Fooocus] "
_CHECKPOINT_AXIS = "Checkpoint name"
_AXES = ("x_type", "y_type", "z_type")


def apply_overrides(p: Any, settings: Settings) -> Settings:
    """Return ``settings`` with the values of the grid cell that ``p`` is.

    Naming any field as an axis asks for the extension, so it also enables it.
    """
    overrides = getattr(p, _ATTRIBUTE, None)
    return settings.replace(**{"enabled": True, **overrides}) if overrides else settings


def register() -> None:
    """Add the axes to the X/Y/Z plot script, if the host has one; called before the page is built."""
    for data in scripts.scripts_data:
        if _is_grid(data.script_class):
            known = {axis.label for axis in data.module.axis_options}
            axes = [
                _axis(data.module.AxisOption, field) for field in FIELDS if field.kind != "texts"
            ]
            data.module.axis_options.extend(axis for axis in axes if axis.label not in known)


def _is_grid(script_class: type) -> bool:
    return script_class.__module__ in ("xyz_grid.py", "scripts.xyz_grid")


def _axis(axis_option: Callable[..., Any], field: Field) -> Any:
    choices = {"flag": ["True", "False"], "choice": list(field.choices)}.get(field.kind)
    return axis_option(
        _label(field),
        str,  # of ``float``, the webui reads ranges itself and goes beyond their ends
        _apply(field),
        confirm=_confirm(field),
        choices=(lambda: choices) if choices else None,
    )


def _label(field: Field) -> str:
    return _LABEL_PREFIX + field.label


def _apply(field: Field) -> Callable[[Any, Any, Any], None]:
    def apply(p: Any, value: Any, _values: Any) -> None:
        # A new dict each time: cells are shallow copies of one processing object.
        overrides = {**getattr(p, _ATTRIBUTE, {}), field.name: field.from_text(str(value))}
        setattr(p, _ATTRIBUTE, overrides)

    return apply


def _confirm(field: Field) -> Callable[[Any, list[Any]], None]:
    def confirm(p: Any, values: list[Any]) -> None:
        """Check what was typed; the webui makes its cells of what is in the list then."""
        read: list[Any] = []
        for typed in values:
            try:
                meant = numbers(str(typed)) if field.kind in ("number", "whole") else [typed]
                for value in meant:
                    _check(p, {"enabled": True, field.name: field.from_text(str(value))})
            except RequestError as error:
                said = f'X/Y/Z plot, "{_label(field)}": got {describe(typed)}. {error.detail}'
                raise ending.reason_for_user(p, RequestError(said)) from None
            read += meant
        values[:] = read

    return confirm


def _check(p: Any, values: Mapping[str, Any]) -> None:
    """Raise RequestError for values that no cell could have with the page's fields or a checkpoint axis."""
    settings = Settings().replace(**values)
    installed = assets.installed(p.override_settings)
    chosen = overrides.CHECKPOINT in p.override_settings or _CHECKPOINT_AXIS in _axes_of(p)
    try:
        make_plan(settings, installed, checkpoint_is_chosen=chosen)
    except RequestError:  # for want of what the page's own fields may make needless
        make_plan(_on_page(p).replace(**values), installed, checkpoint_is_chosen=chosen)
    assets.styles().check(name for name in settings.styles if special_style(name) is None)
    if settings.refiner != NONE:
        resident.find(settings.refiner)


def _on_page(p: Any) -> Settings:
    """Return the arguments that a request came with."""
    script = next(s for s in p.scripts.alwayson_scripts if s.title().lower() == SCRIPT_KEY)
    return parse(p.script_args[script.args_from : script.args_to])


def _axes_of(p: Any) -> list[str]:
    """Return the labels of the axes that are chosen in the X/Y/Z plot of a request."""
    script = next((s for s in p.scripts.selectable_scripts if _is_grid(type(s))), None)
    if script is None:
        return []
    names = list(inspect.signature(script.run).parameters)[1:]
    values = p.script_args[script.args_from : script.args_to]
    chosen = [value for name, value in zip(names, values, strict=False) if name in _AXES]
    options = script.current_axis_options
    return [options[number].label for number in chosen if isinstance(number, int)]
