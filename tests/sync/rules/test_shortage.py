"""What of an order is given up because nobody has it, and what the shop gives back for it, to the cent."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from config.model import Routing, RoutingRule, ShortLines
from mappings.canonical.facets import OrderRefund
from mappings.canonical.records import TaxLine
from sync.rules.shortage import cut_short, give_up, mark_of, owed
from sync.store.routes import GivenUp
from tests.mappings.orders import fee, line, make_order, money, shipping_line

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


def order_of(*lines, **changes):
    return make_order(lines=tuple(lines), **changes)


def given_up(order, **missing):
    found = give_up(order, {code: Decimal(n) for code, n in missing.items()}, str)
    return {each.line: str(each.quantity) for each in found}


def some(**lines):
    return tuple(GivenUp(name, Decimal(pieces)) for name, pieces in lines.items())


def refund(amount, *lines):
    sums = sum((each.total.amount + each.tax.amount for each in lines), Decimal(0))
    return OrderRefund(
        external_id="r1",
        amount=money(amount),
        lines=tuple(lines),
        goodwill=money(str(Decimal(amount) - sums)),
        reason="",
        refunded_at=NOW,
        restock=False,
    )


# --- which pieces -----------------------------------------------------------------------------------------------


def test_of_two_lines_with_one_article_the_earlier_is_served_first():
    order = order_of(
        line("A", "2", "20.00", "3.80", external_id="first"), line("A", "3", "30.00", "5.70", external_id="second")
    )
    assert given_up(order, A=2) == {"second": "2"}
    assert given_up(order, A=4) == {"first": "1", "second": "3"}


def test_what_is_sold_by_the_piece_is_sent_by_the_piece_and_cloth_by_the_metre():
    order = order_of(line("A", "2", "20.00", "3.80"), line("B", "2.5", "20.00", "3.80"))
    assert given_up(order, A="0.5", B="0.7") == {"line-A": "1", "line-B": "0.7"}


def test_of_a_bundle_as_many_are_given_up_as_cannot_be_sent_complete():
    order = order_of(
        line("SET", "3", "60.00", "0.00", external_id="set"),
        line("A", "6", "0.00", "0.00", external_id="a", bundle_parent="set"),
        line("B", "3", "0.00", "0.00", external_id="b", bundle_parent="set"),
        line("C", "1", "5.00", "0.00", external_id="c"),
    )
    assert given_up(order, A=3) == {"set": "2", "a": "4", "b": "2"}


def test_a_service_is_never_given_up():
    order = order_of(line("A", "1", "20.00", "3.80", virtual=True), line("B", "1", "20.00", "3.80"))
    assert given_up(order, A=1, B=1) == {"line-B": "1"}


RULES = (RoutingRule(name="default", warehouses=("M", "N", "O")),)


def test_the_warehouse_that_lacks_the_fewest_pieces_sends_it_of_equals_the_first():
    order = order_of(line("A", "4", "40.00", "7.60"))
    has = {"A": {"M": Decimal(1), "N": Decimal(3), "O": Decimal(3)}}
    routing = Routing(rules=RULES, short=ShortLines.CANCEL)
    route = cut_short(routing, order, {"A": Decimal(4)}, has, str, digits=2)
    assert (route.warehouse, route.short, route.given_up) == ("N", True, some(**{"line-A": "1"}))
    assert route.reason == (
        "rule default: no warehouse has all of it, so N sends what it has, and the shop gives back 11.90 EUR for "
        "1 x A; M lacks 3 x A; N lacks 1 x A; O lacks 1 x A"
    )


# --- what it comes to -------------------------------------------------------------------------------------------


def test_pieces_come_to_their_share_of_the_line_and_shipping_stays_charged():
    order = order_of(line("A", "3", "10.00", "1.90"), shipping_lines=(shipping_line("4.00", "0.76"),))
    owing = owed(order, some(**{"line-A": "2"}), (), 2)
    [back] = owing.lines
    assert (back.origin, back.quantity, back.total, back.tax) == ("line-A", 2, money("6.67"), money("1.27"))
    assert (owing.amount, owing.excess) == (money("7.94"), 0)


def test_an_order_of_which_nothing_is_left_is_given_back_whole_with_what_is_no_article():
    order = order_of(
        line("A", "3", "10.00", "1.90"), shipping_lines=(shipping_line("4.00", "0.76"),), fees=(fee("1.00", "0.19"),)
    )
    owing = owed(order, some(**{"line-A": "3"}), (), 2)
    assert [(each.kind, each.origin) for each in owing.lines] == [("line", "line-A"), ("shipping", "s1"), ("fee", "f1")]
    assert (owing.amount, owing.excess) == (order.totals.grand, order.totals.rounding.amount * -1)


def test_what_was_given_back_of_a_line_counts():
    order = order_of(line("A", "3", "10.00", "1.90"), line("B", "1", "5.00", "0.95"))
    first = owed(order, some(**{"line-A": "1"}), (), 2)
    before = refund(str(first.amount.amount), *first.lines)
    assert owed(order, some(**{"line-A": "1"}), [before], 2) is None
    last = owed(order, some(**{"line-A": "3"}), [before], 2)
    assert last.lines[0].quantity == 2
    assert first.amount + last.amount == money("11.90")


def test_never_more_is_given_back_than_is_left_of_the_order():
    order = order_of(line("A", "1", "10.00", "1.90"), line("B", "1", "1.00", "0.19"))
    left = order.totals.grand.amount - Decimal("5.00")
    owing = owed(order, some(**{"line-A": "1"}), [refund(str(left))], 2)
    assert (owing.amount, owing.excess) == (money("5.00"), Decimal("6.90"))


def test_the_key_is_of_the_very_pieces():
    order = order_of(line("A", "3", "10.00", "1.90"))
    one, same, two = (mark_of(order, some(**{"line-A": pieces})) for pieces in ("1", "1.0", "2"))
    assert one == same != two
    assert one.startswith(f"short-{order.external_id}-")


@given(
    st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(1, n), min_size=1, max_size=6))),
    st.integers(0, 100_000),
    st.integers(0, 20_000),
)
def test_however_a_line_is_given_back_bit_by_bit_it_comes_to_what_was_charged(pieces, net, tax):
    quantity, steps = pieces
    cents = Decimal("0.01")
    tax_line = TaxLine(code="1", title="VAT", rate=Decimal(19), amount=money(str(tax * cents)))
    of_a = line("A", str(quantity), str(net * cents), str(tax * cents), tax_lines=(tax_line,))
    order = order_of(of_a, line("B", "1", "5.00", "0.95"), grand="3000.00")
    refunds, gone = [], 0
    for wanted in sorted({*steps, quantity}):
        owing = owed(order, some(**{"line-A": str(wanted)}), refunds, 2)
        if owing is not None:
            assert owing.excess == 0
            assert all(each.amount.amount >= 0 for back in owing.lines for each in back.tax_lines)
            assert sum(back.quantity for back in owing.lines) == wanted - gone
            refunds.append(refund(str(owing.amount.amount), *owing.lines))
            gone = wanted
    given = sum((each.amount.amount for each in refunds), Decimal(0))
    assert given == (net + tax) * cents
