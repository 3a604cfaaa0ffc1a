"""The commands as people type them, on a configuration folder, against both sandboxes over HTTP."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from connectors.sandbox.erp import DEFAULT_API_KEY, running_erp
from connectors.sandbox.woocommerce.generator import UNKNOWN_SKU
from sync import cli
from sync.store.engine import Store
from sync.store.tables import audit, bindings, order_skus, orders, work_items
from sync.work import jobs
from tests.contract.source_fakes import WooCommerceFake, sandbox_woocommerce

pytestmark = pytest.mark.loopback

CONFIG = """\
connections:
  shop:
    system: woocommerce
    url: {shop}
    auth: {{key: "${{env:SHOP_KEY}}", secret: "${{env:SHOP_SECRET}}"}}
    allow_hosts: [127.0.0.1]
  erp:
    system: sandbox_erp
    url: {erp}
    auth: {{key: "${{env:ERP_KEY}}"}}
    allow_hosts: [127.0.0.1]
channels:
  web:
    source: shop
    erp: erp
    canary: 0
    policies:
      start_at: {start_at}
      rules: {{price: "off", tax: "off", address: "off", duplicate_order: "off"}}
      value_limits: {{EUR: {limit}, USD: {limit}, JPY: {limit}, KWD: {limit}, GBP: {limit}, CHF: {limit}}}
"""


class Installation:
    """One installation, its shop and its ERP, and somebody at its terminal."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._monkeypatch, self._capsys = folder, monkeypatch, capsys
        (folder / "config").mkdir()
        environment = {
            "CROSSDOCK_CONFIG": str(folder / "config"),
            "CROSSDOCK_STATE": str(folder / "state"),
            "CROSSDOCK_REDIS": f"unix://{folder}/nobody.sock",
            "CROSSDOCK_LOG_LEVEL": "error",
            "SHOP_KEY": "ck_sandbox",
            "SHOP_SECRET": WooCommerceFake.secrets[0],
            "ERP_KEY": DEFAULT_API_KEY,
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    def configure(
        self,
        shop: str = "http://127.0.0.1:9",
        erp: str = "http://127.0.0.1:9",
        limit: int = 10**9,
        live_since: dt.timedelta = dt.timedelta(days=1),
    ) -> None:
        start_at = (dt.datetime.now(dt.UTC) - live_since).isoformat(timespec="seconds")
        text = CONFIG.format(shop=shop, erp=erp, start_at=start_at, limit=limit)
        (self.folder / "config" / "crossdock.yaml").write_text(text)

    def run(self, *words: str, status: int = 0) -> str:
        """stdout of one command; with another exit status its stderr."""
        self._monkeypatch.setattr("sys.argv", ["crossdock", *words])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = self._capsys.readouterr()
        assert (stop.value.code or 0) == status, out + err
        assert "Traceback" not in out + err
        assert DEFAULT_API_KEY not in out + err
        return out if not status else err

    def json(self, *words: str, status: int = 0) -> Any:
        self._monkeypatch.setattr("sys.argv", ["crossdock", *words, "--json"])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = self._capsys.readouterr()
        assert (stop.value.code or 0) == status, out + err
        return [json.loads(line) for line in out.splitlines()] if words[0] == "orders" else json.loads(out)

    def drain(self) -> None:
        jobs.drain("web", "order")

    def rows(self, query: Any) -> list[Any]:
        store = Store.open(f"sqlite:///{self.folder}/state/crossdock.db")
        try:
            return store.read(lambda c: list(c.execute(query)))
        finally:
            store.close()


@pytest.fixture
def home(tmp_path, monkeypatch, capsys) -> Installation:
    yield Installation(tmp_path, monkeypatch, capsys)
    # The commands log to the stream that this test captured.
    logging.getLogger().handlers.clear()


@pytest.fixture
def shop():
    with sandbox_woocommerce() as fake:
        yield fake


@pytest.fixture
def erp():
    with running_erp() as running:
        yield running


def started(home: Installation, shop: Any, erp: Any, *, count: int = 4, **config: Any) -> list[str]:
    home.configure(shop.server.url, erp.url, **config)
    home.run("init")
    placed = shop.place(count)
    home.run("pull", "web")
    home.drain()
    return placed


def sales_of(erp: Any) -> int:
    return len(erp.books.state.sales)


def test_from_the_shop_to_the_proof(home, shop, erp):
    placed = started(home, shop, erp)
    found = home.json("orders")
    assert {order["external_id"] for order in found} <= set(placed)
    assert "needs you" in home.run("status")
    status = home.json("status")
    assert status["sentence"]
    for order in found:
        passport = home.json("order", order["external_id"])
        assert passport["external_id"] == order["external_id"]
        assert passport["timeline"]
        assert order["number"] in home.run("order", order["number"])
    groups = home.json("proof")
    assert groups
    for group in groups:
        assert set(group) >= {"channel", "currency", "day", "shop", "crossdock", "erp", "differences"}
        assert set(group["shop"]) == {"count", "total"}
        assert isinstance(group["shop"]["total"], str)
        assert group["shop"] == group["erp"] or group["differences"]
    assert "the proof holds" in home.run("proof", "web")


def test_a_spoiled_proof_ends_with_one(home, shop, erp):
    started(home, shop, erp)
    [order, *_] = [row for row in home.json("orders") if row["erp_id"]]
    [(order_id,)] = home.rows(select(orders.c.id).where(orders.c.external_id == order["external_id"]))
    store = Store.open(f"sqlite:///{home.folder}/state/crossdock.db")
    store.write(lambda c: c.execute(bindings.delete().where(bindings.c.order_id == order_id)))
    store.write(lambda c: c.execute(order_skus.delete().where(order_skus.c.order_id == order_id)))
    store.write(lambda c: c.execute(orders.delete().where(orders.c.id == order_id)))
    store.close()
    groups = home.json("proof", "web", status=1)
    [difference] = [row for group in groups for row in group["differences"] if row["kind"] == "missing"]
    assert (difference["where"], difference["shop_id"], difference["erp_ids"]) == (
        "crossdock",
        order["external_id"],
        [order["erp_id"]],
    )


def test_a_held_order_is_approved_or_rejected_and_the_word_is_kept(home, shop, erp):
    started(home, shop, erp, count=6, limit=0)
    held = [order for order in home.json("orders", "--needs-you") if order["state"] == "held"]
    assert len(held) >= 2
    one, two = held[0]["external_id"], held[1]["external_id"]
    assert "value_limit" in home.run("approve", one, "--reason", "a good customer")
    assert "not carried over" in home.run("reject", two, "--reason", "fraud")
    home.drain()
    states = {order["external_id"]: order["state"] for order in home.json("orders")}
    assert (states[one], states[two]) == ("done", "skipped")
    assert [row.action for row in home.rows(select(audit.c.action))] == ["approve", "reject"]
    assert re.search(r"left out by \S+ at .*: fraud; `crossdock retry`", home.run("order", two))
    proven = home.run("proof", "web")
    assert "left out (erp): order " in proven
    assert proven.rstrip().endswith("all explained")
    assert "is in the ERP" in home.run("reject", one, "--reason", "too late", status=1)
    assert "nothing holds" in home.run("approve", one, "--reason", "again", status=1)


def test_an_order_is_corrected_tried_first_and_the_correction_is_taken_back(home, shop, erp):
    started(home, shop, erp, count=2, limit=0)
    one = home.json("orders", "--needs-you")[0]["external_id"]
    assert json.loads(home.run("correct", one, "--show"))["external_id"] == one
    tried = home.run("correct", one, "--set", "shipping.city=Bonn", "--dry-run")
    assert "shipping.city" in tried
    assert "is above the limit" in tried
    assert "say why" in home.run("correct", one, "--set", "shipping.city=Bonn", status=1)
    refused = home.run("correct", one, "--set", "shipping.country=Germany", "--reason", "x", status=1)
    assert "shipping.country: found 'Germany', expected" in refused
    assert "correction 1 is kept" in home.run("correct", one, "--set", "shipping.city=Bonn", "--reason", "she called")
    assert "correction 1 by" in home.run("order", one, "--lineage", "shipping.city")
    assert "counts no more" in home.run("correct", one, "--take-back", "1", "--reason", "no")
    assert "does not count" in home.run("correct", one, "--take-back", "1", "--reason", "no", status=1)
    assert "the comment is kept" in home.run("comment", one, "asked her")
    assert "is cared for by nobody" in home.run("assign", one)


def test_pause_resume_and_retry(home, shop, erp):
    [order, *_] = started(home, shop, erp)
    assert "paused: erp" in home.run("pause", "erp", "--reason", "stock-taking")
    assert "stock-taking" in home.run("status")
    assert "goes on: erp" in home.run("resume", "erp")
    assert "was not paused" in home.run("resume", "erp")
    assert "1 orders will be looked at again" in home.run("retry", order)
    assert "1 orders will be looked at again" in home.run("retry", order, "--mapping", "original")
    assert "leave it as it is" in home.run("retry", order, "--mapping", "original", "--fetch", status=2)


def test_what_the_shop_has_changed_is_told_field_by_field(home, shop, erp):
    [order, *_] = started(home, shop, erp)
    assert "has changed nothing of it" in home.run("order", order, "--changes")
    shop.change(order)
    home.run("pull", "web")
    assert "customer_note: " in home.run("order", order, "--changes")
    assert any(each["path"] == "customer_note" for each in home.json("order", order, "--changes")["changes"])


def test_a_look_up_row_releases_what_waits_for_it(home, shop, erp):
    started(home, shop, erp, count=0)
    planted = str(shop._generator.plant("unknown_sku").document()["id"])
    home.run("pull", "web")
    home.drain()
    [held] = home.json("orders", "--needs-you")
    assert (held["external_id"], held["state"]) == (planted, "held")
    [cause] = home.json("order", planted)["causes"]
    known = erp.books.products(None)[0].code
    foreseen = home.run("forecast", "web", "--shop")
    assert UNKNOWN_SKU in foreseen
    assert "1 values are not known, 1 of them would stop orders" in foreseen
    assert "1 orders will be looked at again" in home.run("lookup", "sku", UNKNOWN_SKU, known, "--reason", "renamed")
    home.drain()
    assert cause["cause"] == "unknown_sku"
    assert home.json("orders", "--needs-you") == []
    first = home.rows(select(audit.c.action, audit.c.reason))[0]
    assert (first.action, first.reason) == ("lookup", "renamed")


BEFORE_GO_LIVE = -dt.timedelta(hours=1)


def test_what_was_placed_before_go_live_is_left_out_until_it_is_asked_for(home, shop, erp):
    one, two = started(home, shop, erp, count=2, live_since=BEFORE_GO_LIVE)
    assert sales_of(erp) == 0
    assert "the proof holds" in home.run("proof", "web")
    assert "1 orders to look at" in home.run("backfill", "web", "--ids", one, "--no-wait")
    home.drain()
    states = {order["external_id"]: (order["state"], bool(order["erp_id"])) for order in home.json("orders")}
    assert states == {one: ("done", True)}
    assert "the proof holds" in home.run("proof", "web")
    since = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)).isoformat(timespec="seconds")
    assert "2 orders to look at" in home.run("backfill", "web", "--since", since, "--no-wait")
    home.drain()
    assert sales_of(erp) == 2
    assert {order["external_id"] for order in home.json("orders")} == {one, two}


def test_sales_that_the_erp_has_already_are_linked_and_nothing_is_made(home, shop, erp):
    started(home, shop, erp)
    carried = {order["external_id"]: order["erp_id"] for order in home.json("orders") if order["erp_id"]}
    assert carried
    for file in (home.folder / "state").glob("crossdock.db*"):
        file.unlink()
    home.run("init")
    before = sales_of(erp)
    assert "nothing created" in home.run("adopt", "web", "--yes")
    assert {order["external_id"]: order["erp_id"] for order in home.json("orders")} == carried
    assert "nothing to link" in home.run("adopt", "web", "--yes")
    home.run("pull", "web")
    home.drain()
    assert sales_of(erp) == before
    assert [row.action for row in home.rows(select(audit.c.action))] == ["adopt"]


def test_an_order_is_found_by_any_number_and_by_its_article(home, shop, erp):
    started(home, shop, erp)
    found = home.json("orders")
    one = next(order for order in found if order["erp_number"])
    for text in (one["external_id"], one["number"], one["erp_number"], one["customer"]):
        assert one in home.json("orders", text), text
    passport = home.json("order", one["external_id"])
    sku = next(line["sku"] for line in passport["order"]["lines"] if line["sku"])
    assert one in home.json("orders", sku)
    assert passport["next"]["text"]
    assert passport["seconds_to_erp"] >= 0
    assert home.json("orders", "no such text") == []
    assert "is not one of" in home.run("orders", "--state", "odd", status=2)


def test_a_dry_run_shows_the_exact_calls_and_changes_nothing(home, shop, erp):
    started(home, shop, erp, count=0)
    placed = shop.place(1)[0]
    home.run("pull", "web")
    tables = [work_items, orders, audit, bindings]
    before = [home.rows(select(table)) for table in tables]
    shown = home.json("order", placed, "--dry-run")
    assert [home.rows(select(table)) for table in tables] == before
    assert (sales_of(erp), erp.books.parties([])) == (0, [])
    assert shown["problems"] == []
    party, sale = shown["calls"]
    assert (party["method"], sale["method"], sale["status"]) == ("POST", "POST", None)
    assert party["url"].endswith("/api/parties")
    [payload] = json.loads(sale["request_body"])
    assert payload["party"].startswith("<party:")
    assert any("quote" in text or "confirmed" in text for text in shown["unseen"])
    assert DEFAULT_API_KEY not in json.dumps(shown)
    assert "calls would be sent to erp" in home.run("order", placed, "--dry-run")
    home.drain()
    timeline = json.loads(home.run("order", placed, "--exchanges", "--json"))["timeline"]
    sent = [call for line in timeline for call in line.get("exchanges", ()) if call["method"] == "POST"]
    # Exactly what was sent then, but for the customer's id, which nobody knew.
    assert (sent[0]["url"], sent[0]["request_body"]) == (party["url"], party["request_body"])
    [real] = json.loads(sent[1]["request_body"])
    assert (sent[1]["url"], real | {"party": payload["party"]}) == (sale["url"], payload)
    again = home.json("order", placed, "--dry-run")
    assert (again["calls"], "Nothing would be sent" in again["verdict"]) == ([], True)


def test_a_dry_run_of_a_held_order_names_what_holds_it(home, shop, erp):
    started(home, shop, erp, count=1, limit=0)
    [held] = home.json("orders", "--needs-you")
    shown = home.json("order", held["external_id"], "--dry-run")
    assert shown["calls"] == []
    assert ["above the limit" in problem["reason"] for problem in shown["problems"]] == [True]


def test_an_order_is_linked_with_a_sale_that_somebody_typed_in(home, shop, erp):
    started(home, shop, erp, count=2, limit=0)
    one, other = home.json("orders", "--needs-you")
    product = erp.books.products(None)[0]
    line = {"product": product.id, "quantity": "1", "amount": one["grand"], "tax": "0"}
    party = erp.books.commit_party(erp.books.decide_party({"code": "typed", "name": "Typed"}))
    sale = {
        "shop": "crossdock",
        "external_key": "",
        "reference": "by hand",
        "currency": one["currency"],
        "party": party.id,
        "sale_date": one["placed_at"][:10],
        "placed_at": one["placed_at"],
        "lines": [line],
    }
    made = str(erp.books.commit_sale(erp.books.decide_sale(sale))["id"])
    assert "has no sale 'nothing'" in home.run("link", one["number"], "nothing", "--yes", status=1)
    linked = home.run("link", one["number"], "by hand", "--yes", "--reason", "phoned in")
    assert "nothing was created" in linked
    order = home.json("orders", one["number"])[0]
    assert (order["state"], order["erp_id"], order["causes"]) == ("ready", made, [])
    assert "is linked with sale" in home.run("link", one["number"], "by hand", "--yes", status=1)
    refused = home.run("link", other["number"], made, "--yes", status=1)
    assert "none of them fits" in refused
    assert f"belongs to order {one['number']}" in refused
    [entry] = home.rows(select(audit).where(audit.c.action == "link"))
    assert (entry.subject, entry.before, entry.reason) == (f"order:web:{one['external_id']}", "held", "phoned in")
    home.drain()
    assert sales_of(erp) == 1


# --- what goes wrong, in plain words ----------------------------------------------------------------------------


def test_a_folder_that_is_not_there(home):
    home._monkeypatch.setenv("CROSSDOCK_CONFIG", str(home.folder / "nowhere"))
    assert "nowhere" in home.run("status", status=1)


def test_a_system_that_nobody_speaks_to_is_named_with_its_line(home):
    home.configure()
    file = home.folder / "config" / "crossdock.yaml"
    file.write_text(file.read_text().replace("system: woocommerce", "system: woocomerce"))
    text = home.run("init", status=1)
    assert "crossdock.yaml:3" in text
    assert "woocommerce" in text


@pytest.mark.parametrize("command", [["status"], ["orders"], ["pull", "web"], ["order", "1"], ["proof"]], ids=str)
def test_a_database_that_was_never_initialised(home, command):
    home.configure()
    assert "crossdock init" in home.run(*command, status=1)


def test_a_database_that_is_away(home):
    home.configure()
    home._monkeypatch.setenv("CROSSDOCK_DATABASE", "postgresql://crossdock:hunter2@127.0.0.1:9/crossdock")
    text = home.run("status", status=1)
    assert "database" in text
    assert "hunter2" not in text


def test_a_database_file_that_cannot_be_opened(home):
    home.configure()
    (home.folder / "state").mkdir()
    (home.folder / "state" / "crossdock.db").write_text("no database at all, but long enough to be looked at")
    assert "the database cannot be used" in home.run("status", status=1)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["pull", "wbe"], "there is no channel 'wbe'; configured are: web"),
        (["pause", "wbe"], "there is no connection and no channel 'wbe'"),
        (["proof", "wbe"], "there is no channel 'wbe'"),
        (["orders", "--channel", "wbe"], "there is no channel 'wbe'"),
        (["backfill", "web"], "say which orders"),
        (["retry"], "say which"),
        (["orders", "--since", "x"], "--since"),
    ],
    ids=str,
)
def test_a_command_that_cannot_be_meant_ends_with_two(home, command, said):
    home.configure()
    home.run("init")
    assert said in home.run(*command, status=2)


@pytest.mark.parametrize("command", [["order"], ["retry"], ["approve", "--reason", "x"], ["reject", "--reason", "x"]])
def test_a_number_that_nobody_knows(home, command):
    home.configure()
    home.run("init")
    assert "'4711'" in home.run(*command, "4711", status=1)


def test_a_shop_that_is_away(home):
    home.configure()
    home.run("init")
    text = home.run("pull", "web", status=1)
    assert text.startswith("error: ")
