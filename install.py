"""Run by the webui at its start: says what is missing. Installs and upgrades nothing.

The extension needs no package of its own: the webui ships everything that it imports, and changing the
version of any of them breaks webuis. So where one is missing, the webui's own installation is incomplete.
"""

from __future__ import annotations

import importlib.util

REQUIRED = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "gradio",
    "numpy",
    "PIL",
    "jinja2",
    "pydantic",
    "fastapi",
    "starlette",
    "httpx",
    "filelock",
)


def missing_modules(names: tuple[str, ...] = REQUIRED) -> list[str]:
    """Return those of ``names`` (import names) that this Python cannot find; imports none of them."""
    return [name for name in names if importlib.util.find_spec(name) is None]


def main() -> None:
    """Print one line if something is missing, else nothing."""
    missing = missing_modules()
    if missing:
        print(
            f"sd-webui-fooocus: this webui's Python lacks {', '.join(missing)}, which the webui "
            "should have installed. The extension will not work until you repair the webui."
        )


# The webui runs this file as a program; tests import it.
if __name__ == "__main__":
    main()
