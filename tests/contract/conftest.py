"""One running host for all contract tests, put back to its usual state around each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.contract import hosts, snapshots

OFF = {"sharpness": 0, "adm_positive": 1, "adm_negative": 1, "adaptive_cfg": 30}
"""Enabled, with every trick at the value where it does nothing."""


QUICK = (
    "test_signatures.py",
    "test_own_routes.py::test_few_words",
    "test_jobs.py::test_options_of_a_job",
    "test_api_arguments.py::test_bad_arguments",
    "test_api_arguments.py::test_each_refusal",
    "test_api_arguments.py::test_clients",
    "test_off.py::test_disabled_is_byte_identical_to_absent[plain]",
    "test_off.py::test_neutral_values_are_byte_identical_to_off[plain]",
    "test_off.py::test_each_trick_alone",
    "test_guidance.py::test_every_call_follows_the_definitions[plain]",
    "test_hooks.py::test_hooks_come_in_order[one batch]",
    "test_infotext.py::test_settings_survive",
)
"""What `python dev.py test --fast` keeps of these tests: a look into every corner."""


def pytest_collection_modifyitems(items):
    """Mark as slow what is not quick; hooks of a folder's conftest see the tests of all folders."""
    folder = Path(__file__).parent
    for item in items:
        name = item.nodeid.rpartition("/")[2]
        if item.path.parent == folder and not name.startswith(QUICK):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def session_host(tmp_path_factory):
    """The host that all tests of this folder share: starting one takes long."""
    running = hosts.start(tmp_path_factory.mktemp("webui-data"))
    if running.checkpoints.base is not None:
        running.use(running.checkpoints.base)
        running.generate()
    return running


@pytest.fixture
def host(session_host):
    """The host with its base checkpoint active and options as they were."""
    if session_host.checkpoints.base is None:
        pytest.skip(
            f"the webui {session_host.name} has no checkpoints to run with: name a folder of small "
            "ones with --webui-checkpoints"
        )
    options = dict(session_host.modules.shared.opts.data)
    yield session_host
    session_host.modules.shared.opts.data.clear()
    session_host.modules.shared.opts.data.update(options)
    session_host.use(session_host.checkpoints.base)


@pytest.fixture(autouse=True)
def no_traceback(request, capsys):
    """Fail a test after which the host's log has a traceback, unless it is marked `reports_errors`.

    The host swallows exceptions in hooks and callbacks, and goes on.
    """
    yield
    if request.node.get_closest_marker("reports_errors") is None:
        output = capsys.readouterr()
        assert "Traceback" not in output.out + output.err, output.err


@pytest.fixture
def unchanged(host):
    """Check that a test leaves the host's global state as it found it.

    The host's own caches hold whatever prompts came last, so they are not compared.
    """
    before = snapshots.take(host)
    yield before
    changed = snapshots.differences(before, snapshots.take(host))
    changed.pop(snapshots.CACHE_KEY, None)
    assert changed == {}


@pytest.fixture(params=["base", "refiner", "second", "sd15", "v_prediction"])
def any_checkpoint(request, host):
    """Each kind of checkpoint in turn, active."""
    return activate(host, request.param)


def activate(host, part):
    """Make the checkpoint that plays ``part`` active; skip where the host has none."""
    name = getattr(host.checkpoints, part)
    if name is None:
        pytest.skip(f"no checkpoint for the part {part!r} on the host {host.name}")
    host.use(name)
    return name


@pytest.fixture(scope="session")
def picture():
    """A picture to start img2img from, encoded as the API takes it."""
    rows, columns = np.mgrid[0:128, 0:128]
    channels = (rows * 2, columns * 2, (rows ^ columns) * 2)
    return hosts.encode(np.stack(channels, axis=-1).astype(np.uint8))


@pytest.fixture(scope="session")
def mask():
    """A mask for it: the lower half is painted anew."""
    half = np.zeros((128, 128), np.uint8)
    half[64:] = 255
    return hosts.encode(half)
