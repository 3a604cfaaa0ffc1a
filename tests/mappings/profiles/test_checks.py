"""What is doubtful in a profile is found, with its place and what to do; what is right is left in peace."""

from __future__ import annotations

import pytest

from mappings.profiles import read_profile
from mappings.profiles.checks import check_profile
from mappings.registry import SOURCES
from tests.mappings.profiles.profiles import over_woocommerce
from tests.mappings.profiles.test_whole import CSV, ROWS
from tests.mappings.woocommerce_orders import woo_line, woo_order

SAMPLE = woo_order(line_items=[woo_line()])
TABLES = {"payment_term": None, "carrier": None}


def findings(source, samples=(SAMPLE,), tables=TABLES):
    profile = over_woocommerce(source)
    return [str(each) for each in check_profile(profile, SOURCES["woocommerce"], list(samples), tables)]


def test_a_profile_without_doubts_has_no_findings():
    source = """
    order:
      - {to: note, copy: source.customer_note, then: trim}
      - {to: note, concatenate: [order.note, order.number]}
      - {to: payment_terms, copy: source.payment_method, then: [{lookup: payment_term}]}
      - {to: po_number, default: source.number}
    lines:
      - {to: sku, set: upper(item.sku)}
      - {to: tax_lines, map: {each: item.taxes, rules: [{to: code, copy: item.id}, {to: title, copy: parent.name}]}}
    """
    assert findings(source) == []


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        (
            "- {to: note, copy: source.number}\n  - {to: note, constant: x}",
            ["p.yaml:5:7: warning: source.order[0]: note is overwritten at p.yaml:6:7 before anything reads it"],
        ),
        (
            "- {to: note, when: '`false`', constant: x}",
            ["p.yaml:5:7: warning: source.order[0]: the condition is never true: the rule does nothing"],
        ),
        (
            "- {to: note, when: \"'a' == 'a'\", constant: x}",
            ["p.yaml:5:7: warning: source.order[0]: the condition is always true"],
        ),
        (
            "- {to: note, constant: x}\n  - {to: note, default: source.number}",
            ["p.yaml:6:7: warning: source.order[1]: note has a value already, so this default never applies"],
        ),
    ],
)
def test_what_is_doubtful_is_told_with_its_place(rules: str, told: list[str]):
    found = findings(f"order:\n  {rules}")
    assert [
        each.partition("; ")[0] if ";" not in want else each for each, want in zip(found, told, strict=True)
    ] == told


@pytest.mark.parametrize(
    "rules",
    [
        "- {to: note, copy: source.number}\n  - {to: note, when: source.number == '1', constant: x}",
        "- {to: note, copy: source.number}\n  - {to: po_number, copy: order.note}\n  - {to: note, constant: x}",
        "- {to: note, copy: source.number}\n  - {to: note, copy: source.customer_note}",
        "- {to: note, constant: ''}\n  - {to: note, default: source.number}",
    ],
)
def test_a_rule_that_may_matter_is_left_in_peace(rules: str):
    """A copy that finds nothing writes nothing, so the rule before it still counts."""
    assert findings(f"order:\n  {rules}") == []


def test_a_path_and_a_table_that_are_not_there_come_with_what_was_probably_meant():
    [path] = findings("order:\n  - {to: note, copy: source.numbr}")
    assert path.endswith("none of the samples has source.numbr; did you mean 'source.number'?")
    [table] = findings("order:\n  - {to: note, copy: source.number, then: [{lookup: payment_terms}]}")
    assert table.startswith("p.yaml:5:46: error: source.order[0]: there is no look-up table payment_terms; ")
    assert table.endswith("did you mean 'payment_term'?")


def test_paths_of_lines_are_looked_for_in_the_elements_behind_them():
    [told] = findings("lines:\n  - {to: sku, copy: item.skuu}")
    assert "none of the samples has item.skuu; did you mean 'item.sku'?" in told


def test_paths_of_a_profile_that_stands_alone_are_looked_for_in_its_own_list():
    profile = read_profile(CSV.replace("copy: item.Article", "copy: item.Artcle", 1), "p.yaml")
    [told] = [str(each) for each in check_profile(profile, None, [{"rows": ROWS}], {})]
    assert "none of the samples has item.Artcle; did you mean 'item.Article'?" in told


def test_a_profile_that_stands_alone_reads_nothing_that_no_rule_has_written_yet():
    added = "    - {to: note, copy: order.number}\n    - {to: number, copy"
    text = CSV.replace("    - {to: number, copy", added, 1).replace("copy: item.Article", "copy: this.sku", 1)
    [told] = [str(each) for each in check_profile(read_profile(text, "p.yaml"), None, [], None)]
    assert told.startswith("p.yaml:6:7: warning: source.order[0]: no rule above has written order.number")


def test_without_samples_and_tables_nothing_is_said_of_them():
    source = "order:\n  - {to: note, copy: source.nope, then: [{lookup: nope}]}"
    assert findings(source, samples=(), tables=None) == []


def test_a_base_mapping_that_is_not_there_is_an_error():
    [found] = check_profile(over_woocommerce("{}"), None, [], None)
    assert (found.severity, str(found.found)) == ("error", "no base mapping woocommerce")
