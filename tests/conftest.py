"""What holds for every test: no network but this machine, and that only where a test asks for it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import hypothesis
import pytest
import structlog

pytest_plugins = ["tests.databases", "tests.valkey"]

#: What `@pytest.mark.loopback` opens. Unix sockets are open to every test.
LOOPBACK = ["127.0.0.1", "::1"]

# How long an example takes says more about what else runs on the machine. In CI, Hypothesis chooses its own profile,
# which tries the same examples each time.
hypothesis.settings.register_profile("crossdock", deadline=None, print_blob=True)
if hypothesis.settings.get_current_profile_name() == "default":
    hypothesis.settings.load_profile("crossdock")


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Whatever a test sets up to log, the next one finds nothing of it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Turn our marker into the allow-list of pytest-socket."""
    for item in items:
        if item.get_closest_marker("loopback"):
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))
