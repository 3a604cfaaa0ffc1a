"""The Odoo connector against its stand-in: each trap of the vendor, and what 50 orders cost."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal

import pytest

from connectors.kit.base import ConnectorSettings, Rank
from connectors.kit.errors import (
    AlreadyExists,
    ConnectionBroken,
    OutcomeUnknown,
    RecordRejected,
    Transient,
)
from connectors.kit.exchanges import capture
from connectors.odoo import Odoo, stamps
from connectors.odoo.documents import amount
from connectors.odoo.loading import CONTEXT, external_id
from connectors.odoo.versions import path_then, rows_now, specification_then
from connectors.sandbox.odoo import OdooOptions, people, running_odoo
from mappings import odoo as mapping
from mappings.canonical.records import Customer
from mappings.canonical.refs import Ref
from tests.connectors.odoo_world import OPTIONS, connect, known, made, order_of, payload_of

pytestmark = pytest.mark.loopback


@pytest.fixture
def odoo():
    with running_odoo(OdooOptions(settle_s=60)) as running:
        yield running


@pytest.fixture
def target(odoo):
    return connect(odoo)


# The whole way


def test_an_order_becomes_a_sale_of_the_shops_total_for_its_customer_with_both_addresses(odoo, target):
    order = order_of(1001, note="ring <twice>")
    address = dataclasses.replace(order.billing, street="Work 1", first_name="Jo", company="Office")
    order = dataclasses.replace(order, shipping=address)
    [result] = made(target, order)
    document = result.document
    assert (document.key, document.total, document.currency, document.rank) == (
        "web:1001",
        Decimal("23.80"),
        order.currency,
        Rank.DRAFT,
    )
    sale = odoo.db.get("sale.order", int(document.external_id))
    customer, delivery = (odoo.db.get("res.partner", sale[name]) for name in ("partner_id", "partner_shipping_id"))
    assert (delivery["parent_id"], delivery["type"], delivery["street"]) == (customer["id"], "delivery", "Work 1")
    assert sale["partner_invoice_id"] == customer["id"]
    assert (sale["note"], sale["date_order"]) == ("<p>ring &lt;twice&gt;</p>", f"{order.placed_at:%Y-%m-%d %H:%M:%S}")
    assert odoo.db.external_ids("sale.order", sale["id"]) == ["crossdock.web:1001"]


def test_a_known_customer_and_its_addresses_are_used_again(odoo, target):
    made(target, order_of(1))
    before = len(odoo.db.tables["res.partner"])
    made(connect(odoo), order_of(2))
    assert len(odoo.db.tables["res.partner"]) == before


def test_a_customer_whom_a_person_has_chosen_is_found_by_its_id_and_nothing_else(odoo, target):
    sold = order_of(1)
    [first] = made(target, dataclasses.replace(sold, shipping=dataclasses.replace(sold.shipping, street="Work 1")))
    partner = odoo.db.get("sale.order", int(first.document.external_id))["partner_id"]
    other = Ref("party", "email:else@x.de", hint={"code": "email:else@x.de", "email": "else@x.de", "id": str(partner)})
    answer = target.resolve([other])[other]
    assert (answer["id"], answer["matched_by"], len(answer["addresses"])) == (partner, "id", 2)
    gone = dataclasses.replace(other, hint={**other.hint, "id": "999999"})
    assert target.resolve([gone]) == {}


def test_a_vat_id_that_odoo_refuses_does_not_cost_the_order(odoo, target, monkeypatch):
    order = order_of(
        1, customer=Customer(external_id="7", guest=False, company="Firma", vat_id="DE 12", email="f@x.de")
    )
    payload = mapping.MAPPING.party(order, target.resolve(mapping.references(order, OPTIONS)), OPTIONS)
    refused = json.dumps(
        {"ids": False, "messages": [{"type": "error", "record": 0, "message": "The VAT number is not valid."}]}
    )
    odoo.plan.add(kind="status", status=200, body=refused, method="POST", path="/json/2/res.partner/load")
    party = target.save_party(payload)
    assert odoo.db.get("res.partner", party["id"])["comment"] == "VAT id as entered: DE12"


def test_fifty_orders_of_known_customers_cost_a_fifth_of_a_call_each(odoo, target):
    """Looked up, created, confirmed, read back; the figure of the page."""
    orders = [order_of(number) for number in range(50)]
    known(target, orders[0])
    with capture() as exchanges:
        refs = {ref for order in orders for ref in mapping.references(order, OPTIONS)}
        resolved = target.resolve(refs)
        assert target.find_sales([mapping.sale_key(order.external_id, OPTIONS) for order in orders]) == {}
        results = target.create_sales([mapping.sale(order, resolved, OPTIONS) for order in orders])
        confirmed = target.advance_sales([result.document for result in results], Rank.CONFIRMED)
    assert [result.document.rank for result in confirmed] == [Rank.CONFIRMED] * 50
    assert len(exchanges) / 50 <= 0.2, [each.url for each in exchanges]


def test_an_order_with_terms_of_its_own_takes_those_of_the_others_away_from_nobody(odoo, target):
    """An empty cell of `load` writes nothing into the field, where Odoo would have set its default."""
    plain = payload_of(target, order_of(1))
    with capture() as exchanges:
        results = target.create_sales([plain, {**payload_of(target, order_of(2)), "payment_term_id": 2}])
    assert [result.error for result in results] == [None, None]
    loads = [json.loads(each.request_body)["fields"] for each in exchanges if each.url.endswith("/load")]
    assert ["payment_term_id/.id" in fields for fields in loads] == [False, True]


def test_an_archived_customer_is_used_again(odoo, target):
    [first] = made(target, order_of(1))
    partner = odoo.db.get("sale.order", int(first.document.external_id))["partner_id"]
    people.act(odoo.app, lambda db: db.update("res.partner", db.get("res.partner", partner), {"active": False}))
    fresh = connect(odoo)
    order = order_of(2)
    payload = mapping.MAPPING.party(order, fresh.resolve(mapping.references(order, OPTIONS)), OPTIONS)
    assert fresh.save_party(payload)["id"] == partner


# The key


def test_every_load_has_the_context_that_makes_a_repeat_harmless(odoo, target):
    with capture() as exchanges:
        [result] = made(target, order_of(1))
        target.advance_sales([result.document], Rank.CONFIRMED)
    loads = [json.loads(each.request_body) for each in exchanges if each.url.endswith("/load")]
    assert len(loads) == 3  # the customer, the sale, and the sale's date
    assert all(CONTEXT.items() <= load["context"].items() for load in loads)
    assert all(isinstance(cell, str) for load in loads for row in load["data"] for cell in row)


def test_an_order_that_is_sent_again_is_not_doubled_and_its_lines_are_not_either(odoo, target):
    [first] = made(target, order_of(1))
    # Somebody has changed the field by which we search: the external id stands all the same.
    odoo.db.get("sale.order", int(first.document.external_id))["origin"] = "by hand"
    [second] = made(target, order_of(1))
    assert second.document.external_id == first.document.external_id
    assert len(odoo.db.tables["sale.order"]) == 1
    assert len(odoo.db.value("sale.order", odoo.db.get("sale.order", 1), "order_line")) == 1


def test_what_stands_under_a_known_key_is_read_back_and_not_believed(odoo, target):
    """The content of an existing key is not compared: another order under it shows its own total."""
    [first] = made(target, order_of(1))
    odoo.db.get("sale.order", int(first.document.external_id))["origin"] = "by hand"
    other = dataclasses.replace(order_of(1, sku="1E5"), number="x")
    payload = {
        **payload_of(target, other),
        "order_line": [{**payload_of(target, other)["order_line"][0], "price_unit": "99"}],
    }
    [second] = target.create_sales([payload])
    assert second.document.total == Decimal("23.80")


def test_a_copy_that_somebody_made_of_a_sale_is_not_taken_for_ours(odoo, target):
    [result] = made(target, order_of(1))
    copy = dict(odoo.db.get("sale.order", int(result.document.external_id)))
    people.act(odoo.app, lambda db: db.insert("sale.order", {name: copy[name] for name in copy if name != "id"}))
    assert [each.external_id for each in target.find_sales(["web:1"])["web:1"]] == [result.document.external_id]
    assert {each.key for each in target.search_sales("web:1")} == {"web:1", ""}


@pytest.mark.parametrize("key", ["web:10 01", "web:a/b?c", "web:100%", "web:ä"])
def test_an_id_with_strange_signs_is_a_key_too(odoo, target, key):
    """A space in an external id is refused by Odoo's database."""
    payload = {**payload_of(target, order_of(1)), "key": key, "origin": key}
    [result] = target.create_sales([payload])
    assert result.error is None
    assert " " not in external_id("crossdock", key)
    assert list(target.find_sales([key])) == [key]


def test_a_cancelled_sale_still_has_its_key_and_a_deleted_one_is_made_anew(odoo, target):
    [first] = made(target, order_of(1))
    people.cancel(odoo.app, int(first.document.external_id))
    [again] = made(target, order_of(1))
    assert isinstance(again.error, AlreadyExists)
    target.delete_draft(first.document)
    [anew] = made(target, order_of(1))
    assert anew.document.external_id != first.document.external_id


# Refusals


def test_a_loser_of_two_loads_at_once_repeats_the_same_call(odoo, target):
    payload = payload_of(target, order_of(1))
    odoo.app.conflicts = 2
    assert target.create_sales([payload])[0].error is None
    odoo.app.conflicts = 9
    [result] = target.create_sales([{**payload, "key": "web:2", "origin": "web:2"}])
    assert type(result.error) is Transient
    assert len(odoo.db.tables["sale.order"]) == 1


def test_without_the_right_to_create_the_connection_pauses(odoo, target):
    payload = payload_of(target, order_of(1))
    odoo.app.read_only = frozenset({"sale.order"})
    assert isinstance(target.create_sales([payload])[0].error, ConnectionBroken)


def test_a_refusal_that_names_nobody_is_bisected_until_it_is_known_who_it_was(odoo, target):
    payloads = [{**payload_of(target, order_of(number)), "client_order_ref": f"n{number}"} for number in range(8)]
    body = json.dumps({"ids": False, "messages": [{"type": "error", "message": "No."}], "nextrow": 0})
    path = "/json/2/sale.order/load"
    odoo.plan.add(kind="status", status=200, body=body, method="POST", path=path, body_contains='"n5"', count=None)
    results = target.create_sales(payloads)
    assert [type(result.error) for result in results] == [
        RecordRejected if number == 5 else type(None) for number in range(8)
    ]
    assert len(odoo.db.tables["sale.order"]) == 7


@pytest.mark.parametrize("fault", [{"kind": "reset"}, {"kind": "status", "status": 502}, {"kind": "commit_then_drop"}])
def test_after_no_answer_nothing_is_sent_again_and_every_order_is_open(odoo, target, fault):
    """A batch is halved only after a refusal, which has undone it."""
    payloads = [payload_of(target, order_of(number)) for number in range(4)]
    odoo.plan.add(method="POST", path="/json/2/sale.order/load", **fault)
    with capture() as exchanges:
        results = target.create_sales(payloads)
    assert [type(result.error) for result in results] == [OutcomeUnknown] * 4
    assert sum(each.url.endswith("/load") for each in exchanges) == 1
    assert all(key in {"web:0", "web:1", "web:2", "web:3"} for key in target.find_sales([p["key"] for p in payloads]))


def test_a_field_that_odoo_does_not_have_is_the_documents_fault_and_named(odoo, target):
    [result] = target.create_sales([{**payload_of(target, order_of(1)), "x_nope": "1"}])
    assert isinstance(result.error, RecordRejected)
    assert result.error.field == "x_nope"


# Confirming


def test_a_batch_with_one_that_was_cancelled_is_confirmed_without_it(odoo, target):
    """The refusal names nobody, and nothing of the call was kept."""
    documents = [result.document for result in made(target, *(order_of(number) for number in range(4)))]
    people.cancel(odoo.app, int(documents[2].external_id))
    results = target.advance_sales(documents, Rank.CONFIRMED)
    assert [type(result.error) for result in results] == [type(None), type(None), RecordRejected, type(None)]


def test_a_window_in_the_place_of_a_deed_is_no_confirmation(odoo, target):
    [result] = made(target, order_of(1))
    body = json.dumps({"type": "ir.actions.act_window", "res_model": "sale.credit.limit"})
    odoo.plan.add(kind="status", status=200, body=body, method="POST", path="/json/2/sale.order/action_confirm")
    [confirmed] = target.advance_sales([result.document], Rank.CONFIRMED)
    assert isinstance(confirmed.error, RecordRejected)
    assert "sale.credit.limit" in str(confirmed.error)


@pytest.mark.parametrize(("keep", "same"), [(True, True), (False, False)])
def test_the_day_of_placing_stays_the_sales_date_though_odoo_moves_it(odoo, keep, same):
    target = connect(odoo, keep_order_date=keep)
    order = order_of(1)
    target.advance_sales([made(target, order)[0].document], Rank.CONFIRMED)
    sale = odoo.db.get("sale.order", 1)
    assert (sale["date_order"] == f"{order.placed_at:%Y-%m-%d %H:%M:%S}") is same


# Versions and protocols


@pytest.mark.parametrize("version", [17, 18])
def test_before_19_the_same_sale_is_made_over_json_rpc_with_the_older_names(version):
    with running_odoo(OdooOptions(version=version)) as odoo:
        target = connect(odoo)
        [result] = made(target, order_of(1))
        assert result.document.total == Decimal("23.80")
        [confirmed] = target.advance_sales([result.document], Rank.CONFIRMED)
        assert confirmed.document.rank is Rank.CONFIRMED
        assert isinstance(made(target, order_of(1))[0].error, AlreadyExists)
        assert [finding.level.value for finding in target.diagnose(None)].count("fail") == 0


def test_an_address_without_an_odoo_stops_the_connection_and_no_document(odoo):
    odoo.plan.add(kind="status", status=404, body="<html>", path="/web/version", count=None)
    odoo.plan.add(kind="status", status=404, body="<html>", path="/jsonrpc", count=None)
    [result] = connect(odoo).create_sales([{"key": "a", "partner_id": 1}])
    assert isinstance(result.error, ConnectionBroken)
    assert result.error.code == "no_odoo"


def test_a_wrong_login_is_answered_with_false_and_stops_the_connection():
    with running_odoo(OdooOptions(version=18)) as odoo:
        settings = dataclasses.replace(
            ConnectorSettings(name="erp", url=odoo.url, key="k-wrong", login="x", allow_hosts=("127.0.0.1",)),
            options={"database": "odoo"},
        )
        [result] = Odoo(settings).create_sales([{"key": "a", "partner_id": 1}])
        assert isinstance(result.error, ConnectionBroken)
        assert result.error.code == "login"
        assert "k-wrong" not in str(result.error)


def test_the_table_of_renamed_fields_is_applied_to_columns_specifications_and_rows():
    assert path_then("sale.order", "order_line/tax_ids/.id", 18) == "order_line/tax_id/.id"
    assert path_then("sale.order", "order_line/tax_ids/.id", 19) == "order_line/tax_ids/.id"
    nested = {"order_line": {"fields": {"tax_ids": {}, "name": {}}}}
    assert specification_then("sale.order", nested, 18) == {"order_line": {"fields": {"tax_id": {}, "name": {}}}}
    rows = [{"id": 1, "order_line": [{"id": 2, "tax_id": [1]}]}]
    assert rows_now("sale.order", rows, 18) == [{"id": 1, "order_line": [{"id": 2, "tax_ids": [1]}]}]


# Master data


def test_a_code_of_two_products_is_no_product(odoo, target):
    """`default_code` is not unique in Odoo."""
    twin = dict(next(odoo.db.all("product.product", default_code="1E5")))
    people.act(odoo.app, lambda db: db.insert("product.product", {name: twin[name] for name in twin if name != "id"}))
    ref = Ref("product", "1E5")
    assert target.resolve([ref])[ref]["id"] is None


def test_taxes_that_prices_include_are_not_chosen_and_two_of_a_rate_are_candidates(odoo, target):
    def another(**changes):
        tax = dict(next(odoo.db.all("account.tax", amount=19.0)))
        values = {name: tax[name] for name in tax if name != "id"} | changes
        people.act(odoo.app, lambda db: db.insert("account.tax", values))

    ref = Ref("tax", "DE:19", hint={"rate": "19", "country": "DE"})
    another(name="19% incl.", price_include=True)
    found = connect(odoo).resolve([ref])[ref]
    assert found["name"] == "19% USt"
    another(name="19% EU")
    assert connect(odoo).resolve([ref])[ref]["id"] is None
    by_name = Ref("tax", "19% EU")
    assert connect(odoo).resolve([by_name])[by_name]["rate"] == Decimal(19)


def test_stock_is_what_is_free_in_each_warehouse(odoo, target):
    people.count(odoo.app, "TASSE-ROT", Decimal(10), "MAIN")
    people.count(odoo.app, "TASSE-ROT", Decimal(3), "SHOP")
    first = list(target.pull_stock_changes(None))[-1].checkpoint
    target.advance_sales([made(target, order_of(1))[0].document], Rank.CONFIRMED)
    readings = {each.location: each for page in target.read_stock(["MAIN", "SHOP"], ["TASSE-ROT"]) for each in page}
    assert (readings["MAIN"].quantity, readings["MAIN"].reserved) == (Decimal(8), Decimal(2))
    assert readings["SHOP"].quantity == Decimal(3)
    moved = frozenset().union(*(page.skus for page in target.pull_stock_changes(first)))
    assert "TASSE-ROT" in moved
    with pytest.raises(ConnectionBroken, match="NOWHERE"):
        list(target.read_stock(["NOWHERE"]))


def test_many_changes_within_one_second_are_all_read_once(odoo):

    client = connect(odoo)._client
    source = stamps.Source("product.product", (), (), lambda rows: [[str(row["id"])] for row in rows])
    names = [each.names[0] for page in stamps.changes(client, [source], stamps.BEGINNING, 5) for each in page]
    assert len(names) == len(set(names)) == len(odoo.db.tables["product.product"])


@pytest.mark.parametrize(
    ("told", "read"), [(57.27, "57.27"), ("0.1000000000000000055", "0.1"), (100.0, "100"), (0, "0"), (-3.36, "-3.36")]
)
def test_amounts_lose_what_a_float_has_added(told, read):
    assert f"{amount(told):f}" == read


def test_what_cannot_be_used_is_said_before_the_first_call():
    for changes, named in (
        ({"key": ""}, "auth.key"),
        ({"options": {"module": "Sale Order"}}, "module"),
        ({"options": {"protocol": "jsonrpc"}}, "auth.login"),
        ({"options": {"shop": "x"}}, "shop"),
    ):
        values = {"name": "erp", "url": "https://odoo.example", "key": "k", **changes}
        with pytest.raises(ConnectionBroken, match=named):
            Odoo(ConnectorSettings(**values))
