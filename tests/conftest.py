"""What holds for every test: no network but this machine, and that only where a test asks for it."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
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


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Collect without looking for garbage: all of it stays, and what is frozen is never searched again."""
    gc.disable()
    try:
        _begin_apart(session.config)
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def _begin_apart(config: pytest.Config) -> None:
    """Let each worker import the tests from another place on.

    In a fresh clone what is imported is compiled first, which takes longer than everything else in a collection. Of
    workers that begin at the same place each compiles everything; of these each finds what the others have compiled.
    """
    if not hasattr(config, "workerinput"):
        return
    folders = [config.invocation_params.dir / argument for argument in config.args]
    modules = [module for folder in folders for module in sorted(folder.rglob("test_*.py"))]
    modules = [module for module in modules if pytest_ignore_collect(module, config) is None]
    begin = len(modules) * int(config.workerinput["workerid"].removeprefix("gw")) // config.workerinput["workercount"]
    for module in modules[begin:] + modules[:begin]:
        # What cannot be imported is told where it is collected.
        with contextlib.suppress(Exception, pytest.skip.Exception, pytest.fail.Exception):
            importlib.import_module(".".join(module.relative_to(config.rootpath).with_suffix("").parts))


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
