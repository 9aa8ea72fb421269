"""The API's `infotext` field: values of the request read from an infotext; modules/api/api.py uses this."""

from __future__ import annotations

from modules import infotext_utils


def _target_type(field, request):
    if field.api in request.__fields__:
        return request.__fields__[field.api].type_
    return type(field.component.value)


def _field_value(field, params, request):
    """The field's value in the type that its target has, or None."""
    value = field.function(params) if field.function else params.get(field.label)
    if value is None:
        return None
    target_type = _target_type(field, request)
    if target_type is type(None):
        return None
    if isinstance(value, dict) and value.get("__type__") == "generic_update":
        value = value.get("value")
    if value is not None and not isinstance(value, target_type):
        value = target_type(value)
    return value


def apply_infotext(request, tabname, *, script_runner=None, mentioned_script_args=None):
    """Fill what the request leaves open from its `infotext`.

    Script values go into `mentioned_script_args`.
    """
    if not request.infotext:
        return {}
    fields = infotext_utils.paste_fields[tabname]["fields"]
    set_fields = request.dict(exclude_unset=True)
    params = infotext_utils.parse_generation_parameters(request.infotext)
    for field in fields:
        if field.api and field.api not in set_fields:
            value = _field_value(field, params, request)
            if value is not None:
                setattr(request, field.api, value)
    if request.override_settings is None:
        request.override_settings = {}
    for _, setting_name, value in infotext_utils.get_override_settings(params):
        request.override_settings.setdefault(setting_name, value)
    if script_runner is not None and mentioned_script_args is not None:
        mentioned_script_args.update(_script_values(fields, params, request, script_runner.inputs))
    return params


def _script_values(fields, params, request, inputs) -> dict:
    """{slot: value} of the scripts' controls that the infotext mentions."""
    indexes = {component: index for index, component in enumerate(inputs)}
    values = {
        indexes[field.component]: _field_value(field, params, request)
        for field in fields
        if field.component in indexes
    }
    return {index: value for index, value in values.items() if value is not None}
