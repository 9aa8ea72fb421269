"""What the extension adds to the webui's HTTP server."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any, Optional

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.dependencies.utils import get_parameterless_sub_dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from modules import call_queue, shared
from modules import generation_parameters_copypaste as copypaste

from fooocus_ext import infotext
from fooocus_ext.api import routes, saving
from fooocus_ext.args import HOST_CHOICE, SCRIPT_KEY, Settings, parse
from fooocus_ext.errors import RequestError, describe
from fooocus_ext.generation.plan import make_plan
from fooocus_ext.host.jobs import run
from fooocus_ext.host.machine import assets, checkpoints, expansion
from fooocus_ext.host.refiner import resident
from fooocus_ext.prompting.rewrite import RewrittenPrompt

log = logging.getLogger("fooocus")

_GENERATION_PATHS = ("/sdapi/v1/txt2img", "/sdapi/v1/img2img")


def register(_demo: Any, app: FastAPI) -> None:
    """Add our routes and guard the shape of our arguments in the host's; called on every start."""
    for router in (routes.router(services()), saving.router(folders())):
        app.include_router(router, dependencies=authentication(app))
    for route in app.routes:
        if isinstance(route, APIRoute) and route.path in _GENERATION_PATHS:
            guard = get_parameterless_sub_dependant(
                depends=Depends(check_arguments), path=route.path_format
            )
            route.dependant.dependencies.append(guard)


def services() -> routes.Services:
    """Return what our routes work with."""
    return routes.Services(
        styles=assets.styles,
        presets=assets.presets,
        reload=assets.reload,
        rewrite=_rewrite,
        expand=expansion.expand,
        make_pictures=_make_pictures,
        release_refiner=_release_refiner,
    )


def folders() -> saving.Folders:
    """Return where our routes may write."""
    return saving.Folders(
        presets=assets.user_folder() / "presets",
        expansion_model=expansion.models_folder(),
        may_download=_may_download,
        changed=_read_again,
    )


def _may_download() -> bool:
    """Whether the host lets its page install extensions, which is no more than this download does."""
    return not getattr(shared.cmd_opts, "disable_extension_access", False)


def _read_again() -> None:
    assets.reload()
    expansion.forget_models()


def _rewrite(prompt: str, negative: str, seed: int, settings: Settings) -> RewrittenPrompt:
    return assets.writer().rewrite([prompt], [negative], [seed], settings)[0]


def _make_pictures(request: Any, settings: Settings) -> routes.Pictures:
    of_host = {"cfg_scale": request.cfg_scale, "steps": request.steps}
    of_host = {name: value for name, value in of_host.items() if value is not None}
    if "aspect_ratio" not in request.__fields_set__:
        size = checkpoints.small_size(_base_model(request.base_model, settings))
        if size:
            of_host.update(size)
            settings = settings.replace(aspect_ratio=HOST_CHOICE).keeping("aspect_ratio")
    job = run.Job(
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        settings=settings,
        image_number=request.image_number,
        seed=request.seed,
        base_model=request.base_model,
        request=of_host,
    )
    # The host generates models from its options when this is first imported: not before a request.
    from modules.api.api import encode_pil_to_base64

    processed = run.run_queued(job)
    first, last = processed.index_of_first_image, len(processed.infotexts)
    return routes.Pictures(
        images=[encode_pil_to_base64(image).decode() for image in processed.images[first:last]],
        infotexts=processed.infotexts[first:],
        seeds=processed.all_seeds[: last - first],
    )


def _base_model(named: str, settings: Settings) -> str:
    """Return which checkpoint will make the pictures. Raises RequestError as ``make_plan`` does."""
    plan = make_plan(settings, assets.installed(), checkpoint_is_chosen=bool(named))
    return named or plan.options.get("sd_model_checkpoint", shared.opts.sd_model_checkpoint)


def _release_refiner() -> str | None:
    with call_queue.queue_lock:
        return resident.release()


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


def is_logged_in(app: FastAPI, request: Request) -> bool:
    """Whether a request may see the webui's page: no login is asked for, or it has its cookie."""
    if getattr(app, "auth", None) is None:
        return True
    token = request.cookies.get("access-token") or request.cookies.get("access-token-unsecure")
    return token in getattr(app, "tokens", {})


def _api_accounts() -> dict[str, str]:
    api_auth = getattr(shared.cmd_opts, "api_auth", None) or ""
    pairs = (account.partition(":") for account in api_auth.split(",") if account.strip())
    return {name.strip(): password for name, _, password in pairs}


def _matches(credentials: HTTPBasicCredentials, accounts: Mapping[str, str]) -> bool:
    expected = accounts.get(credentials.username)
    given = credentials.password.encode()
    return expected is not None and secrets.compare_digest(given, expected.encode())


async def check_arguments(request: Request) -> None:
    """Look at a generation request before the host does.

    Refuses shapes of our arguments that the host drops silently or fails on: it takes
    ``{"args": [...]}`` only, ignores a list or a text in its place, ignores an object without
    ``args``, answers 500 to an object or null as ``args``, and drops surplus values. And settles
    an infotext of ours, which the host reads without asking us (``_settle_infotext``).
    """
    try:
        body = await request.json()
        scripts = body.get("alwayson_scripts") or {}
        ours = [name for name in scripts if name.lower() == SCRIPT_KEY]
    except (ValueError, AttributeError):
        return
    try:
        for name in ours:
            problem = _shape_problem(scripts[name])
            if problem:
                raise RequestError(problem)
        _settle_infotext(body, scripts[ours[0]] if ours else None)
    except RequestError as error:
        log.error("%s", error.detail)  # noqa: TRY400  (a typing mistake is worth a line, no more)
        raise HTTPException(status_code=error.status_code, detail=error.detail) from None


def _settle_infotext(body: dict[str, Any], script: dict[str, Any] | None) -> None:
    """Make the request's own fields win over its infotext where the host could not.

    Its parser does not tell us of infotexts over the API, so the typed texts are put in place of
    the rewritten ones here; and named arguments are laid over those of the infotext, because the
    host fills the places behind our one object with the latter. ``body`` is what the host reads.
    """
    text = body.get("infotext")
    if not isinstance(text, str) or not text:
        return
    entries = copypaste.parse_generation_parameters(text)
    for name, typed in infotext.typed_texts(entries).items():
        body.setdefault(name, typed)
    slots = script.get("args") if script else None
    if slots and isinstance(slots[0], dict):
        known = infotext.field_values(entries)
        script["args"] = list(parse([{**known, **slots[0]}]).as_dict().values())


def _shape_problem(value: Any) -> str | None:
    allowed = 'allowed: {"args": [{"enabled": true, ...}]}.'
    if not isinstance(value, dict):
        return f"Fooocus: got {describe(value)}; {allowed}"
    unknown = [key for key in value if key != "args"]
    if unknown:
        return f"Fooocus: got the key {describe(unknown[0])} beside args; {allowed}"
    slots = value.get("args", [])
    if not isinstance(slots, list):
        return f"Fooocus: got args {describe(slots)}; {allowed}"
    return routes.surplus_problem(slots)
