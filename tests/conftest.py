"""How many examples hypothesis tries, and how several processes (``pytest -n auto``) share the tests out."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# No deadlines: they measure how busy the machine is.
settings.register_profile("whole", deadline=None)
settings.register_profile("fast", deadline=None, derandomize=True, max_examples=30)
settings.load_profile("whole")  # `python dev.py test --fast` asks for the other

# The files that take longest go first, so that no process is left with one of them at the end.
LONGEST = ("tests/browser", "tests/contract", "tests/embedded_webui/test_engine.py")
TOGETHER = "tests/browser"  # one server and one Chromium for all of them
MOST = 4  # processes: several of them start a webui of 1 GB


def share_of(nodeid: str) -> str:
    """Return what a test may not be parted from: its file, whose fixtures it shares, or its folder."""
    file = nodeid.partition("::")[0]
    return TOGETHER if file.startswith(f"{TOGETHER}/") else file


def importance(share: str) -> int:
    """Return the place in which a share is given out: 0 first."""
    return next((i for i, name in enumerate(LONGEST) if share.startswith(name)), len(LONGEST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes -n auto means: xdist itself takes two threads of a core for one."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(usable or 1, MOST)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give out whole shares, in the order of `importance`."""
    from xdist.scheduler import LoadScopeScheduling

    class ByShare(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return share_of(nodeid)

    config.option.loadscopereorder = False  # it would begin with the files that have the most tests
    return ByShare(config, log)


def pytest_collection_modifyitems(config, items):
    """Put the longest files first where several processes share the tests out."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: importance(share_of(item.nodeid)))
