"""Fixtures of tests/clients and tests/e2e."""

import pytest

from testing import repository
from testing.server import FULL, Server


def pytest_collection_modifyitems(config, items):
    """Leaves out what belongs to `tests/run --full` unless that runs."""
    if not FULL:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("full")])
        items[:] = [item for item in items if not item.get_closest_marker("full")]


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """The shared repository; tests do not change it."""
    return repository.build(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def server(models, tmp_path_factory):
    """A server over the shared repository, one for each file of tests."""
    with Server(tmp_path_factory.mktemp("server"), models) as running:
        yield running
