from __future__ import annotations

import pytest

from tests.job_queue.server import Server


@pytest.fixture
def server(tmp_path):
    running = Server(tmp_path)
    yield running
    running.store.close()
