"""Which warehouse sends an order: conditions, demands, and who comes first."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import HeldOrders, Needs, Routing, RoutingRule, Split, StockPolicy
from mappings.base import TargetOptions
from mappings.canonical.records import Address
from mappings.registry import TARGETS
from sync.rules.routing import (
    choose,
    fits,
    is_ahead,
    lacking,
    may_be_there,
    sender,
    sent_from,
    shelves,
    short_problem,
    split,
    warehouse_refs,
)
from sync.store.stock.captured import Waiting
from sync.store.stock.levels import Level
from tests.mappings.orders import line, make_order

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
ORDER = make_order(tags=("b2b",))
WANTED = {"SKU-A": Decimal(2), "SKU-B": Decimal(1)}


def rule(name, *warehouses, **changes):
    return RoutingRule(name=name, warehouses=warehouses, **changes)


def pieces(**there):
    """Article -> warehouse -> pieces."""
    return {code.replace("_", "-"): {w: Decimal(n) for w, n in places.items()} for code, places in there.items()}


def chosen(rules, there, order=ORDER, wanted=WANTED):
    route = choose(Routing(rules=tuple(rules)), order, wanted, there)
    return None if route is None else (route.rule, route.warehouse, route.short)


def test_the_first_warehouse_that_has_all_of_it_sends_it():
    there = pieces(SKU_A={"M": 2, "N": 5}, SKU_B={"M": 0, "N": 1})
    assert chosen([rule("all", "M", "N")], there) == ("all", "N", False)


def test_the_first_rule_that_fits_and_can_be_met_wins():
    there = pieces(SKU_A={"M": 9, "N": 1}, SKU_B={"M": 9, "N": 9})
    far, near, default = rule("far", "N", countries=("AT",)), rule("near", "N", countries=("DE",)), rule("rest", "M")
    assert chosen([far, near, default], there) == ("rest", "M", False)
    there["SKU-A"]["N"] = Decimal(2)
    assert chosen([far, near, default], there) == ("near", "N", False)


def test_a_rule_that_always_takes_an_order_asks_for_no_stock():
    there = pieces(SKU_A={"M": 0}, SKU_B={"M": 0})
    assert chosen([rule("all", "M", needs=Needs.ALWAYS)], there) == ("all", "M", False)


def test_what_no_warehouse_has_whole_is_short_at_the_first_of_the_first_rule_that_fits():
    there = pieces(SKU_A={"M": 2, "N": 0}, SKU_B={"M": 0, "N": 1})
    rules = [rule("no", "X", countries=("AT",)), rule("first", "N"), rule("second", "M", "N")]
    assert chosen(rules, there) == ("first", "N", True)
    route = choose(Routing(rules=tuple(rules)), ORDER, WANTED, there)
    assert route.reason == (
        "rule first: no warehouse has all of it, so N sends it when it can; N lacks 2 x SKU-A; M lacks 1 x SKU-B"
    )


def test_an_article_that_the_erp_keeps_no_stock_of_makes_nothing_short():
    assert chosen([rule("all", "M")], {}) == ("all", "M", False)
    there = pieces(SKU_A={"M": 1, "N": 2})
    assert chosen([rule("all", "M", "N")], there) == ("all", "N", False)


def test_a_warehouse_of_which_the_erp_says_nothing_has_none():
    assert chosen([rule("all", "N", "M")], pieces(SKU_A={"M": 2}, SKU_B={"M": 1})) == ("all", "M", False)


def test_without_a_rule_that_fits_nothing_is_chosen():
    assert chosen([], {}) is None
    assert chosen([rule("far", "M", countries=("AT",))], {}) is None


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"countries": ("DE", "AT")}, True),
        ({"countries": ("AT",)}, False),
        ({"regions": ("be",)}, True),
        ({"regions": ("BY",)}, False),
        ({"postcodes": ("20", "1 01")}, True),
        ({"postcodes": ("20",)}, False),
        ({"shipping_methods": ("flat_rate",)}, True),
        ({"shipping_methods": ("express",)}, False),
        ({"skus": ("SKU-X", "SKU-B")}, True),
        ({"skus": ("SKU-X",)}, False),
        ({"tags": ("b2b",)}, True),
        ({"tags": ("b2c",)}, False),
        ({"countries": ("DE",), "tags": ("b2c",)}, False),
        ({}, True),
    ],
)
def test_every_condition_of_a_rule_must_hold(conditions, expected):
    order = make_order(tags=("b2b",), shipping=Address(street="Weg 1", postal_code="10115", region="BE", country="DE"))
    assert fits(rule("r", "M", **conditions), order) is expected


def test_an_empty_shipping_address_means_the_billing_one():
    assert fits(rule("r", "M", countries=("DE",)), make_order(shipping=Address(company="Teehaus")))


def waiting(order_id, quantity, *, location="", channel="web", minutes=0, held=False):
    at = NOW + dt.timedelta(minutes=minutes)
    return Waiting("SKU-A", location, Decimal(quantity), held, channel, order_id, at)


def test_of_two_orders_without_a_warehouse_the_one_that_was_placed_first_comes_first():
    earlier, later = waiting(9, 1, minutes=0), waiting(1, 1, minutes=5)
    assert is_ahead(earlier, later.placed_at, later.order_id, {"web"})
    assert not is_ahead(later, earlier.placed_at, earlier.order_id, {"web"})


def test_what_waits_for_a_channel_that_never_decides_is_ahead_whenever_it_was_placed():
    assert is_ahead(waiting(1, 1, channel="market", minutes=5), NOW, 9, {"web"})


def test_what_is_there_is_what_the_erp_has_less_what_counts():
    levels = [Level(place, Decimal(5), None, NOW, NOW) for place in ("M", "N")]
    lines = [waiting(1, 2, location="M"), waiting(2, 1), waiting(3, 1, location="N", held=True)]
    assert shelves(StockPolicy(), levels, lines) == {"M": 2, "N": 3}
    assert shelves(StockPolicy(held_orders=HeldOrders.IGNORE), levels, lines) == {"M": 2, "N": 4}


def test_a_hold_shows_what_each_warehouse_has():
    routing = Routing(rules=(rule("first", "MAIN"), rule("second", "N", "MAIN")))
    there = pieces(SKU_A={"MAIN": 12, "N": 0})
    problem = short_problem(routing, make_order(lines=(line("SKU-A", "2", "20.00", "3.80"),)), WANTED, there)
    assert problem.reason.splitlines()[1:] == [
        "article  wanted  MAIN  N",
        "SKU-A         2    12  0",
        "SKU-B         1     -  -",
    ]


@pytest.mark.parametrize("system", ["tryton", "sandbox_erp"])
def test_the_chosen_warehouse_takes_the_place_of_the_policys(system):
    options = TargetOptions(channel="web", settings={"warehouse": "OLD", "fee_product": "F"})
    assert sent_from(options, "") is options
    assert sent_from(options, "N").settings == {"warehouse": "N", "fee_product": "F"}
    refs = warehouse_refs(Routing(rules=(rule("r", "N", "M"),)), TARGETS[system], options)
    assert {(ref.kind, ref.value) for ref in refs} == {("warehouse", "N"), ("warehouse", "M")}


ORDERS = st.lists(
    st.tuples(st.dictionaries(st.sampled_from("AB"), st.integers(1, 3).map(Decimal), min_size=1), st.integers(0, 9)),
    max_size=6,
)
LEVELS = st.fixed_dictionaries(
    {code: st.fixed_dictionaries({w: st.integers(-1, 5).map(Decimal) for w in "MN"}) for code in "AB"}
)


@given(placed=ORDERS, levels=LEVELS, turns=st.randoms(use_true_random=False))
def test_in_whatever_order_they_choose_no_warehouse_sends_more_than_it_has(placed, levels, turns):
    routing = Routing(rules=(rule("default", "M", "N"),))
    lines = [
        dataclasses.replace(waiting(number, quantity, minutes=minutes), sku=code)
        for number, (wanted, minutes) in enumerate(placed)
        for code, quantity in wanted.items()
    ]
    sent = dict.fromkeys(((code, w) for code in "AB" for w in "MN"), Decimal(0))
    turn = list(enumerate(placed))
    turns.shuffle(turn)
    for number, (wanted, minutes) in turn:
        ahead = [
            each
            for each in lines
            if each.order_id != number
            and (each.location or is_ahead(each, NOW + dt.timedelta(minutes=minutes), number, {"web"}))
        ]
        there = {
            code: shelves(
                StockPolicy(),
                [Level(w, levels[code][w], None, NOW, NOW) for w in "MN"],
                [each for each in ahead if each.sku == code],
            )
            for code in wanted
        }
        route = choose(routing, ORDER, wanted, there)
        assert route is not None
        if route.short:
            # It takes from there too: what comes behind it finds less.
            assert all(lacking(wanted, there, w) for w in "MN")
        else:
            for code, quantity in wanted.items():
                sent[code, route.warehouse] += quantity
        lines = [
            dataclasses.replace(each, location=route.warehouse) if each.order_id == number else each for each in lines
        ]
    assert all(quantity <= max(levels[code][w], Decimal(0)) for (code, w), quantity in sent.items())


# --- several warehouses -----------------------------------------------------------------------------------------

DIVIDES = {"split": Split.LINES}


def cart(*lines, grand=None, **changes):
    """An order of (article, pieces, net amount)."""
    made = tuple(line(sku, str(n), str(net), "0", external_id=str(i)) for i, (sku, n, net) in enumerate(lines, 1))
    total = sum(Decimal(net) for _, _, net in lines) if grand is None else grand
    return make_order(lines=made, shipping_lines=(), grand=str(total), **changes)


def parted(order, there, *warehouses):
    return [(part.warehouse, part.lines) for part in split(order, warehouses, there)]


def test_an_order_is_divided_where_no_warehouse_has_all_of_it_and_a_rule_says_so():
    there = pieces(A={"M": 1}, B={"N": 1})
    order, wanted = cart(("A", 1, 10), ("B", 1, 20)), {"A": Decimal(1), "B": Decimal(1)}
    whole = Routing(rules=(rule("all", "M", "N"),))
    assert choose(whole, order, wanted, there).short
    route = choose(Routing(rules=(rule("all", "M", "N", **DIVIDES),)), order, wanted, there)
    assert (route.short, route.warehouse) == (False, "N")
    # The dearer part is the first.
    assert [(part.warehouse, part.lines) for part in route.parts] == [("N", ("2",)), ("M", ("1",))]
    assert route.reason == ("rule all: divided, 1 line from N, 1 line from M; M lacks 1 x B; N lacks 1 x A")
    by_line = [sender(route)(each) for each in order.lines]
    assert by_line == ["M", "N"]


def test_one_warehouse_that_has_all_of_it_comes_before_several():
    there = pieces(A={"M": 1, "O": 1}, B={"N": 1, "O": 1})
    order, wanted = cart(("A", 1, 10), ("B", 1, 20)), {"A": Decimal(1), "B": Decimal(1)}
    route = choose(Routing(rules=(rule("all", "M", "N", "O", **DIVIDES),)), order, wanted, there)
    assert (route.warehouse, route.parts) == ("O", ())


def test_as_few_warehouses_as_have_it_send_it_and_the_ones_that_are_liked_best_of_as_few():
    there = pieces(A={"M": 1, "N": 1}, B={"N": 1, "O": 1}, C={"O": 1, "P": 1})
    order = cart(("A", 1, 40), ("B", 1, 20), ("C", 1, 10))
    # M, N and P could too; two are enough, and of the pairs that can the rule names M and O first, or N and P.
    assert parted(order, there, "M", "N", "O", "P") == [("M", ("1",)), ("O", ("2", "3"))]
    assert parted(order, there, "N", "P", "M", "O") == [("N", ("1", "2")), ("P", ("3",))]


def test_a_line_is_sent_whole_and_two_lines_of_an_article_share_what_is_there():
    order = cart(("A", 2, 20), ("A", 3, 30))
    assert parted(order, pieces(A={"M": 3, "N": 2}), "M", "N") == [("M", ("2",)), ("N", ("1",))]
    assert parted(order, pieces(A={"M": 4, "N": 1}), "M", "N") == []


def test_a_bundle_stays_together():
    there = pieces(A={"M": 1}, B={"N": 1}, C={"N": 1})
    lines = (
        line("SET", "1", "30", "0", external_id="1"),
        line("A", "1", "0", "0", external_id="2", bundle_parent="1"),
        line("B", "1", "0", "0", external_id="3", bundle_parent="1"),
        line("C", "1", "5", "0", external_id="4"),
    )
    assert parted(make_order(lines=lines, shipping_lines=(), grand="35"), there, "M", "N") == []
    there["B"]["M"] = Decimal(1)
    order = make_order(lines=lines, shipping_lines=(), grand="35")
    assert parted(order, there, "M", "N") == [("M", ("1", "2", "3")), ("N", ("4",))]


def test_what_is_not_counted_goes_with_the_first_warehouse_of_the_rule_and_never_alone():
    there = pieces(A={"M": 1}, B={"N": 1})
    order = cart(("A", 1, 10), ("B", 1, 20), ("SERVICE", 1, 1))
    assert parted(order, there, "M", "N") == [("N", ("2",)), ("M", ("1", "3"))]


def test_an_order_whose_discounts_are_more_than_its_first_part_is_not_divided():
    there = pieces(A={"M": 1}, B={"N": 1})
    assert parted(cart(("A", 1, 10), ("B", 1, 20), grand="10"), there, "M", "N")
    assert parted(cart(("A", 1, 10), ("B", 1, 20), grand="9.99"), there, "M", "N") == []


def test_an_order_that_is_short_is_looked_at_again_when_several_warehouses_may_have_it():
    there, counted = pieces(A={"M": 1}, B={"N": 1}), {"A": Decimal(1), "B": Decimal(1)}
    assert not may_be_there(Routing(rules=(rule("all", "M", "N"),)), counted, there)
    routing = Routing(rules=(rule("all", "M", "N", **DIVIDES),))
    assert may_be_there(routing, counted, there)
    assert not may_be_there(routing, counted | {"B": Decimal(2)}, there)


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(1, 3), st.integers(0, 9)), min_size=1, max_size=5),
    st.dictionaries(
        st.sampled_from("ABC"), st.dictionaries(st.sampled_from("MNO"), st.integers(0, 4)), min_size=3, max_size=3
    ),
)
def test_a_divided_order_is_sent_once_and_nobody_sends_more_than_is_there(lines, stock):
    there = pieces(**stock)
    order = cart(*lines)
    parts = split(order, ("M", "N", "O"), there)
    sent = [each for part in parts for each in part.lines]
    assert not parts or sorted(sent) == [each.external_id for each in order.lines]
    assert all(part.lines for part in parts)
    by_id = {each.external_id: each for each in order.lines}
    for part in parts:
        taken = {code: sum(by_id[n].quantity for n in part.lines if by_id[n].sku == code) for code in there}
        assert all(quantity <= there[code].get(part.warehouse, 0) for code, quantity in taken.items())
