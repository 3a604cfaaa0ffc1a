"""Every order that was recorded from real shops, on two databases: it maps with the shop's own total."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest

from mappings.base import SourceOptions
from mappings.canonical.jsontext import read_json
from mappings.canonical.money import money_sum
from mappings.canonical.schemas import order_from_json, order_to_json
from mappings.vendure import order_from_vendure
from tests.shared import shared_path

OPTIONS = SourceOptions()


@cache
def samples() -> dict[str, dict[str, Any]]:
    found = {}
    for folder in ("vendure", "vendure-postgres"):
        for file in sorted(shared_path(f"captures/{folder}").glob("*.json")):
            order = ((read_json(file.read_bytes())["response"].get("json") or {}).get("data") or {}).get("order") or {}
            if "lines" in order and "payments" in order and "currencyCode" in order:
                found[f"{folder}/{file.stem}"] = order
    return found


def test_there_are_recordings_of_both_databases():
    assert len([name for name in samples() if name.startswith("vendure/")]) >= 7
    assert len([name for name in samples() if name.startswith("vendure-postgres/")]) >= 7


def test_each_maps_to_what_was_paid_or_to_what_is_left_of_it():
    for name, body in samples().items():
        order = order_from_vendure(body, OPTIONS)
        paid = money_sum((payment.amount for payment in order.payments), order.currency)
        # Pieces that were cancelled and not given back are no part of it any more.
        expected = body["totalWithTax"] if "line-cancel" in name else sum(each["amount"] for each in body["payments"])
        assert order.totals.grand.amount * 100 == expected, name
        assert order.totals.rounding.amount == 0, name
        assert paid.amount * 100 == sum(each["amount"] for each in body["payments"]), name
        assert all(line.sku and line.tax_lines for line in order.lines), name


def test_each_survives_being_stored_and_maps_the_same_twice_whatever_else_it_says():
    for name, body in samples().items():
        order = order_from_vendure(body, OPTIONS)
        assert order_from_json(order_to_json(order)) == order, name
        more = copy.deepcopy(body) | {"noSuchField": {"a": [1]}}
        more["lines"][0]["noSuchField"] = "x"
        assert order_from_vendure(more, OPTIONS) == order, name


@pytest.mark.parametrize("field", ["lines", "totalWithTax", "payments", "updatedAt", "taxSummary"])
def test_a_field_that_decides_anything_is_missed_by_its_name(field):
    body = copy.deepcopy(next(iter(samples().values())))
    del body[field]
    with pytest.raises(Exception, match=field):
        order_from_vendure(body, OPTIONS)
