"""A look-up may tell its table more than the value: what the conditions of its rows ask for."""

from __future__ import annotations

import pytest

from mappings.base import SourceOptions
from mappings.canonical.errors import Problems, Unmapped, conditions_for, facts_told
from mappings.profiles.checks import check_profile
from mappings.profiles.lineage import LookedUp, Read
from mappings.profiles.tracing import trace_order
from mappings.registry import SOURCES
from tests.mappings.profiles.profiles import Tables, mapped, over_woocommerce, refusals
from tests.mappings.woocommerce_orders import woo_line, woo_order

SAMPLE = woo_order(line_items=[woo_line()])
RULE = """
lines:
  - to: tax_class
    set: "'goods'"
    then: [{lookup: {table: vat, facts: {country: order.billing.country, rate: "source.tax_lines[0].rate_percent"}}}]
"""
ROW = {("vat", "goods [country=DE; rate=19]"): "full"}
VAT = {"vat": {"country": "country", "rate": "number", "zone": "text"}}


def test_a_row_is_found_by_the_value_and_the_facts_together():
    assert mapped(RULE, SAMPLE, ROW).lines[0].tax_class == "full"


def test_without_a_row_the_order_says_which_facts_there_were_and_the_cause_stays_one():
    with pytest.raises(Problems) as raised:
        mapped(RULE, SAMPLE, {("vat", "goods"): "full"})
    [problem] = raised.value.problems
    assert problem.reason == "the vat look-up has no row for 'goods' with country=DE; rate=19"
    assert (problem.subject, problem.facts) == ("vat:goods", "country=DE; rate=19")
    assert problem.title == "the vat look-up has no row for 'goods'"


def test_a_fact_that_is_not_there_is_the_empty_text_and_a_list_is_none():
    rule = RULE.replace("order.billing.country", "order.customer.nothing || source.nothing")
    assert "no row for 'goods' with rate=19" in told(rule)
    assert "as the fact country, expected one value" in told(RULE.replace("order.billing.country", "source.line_items"))


def told(rule):
    with pytest.raises(Problems) as raised:
        mapped(rule.replace("order.customer.nothing || ", ""), SAMPLE)
    return str(raised.value)


def test_the_lineage_tells_the_facts_and_what_they_were_read_of():
    options = SourceOptions(lookup=Tables(ROW))
    _, origins = trace_order(SOURCES["woocommerce"], over_woocommerce(RULE), SAMPLE, options)
    [origin] = [origin for origin in origins if origin.field == "lines[0].tax_class"]
    assert origin.lookups == (LookedUp("vat", "goods", "full", {"country": "DE", "rate": "19"}),)
    assert Read("order.billing.country", "DE") in origin.reads


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ("[country]", "expected 1 to 8 names with expressions"),
        ("{}", "1 to 8 names"),
        ("{Country: this.sku}", "a name of small letters"),
        ("{country: billing.country}", "expected a path that begins with source, order, item, this"),
        ("{country: order.biling.country}", "order.billing.country"),
        ("{country: this.tax_lines}", "expected one value, not a list"),
        ("{country: [a]}", "an expression such as"),
    ],
)
def test_facts_that_cannot_be_meant_are_refused_with_their_place(facts, said):
    rule = "{to: sku, copy: item.sku, then: [{lookup: {table: vat, facts: FACTS}}]}".replace("FACTS", facts)
    [problem] = refusals(f"profile: x\nextends: woocommerce\nsource:\n  lines:\n    - {rule}\n")
    assert said in problem
    assert problem.startswith("p.yaml:5:")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            "{land: item.sku}",
            "error: source.lines[0]: rows of vat have no condition land; there are country, rate, zone",
        ),
        ("{contry: item.sku}", "have no condition contry"),
        ("{rate: \"'much'\"}", "the fact rate of vat is always much; expected a number"),
        ("{rate: item.name}", "warning: source.lines[0]: the fact rate is"),
        ("{country: item.sku}", "expected a country, two capitals such as DE"),
        ("{zone: item.nowhere}", "none of the samples has item.nowhere"),
    ],
)
def test_facts_are_held_against_the_table_and_the_samples(facts, said):
    rule = f"lines:\n  - {{to: sku, copy: item.sku, then: [{{lookup: {{table: vat, facts: {facts}}}}}]}}"
    findings = check_profile(over_woocommerce(rule), SOURCES["woocommerce"], [SAMPLE], VAT)
    assert [said in str(each) for each in findings] == [True]


def test_a_table_without_facts_says_how_it_gets_some():
    rule = "lines:\n  - {to: sku, copy: item.sku, then: [{lookup: {table: vat, facts: {rate: item.id}}}]}"
    [found] = check_profile(over_woocommerce(rule), SOURCES["woocommerce"], [], {"vat": {}})
    assert "crossdock lookup add" in str(found)
    assert not check_profile(over_woocommerce(rule), SOURCES["woocommerce"], [], {"vat": None})


def test_facts_are_told_as_a_rows_conditions_say_them():
    facts = {"title": "MwSt; 19*", "country": "DE", "rate": "", "note": "x" * 70}
    assert conditions_for(facts) == f"country=DE; note={'x' * 60}*; title=MwSt*"
    assert facts_told(conditions_for({"a": "1*2", "b": "x"})) == {"a": "1*2", "b": "x"}
    assert not Unmapped("sku", "A").problems[0].facts
