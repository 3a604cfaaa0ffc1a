"""An app is installed in a shop: what its owner opens, what comes back is distrusted, the code is exchanged once."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import stat
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from click.testing import CliRunner

from connectors.kit.base import ConnectorSettings
from connectors.kit.errors import ConnectionBroken
from connectors.kit.http import HttpClient
from connectors.sandbox.shopify import ShopSettings, serve_shop
from connectors.shopify import Shopify
from connectors.shopify.install import SCOPES, Installation
from sync.cli import cli
from tests.shared import PATIENCE_S

SHOP, SECRET = "teeladen.myshopify.com", "shpss_sandbox"
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


def installation(**changes):
    values = {"shop": SHOP, "client_id": "shopify_app", "client_secret": SECRET, "state": "s-1"}
    return Installation(**(values | {"redirect": "https://app.test/done"} | changes))


def callback(secret=SECRET, *, encoded=True, **changes):
    told = {"code": "c-1", "host": "YWI+Lw==", "shop": SHOP, "state": "s-1", "timestamp": str(int(NOW.timestamp()))}
    told = {name: value for name, value in sorted({**told, **changes}.items()) if value is not None}
    query = urlencode(told)
    text = query if encoded else "&".join(f"{name}={value}" for name, value in told.items())
    signed = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"https://app.test/done?{query if encoded else text}&hmac={signed}"


def test_the_owner_is_asked_for_what_the_way_back_needs():
    parts = urlsplit(installation().address)
    assert (parts.hostname, parts.path) == (SHOP, "/admin/oauth/authorize")
    asked = {name: value for name, [value] in parse_qs(parts.query).items()}
    assert asked["scope"].split(",") == list(SCOPES)
    assert (asked["redirect_uri"], asked["state"]) == ("https://app.test/done", "s-1")


@pytest.mark.parametrize("encoded", [True, False])
def test_what_shopify_signed_gives_the_code(encoded):
    assert installation().code(callback(encoded=encoded), NOW) == "c-1"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (callback(secret="another"), "not signed"),
        (callback().replace("c-1", "c-2"), "not signed"),
        (callback().partition("&hmac")[0], "not signed"),
        ("", "not signed"),
        (callback(state="s-2"), "another installation"),
        (callback(shop="other.myshopify.com"), "another installation"),
        (callback(timestamp=str(int(NOW.timestamp()) - 7200)), "too old"),
        (callback(timestamp=None), "too old"),
        (callback(code=None), "no code"),
    ],
)
def test_anything_else_is_distrusted(told, why):
    with pytest.raises(ConnectionBroken, match=why):
        installation().code(told, NOW)


@pytest.mark.parametrize("shop", ["evil.test", f"{SHOP}.evil.test", "a/b.myshopify.com", "-a.myshopify.com"])
def test_only_a_shop_of_shopify_is_told_the_secret(shop):
    with pytest.raises(ConnectionBroken, match=r"expected NAME\.myshopify\.com"):
        installation(shop=shop)


@pytest.mark.loopback
def test_the_command_leaves_a_token_that_works_and_a_code_works_once(tmp_path, monkeypatch):
    path = tmp_path / "teeladen.token"
    scopes = tuple(scope for scope in ShopSettings().scopes if "inventory" not in scope)
    with serve_shop(ShopSettings(scopes=scopes)) as (server, app):

        def loopback(_url, **settings):
            return HttpClient(server.url, allow_hosts=("127.0.0.1",), deadline_s=PATIENCE_S, **settings)

        def owner(text, **_):
            assert text.startswith("Paste")
            made.append(app.approve(opened[-1], SHOP))
            return made[-1]

        opened, made = [], []
        monkeypatch.setattr("sync.cli.installing.HttpClient", loopback)
        monkeypatch.setattr("sync.cli.installing.click.prompt", owner)
        monkeypatch.setattr("sync.cli.installing.click.echo", opened.append)
        monkeypatch.setenv("SHOPIFY_CLIENT_SECRET", SECRET)
        arguments = ["install", "shopify", SHOP, "--client-id", "shopify_app", "--to", str(path)]
        result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        assert "Not granted: write_inventory" in result.output
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text() not in result.output
        assert f"url: https://{SHOP}" in opened[-1]
        settings = {"url": server.url, "secret": path.read_text(), "allow_hosts": ("127.0.0.1",)}
        app.shop.sell()
        [page] = Shopify(ConnectorSettings(name="shop", **settings, deadline_s=PATIENCE_S)).pull_orders(None)
        assert len(page.envelopes) == 1
        used = parse_qs(urlsplit(made[0]).query)["code"][0]
        with pytest.raises(ConnectionBroken, match="approve anew"):
            installation().token(used, loopback(""))


def test_a_token_is_never_written_over_another_file(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOPIFY_CLIENT_SECRET", SECRET)
    path = tmp_path / "there"
    path.write_text("kept")
    result = CliRunner().invoke(cli, ["install", "shopify", SHOP, "--client-id", "a", "--to", str(path)])
    assert result.exit_code != 0
    assert path.read_text() == "kept"
