"""Doubles webui.py.

Builds the page and its server, adds the API, tells the extensions, waits for commands.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator

from fastapi import FastAPI

from modules import initialize, script_callbacks, shared
from modules.call_queue import queue_lock
from modules.paths_internal import data_path
from modules.shared import cmd_opts
from modules.shared_cmd_options import EVERYWHERE, is_local

POLL_SECONDS = 1
CLOSING_SECONDS = 5
DEFAULT_PORT = 7860
QUEUE_LENGTH = 64


def address() -> tuple[str, int]:
    """Where to listen, in the host's order: --server-name, --listen, then --host."""
    name = cmd_opts.server_name or (EVERYWHERE if cmd_opts.listen else cmd_opts.host)
    return name, cmd_opts.port or DEFAULT_PORT


def check_address() -> None:
    """End the program with a sentence and status 2 if nobody can listen at the address."""
    name, port = address()
    try:
        family = socket.getaddrinfo(name, None)[0][0]
        with socket.create_server((name, port), family=family):
            return
    except (OSError, OverflowError, UnicodeError) as error:
        print(
            f"--host, --port: got {name}:{port}, where nobody can listen "
            f"({getattr(error, 'strerror', None) or error}); "
            "allowed: an address of this machine, and a port from 1 to 65535 that is free",
            file=sys.stderr,
        )
    raise SystemExit(2)


def warn_if_open() -> None:
    """Tell whoever opens the server to others what that means."""
    name, port = address()
    if is_local(name):
        return
    print(
        f"WARNING: {name}:{port} can be reached from other machines. Whoever reaches it can make pictures, "
        "see those made before and change settings; --gradio-auth and --api-auth (user:password) ask for "
        "a password.",
        file=sys.stderr,
        flush=True,
    )


@contextlib.contextmanager
def _in_data_folder() -> Iterator[None]:
    """Gradio serves every file below the folder that it is started in: let it be none of the user's."""
    before = os.getcwd()
    os.makedirs(data_path, exist_ok=True)
    os.chdir(data_path)
    try:
        yield
    finally:
        os.chdir(before)


def create_api(app: FastAPI):
    """The routes under /sdapi/v1 on `app`."""
    from modules.api.api import Api

    return Api(app, queue_lock)


def setup_middleware(app: FastAPI) -> None:
    """Compress large answers; gradio's permissive cross-origin rule is dropped, as in the host."""
    from starlette.middleware import Middleware
    from starlette.middleware.gzip import GZipMiddleware

    kept = [x for x in app.user_middleware if x.cls.__name__ != "CORSMiddleware"]
    app.user_middleware = [Middleware(GZipMiddleware, minimum_size=1000), *kept]
    app.middleware_stack = None  # not add_middleware: a request may have been answered by now


def make_api_app() -> FastAPI:
    """The application of --nowebui, ready to be served or tested: API only, scripts without a page."""
    from modules import progress

    app = FastAPI()
    progress.setup_progress_api(app)
    create_api(app)
    script_callbacks.before_ui_callback()
    script_callbacks.app_started_callback(None, app)
    return app


def api_only() -> None:
    """Serve the API without a page."""
    import uvicorn

    warn_if_open()
    host, port = address()
    uvicorn.run(
        make_api_app(), host=host, port=port, timeout_keep_alive=cmd_opts.timeout_keep_alive
    )


def launch_page() -> FastAPI:
    """Build the page and serve it in a thread; returns once extensions have been told."""
    from modules import progress, ui

    script_callbacks.before_ui_callback()
    shared.demo = ui.create_ui()
    if not cmd_opts.no_gradio_queue:
        shared.demo.queue(QUEUE_LENGTH)
    credentials = [
        tuple(pair.split(":", 1)) for pair in (cmd_opts.gradio_auth or "").split(",") if pair
    ]
    name, port = address()
    with _in_data_folder():
        app, _, _ = shared.demo.launch(
            share=False,
            server_name=name,
            server_port=port,
            auth=credentials or None,
            inbrowser=cmd_opts.autolaunch,
            prevent_thread_lock=True,
            quiet=True,
            _frontend=False,  # else it asks itself for the page, and gives up after three seconds
            allowed_paths=[*cmd_opts.gradio_allowed_path, *ui.served_folders()],
            root_path=f"/{cmd_opts.subpath}" if cmd_opts.subpath else "",
            app_kwargs={"docs_url": "/docs", "redoc_url": "/redoc"},
        )
    setup_middleware(app)
    progress.setup_progress_api(app)
    ui.setup_ui_api(app)
    if cmd_opts.api:
        create_api(app)
    script_callbacks.app_started_callback(shared.demo, app)
    return app


def close_page() -> None:
    """Stop the page's server, once no picture is made; whoever reads its answers slowly is not waited for."""
    with queue_lock:
        shared.demo.server.config.timeout_graceful_shutdown = CLOSING_SECONDS
        shared.demo.close()


def reload_page() -> None:
    """What happens between two pages: scripts are told, unloaded and loaded again."""
    script_callbacks.app_reload_callback()
    script_callbacks.script_unloaded_callback()
    initialize.initialize_rest(reload_script_modules=True)


def run_page() -> str:
    """Serve until told to "stop" (also by Ctrl+C) or to "restart", for which everything is reloaded."""
    warn_if_open()
    launch_page()
    print("Running on http://{}:{}".format(*address()), flush=True)
    command = None
    try:
        while command not in ("stop", "restart"):
            command = shared.state.wait_for_server_command(timeout=POLL_SECONDS)
    except KeyboardInterrupt:
        command = "stop"
    close_page()
    if command == "restart":
        reload_page()
    return command
