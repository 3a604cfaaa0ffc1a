"""The shape of an order in Vendure's Admin API: what we rely on, and nothing else.

https://docs.vendure.io/reference/graphql-api/admin/object-types/#order . Money is a whole number of the smallest unit
that the shop counts in; a price that nobody has rounded yet (of a shipping method whose price has its tax inside) comes
with a fraction.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, fields

from mappings.canonical.fields import CountryCode, CurrencyCode, Flag, Id, ListOf, Nested, Number, Text, UtcTime


class Loose(Text):
    """A text that may come as a number, as null, or not at all."""

    def __init__(self, *, required: bool = False) -> None:
        if required:
            super().__init__(numbers=True, null_is_empty=True, required=True)
        else:
            super().__init__(numbers=True, null_is_empty=True, load_default="")


class Many(Nested):
    """A list of objects; null where there is none."""

    def __init__(self, schema: type[Schema], **kwargs: Any) -> None:
        super().__init__(schema, many=True, **kwargs)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """Read null as no entries."""
        return super().deserialize([] if value is None else value, attr, data, **kwargs)


class _Vendure(Schema):
    class Meta:
        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """`order_placed_at` is `orderPlacedAt` there."""
        first, *others = field_name.split("_")
        field_obj.data_key = first + "".join(word.capitalize() for word in others)

    error_messages = {"type": "found something else, expected an object"}  # noqa: RUF012 - the library's own


class AddressSchema(_Vendure):
    """`billingAddress` or `shippingAddress`; every field may be null."""

    full_name = Loose()
    company = Loose()
    street_line1 = Loose()
    street_line2 = Loose()
    city = Loose()
    province = Loose()
    postal_code = Loose()
    country_code = CountryCode(null_is_empty=True, load_default="")
    phone_number = Loose()


class UserSchema(_Vendure):
    """Who can sign in; a guest cannot."""

    id = Id(required=True)


class CustomerSchema(_Vendure):
    """Who ordered."""

    id = Id(required=True)
    first_name = Loose()
    last_name = Loose()
    email_address = Loose()
    phone_number = Loose()
    user = Nested(UserSchema, load_default=None, allow_none=True)


class TaxSchema(_Vendure):
    """One rate on a line."""

    description = Loose()
    tax_rate = Number(required=True)


class TaxSummarySchema(TaxSchema):
    """One of `taxSummary`: a rate, and what it came to on the whole order."""

    tax_base = Number(required=True)
    tax_total = Number(required=True)


class DiscountSchema(_Vendure):
    """One of `discounts`: negative amounts."""

    description = Loose()
    adjustment_source = Loose()
    amount = Number(required=True)
    amount_with_tax = Number(required=True)


class VariantSchema(_Vendure):
    """The article, also one that was deleted since."""

    id = Id(required=True)
    sku = Loose(required=True)
    name = Loose()


class LineSchema(_Vendure):
    """One of `lines`: `prorated` prices have what of the discounts of the whole order fell on it, others do not."""

    id = Id(required=True)
    quantity = Number(required=True)
    order_placed_quantity = Number(required=True)
    unit_price = Number(required=True)
    line_price = Number(required=True)
    prorated_unit_price = Number(required=True)
    prorated_unit_price_with_tax = Number(required=True)
    prorated_line_price = Number(required=True)
    prorated_line_price_with_tax = Number(required=True)
    tax_lines = Many(TaxSchema, required=True)
    discounts = Many(DiscountSchema, load_default=list)
    product_variant = Nested(VariantSchema, required=True)


class MethodSchema(_Vendure):
    """How it is sent."""

    code = Loose()
    name = Loose()


class ShippingSchema(_Vendure):
    """One of `shippingLines`."""

    id = Id(load_default="")
    shipping_method = Nested(MethodSchema, load_default=None, allow_none=True)
    discounted_price = Number(load_default=None)
    discounted_price_with_tax = Number(required=True)


class SurchargeSchema(_Vendure):
    """One of `surcharges`; a negative one is a discount."""

    id = Id(load_default="")
    description = Loose()
    sku = Loose()
    price = Number(required=True)
    price_with_tax = Number(required=True)
    tax_lines = Many(TaxSchema, load_default=list)


class PiecesSchema(_Vendure):
    """So many of one line, in a refund or in a parcel."""

    order_line_id = Id(required=True)
    quantity = Number(required=True)


class RefundSchema(_Vendure):
    """One of a payment's `refunds`."""

    id = Id(required=True)
    state = Text(required=True)
    total = Number(required=True)
    shipping = Number(load_default=Decimal(0))
    reason = Loose()
    created_at = UtcTime(required=True)
    updated_at = UtcTime(load_default=None)
    lines = Many(PiecesSchema, required=True)
    #: The refund that this one goes on with on another payment, as the connector found; then its pieces are said twice.
    continues = Loose()


class PaymentSchema(_Vendure):
    """One of `payments`."""

    id = Id(required=True)
    method = Loose()
    amount = Number(required=True)
    state = Text(required=True)
    transaction_id = Loose()
    created_at = UtcTime(load_default=None)
    updated_at = UtcTime(load_default=None)
    refunds = Many(RefundSchema, required=True)


class FulfilmentSchema(_Vendure):
    """One of `fulfillments`."""

    id = Id(required=True)
    state = Text(required=True)
    updated_at = UtcTime(load_default=None)


class OrderSchema(_Vendure):
    """An order."""

    id = Id(required=True)
    code = Id(required=True)
    type = Loose()
    state = Text(required=True)
    active = Flag(load_default=False)
    currency_code = CurrencyCode(required=True)
    created_at = UtcTime(required=True)
    updated_at = UtcTime(required=True)
    order_placed_at = UtcTime(required=True, allow_none=True)
    shipping = Number(required=True)
    shipping_with_tax = Number(required=True)
    total = Number(required=True)
    total_with_tax = Number(required=True)
    coupon_codes = ListOf(Loose(), load_default=list)
    tax_summary = Many(TaxSummarySchema, required=True)
    discounts = Many(DiscountSchema, required=True)
    surcharges = Many(SurchargeSchema, required=True)
    customer = Nested(CustomerSchema, load_default=None, allow_none=True)
    billing_address = Nested(AddressSchema, load_default=None, allow_none=True)
    shipping_address = Nested(AddressSchema, load_default=None, allow_none=True)
    lines = Many(LineSchema, required=True)
    shipping_lines = Many(ShippingSchema, required=True)
    payments = Many(PaymentSchema, required=True)
    fulfillments = Many(FulfilmentSchema, required=True)
    #: Decimals of the money, as the shop counts it; 2 whatever the currency unless the shop was built otherwise.
    money_strategy_precision = Number(load_default=Decimal(2))
    #: How people type in prices in the channel.
    prices_include_tax = Flag(load_default=False)


#: Building a schema costs more than using it.
ORDER: Final = OrderSchema()
REFUND: Final = RefundSchema()
