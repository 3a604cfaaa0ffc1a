"""Programs that call the API, each with a token of its own."""

from __future__ import annotations

import pytest

from sync.desk.tokens import SCOPES, make_token
from sync.store.audit import Actor

ACTOR = Actor("ada", "terminal here")


class Program:
    """A client with a token; `limited` to channels where some are named."""

    def __init__(self, app, token):
        self.client, self.token = app.test_client(), token

    def call(self, method, path, *, key="", headers=(), **options):
        sent = {"Authorization": f"Bearer {self.token}", **dict(headers)}
        if key:
            sent["Idempotency-Key"] = key
        return self.client.open(f"/api/v1{path}", method=method, headers=sent, **options)

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def post(self, path, json=None, **options):
        return self.call("POST", path, **({} if json is None else {"json": json}), **options)


@pytest.fixture
def program(app, store):
    """Makes programs: `program("orders:read")`, all scopes without any."""
    made = []

    def make(*scopes, channels=(), days=None):
        made.append(None)
        options = {"actor": ACTOR, "channels": channels, "known": channels, "days": days}
        token = make_token(store, f"program-{len(made)}", scopes or tuple(SCOPES), **options)
        return Program(app, token)

    return make
