"""What a channel says of the warehouses that send its orders."""

from __future__ import annotations

import pytest

from config import schemas
from config.loader import load_config
from config.model import Needs, Routing, RoutingRule, ShortLines, Split
from config.problems import ConfigError
from tests.config.folder import CHANNEL, ENVIRON, load, problems

STOCK = "    stock: {push: on}\n"
DEFAULT = "{name: default, warehouses: [MAIN, NORTH]}"


def said(rules, short="", stock=STOCK):
    return f"{CHANNEL}{stock}    routing: {{rules: [{rules}]{short}}}\n"


def test_a_silent_channel_chooses_nothing(tmp_path):
    assert load(tmp_path, c=CHANNEL).channels["main"].routing == Routing()


def test_rules_are_read_in_their_order(tmp_path):
    first = '{name: alps, warehouses: [SOUTH], needs: always, countries: [AT], postcodes: ["6"]}'
    channel = load(tmp_path, c=said(f"{first}, {DEFAULT}", ", short: hold, max_age_s: 1m")).channels["main"]
    alps = RoutingRule(name="alps", warehouses=("SOUTH",), needs=Needs.ALWAYS, countries=("AT",), postcodes=("6",))
    default = RoutingRule(name="default", warehouses=("MAIN", "NORTH"))
    assert channel.routing == Routing(rules=(alps, default), short=ShortLines.HOLD, max_age_s=60.0)
    assert channel.routing.warehouses == ("SOUTH", "MAIN", "NORTH")


def test_the_sections_have_the_fields_of_their_dataclasses_each_described():
    for section, model in ((schemas.RoutingSection, Routing), (schemas.RoutingRuleSection, RoutingRule)):
        fields = section().fields
        assert list(fields) == list(model.__dataclass_fields__)
        assert all(field.metadata["description"].endswith(".") for field in fields.values())


@pytest.mark.parametrize(
    ("rules", "at", "words"),
    [
        ("{name: a, warehouses: []}", "rules[0].warehouses", "found no warehouse"),
        ("{name: a}", "rules[0].warehouses", "found no warehouse"),
        ("{name: a, warehouses: [M, N], needs: always}", "rules[0].warehouses", "found several warehouses"),
        ("{name: a, warehouses: [M], countries: [AT]}", "rules[0]", "conditions in the last rule"),
        (f"{{name: a, warehouses: [M], needs: always}}, {DEFAULT}", "rules[0]", "a rule that takes every order"),
        (f"{{name: default, warehouses: [M]}}, {DEFAULT}", "rules[1]", "the name 'default' again"),
        ("{name: a, warehouses: [M], needs: all}", "rules[0].needs", "expected one of has_all, always"),
        ("{name: a, warehouses: [M], split: lines}", "rules[0].split", "found `lines` with one warehouse"),
        ("{name: a, warehouses: [M], split: lines, needs: always}", "rules[0].split", "always takes an order whole"),
        (
            f"{{name: a, warehouses: [{', '.join('ABCDEFGHI')}], split: lines}}",
            "rules[0].split",
            "found `lines` with 9",
        ),
    ],
)
def test_rules_that_leave_a_question_open_are_refused(tmp_path, rules, at, words):
    [told] = problems(tmp_path, c=said(rules))
    assert told.split(": ")[1] == f"channels.main.routing.{at}"
    assert words in told


def test_a_rule_may_divide_an_order_over_its_warehouses(tmp_path):
    routing = load(tmp_path, c=said("{name: a, warehouses: [M, N], split: lines}")).channels["main"].routing
    assert (routing.rules[0].split, routing.splits) == (Split.LINES, True)


def test_a_rule_that_asks_for_stock_which_nobody_reads_is_refused(tmp_path):
    always = "{name: always, warehouses: [M], needs: always}"
    [told] = problems(tmp_path, c=said(DEFAULT, stock=""))
    assert told.split(": ")[1] == "channels.main.routing.rules[0]"
    assert "`stock: {push: on}`" in told
    load(tmp_path / "other", c=said(always, stock=""))


def test_another_channel_of_the_same_erp_may_have_the_stock_read(tmp_path):
    other = "  second:\n    source: shop2\n    erp: erp\n" + STOCK
    shop = "connections:\n  shop2: {system: woocommerce, url: https://two.example}\n"
    load(tmp_path, c=said(DEFAULT, stock="") + other, d=shop)


CANCEL = ", short: cancel"
GIVEN_BACK = "    after_import: {returns: refund}\n"


def test_short_lines_are_cancelled_where_the_shop_gives_them_back_and_the_erp_hears_of_it(tmp_path):
    read = load(tmp_path, c=said(DEFAULT, CANCEL) + GIVEN_BACK).channels["main"].routing
    assert read.short is ShortLines.CANCEL


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ("", "`returns: refund`"),
        ("    after_import: {returns: tell}\n", "`returns: refund`"),
        ("    after_import: {returns: payout, refunds: none}\n", "`refunds: draft`"),
    ],
)
def test_short_lines_are_not_cancelled_where_the_two_systems_would_differ_and_it_says_why(tmp_path, after, words):
    [told] = problems(tmp_path, c=said(DEFAULT, CANCEL) + after)
    assert told.split(": ")[1] == "channels.main.routing.short"
    assert "expected backorder or hold" in told
    assert words in told


def test_short_lines_are_not_cancelled_in_a_shop_that_takes_no_refunds_of_ours(tmp_path):
    load(tmp_path, c=said(DEFAULT, CANCEL) + GIVEN_BACK)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path, ENVIRON, makes_refunds=lambda _: False)
    [problem] = caught.value.problems
    assert "woocommerce takes no refunds of ours" in str(problem)
