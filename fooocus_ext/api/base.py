"""What all of the extension's routes share: where they are, and how they refuse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter, HTTPException

from fooocus_ext.errors import RequestError

PREFIX = "/fooocus/v1"


def new_router() -> APIRouter:
    """Return a router without routes."""
    return APIRouter(prefix=PREFIX, tags=["Fooocus"])


def fields_of(model: Any) -> Mapping[str, Any]:
    """Return the fields of a model of pydantic 1 (A1111's webui) or 2 (Forge's), by their names."""
    fields: Mapping[str, Any] = getattr(model, "model_fields", None) or model.__fields__
    return fields


@contextmanager
def as_http_error() -> Iterator[None]:
    """Answer a request that cannot be honoured with its own status instead of 500."""
    try:
        yield
    except RequestError as error:
        raise HTTPException(status_code=error.status_code, detail=error.detail) from error
