"""A profile alone maps a source that nobody has heard of; what it cannot tie is held, what it lacks is told at load."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from mappings.base import SourceOptions
from mappings.canonical.errors import Problems
from mappings.canonical.records import FulfilmentState, OrderState, PaymentState
from mappings.profiles import profiled_source, read_profile
from tests.mappings.profiles.profiles import refusals

#: Orders of a CSV file: the rows of one order, by the names of the columns.
CSV = """
profile: farm-shop
extends: none
source:
  order:
    - {to: number, copy: 'source.rows[0]."Order no"'}
    - {to: external_id, copy: 'source.rows[0]."Order no"'}
    - to: placed_at
      copy: source.rows[0].Date
      then: [{date: {format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}}]
    - {to: currency, constant: EUR}
    - {to: state, copy: 'source.rows[0].Status', then: [{choose: {of: {Bezahlt: processing, Storno: cancelled}}}]}
    - {to: payment_state, constant: unpaid}
    - {to: payment_state, when: "source.rows[0].Status == 'Bezahlt'", constant: paid}
    - {to: tax_included, constant: no}
    - {to: totals.tax, copy: 'source.rows[0].VAT', then: [{amount: {decimal: ","}}]}
    - {to: totals.grand, copy: 'source.rows[0].Total', then: [{amount: {decimal: ",", thousands: "."}}]}
    - {to: customer.email, copy: 'source.rows[0].Mail'}
  billing:
    from: source.rows[0]
    rules:
      - {to: last_name, copy: item.Name}
      - {to: country, constant: DE}
  lines:
    each: source.rows
    where: item.SKU != 'PORTO'
    rules:
      - {to: sku, copy: item.SKU}
      - {to: name, copy: item.Article}
      - {to: quantity, copy: item.Pieces, then: [{number: {decimal: ","}}]}
      - {to: total, copy: item.Net, then: [{amount: {decimal: ","}}]}
      - {to: tax, copy: item.Tax, then: [{amount: {decimal: ","}}]}
  shipping_lines:
    each: source.rows
    where: item.SKU == 'PORTO'
    rules:
      - {to: code, constant: parcel}
      - {to: title, copy: item.Article}
      - {to: total, copy: item.Net, then: [{amount: {decimal: ","}}]}
      - {to: tax, copy: item.Tax, then: [{amount: {decimal: ","}}]}
"""


def row(**changes):
    head = {
        "Order no": "F-7",
        "Date": "22.11.2026 09:30",
        "Status": "Bezahlt",
        "VAT": "210,95",
        "Total": "1.321,20",
        "Mail": "a@example.test",
        "Name": "Krause",
    }
    line = {"SKU": "H-1", "Article": "Honey", "Pieces": "2,5", "Net": "1100,25", "Tax": "209,00"}
    return head | line | changes


ROWS = [row(), row(SKU="PORTO", Article="Parcel", Pieces="1", Net="10,00", Tax="1,95")]


def mapped(text=CSV, rows=ROWS):
    return profiled_source(None, read_profile(text, "farm.yaml")).order({"rows": rows}, SourceOptions())


def problems(text=CSV, rows=ROWS):
    with pytest.raises(Problems) as raised:
        mapped(text, rows)
    return raised.value.problems


def test_rows_of_a_table_become_an_order_whose_totals_are_proven():
    order = mapped()
    assert (order.number, order.currency, order.state) == ("F-7", "EUR", OrderState.PROCESSING)
    assert order.placed_at == dt.datetime(2026, 11, 22, 8, 30, tzinfo=dt.UTC)
    assert [(line.external_id, line.sku, line.quantity) for line in order.lines] == [("1", "H-1", Decimal("2.5"))]
    assert (order.totals.lines.amount, order.totals.shipping.amount) == (Decimal("1100.25"), Decimal("10.00"))
    assert (order.totals.grand.amount, order.totals.rounding.amount) == (Decimal("1321.20"), Decimal("0.00"))
    assert order.billing.last_name == "Krause"


def test_what_no_rule_writes_is_made_of_the_rest_or_empty():
    order = mapped()
    assert (order.updated_at, order.placed_on) == (order.placed_at, order.placed_at.date())
    assert order.version == order.placed_at.isoformat()
    assert (order.source_state, order.fulfilment_state) == ("processing", FulfilmentState.UNFULFILLED)
    assert (order.payment_state, order.customer.guest) == (PaymentState.PAID, True)
    assert order.lines[0].subtotal == order.lines[0].total
    assert order.lines[0].unit_price.amount == Decimal("440.1")
    assert (order.fees, order.refunds, order.shipping.city) == ((), (), "")


def test_totals_that_do_not_tie_hold_the_order():
    [problem] = problems(rows=[row(), row(SKU="PORTO", Net="11,00", Tax="1,95")])
    assert (problem.cause, problem.path) == ("totals_mismatch", "totals.grand")


def test_an_amount_in_another_notation_is_refused_and_not_guessed():
    [first, *_] = problems(rows=[row(Net="1100.25")])
    assert first.path == "lines[0].total"
    assert "found '1100.25', expected a number such as 12,50" in str(first.reason)


def test_a_source_that_lacks_what_an_order_needs_is_told_by_rule():
    without = {key: value for key, value in row().items() if key not in {"Total", "SKU"}}
    found = {problem.path: str(problem.reason) for problem in problems(rows=[without])}
    assert found["lines[0].sku"] == "is missing: the rule at farm.yaml:28:9 found nothing in item.SKU"
    assert found["totals.grand"].startswith("is missing: the rule at farm.yaml:17:7 found nothing in source.rows")


def test_a_list_that_is_none_is_told_and_not_taken_for_empty():
    with pytest.raises(Problems) as raised:
        profiled_source(None, read_profile(CSV, "farm.yaml")).order({"rows": {"a": 1}}, SourceOptions())
    assert any("found an object in source.rows, expected a list" in str(p.reason) for p in raised.value.problems)


def test_nothing_at_all_says_what_is_missing():
    with pytest.raises(Problems) as raised:
        profiled_source(None, read_profile(CSV, "farm.yaml")).order({}, SourceOptions())
    assert {"number", "totals.grand", "placed_at"} <= {problem.path for problem in raised.value.problems}


def test_a_profile_that_leaves_out_what_an_order_must_have_is_refused_at_load():
    text = CSV.replace("    - {to: currency, constant: EUR}\n", "")
    told = refusals(text.replace("{to: tax, copy: item.Tax", "{to: tax_class, copy: item.Tax", 1))
    assert told[0].startswith("p.yaml:6:5: source: found no rule for currency")
    assert told[1].startswith("p.yaml:")
    assert "found no rule for tax, expected" in told[1]


def test_a_profile_alone_says_of_which_list_records_are_made():
    [told] = refusals(CSV.replace("    each: source.rows\n    where: item.SKU != 'PORTO'\n", ""))
    assert "no `each`" in told


def test_sums_of_zero_pieces_are_refused():
    [problem] = problems(rows=[row(Pieces="0"), ROWS[1]])
    assert problem.path == "lines[0].quantity"
