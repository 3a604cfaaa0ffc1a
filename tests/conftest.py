"""What holds for every test: no network but this machine, and that only where a test asks for it."""

from __future__ import annotations

import functools
import importlib.metadata
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

import connectors.registry
import mappings.registry
from tests.logs import log_plainly

log_plainly()
pytest_plugins = ["tests.databases", "tests.valkey"]

#: What `@pytest.mark.loopback` opens. Unix sockets are open to every test.
LOOPBACK = ["127.0.0.1", "::1"]

#: Where heavy tests share servers -> which; the longest place that fits.
TOGETHER = {
    "tests/real/": "tryton",
    "tests/real/test_demo.py": "demo",
    "tests/real/test_tryton_boundaries.py": "tryton on postgresql",
    "tests/real/test_tryton_postgres.py": "tryton on postgresql",
    "tests/webapp/console/": "console",
    "tests/webapp/console/test_canary.py": "canary",
}

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
    log_plainly()


@pytest.fixture
def entry_points(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Installs packages that register something: `entry_points(GROUP, NAME="module:what")`."""
    known: list[importlib.metadata.EntryPoint] = []
    caches = [connectors.registry._entry_points, connectors.registry._third_partys]
    caches += [mappings.registry._entry_points, mappings.registry._module]

    def install(group: str, **points: str) -> None:
        known.extend(importlib.metadata.EntryPoint(name, value, group) for name, value in points.items())

    def select(group: str) -> importlib.metadata.EntryPoints:
        return importlib.metadata.EntryPoints(known).select(group=group)

    monkeypatch.setattr(importlib.metadata, "entry_points", select)
    for cache in caches:
        cache.cache_clear()
    yield install
    for cache in caches:
        cache.cache_clear()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what has no heavy test where only heavy ones are wanted: each worker would read all the others."""
    if config.option.markexpr != "heavy" or collection_path.suffix != ".py":
        return None
    return None if _has_heavy(collection_path) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Turn our marker into the allow-list of pytest-socket, and let what takes long begin first."""
    for item in items:
        if item.get_closest_marker("loopback"):
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))
    # A heavy module of few tests has long ones: at the end they would keep one worker busy while the others wait.
    tests_of, last = Counter(item.path for item in items), len(items)
    items.sort(key=lambda item: tests_of[item.path] if item.get_closest_marker("heavy") else last)


@functools.cache
def _has_heavy(module: Path) -> bool:
    return "mark.heavy" in module.read_text()


class _Together(LoadScopeScheduling):
    """`--dist loadgroup`: tests that share a server which takes long to start run in one worker, all others anywhere.

    By place, as xdist 3.8 takes its own marks for nothing under pytest 9.2: it writes them into a field that is gone.
    """

    def _split_scope(self, nodeid: str) -> str:
        places = [place for place in TOGETHER if nodeid.startswith(place)]
        module = self.config.rootpath / nodeid.partition("::")[0]
        return TOGETHER[max(places, key=len)] if places and _has_heavy(module) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Together | None:
    """Answers xdist, which asks before it chooses a scheduler of its own."""
    return _Together(config, log) if config.getoption("dist") == "loadgroup" else None
