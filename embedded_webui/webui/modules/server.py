"""Doubles webui.py.

Builds the page and its server, adds the API, tells the extensions, waits for commands.
"""

from __future__ import annotations

from fastapi import FastAPI

from modules import initialize, script_callbacks, shared
from modules.call_queue import queue_lock
from modules.shared import cmd_opts

POLL_SECONDS = 1
QUEUE_LENGTH = 64


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


def api_only(host: str, port: int) -> None:
    """Serve the API without a page."""
    import uvicorn

    uvicorn.run(
        make_api_app(), host=host, port=port, timeout_keep_alive=cmd_opts.timeout_keep_alive
    )


def launch_page(host: str, port: int) -> FastAPI:
    """Build the page and serve it in a thread; returns once extensions have been told."""
    from modules import progress, ui

    script_callbacks.before_ui_callback()
    shared.demo = ui.create_ui()
    if not cmd_opts.no_gradio_queue:
        shared.demo.queue(QUEUE_LENGTH)
    credentials = [
        tuple(pair.split(":", 1)) for pair in (cmd_opts.gradio_auth or "").split(",") if pair
    ]
    app, _, _ = shared.demo.launch(
        share=False,
        server_name=cmd_opts.server_name or host,
        server_port=cmd_opts.port or port,
        auth=credentials or None,
        inbrowser=cmd_opts.autolaunch,
        prevent_thread_lock=True,
        quiet=True,
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
    """Stop the page's server."""
    shared.demo.close()


def reload_page() -> None:
    """What happens between two pages: scripts are told, unloaded and loaded again."""
    script_callbacks.app_reload_callback()
    script_callbacks.script_unloaded_callback()
    initialize.initialize_rest(reload_script_modules=True)


def run_page(host: str, port: int) -> str:
    """Serve until told to "stop" (also by Ctrl+C) or to "restart", for which everything is reloaded."""
    launch_page(host, port)
    print(f"Running on http://{host}:{port}", flush=True)
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
