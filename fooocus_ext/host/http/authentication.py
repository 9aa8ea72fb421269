"""Who may use our routes: whoever may use the webui's own."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Optional

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from modules import shared

_COOKIES = ("access-token", "access-token-unsecure")


def authentication(app: FastAPI) -> list[Any]:
    """Return what a request to our routes must pass: nothing where the webui asks for nothing.

    With ``--api-auth`` its credentials do, as on the host's own routes; with a login on the page
    (``--gradio-auth``) that login does too, because these routes are there without ``--api``.
    """
    accounts = _api_accounts()
    if not accounts and getattr(app, "auth", None) is None:
        return []

    def check(
        request: Request,
        credentials: Optional[HTTPBasicCredentials] = Depends(HTTPBasic(auto_error=False)),  # noqa: B008, UP045
    ) -> None:
        if credentials is not None and _matches(credentials, accounts):
            return
        if getattr(app, "auth", None) is not None and is_logged_in(app, request):
            return
        raise HTTPException(
            status_code=401,
            detail="Incorrect username or password",
            headers={"WWW-Authenticate": "Basic"},
        )

    return [Depends(check)]


def page_login(app: FastAPI) -> list[Any]:
    """Return what a request to routes of the page must pass: the page's login, where there is one."""

    def check(request: Request) -> None:
        if not is_logged_in(app, request):
            raise HTTPException(status_code=401, detail="Log in on the webui's page first.")

    return [Depends(check)]


def is_logged_in(app: FastAPI, request: Request) -> bool:
    """Whether a request may see the webui's page: no login is asked for, or it has its cookie."""
    if getattr(app, "auth", None) is None:
        return True
    cookie_id = getattr(app, "cookie_id", None)  # Gradio 4 has one for each start
    names = (f"{name}-{cookie_id}" if cookie_id else name for name in _COOKIES)
    tokens = getattr(app, "tokens", {})
    return any(request.cookies.get(name) in tokens for name in names)


def _api_accounts() -> dict[str, str]:
    api_auth = getattr(shared.cmd_opts, "api_auth", None) or ""
    pairs = (account.partition(":") for account in api_auth.split(",") if account.strip())
    return {name.strip(): password for name, _, password in pairs}


def _matches(credentials: HTTPBasicCredentials, accounts: Mapping[str, str]) -> bool:
    expected = accounts.get(credentials.username)
    given = credentials.password.encode()
    return expected is not None and secrets.compare_digest(given, expected.encode())
