"""`crossdock token ...` as people type it."""

from __future__ import annotations

import logging

import pytest

from config.settings import Settings
from sync import cli
from sync.desk.tokens import authenticate
from sync.store.engine import Store
from sync.store.migrate import migrate

CONFIG = """
connections:
  shop: {system: woocommerce, url: "https://shop.example", auth: {key: "${env:K}", secret: "${env:K}"}}
  erp: {system: tryton, url: "https://erp.example", auth: {key: "${env:K}"}, options: {database: erp}}
channels:
  web: {source: shop, erp: erp, timezone: Europe/Berlin}
"""


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("CROSSDOCK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CROSSDOCK_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("CROSSDOCK_LOG_LEVEL", "error")
    monkeypatch.setenv("K", "ck_0123456789")
    store = Store.open(Settings.from_env().database_url.reveal())
    migrate(store)
    yield store
    store.close()


@pytest.fixture
def crossdock(store, monkeypatch, capsys):
    def run(*words, status=0):
        monkeypatch.setattr("sys.argv", ["crossdock", "token", *words])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        logging.captureWarnings(capture=False)
        said = capsys.readouterr()
        assert (stop.value.code or 0) == status, said.err
        return said

    return run


def test_the_token_is_all_that_stdout_has_and_no_list_shows_it(crossdock, store):
    token = crossdock("add", "shop", "--scope", "orders:read", "--scope", "issues:read").out.strip()
    assert authenticate(store, token).scopes == {"orders:read", "issues:read"}
    shown = crossdock("list").out
    assert token not in shown
    assert all(word in shown for word in ("shop", token[:8], "issues:read orders:read", "it is revoked", "never"))


def test_a_token_is_revoked_without_a_configuration_that_works(crossdock, store):
    token = crossdock("add", "shop", "--scope", "orders:read", "--days", "30").out.strip()
    assert "shop is revoked" in crossdock("revoke", "shop").out
    assert authenticate(store, token) is None
    assert "revoked 2" in crossdock("list").out
    assert "There is no token 'shop'" in crossdock("revoke", "shop", status=1).err


def test_only_channels_that_there_are(crossdock, store, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "crossdock.yaml").write_text(CONFIG)
    refused = crossdock("add", "shop", "--scope", "orders:read", "--channel", "nowhere", status=1)
    assert "There is no channel 'nowhere'" in refused.err
    token = crossdock("add", "shop", "--scope", "orders:read", "--channel", "web").out.strip()
    assert authenticate(store, token).channels == {"web"}
