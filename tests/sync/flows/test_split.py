"""An order that is divided over two warehouses: two sales, made once each, and together what the shop charged."""

from __future__ import annotations

import contextlib
import dataclasses
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from config.model import Depth, InvoiceNews, Routing, RoutingRule, ShortLines, Split, StockPolicy
from connectors.sandbox.erp import ErpOptions
from connectors.sandbox.erp.audit import check_ledger
from connectors.sandbox.erp.audit_facets import check_facets
from sync.desk.passport import passport
from sync.desk.steering import approve_order, retry_again, retry_orders
from sync.flows.parts import together
from sync.flows.pull import pull
from sync.rules.comparison import Kind, compare
from sync.rules.refund_comparison import compare_refunds
from sync.store.audit import Actor
from sync.store.channels import start_channel
from sync.store.orders import list_orders, load_order
from sync.store.tables import bindings, captured_lines, intents, order_routes
from sync.work.rehearse import dry_run
from tests.databases import empty
from tests.sync.flows.shop import PLACED
from tests.sync.flows.trade import CHANNEL, POT, TEA, trading

pytestmark = pytest.mark.loopback

RULE = RoutingRule(name="default", warehouses=("MAIN", "NORTH"), split=Split.LINES)
EVERYTHING: dict[str, Any] = {
    "payments": Depth.POSTED,
    "post_invoices": True,
    "refunds": Depth.POSTED,
    "invoices": InvoiceNews.LINK,
}
ANNA = Actor("anna", "test")
REFUSED = '{"error": "not_salable", "message": "this is not sold any more", "field": "lines"}'


@contextlib.contextmanager
def divided(store, *, ledger=None, **options):
    """An ERP that has tea in one warehouse and pots in the other."""
    with trading(store, stock=StockPolicy(push=True), articles=20, ledger=ledger, **options) as trade:
        channels: Any = trade.config.channels
        routing = Routing(rules=(RULE,), short=ShortLines.HOLD)
        channels[CHANNEL] = dataclasses.replace(channels[CHANNEL], routing=routing)
        for code, warehouse, there in (
            (TEA, "NORTH", "9"),
            (POT, "MAIN", "9"),
            (TEA, "MAIN", "0"),
            (POT, "NORTH", "0"),
        ):
            trade.in_erp("PUT", "stock", {"code": code, "quantity": there, "warehouse": warehouse})
        yield trade


@pytest.fixture
def trade(sqlite_store, tmp_path):
    with divided(sqlite_store, ledger=tmp_path / "erp.ledger", **EVERYTHING) as made:
        yield made


def key_of(number, part=0):
    return f"{CHANNEL}:{number}" if part == 0 else f"{CHANNEL}:{number}:part:{part + 1}"


def sales_of(trade, number):
    """Everything of each part, as its ERP shows it; a part that is not there is None."""
    target = trade.systems.channel(CHANNEL).target
    found = target.find_sales([key_of(number, part) for part in range(2)])
    ids = [found.get(key_of(number, part), [None])[0] for part in range(2)]
    return [each and trade.in_erp("GET", f"sales/{each.external_id}") for each in ids]


def worth(sales):
    return sum(Decimal(sale["total"]) for sale in sales)


def warehouses(sales):
    return [{shipment["warehouse"] for shipment in sale["shipments"]} for sale in sales]


def send(trade, sale, tracking):
    trade.in_erp("POST", f"sales/{sale['id']}/send", {"tracking": [{"number": tracking, "url": ""}]})


def proven(trade):
    """Every difference that the proof finds, of orders and of refunds."""
    systems = trade.systems.channel(CHANNEL)
    window = (PLACED.replace(year=2020), PLACED.replace(year=2090))
    nothing = PLACED - PLACED
    groups = [
        *compare(trade.store, systems, *window, young=nothing),
        *(compare_refunds(trade.store, systems, *window, young=nothing) or ()),
    ]
    for group in groups:
        if not group.differences:
            assert group.shop == group.crossdock == group.erp
    return [(each.kind, each.detail) for group in groups for each in group.differences]


def given_back(trade, number, amount, *lines, **fields):
    items = [
        {
            "id": line["id"],
            "quantity": pieces,
            "refund_total": net,
            "refund_tax": [{"id": tax["id"], "refund_total": "0"} for tax in line["taxes"]],
        }
        for line, pieces, net in lines
    ]
    body = {"amount": amount, "api_refund": False, "line_items": items, **fields}
    return trade.in_shop("POST", f"orders/{number}/refunds", body)["id"]


def line_of(trade, number, sku):
    return next(line for line in trade.order(number)["line_items"] if line["sku"] == sku)


# --- making it --------------------------------------------------------------------------------------------------


def test_an_order_that_no_warehouse_has_whole_becomes_a_sale_for_each(trade):
    number = trade.buy((TEA, 2), (POT, 1))
    trade.carry()
    sales = sales_of(trade, number)
    assert worth(sales) == Decimal(trade.order(number)["total"])
    lines = [[line["code"] for line in sale["lines"]] for sale in sales]
    # The pot is dearer, so it goes with the shipping.
    assert (lines, warehouses(sales)) == ([[POT, "SHIPPING"], [TEA]], [{"MAIN"}, {"NORTH"}])
    [route] = trade.rows(select(order_routes))
    told = f"rule default: divided, 1 line from MAIN, 1 line from NORTH; MAIN lacks 2 x {TEA}; NORTH lacks 1 x {POT}"
    assert route.reason == told
    assert [(row.part, row.key) for row in trade.rows(select(bindings).order_by(bindings.c.part))] == [
        (0, key_of(number)),
        (1, key_of(number, 1)),
    ]
    assert (trade.item(number).state, proven(trade)) == ("done", [])


def test_an_order_that_one_warehouse_has_is_one_sale_as_ever(trade):
    number = trade.buy((TEA, 2), (TEA, 1))
    trade.carry()
    one, none = sales_of(trade, number)
    assert (none, warehouses([one]), Decimal(one["total"])) == (
        None,
        [{"NORTH"}],
        Decimal(trade.order(number)["total"]),
    )


def test_what_all_warehouses_together_do_not_have_is_short(trade):
    trade.buy((TEA, 10), (POT, 1))
    trade.show_stock()
    assert "short_stock" in trade.causes()
    trade.in_erp("PUT", "stock", {"code": TEA, "quantity": "10", "warehouse": "NORTH"})
    trade.show_stock()
    trade.drain()
    assert trade.causes() == {}
    [(item,)] = trade.rows(select(bindings.c.order_id).distinct())
    assert item


def test_each_part_takes_its_goods_where_it_is_sent(trade):
    trade.erp.plan.add(kind="status", status=503, method="POST", path="/api/sales*", count=None)
    trade.buy((TEA, 2), (POT, 1))
    trade.carry()
    taken = {(row.sku, row.location): row.quantity for row in trade.rows(select(captured_lines))}
    assert taken == {(TEA, "NORTH"): "2", (POT, "MAIN"): "1"}


def test_a_dry_run_shows_every_part_and_changes_nothing(trade):
    trade.show_stock()
    number = trade.buy((TEA, 2), (POT, 1))
    pull(trade.store, trade.systems.connector("shop"), "shop", [CHANNEL], since=PLACED.replace(year=2020))
    order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
    report = dry_run(trade.store, trade.systems, order)
    assert "divided, 1 line from MAIN, 1 line from NORTH" in report.route
    assert sales_of(trade, number) == [None, None]
    assert trade.rows(select(bindings)) == []


@pytest.fixture
def forgetful(sqlite_store):
    """With an ERP that takes the key of a cancelled sale again."""
    with divided(sqlite_store, erp=ErpOptions(enforce_key=False, settle_s=2.0)) as made:
        yield made


def test_a_database_that_has_forgotten_a_division_makes_no_part_again(forgetful):
    """An older backup was put back, and the warehouses have moved since."""
    trade = forgetful
    number = trade.buy((TEA, 2), (POT, 1))
    trade.carry()
    before = worth(sales_of(trade, number))
    empty(trade.store)
    trade.store.write(lambda c: start_channel(c, CHANNEL, PLACED.replace(year=2020)))
    trade.in_erp("PUT", "stock", {"code": TEA, "quantity": "50", "warehouse": "MAIN"})
    trade.carry()
    assert (trade.causes(), worth(sales_of(trade, number))) == ({"doubled": 1}, before)
    for sale in sales_of(trade, number):
        trade.in_erp("POST", f"sales/{sale['id']}/cancel", {})
    order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
    retry_again(trade.store, orders=[order], actor=ANNA)
    trade.carry()
    target = trade.systems.channel(CHANNEL).target
    standing = [sale for sale in target.find_sales([key_of(number)])[key_of(number)] if sale.rank]
    assert [sale.total for sale in standing] == [Decimal(trade.order(number)["total"])]


def test_the_page_of_a_divided_order_shows_every_sale_and_warehouse_and_lists_the_order_once(trade):
    number = trade.buy((TEA, 2), (POT, 1))
    trade.carry()
    given_back(trade, number, trade.order(number)["total"])
    trade.carry()
    [page] = passport(trade.store, trade.config, number)
    sales = sales_of(trade, number)
    assert [(sale["key"], sale["total"]) for sale in page["sales"]] == [
        (key_of(number, part), sale["total"]) for part, sale in enumerate(sales)
    ]
    assert page["routing"]["warehouses"] == ["MAIN", "NORTH"]
    [refund] = page["after_import"]["refunds"]["entries"]
    assert (Decimal(refund["erp"]["amount"]), refund["ties"]) == (Decimal(trade.order(number)["total"]), True)
    assert len(trade.store.read(lambda c: list_orders(c, CHANNEL, "erp"))) == 1


@pytest.mark.parametrize("kind", ["commit_then_drop", "reset"])
def test_a_part_whose_answer_is_lost_is_looked_up_and_none_is_made_twice(trade, kind):
    number = trade.buy((TEA, 2), (POT, 1))
    trade.erp.plan.add(kind=kind, method="POST", path="/api/sales*")
    trade.carry()
    assert trade.item(number).state == "reconcile"
    trade.time_passes(300)
    trade.carry()
    assert worth(sales_of(trade, number)) == Decimal(trade.order(number)["total"])
    assert (trade.item(number).state, trade.open_intents(), proven(trade)) == ("done", [], [])


def test_a_retry_makes_only_the_part_that_is_missing(trade):
    """One part refused, by an ERP that does not know an article any more."""
    number = trade.buy((TEA, 2), (POT, 1))
    trade.erp.plan.add(
        kind="status", status=422, body=REFUSED, method="POST", body_contains=f"{number}:part:2", count=None
    )
    trade.carry()
    first, second = sales_of(trade, number)
    assert (first is None) != (second is None)
    assert trade.item(number).state == "parked"
    assert "the other parts stand as" in str(trade.item(number).reason)
    assert {kind for kind, _ in proven(trade)} == {Kind.HELD}
    order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
    # What has moved in the warehouses since moves no part: the split stands.
    trade.in_erp("PUT", "stock", {"code": TEA, "quantity": "50", "warehouse": "MAIN"})
    trade.erp.plan.remove()
    retry_orders(trade.store, orders=[order], actor=ANNA)
    trade.carry()
    again = sales_of(trade, number)
    assert [each for each in again if each["id"] == (first or second)["id"]]
    assert (warehouses(again), worth(again)) == ([{"MAIN"}, {"NORTH"}], Decimal(trade.order(number)["total"]))
    assert (trade.item(number).state, proven(trade)) == ("done", [])


def test_where_nothing_was_made_the_order_is_routed_anew(trade):
    number = trade.buy((TEA, 2), (POT, 1))
    trade.erp.plan.add(kind="status", status=422, body=REFUSED, method="POST", path="/api/sales*", count=None)
    trade.carry()
    assert trade.item(number).state in {"parked", "held"}
    trade.in_erp("PUT", "stock", {"code": TEA, "quantity": "50", "warehouse": "MAIN"})
    order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
    trade.show_stock()
    trade.erp.plan.remove()
    retry_orders(trade.store, orders=[order], actor=ANNA)
    trade.carry()
    one, none = sales_of(trade, number)
    assert (none, warehouses([one]), trade.item(number).state) == (None, [{"MAIN"}], "done")
    assert [row.part for row in trade.rows(select(bindings))] == [0]


# --- its life ---------------------------------------------------------------------------------------------------


def test_parcels_of_all_parts_reach_the_shop_and_the_last_one_completes_the_order(trade):
    number = trade.buy((TEA, 2), (POT, 1))
    trade.carry()
    first, second = sales_of(trade, number)
    send(trade, second, "T2")
    trade.carry()
    assert trade.order(number)["status"] == "processing"
    send(trade, first, "T1")
    trade.carry()
    parcels = trade.in_shop("GET", f"orders/{number}/fulfillments")
    told = [{entry["key"]: entry["value"] for entry in each["meta_data"]} for each in parcels]
    assert sorted((meta["_tracking_number"], sum(item["qty"] for item in meta["_items"])) for meta in told) == [
        ("T1", 1),
        ("T2", 2),
    ]
    assert trade.order(number)["status"] == "completed"


def test_the_payment_pays_the_invoice_of_each_part_with_its_share(trade):
    number = trade.buy((TEA, 2), (POT, 1))
    trade.carry()
    for sale in sales_of(trade, number):
        send(trade, sale, f"T{sale['id']}")
    for _ in range(3):
        trade.mark_again(number)
        trade.carry()
    sales = sales_of(trade, number)
    assert [[Decimal(p["amount"]) for p in sale["payments"]] for sale in sales] == [
        [Decimal(sale["total"])] for sale in sales
    ]
    assert [[invoice["state"] for invoice in sale["invoices"]] for sale in sales] == [["paid"], ["paid"]]
    meta = {entry["key"]: entry["value"] for entry in trade.order(number)["meta_data"]}
    assert len(meta["_crossdock_invoices"]) == 2
    references = {f"{key_of(number, part)}:pay:ch_1": Decimal(sale["total"]) for part, sale in enumerate(sales)}
    assert not check_facets(trade.erp.ledger_path, refunds={}, payments=references)
    assert trade.item(number).state == "done"


def test_refunds_go_to_the_parts_that_charged_what_is_given_back(trade):
    number = trade.buy((TEA, 2), (POT, 1))
    trade.carry()
    tea, pot = line_of(trade, number, TEA), line_of(trade, number, POT)
    of_line = given_back(trade, number, "1.00", (tea, 1, "1.00"))
    goodwill = given_back(trade, number, "2.00")
    both = given_back(trade, number, "5.00", (tea, 0, "2.00"), (pot, 0, "3.00"))
    for _ in range(2):
        trade.mark_again(number)
        trade.carry()
    wanted = {
        f"{key_of(number, 1)}:refund:{of_line}": Decimal("1.00"),
        f"{key_of(number)}:refund:{goodwill}": Decimal("2.00"),
        f"{key_of(number)}:refund:{both}": Decimal("3.00"),
        f"{key_of(number, 1)}:refund:{both}": Decimal("2.00"),
    }
    assert not check_facets(trade.erp.ledger_path, refunds=wanted, payments={})
    assert (trade.item(number).state, trade.causes(), proven(trade)) == ("done", {}, [])
    before = len(trade.rows(select(intents)))
    trade.mark_again(number)
    trade.carry()
    assert len(trade.rows(select(intents))) == before


def test_all_of_it_given_back_credits_every_part_whole(trade):
    number = trade.buy((TEA, 2), (POT, 1))
    trade.carry()
    total = trade.order(number)["total"]
    given_back(trade, number, total)
    trade.carry()
    for sale in sales_of(trade, number):
        assert [Decimal(refund["total"]) for refund in sale["refunds"]] == [-Decimal(sale["total"])]
    assert (trade.item(number).state, proven(trade)) == ("done", [])


def test_a_credit_that_people_made_on_one_part_is_paired_with_the_refund_of_its_amount(trade):
    number = trade.buy((TEA, 2), (POT, 1))
    trade.carry()
    _, second = sales_of(trade, number)
    send(trade, second, "T")
    trade.in_erp("POST", f"sales/{second['id']}/return", {"lines": {TEA: "1"}, "amount": "4.00"})
    trade.carry()
    assert trade.causes() == {"returned_in_erp": 1}
    # In the shop nobody says for which line: the ERP's document does.
    given_back(trade, number, "4.00")
    trade.carry()
    first, second = sales_of(trade, number)
    assert (first["refunds"], len(second["refunds"])) == ([], 1)
    assert (trade.causes(), proven(trade)) == ({}, [])


def test_a_cancelled_order_is_cancelled_in_every_part(trade):
    number = trade.buy((TEA, 2), (POT, 1))
    trade.carry()
    trade.in_shop("PUT", f"orders/{number}", {"status": "cancelled"})
    trade.carry()
    assert [sale["state"] for sale in sales_of(trade, number)] == ["cancelled", "cancelled"]
    assert trade.item(number).state == "skipped"


def test_what_has_left_of_a_cancelled_order_is_a_persons_task_and_the_rest_is_cancelled(trade):
    number = trade.buy((TEA, 2), (POT, 1))
    trade.carry()
    first, _ = sales_of(trade, number)
    send(trade, first, "T")
    trade.in_shop("PUT", f"orders/{number}", {"status": "cancelled"})
    trade.carry()
    assert [sale["state"] for sale in sales_of(trade, number)] == ["confirmed", "cancelled"]
    # The parcel that the shop was told of changes its order, and approved is what a person has seen.
    trade.carry()
    assert trade.causes() == {"cancelled_after_import": 1}
    order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
    approve_order(trade.store, order, actor=ANNA, reason="returned")
    trade.carry()
    assert trade.item(number).state == "skipped"


def test_a_part_that_people_cancelled_is_told_and_made_again_on_a_persons_word(forgetful):
    trade = forgetful
    number = trade.buy((TEA, 2), (POT, 1))
    trade.carry()
    _, second = sales_of(trade, number)
    trade.in_erp("POST", f"sales/{second['id']}/cancel", {})
    trade.carry()
    assert trade.causes() == {"gone_in_erp": 1}
    assert {kind for kind, _ in proven(trade)} == {Kind.HELD}
    order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
    retry_again(trade.store, orders=[order], actor=ANNA)
    trade.carry()
    target = trade.systems.channel(CHANNEL).target
    found = target.find_sales([key_of(number), key_of(number, 1)])
    assert [[sale.state for sale in found[key_of(number, part)]] for part in range(2)] == [
        ["confirmed"],
        ["cancelled", "confirmed"],
    ]
    assert (trade.item(number).state, proven(trade)) == ("done", [])


def test_an_edit_is_carried_to_the_part_that_it_is_about(sqlite_store):
    with divided(sqlite_store, document_state="draft") as trade:
        number = trade.buy((TEA, 2), (POT, 1))
        trade.carry()
        tea, pot = line_of(trade, number, TEA), line_of(trade, number, POT)
        before = sales_of(trade, number)
        items = [{"id": tea["id"], "quantity": 3, "subtotal": "33.00", "total": "33.00"}]
        trade.in_shop("PUT", f"orders/{number}", {"line_items": items})
        trade.carry()
        after = sales_of(trade, number)
        assert after[0]["total"] == before[0]["total"], pot
        assert [line["quantity"] for line in after[1]["lines"]] == ["3"]
        assert (worth(after), trade.item(number).state) == (Decimal(trade.order(number)["total"]), "done")
        assert proven(trade) == []


def test_the_ledger_of_the_erp_has_every_part_once(trade):
    number = trade.buy((TEA, 2), (POT, 1))
    for _ in range(2):
        trade.carry()
        trade.mark_again(number)
    expected = {key_of(number, part): Decimal(sale["total"]) for part, sale in enumerate(sales_of(trade, number))}
    assert check_ledger(trade.erp.ledger_path, expected) == []


def test_nothing_of_an_order_that_is_not_made_is_no_standing():
    assert together([None, None]) is None
