"""The facets of an order under people's hands: each stops alone, and what people decide or do is what holds."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from sqlalchemy import update

from config.model import Carry, DocumentState, InvoiceNews, StockPolicy
from connectors.kit.base import Rank
from connectors.kit.facets import DocumentFile
from connectors.sandbox.catalogue import catalogue
from connectors.sandbox.woocommerce.orders import change
from connectors.sandbox.woocommerce.settings import ShopSettings
from connectors.sandbox_erp import SandboxErp
from mappings.canonical.facets import InvoiceState
from mappings.canonical.money import Money, money_sum
from mappings.registry import ERP_FACETS
from sync.desk.passport import load_passport
from sync.desk.proof import prove
from sync.desk.steering import approve_order, retry_orders
from sync.flows.adopt import find_matches, link_matches
from sync.flows.pull import pull
from sync.rules import systems
from sync.rules.comparison import Kind
from sync.rules.lookups import NO_LOOKUPS
from sync.store.audit import Actor
from sync.store.marking import mark
from sync.store.orders import load_order
from sync.store.tables import captured_lines, documents, files, intents, work_items
from sync.work.rehearse import dry_run
from tests.sync.flows.shop import PLACED
from tests.sync.flows.trade import CHANNEL, POT, TEA, trading

pytestmark = pytest.mark.loopback


@pytest.fixture
def trade(sqlite_store):
    with trading(sqlite_store) as made:
        yield made


def edit(trade, number, *, quantity):
    [line] = trade.order(number)["line_items"]
    total = f"{float(line['total']) / line['quantity'] * quantity:.2f}"
    change = {"id": line["id"], "quantity": quantity, "subtotal": total, "total": total}
    trade.in_shop("PUT", f"orders/{number}", {"line_items": [change]})


def approve(trade, number):
    order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
    return approve_order(trade.store, order, actor=Actor("anna", "test"), reason="seen to")


def proof(trade):
    now = dt.datetime.now(dt.UTC)
    return prove(trade.store, trade.systems.channel(CHANNEL), now - dt.timedelta(days=1), now + dt.timedelta(hours=1))


def shown(trade, number):
    return {entry["key"]: entry["value"] for entry in trade.order(number)["meta_data"]}


# --- each stops alone -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edits", list(Carry))
def test_parcels_invoices_and_state_reach_the_shop_while_an_edit_waits_for_a_person(sqlite_store, edits):
    with trading(sqlite_store, edits=edits) as trade:
        number = trade.buy((TEA, 1))
        trade.carry()
        edit(trade, number, quantity=3)
        trade.carry()
        assert trade.causes() == {"changed_after_import": 1}
        order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
        [change] = load_passport(trade.store, trade.config, order).facets.edit
        assert [text[:3] for text in (change.was, change.shop, change.erp)] == ["1 x", "3 x", "1 x"]
        [invoice] = trade.sale(number)["invoices"]
        trade.in_erp("POST", f"invoices/{invoice['id']}/post", {})
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
        trade.carry()
        assert len(trade.in_shop("GET", f"orders/{number}/fulfillments")) == 1
        assert [entry["kind"] for entry in shown(trade, number)["_crossdock_invoices"]] == ["invoice"]
        assert trade.order(number)["status"] == "completed"
        assert trade.causes() == {"changed_after_import": 1}
        assert trade.item(number).state == "held"


def test_what_has_left_before_a_cancellation_is_told_while_that_waits_for_a_person(trade):
    number = trade.buy((TEA, 1))
    trade.carry()
    trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
    trade.in_shop("PUT", f"orders/{number}", {"status": "cancelled"})
    trade.carry()
    assert trade.causes() == {"cancelled_after_import": 1}
    assert len(trade.in_shop("GET", f"orders/{number}/fulfillments")) == 1
    assert trade.order(number)["status"] == "cancelled"


def test_no_invoice_of_a_sale_is_posted_while_a_person_has_to_say_what_the_sale_is_to_be(sqlite_store):
    with trading(sqlite_store, post_invoices=True) as trade:
        number = trade.buy((TEA, 1))
        trade.carry()
        edit(trade, number, quantity=3)
        trade.carry()
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
        # What we tell the shop comes back from there, and is looked at like any other change.
        for _ in range(2):
            trade.carry()
        assert [invoice["state"] for invoice in trade.sale(number)["invoices"]] == ["draft"]
        approve(trade, number)
        for _ in range(3):
            trade.carry()
        assert [invoice["state"] for invoice in trade.sale(number)["invoices"]] == ["posted"]
        assert (trade.item(number).state, trade.causes()) == ("done", {})


def test_a_parcel_that_waits_for_a_person_stops_neither_the_other_parcel_nor_the_state(sqlite_store):
    with trading(sqlite_store, shop=ShopSettings(fulfillments=False), notify=True) as trade:
        number = trade.buy((TEA, 1), (POT, 1))
        trade.carry()
        [first] = trade.sale(number)["shipments"]
        trade.in_erp("POST", f"shipments/{first['id']}/send", {"lines": {TEA: "1"}})
        trade.shop_plan.add(kind="reset", method="POST", path=f"/wp-json/wc/v3/orders/{number}/notes")
        trade.carry()
        trade.time_passes(300)
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
        trade.carry()
        assert trade.causes() == {"unknown_outcome": 1}
        notes = [row["note"] for row in trade.in_shop("GET", f"orders/{number}/notes") if "Ref. " in row["note"]]
        assert len(notes) == 1
        assert trade.order(number)["status"] == "completed"


# --- amounts that a person has accepted -------------------------------------------------------------------------


def test_an_approved_edit_ends_with_the_amount_that_the_sale_shows_and_the_proof_says_so(trade):
    number = trade.buy((TEA, 1))
    trade.carry()
    edit(trade, number, quantity=3)
    trade.carry()
    approve(trade, number)
    trade.carry()
    item = trade.item(number)
    assert (item.state, trade.causes()) == ("done", {})
    assert "a person has accepted that" in item.reason
    found = proof(trade)
    assert [difference.kind for difference in found.differences] == [Kind.SEEN_TO]
    assert found.holds


def test_an_amount_is_accepted_for_this_content_and_no_other_amount_is(sqlite_store):
    with trading(sqlite_store, edits=Carry.HOLD, document_state=DocumentState.DRAFT) as trade:
        number = trade.buy((TEA, 1))
        trade.carry()
        edit(trade, number, quantity=3)
        trade.carry()
        approve(trade, number)
        trade.carry()
        assert trade.causes() == {}
        sale = trade.sale(number)
        lines = [{**line, "amount": "1.00", "tax": "0"} for line in sale["lines"]]
        keys = ("product", "quantity", "amount", "tax", "description", "origin")
        lines = [{key: line[key] for key in keys if key in line} for line in lines]
        trade.in_erp("PATCH", f"sales/{sale['id']}/edit", {"lines": lines})
        trade.carry()
        assert trade.causes() == {"target_amount": 1}
        assert "a person has accepted" in trade.item(number).reason
        assert proof(trade).holds, "a hold that shows both amounts explains them"
        approve(trade, number)
        trade.carry()
        assert trade.causes() == {}
        assert [difference.kind for difference in proof(trade).differences] == [Kind.SEEN_TO]
        edit(trade, number, quantity=2)
        trade.carry()
        assert trade.causes() == {"changed_after_import": 1}


def test_what_is_approved_stays_so_when_our_own_word_comes_back_from_the_shop(trade):
    one, other = trade.buy((TEA, 1)), trade.buy((TEA, 1))
    trade.carry()
    for number in (one, other):
        [invoice] = trade.sale(number)["invoices"]
        trade.in_erp("POST", f"invoices/{invoice['id']}/post", {})
    trade.in_erp("PATCH", f"invoices/{invoice['id']}", {"number": trade.sale(one)["invoices"][0]["number"]})
    trade.carry()
    assert trade.item(other).state == "held"
    approve(trade, other)
    for _ in range(3):
        trade.carry()
    assert "_crossdock_invoices" in shown(trade, other)
    assert trade.item(other).state == "done", trade.causes()
    trade.in_shop("PUT", f"orders/{other}", {"customer_note": "Thank you"})
    trade.carry()
    assert trade.item(other).state == "held", "what somebody else wrote was not before the person's eyes"


# --- sales that were there before us ----------------------------------------------------------------------------


def by_hand(trade, number):
    """Somebody has typed the order into the ERP: confirmed, under a key of their own."""
    systems = trade.systems.channel(CHANNEL)
    [envelope] = systems.source.fetch_orders([number])
    order = systems.source_mapping.order(envelope.payload, systems.reading(NO_LOOKUPS))
    mapping, options = systems.target_mapping, systems.target_options
    resolved = systems.target.resolve(mapping.references(order, options))
    while (party := mapping.party(order, resolved, options)) is not None:
        [ref] = [ref for ref in mapping.references(order, options) if ref.kind == "party"]
        resolved |= {ref: systems.target.save_party(party)}
    [made] = systems.target.create_sales([mapping.sale(order, resolved, options) | {"external_key": f"hand-{number}"}])
    [made] = systems.target.advance_sales([made.document], Rank.CONFIRMED)
    return made.document.external_id


def link(trade):
    systems, now = trade.systems.channel(CHANNEL), dt.datetime.now(dt.UTC)
    matches = find_matches(trade.store, systems, now - dt.timedelta(days=1), now + dt.timedelta(hours=1))
    return link_matches(trade.store, systems, [match for match in matches if match.linkable])


def test_what_hangs_on_a_linked_sale_comes_back_at_once_and_nothing_is_made(trade):
    number = trade.buy((TEA, 2))
    sale = by_hand(trade, number)
    trade.in_erp("POST", f"sales/{sale}/send", {})
    assert link(trade) == 1
    trade.drain()
    assert len(trade.in_shop("GET", f"orders/{number}/fulfillments")) == 1
    assert trade.order(number)["status"] == "completed"
    assert trade.item(number).state == "done", trade.causes()
    trade.mark_again(number)
    trade.carry()
    assert trade.item(number).state == "done", trade.causes()


def test_what_was_given_back_before_the_link_is_left_to_whoever_made_the_sale(trade):
    number = trade.buy((TEA, 2))
    sale = by_hand(trade, number)
    trade.in_shop("POST", f"orders/{number}/refunds", {"amount": "1.00", "api_refund": False})
    link(trade)
    trade.drain()
    assert trade.in_erp("GET", f"sales/{sale}")["refunds"] == []
    trade.in_shop("POST", f"orders/{number}/refunds", {"amount": "2.00", "api_refund": False})
    trade.carry()
    assert [refund["total"] for refund in trade.in_erp("GET", f"sales/{sale}")["refunds"]] == ["-2.00"]


def test_an_order_that_the_shop_withdrew_is_linked_and_its_sale_is_left_alone(trade):
    number = trade.buy((TEA, 1))
    sale = by_hand(trade, number)
    trade.in_shop("PUT", f"orders/{number}", {"status": "cancelled"})
    link(trade)
    trade.drain()
    assert trade.in_erp("GET", f"sales/{sale}")["state"] == "confirmed"


def test_a_linked_sale_is_cancelled_with_its_order_though_it_has_no_key_of_ours(trade):
    number = trade.buy((TEA, 1))
    sale = by_hand(trade, number)
    link(trade)
    trade.drain()
    trade.in_shop("PUT", f"orders/{number}", {"status": "cancelled"})
    trade.carry()
    assert trade.in_erp("GET", f"sales/{sale}")["state"] == "cancelled", trade.causes()
    assert trade.item(number).state == "skipped"


# --- doubts of an order that is set aside -----------------------------------------------------------------------


def set_aside(trade, number):
    """As an order that has killed its worker three times is."""
    table = work_items.c
    values = {"state": "parked", "done": table.wanted, "facets": "[]", "lease_token": None}
    trade.store.write(lambda c: c.execute(update(work_items).where(table.external_id == number).values(**values)))


@pytest.mark.parametrize("fulfilments", [True, False])
@pytest.mark.parametrize(("kind", "outcome"), [("commit_then_drop", "found"), ("reset", "absent")])
def test_a_doubtful_parcel_of_an_order_that_is_set_aside_is_looked_up_and_never_told_twice(
    sqlite_store, kind, outcome, fulfilments
):
    with trading(sqlite_store, shop=ShopSettings(fulfillments=fulfilments)) as trade:
        number = trade.buy((TEA, 1))
        trade.carry()
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
        place = "fulfillments" if fulfilments else "notes"
        trade.shop_plan.add(kind=kind, method="POST", path=f"/wp-json/wc/v3/orders/{number}/{place}")
        trade.carry()
        assert trade.item(number).state == "reconcile"
        set_aside(trade, number)
        trade.time_passes(300)
        trade.store.write(lambda c: mark(c, CHANNEL, "order", [number], facet="doubt"))
        trade.drain()
        assert trade.open_intents() == []
        assert trade.item(number).state == "parked"
        assert outcome in {row.outcome for row in trade.rows(intents.select())}
        order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
        retry_orders(trade.store, orders=[order], actor=Actor("anna", "test"))
        trade.carry()
        told = [
            row for row in trade.in_shop("GET", f"orders/{number}/{place}") if fulfilments or "Ref. " in row["note"]
        ]
        assert len(told) == 1
        assert trade.item(number).state == "done", trade.causes()


def test_a_doubtful_refund_of_an_order_that_cannot_be_read_any_more_is_looked_up(trade):
    number = trade.buy((TEA, 2))
    trade.carry()
    trade.in_shop("POST", f"orders/{number}/refunds", {"amount": "1.00", "api_refund": False})
    trade.erp.plan.add(kind="commit_then_drop", method="POST", path="/api/refunds")
    trade.carry()
    assert trade.item(number).state == "reconcile"
    shop = trade.shop.shop
    with shop.lock:
        order = shop.order(int(number)).document()
        order["total"] = "1.00"
        change(shop, order, "order.update")
    trade.time_passes(300)
    trade.carry()
    assert trade.causes() == {"totals_mismatch": 1}
    assert trade.open_intents() == []
    assert "found" in {row.outcome for row in trade.rows(intents.select().where(intents.c.kind == "refund"))}


# --- what a dry run shows of it ---------------------------------------------------------------------------------


def rehearse(trade, number):
    order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
    return dry_run(trade.store, trade.systems, order)


def rehearsed(trade, number):
    """(method, path, body) of every call that would be sent."""
    report = rehearse(trade, number)
    assert report.problems == ()
    return [(call.method, urlsplit(call.url).path, call.request_body) for call in report.calls]


def test_a_dry_run_says_what_would_wait_and_what_would_be_sent_all_the_same(sqlite_store):
    with trading(sqlite_store, edits=Carry.HOLD) as trade:
        number = trade.buy((TEA, 1))
        trade.carry()
        edit(trade, number, quantity=3)
        trade.carry()
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
        report = rehearse(trade, number)
        assert str(report.verdict) == "This would wait for a person; 2 calls would be sent to shop all the same."
        assert len(report.problems) == 1
        for _ in range(2):
            trade.carry()
        assert rehearse(trade, number).calls == ()
        assert str(rehearse(trade, number).verdict).startswith("It would go no further")


def test_a_dry_run_shows_what_the_shop_would_be_told_with_its_links(sqlite_store):
    with trading(sqlite_store, invoices=InvoiceNews.LINK) as trade:
        number = trade.buy((TEA, 1), (POT, 1))
        trade.carry()
        [invoice] = trade.sale(number)["invoices"]
        trade.in_erp("POST", f"invoices/{invoice['id']}/post", {})
        [first] = trade.sale(number)["shipments"]
        trade.in_erp("POST", f"shipments/{first['id']}/send", {"lines": {TEA: "1"}})
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
        before = [len(trade.rows(table.select())) for table in (documents, intents, files)]
        calls = rehearsed(trade, number)
        assert [len(trade.rows(table.select())) for table in (documents, intents, files)] == before
        order = f"/wp-json/wc/v3/orders/{number}"
        assert [(method, path) for method, path, _ in calls] == [
            ("POST", f"{order}/fulfillments"),
            ("POST", f"{order}/fulfillments"),
            ("PUT", order),
        ]
        assert "https://hub.test/files/the-file-that-will-be-kept" in calls[-1][2]
        trade.carry()
        assert rehearsed(trade, number) == []


def test_a_dry_run_shows_a_refund_a_cancellation_and_an_edit_as_they_would_be_sent(sqlite_store):
    with trading(sqlite_store, document_state=DocumentState.DRAFT) as trade:
        refunded, edited, cancelled = (trade.buy((TEA, 2)) for _ in range(3))
        trade.carry()
        trade.in_shop("POST", f"orders/{refunded}/refunds", {"amount": "1.00", "api_refund": False})
        edit(trade, edited, quantity=3)
        trade.in_shop("PUT", f"orders/{cancelled}", {"status": "cancelled"})
        pull(trade.store, trade.systems.connector("shop"), "shop", [CHANNEL], since=PLACED.replace(year=2020))
        sale = f"/api/sales/{trade.sale_id(edited)}"
        assert [path for _, path, _ in rehearsed(trade, refunded)] == ["/api/refunds"]
        assert [(method, path) for method, path, _ in rehearsed(trade, edited)] == [("PUT", sale)]
        assert len(rehearsed(trade, cancelled)) == 1
        assert trade.sale(refunded)["refunds"] == []
        assert {trade.sale(number)["state"] for number in (edited, cancelled)} == {"draft"}


# --- stock of what people confirm themselves --------------------------------------------------------------------


def test_a_draft_that_the_erps_people_confirm_counts_no_longer_from_the_next_reading_on(sqlite_store):
    with trading(sqlite_store, document_state=DocumentState.DRAFT, stock=StockPolicy(push=True)) as trade:
        trade.in_erp("PUT", "stock", {"code": TEA, "quantity": "10"})
        trade.show_stock()
        number = trade.buy((TEA, 2))
        trade.show_stock()
        assert (in_stock(trade), captured(trade)) == (8, ["2"])
        key = f"{CHANNEL}:{number}"
        erp = trade.systems.connector("erp")
        erp.advance_sales(erp.find_sales([key])[key], Rank.CONFIRMED)
        trade.show_stock()
        assert (in_stock(trade), captured(trade)) == (8, [])
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/cancel", {})
        trade.show_stock()
        assert (in_stock(trade), captured(trade)) == (10, [])


def in_stock(trade):
    [product] = trade.in_shop("GET", f"products?sku={TEA}")
    return product["stock_quantity"]


def captured(trade):
    return [row.quantity for row in trade.rows(captured_lines.select().where(captured_lines.c.sku == TEA))]


# --- bundles ----------------------------------------------------------------------------------------------------

SET = next(product.sku for product in catalogue() if product.virtual)


def bundle(trade, *parts):
    """Somebody buys a set that the ERP ships by its parts."""
    number = trade.buy((SET, 1), *parts)
    shop = trade.shop.shop
    with shop.lock:
        order = shop.order(int(number)).document()
        parent, *lines = order["line_items"]
        for line in lines:
            line["bundled_by"] = str(parent["id"])
        change(shop, order, "order.update")
    trade.carry()
    return number


def test_a_bundle_is_sent_with_its_parts_and_completes_the_shops_order(trade):
    number = bundle(trade, (TEA, 2), (POT, 1))
    [shipment] = trade.sale(number)["shipments"]
    trade.in_erp("POST", f"shipments/{shipment['id']}/send", {"lines": {TEA: "2"}})
    trade.carry()
    assert shown(trade, number)["_fulfillment_status"] == "partially_fulfilled"
    trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
    trade.carry()
    assert shown(trade, number)["_fulfillment_status"] == "fulfilled"
    assert trade.item(number).state == "done", trade.causes()


def test_a_refund_of_a_bundle_gives_back_its_price_and_restocks_its_parts(trade):
    number = bundle(trade, (TEA, 2), (POT, 1))
    trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
    trade.carry()
    parent, tea, _ = trade.order(number)["line_items"]
    lines = [{"id": parent["id"], "quantity": 1, "refund_total": "3.00"}, {"id": tea["id"], "quantity": 2}]
    trade.in_shop("POST", f"orders/{number}/refunds", {"amount": "3.00", "api_refund": False, "line_items": lines})
    for _ in range(2):
        trade.carry()
    [refund] = trade.sale(number)["refunds"]
    assert refund["total"] == "-3.00"
    [back] = [each for each in trade.sale(number)["shipments"] if each["back"]]
    assert [(line["code"], line["quantity"]) for line in back["lines"]] == [(TEA, "2")]
    assert trade.item(number).state == "done", trade.causes()


# --- collected invoices -----------------------------------------------------------------------------------------


def test_a_collected_invoice_shows_each_order_its_own_part_and_looking_again_changes_nothing(trade, monkeypatch):
    one, other = trade.buy((TEA, 1)), trade.buy((TEA, 3))
    trade.carry()
    facets = ERP_FACETS["sandbox_erp"]

    def standing(survey, options):
        """As an ERP says it that has put both sales on one invoice."""
        found = facets.standing(survey, options)
        [invoice] = found.invoices
        part = money_sum([Money(line.total, "EUR") for line in found.lines], "EUR")
        shared = dataclasses.replace(
            invoice, external_id="900", number="INV900", state=InvoiceState.POSTED, net=TOGETHER, tax=NOTHING,
            total=TOGETHER, open=TOGETHER, collected=True, part=part,
        )  # fmt: skip
        return dataclasses.replace(found, invoices=(shared,))

    monkeypatch.setattr(systems, "ERP_FACETS", {"sandbox_erp": dataclasses.replace(facets, standing=standing)})
    monkeypatch.setattr(SandboxErp, "fetch_file", lambda *_, **__: DocumentFile("a.txt", "text/plain", b"a"))
    for _ in range(3):
        for number in (one, other):
            trade.mark_again(number)
        trade.carry()
    assert trade.causes() == {}
    for number, with_whom, part in ((one, other, "11.90"), (other, one, "25.90")):
        order = trade.store.read(lambda c, number=number: load_order(c, CHANNEL, number, "erp"))
        [invoice] = load_passport(trade.store, trade.config, order).facets.invoices
        assert (invoice.total, f"{invoice.part:f}", invoice.others) == (TOGETHER.amount, part, (f"{with_whom} (web)",))
        told = [str(moment.text) for moment in load_passport(trade.store, trade.config, order).timeline]
        assert any(f"of it {part} net for this order" in text for text in told)
        [mark] = shown(trade, number)["_crossdock_invoices"]
        assert (mark["total"], mark["part"], mark["collected"]) == ("37.80", part, True)
    before = len(trade.rows(intents.select()))
    for number in (one, other):
        trade.mark_again(number)
    trade.carry()
    assert len(trade.rows(intents.select())) == before


TOGETHER, NOTHING = Money(Decimal("37.80"), "EUR"), Money(Decimal("0.00"), "EUR")


def test_a_collected_draft_is_posted_by_people_only(sqlite_store, monkeypatch):
    facets = ERP_FACETS["sandbox_erp"]

    def standing(survey, options):
        found = facets.standing(survey, options)
        return dataclasses.replace(
            found, invoices=tuple(dataclasses.replace(each, collected=True) for each in found.invoices)
        )

    with trading(sqlite_store, post_invoices=True) as trade:
        monkeypatch.setattr(systems, "ERP_FACETS", {"sandbox_erp": dataclasses.replace(facets, standing=standing)})
        number = trade.buy((TEA, 1))
        trade.carry()
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
        trade.carry()
        assert [invoice["state"] for invoice in trade.sale(number)["invoices"]] == ["draft"]
        monkeypatch.setattr(systems, "ERP_FACETS", {"sandbox_erp": facets})
        trade.mark_again(number)
        trade.carry()
        assert [invoice["state"] for invoice in trade.sale(number)["invoices"]] == ["posted"]
