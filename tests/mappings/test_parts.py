"""An order that is divided: whatever is in it, its parts are the whole, to the cent."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from mappings.canonical.facets import OrderRefund, RefundLine
from mappings.canonical.match import party_key
from mappings.canonical.money import money_sum
from mappings.canonical.parts import divide, divide_refund, part_id, whole_id
from mappings.canonical.records import Payment
from mappings.canonical.totals import Stated, prove
from tests.mappings.orders import fee, line, make_order, money, shipping_line

LINES = (
    line("TEA", "2", "20.00", "3.80", external_id="1"),
    line("POT", "1", "50.555", "9.605", external_id="2"),
    line("CUP", "3", "9.99", "1.90", external_id="3"),
)
ORDER = make_order(
    lines=LINES, shipping_lines=(shipping_line("4.90", "0.93"),), fees=(fee("-1.00", "-0.19"),), grand="100.49"
)
SPLIT = (("2",), ("1", "3"))


def cents(order, digits=2):
    return order.totals.grand.quantized(digits).amount


def paid(*amounts):
    return tuple(
        Payment(gateway="stripe", title="Card", amount=money(amount), reference=f"ch_{index}", paid_at=None)
        for index, amount in enumerate(amounts)
    )


def refund(amount, *lines, goodwill="0", **changes):
    values = {
        "external_id": "7",
        "amount": money(amount),
        "lines": tuple(lines),
        "goodwill": money(goodwill),
        "reason": "",
        "refunded_at": dt.datetime(2026, 11, 20, tzinfo=dt.UTC),
        "restock": True,
    }
    return OrderRefund(**values | changes)


def of_line(origin, total, tax="0", kind="line"):
    return RefundLine(
        origin=origin,
        kind=kind,
        sku="",
        title="",
        quantity=Decimal(1),
        total=money(total),
        tax=money(tax),
    )


def amounts(shares):
    return [None if each is None else str(each.amount.amount) for each in shares]


def test_the_first_part_has_the_id_of_the_order_and_every_other_one_of_its_own():
    ids = [part_id("83", index) for index in range(3)]
    assert ids == ["83", "83:part:2", "83:part:3"]
    assert [whole_id(each) for each in ids] == ["83"] * 3


def test_what_is_no_article_is_charged_with_the_first_part():
    first, second = divide(ORDER, SPLIT, 2)
    assert ([each.sku for each in first.lines], [each.sku for each in second.lines]) == (["POT"], ["TEA", "CUP"])
    assert (first.shipping_lines, first.fees) == (ORDER.shipping_lines, ORDER.fees)
    assert (second.shipping_lines, second.fees) == ((), ())
    assert (str(first.totals.grand), str(second.totals.grand)) == ("64.80 EUR", "35.69 EUR")


def test_a_guest_who_cannot_be_known_again_is_one_customer_on_all_parts():
    nobody = make_order(lines=LINES, grand="95.85")
    customer = dataclasses.replace(nobody.customer, external_id="", vat_id="", email="")
    nobody = dataclasses.replace(
        nobody, customer=customer, billing=dataclasses.replace(nobody.billing, email=""), external_id="83"
    )
    assert {party_key(part, "web") for part in divide(nobody, SPLIT, 2)} == {"order:web:83"}


def test_a_line_that_came_later_goes_to_the_first_part_and_one_of_a_bundle_with_the_bundle():
    late = line("SPOON", "1", "1.00", "0.19", external_id="9")
    with_bundle = line("LID", "1", "0.00", "0.00", external_id="10", bundle_parent="3")
    order = make_order(lines=(*LINES, late, with_bundle), grand="97.04")
    first, second = divide(order, SPLIT, 2)
    assert [each.sku for each in first.lines] == ["POT", "SPOON"]
    assert [each.sku for each in second.lines] == ["TEA", "CUP", "LID"]


NETS = st.decimals(min_value=0, max_value=500, places=4)


@given(
    st.lists(st.tuples(NETS, NETS, st.integers(0, 3)), min_size=2, max_size=7),
    NETS,
    st.sampled_from([0, 2, 3]),
    st.lists(st.decimals(min_value=0, max_value=900, places=2), max_size=3),
)
@example(
    rows=[(Decimal("2.7150"), Decimal(0), 1), (Decimal(0), Decimal(0), 0)], shipping=Decimal(0), digits=2, payments=[]
)
def test_the_parts_are_the_whole_in_every_sum(rows, shipping, digits, payments):
    lines = tuple(
        line(f"SKU-{index}", "1", str(net), str(tax), external_id=str(index))
        for index, (net, tax, _) in enumerate(rows)
    )
    charges = (shipping_line(str(shipping), "0"),)
    grand = sum((net + tax for net, tax, _ in rows), shipping)
    order = make_order(
        lines=lines, shipping_lines=charges, fees=(), grand=str(grand), payments=paid(*map(str, payments))
    )
    split = [[str(index) for index, row in enumerate(rows) if row[2] == place] for place in range(4)]
    parts = divide(order, split, digits)
    assert sum(cents(part, digits) for part in parts) == cents(order, digits)
    for name in ("lines", "discount", "shipping", "fees", "tax", "grand", "rounding"):
        assert money_sum((getattr(part.totals, name) for part in parts), "EUR") == getattr(order.totals, name)
    for part in parts:
        stated = Stated(discount=part.totals.discount, tax=part.totals.tax, grand=part.totals.grand)
        tolerance = Decimal(4).scaleb(-digits)
        proven = prove(part.lines, part.shipping_lines, part.fees, stated, tolerance=tolerance, path="")
        assert proven == part.totals
    for index, payment in enumerate(order.payments):
        assert money_sum((part.payments[index].amount for part in parts), "EUR") == payment.amount


def test_a_payment_pays_one_part_after_the_other_and_keeps_its_place():
    order = dataclasses.replace(ORDER, payments=paid("70.00", "30.49"))
    shares = [[str(each.amount.amount) for each in part.payments] for part in divide(order, SPLIT, 2)]
    assert shares == [["64.80", "0.00"], ["5.20", "30.49"]]


def test_what_is_paid_too_much_is_paid_with_the_first_part():
    order = dataclasses.replace(ORDER, payments=paid("110.49"))
    assert [str(part.payments[0].amount.amount) for part in divide(order, SPLIT, 2)] == ["74.80", "35.69"]


def test_a_refund_goes_to_the_part_that_charged_each_line_and_shipping_to_the_first():
    parts = divide(ORDER, SPLIT, 2)
    whole = refund("15.73", of_line("1", "10.00", "1.90"), of_line("s", "3.22", "0.61", kind="shipping"))
    assert amounts(divide_refund(whole, parts, 2)) == ["3.83", "11.90"]
    only = refund("11.90", of_line("1", "10.00", "1.90"))
    assert amounts(divide_refund(only, parts, 2)) == [None, "11.90"]


def test_what_is_given_back_for_no_line_goes_to_the_first_part_as_far_as_it_was_charged_so_much():
    parts = divide(ORDER, SPLIT, 2)
    assert amounts(divide_refund(refund("10.00", goodwill="10.00"), parts, 2)) == ["10.00", None]
    assert amounts(divide_refund(refund("100.49", goodwill="100.49"), parts, 2)) == ["64.80", "35.69"]
    # What was given back for lines leaves less room.
    mixed = refund("70.00", of_line("2", "50.555", "9.605"), goodwill="9.84")
    assert amounts(divide_refund(mixed, parts, 2)) == ["64.80", "5.20"]


@given(
    st.lists(st.tuples(st.sampled_from("123"), st.decimals(min_value=0, max_value=60, places=3)), max_size=5),
    st.decimals(min_value=0, max_value=90, places=2),
    st.sampled_from([0, 2]),
)
def test_what_is_given_back_for_the_parts_is_what_was_given_back(rows, goodwill, digits):
    lines = [of_line(origin, str(net)) for origin, net in rows]
    amount = sum((net for _, net in rows), goodwill)
    whole = refund(str(amount), *lines, goodwill=str(goodwill))
    shares = [each for each in divide_refund(whole, divide(ORDER, SPLIT, digits), digits) if each is not None]
    assert shares
    assert money_sum((each.amount for each in shares), "EUR") == whole.amount
    assert sum(each.amount.quantized(digits).amount for each in shares) == whole.amount.quantized(digits).amount
    assert money_sum((each.goodwill for each in shares), "EUR") == whole.goodwill
    assert sorted(each.origin for share in shares for each in share.lines) == sorted(origin for origin, _ in rows)


def test_what_the_gateway_kept_of_a_payment_it_kept_once():
    [payment] = paid("110.49")
    order = dataclasses.replace(ORDER, payments=(dataclasses.replace(payment, fee=money("2.10")),))
    assert [[each.fee and str(each.fee.amount) for each in part.payments] for part in divide(order, SPLIT, 2)] == [
        ["2.10"],
        [None],
    ]
