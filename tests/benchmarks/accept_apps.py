"""What the shipped receiver is measured against, on the same gunicorn with the same settings."""

from __future__ import annotations

import dataclasses
import datetime as dt
from types import SimpleNamespace

from flask import Flask, Response, request

import webapp.app
from config.settings import Settings
from sync.store.engine import Store
from sync.work.receive.receipts import make_receipts, write_receipts
from tests.webapp.served import make_parts
from webapp.parts import LazyParts

CHANNELS = {"shop": ("webshop",)}


def null_app():
    """Reads the body and says thanks: what Flask and gunicorn cost alone."""
    app = Flask("null", static_folder=None)
    receiver = SimpleNamespace(start=lambda: None)
    app.extensions[LazyParts.KEY] = LazyParts(
        lambda: SimpleNamespace(receiver=receiver, alerts=None, secrets=(), close=lambda: None)
    )

    @app.get("/healthz")
    def healthz():
        return {"status": "ok"}

    @app.post("/webhooks/shop")
    def receive():
        request.get_data()
        return Response(status=202)

    return app


class CommitEach:
    """A receiver without groups: every request has a transaction of its own."""

    def __init__(self, store):
        self.store = store

    def receive(self, connection, delivery, body):
        receipts = list(make_receipts(connection, delivery, body, dt.datetime.now(dt.UTC)))
        self.store.write(lambda c: write_receipts(c, receipts, CHANNELS))

    def start(self):
        pass

    def close(self):
        pass


def shipped_app():
    """The shipped application, all of it but the shop's verifier."""
    settings = Settings.from_env()
    return webapp.app.create_app(settings, make_parts=lambda: make_parts(settings, CHANNELS))


def commit_each_app():
    """The shipped application with a commit per request."""
    settings = Settings.from_env()

    def make_ungrouped():
        store = Store.open(settings.database_url.reveal())
        return dataclasses.replace(make_parts(settings, CHANNELS), store=store, receiver=CommitEach(store))

    return webapp.app.create_app(settings, make_parts=make_ungrouped)
