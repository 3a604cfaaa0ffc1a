"""An order of Shopify: what we rely on, and nothing else. A field that decides anything is required.

GraphQL Admin API 2026-07; REST and webhooks in the same version, and down to those of 2016 where nothing that decides
is missing in them.
"""

from __future__ import annotations

from typing import Final

from mappings.canonical.fields import Amount, CountryCode, CurrencyCode, Flag, Number, UtcTime
from mappings.shopify.shapes import (
    GID,
    GRAPHQL,
    IN_REST,
    REST,
    Codes,
    Gid,
    Loose,
    MoneyBag,
    ObjectId,
    OneMoney,
    Pairs,
    Part,
    Percent,
    Shape,
    Tags,
    Word,
    named,
)


class AddressShape(Shape):
    """`billing_address` or `shipping_address`."""

    first_name = Loose()
    last_name = Loose()
    company = Loose()
    address1 = Loose()
    address2 = Loose()
    city = Loose()
    province = Loose()
    province_code = Loose()
    zip = Loose()
    country_code = CountryCode(null_is_empty=True, load_default="", metadata=named("countryCodeV2"))
    phone = Loose()


class EmailShape(Shape):
    """`defaultEmailAddress`."""

    email = Loose(metadata=named("emailAddress"))


class PhoneShape(Shape):
    """`defaultPhoneNumber`."""

    phone = Loose(metadata=named("phoneNumber"))


class CustomerShape(Shape):
    """Who has an account; null for a guest, a sale at the till, or one who was deleted."""

    id = Gid(required=True)
    first_name = Loose()
    last_name = Loose()
    email = Loose()
    phone = Loose()
    default_email_address = Part(EmailShape, load_default=None, allow_none=True)
    default_phone_number = Part(PhoneShape, load_default=None, allow_none=True)


class NamedShape(Shape):
    """A company or one of its locations."""

    id = ObjectId()
    name = Loose()
    external_id = Loose()


class PurchaserShape(Shape):
    """Who buys for a company (B2B): `purchasingEntity`, in REST `company`, which has only ids."""

    company = Part(NamedShape, load_default=None, allow_none=True)
    location = Part(NamedShape, load_default=None, allow_none=True)
    id = ObjectId()
    location_id = ObjectId()


class TaxShape(Shape):
    """One of `tax_lines`."""

    title = Loose()
    rate = Percent(load_default=None, allow_none=True)
    price = Amount(numbers=True, load_default=None)
    price_set = MoneyBag(load_default=None)


class ApplicationShape(Shape):
    """One of `discount_applications`, by code or by title."""

    code = Loose()
    title = Loose()
    description = Loose()


class AllocationShape(Shape):
    """What of a discount fell on one line, discounts of the whole order included."""

    amount = Amount(numbers=True, load_default=None)
    amount_set = MoneyBag(load_default=None, metadata=named("allocatedAmountSet"))
    discount_application_index = Number(load_default=None)
    discount_application = Part(ApplicationShape, load_default=None)


class DutyShape(Shape):
    """A duty on a line."""

    id = Gid(required=True)
    price_set = MoneyBag(required=True, metadata=named("price"))
    tax_lines = Part(TaxShape, many=True, load_default=list)


class FeeShape(Shape):
    """One of `additionalFees`."""

    id = Gid(required=True)
    name = Loose()
    price_set = MoneyBag(required=True, metadata=named("price"))
    tax_lines = Part(TaxShape, many=True, load_default=list)


class LineShape(Shape):
    """One of `line_items`; its price is that of one before any discount."""

    id = Gid(required=True)
    gid = Gid(load_default="", metadata=GID)
    sku = Loose()
    title = Loose()
    name = Loose()
    variant_title = Loose()
    quantity = Number(required=True)
    current_quantity = Number(load_default=None)
    price = Amount(numbers=True, load_default=None, metadata=IN_REST)
    price_set = MoneyBag(load_default=None, metadata=named("originalUnitPriceSet"))
    discount_allocations = Part(AllocationShape, many=True, required=True)
    tax_lines = Part(TaxShape, many=True, required=True)
    duties = Part(DutyShape, many=True, load_default=list)
    gift_card = Flag(load_default=False, metadata=named("isGiftCard"))
    requires_shipping = Flag(load_default=True)
    product_id = ObjectId(metadata=named("product"))
    variant_id = ObjectId(metadata=named("variant"))
    properties = Pairs(load_default=dict, metadata=named("customAttributes"))
    group = ObjectId(metadata=named("lineItemGroup", "sales_line_item_group_id"))


class ShippingShape(Shape):
    """One of `shipping_lines`."""

    id = ObjectId()
    title = Loose()
    code = Loose()
    source = Loose()
    price = Amount(numbers=True, load_default=None, metadata=IN_REST)
    price_set = MoneyBag(load_default=None, metadata=named("originalPriceSet"))
    discounted_price = Amount(numbers=True, load_default=None, metadata=IN_REST)
    discounted_price_set = MoneyBag(load_default=None)
    tax_lines = Part(TaxShape, many=True, load_default=list)
    is_removed = Flag(load_default=False)


class KeptShape(Shape):
    """What a gateway kept of a payment; only GraphQL tells."""

    amount = OneMoney(load_default=None)


class TransactionShape(Shape):
    """One of `transactions`."""

    id = Gid(required=True)
    gid = Gid(load_default="", metadata=GID)
    kind = Word()
    status = Word()
    gateway = Loose()
    formatted_gateway = Loose()
    amount = Amount(numbers=True, load_default=None, metadata=IN_REST)
    amount_set = MoneyBag(load_default=None)
    processed_at = UtcTime(load_default=None, allow_none=True)
    test = Flag(load_default=False)
    fees = Part(KeptShape, many=True, load_default=list)


class RefundedLineShape(Shape):
    """One of a refund's `refund_line_items`. Its subtotal holds the tax where the order's prices do."""

    line_item_id = Gid(required=True, metadata=named("lineItem"))
    quantity = Number(required=True)
    restock_type = Word()
    subtotal = Number(load_default=None, metadata=IN_REST)
    subtotal_set = MoneyBag(load_default=None)
    total_tax = Number(load_default=None, metadata=IN_REST)
    total_tax_set = MoneyBag(load_default=None)


class RefundedShippingShape(Shape):
    """One of a refund's `refund_shipping_lines`."""

    shipping_line_id = ObjectId(metadata=named("shippingLine", "shipping_line"))
    subtotal_amount_set = MoneyBag(required=True)
    tax_amount_set = MoneyBag(load_default=None)


class RefundedDutyShape(Shape):
    """What was given back of a duty."""

    amount_set = MoneyBag(required=True)


class AdjustmentShape(Shape):
    """What makes the money and the lines of a refund agree: shipping in older versions, and what was kept or given."""

    kind = Word()
    reason = Word()
    amount = Amount(numbers=True, load_default=None, metadata=IN_REST)
    amount_set = MoneyBag(load_default=None)
    tax_amount = Amount(numbers=True, load_default=None, metadata=IN_REST)
    tax_amount_set = MoneyBag(load_default=None)


class RefundShape(Shape):
    """One of `refunds`: money, pieces, or both."""

    id = Gid(required=True)
    gid = Gid(load_default="", metadata=GID)
    created_at = UtcTime(load_default=None, allow_none=True)
    processed_at = UtcTime(load_default=None, allow_none=True)
    note = Loose()
    total_refunded_set = MoneyBag(load_default=None)
    refund_line_items = Part(RefundedLineShape, many=True, required=True)
    refund_shipping_lines = Part(RefundedShippingShape, many=True, load_default=list)
    duties = Part(RefundedDutyShape, many=True, load_default=list, allow_none=True)
    order_adjustments = Part(AdjustmentShape, many=True, load_default=list)
    transactions = Part(TransactionShape, many=True, load_default=list)


class TermsShape(Shape):
    """`payment_terms`."""

    name = Loose(metadata=named("paymentTermsName", "payment_terms_name"))


class ShopShape(Shape):
    """What the shop says of itself beside an order that is read over GraphQL."""

    zone = Loose(metadata=named("ianaTimezone", "iana_timezone"))


class OrderShape(Shape):
    """An order."""

    id = Gid(required=True)
    gid = Gid(load_default="", metadata=GID)
    name = Loose()
    created_at = UtcTime(required=True)
    processed_at = UtcTime(load_default=None, allow_none=True)
    updated_at = UtcTime(required=True)
    cancelled_at = UtcTime(required=True, allow_none=True)
    closed_at = UtcTime(load_default=None, allow_none=True)
    currency = CurrencyCode(required=True, metadata=named("currencyCode"))
    presentment_currency = CurrencyCode(load_default="", metadata=named("presentmentCurrencyCode"))
    taxes_included = Flag(required=True)
    duties_included = Flag(load_default=False)
    total_price = Amount(load_default=None, metadata=IN_REST)
    total_price_set = MoneyBag(load_default=None)
    total_tax = Amount(load_default=None, metadata=IN_REST)
    total_tax_set = MoneyBag(load_default=None)
    total_discounts = Amount(load_default=None, metadata=IN_REST)
    total_tip_received = Amount(load_default=None, metadata=IN_REST)
    total_tip_received_set = MoneyBag(load_default=None)
    current_total_price_set = MoneyBag(load_default=None)
    financial_status = Word(metadata=named("displayFinancialStatus"))
    fulfillment_status = Word(metadata=named("displayFulfillmentStatus"))
    test = Flag(load_default=False)
    note = Loose()
    tags = Tags(load_default=())
    email = Loose()
    phone = Loose()
    po_number = Loose()
    source_name = Loose()
    source_identifier = Loose()
    confirmation_number = Loose()
    note_attributes = Pairs(load_default=dict, metadata=named("customAttributes"))
    payment_gateway_names = Tags(load_default=())
    payment_terms = Part(TermsShape, load_default=None, allow_none=True)
    discount_codes = Codes(load_default=())
    discount_applications = Part(ApplicationShape, many=True, load_default=list)
    customer = Part(CustomerShape, load_default=None, allow_none=True)
    purchaser = Part(PurchaserShape, load_default=None, allow_none=True, metadata=named("purchasingEntity", "company"))
    billing_address = Part(AddressShape, load_default=None, allow_none=True)
    shipping_address = Part(AddressShape, load_default=None, allow_none=True)
    line_items = Part(LineShape, many=True, required=True)
    shipping_lines = Part(ShippingShape, many=True, required=True)
    additional_fees = Part(FeeShape, many=True, load_default=list)
    tax_lines = Part(TaxShape, many=True, load_default=list)
    transactions = Part(TransactionShape, many=True, load_default=None)
    refunds = Part(RefundShape, many=True, required=True)
    shop = Part(ShopShape, load_default=None)


#: Building a schema costs more than using it.
ORDER: Final = {style: OrderShape(style=style) for style in (REST, GRAPHQL)}
REFUND: Final = {style: RefundShape(style=style) for style in (REST, GRAPHQL)}
