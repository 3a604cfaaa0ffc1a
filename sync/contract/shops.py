"""What holds for the way back of every shop: what was written is found again, and nothing is written twice."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Final

import pytest

from connectors.kit import facets, stock
from connectors.kit.base import JsonDict
from connectors.kit.errors import OutcomeUnknown, RecordRejected, Transient
from connectors.kit.exchanges import capture
from connectors.kit.stock import StockWrite
from connectors.registry import has
from mappings.base import SourceOptions
from mappings.canonical.facets import Invoice, InvoiceState, OrderRefund, Parcel, Shipment, ShipmentState
from mappings.canonical.money import Money, money_sum
from mappings.canonical.records import Order as CanonicalOrder
from mappings.facets import Billed, Sent, TakenBack
from mappings.registry import SHOP_FACETS, SOURCES
from sync.contract.base import ServedContract

KEY: Final = "web-17-OUT1"
#: Kind of write -> the capability of a shop that has it.
KINDS: Final[dict[str, type]] = {
    "fulfilment": facets.TakesFulfilments,
    "note": facets.TakesNotes,
    "mark": facets.MarksOrders,
    "refund": facets.MakesRefunds,
    "stock": stock.StockTarget,
}
UNCLEAR: Final[Sequence[dict[str, Any]]] = [
    {"kind": "html"},
    {"kind": "status", "status": 500},
    {"kind": "commit_then_status", "status": 504},
    {"kind": "empty"},
    {"kind": "truncate"},
    {"kind": "close"},
]


class Order:
    """One order of a customer, and what the flows would write to it."""

    def __init__(self, fake: Any, shop: Any) -> None:
        self.fake, self.shop = fake, shop
        self.payout = fake.payout
        # Which of its functions there are depends on what the shop can do.
        self.facets: Any = SHOP_FACETS[fake.system]
        self.source = SOURCES[fake.system]
        self.id: str = fake.sell(2)

    def payload(self) -> JsonDict:
        """As the connector reads it now."""
        found: JsonDict = self.shop.fetch_orders([self.id])[0].payload
        return found

    def read(self) -> CanonicalOrder:
        """As the mapping reads that."""
        return self.source.order(self.payload(), SourceOptions())

    def refunds(self) -> list[OrderRefund]:
        """What was given back of it."""
        order = self.read()
        return [self.facets.refund(row, order, SourceOptions()) for row in self.shop.fetch_refunds(self.id)]

    def sent(self, key: str = KEY, tracking: str = "T-1") -> Sent:
        """All of it, in one parcel."""
        order = self.read()
        shipment = Shipment(
            external_id=key,
            number="OUT/1",
            state=ShipmentState.SENT,
            lines=(),
            parcels=(Parcel(tracking_number=tracking),),
            sent_on=dt.date(2026, 11, 22),
        )
        pieces = {line.external_id: line.quantity for line in order.lines}
        return Sent(
            order=order, shipment=shipment, pieces=pieces, carrier="DHL", tracking_url="", notify=False, key=key
        )

    def billed(self, number: str = "INV000001") -> Billed:
        """Its invoice."""
        order = self.read()
        zero = Money(Decimal(0), order.currency)
        invoice = Invoice(
            external_id="1",
            number=number,
            state=InvoiceState.POSTED,
            dated_on=dt.date(2026, 11, 22),
            due_on=None,
            net=order.totals.grand,
            tax=zero,
            total=order.totals.grand,
            open=zero,
        )
        return Billed(order=order, invoice=invoice, link="")

    # One write of each kind, and how often it is found again under KEY

    def fulfilment(self) -> Any:
        """Write a parcel."""
        return self.shop.create_fulfilment(self.id, self.facets.fulfilment(self.sent()))

    def note(self) -> Any:
        """Write a note."""
        return self.shop.add_note(self.id, self.facets.shipment_note(self.sent()))

    def mark(self) -> Any:
        """Mark it with an invoice."""
        return self.shop.update_order(self.id, self.facets.invoice_marks([self.billed(KEY)], self.payload()))

    def refund(self) -> Any:
        """Give one unit back."""
        taken = TakenBack(
            amount=Money(Decimal("1.00"), self.read().currency), number="R-1", key=KEY, payout=self.payout
        )
        return self.shop.create_refund(self.id, self.facets.give_back(taken))

    def found(self, kind: str) -> int:
        """How often what was written stands there under KEY."""
        if kind == "fulfilment":
            keys = [self.facets.fulfilment_key(row) for row in self.shop.list_fulfilments(self.id)]
        elif kind == "refund":
            keys = [self.facets.refund_mark(row) for row in self.shop.fetch_refunds(self.id)]
        elif kind == "note":
            keys = [self.facets.note_key(row) for row in self.shop.list_notes(self.id)]
        else:
            # An entry of a list, the end of a text, or the beginning of a line.
            marks = re.findall(rf"(?:'number': '|Ref\. )({KEY})\b|({KEY}) \|", str(self.payload()))
            keys = [entry or line for entry, line in marks]
        return keys.count(KEY)


def article(fake: Any, shop: Any, index: int = 0) -> stock.ShopStock:
    """How one of the two articles stands."""
    sku = fake.skus[index]
    found: stock.ShopStock = shop.find_stock([sku])[sku][0]
    return found


class ShopContract(ServedContract):
    """With an order of a shop that serves several tests."""

    @pytest.fixture
    def shop(self, fake: Any) -> Any:
        """One connector."""
        return fake.connect()

    @pytest.fixture
    def order(self, fake: Any, shop: Any) -> Order:
        """An order of a customer."""
        return Order(fake, shop)


class _Unclear(ShopContract):
    """What becomes of one kind of write when nobody knows."""

    kind: ClassVar[str]

    @property
    def action(self) -> str:
        """What the stand-in calls it."""
        return "order" if self.kind == "mark" else self.kind

    def write(self, order: Order) -> None:
        """Write once. Raises what is wrong."""
        getattr(order, self.kind)()

    @pytest.mark.parametrize("fault", UNCLEAR, ids=lambda fault: "-".join(str(value) for value in fault.values()))
    def test_what_is_no_clear_answer_to_a_write_is_unknown(
        self, fake: Any, order: Order, fault: dict[str, Any]
    ) -> None:
        fake.break_next(self.action, **fault)
        with pytest.raises(OutcomeUnknown):
            self.write(order)


class _Found(_Unclear):
    """A kind of write that is found again by its key."""

    def test_what_was_written_is_found_by_its_key(self, order: Order) -> None:
        assert order.found(self.kind) == 0
        self.write(order)
        assert order.found(self.kind) == 1

    @pytest.mark.parametrize("fault", ["commit_then_drop", "reset"])
    def test_a_crash_after_the_write_leaves_one_that_is_found_or_none(
        self, fake: Any, shop: Any, order: Order, fault: str
    ) -> None:
        fake.break_next(self.action, kind=fault)
        with pytest.raises(OutcomeUnknown):
            self.write(order)
        assert shop.order_keys[self.kind].same_call
        assert order.found(self.kind) == (fault != "reset")


class TakesFulfilmentsContract(_Found):
    """`TakesFulfilments`."""

    kind = "fulfilment"

    def test_a_fulfilment_is_changed_and_not_doubled(self, shop: Any, order: Order) -> None:
        made = order.fulfilment()
        changed = order.facets.fulfilment(order.sent(tracking="T-2"))
        for _ in range(2):
            shop.update_fulfilment(order.id, str(made["id"]), changed)
        assert order.found("fulfilment") == 1
        assert "T-2" in str(shop.list_fulfilments(order.id))
        assert "T-1" not in str(shop.list_fulfilments(order.id))


class TakesNotesContract(_Found):
    """`TakesNotes`."""

    kind = "note"


class MakesRefundsContract(_Found):
    """`MakesRefunds`."""

    kind = "refund"


class MarksOrdersContract(_Found):
    """`MarksOrders`: absolute values, and what is there already is left alone."""

    kind = "mark"

    def test_every_kind_of_write_declares_how_it_is_kept_single(self, shop: Any) -> None:
        kinds = KINDS.keys() - {"stock"}
        assert shop.order_keys.keys() == {kind for kind in kinds if has(shop, KINDS[kind])}
        assert all(declared.key_field for declared in shop.order_keys.values())

    def test_marks_and_states_that_are_there_already_change_nothing(self, fake: Any, shop: Any, order: Order) -> None:
        order.mark()
        shop.update_order(order.id, order.facets.invoice_marks([order.billed()], order.payload()))
        shop.update_order(order.id, order.facets.state(fake.done))
        before = order.payload()

        with capture() as exchanges:
            order.mark()
            shop.update_order(order.id, order.facets.invoice_marks([order.billed()], order.payload()))
            envelope = shop.update_order(order.id, order.facets.state(fake.done))

        assert [exchange for exchange in exchanges if fake.wrote(exchange)] == []
        assert envelope.payload == order.payload() == before
        assert fake.state_of(order.payload()) == fake.done
        assert "INV000001" in str(before)

    def test_an_order_that_is_gone_is_refused(self, fake: Any, shop: Any) -> None:
        if has(shop, facets.DetailsRefunds):
            with pytest.raises(RecordRejected):
                shop.fetch_refunds(fake.unknown_order)
        if has(shop, facets.TakesFulfilments):
            with pytest.raises(RecordRejected):
                shop.list_fulfilments(fake.unknown_order)
        with pytest.raises(RecordRejected):
            shop.update_order(fake.unknown_order, {})
        if has(shop, facets.TakesNotes):
            with pytest.raises(RecordRejected):
                shop.add_note(fake.unknown_order, {"note": "x", "customer_note": False})

    def test_a_shop_that_is_away_has_been_told_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("connectors.kit.http.time.sleep", lambda _: None)
        counts, refunds, sends = (has(self.connector, KINDS[kind]) for kind in ("stock", "refund", "fulfilment"))
        with type(self).stand_in() as fake:
            shop = fake.connect()
            order = Order(fake, shop)
            sent = order.facets.fulfilment(order.sent()) if sends else None
            marks = order.facets.state(fake.done)
            write = StockWrite(article=article(fake, shop), quantity=Decimal(6)) if counts else None
        calls: list[Callable[[], object]] = [
            lambda: shop.update_order(order.id, marks),
            *([lambda: shop.create_fulfilment(order.id, sent)] if sends else []),
            *([lambda: shop.fetch_refunds(order.id)] if refunds else []),
            *([lambda: shop.find_stock([fake.skus[0]])] if counts else []),
        ]
        for call in calls:
            with pytest.raises(Transient):
                call()
        if write is not None:
            [result] = shop.write_stock([write])
            assert type(result.error) is Transient


class DetailsRefundsContract(ShopContract):
    """`DetailsRefunds`: lines tie to the amount."""

    def test_refunds_are_told_with_lines_that_tie_to_their_amount(self, fake: Any, order: Order) -> None:
        assert order.refunds() == []
        first = order.read().lines[0].external_id
        fake.refund(order.id, lines={first: 1}, reason="broken")
        fake.refund(order.id, amount="0.50", reason="goodwill")
        pieces, goodwill = order.refunds()
        for refund in (pieces, goodwill):
            parts = money_sum(
                (money for line in refund.lines for money in (line.total, line.tax)), refund.amount.currency
            )
            assert parts + refund.goodwill == refund.amount
        assert [(line.origin, line.quantity) for line in pieces.lines] == [(first, Decimal(1))]
        assert (goodwill.lines, goodwill.goodwill.amount) == ((), Decimal("0.50"))


class RefundsOfShopContract(ShopContract):
    """`ListsRefunds` of a shop."""

    def test_every_refund_is_listed_with_its_order_and_amount(self, shop: Any, fake: Any, order: Order) -> None:
        """By whoever made it; the proof holds it against the ERP's own list."""
        now = dt.datetime.now(dt.UTC)

        def listed(since: dt.datetime, until: dt.datetime) -> list[tuple[str, Decimal, str]]:
            return [(each.of, each.amount, each.currency) for each in shop.list_refunds(since, until)]

        around = (now - dt.timedelta(days=1), now + dt.timedelta(days=1))
        before = listed(*around)
        fake.refund(order.id, amount="0.50", reason="goodwill")
        [refund] = order.refunds()
        told = (order.id, refund.amount.amount, refund.amount.currency)
        assert sorted(listed(*around)) == sorted([*before, told])
        assert told not in listed(now - dt.timedelta(days=3), now - dt.timedelta(days=2))


class StockTargetContract(_Unclear):
    """`StockTarget`: set absolutely, one article's fault is no other's, many are few calls."""

    kind = "stock"

    def write(self, order: Order) -> None:
        """Count one article. Raises what the result says."""
        [result] = order.shop.write_stock([StockWrite(article=article(order.fake, order.shop), quantity=Decimal(9))])
        if result.error is not None:
            raise result.error

    def test_stock_is_found_by_its_sku_as_it_is_shown_now(self, fake: Any, shop: Any) -> None:
        fake.set_stock(fake.skus[0], 40)
        found = shop.find_stock([*fake.skus, fake.unknown_sku])
        assert found.keys() == set(fake.skus)
        assert found[fake.skus[0]][0].quantity == Decimal(40)
        fake.sell(3)
        assert article(fake, shop).quantity == Decimal(37)

    def test_stock_is_set_absolutely_and_one_bad_article_fails_no_other(self, fake: Any, shop: Any) -> None:
        for _ in range(2):
            first, second = article(fake, shop), article(fake, shop, 1)
            gone = dataclasses.replace(first, external_id=fake.unknown_order)
            results = shop.write_stock(
                [StockWrite(article=each, quantity=Decimal(6)) for each in (first, gone, second)]
            )
            assert [result.quantity for result in results] == [6, None, 6]
            assert isinstance(results[1].error, RecordRejected)
        assert [article(fake, shop, index).quantity for index in (0, 1)] == [6, 6]

    def test_many_articles_are_few_calls(self, fake: Any, shop: Any) -> None:
        writes = [StockWrite(article=article(fake, shop), quantity=Decimal(6))] * shop.stock_bulk
        with capture() as exchanges:
            shop.write_stock(writes)
        assert len([exchange for exchange in exchanges if fake.wrote(exchange)]) == 1
        # One that says where stock is, one that says what is allocated there.
        assert len(exchanges) <= 3
