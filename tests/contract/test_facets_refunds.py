"""Whatever is given back of whatever order: what the ERP makes of it is what the shop gave back, to its unit."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sandbox.erp.books import Books
from connectors.sandbox.erp.documents import SERVICE, Product
from connectors.sandbox.ledger import Ledger
from mappings.base import TargetOptions
from mappings.canonical.facets import OrderRefund, RefundLine
from mappings.canonical.money import Money, money_sum
from mappings.registry import ERP_FACETS
from tests.mappings.orders import make_order
from tests.mappings.strategies import amounts, currencies

FACETS = ERP_FACETS["sandbox_erp"]
CODES = ["S0", "S1", "S2", "SHIPPING", "FEE", "ROUNDING", "REFUND"]
PRODUCTS = [
    Product(id=number, code=code, name=code, list_price=None, opening="9", type=SERVICE if number > 3 else "goods")
    for number, code in enumerate(CODES, start=1)
]


def small(amount):
    """Positive, and of a size that an ERP takes."""
    return abs(amount) % 10**6


#: What a line gives back: its kind, its pieces, net and tax.
PARTS = st.lists(
    st.tuples(st.sampled_from(["line", "line", "shipping", "fee"]), st.integers(0, 3), amounts, amounts), max_size=6
)


@st.composite
def refunds(draw):
    """An order, and one refund of it: lines, shipping and fees in part, and something for no line."""
    currency = draw(currencies)
    order = make_order(currency=currency)
    lines = [
        RefundLine(
            origin=f"o{index}",
            kind=kind,
            sku=f"S{index % 3}" if kind == "line" else "",
            title="x",
            quantity=Decimal(pieces if kind == "line" else 0),
            total=Money(small(total), currency),
            tax=Money(small(tax), currency),
        )
        for index, (kind, pieces, total, tax) in enumerate(draw(PARTS))
    ]
    goodwill = Money(small(draw(amounts)), currency)
    exact = money_sum([money for line in lines for money in (line.total, line.tax)], currency) + goodwill
    digits = draw(st.sampled_from([0, 2, 3]))
    return order, digits, OrderRefund(
        external_id="5",
        # The shop gave back whole units of its currency.
        amount=exact.quantized(digits),
        lines=tuple(lines),
        goodwill=goodwill,
        reason="",
        refunded_at=dt.datetime(2026, 11, 25, tzinfo=dt.UTC),
        restock=draw(st.booleans()),
    )  # fmt: skip


def erp_with_a_sale(currency, digits):
    """Books with one confirmed sale in this currency, and its survey."""
    books = Books(Ledger(), PRODUCTS)
    books._core._digits[currency] = digits
    books.commit_party(books.decide_party({"code": "p", "name": "P"}))
    line = {"product": 1, "quantity": "1", "amount": "5", "tax": "0"}
    sale = {"currency": currency, "party": 1, "sale_date": "2026-11-20", "shop": "s", "lines": [line]}
    made = books.commit_sale(books.decide_sale(sale))["id"]
    books.decide_advance(made, "confirmed")()
    return books, books.survey([made])[0]


@settings(max_examples=60)
@given(drawn=refunds())
def test_the_credit_note_is_what_the_shop_gave_back(drawn):
    order, digits, refund = drawn
    options = TargetOptions(channel="web", minor_units={order.currency: digits})
    books, survey = erp_with_a_sale(order.currency, digits)
    resolved = {
        ref: {"id": CODES.index(ref.value) + 1, "code": ref.value}
        for ref in FACETS.refund_references(order, refund, options)
    }

    payload = FACETS.refund(order, refund, survey, resolved, options)
    made = books.commit_sale(books.decide_refund(payload))
    books.decide_advance(made["id"], "confirmed", "refund")()

    standing = FACETS.standing(books.survey([survey["id"]])[0], options)
    [given_back] = standing.refunds
    [note] = [each for each in standing.invoices if each.refund_key == given_back.key]
    assert -given_back.total.amount == refund.amount.amount
    assert note.total == given_back.total
    back = {line.code: line.quantity for shipment in standing.shipments if shipment.back for line in shipment.lines}
    if not refund.restock:
        assert back == {}


def test_an_order_that_is_given_back_whole_leaves_nothing():
    """Line by line and in several refunds: the sum of the credit notes is the sale."""
    options = TargetOptions(channel="web")
    books, survey = erp_with_a_sale("EUR", 2)
    order = make_order()
    given = Decimal(0)
    for index, total in enumerate(["1.67", "1.67", "1.66"]):
        line = RefundLine(
            origin="1", kind="line", sku="S0", title="x", quantity=Decimal(0), total=Money(Decimal(total), "EUR"),
            tax=Money(Decimal(0), "EUR"),
        )  # fmt: skip
        refund = OrderRefund(
            external_id=str(index), amount=line.total, lines=(line,), goodwill=Money(Decimal(0), "EUR"), reason="",
            refunded_at=order.placed_at, restock=False,
        )  # fmt: skip
        resolved = {ref: {"id": CODES.index(ref.value) + 1} for ref in FACETS.refund_references(order, refund, options)}
        given += Decimal(
            books.commit_sale(books.decide_refund(FACETS.refund(order, refund, survey, resolved, options)))["total"]
        )
    assert given + Decimal(survey["total"]) == 0
