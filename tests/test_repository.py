"""Habits of this repository that a program can check: sizes, lengths, and calls that have no place here."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

import dev

ROOT = Path(__file__).resolve().parent.parent

WEIGHTS_LOCK = ROOT / "weights.lock"

LARGEST_FILE = 12 * 1024 * 1024
LONGEST_FILE = 300
LONGEST_TEST_FILE = 500
LONGEST_FUNCTION = 50
LONGEST_UI_BUILDER = 80

# path -> why it is longer than LONGEST_FILE. An entry that is no longer needed fails the test.
LONG_FILES: dict[str, str] = {}

# "path: qualified name" -> why it is longer than its limit.
LONG_FUNCTIONS: dict[str, str] = {}

# Calls that change or read the random state that all of the process shares; the host owns that.
GLOBAL_RANDOMNESS = {
    "random.choice", "random.choices", "random.randint", "random.random", "random.sample", "random.seed",
    "random.shuffle", "random.uniform", "np.random.rand", "np.random.randn", "np.random.seed",
    "numpy.random.seed", "torch.manual_seed", "torch.cuda.manual_seed_all", "torch.random.manual_seed",
}  # fmt: skip
RUN_TEXT_AS_CODE = {"eval", "exec", "pickle.load", "pickle.loads"}
FILE_MODE = re.compile(r"[rwax][bt+]*")
DRAWS_FROM_TORCH = {"torch.rand", "torch.randn", "torch.randint", "torch.randperm", "torch.normal"}


class Function(NamedTuple):
    """A function or method, and the number of lines of its body, without its docstring."""

    name: str
    lines: int


@cache
def tracked_files() -> list[Path]:
    """Return what git knows here, or, in a download without its history, whatever is there."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode == 0:
        paths = [ROOT / name for name in listing.stdout.split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if ".venv" not in path.parts]
    return [path for path in paths if path.is_file()]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def with_suffix(suffix: str) -> list[Path]:
    return [path for path in tracked_files() if path.suffix == suffix]


def python_files(*, tests: bool) -> list[Path]:
    return [path for path in with_suffix(".py") if relative(path).startswith("tests/") == tests]


def line_count(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def functions_of(node: ast.AST, prefix: str = "") -> list[Function]:
    """Return every function below ``node``, nested ones too, with dotted names."""
    found = []
    for child in ast.iter_child_nodes(node):
        name = f"{prefix}{getattr(child, 'name', '')}"
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.append(Function(name, body_length(child)))
        is_scope = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        found += functions_of(child, f"{name}." if is_scope else prefix)
    return found


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines to be read: neither the signature, often the host's, nor the docstring."""
    statements = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not statements:
        return 0
    return (statements[-1].end_lineno or statements[-1].lineno) - statements[0].lineno + 1


def function_limit(path: Path) -> int:
    """Return the limit for functions in ``path``: a page's layout reads best in one piece."""
    is_ui = "ui" in path.relative_to(ROOT).parts or path.stem == "ui" or path.stem.startswith("ui_")
    return LONGEST_UI_BUILDER if is_ui else LONGEST_FUNCTION


def calls_in(path: Path) -> list[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def is_text_of_no_encoding(call: ast.Call) -> bool:
    """Whether a call leaves to the system how a text is read or written; a mode tells files from others."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    if "encoding" in [keyword.arg for keyword in call.keywords]:
        return False
    if name in ("read_text", "write_text"):
        return isinstance(call.func, ast.Attribute) and len(call.args) <= (name == "write_text")
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    words = [value.value for value in values if isinstance(value, ast.Constant)]
    modes = [word for word in words if FILE_MODE.fullmatch(str(word))]
    is_open = name == "open" and ast.unparse(call.func) != "tarfile.open"
    is_open = is_open and (isinstance(call.func, ast.Name) or bool(modes))
    return is_open and not any("b" in mode for mode in modes)


def extension_files() -> list[Path]:
    """Return the Python that runs inside a webui."""
    inside = ("fooocus_ext/", "scripts/", "install.py", "preload.py")
    return [path for path in with_suffix(".py") if relative(path).startswith(inside)]


def locked_weights() -> list[str]:
    """Return the lines of weights.lock, without its comments."""
    lines = WEIGHTS_LOCK.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def line_of_lock(path: Path) -> str:
    """Return the line of weights.lock that a file of weights should have."""
    content = path.read_bytes()
    return f"{hashlib.sha256(content).hexdigest()} {len(content)} {relative(path)}"


def test_the_weights_are_those_of_the_last_release():
    shipped = sorted(line_of_lock(path) for path in with_suffix(".safetensors"))
    new = [line for line in shipped if line not in locked_weights()]
    gone = [line for line in locked_weights() if line not in shipped]
    assert (new, gone) == ([], []), (
        "The weights differ from weights.lock. Git would keep this generation of them forever, so an "
        "ordinary commit must not contain it: keep the new files outside the repository until the next "
        "release, and restore the old ones with `git checkout main -- PATH`. If this is that release, "
        "put these lines into weights.lock:\n"
        + "".join(f"+ {line}\n" for line in new)
        + "".join(f"- {line}\n" for line in gone)
    )


def test_no_file_is_too_large_to_clone_quickly():
    large = {relative(path): path.stat().st_size for path in tracked_files()}
    assert {name: size for name, size in large.items() if size > LARGEST_FILE} == {}


def test_no_file_is_longer_than_can_be_kept_in_mind():
    lengths = {relative(path): line_count(path) for path in python_files(tests=False)}
    too_long = {name: length for name, length in lengths.items() if length > LONGEST_FILE}
    assert set(too_long) == set(LONG_FILES), too_long


def test_no_test_file_is_longer_than_its_limit():
    lengths = {relative(path): line_count(path) for path in python_files(tests=True)}
    assert {name: length for name, length in lengths.items() if length > LONGEST_TEST_FILE} == {}


def test_no_function_is_longer_than_its_limit():
    too_long = {
        f"{relative(path)}: {function.name}": function.lines
        for path in python_files(tests=False)
        for function in functions_of(ast.parse(path.read_text(encoding="utf-8")))
        if function.lines > function_limit(path)
    }
    assert set(too_long) == set(LONG_FUNCTIONS), too_long


def test_each_exception_to_the_limits_says_why():
    assert all(
        len(reason.split()) >= 4 for reason in [*LONG_FILES.values(), *LONG_FUNCTIONS.values()]
    )


def test_the_extension_runs_no_text_as_code_and_leaves_the_shared_random_state_alone():
    found = [
        f"{relative(path)}:{call.lineno} {ast.unparse(call.func)}"
        for path in extension_files()
        for call in calls_in(path)
        if ast.unparse(call.func) in RUN_TEXT_AS_CODE | GLOBAL_RANDOMNESS
    ]
    assert found == []


def test_the_extension_draws_from_generators_of_its_own():
    found = [
        f"{relative(path)}:{call.lineno} {ast.unparse(call.func)}"
        for path in extension_files()
        for call in calls_in(path)
        if ast.unparse(call.func) in DRAWS_FROM_TORCH
        and not any(keyword.arg == "generator" for keyword in call.keywords)
    ]
    assert found == []


def test_tests_start_no_loop_in_the_main_thread():
    """Playwright leaves one running there, beside which no other starts: `submit(asyncio.run, ...)` does."""
    found = [
        f"{relative(path)}:{call.lineno}"
        for path in python_files(tests=True)
        for call in calls_in(path)
        if ast.unparse(call.func) == "asyncio.run"
    ]
    assert found == []


def test_texts_are_read_and_written_as_utf_8():
    """Where nothing is said, Windows takes a code page of the country. Ruff sees this of few paths."""
    found = [
        f"{relative(path)}:{call.lineno} {ast.unparse(call)[:80]}"
        for path in with_suffix(".py")
        for call in calls_in(path)
        if is_text_of_no_encoding(call)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("call", "is_found"),
    [
        ("path.read_text()", True),
        ("path.write_text('a')", True),
        ("path.write_text('a', 'utf-8')", False),
        ("path.read_text(encoding='utf-8')", False),
        ("read_text(path, limit=9)", False),
        ("open(path)", True),
        ("open(path, 'rb')", False),
        ("path.open('a')", True),
        ("path.open(mode='w', encoding='utf-8')", False),
        ("path.open(mode='w')", True),
        ("path.open('ab+')", False),
        ("Image.open(path)", False),
        ("tarfile.open(path, 'w')", False),
    ],
)
def test_texts_of_no_encoding_are_found(call, is_found):
    assert is_text_of_no_encoding(ast.parse(call, mode="eval").body) == is_found


@pytest.mark.parametrize("path", with_suffix(".json"), ids=relative)
def test_data_files_are_readable(path: Path):
    json.loads(path.read_text(encoding="utf-8"))


def test_only_small_programs_come_as_javascript():
    """The page's code is read by the webui as it is: no bundles, no eval."""
    for path in with_suffix(".js"):
        text = path.read_text(encoding="utf-8")
        assert "eval(" not in text, relative(path)
        assert max(map(len, text.splitlines()), default=0) <= 160, relative(path)


def test_texts_have_unix_line_ends():
    texts = [
        path
        for suffix in (".py", ".md", ".json", ".js", ".css", ".txt", ".toml")
        for path in with_suffix(suffix)
    ]
    assert [relative(path) for path in texts if b"\r\n" in path.read_bytes()] == []


def test_the_version_is_written_in_one_place():
    """`fooocus_ext.__version__` is it; pyproject.toml refers to it, and nothing else repeats it."""
    places = [
        relative(path)
        for suffix in (".py", ".toml", ".ini", ".cfg")
        for path in with_suffix(suffix)
        if re.search(
            r"""^\s*_*version_*\s*=\s*["']?\d+\.\d""",
            path.read_text(encoding="utf-8"),
            re.IGNORECASE | re.MULTILINE,
        )
    ]
    assert places == ["fooocus_ext/__init__.py"]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'version = { attr = "fooocus_ext.__version__" }' in project


def test_github_tests_every_supported_python_with_the_command_for_everybody():
    workflows = list((ROOT / ".github" / "workflows").iterdir())
    assert [path.name for path in workflows] == ["test.yml"]
    job = yaml.safe_load(workflows[0].read_text(encoding="utf-8"))["jobs"]["test"]
    pythons = [f"{major}.{minor}" for major, minor in dev.SUITABLE_PYTHONS]
    assert job["strategy"]["matrix"]["python"] == pythons
    assert [step["run"] for step in job["steps"] if "run" in step] == ["python dev.py test"]


def test_the_issue_form_asks_for_what_a_bug_needs():
    form = yaml.safe_load((ROOT / ".github/ISSUE_TEMPLATE/bug.yml").read_text(encoding="utf-8"))
    asked = [part["id"] for part in form["body"] if "id" in part]
    assert asked == ["family", "version", "flags", "asked", "happened", "infotext", "log"]


def test_lengths_are_counted_as_a_reader_counts_them():
    source = (
        "class A:\n"
        "    @property\n"
        "    def f(\n"
        "        self):\n"
        "        'Docstring.'\n"
        "        def g():\n"
        "            'Docstring.'\n"
        "        return g\n"
    )
    assert functions_of(ast.parse(source)) == [Function("A.f", 3), Function("A.f.g", 0)]
