"""The verdict over a run: the shop's ledger, the ERP's ledger and our database against each other.

It shares no code with the flows. What a sandbox did is read in its file alone; what was answered with 2xx in the file
of who was answered.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, select

from connectors.sandbox.erp.audit import check_ledger, standing_totals
from connectors.sandbox.erp.audit_facets import check_facets, papers, stock_moves
from connectors.sandbox.erp.documents import GOODS
from connectors.sandbox.erp.products import default_products
from connectors.sandbox.ledger import read_ledger
from connectors.sandbox.woocommerce.audit import Told, check_told
from connectors.sandbox.woocommerce.deliveries import sign
from connectors.woocommerce.webhooks import verify
from sync.store.bodies import digest, dump_json
from sync.store.engine import Store
from sync.store.issues import causes_of
from sync.store.tables import bindings, events, orders, work_items
from tests.boundaries.judge import unowned

#: States of a shop's order that the ERP is to have.
_CARRIED: Final = frozenset({"processing", "completed"})
#: Causes for which an order may wait for a person, by what its shop did to it.
EDITED: Final = frozenset({"changed_after_import"})
CANCELLED: Final = frozenset({"cancelled_after_import"})
_SECRET: Final = "of the checker alone"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where it all stands."""

    shop_ledger: Path
    erp_ledger: Path
    #: Lines of JSON with topic, body and status; a file that is not there has none.
    deliveries: Sequence[Path]
    store: Store
    channel: str
    #: How many the ERP knows.
    articles: int
    #: Reference -> amount of every payment that the ERP is to have.
    payments: Mapping[str, Decimal]
    #: Reference -> (order, amount) of everything that a gateway kept, as the shop says.
    fees: Mapping[str, tuple[str, Decimal]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True)
class _Order:
    """One of the shop's, as its entries tell it."""

    status: str = ""
    #: Of every version, oldest first.
    totals: list[Decimal] = dataclasses.field(default_factory=list)
    refunds: dict[str, Decimal] = dataclasses.field(default_factory=dict)

    @property
    def carried(self) -> bool:
        return self.status in _CARRIED


@dataclasses.dataclass(frozen=True, slots=True)
class _Item:
    """What our database says of one order."""

    state: str
    reason: str
    causes: frozenset[str]
    bound: bool

    @property
    def waits_for_a_person(self) -> bool:
        return self.state in {"held", "parked"}


def check(evidence: Evidence) -> list[str]:
    """Everything that is wrong, in plain words; empty when nothing was lost and nothing doubled."""
    shop = _orders(evidence.shop_ledger)
    items = evidence.store.read(lambda c: _items(c, evidence.channel))
    return [
        *evidence.store.read(unowned),
        *_item_faults(shop, items),
        *_sale_faults(evidence, shop, items),
        *_facet_faults(evidence, shop, items),
        *_told_faults(evidence, shop),
        *_stock_faults(evidence),
        *_delivery_faults(evidence),
    ]


def _orders(ledger: Path) -> dict[str, _Order]:
    found: dict[str, _Order] = {}
    for entry in read_ledger(ledger):
        if entry.kind.partition(".")[0] == "order" and entry.document:
            order = found.setdefault(entry.external_id, _Order())
            order.status = entry.document["status"]
            order.totals.append(_cents(entry.document["total"]))
            order.refunds = {str(each["id"]): _cents(each["amount"]) for each in entry.document["refunds"]}
    return found


def _cents(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("0.01"))


def _items(c: Connection, channel: str) -> dict[str, _Item]:
    table = work_items.c
    rows = c.execute(select(work_items).where(table.channel == channel, table.kind == "order")).all()
    causes = causes_of(c, [row.id for row in rows])
    bound = set(
        c.execute(
            select(orders.c.external_id)
            .join(bindings, bindings.c.order_id == orders.c.id)
            .where(bindings.c.ended_at.is_(None))
        ).scalars()
    )
    return {
        row.external_id: _Item(
            row.state,
            str(row.reason),
            frozenset(cause[0] for cause in causes.get(row.id, ())),
            row.external_id in bound,
        )
        for row in rows
    }


# --- each order has an item, and each item rests ----------------------------------------------------------------


def _item_faults(shop: Mapping[str, _Order], items: Mapping[str, _Item]) -> Iterator[str]:
    for number, order in shop.items():
        item = items.get(number)
        if item is None:
            yield f"order {number}: we have forgotten it"
        elif item.waits_for_a_person:
            unexcused = item.causes - _excuses(order)
            if not item.causes:
                yield f"order {number} is {item.state} and nobody is told why: {item.reason}"
            elif unexcused:
                why = f"({', '.join(sorted(unexcused))}): {item.reason}"
                yield f"order {number} is {item.state} for no good reason {why}"
        elif item.state not in {"done", "skipped", "waiting"}:
            yield f"order {number}: the item is {item.state} ({item.reason})"
        elif order.carried and (item.state != "done" or not item.bound):
            yield f"order {number} is {order.status} in the shop, its item {item.state}, bound: {item.bound}"
    yield from (f"order {number}: the shop never had it" for number in items.keys() - shop.keys())


def _excuses(order: _Order) -> frozenset[str]:
    edited = EDITED if len(set(order.totals)) > 1 else frozenset()
    return edited | (CANCELLED if not order.carried else frozenset())


# --- the ERP's sales --------------------------------------------------------------------------------------------


def _sale_faults(evidence: Evidence, shop: Mapping[str, _Order], items: Mapping[str, _Item]) -> Iterator[str]:
    """Once, in the newest version; what waits for a person may stand in an older one."""
    standing = standing_totals(evidence.erp_ledger)
    expected = {}
    for number, order in shop.items():
        key, item = f"{evidence.channel}:{number}", items.get(number)
        if item is not None and item.waits_for_a_person:
            # Whether it may wait is said elsewhere. What stands meanwhile is some version of it.
            totals = standing.get(key, [])
            if totals:
                expected[key] = totals[0] if totals[0] in order.totals else order.totals[-1]
        elif order.carried:
            expected[key] = order.totals[-1]
    yield from check_ledger(evidence.erp_ledger, expected)


def _facet_faults(evidence: Evidence, shop: Mapping[str, _Order], items: Mapping[str, _Item]) -> Iterator[str]:
    refunds = {
        f"{evidence.channel}:{number}:refund:{refund}": amount
        for number, order in shop.items()
        for refund, amount in order.refunds.items()
    }
    fees = _fees(evidence, shop, items)
    yield from check_facets(evidence.erp_ledger, refunds=refunds, payments=evidence.payments, fees=fees)


def _fees(evidence: Evidence, shop: Mapping[str, _Order], items: Mapping[str, _Item]) -> dict[str, Decimal]:
    """What is to be posted: of an order that was cancelled, or waits for a person, only what was posted before."""
    posted = {entry.key for entry in read_ledger(evidence.erp_ledger) if entry.kind == "fee.post"}

    def due(reference: str, number: str) -> bool:
        rests = shop[number].carried and not items[number].waits_for_a_person
        return rests or reference in posted

    return {reference: amount for reference, (number, amount) in evidence.fees.items() if due(reference, number)}


# --- what the shop was told -------------------------------------------------------------------------------------


def _told_faults(evidence: Evidence, shop: Mapping[str, _Order]) -> Iterator[str]:
    known = papers(evidence.erp_ledger)
    expected = {}
    for number in shop:
        paper = known.get(f"{evidence.channel}:{number}")
        expected[number] = (
            Told()
            if paper is None
            else Told(parcels=paper.parcels, invoices=paper.posted, status="completed" if paper.sent else "")
        )
    yield from check_told(evidence.shop_ledger, expected)


def _stock_faults(evidence: Evidence) -> Iterator[str]:
    """Every article shows what the ERP has: of what moved there, to the piece."""
    shown: dict[str, Decimal] = {}
    for entry in read_ledger(evidence.shop_ledger):
        if entry.kind.partition(".")[0] == "product" and entry.document and entry.document.get("manage_stock"):
            shown[entry.document["sku"]] = Decimal(str(entry.document["stock_quantity"]))
    moves = stock_moves(evidence.erp_ledger)
    counted = {place for place, _ in _counts(evidence.erp_ledger)}
    for product in default_products(evidence.articles):
        if product.type != GOODS or product.code not in shown:
            continue
        places = [(place, moved) for place, moved in moves.items() if place[0] == product.id]
        opening = Decimal(0 if any(place in counted for place, _ in places) else product.opening)
        there = max(opening + sum((moved for _, moved in places), Decimal(0)), Decimal(0))
        if places and shown[product.code] != there:
            yield f"article {product.code}: the shop shows {shown[product.code]}, the ERP has {there}"


def _counts(ledger: Path) -> Iterator[tuple[tuple[int, str], str]]:
    for entry in read_ledger(ledger):
        if entry.kind == "stock.set":
            yield (int(entry.external_id), entry.document["warehouse"]), entry.document["quantity"]


# --- what was answered with 2xx ---------------------------------------------------------------------------------


def _delivery_faults(evidence: Evidence) -> Iterator[str]:
    known = evidence.store.read(lambda c: set(c.execute(select(events.c.digest)).scalars()))
    for path in evidence.deliveries:
        for line in path.read_text("utf-8").splitlines() if path.exists() else ():
            delivery = json.loads(line)
            if delivery["status"] is not None and 200 <= delivery["status"] < 300 and _digest(delivery) not in known:
                yield f"a delivery of {delivery['topic']} was answered with {delivery['status']} and has no event"


def _digest(delivery: Mapping[str, Any]) -> str:
    """As the receiver takes it: canonical where the order can be read."""
    body = delivery["body"].encode()
    headers = {"X-WC-Webhook-Topic": delivery["topic"], "X-WC-Webhook-Signature": sign(body, _SECRET)}
    envelope = verify(body, headers, [_SECRET]).envelope
    return digest(body if envelope is None else dump_json(envelope.payload))
