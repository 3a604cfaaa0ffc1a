from __future__ import annotations

import functools

import pytest
from werkzeug.routing import Rule

from config.model import Config
from config.settings import Settings
from sync.rules.systems import Systems
from sync.store.engine import Store
from sync.work.bell import Bell
from sync.work.receive import Receiver
from tests.webapp.shop import SignedShop
from webapp.app import create_app
from webapp.parts import LazyParts, Parts

CHANNELS = {"shop": ("shop-de", "shop-at")}


def keep_builders():
    """Compile once what builds the addresses of a route: for each app anew it was most of what an app takes to make.

    The function knows its rule's path only, and takes the converters from the rule that it is called on.
    """
    compiled, kept = Rule._compile_builder, {}

    @functools.wraps(compiled)
    def once(rule, append_unknown=True):  # noqa: FBT002 - as werkzeug calls it
        if rule.defaults:
            return compiled(rule, append_unknown)
        key = (rule.rule, tuple(rule._trace), append_unknown)
        if key not in kept:
            kept[key] = compiled(rule, append_unknown)
        return kept[key]

    Rule._compile_builder = once


keep_builders()


@pytest.fixture
def store(sqlite_store):
    return sqlite_store


@pytest.fixture
def queue():
    """Set `answers` to say how the queue is."""

    class Queue:
        answers = True

    return Queue()


@pytest.fixture
def wait_s():
    """How long a delivery waits for the database: longer than any disk is slow; a test of the limit chooses its own."""
    return 30.0


@pytest.fixture
def make_app(store, sqlite_url, queue, tmp_path, wait_s):
    apps = []

    def make(**variables):
        settings = Settings.from_env({"CROSSDOCK_STATE": str(tmp_path), **variables})
        config = Config(folder=settings.config_folder, connections={}, channels={})
        app = create_app(
            settings,
            make_parts=lambda: Parts(
                store=Store.open(sqlite_url),
                receiver=Receiver(sqlite_url, CHANNELS, lambda channel, kind: True, wait_s=wait_s),
                sources={"shop": SignedShop()},
                queue_answers=lambda: queue.answers,
                settings=settings,
                config=config,
                systems=Systems(config),
                bell=Bell(settings.redis_url, instance=settings.instance),
            ),
        )
        apps.append(app)
        return app

    yield make
    for app in apps:
        app.extensions[LazyParts.KEY].close()


@pytest.fixture
def app(make_app):
    return make_app()


@pytest.fixture
def client(app):
    return app.test_client()
