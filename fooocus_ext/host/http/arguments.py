"""A look at generation requests before the host reads them: the shape of our arguments, and infotexts."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.dependencies.utils import get_parameterless_sub_dependant
from fastapi.routing import APIRoute

from fooocus_ext import infotext
from fooocus_ext.api.bodies import surplus_problem
from fooocus_ext.args import SCRIPT_KEY, parse
from fooocus_ext.errors import RequestError, describe, is_writable
from fooocus_ext.host import infotext_parser, typed_texts
from fooocus_ext.host.http import body_checks
from fooocus_ext.host.machine import versions

log = logging.getLogger("fooocus")

_GENERATION_PATHS = ("/sdapi/v1/txt2img", "/sdapi/v1/img2img")


def guard(app: FastAPI) -> None:
    """Have every generation request to the host's API pass ``check_arguments`` first."""
    for route in app.routes:
        if isinstance(route, APIRoute) and route.path in _GENERATION_PATHS:
            check = get_parameterless_sub_dependant(
                depends=Depends(check_arguments), path=route.path_format
            )
            route.dependant.dependencies.append(check)


async def check_arguments(request: Request) -> None:
    """Look at a generation request before the host does.

    Refuses shapes of our arguments that the host drops silently or fails on: it takes
    ``{"args": [...]}`` only, ignores a list or a text in its place, ignores an object without
    ``args``, answers 500 to an object or null as ``args``, and drops surplus values. And settles
    an infotext of ours, which the host reads without asking us (``_settle_infotext``).
    """
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        return
    scripts = body.get("alwayson_scripts") if isinstance(body, dict) else None
    scripts = scripts if isinstance(scripts, dict) else {}
    ours = [name for name in scripts if name.lower() == SCRIPT_KEY]
    try:
        for name in ours:
            problem = _shape_problem(scripts[name])
            if problem:
                raise RequestError(problem)
        if isinstance(body, dict) and versions.requests_take_infotexts():
            _settle_infotext(body, scripts[ours[0]] if ours else {})
    except RequestError as error:
        log.error("%s", error.detail)  # noqa: TRY400  (a typing mistake is worth a line, no more)
        raise HTTPException(status_code=error.status_code, detail=error.detail) from None


def _settle_infotext(body: dict[str, Any], script: dict[str, Any]) -> None:
    """Make the request's own fields win over its infotext where the host could not.

    Its parser does not tell us of infotexts over the API, so the typed texts are put in place of
    the rewritten ones here; and named arguments are laid over those of the infotext, because the
    host fills the places behind our one object with the latter. ``body`` is what the host reads.
    """
    text = body.get("infotext")
    if not isinstance(text, str) or not text:
        return
    if not is_writable(text):
        raise RequestError("infotext: allowed: no half characters (lone surrogates).")
    entries = infotext_parser.parse(text)
    if infotext.typed_texts(entries):
        for name, typed in typed_texts.in_full(text, entries).items():
            body.setdefault(name, typed)
        body.setdefault("styles", [])  # the webui's own: they are in these texts
    slots = script.get("args")
    if slots and isinstance(slots[0], dict):
        known = infotext.field_values(entries)
        settings = parse([{**known, **slots[0]}, *slots[1:]])
        script["args"] = list(settings.as_dict().values())


def _shape_problem(value: Any) -> str | None:
    excess = body_checks.size_problem(value)
    if excess:
        return (
            f"Fooocus: got {excess}; allowed: the fields and values that the documentation lists."
        )
    allowed = 'allowed: {"args": [{"enabled": true, ...}]}.'
    if not isinstance(value, dict):
        return f"Fooocus: got {describe(value)}; {allowed}"
    unknown = [key for key in value if key != "args"]
    if unknown:
        return f"Fooocus: got the key {describe(unknown[0])} beside args; {allowed}"
    slots = value.get("args", [])
    if not isinstance(slots, list):
        return f"Fooocus: got args {describe(slots)}; {allowed}"
    return surplus_problem(slots)
