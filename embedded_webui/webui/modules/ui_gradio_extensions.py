"""Scripts and styles on gradio's page; doubles the host's `modules/ui_gradio_extensions.py`.

The host's own script.js comes first, then javascript/*.js of the host and of every active extension,
each served as `file=path?time`; style.css the same way at the end of the page.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable
from typing import Any

import gradio as gr

from modules import extensions, scripts, shared
from modules.paths import data_path, script_path

_OFF_PAGE = re.compile(
    rb"<(?:link|script|meta)\b[^>]*https?://[^>]*>(?:\s*</script>)?", re.IGNORECASE
)
_gradio_response: Callable[..., Any] = gr.routes.templates.TemplateResponse


def webpath(fn: str) -> str:
    """The address under which gradio serves the file `fn`, new whenever the file is."""
    root = os.path.abspath(script_path)
    path = os.path.abspath(fn)
    if path.startswith(root + os.sep) and os.path.samefile(root, os.getcwd()):
        path = os.path.relpath(path, root)
    return f"file={html.escape(path, quote=True)}?{os.path.getmtime(fn)}"


def served_folders() -> list[str]:
    """Folders that gradio must be allowed to serve for `webpath` to work wherever it was started."""
    return [script_path, *(extension.path for extension in extensions.active())]


def javascript_html() -> str:
    """The script elements of the page's head."""
    paths = [os.path.join(script_path, "script.js")]
    paths += [script.path for script in scripts.list_scripts("javascript", ".js")]
    modules = [script.path for script in scripts.list_scripts("javascript", ".mjs")]
    lines = [_script_element(path, "text/javascript") for path in paths]
    lines += [_script_element(path, "module") for path in modules]
    if shared.cmd_opts.theme in ("dark", "light"):
        lines.append(f'<script>set_theme("{shared.cmd_opts.theme}");</script>')
    return "\n".join(lines)


def _script_element(path: str, kind: str) -> str:
    return f'<script type="{kind}" src="{webpath(path)}"></script>'


def css_html() -> str:
    """The style sheets at the end of the page's body."""
    paths = scripts.list_files_with_name("style.css")
    user_css = os.path.join(data_path, "user.css")
    if os.path.exists(user_css):
        paths = [*paths, user_css]
    return "\n".join(
        f'<link rel="stylesheet" property="stylesheet" href="{webpath(path)}">' for path in paths
    )


def reload_javascript() -> None:
    """Makes gradio's page carry the scripts and styles as they are on disk now.

    What gradio's page fetches from other machines (fonts, a frame resizer) is taken out: the page has
    to work without a network, and must not wait for one.
    """
    head = f'{javascript_html()}<meta name="referrer" content="no-referrer"/></head>'.encode()
    tail = f"{css_html()}</body>".encode()

    def response(*args: Any, **kwargs: Any) -> Any:
        page = _gradio_response(*args, **kwargs)
        body = _OFF_PAGE.sub(b"", page.body)
        page.body = body.replace(b"</head>", head, 1).replace(b"</body>", tail, 1)
        page.init_headers()
        return page

    gr.routes.templates.TemplateResponse = response
