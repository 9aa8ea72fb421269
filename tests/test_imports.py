"""Who may import whom (docs/contributing.md, "Import map"), read from the source with ast."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "fooocus_ext"

HOST_PACKAGES = {
    "modules",
    "launch",
    "k_diffusion",
    "ldm",
    "sgm",
    "backend",
    "ldm_patched",
    "modules_forge",
}
# What every supported webui ships (v1.6 to v1.10.1), and so what the extension may use.
LIBRARIES = {
    "torch",
    "numpy",
    "PIL",
    "transformers",
    "tokenizers",
    "safetensors",
    "jinja2",
    "lark",
    "pydantic",
    "tqdm",
    "filelock",
}
# The parts of the package, lowest first: each may import those before it, and no other.
ORDER = (
    "errors",
    "normal_forms",
    "limits",
    "core",
    "data_files",
    "downloads",
    "markup",
    "original_texts",
    "fields",
    "readers",
    "args",
    "edit",
    "images",
    "infotext",
    "prompting",
    "presets",
    "metadata",
    "image_log",
    "job_queue",
    "generation",
    "tab",
    "ui",
    "api",
    "host",
)
# What a part may not import although it lies lower, or which libraries it may use besides the usual.
APART = {
    "core": {"errors", "limits"},
    "ui": {"core", "image_log", "generation"},
    "api": {"core", "ui", "tab"},
}
PAGES, SERVER = {"gradio"}, {"fastapi", "starlette"}
EXTRA_LIBRARIES = {
    "downloads": {"httpx"},
    "ui": PAGES,
    "api": SERVER,
    "host": HOST_PACKAGES | PAGES | SERVER,
}
FEW_LIBRARIES = {
    "errors": set(),
    "limits": set(),
    "core": {"torch"},
    "original_texts": set(),
    "fields": set(),
    "readers": set(),
    "args": set(),
    "edit": set(),
}


class Import(NamedTuple):
    """One import: the dotted module, where it stands, and whether it is only there for its types."""

    module: str
    line: int
    for_types: bool


def modules_of(*folders: str) -> dict[str, Path]:
    """Return the dotted name and path of every Python file in ``folders`` (or the file itself)."""
    paths = [path for folder in folders for path in python_files(ROOT / folder)]
    return {dotted_name(path): path for path in paths}


def python_files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


def dotted_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def part_of(module: str) -> str:
    """Return the part of the package that holds ``module``: core for fooocus_ext.core.adm."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports_of(path: Path) -> list[Import]:
    """Return every import in the file, also inside functions and ``if TYPE_CHECKING``."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    package = dotted_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    typed = {id(node) for block in type_checking_blocks(tree) for node in ast.walk(block)}
    return [
        Import(module, node.lineno, id(node) in typed)
        for node in ast.walk(tree)
        for module in imported_modules(node, package)
    ]


def type_checking_blocks(tree: ast.AST) -> list[ast.If]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]


def imported_modules(node: ast.AST, package: list[str]) -> list[str]:
    """Return what one statement imports; ``from package import module`` counts as package.module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package[: len(package) - node.level + 1] if node.level else []
        base = ".".join([*above, *filter(None, [node.module])])
        return [base if alias.name == "*" else f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = ast.unparse(node.func)
        if called in {"__import__", "import_module", "importlib.import_module"}:
            return [str(node.args[0].value)]
    return []


def complaint(path: Path, found: Import, reason: str) -> str:
    return f"{path.relative_to(ROOT)}:{found.line} imports {found.module}: {reason}"


def judge(module: str, path: Path) -> list[str]:
    """Return what is wrong with the imports of one module of the extension."""
    part = part_of(module)
    libraries = FEW_LIBRARIES.get(part, LIBRARIES | EXTRA_LIBRARIES.get(part, set()))
    complaints = []
    for found in imports_of(path):
        top = found.module.split(".")[0]
        if top in sys.stdlib_module_names:
            continue
        if top != PACKAGE:
            if top not in libraries:
                complaints.append(complaint(path, found, f"{part or PACKAGE} may not use {top}"))
            continue
        imported = part_of(found.module)
        if imported != part and is_part(imported) and not may_import(part, imported):
            complaints.append(
                complaint(path, found, f"{part or PACKAGE} may not import {imported}")
            )
    return complaints


def may_import(part: str, imported: str) -> bool:
    """Tell whether one part of the package may import another."""
    if not part:
        return False
    return ORDER.index(imported) < ORDER.index(part) and imported not in APART.get(part, set())


def is_part(name: str) -> bool:
    """Tell a module or package of ours from a name such as ``__version__``."""
    folder = ROOT / PACKAGE
    return (folder / f"{name}.py").exists() or (folder / name).is_dir()


# What `bulk`, a program beside webuis, may use of the extension: what needs the standard library alone.
FOR_CLIENTS = {"args", "errors", "data_files"}
BULK_LIBRARIES = {"urllib3", "PIL", "filelock", "tqdm"}
LATE_BULK_LIBRARIES = {"pyarrow", "ray"}  # imported where they are needed: a run can do without

EXTENSION = modules_of(PACKAGE)
BULK = modules_of("bulk")
EMBEDDED = modules_of("embedded_webui")
UNAIDED = modules_of("dev.py", "tools/dev", "install.py", "preload.py")
UNAIDED.pop("tools.dev.pytest_in_webui", None)  # started where pytest is installed


@pytest.mark.parametrize("module", EXTENSION)
def test_each_module_imports_only_what_lies_below_it(module: str):
    assert judge(module, EXTENSION[module]) == []


def test_every_part_has_its_place_in_the_order():
    parts = {part_of(name) for name in EXTENSION} - {""}
    assert parts == set(ORDER)


def test_no_module_imports_itself_by_a_detour():
    """Imports that are only there for types count too: they tie two files as much as others do."""
    graph = {
        name: {
            target
            for found in imports_of(path)
            for target in (found.module, found.module.rpartition(".")[0])
            if target in EXTENSION and target not in {PACKAGE, name, name.rpartition(".")[0]}
        }
        for name, path in EXTENSION.items()
    }
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


def test_the_entry_script_is_short_and_imports_only_the_host_package():
    path = ROOT / "scripts" / "fooocus.py"
    others = [
        found for found in imports_of(path) if not found.module.startswith(f"{PACKAGE}.host.")
    ]
    assert [found.module for found in others if found.module != "__future__.annotations"] == []
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 20


def test_the_embedded_host_imports_nothing_of_the_extension():
    complaints = [
        complaint(path, found, "the embedded host stands in for a webui, which knows no extension")
        for path in EMBEDDED.values()
        for found in imports_of(path)
        if found.module.split(".")[0] == PACKAGE
    ]
    assert complaints == []


@pytest.mark.parametrize("module", BULK)
def test_bulk_uses_its_few_libraries_and_of_the_extension_what_needs_none(module: str):
    complaints = []
    for found in imports_of(BULK[module]):
        top = found.module.split(".")[0]
        if top in {*sys.stdlib_module_names, *BULK_LIBRARIES, *LATE_BULK_LIBRARIES, "bulk"}:
            continue
        if top != PACKAGE or part_of(found.module) not in FOR_CLIENTS:
            complaints.append(complaint(BULK[module], found, f"bulk may not use {found.module}"))
    assert complaints == []


def test_bulk_runs_without_what_few_runs_need():
    code = "import sys, bulk.commands\n"
    code += f"print(*{LATE_BULK_LIBRARIES | {'torch', 'numpy'}!r} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []


def test_the_extension_imports_nothing_of_the_embedded_host():
    complaints = [
        complaint(path, found, "the extension runs inside any webui")
        for path in EXTENSION.values()
        for found in imports_of(path)
        if found.module.split(".")[0] == "embedded_webui"
    ]
    assert complaints == []


def test_programs_for_developers_are_imported_by_no_part_of_the_extension():
    ours = {**EXTENSION, **EMBEDDED, **modules_of("scripts", "install.py", "preload.py")}
    complaints = [
        complaint(path, found, "the extension must work without it")
        for path in ours.values()
        for found in imports_of(path)
        if found.module.split(".")[0] in {"tools", "tests", "benchmarks", "bulk", "dev"}
    ]
    assert complaints == []


@pytest.mark.parametrize("module", UNAIDED)
def test_what_runs_before_anything_is_installed_uses_the_standard_library_alone(module: str):
    others = {found.module.split(".")[0] for found in imports_of(UNAIDED[module])}
    # What reads bulk's command line needs no library either, as tests/tools/test_bulk_command.py shows.
    ours = {"tools", "bulk"} if module == "tools.dev.bulk" else {"tools"}
    assert others - set(sys.stdlib_module_names) <= ours


def test_importing_the_lower_parts_loads_neither_gradio_nor_transformers():
    """The webui starts no slower for the extension, and tests of the core need no page."""
    names = [name for name in EXTENSION if part_of(name) not in {"ui", "api", "host"}]
    code = (
        f"import sys\nfor name in {names!r}: __import__(name)\n"
        "print(*{'gradio', 'transformers', 'modules', 'diffusers', 'fastapi'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []


@pytest.mark.parametrize(
    ("place", "source", "expected"),
    [
        ("core/adm.py", "import numpy", "core may not use numpy"),
        ("core/adm.py", "from fooocus_ext import args", "core may not import args"),
        ("core/adm.py", "from ..errors import RequestError", "core may not import errors"),
        ("args.py", "def f():\n    from fooocus_ext.ui import panel", "args may not import ui"),
        (
            "generation/state.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import modules.shared",
            "generation may not use modules",
        ),
        (
            "generation/hooks.py",
            "import importlib\nimportlib.import_module('modules.shared')",
            "generation may not use modules",
        ),
        (
            "generation/hooks.py",
            "from ..host.a1111.script import FooocusScript",
            "generation may not import host",
        ),
        ("ui/panel.py", "from fooocus_ext.core import adm", "ui may not import core"),
        ("tab/choices.py", "import gradio", "tab may not use gradio"),
        ("prompting/styles.py", "import requests", "prompting may not use requests"),
        ("ui/panel.py", "import gradio as gr\nfrom fooocus_ext.args import FIELDS", None),
        ("host/entry.py", "from modules import shared\nfrom fooocus_ext.core import adm", None),
        (
            "core/adm.py",
            "import math\nfrom torch.nn import functional\nfrom .call import Call",
            None,
        ),
    ],
)
def test_the_judge_sees_what_it_must(
    monkeypatch, tmp_path, place: str, source: str, expected: str | None
):
    for part in ORDER:
        (tmp_path / PACKAGE / part).mkdir(parents=True)
    path = tmp_path / PACKAGE / place
    path.write_text(source, encoding="utf-8")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    complaints = judge(dotted_name(path), path)
    assert [text.rpartition(": ")[2] for text in complaints] == ([expected] if expected else [])
