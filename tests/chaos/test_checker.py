"""The checker goes red for each thing that it promises to see: one ledger spoilt at a time, by hand."""

from __future__ import annotations

import dataclasses
import json
import shutil
from decimal import Decimal

import orjson
import pytest
import requests
from sqlalchemy import insert, select, update

from config.model import Depth, DocumentState, StockPolicy
from connectors.kit.auth import OAuth1
from connectors.sandbox.erp import ErpOptions, running_erp
from connectors.sandbox.erp.products import default_products
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.settings import ShopSettings
from sync.store.engine import Store
from sync.store.issues import Cause, Stop, open_issues
from sync.store.migrate import migrate
from sync.store.tables import bindings, intents, leases, work_items
from tests.chaos.checker import Evidence, check
from tests.databases import now, open_store
from tests.sync.flows.trade import CHANNEL, KEY, TEA, Trade

pytestmark = pytest.mark.loopback
ARTICLES = 60
FEE = "0.68"


@dataclasses.dataclass
class World:
    """Two orders that were sent, one of them given back in part, and one that was cancelled."""

    evidence: Evidence
    sent: str
    refunded: str
    cancelled: str


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """Both ledgers, the database and what was delivered, as an unharmed trade leaves them."""
    folder = tmp_path_factory.mktemp("lived")
    store = open_store(f"sqlite:///{folder / 'crossdock.sqlite'}")
    migrate(store)
    settings = dataclasses.replace(ShopSettings(), keys=(KEY,))
    options = ErpOptions(settle_s=2.0)
    after = {"refunds": Depth.POSTED, "payments": Depth.POSTED, "fees": Depth.POSTED, "post_invoices": True}
    with (
        running_erp(ledger=folder / "erp.jsonl", options=options, products=default_products(ARTICLES)) as erp,
        Ledger(folder / "shop.jsonl") as ledger,
        serve_shop(settings, ledger=ledger) as (server, app),
    ):
        trade = Trade(store, server, app, erp, DocumentState.CONFIRMED, stock=StockPolicy(push=True), **after)
        trade.show_stock()
        kept = [{"key": "_stripe_fee", "value": FEE}, {"key": "_stripe_currency", "value": "EUR"}]
        numbers = [trade.buy((TEA, 2), transaction_id=f"ch_{each}", meta_data=kept) for each in range(3)]
        trade.carry()
        for number in numbers[:2]:
            parcel = {"tracking": [{"number": f"P{number}", "url": ""}]}
            trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", parcel)
        requests.post(f"{trade.shop_url}/_sandbox/orders/{numbers[2]}/cancel", timeout=5).raise_for_status()
        trade.carry()
        trade.carry()
        line = trade.order(numbers[1])["line_items"][0]["id"]
        back = {"lines": {str(line): 1}, "restock": False}
        requests.post(f"{trade.shop_url}/_sandbox/orders/{numbers[1]}/refund", json=back, timeout=5).raise_for_status()
        trade.carry()
        trade.carry()
        trade.show_stock()
        url = f"{trade.shop_url}/wp-json/wc/v3/orders/{numbers[0]}"
        body = requests.get(url, auth=OAuth1(KEY.key, KEY.secret), timeout=5).text
        (folder / "delivered.jsonl").write_text(
            json.dumps({"topic": "order.updated", "status": 200, "body": body}) + "\n", "utf-8"
        )
        paid = {
            f"{CHANNEL}:{number}:pay:ch_{each}": trade.order(number)["total"] for each, number in enumerate(numbers)
        }
        trade.close()
    store.close()
    return folder, numbers, {reference: Decimal(total) for reference, total in list(paid.items())[:2]}


@pytest.fixture
def world(lived, tmp_path):
    """A copy to be spoilt."""
    folder, numbers, payments = lived
    for name in ("erp.jsonl", "shop.jsonl", "delivered.jsonl", "crossdock.sqlite"):
        shutil.copy(folder / name, tmp_path / name)
    store = Store.open(f"sqlite:///{tmp_path / 'crossdock.sqlite'}")
    evidence = Evidence(
        shop_ledger=tmp_path / "shop.jsonl",
        erp_ledger=tmp_path / "erp.jsonl",
        deliveries=(tmp_path / "delivered.jsonl", tmp_path / "nobody-replayed"),
        store=store,
        channel=CHANNEL,
        articles=ARTICLES,
        payments=payments,
        fees={f"{CHANNEL}:{number}:pay:ch_{each}:fee": (number, Decimal(FEE)) for each, number in enumerate(numbers)},
    )
    yield World(evidence, *numbers)
    store.close()


def rewrite(path, change):
    """`change` gets the entries of a ledger and answers others."""
    entries = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    path.write_bytes(b"".join(orjson.dumps(entry) + b"\n" for entry in change(entries)))


def without(path, kind, **fields):
    def change(entries):
        left = [e for e in entries if e["kind"] != kind or any(e[name] != value for name, value in fields.items())]
        assert len(left) < len(entries)
        return left

    rewrite(path, change)


def twice(path, kind, **fields):
    """The last such entry comes again, as another document where `fields` say so."""

    def change(entries):
        last = [entry for entry in entries if entry["kind"] == kind][-1]
        return [*entries, {**last, "seq": len(entries) + 1, **fields}]

    rewrite(path, change)


def test_what_went_well_has_no_faults(world):
    assert check(world.evidence) == []


# --- the ERP's ledger -------------------------------------------------------------------------------------------


def test_a_sale_that_is_not_there(world):
    key = f"{CHANNEL}:{world.sent}"
    rewrite(
        world.evidence.erp_ledger,
        lambda entries: [
            {**e, "key": "other"} if (e["kind"], e["key"]) == ("sale.create", key) else e for e in entries
        ],
    )
    found = check(world.evidence)
    assert f"{key}: missing" in found
    assert any("is foreign" in fault for fault in found)


def test_a_sale_with_another_total(world):
    rewrite(
        world.evidence.erp_ledger,
        lambda entries: [{**e, "total": "1.00"} if e["kind"] == "sale.create" else e for e in entries],
    )
    assert any("has the total 1.00" in fault for fault in check(world.evidence))


def test_a_sale_that_was_confirmed_twice(world):
    twice(world.evidence.erp_ledger, "sale.confirm")
    assert any("was confirmed 2 times" in fault for fault in check(world.evidence))


def test_a_sale_of_an_order_that_was_cancelled(world):
    without(world.evidence.erp_ledger, "sale.cancel")
    assert any(fault.startswith(f"{CHANNEL}:{world.cancelled}: sale") for fault in check(world.evidence))


def test_a_payment_that_was_booked_twice(world):
    twice(world.evidence.erp_ledger, "payment.create", external_id="99")
    assert any("paid 2 times" in fault for fault in check(world.evidence))


def test_a_payment_that_is_missing(world):
    without(world.evidence.erp_ledger, "payment.create")
    assert any("payment is missing" in fault for fault in check(world.evidence))


def test_a_fee_that_was_booked_twice(world):
    twice(world.evidence.erp_ledger, "fee.create", external_id="99")
    assert any("fee is booked 2 times" in fault for fault in check(world.evidence))


@pytest.mark.parametrize(("kind", "fault"), [("fee.create", "fee is missing"), ("fee.post", "is not posted")])
def test_a_fee_that_is_missing_or_only_begun(world, kind, fault):
    without(world.evidence.erp_ledger, kind)
    assert any(fault in found for found in check(world.evidence))


def test_a_refund_that_never_came(world):
    rewrite(
        world.evidence.erp_ledger,
        lambda entries: [{**e, "key": ""} if e["kind"].startswith("refund.") else e for e in entries],
    )
    assert any("refund is missing" in fault for fault in check(world.evidence))


def test_an_invoice_number_that_was_given_twice(world):
    def change(entries):
        numbers = iter(["INV000001"] * 3)
        return [
            {**e, "document": {**e["document"], "number": next(numbers)}} if e["kind"] == "invoice.post" else e
            for e in entries
        ]

    rewrite(world.evidence.erp_ledger, change)
    assert any("was given twice" in fault for fault in check(world.evidence))


# --- the shop's ledger ------------------------------------------------------------------------------------------


def test_a_parcel_that_was_told_twice(world):
    def change(entries):
        last = [entry for entry in entries if entry["kind"] == "fulfillment.create"][-1]
        return [*entries, {**last, "external_id": "99", "document": {**last["document"], "id": 99}}]

    rewrite(world.evidence.shop_ledger, change)
    assert any("was told 2 times" in fault for fault in check(world.evidence))


def test_a_parcel_that_was_never_told(world):
    rewrite(
        world.evidence.shop_ledger, lambda entries: [e for e in entries if not e["kind"].startswith("fulfillment.")]
    )
    found = check(world.evidence)
    assert {f"order {number}: parcel P{number} was never told" for number in (world.sent, world.refunded)} <= set(found)


def test_an_order_that_nobody_completed(world):
    def change(entries):
        last = [e for e in entries if e["kind"].startswith("order.") and e["external_id"] == world.sent][-1]
        return [*entries, {**last, "document": {**last["document"], "status": "processing"}}]

    rewrite(world.evidence.shop_ledger, change)
    assert f"order {world.sent}: it is 'processing', not 'completed'" in check(world.evidence)


def test_an_order_of_the_shop_that_we_never_heard_of(world):
    def change(entries):
        first = next(e for e in entries if e["kind"] == "order.create")
        return [*entries, {**first, "external_id": "4711", "document": {**first["document"], "id": 4711}}]

    rewrite(world.evidence.shop_ledger, change)
    found = check(world.evidence)
    assert "order 4711: we have forgotten it" in found
    assert f"{CHANNEL}:4711: missing" in found


def test_an_article_that_shows_another_stock_than_the_erp_has(world):
    def change(entries):
        last = [e for e in entries if e["kind"].startswith("product.") and e["document"]["sku"] == TEA][-1]
        return [*entries, {**last, "document": {**last["document"], "stock_quantity": 9999}}]

    rewrite(world.evidence.shop_ledger, change)
    assert f"article {TEA}: the shop shows 9999, the ERP has 4996" in check(world.evidence)


# --- our database -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["ready", "leased", "reconcile"])
def test_an_item_that_does_not_rest(world, state):
    change(world, update(work_items).where(work_items.c.external_id == world.sent).values(state=state))
    assert any(fault.startswith(f"order {world.sent}: the item is {state}") for fault in check(world.evidence))


def test_an_order_that_waits_for_a_person_whom_nobody_told(world):
    change(world, update(work_items).where(work_items.c.external_id == world.sent).values(state="parked"))
    assert any("nobody is told why" in fault for fault in check(world.evidence))


def test_an_order_that_waits_for_a_person_for_no_good_reason(world):
    change(world, update(work_items).where(work_items.c.external_id == world.sent).values(state="parked"))
    query = select(work_items.c.id).where(work_items.c.external_id == world.sent)
    item = world.evidence.store.read(lambda c: c.execute(query).scalar_one())
    world.evidence.store.write(lambda c: open_issues(c, [Stop(item, Cause(cause="internal", title="a defect"))]))
    assert any("for no good reason (internal)" in fault for fault in check(world.evidence))


def test_an_order_that_is_done_and_bound_to_nothing(world):
    change(world, update(bindings).values(ended_at=now()))
    assert any("bound: False" in fault for fault in check(world.evidence))


def test_a_lease_that_nobody_ended(world):
    lease = {"token": "t", "channel": CHANNEL, "kind": "order", "connection": "erp", "slots": 1, "holder": "vm:1:"}
    change(world, insert(leases).values(**lease, started_at=now(), expires_at=now()))
    assert "lease t of vm:1: still stands" in check(world.evidence)


def test_an_intent_that_nobody_closed(world):
    change(world, update(intents).where(intents.c.id == 1).values(closed_at=None))
    assert any(fault.startswith("intent 1 ") for fault in check(world.evidence))


# --- what was answered ------------------------------------------------------------------------------------------


def test_a_delivery_that_was_answered_and_is_not_there(world):
    [path, _] = world.evidence.deliveries
    delivery = json.loads(path.read_text("utf-8"))
    body = json.dumps({**json.loads(delivery["body"]), "customer_note": "nobody has heard of this"})
    lines = [{**delivery, "body": body, "status": status} for status in (200, 503, None)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    # What was refused, or had no answer, the shop knows of.
    assert check(world.evidence) == ["a delivery of order.updated was answered with 200 and has no event"]


def change(world, statement):
    world.evidence.store.write(lambda c: c.execute(statement))
