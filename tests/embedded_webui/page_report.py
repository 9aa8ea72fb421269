"""Builds the embedded host's page and prints what the tests want to know of it, as JSON.

Run in a process of its own: the host keeps its state in modules, and can be started once a process.
"""

from __future__ import annotations

import json
import sys

import embedded_webui


def main(data_folder):
    """Starts the host without a server, and reports."""
    embedded_webui.bootstrap(["--data-dir", data_folder])
    import gradio as gr
    from fastapi.testclient import TestClient
    from modules import infotext_utils, script_callbacks, scripts, shared, ui

    script_callbacks.before_ui_callback()
    shared.demo = ui.create_ui()
    config = shared.demo.get_config_file()
    page = TestClient(gr.routes.App.create_app(shared.demo)).get("/").text
    report = {
        "components": [
            {
                "id": part["id"],
                "elem_id": part["props"].get("elem_id"),
                "label": part["props"].get("label"),
                "value": part["props"].get("value"),
                "maximum": part["props"].get("maximum"),
            }
            for part in config["components"]
        ],
        "dependencies": [
            {key: event[key] for key in ("targets", "inputs", "outputs", "js")}
            for event in config["dependencies"]
        ],
        "script_inputs": [part._id for part in scripts.scripts_txt2img.inputs],
        "tab_names": shared.tab_names,
        "paste_tabs": list(infotext_utils.paste_fields),
        "page": page,
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1])
