"""A record of Zoho CRM v8 that can be an order: what we rely on, and nothing else. A field that decides is required.

Amounts are JSON numbers, so a trailing zero is lost; what is empty is null, what was not asked for is absent. Lines are
written `Quantity` or, in some of the vendor's own examples, `quantity`: both are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, fields, pre_load

from mappings.canonical.fields import Amount, CurrencyCode, Flag, Id, Nested, Number, Strict, Text, UtcTime

#: Under this name the connector puts what a record's module, account, contact and organisation say beside it.
AROUND: Final = "$crossdock"
_LINE_FIELDS: Final = ("Quantity", "List_Price", "Discount", "Total", "Net_Total", "Tax", "Line_Tax", "Description")


class Shape(Schema):
    """An object of which other fields are left alone."""

    class Meta:  # noqa: D106 - the library's own
        unknown = EXCLUDE

    error_messages = {"type": "found something else, expected an object"}  # noqa: RUF012 - the library's own


class Loose(Text):
    """A text that may be null or missing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(numbers=True, null_is_empty=True, load_default="", **kwargs)


class Money0(Amount):
    """An amount that may be null or missing: nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(numbers=True, load_default=Decimal(0), allow_none=True, **kwargs)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """Read null as nothing."""
        return Decimal(0) if value is None else super().deserialize(value, attr, data, **kwargs)


class Reduction(Strict[tuple[Decimal, bool]]):
    """A discount: an amount, or "10%". As (number, whether it is percent)."""

    _amount = Amount(numbers=True)

    def read(self, value: object) -> tuple[Decimal, bool]:
        """The number, without its sign of percent."""
        if isinstance(value, str) and value.strip().endswith("%"):
            return self._amount.read(value.strip()[:-1].strip()), True
        return self._amount.read(value), False


class LookupShape(Shape):
    """A reference to another record: `{name, id}`."""

    id = Loose()
    name = Loose()


class ProductShape(LookupShape):
    """`Product_Name` of a line."""

    code = Loose(data_key="Product_Code")


class TaxShape(Shape):
    """One of `Line_Tax` or `$line_tax`."""

    id = Loose()
    name = Loose()
    display_name = Loose()
    percentage = Number(load_default=None, allow_none=True)
    value = Amount(numbers=True, load_default=None, allow_none=True)


class LineShape(Shape):
    """One row of `Ordered_Items` or `Quoted_Items`."""

    id = Id(required=True)
    product = Nested(ProductShape, data_key="Product_Name", required=True)
    quantity = Number(data_key="Quantity", required=True)
    price = Amount(data_key="List_Price", numbers=True, required=True)
    total = Amount(data_key="Total", numbers=True, load_default=None, allow_none=True)
    discount = Reduction(data_key="Discount", load_default=None, allow_none=True)
    tax = Amount(data_key="Tax", numbers=True, load_default=None, allow_none=True)
    taxes = Nested(TaxShape, data_key="Line_Tax", many=True, load_default=list, allow_none=True)
    description = Loose(data_key="Description")

    @pre_load
    def _in_one_spelling(self, data: Any, **_kwargs: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        small = {name: data[name.lower()] for name in _LINE_FIELDS if name not in data and name.lower() in data}
        return {**data, **small}


class OrganisationShape(Shape):
    """What the organisation says of all of its records."""

    currency = CurrencyCode(load_default="")
    zone = Loose()


class AddressShape(Shape):
    """An address of an account or a contact."""

    street = Loose()
    city = Loose()
    region = Loose()
    postal_code = Loose()
    country = Loose()


class AccountShape(Shape):
    """The company that buys."""

    id = Loose()
    name = Loose()
    phone = Loose()
    vat_id = Loose()
    billing = Nested(AddressShape, load_default=None, allow_none=True)
    shipping = Nested(AddressShape, load_default=None, allow_none=True)


class ContactShape(Shape):
    """The person who buys."""

    id = Loose()
    first_name = Loose()
    last_name = Loose()
    email = Loose()
    phone = Loose()
    mailing = Nested(AddressShape, load_default=None, allow_none=True)


class AroundShape(Shape):
    """What is known beside the record itself."""

    module = Loose()
    organisation = Nested(OrganisationShape, load_default=lambda: {"currency": "", "zone": ""})
    account = Nested(AccountShape, load_default=None, allow_none=True)
    contact = Nested(ContactShape, load_default=None, allow_none=True)
    #: Product id -> its code, of lines that do not say it.
    codes = fields.Dict(load_default=dict)
    accepted = Flag(load_default=False)
    #: `quotes` or `deals`, where that is an order itself and this record is not to be another; else empty.
    made_of = Loose()
    #: The field of a deal that holds its lines, and the article of a deal without any.
    lines = Loose()
    article = Loose()


class _Record(Shape):
    """What records of all three modules have."""

    id = Id(required=True)
    created_at = UtcTime(data_key="Created_Time", required=True)
    updated_at = UtcTime(data_key="Modified_Time", required=True)
    currency = CurrencyCode(data_key="Currency", load_default=None, allow_none=True)
    account = Nested(LookupShape, data_key="Account_Name", load_default=None, allow_none=True)
    contact = Nested(LookupShape, data_key="Contact_Name", load_default=None, allow_none=True)
    description = Loose(data_key="Description")
    approval = Loose(data_key="$approval_state")
    around = Nested(AroundShape, data_key=AROUND, load_default=lambda: AroundShape().load({}))


class _Priced(_Record):
    """A sales order or a quote."""

    subject = Loose(data_key="Subject")
    sub_total = Amount(data_key="Sub_Total", numbers=True, load_default=None, allow_none=True)
    discount = Reduction(data_key="Discount", load_default=None, allow_none=True)
    tax = Money0(data_key="Tax")
    taxes = Nested(TaxShape, data_key="$line_tax", many=True, load_default=list, allow_none=True)
    adjustment = Money0(data_key="Adjustment")
    grand = Amount(data_key="Grand_Total", numbers=True, required=True)
    carrier = Loose(data_key="Carrier")
    terms = Loose(data_key="Terms_and_Conditions")
    billing_street = Loose(data_key="Billing_Street")
    billing_city = Loose(data_key="Billing_City")
    billing_region = Loose(data_key="Billing_State")
    billing_postal_code = Loose(data_key="Billing_Code")
    billing_country = Loose(data_key="Billing_Country")
    shipping_street = Loose(data_key="Shipping_Street")
    shipping_city = Loose(data_key="Shipping_City")
    shipping_region = Loose(data_key="Shipping_State")
    shipping_postal_code = Loose(data_key="Shipping_Code")
    shipping_country = Loose(data_key="Shipping_Country")


class SalesOrderShape(_Priced):
    """A record of Sales_Orders."""

    number = Loose(data_key="SO_Number")
    state = Text(data_key="Status", required=True)
    po_number = Loose(data_key="Purchase_Order")
    deal = Nested(LookupShape, data_key="Deal_Name", load_default=None, allow_none=True)
    quote = Nested(LookupShape, data_key="Quote_Name", load_default=None, allow_none=True)
    lines = Nested(LineShape, data_key="Ordered_Items", many=True, required=True)


class QuoteShape(_Priced):
    """A record of Quotes."""

    number = Loose(data_key="Quote_Number")
    state = Text(data_key="Quote_Stage", required=True)
    deal = Nested(LookupShape, data_key="Deal_Name", load_default=None, allow_none=True)
    lines = Nested(LineShape, data_key="Quoted_Items", many=True, required=True)


class DealShape(_Record):
    """A record of Deals: an amount, and lines only where somebody has added a list of them."""

    number = Loose(data_key="Deal_Name")
    state = Text(data_key="Stage", required=True)
    grand = Amount(data_key="Amount", numbers=True, required=True)


#: Building a schema costs more than using it.
SALES_ORDER: Final = SalesOrderShape()
QUOTE: Final = QuoteShape()
DEAL: Final = DealShape()
LINES: Final = LineShape(many=True)
