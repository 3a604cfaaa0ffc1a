"""Every record in the vendor's samples: it is an order, or is refused for the reason in the table.

They are bodies of requests, so that no one of them is a whole record: what a record has once it was made (ids, times,
quantities) is missing, and must be named; with it added, what is left is whether the vendor's own totals add up.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from mappings.base import SourceOptions
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.jsontext import read_json
from mappings.zoho_crm import order_from_zoho_crm
from tests.shared import shared_path

#: Sample -> path and words of one of the reasons.
REFUSED = {
    "req_create_account": ("", "an account"),
    "req_create_contact": ("", "a contact"),
    "req_create_product": ("", "a product"),
    "req_upsert": ("", "a person"),
    "req_create_sales_order": ("Ordered_Items[0].Quantity", "missing"),
    "req_create_quote": ("Quoted_Items[0].Quantity", "missing"),
    "req_create_deal": ("Created_Time", "missing"),
    "201_record_added": ("", "none of the lists"),
    "200_upsert_update_and_insert": ("", "none of the lists"),
}
MADE = {"id": "5725767000007000001", "Created_Time": "2026-11-22T10:00:00+05:30", "Currency": "USD"}
MADE["Modified_Time"] = MADE["Created_Time"]


@cache
def samples() -> dict[str, dict[str, Any]]:
    files = sorted(shared_path("vendor/zoho-crm/samples").glob("*.json"))
    return {file.stem: read_json(file.read_bytes()) for file in files}


def problems_of(record: dict[str, Any]) -> tuple[Problem, ...]:
    with pytest.raises(Problems) as caught:
        order_from_zoho_crm(record, SourceOptions())
    return caught.value.problems


@pytest.mark.parametrize("name", REFUSED)
def test_a_record_is_refused_for_its_reason(name: str):
    path, reason = REFUSED[name]
    for record in samples()[name]["data"]:
        assert any(problem.path == path and reason in problem.reason for problem in problems_of(record))


def test_an_error_is_no_order():
    errors = {name: body for name, body in samples().items() if name[0] in "45"}
    assert errors
    for body in errors.values():
        [problem] = problems_of(body["data"][0] if "data" in body else body)
        assert "an error of the CRM" in problem.reason


def test_the_table_is_whole():
    assert REFUSED.keys() | {name for name in samples() if name[0] in "45"} == samples().keys()


@pytest.mark.parametrize(
    ("name", "lines"), [("req_create_sales_order", "Ordered_Items"), ("req_create_quote", "Quoted_Items")]
)
def test_with_what_a_made_record_has_their_totals_are_held_or_tie(name: str, lines: str):
    """90,000 less 5,000 of an article of 999: only with a price and quantity that give 90,000 it adds up."""
    record = samples()[name]["data"][0] | MADE
    row = {"id": "1", "Quantity": 100, "List_Price": 999}
    odd = record | {lines: [record[lines][0] | row], "Quote_Stage": "Accepted"}
    assert [(problem.path, problem.cause) for problem in problems_of(odd)] == [("Grand_Total", "totals_mismatch")]
    even = record | {lines: [record[lines][0] | row | {"List_Price": 900}], "Quote_Stage": "Accepted"}
    order = order_from_zoho_crm(even, SourceOptions())
    assert (str(order.totals.grand), order.billing.country) == ("85000.00 USD", "US")


def test_the_deal_is_an_order_once_it_was_made_and_somebody_said_what_was_sold():
    record = samples()["req_create_deal"]["data"][0] | MADE
    around = {"module": "Deals", "article": "LICENCE"}
    order = order_from_zoho_crm(record | {"$crossdock": around}, SourceOptions())
    assert (order.state.value, str(order.totals.grand)) == ("draft", "85000.00 USD")
