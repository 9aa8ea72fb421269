"""What the tests of our routes share: the routes, and a stand-in for the host behind them."""

from __future__ import annotations

import pytest

from tests.api.backend import Backend, client_of


@pytest.fixture
def backend():
    return Backend()


@pytest.fixture
def client(backend):
    return client_of(backend)
