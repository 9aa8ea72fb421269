"""The promises of the README and of docs/api.md that a program can check."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from fooocus_ext import edit
from fooocus_ext.api import base, downloads, model_download, presets, queue, routes
from fooocus_ext.args import FIELDS, parse
from fooocus_ext.downloads.queue import Downloads
from fooocus_ext.fields import Field
from fooocus_ext.presets.files import PresetLibrary

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
GUIDES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def api_example() -> dict[str, object]:
    """Return the request that the API's guide tells its reader to send."""
    blocks = re.findall(r"```json\n(.*?)```", API, re.DOTALL)
    assert len(blocks) == 1
    return json.loads(blocks[0])


def fields_table(fields: Sequence[Field] = FIELDS) -> str:
    """Return a table of arguments as the API's guide should show it."""
    rows = [
        f"| `{field.name}` | {json.dumps(field.default)} | {field.allowed} | {field.help} |"
        for field in fields
    ]
    return "\n".join(["| field | default | allowed | |", "|---|---|---|---|", *rows])


def own_routes() -> set[str]:
    """Return the extension's own routes, as the API's guide writes them."""
    app = FastAPI()
    app.include_router(routes.router(SimpleNamespace()))
    app.include_router(presets.router(Path(), lambda: PresetLibrary({}), lambda: None))
    app.include_router(queue.router(SimpleNamespace()))
    models = Downloads(lambda _order: None)
    app.include_router(downloads.router(SimpleNamespace(), models))
    app.include_router(model_download.router(Path(), models, lambda: ""))
    ours = [r for r in app.routes if isinstance(r, APIRoute) and r.path.startswith(base.PREFIX)]
    return {f"{method} {route.path}" for route in ours for method in route.methods}


def anchors_of(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a document."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_example_is_accepted_and_switches_the_extension_on() -> None:
    slots = api_example()["alwayson_scripts"]["Fooocus"]["args"]
    assert parse(slots).enabled


def test_the_short_example_in_the_readme_is_accepted_too() -> None:
    scripts = re.search(r'^    "alwayson_scripts": (.+)$', README, re.MULTILINE)
    assert scripts is not None
    assert parse(json.loads(scripts[1])["Fooocus"]["args"]).enabled


def test_the_table_of_fields_is_the_one_in_the_code() -> None:
    shown = re.search(r"<!-- fields.*?-->\n(.*?)\n<!-- /fields -->", API, re.DOTALL)
    assert shown is not None
    assert shown[1] == fields_table()


def test_the_table_of_an_edit_is_the_one_in_the_code() -> None:
    shown = re.search(r"<!-- edit.*?-->\n(.*?)\n<!-- /edit -->", API, re.DOTALL)
    assert shown is not None
    assert shown[1] == fields_table(edit.FIELDS)


def test_the_table_of_routes_lists_each_of_them() -> None:
    assert (
        set(re.findall(r"^\| `((?:GET|POST|DELETE) [^`]+)` \|", API, re.MULTILINE)) == own_routes()
    )


@pytest.mark.parametrize(
    "field", [f for f in FIELDS if f.name != "enabled" and f.kind != "texts"], ids=lambda f: f.name
)
def test_the_guide_of_the_panel_has_a_row_for_each_field(field: Field) -> None:
    guide = (ROOT / "docs" / "panel.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|`]+) \|", guide, re.MULTILINE)
    first_word, *_ = field.label.split()  # ADM's three fields share a row, and so do the refiner's
    assert any(first_word in row for row in rows)


def test_the_readme_stays_short() -> None:
    assert len(README.splitlines()) < 110


def test_all_documents_name_the_same_versions_of_a1111_as_tried() -> None:
    documents = {path.name: path.read_text(encoding="utf-8") for path in GUIDES}
    table = documents["measurements.md"].partition("## Webuis that were tried")[2]
    tried = set(re.findall(r"^\| A1111 v([\d.]+) \|", table, re.MULTILINE))
    row = re.search(r"^\| AUTOMATIC1111 [^|]+\|([^|]+)\|", documents["hosts.md"], re.MULTILINE)
    said = re.search(r"^\| A1111 [^|]+\| works: (.+?) were ", README, re.MULTILINE)
    assert row
    assert said
    assert [set(re.findall(r"[\d.]+\d", found[1])) for found in (row, said)] == [tried, tried]


def test_all_that_tells_of_pockets_training_says_the_same() -> None:
    """Of its time, and of more steps than it takes by itself."""
    files = (ROOT / "tools" / "dev" / "commands.py", ROOT / "docs" / "pocket.md")
    texts = [file.read_text(encoding="utf-8") for file in files]
    assert [re.findall(r"about (\S+ \S+) on two cores", text) for text in texts] == [
        ["five hours"],
        ["five hours"],
    ]
    assert [re.findall(r"--base-steps (\d+)", text) for text in texts] == [["25000"], ["25000"]]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_links_between_the_documents_lead_somewhere(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text)
    for link in (markdown or html for markdown, html in links):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = guide.parent / name if name else guide
        assert target.is_file(), link
        if anchor:
            assert anchor in anchors_of(target.read_text(encoding="utf-8")), link
