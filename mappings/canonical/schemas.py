"""The JSON form of an order: what is stored, shown, exported and hashed, and read back without loss.

One marshmallow schema per record says what is allowed; the order of its fields is the order of the keys. Amounts are
texts in the order's currency ("73.06"), which stands once at the top; times are ISO 8601 in UTC. Writing goes through
functions compiled from the schemas' fields, because `Schema.dump` takes several times as long for the same result.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final, cast

from marshmallow import RAISE, Schema, fields

from mappings.canonical import records
from mappings.canonical.errors import Problems
from mappings.canonical.fields import (
    Amount,
    Choice,
    CountryCode,
    CurrencyCode,
    Day,
    Flag,
    Id,
    JsonObject,
    ListOf,
    Nested,
    Strict,
    Text,
    UtcTime,
    refused,
)
from mappings.canonical.money import Money
from mappings.canonical.validation import load_strictly
from mappings.canonical.words import say

JsonDict = dict[str, Any]


class MoneyText(Amount):
    """An amount of money; its currency is the order's."""


class MoneyObject(Strict[Money]):
    """An amount that stands apart from the order's currency: `{"amount": "73.06", "currency": "EUR"}`."""

    _amount = Amount()
    _currency = CurrencyCode()

    def read(self, value: object) -> Money:
        """The amount with its own currency."""
        if isinstance(value, dict) and value.keys() == {"amount", "currency"}:
            return Money(self._amount.read(value["amount"]), self._currency.read(value["currency"]))
        raise refused(value, say("an amount and its currency"))

    def write(self, value: Money) -> JsonDict:
        """The amount with its own currency."""
        return {"amount": self._amount.write(value.amount), "currency": value.currency}


def _positive(value: Decimal) -> None:
    if value <= 0:
        raise refused(f"{value:f}", say("an amount above 0"))


class _Record(Schema):
    class Meta:
        unknown = RAISE

    record: ClassVar[type[Any]]
    error_messages = {  # noqa: RUF012 - the library's own
        "type": "found something else, expected an object",
        "unknown": "is not a field of this record",
    }

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Require what the record requires, so that its defaults stand in one place."""
        own = self.record.__dataclass_fields__[field_name]
        field_obj.required = own.default is own.default_factory is dataclasses.MISSING


class AddressSchema(_Record):
    """See `records.Address`."""

    record = records.Address
    first_name = Text()
    last_name = Text()
    company = Text()
    street = Text()
    street_2 = Text()
    city = Text()
    postal_code = Text()
    region = Text()
    country = CountryCode()
    phone = Text()
    email = Text()


class CustomerSchema(_Record):
    """See `records.Customer`."""

    record = records.Customer
    external_id = Text()
    guest = Flag()
    first_name = Text()
    last_name = Text()
    company = Text()
    vat_id = Text()
    email = Text()
    phone = Text()


class TaxLineSchema(_Record):
    """See `records.TaxLine`."""

    record = records.TaxLine
    code = Text()
    title = Text()
    rate = Amount(allow_none=True)
    amount = MoneyText()
    compound = Flag()


class DiscountSchema(_Record):
    """See `records.Discount`."""

    record = records.Discount
    code = Text()
    amount = MoneyText()


class OrderLineSchema(_Record):
    """See `records.OrderLine`."""

    record = records.OrderLine
    external_id = Id()
    sku = Text()
    name = Text()
    quantity = Amount()
    unit_price = MoneyText()
    subtotal = MoneyText()
    total = MoneyText()
    tax = MoneyText()
    tax_lines = Nested(TaxLineSchema, many=True)
    discounts = Nested(DiscountSchema, many=True)
    tax_included = Flag()
    tax_class = Text()
    product_id = Text()
    variant_id = Text()
    gift_card = Flag()
    virtual = Flag()
    bundle_parent = Text()
    attributes = JsonObject()


class ShippingLineSchema(_Record):
    """See `records.ShippingLine`."""

    record = records.ShippingLine
    external_id = Id()
    code = Text()
    title = Text()
    total = MoneyText()
    tax = MoneyText()
    tax_lines = Nested(TaxLineSchema, many=True)


class FeeSchema(_Record):
    """See `records.Fee`."""

    record = records.Fee
    external_id = Id()
    title = Text()
    total = MoneyText()
    tax = MoneyText()
    tax_lines = Nested(TaxLineSchema, many=True)


class PaymentSchema(_Record):
    """See `records.Payment`."""

    record = records.Payment
    gateway = Text()
    title = Text()
    amount = MoneyText()
    reference = Text()
    paid_at = UtcTime(allow_none=True)
    fee = MoneyText(allow_none=True, validate=_positive)


class RefundSchema(_Record):
    """See `records.Refund`."""

    record = records.Refund
    external_id = Id()
    amount = MoneyText()
    reason = Text()


class TotalsSchema(_Record):
    """See `records.Totals`."""

    record = records.Totals
    lines = MoneyText()
    discount = MoneyText()
    shipping = MoneyText()
    fees = MoneyText()
    tax = MoneyText()
    grand = MoneyText()
    rounding = MoneyText()


class ShopTotalsSchema(_Record):
    """See `records.Order.shop_totals`: the same in the shop's own currency."""

    record = records.Totals
    lines = MoneyObject()
    discount = MoneyObject()
    shipping = MoneyObject()
    fees = MoneyObject()
    tax = MoneyObject()
    grand = MoneyObject()
    rounding = MoneyObject()


class OrderSchema(_Record):
    """See `records.Order`."""

    record = records.Order
    number = Id()
    external_id = Id()
    version = Text()
    placed_at = UtcTime()
    placed_on = Day()
    updated_at = UtcTime()
    currency = CurrencyCode()
    state = Choice({state.value: state for state in records.OrderState})
    source_state = Text()
    payment_state = Choice({state.value: state for state in records.PaymentState})
    fulfilment_state = Choice({state.value: state for state in records.FulfilmentState})
    customer = Nested(CustomerSchema)
    billing = Nested(AddressSchema)
    shipping = Nested(AddressSchema)
    lines = Nested(OrderLineSchema, many=True)
    shipping_lines = Nested(ShippingLineSchema, many=True)
    fees = Nested(FeeSchema, many=True)
    tax_lines = Nested(TaxLineSchema, many=True)
    coupons = ListOf(Text())
    payments = Nested(PaymentSchema, many=True)
    refunds = Nested(RefundSchema, many=True)
    totals = Nested(TotalsSchema)
    tax_included = Flag()
    note = Text()
    tags = ListOf(Text())
    test = Flag()
    po_number = Text()
    payment_terms = Text()
    payment_method = Text()
    shop_totals = Nested(ShopTotalsSchema, allow_none=True)
    attributes = JsonObject()


#: Building a schema costs more than using it.
ORDER: Final = OrderSchema()


def order_to_json(order: records.Order) -> JsonDict:
    """The order as JSON values, keys always in the same order; `order_from_json` gives the same order back.

    Raises ValueError when an amount is not in the order's currency.
    """
    return cast("JsonDict", _write_order(order, order.currency))


def order_from_json(value: object) -> records.Order:
    """The order that `order_to_json` wrote. Raises Problems with the path of every field that it cannot be."""
    data, problems = load_strictly(ORDER, value)
    if problems:
        raise Problems(problems)
    return cast("records.Order", _made(ORDER, data, data["currency"]))


_Writer = Callable[[Any, str], Any]


def _writer(schema: _Record) -> _Writer:
    """A function that writes one record of this schema in a given currency."""
    steps = [(name, json_step(field)) for name, field in schema.fields.items()]

    def write(record: object, currency: str) -> JsonDict:
        return {
            name: getattr(record, name) if step is None else step(getattr(record, name), currency)
            for name, step in steps
        }

    return write


def json_step(field: fields.Field[Any]) -> _Writer | None:
    """How one field is written; None for a value that is its own JSON."""
    if isinstance(field, MoneyText):
        return _money_text
    if isinstance(field, ListOf):
        return lambda values, _: list(values)
    if isinstance(field, Nested):
        nested = _writer(cast("_Record", field.schema))
        if field.many:
            return lambda values, currency: [nested(value, currency) for value in values]
        return lambda value, currency: None if value is None else nested(value, currency)
    own = cast("Strict[Any]", field)
    if type(own).write is Strict.write:
        return None
    return lambda value, _: None if value is None else own.write(value)


def _money_text(money: Money | None, currency: str) -> str | None:
    if money is None:
        return None
    if money.currency != currency:
        raise ValueError(f"an amount of {money} in an order in {currency}")
    return f"{money.amount:f}"


def _made(schema: _Record, data: Mapping[str, Any], currency: str) -> object:
    """The record of loaded data; amounts become money, lists become tuples, what is absent takes its default."""
    record: object = schema.record(
        **{name: record_value(schema.fields[name], value, currency) for name, value in data.items()}
    )
    return record


def record_value(field: fields.Field[Any], value: Any, currency: str) -> object:
    """What a record has in the place of a loaded value: money of that currency, records, tuples."""
    if isinstance(field, MoneyText):
        return None if value is None else Money(cast("Decimal", value), currency)
    if isinstance(field, ListOf):
        return tuple(value)
    if isinstance(field, Nested) and value is not None:
        schema = cast("_Record", field.schema)
        return tuple(_made(schema, each, currency) for each in value) if field.many else _made(schema, value, currency)
    return value


_write_order: Final = _writer(ORDER)
