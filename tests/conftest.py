"""What holds for every test: no network but this machine, and that only where a test asks for it."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.databases", "tests.valkey"]

#: What `@pytest.mark.loopback` opens. Unix sockets are open to every test.
LOOPBACK = ["127.0.0.1", "::1"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Turn our marker into the allow-list of pytest-socket."""
    for item in items:
        if item.get_closest_marker("loopback"):
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))
