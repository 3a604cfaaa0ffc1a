"""An order of Fxiaoke: what we rely on, and nothing else. A field that decides anything is required.

The payload holds the records under the names that the vendor gives their objects, as they came: `SalesOrderObj`,
`SalesOrderProductObj` (a list), `AccountObj`, `ProductObj` (a list of those on the lines), and `settings`, what the
connection says of the tenant, which the vendor's answers do not. Numbers and amounts are texts there, times are
milliseconds, a field without a value is left out.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from marshmallow import EXCLUDE, Schema

from mappings.canonical.fields import Amount, CountryCode, CurrencyCode, Id, Nested, Number, Strict, Text, refused
from mappings.canonical.words import say

_LATEST_MS: Final = 253_402_300_799_999


class Shape(Schema):
    """Unknown fields are nobody's business."""

    class Meta:
        """See marshmallow."""

        unknown = EXCLUDE


class Milliseconds(Strict[dt.datetime]):
    """Milliseconds since 1970, as a number, or as the text that filters use."""

    def read(self, value: object) -> dt.datetime:
        """A moment in UTC."""
        text = value if isinstance(value, str) else str(value) if type(value) is int else ""
        if text.isascii() and text.isdecimal() and len(text) <= len(str(_LATEST_MS)) and int(text) <= _LATEST_MS:
            return dt.datetime.fromtimestamp(int(text) // 1000, tz=dt.UTC).replace(microsecond=int(text) % 1000 * 1000)
        raise refused(value, say("a time in milliseconds such as 1757548800000"))


class Companion(Strict[str]):
    """The name that comes with a reference (`product_id__r`): a text, or an object that has it; else nothing."""

    def read(self, value: object) -> str:
        """The name."""
        named = value.get("name") if isinstance(value, dict) else value
        return named if isinstance(named, str) else ""


class Names(Strict[tuple[str, ...]]):
    """Employees: a list of ids, or one."""

    def read(self, value: object) -> tuple[str, ...]:
        """The ids."""
        found = value if isinstance(value, list) else [value]
        return tuple(str(each) for each in found if isinstance(each, str | int) and not isinstance(each, bool))


def _loose() -> Text:
    return Text(numbers=True, null_is_empty=True, load_default="")


class OrderShape(Shape):
    """`SalesOrderObj`."""

    id = Id(required=True, data_key="_id")
    name = Text(required=True)
    account_id = Id(required=True)
    order_amount = Amount(numbers=True, required=True)
    life_status = Text(required=True)
    create_time = Milliseconds(required=True)
    last_modified_time = Milliseconds(load_default=None, allow_none=True)
    order_time = Milliseconds(load_default=None, allow_none=True)
    delivery_date = Milliseconds(load_default=None, allow_none=True)
    discount = Number(load_default=None, allow_none=True)
    ship_to_id = _loose()
    ship_to_name = Companion(load_default="", allow_none=True, data_key="ship_to_id__r")
    ship_to_add = _loose()
    ship_to_tel = _loose()
    lock_status = _loose()
    record_type = _loose()
    quote_id = _loose()
    price_book_id = _loose()
    remark = _loose()
    owner = Names(load_default=(), allow_none=True)


class LineShape(Shape):
    """One of `SalesOrderProductObj`."""

    id = Id(required=True, data_key="_id")
    product_id = _loose()
    product_name = _loose()
    product = Companion(load_default="", allow_none=True, data_key="product_id__r")
    quantity = Number(required=True)
    sales_price = Amount(numbers=True, load_default=None, allow_none=True)
    subtotal = Amount(numbers=True, load_default=None, allow_none=True)
    discount = Number(load_default=None, allow_none=True)
    unit = _loose()
    remark = _loose()
    price_book_product_id = _loose()
    last_modified_time = Milliseconds(load_default=None, allow_none=True)


class AccountShape(Shape):
    """`AccountObj`."""

    id = Id(required=True, data_key="_id")
    name = Text(required=True)
    account_no = _loose()
    tel = _loose()
    email = _loose()
    address = _loose()


class ProductShape(Shape):
    """One of `ProductObj`."""

    id = Id(required=True, data_key="_id")
    name = _loose()


class SettingsShape(Shape):
    """What the connection's options say of the tenant."""

    currency = CurrencyCode(required=True)
    #: The order's own field that names another one, where the tenant has several currencies.
    currency_field = _loose()
    zone = Text(required=True)
    country = CountryCode(load_default="")
    #: Percent of tax that is inside of every amount; nothing where amounts are taken as they stand.
    tax_rate = Number(load_default=None, allow_none=True)
    #: The line's own field with its percent, which goes before.
    tax_rate_field = _loose()
    #: The order's field with the freight, which is part of `order_amount`.
    freight_field = _loose()
    sku_field = Text(required=True)
    vat_id_field = _loose()


class PayloadShape(Shape):
    """All of it."""

    order = Nested(OrderShape, required=True, data_key="SalesOrderObj")
    lines = Nested(LineShape, many=True, required=True, data_key="SalesOrderProductObj")
    #: Null where the app's user may not see the customer, or it was deleted.
    account = Nested(AccountShape, required=True, allow_none=True, data_key="AccountObj")
    products = Nested(ProductShape, many=True, required=True, data_key="ProductObj")
    settings = Nested(SettingsShape, required=True)


#: Building a schema costs more than using it.
PAYLOAD: Final = PayloadShape()
