"""The stand-in is held against recorded exchanges of a real Odoo 19: status, keys, types and exceptions are the same.

Its ids are its own, so each recorded request is sent with the ids of the same things here.
"""

from __future__ import annotations

import json

import pytest
import requests

from connectors.sandbox.odoo import OdooOptions, running_odoo
from tests.contract.recorded_odoo import exchanges, shape

pytestmark = pytest.mark.loopback

CONTEXT = {"mode": "update", "noupdate": True, "tz": "UTC"}


class World:
    """A stand-in with a customer and two products, as the recorded server had them."""

    def __init__(self, odoo):
        self.odoo = odoo
        self.partner = self.call("res.partner/create", {"vals_list": [{"name": "Bulk", "email": "b@example.test"}]})[0]
        self.call("delivery.carrier/create", {"vals_list": [{"name": "Second"}]})
        rows = self.call("product.product/search_read", {"domain": [["is_storable", "=", True]], "limit": 2})
        self.products = [row["id"] for row in rows]
        service = {"domain": [["default_code", "=", "SHIPPING"]]}
        self.shipping = self.call("product.product/search", service)[0]

    def send(self, recorded, body=None, *, key=None):
        headers = {"Authorization": f"bearer {self.odoo.options.api_key if key is None else key}"}
        address = f"{self.odoo.url}{recorded.path}"
        return requests.request(recorded.method, address, json=body, headers=headers, timeout=10)

    def call(self, path, body):
        headers = {"Authorization": f"bearer {self.odoo.options.api_key}"}
        answer = requests.post(f"{self.odoo.url}/json/2/{path}", json=body, headers=headers, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def here(self, value):
        """A recorded body with the ids of this server's things: partner 72, products 2, 3 and 7."""
        if isinstance(value, list):
            return [self.here(each) for each in value]
        if isinstance(value, dict):
            return {name: self.here(each) for name, each in value.items()}
        named = {"72": self.partner, "3": self.products[1], "7": self.shipping}
        return str(named[value]) if value in named else value

    def load(self, name, **changes):
        """A recorded `load`, sent here."""
        recorded = exchanges("odoo-bulk")[name]
        return recorded, self.send(recorded, {**self.here(recorded.body), **changes})


@pytest.fixture
def world():
    with running_odoo(OdooOptions(prints=True)) as odoo:
        yield World(odoo)


def same_shape(recorded, answer):
    assert answer.status_code == recorded.status, answer.text
    assert shape(answer.json()) == shape(recorded.answer)


@pytest.mark.parametrize(
    "name",
    ["01-load-one-order-3-lines", "09-load-two-orders", "12-load-noupdate-first", "71-load-same-id-twice-in-one-call"],
)
def test_orders_are_loaded_with_the_recorded_bodies(world, name):
    recorded, answer = world.load(name)
    same_shape(recorded, answer)
    assert len(answer.json()["ids"]) == len(recorded.answer["ids"])


@pytest.mark.parametrize(
    "name",
    ["39-load-batch-bad-product", "41-load-batch-bad-values", "42-load-batch-missing-partner", "44-load-no-rights"],
)
def test_what_is_refused_is_refused_with_status_200_and_the_recorded_words(world, name):
    if name == "44-load-no-rights":
        world.odoo.app.read_only = frozenset({"sale.order"})
    recorded, answer = world.load(name)
    assert answer.status_code == recorded.status == 200
    told = answer.json()
    assert told["ids"] is recorded.answer["ids"] is False
    for mine, theirs in zip(told["messages"], recorded.answer["messages"], strict=True):
        assert {key: mine.get(key) for key in ("record", "rows", "type", "field")} == {
            key: theirs.get(key) for key in ("record", "rows", "type", "field")
        }
        assert mine["message"].split("\n")[0] == theirs["message"].split("\n")[0]
    assert world.call("sale.order/search_count", {"domain": []}) == 0


@pytest.mark.parametrize(
    ("name", "exception"), [("45-load-unknown-field", "ValueError"), ("70-load-json-numbers", "AttributeError")]
)
def test_what_breaks_load_breaks_it_here(world, name, exception):
    recorded = exchanges("odoo-bulk")[name]
    answer = world.send(recorded, recorded.body)
    assert answer.status_code == recorded.status == 500
    assert answer.json()["name"] == recorded.answer["name"] == f"builtins.{exception}"
    assert answer.json()["message"] == recorded.answer["message"]


def test_a_second_load_writes_again_unless_every_one_has_the_context(world):
    """57.27 became 114.54 on the real server; with the context nothing is written."""
    first, _ = world.load("01-load-one-order-3-lines")
    world.load("10-load-same-id-again")
    key = first.body["data"][0][0]
    orders = world.call("sale.order/search_read", {"domain": [["client_order_ref", "=", key.partition(".")[2]]]})
    assert len(orders[0]["order_line"]) == 6

    guarded, answer = world.load("12-load-noupdate-first")
    number = answer.json()["ids"][0]
    _, again = world.load("13-load-noupdate-second")
    assert again.json()["ids"] == [number]
    [order] = world.call("sale.order/read", {"ids": [number]})
    assert len(order["order_line"]) == 3
    world.call("sale.order/action_confirm", {"ids": [number]})
    assert world.send(guarded, world.here(guarded.body)).json()["ids"] == [number]


def test_a_load_that_loses_a_race_says_what_the_recorded_loser_said(world):
    world.odoo.app.conflicts = 1
    recorded = exchanges("odoo-bulk")["152-overlap-1"]
    _, answer = world.load("12-load-noupdate-first")
    assert shape(answer.json()) == shape(recorded.answer)
    assert answer.json()["messages"][0]["message"] == recorded.answer["messages"][0]["message"]
    assert world.load("12-load-noupdate-first")[1].json()["ids"]


def test_times_are_read_in_the_zone_of_the_context(world):
    """10:00 with `Europe/Berlin` was stored as 09:00."""
    for name, hour in (("145-tz-berlin-load", "09"), ("146-tz-utc-load", "10")):
        _, answer = world.load(name)
        [order] = world.call("sale.order/read", {"ids": answer.json()["ids"], "fields": ["date_order"]})
        assert order["date_order"].endswith(f" {hour}:00:00")


def test_external_ids_are_looked_up_as_recorded(world):
    first, answer = world.load("01-load-one-order-3-lines")
    number = answer.json()["ids"][0]
    key = first.body["data"][0][0]
    recorded = exchanges("odoo-bulk")
    for name, body in (
        ("04-resolve-external-id", {"module": "crossdock", "xml_id": key.partition(".")[2]}),
        ("05-resolve-external-id-missing", recorded["05-resolve-external-id-missing"].body),
        ("06-search-ir-model-data", recorded["06-search-ir-model-data"].body),
        ("08-get-metadata", {"ids": [number]}),
    ):
        same_shape(recorded[name], world.send(recorded[name], body))
    found = world.send(recorded["07-get-external-id"], {"ids": [number]})
    assert found.json() == {str(number): key}


def confirmed(world):
    _, answer = world.load("12-load-noupdate-first")
    number = answer.json()["ids"][0]
    recorded = exchanges("odoo-bulk")["18-confirm-loaded"]
    same_shape(recorded, world.send(recorded, {"ids": [number]}))
    return number


def test_confirming_sending_invoicing_and_paying_answer_as_recorded(world):
    """Actions answer true, false, null or a window to open; what happened shows when it is read."""
    recorded, bulk = exchanges("odoo"), exchanges("odoo-bulk")
    number = confirmed(world)
    sale = recorded["18-sale-read"]
    same_shape(sale, world.send(sale, {**sale.body, "ids": [number]}))
    [order] = world.call("sale.order/read", {"ids": [number], "fields": ["order_line", "picking_ids"]})
    for name, ids in (("19-sale-lines", order["order_line"]), ("25-picking-read", order["picking_ids"])):
        same_shape(recorded[name], world.send(recorded[name], {**recorded[name].body, "ids": ids}))
    moves = recorded["26-move-read"]
    rows = world.send(moves, {**moves.body, "domain": [["picking_id", "in", order["picking_ids"]]]})
    same_shape(moves, rows)
    twice = bulk["60-confirm-10-one-cancelled"]
    assert world.send(twice, {"ids": [number]}).json()["message"] == twice.answer["message"]

    values = {"ids": [rows.json()[0]["id"]], "vals": {"quantity": 1, "picked": True}}
    assert world.send(recorded["29-move-set-qty-partial"], values).json() is True
    asked = world.send(recorded["30-picking-validate-partial"], {"ids": order["picking_ids"]})
    assert asked.json()["res_model"] == recorded["30-picking-validate-partial"].answer["res_model"]
    done = recorded["36-backorder-validate"]
    same_shape(done, world.send(done, {**done.body, "ids": order["picking_ids"]}))
    pickings = world.call("stock.picking/search_read", {"domain": [["sale_id", "=", number]]})
    assert {row["state"] for row in pickings} == {"done", "assigned"}

    wizard = recorded["39-invoice-wizard-create"]
    context = {"active_model": "sale.order", "active_ids": [number], "active_id": number}
    values = [{"advance_payment_method": "delivered", "sale_order_ids": [[6, 0, [number]]]}]
    made = world.send(wizard, {"vals_list": values, "context": context})
    same_shape(wizard, made)
    run = world.send(recorded["40-invoice-wizard-run"], {"ids": made.json(), "context": context}).json()
    assert run["res_model"] == "account.move"
    post = recorded["42-invoice-post"]
    same_shape(post, world.send(post, {"ids": [run["res_id"]]}))
    invoice = recorded["43-invoice-read"]
    same_shape(invoice, world.send(invoice, {**invoice.body, "ids": [run["res_id"]]}))
    private = recorded["38-invoice-create-private"]
    same_shape(private, world.send(private, {"ids": [number]}))


def test_a_wrong_key_a_wrong_database_and_what_is_not_there_are_refused_as_recorded(world):
    recorded = exchanges("odoo")
    assert world.send(recorded["67-err-bad-key"], {"domain": []}, key="nope").status_code == 401
    names = ("71-err-unknown-model", "72-err-unknown-method", "73-err-bad-args", "74-err-missing-required")
    for name in (*names, "83-err-get-method"):
        answer = world.send(recorded[name], recorded[name].body)
        assert (answer.status_code, answer.json()["name"]) == (recorded[name].status, recorded[name].answer["name"])
        assert answer.json().keys() == recorded[name].answer.keys()
    assert world.send(recorded["77-err-missing-record"], recorded["77-err-missing-record"].body).json() == []


def test_json_rpc_answers_200_whatever_happened(world):
    recorded = exchanges("odoo")
    key, base = world.odoo.options.api_key, world.odoo.options.database

    def ask(name, *args, service="object", method="execute_kw"):
        body = {"jsonrpc": "2.0", "id": 1, "method": "call"}
        body["params"] = {"service": service, "method": method, "args": list(args)}
        return world.send(recorded[name], body)

    version = ask("02-jsonrpc-common-version", service="common", method="version")
    assert shape(version.json()) == shape(recorded["02-jsonrpc-common-version"].answer)
    user = ask("03-jsonrpc-authenticate", base, "integration", key, {}, service="common", method="authenticate")
    assert user.json()["result"] == 5
    wrong = ask("04-jsonrpc-authenticate-bad", base, "integration", "no", {}, service="common", method="authenticate")
    assert wrong.json()["result"] is False
    wanted = {"fields": ["default_code", "qty_available"], "limit": 1}
    domain = [["default_code", "=", "1E5"]]
    rows = ask("05-jsonrpc-search-read", base, 5, key, "product.product", "search_read", [domain], wanted)
    assert shape(rows.json()) == shape(recorded["05-jsonrpc-search-read"].answer)
    for name, args in (
        ("06-jsonrpc-bad-key", (base, 5, "nope", "product.product", "search_read", [[]], {})),
        ("08-jsonrpc-unknown-field", (base, 5, key, "sale.order", "search_read", [[["nope", "=", 1]]], {})),
    ):
        answer = ask(name, *args)
        assert answer.status_code == 200
        mine, theirs = answer.json()["error"], recorded[name].answer["error"]
        assert (mine["code"], mine["message"]) == (theirs["code"], theirs["message"])
        assert mine["data"]["name"] == theirs["data"]["name"]


def test_people_send_in_part_and_the_rest_waits(world):
    number = confirmed(world)
    body = json.dumps({"tracking": "T", "pieces": {"KANNE-GLAS": 1, "TEE-ASSAM-100": 1}})
    answer = requests.post(f"{world.odoo.url}/_sandbox/orders/{number}/send", data=body, timeout=10)
    assert answer.status_code == 204
    rows = world.call("stock.picking/search_read", {"domain": [["sale_id", "=", number]]})
    assert sorted(row["state"] for row in rows) == ["assigned", "done"]
    assert [row["backorder_id"][1] for row in rows if row["backorder_id"]] == [
        row["name"] for row in rows if row["state"] == "done"
    ]
