"""The API's error answers: every exception becomes {error, detail, body, errors}, as in the host."""

from __future__ import annotations

import time

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import HTTPException
from fastapi.responses import JSONResponse
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware

from modules import errors, shared

SERVER_ERROR = 500


def handle_exception(request: Request, e: Exception) -> JSONResponse:
    """status_code and detail are read from the attributes of the instance, whatever its class."""
    attributes = vars(e)
    body = {
        "error": type(e).__name__,
        "detail": attributes.get("detail", ""),
        "body": attributes.get("body", ""),
        "errors": str(e),
    }
    if not isinstance(e, HTTPException):
        errors.report(f"API error: {request.method}: {request.url} {body}", exc_info=True)
    return JSONResponse(
        status_code=attributes.get("status_code", SERVER_ERROR), content=jsonable_encoder(body)
    )


def api_middleware(app: FastAPI) -> None:
    """Install the handlers, a timing header and, with --api-log, a line per request."""

    async def log_and_time(req: Request, call_next):
        started = time.time()
        res = await call_next(req)
        duration = round(time.time() - started, 4)
        res.headers["X-Process-Time"] = str(duration)
        if shared.cmd_opts.api_log and req.url.path.startswith("/sdapi"):
            when = time.strftime("%Y-%m-%d %H:%M:%S")
            print(f"API {when} {res.status_code} {req.method} {req.url.path} {duration}")
        return res

    async def exception_handling(request: Request, call_next):
        try:
            return await call_next(request)
        except Exception as e:
            return handle_exception(request, e)

    @app.exception_handler(Exception)
    async def fastapi_exception_handler(request: Request, e: Exception):
        return handle_exception(request, e)

    @app.exception_handler(HTTPException)
    async def http_exception_handler(request: Request, e: HTTPException):
        return handle_exception(request, e)

    # The page's server answers already, and Starlette refuses new middleware from its first answer on:
    # a browser that waits for the page to come back must not be able to stop it. The stack is made anew.
    for dispatch in (log_and_time, exception_handling):
        app.user_middleware.insert(0, Middleware(BaseHTTPMiddleware, dispatch=dispatch))
    app.middleware_stack = None
