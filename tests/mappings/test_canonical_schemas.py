"""The JSON form of an order: complete, without loss, and strict on the way back."""

from __future__ import annotations

import copy
import dataclasses
import json
from typing import Any

import marshmallow
import pytest
from hypothesis import HealthCheck, given, settings

from mappings.canonical import schemas
from mappings.canonical.errors import Problems
from mappings.canonical.money import Money
from mappings.canonical.records import Order
from mappings.canonical.schemas import order_from_json, order_to_json
from tests.mappings.orders import make_order
from tests.mappings.strategies import orders

RECORD_SCHEMAS = [
    each for each in vars(schemas).values() if isinstance(each, type) and hasattr(each, "record") and each().fields
]


@given(orders())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_an_order_goes_through_json_without_loss(order: Order):
    text = json.dumps(order_to_json(order))
    again = order_from_json(json.loads(text))
    assert again == order
    # Decimals are equal whatever their scale, so what was written must be equal too.
    assert json.dumps(order_to_json(again)) == text


@pytest.mark.parametrize("schema", RECORD_SCHEMAS, ids=lambda schema: schema.__name__)
def test_a_schema_has_the_fields_of_its_record_in_the_same_order(schema: Any):
    assert list(schema().fields) == [field.name for field in dataclasses.fields(schema.record)]


def test_the_compiled_writer_writes_what_marshmallow_would():
    written = order_to_json(make_order())
    dumped = schemas.ORDER.dump(_without_money(make_order()))
    assert written == dumped
    assert list(written) == list(dumped)


def _without_money(record: Any) -> Any:
    """The record as plain values, amounts as the Decimals that the schema's fields dump."""
    if isinstance(record, Money):
        return record.amount
    if dataclasses.is_dataclass(record):
        return {field.name: _without_money(getattr(record, field.name)) for field in dataclasses.fields(record)}
    return [_without_money(each) for each in record] if isinstance(record, tuple) else record


def test_currency_and_grand_total_are_plain_text():
    written = order_to_json(make_order())
    assert written["currency"] == "EUR"
    assert written["totals"]["grand"] == f"{make_order().totals.grand.amount:f}"


def test_an_amount_in_another_currency_is_refused():
    foreign = dataclasses.replace(make_order().totals, tax=Money(make_order().totals.tax.amount, "USD"))
    with pytest.raises(ValueError, match="USD"):
        order_to_json(dataclasses.replace(make_order(), totals=foreign))


def test_what_has_a_default_may_be_absent():
    written = order_to_json(make_order())
    del written["shop_totals"]
    assert order_from_json(written) == make_order()


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("lines", 0, "total"), 1.5, "lines[0].total"),
        (("lines", 0, "total"), 15, "lines[0].total"),
        (("placed_at",), "2026-11-21T23:01:55", "placed_at"),
        (("state",), "teleported", "state"),
        (("surprise",), 1, "surprise"),
        (("totals", "grand"), None, "totals.grand"),
        (("tags",), "a,b", "tags"),
        (("lines",), {}, "lines"),
        (("attributes",), {"a": 0.5}, "attributes"),
        (("currency",), "eur", "currency"),
    ],
)
def test_what_is_not_an_order_is_refused_with_its_path(path: tuple[str | int, ...], value: object, named: str):
    written = copy.deepcopy(order_to_json(make_order()))
    holder: Any = written
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    with pytest.raises(Problems) as caught:
        order_from_json(written)
    assert named in {problem.path for problem in caught.value.problems}


@pytest.mark.parametrize("value", [None, [], "order", 1])
def test_what_is_not_even_an_object_is_refused(value: object):
    with pytest.raises(Problems):
        order_from_json(value)


def test_the_schemas_refuse_unknown_fields():
    assert schemas.ORDER.unknown == marshmallow.RAISE
