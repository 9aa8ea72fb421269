"""What every request to a route of ours passes before anything is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from modules import shared

from fooocus_ext.api.bodies import LARGEST_BODIES
from fooocus_ext.host.http import body_checks
from fooocus_ext.host.http.origin import SAFE_METHODS, Trust, trust_of


class Gate:
    """Stands before a route: refuses foreign pages and oversized requests, and shortens its answers.

    It wraps the route itself, because a dependency runs only after the body has been read and parsed,
    and because middleware can no longer be added when extensions are told of the server.
    """

    def __init__(self, route: Any, trust: Trust, most_bytes: int = body_checks.MAX_BYTES) -> None:
        self._route = route
        self._trust = trust
        self._most_bytes = most_bytes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request (ASGI)."""
        request = Request(scope, receive)
        problem = self._trust.problem(request.method, request.headers)
        if problem:
            raise HTTPException(status_code=403, detail=problem)
        if request.method not in SAFE_METHODS:
            receive = _again(await body_checks.read_body(request, self._most_bytes), receive)
        try:
            await self._route(scope, receive, send)
        except RequestValidationError as error:
            problems = body_checks.shortened_problems(error.errors())
            await JSONResponse({"detail": problems}, status_code=422)(scope, receive, send)


def add_routes(app: FastAPI, router: APIRouter, dependencies: Sequence[Any] = ()) -> None:
    """Add a router's routes to a server, each behind a gate.

    They get their gates before the server has them: it answers already when extensions are told of it.
    """
    trust = trust_of(shared.cmd_opts)
    ready = APIRouter()
    ready.include_router(router, dependencies=dependencies)
    for route in ready.routes:
        if not isinstance(route, APIRoute):
            raise TypeError(f"no gate fits before {route!r}")
        most = LARGEST_BODIES.get(route.path, body_checks.MAX_BYTES)
        route.app = Gate(route.app, trust, most)
    app.router.routes.extend(ready.routes)


def _again(content: bytes, receive: Any) -> Any:
    """Return a way to receive a body once more that has been read, and then what follows it."""
    whole = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive_again() -> Any:
        return whole.pop() if whole else await receive()

    return receive_again
