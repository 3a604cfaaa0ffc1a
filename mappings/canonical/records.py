"""The canonical records: what an order means to us, whichever system it came from.

Frozen and complete: a mapping fills every field or says that there is none; nothing here is defaulted to hide a
missing value. Times are aware UTC, ids and SKUs are text, amounts are `Money` in the scale that the source wrote.
All line amounts are given *net* and tax apart, whichever way the shop entered its prices; `tax_included` keeps
how the shop showed them. The invariant that every order carries, proven by `totals.prove`:

    totals.grand = lines + shipping + fees + tax + rounding     (lines after discounts; a negative fee is a discount)
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from mappings.canonical.money import Money

#: In `Order.attributes`: name of what a gateway wrote about its fee -> what was found there, where it is none.
UNREAD_FEES: Final = "unread_fees"


class OrderState(enum.StrEnum):
    """Where the order stands in the source."""

    DRAFT = "draft"
    PENDING = "pending"
    ON_HOLD = "on_hold"
    PROCESSING = "processing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    FAILED = "failed"
    TRASHED = "trashed"
    DELETED = "deleted"


class PaymentState(enum.StrEnum):
    """How much of the order is paid, as far as the source says."""

    UNPAID = "unpaid"
    AUTHORIZED = "authorized"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


class FulfilmentState(enum.StrEnum):
    """How much of the order is sent, as far as the source says."""

    UNFULFILLED = "unfulfilled"
    PARTIAL = "partial"
    FULFILLED = "fulfilled"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address; an empty text means that the source has none."""

    first_name: str = ""
    last_name: str = ""
    company: str = ""
    street: str = ""
    street_2: str = ""
    city: str = ""
    postal_code: str = ""
    #: State, province or county as the source writes it (a code or free text).
    region: str = ""
    #: ISO 3166-1 alpha-2, upper case.
    country: str = ""
    phone: str = ""
    email: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who ordered. `external_id` is empty for a guest."""

    external_id: str
    guest: bool
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    vat_id: str = ""
    email: str = ""
    phone: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TaxLine:
    """One tax on one line, or one tax of the whole order in `Order.tax_lines`."""

    #: The source's id of the rate, e.g. WooCommerce `rate_id`.
    code: str
    title: str
    #: Percent, e.g. Decimal("19"); None where the source does not say.
    rate: Decimal | None
    amount: Money
    compound: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """A price reduction that is already inside the line's `total`; `amount` is positive and net."""

    code: str
    amount: Money


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One position of the order."""

    external_id: str
    #: Text, exactly as the source writes it; empty when the source has none (a deleted or free-text product).
    sku: str
    name: str
    quantity: Decimal
    #: Net price of one unit before discounts, unrounded; informative, never multiplied back into a total.
    unit_price: Money
    #: Net before discounts.
    subtotal: Money
    #: Net after discounts.
    total: Money
    #: Tax on `total`.
    tax: Money
    tax_lines: tuple[TaxLine, ...] = ()
    discounts: tuple[Discount, ...] = ()
    tax_included: bool = False
    tax_class: str = ""
    product_id: str = ""
    variant_id: str = ""
    gift_card: bool = False
    virtual: bool = False
    #: `external_id` of the bundle line that this one is part of; empty for a plain line.
    bundle_parent: str = ""
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShippingLine:
    """A shipping charge; `total` is net."""

    external_id: str
    code: str
    title: str
    total: Money
    tax: Money
    tax_lines: tuple[TaxLine, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """A surcharge, or a discount when negative; `total` is net."""

    external_id: str
    title: str
    total: Money
    tax: Money
    tax_lines: tuple[TaxLine, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment that the source knows of."""

    gateway: str
    title: str
    amount: Money
    #: The gateway's transaction id; empty where there is none.
    reference: str
    paid_at: dt.datetime | None
    #: What the gateway kept of `amount`, positive, as far as the source says; `amount` is what the customer paid.
    fee: Money | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A refund as the order itself shows it; `amount` is positive and gross."""

    external_id: str
    amount: Money
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The sums that the source states, and the rounding that we had to name to make them tie."""

    #: Net, after discounts.
    lines: Money
    #: Positive and net; already taken out of `lines`.
    discount: Money
    #: Net.
    shipping: Money
    #: Net; negative fees lower it.
    fees: Money
    tax: Money
    #: What the shop charged: the truth, never recomputed.
    grand: Money
    #: grand - (lines + shipping + fees + tax); within the channel's threshold or the order is refused.
    rounding: Money


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A sales order, frozen at one version of its source."""

    #: What people call it; not always the external id.
    number: str
    external_id: str
    #: The vendor's own version of the order: sortable text.
    version: str
    placed_at: dt.datetime
    #: The calendar day of placing in the shop's own zone (the proof groups by it).
    placed_on: dt.date
    updated_at: dt.datetime
    #: ISO 4217 code in which every amount of this order is written.
    currency: str
    state: OrderState
    #: The source's own word for the state, for messages.
    source_state: str
    payment_state: PaymentState
    fulfilment_state: FulfilmentState
    customer: Customer
    billing: Address
    shipping: Address
    lines: tuple[OrderLine, ...]
    shipping_lines: tuple[ShippingLine, ...]
    fees: tuple[Fee, ...]
    tax_lines: tuple[TaxLine, ...]
    coupons: tuple[str, ...]
    payments: tuple[Payment, ...]
    refunds: tuple[Refund, ...]
    totals: Totals
    tax_included: bool
    #: The customer's note.
    note: str = ""
    tags: tuple[str, ...] = ()
    test: bool = False
    po_number: str = ""
    payment_terms: str = ""
    #: The payment method's code in the source, also when nothing is paid yet.
    payment_method: str = ""
    #: The amounts in the shop's own currency where the order has a second money set.
    shop_totals: Totals | None = None
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
