"""The extension's own HTTP routes, /fooocus/v1/*."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from fooocus_ext import __version__
from fooocus_ext.args import FIELDS, json_schema

SCRIPT_KEY = "fooocus"
PREFIX = "/fooocus/v1"


def router() -> APIRouter:
    """Return the routes, ready to be included in the host's application."""
    routes = APIRouter(prefix=PREFIX, tags=["Fooocus"])
    routes.add_api_route("/schema", schema, methods=["GET"], summary="Schema of the API dict")
    return routes


def schema() -> dict[str, Any]:
    """Return the JSON schema of the one object in ``alwayson_scripts.Fooocus.args``."""
    return {**json_schema(), "version": __version__}


def surplus_problem(slots: list[Any]) -> str | None:
    """Return what is wrong with positional values that no field takes, or None."""
    if len(slots) <= len(FIELDS):
        return None
    names = ", ".join(field.name for field in FIELDS)
    return f"Fooocus: got {len(slots)} values in args; allowed: at most {len(FIELDS)} ({names})."
