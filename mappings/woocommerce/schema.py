"""The shape of an order in WooCommerce's REST API v3: what we rely on, and nothing else.

https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties. A field that decides anything is required,
so that one that is missing is a problem and never a silent default; unknown fields are ignored. Real shops write
numbers where text is documented and the other way round, null for empty text, and `[]` for an empty object: all of
that is read. Amounts are strict.
"""

from __future__ import annotations

import html
import re
from decimal import Decimal
from typing import Any, Final

from marshmallow import EXCLUDE, Schema

from mappings.canonical.fields import (
    Amount,
    CountryCode,
    CurrencyCode,
    Flag,
    Id,
    LocalDay,
    Nested,
    Number,
    Strict,
    Text,
    UtcTime,
    plain_number,
    refused,
    storable,
)
from mappings.canonical.words import say

# WordPress writes its entities with a semicolon; without that rule "R&D &copy" would become "R&D ©".
_ENTITY: Final = re.compile(r"&(#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);")
#: PHP's ways to write a truth value in JSON.
_PHP_FLAGS: Final = {"": False, "0": False, "1": True, "no": False, "yes": True}
#: Longer than any custom field of a checkout, shorter than what plugins park there.
_META_LENGTH: Final = 1000
#: Every JSON reader is exact to here.
_META_BITS: Final = 53
_META_DIGITS: Final = 30


class Loose(Text):
    """A text that may come as a number, as null, or not at all."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(numbers=True, null_is_empty=True, **kwargs)


class Escaped(Loose):
    """A text that WordPress stores HTML-escaped (`Tee &amp; Co.`), unescaped once."""

    def read(self, value: object) -> str:
        """The text as the customer typed it."""
        text = super().read(value)
        return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text) if "&" in text else text


class PhpFlag(Flag):
    """True or false, or one of PHP's other ways to write them."""

    def read(self, value: object) -> bool:
        """The truth value that PHP meant."""
        if type(value) is int and value in (0, 1):
            return bool(value)
        return _PHP_FLAGS[value] if isinstance(value, str) and value in _PHP_FLAGS else super().read(value)


class Price(Amount):
    """An amount as text in the shop's decimals, or as the whole or exact number that some shops make of it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(numbers=True, **kwargs)


class TaxShare(Strict[Decimal | None]):
    """The tax of one rate on one line; the empty text says that the rate does not apply to it."""

    _amount = Amount(numbers=True)

    def read(self, value: object) -> Decimal | None:
        """The amount, None where the rate does not apply."""
        return None if value == "" else self._amount.read(value)


class MetaData(Strict[dict[str, Any]]):
    """`meta_data` as a plain dict of what can be stored: text, whole numbers, truth values; the first of a key wins.

    Plugins keep anything here, serialised PHP with NUL bytes included, so what is not such a value is left out
    instead of holding the order; nothing of an order's meaning hangs on it. The stored payload keeps all of it.
    """

    def read(self, value: object) -> dict[str, Any]:
        """Key -> value of the entries that can be stored."""
        if not isinstance(value, list):
            raise refused(value, say("a list of {key, value}"))
        found: dict[str, Any] = {}
        for entry in value:
            if isinstance(entry, dict):
                key, content = _stored(entry.get("key")), _stored(entry.get("value"))
                if isinstance(key, str) and content is not None:
                    found.setdefault(key, content)
        return found


def _stored(value: object) -> str | int | bool | None:
    """The value as it may stand in an order's attributes; None for what may not."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= _META_BITS else None
    if isinstance(value, Decimal):
        return f"{plain_number(value):f}" if value.is_finite() and abs(value.adjusted()) <= _META_DIGITS else None
    return value if isinstance(value, str) and len(value) <= _META_LENGTH and storable(value) else None


class PhpObject(Nested):
    """A nested object; PHP writes an empty one as `[]`."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super()._deserialize({} if value == [] else value, *args, **kwargs)


class _Woo(Schema):
    class Meta:
        unknown = EXCLUDE

    error_messages = {"type": "found something else, expected an object"}  # noqa: RUF012 - the library's own


class AddressSchema(_Woo):
    """`billing` or `shipping`; every field is text and may be empty."""

    first_name = Escaped(load_default="")
    last_name = Escaped(load_default="")
    company = Escaped(load_default="")
    address_1 = Escaped(load_default="")
    address_2 = Escaped(load_default="")
    city = Escaped(load_default="")
    state = Escaped(load_default="")
    postcode = Escaped(load_default="")
    country = CountryCode(null_is_empty=True, load_default="")
    email = Loose(load_default="")
    phone = Loose(load_default="")


class ShareSchema(_Woo):
    """One entry of a line's `taxes`; `id` is the `rate_id` of the order's `tax_lines`."""

    id = Id(required=True)
    total = TaxShare(required=True)


class LineSchema(_Woo):
    """One of `line_items`. `price` is a float that the shop computed and is never used."""

    id = Id(required=True)
    name = Escaped(required=True)
    product_id = Id(required=True)
    variation_id = Id(load_default="0")
    quantity = Number(required=True)
    tax_class = Loose(load_default="")
    subtotal = Price(required=True)
    total = Price(required=True)
    total_tax = Price(required=True)
    taxes = Nested(ShareSchema, many=True, required=True)
    sku = Loose(required=True)
    meta_data = MetaData(load_default=dict)
    #: Of the Product Bundles and Composite Products plugins: the id of the line that this one is part of.
    bundled_by = Loose(load_default="")
    composite_parent = Loose(load_default="")


class ChargeSchema(_Woo):
    """What shipping lines and fees have in common."""

    id = Id(required=True)
    total = Price(required=True)
    total_tax = Price(required=True)
    taxes = Nested(ShareSchema, many=True, load_default=list)


class ShippingLineSchema(ChargeSchema):
    """One of `shipping_lines`."""

    method_title = Escaped(load_default="")
    method_id = Loose(load_default="")


class FeeSchema(ChargeSchema):
    """One of `fee_lines`; a negative one is a discount."""

    name = Escaped(load_default="")


class TaxLineSchema(_Woo):
    """One of `tax_lines`: a rate, and what it came to on the whole order."""

    rate_id = Id(required=True)
    label = Escaped(load_default="")
    compound = PhpFlag(load_default=False)
    tax_total = Price(required=True)
    shipping_tax_total = Price(required=True)
    #: Percent; arrives as a double with 17 digits. Shops before 3.7 do not send it.
    rate_percent = Number(load_default=None)


class CouponSchema(_Woo):
    """One of `coupon_lines`; the discount itself is already inside the lines."""

    code = Escaped(required=True)


class RefundSchema(_Woo):
    """One of `refunds`: a summary, gross and negative."""

    id = Id(required=True)
    total = Price(required=True)
    reason = Escaped(load_default="")


class GiftCardSchema(_Woo):
    """One of `gift_cards`, of the Gift Cards plugin: what was paid with it."""

    id = Id(load_default="")
    code = Loose(load_default="")
    amount = Price(required=True)


class OrderSchema(_Woo):
    """An order."""

    id = Id(required=True)
    parent_id = Id(load_default="0")
    number = Id(required=True)
    status = Loose(required=True)
    currency = CurrencyCode(required=True)
    prices_include_tax = PhpFlag(load_default=False)
    #: Of the shop's own zone, which the order does not name; only its calendar day means something.
    date_created = LocalDay(load_default=None)
    date_created_gmt = UtcTime(naive_is_utc=True, required=True)
    date_modified_gmt = UtcTime(naive_is_utc=True, required=True, allow_none=True)
    date_paid_gmt = UtcTime(naive_is_utc=True, required=True, allow_none=True)
    discount_total = Price(required=True)
    total = Price(required=True)
    total_tax = Price(required=True)
    customer_id = Id(required=True)
    billing = PhpObject(AddressSchema, required=True)
    shipping = PhpObject(AddressSchema, required=True)
    payment_method = Loose(load_default="")
    payment_method_title = Escaped(load_default="")
    transaction_id = Loose(load_default="")
    customer_note = Loose(load_default="")
    created_via = Loose(load_default="")
    meta_data = MetaData(load_default=dict)
    line_items = Nested(LineSchema, many=True, required=True)
    tax_lines = Nested(TaxLineSchema, many=True, load_default=list)
    shipping_lines = Nested(ShippingLineSchema, many=True, load_default=list)
    fee_lines = Nested(FeeSchema, many=True, load_default=list)
    coupon_lines = Nested(CouponSchema, many=True, load_default=list)
    refunds = Nested(RefundSchema, many=True, load_default=list)
    gift_cards = Nested(GiftCardSchema, many=True, load_default=list)


#: Building a schema costs more than using it.
ORDER: Final = OrderSchema()
