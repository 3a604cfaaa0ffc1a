"""The console over a shop and an ERP in memory."""

from __future__ import annotations

import contextlib

from config.settings import Settings
from sync.store.engine import Store
from sync.work.receive import Receiver
from webapp.app import create_app
from webapp.parts import LazyParts, Parts


@contextlib.contextmanager
def console_over(world, bell, folder):
    """The application over the world's database and systems; `bell` hears what it rings for."""
    settings = Settings.from_env({"CROSSDOCK_STATE": str(folder)})
    url = world.store.engine.url.render_as_string(hide_password=False)
    made = create_app(
        settings,
        make_parts=lambda: Parts(
            store=Store.open(url),
            receiver=Receiver(url, {}, lambda channel, kind: True, wait_s=0.5),
            sources={},
            queue_answers=lambda: True,
            settings=settings,
            config=world.config,
            systems=world.systems,
            bell=bell,
        ),
    )
    yield made
    made.extensions[LazyParts.KEY].close()
