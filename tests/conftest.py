"""How many examples hypothesis tries, and how several processes (``pytest -n auto``) share the tests out."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# No deadlines: they measure how busy the machine is.
settings.register_profile("whole", deadline=None)
settings.register_profile("fast", deadline=None, derandomize=True, max_examples=30)
settings.load_profile("whole")  # `python dev.py test --fast` asks for the other

# What takes longest goes first, so that no process is left with it at the end.
LONGEST = (
    "tests/browser",
    "tests/contract",
    "tests/embedded_webui/test_engine.py",
    "tests/prompting/expander/test_expander.py",
)
MOST = 4  # processes: several of them start a webui of 1 GB


def together(config) -> tuple[str, ...]:
    """Return the folders whose tests share one webui; those of the contract get one for each process."""
    few = "not slow" in config.option.markexpr
    return ("tests/browser/", "tests/contract/") if few else ("tests/browser/",)


def importance(item) -> int:
    """Return the place in which a test is given out: 0 first."""
    places = (i for i, name in enumerate(LONGEST) if item.nodeid.startswith(name))
    return next(places, len(LONGEST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes -n auto means: xdist itself takes two threads of a core for one."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(usable or 1, MOST)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give out whole files, which share fixtures, and some whole folders, in the order of `importance`."""
    from xdist.scheduler import LoadScopeScheduling

    folders = together(config)

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return next((folder for folder in folders if file.startswith(folder)), file)

    config.option.loadscopereorder = False  # it would begin with the files that have the most tests
    return ByFile(config, log)


def pytest_collection_modifyitems(config, items):
    """Put the longest files first where several processes share the tests out."""
    if hasattr(config, "workerinput"):
        items.sort(key=importance)
