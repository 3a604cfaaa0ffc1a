"""The order itself: one pure function that reads top to bottom."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mappings.base import JsonDict, SourceOptions
from mappings.canonical.errors import MappingError, Problem, Problems
from mappings.canonical.money import Money
from mappings.canonical.records import (
    Address,
    Customer,
    Fee,
    FulfilmentState,
    Order,
    OrderLine,
    OrderState,
    ShippingLine,
    Totals,
)
from mappings.canonical.totals import Stated, last_decimal, prove
from mappings.canonical.validation import load_strictly
from mappings.canonical.words import say
from mappings.shopify import meaning, schema
from mappings.shopify.parts import (
    Parts,
    Side,
    missing_amounts,
    of_shop,
    presentment,
    read_parts,
    read_payments,
    read_taxes,
    with_tip,
)
from mappings.shopify.removed import given_back, read_refunds, removed_pieces
from mappings.shopify.shapes import GRAPHQL, REST

_Data = Mapping[str, Any]

#: With one of these broken there is nothing to prove the totals with.
_NEEDED_FOR_PROOF: Final = frozenset(
    {
        *("currency", "presentment_currency", "taxes_included", "duties_included", "line_items", "shipping_lines"),
        *("total_price", "total_price_set", "total_tax", "total_tax_set", "total_tip_received_set", "refunds"),
        *("current_total_price_set", "additional_fees", "transactions", "cancelled_at", "discount_applications"),
    }
)
#: What looks like an order and is none, by what only it has.
_NO_ORDERS: Final[Mapping[str, str]] = {
    "invoice_url": say("a draft order, which nobody has accepted yet"),
    "abandoned_checkout_url": say("a checkout that was not finished"),
    "originalOrder": say("the draft of an edit"),
    "fulfillment_order_id": say("a fulfilment order"),
    "shipment_status": say("a fulfilment"),
    "happened_at": say("a movement of goods between locations"),
}
#: The second money is converted part by part, so that its parts may miss their sum by any number of cents.
_ANY: Final = Decimal("1e15")


def order_from_shopify(payload: JsonDict, options: SourceOptions) -> Order:
    """The canonical order of a GraphQL answer, a REST answer or a webhook's body.

    Amounts are in the currency that the customer paid in, `shop_totals` has those of the shop where that is another.
    `version` is `updatedAt` in UTC, `placed_on` the day of `processedAt` in the shop's own zone (the UTC day where
    nobody says which that is). Raises Problems with everything that is wrong.
    """
    style = style_of(payload)
    data, problems = load_strictly(schema.ORDER[style], payload)
    if not problems:
        problems = list(missing_amounts(data, style == GRAPHQL))
    if problems:
        raise Problems([*problems, *_state_problems(data, options, style)])
    _name_exactly(data)
    state = meaning.order_state(_word(data), options.order_states, _state_path(style))
    side = presentment(data)
    removed = removed_pieces(data, side)
    proven = _prove(data, side, removed, options, style)
    order = _order(data, side, state, proven)
    placed_on = _placed_on(data, payload, order.placed_at)
    return dataclasses.replace(order, placed_on=placed_on, refunds=read_refunds(data, side, removed))


def style_of(payload: JsonDict) -> str:
    """How the payload is spelled. Raises MappingError with one plain reason for what is no order."""
    if draft := next((name for mark, name in _NO_ORDERS.items() if mark in payload), None):
        raise MappingError("", say("%(what)s, expected an order", what=draft))
    if "lineItems" in payload:
        return GRAPHQL
    if "line_items" in payload:
        return REST
    if payload.keys() == {"id"}:
        raise MappingError("", say("only an id: the shop's notice that an order was deleted, not an order"))
    if "errors" in payload:
        raise MappingError("", say("an error of the shop, not an order"))
    raise MappingError("", say("neither lineItems nor line_items, expected a Shopify order"))


def _state_problems(data: _Data, options: SourceOptions, style: str) -> list[Problem]:
    """What is wrong with the state, beside everything else that is."""
    if not {"cancelled_at", "financial_status", "fulfillment_status"} <= data.keys():
        return []
    try:
        meaning.order_state(_word(data), options.order_states, _state_path(style))
    except MappingError as exc:
        return list(exc.problems)
    return []


def _word(data: _Data) -> str:
    return meaning.state_word(
        cancelled=data["cancelled_at"] is not None,
        financial=data["financial_status"],
        fulfilment=data["fulfillment_status"],
    )


def _state_path(style: str) -> str:
    return "displayFinancialStatus" if style == GRAPHQL else "financial_status"


def _name_exactly(data: dict[str, Any]) -> None:
    """By its gid, where REST has one beside a number that may have been rounded on its way."""
    renamed = {line["id"]: line["gid"] or line["id"] for line in data["line_items"]}
    for refund in data["refunds"]:
        for line in refund["refund_line_items"]:
            line["line_item_id"] = renamed.get(line["line_item_id"], line["line_item_id"])
    for entry in (data, *data["line_items"], *data["refunds"], *(data["transactions"] or ())):
        entry["id"] = entry["gid"] or entry["id"]


@dataclasses.dataclass(frozen=True, slots=True)
class _Proven:
    """The parts of an order and the totals that they tie to."""

    parts: Parts
    totals: Totals
    shop_totals: Totals | None


def _prove(data: _Data, side: Side, removed: Mapping[str, Decimal], options: SourceOptions, style: str) -> _Proven:
    """Raises MappingError: the totals mismatch."""
    path = "totalPriceSet" if style == GRAPHQL else "total_price"
    parts, totals = _tied(data, side, removed, options.totals_threshold, path)
    shop = of_shop(data)
    if shop.currency == side.currency:
        return _Proven(parts, totals, None)
    _parts, shop_totals = _tied(data, shop, removed, None, path)
    return _Proven(parts, totals, shop_totals)


def _tied(
    data: _Data, side: Side, removed: Mapping[str, Decimal], threshold: int | None, path: str
) -> tuple[Parts, Totals]:
    parts = read_parts(data, side, removed)
    stated = _stated(data, parts, side, removed)
    unit = last_decimal(stated.grand.amount, side.currency)
    tolerance = _ANY if threshold is None else threshold * unit

    def totals(tried: Parts) -> Totals:
        return prove(tried.lines, tried.shipping_lines, tried.fees, stated, tolerance=tolerance, path=path)

    tipped = with_tip(parts, data, side)
    try:
        return parts, totals(parts)
    except MappingError:
        # A tip at the till is no line; only arithmetic tells.
        if tipped is None:
            raise
        try:
            return tipped, totals(tipped)
        except MappingError:
            pass
        raise


def _stated(data: _Data, parts: Parts, side: Side, removed: Mapping[str, Decimal]) -> Stated:
    """What the shop charged: the order as it was sold, or what is left of it and what was given back of that."""
    discount = side.sum(line.subtotal - line.total for line in parts.lines)
    if not removed:
        return Stated(discount=discount, tax=side.amount(data, "total_tax"), grand=side.amount(data, "total_price"))
    taxed: tuple[OrderLine | ShippingLine | Fee, ...] = (*parts.lines, *parts.shipping_lines, *parts.fees)
    tax = side.sum(each.tax for each in taxed)
    current = side.bag(data, "current_total_price")
    if current is None:
        raise MappingError("current_total_price_set", say("is missing"))
    return Stated(discount=discount, tax=tax, grand=current + side.sum(_returned(data, side)))


def _returned(data: _Data, side: Side) -> list[Money]:
    """What the refunds took out of the current total: their lines and shipping, with tax."""
    found = []
    for refund in data["refunds"]:
        if not given_back(refund, side):
            continue
        for line in refund["refund_line_items"]:
            found.append(side.amount(line, "subtotal"))
            found += [] if data["taxes_included"] else [side.amount(line, "total_tax")]
        for shipping in refund["refund_shipping_lines"]:
            found.append(side.amount(shipping, "subtotal_amount"))
            found += [] if data["taxes_included"] else [side.amount(shipping, "tax_amount")]
    return found


def _order(data: _Data, side: Side, state: OrderState, proven: _Proven) -> Order:
    placed_at = data["processed_at"] or data["created_at"]
    payments = read_payments(data, side)
    return Order(
        number=data["name"] or data["id"],
        external_id=data["id"],
        version=data["updated_at"].replace(tzinfo=None).isoformat(timespec="seconds"),
        placed_at=placed_at,
        placed_on=placed_at.date(),
        updated_at=data["updated_at"],
        currency=side.currency,
        state=state,
        source_state=_word(data),
        payment_state=meaning.payment_state(data["financial_status"], due=bool(proven.totals.grand)),
        fulfilment_state=meaning.FULFILMENT_STATES.get(data["fulfillment_status"], FulfilmentState.UNFULFILLED),
        customer=_customer(data),
        billing=_address(data["billing_address"] or data["shipping_address"], data),
        shipping=_address(data["shipping_address"] or data["billing_address"], data),
        lines=proven.parts.lines,
        shipping_lines=proven.parts.shipping_lines,
        fees=proven.parts.fees,
        tax_lines=read_taxes(data["tax_lines"], side),
        coupons=data["discount_codes"],
        payments=payments,
        refunds=(),
        totals=proven.totals,
        tax_included=data["taxes_included"],
        note=data["note"],
        tags=data["tags"],
        test=data["test"],
        po_number=data["po_number"],
        payment_terms=(data["payment_terms"] or {}).get("name", ""),
        payment_method=next(iter(data["payment_gateway_names"]), ""),
        shop_totals=proven.shop_totals,
        attributes=_attributes(data),
    )


def _placed_on(data: _Data, payload: JsonDict, placed_at: dt.datetime) -> dt.date:
    """REST writes its times with the shop's offset; beside a GraphQL answer stands the shop's zone."""
    zone = (data["shop"] or {}).get("zone", "")
    if zone:
        try:
            return placed_at.astimezone(ZoneInfo(zone)).date()
        except (ZoneInfoNotFoundError, ValueError):
            return placed_at.date()
    written = payload.get("processed_at") or payload.get("created_at")
    return dt.date.fromisoformat(written[:10]) if isinstance(written, str) else placed_at.date()


def _customer(data: _Data) -> Customer:
    known, buyer = data["customer"], data["purchaser"] or {}
    address = data["billing_address"] or data["shipping_address"] or {}
    company = buyer.get("company") or {}
    named = known or address
    return Customer(
        external_id="" if known is None else known["id"],
        guest=known is None,
        first_name=named.get("first_name") or address.get("first_name", ""),
        last_name=named.get("last_name") or address.get("last_name", ""),
        company=company.get("name") or address.get("company", ""),
        vat_id=meaning.vat_id(data["note_attributes"]),
        email=data["email"] or _of(known, "email", "default_email_address"),
        phone=data["phone"] or _of(known, "phone", "default_phone_number"),
    )


def _of(customer: _Data | None, name: str, newer: str) -> str:
    if customer is None:
        return ""
    return str(customer[name] or (customer[newer] or {}).get(name, ""))


def _address(address: _Data | None, data: _Data) -> Address:
    if address is None:
        # Nothing is sent: a gift card, a download, a sale at the till.
        return Address(email=data["email"])
    return Address(
        first_name=address["first_name"],
        last_name=address["last_name"],
        company=address["company"],
        street=address["address1"],
        street_2=address["address2"],
        city=address["city"],
        postal_code=address["zip"],
        region=address["province_code"] or address["province"],
        country=address["country_code"],
        phone=address["phone"],
        email=data["email"],
    )


def _attributes(data: _Data) -> dict[str, Any]:
    """What has no field of its own, without what is empty."""
    buyer = data["purchaser"] or {}
    company, location = buyer.get("company") or {}, buyer.get("location") or {}
    found = {
        "source_name": data["source_name"],
        "source_identifier": data["source_identifier"],
        "confirmation_number": data["confirmation_number"],
        "company_id": company.get("id") or buyer.get("id", ""),
        "company_external_id": company.get("external_id", ""),
        "company_location": location.get("name", ""),
        "company_location_id": location.get("id") or buyer.get("location_id", ""),
        "note_attributes": data["note_attributes"],
    }
    return {name: value for name, value in found.items() if value}
