"""The order itself: one pure function that reads top to bottom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from mappings.base import JsonDict, SourceOptions
from mappings.canonical.errors import MappingError, Problem, Problems
from mappings.canonical.money import Money, money_sum
from mappings.canonical.records import Address, Customer, FulfilmentState, Order, OrderState, PaymentState, Totals
from mappings.canonical.totals import Stated, prove
from mappings.canonical.validation import load_strictly
from mappings.canonical.words import say
from mappings.vendure import meaning, schema
from mappings.vendure.parts import (
    Coins,
    Parts,
    read_parts,
    read_payments,
    read_refunds,
    read_tax_totals,
    settled_refunds,
)

_Data = Mapping[str, Any]
_ZERO: Final = Decimal(0)
#: The share of an aggregate order that one seller of a marketplace sends: its lines stand in the aggregate too.
_SELLER: Final = "Seller"


def order_from_vendure(payload: JsonDict, options: SourceOptions) -> Order:
    """The canonical order of an order of the Admin API.

    Amounts are in the order's own currency, in the decimals that the shop counts in (`moneyStrategyPrecision`).
    `version` is the newest of the times of the order, its parcels, payments and refunds, for `updatedAt` does not move
    with these; `placed_on` is the UTC day of `orderPlacedAt`, for a shop has no zone. Raises Problems with everything
    that is wrong.
    """
    _refuse_other_things(payload)
    data, problems = load_strictly(schema.ORDER, payload)
    state: OrderState | None = None
    try:
        state = meaning.order_state(data["state"], options.order_states) if "state" in data else None
    except MappingError as exc:
        problems.extend(exc.problems)
    if not problems:
        problems = list(_oddities(data))
    if state is None or problems:
        raise Problems(problems)
    parts = read_parts(data)
    return _order(data, state, parts, _prove(data, parts, options), payload)


def _refuse_other_things(payload: JsonDict) -> None:
    """What is no order gets one plain reason instead of twenty missing fields."""
    if "lines" in payload and "currencyCode" in payload:
        return
    if "errors" in payload or "errorCode" in payload:
        raise MappingError("", say("an error of the shop, not an order"))
    raise MappingError("", say("neither lines nor currencyCode, expected a Vendure order"))


def _oddities(data: _Data) -> list[Problem]:
    found = []
    if data["order_placed_at"] is None:
        reason = say("found none, expected when the order was placed: this is a cart")
        found.append(Problem(cause="mapping", path="orderPlacedAt", reason=reason))
    if data["type"] == _SELLER:
        reason = say("found a seller's share of an order, expected the order itself, which has the same lines")
        found.append(Problem(cause="mapping", path="type", reason=reason))
    return found


def _prove(data: _Data, parts: Parts, options: SourceOptions) -> Totals:
    """Raises MappingError: the totals mismatch."""
    coins = Coins(data)
    saved = money_sum((line.subtotal - line.total for line in parts.lines), coins.currency)
    stated = Stated(discount=saved, tax=parts.tax, grand=parts.grand)
    tolerance = options.totals_threshold * Decimal(1).scaleb(-coins.digits)
    return prove(parts.lines, parts.shipping_lines, parts.fees, stated, tolerance=tolerance, path="totalWithTax")


def _order(data: _Data, state: OrderState, parts: Parts, totals: Totals, payload: JsonDict) -> Order:
    version = newest(data)
    return Order(
        number=data["code"],
        external_id=data["id"],
        version=version.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        placed_at=data["order_placed_at"],
        placed_on=data["order_placed_at"].date(),
        updated_at=version,
        currency=data["currency_code"],
        state=state,
        source_state=data["state"],
        payment_state=_payment_state(data, totals.grand),
        fulfilment_state=meaning.FULFILMENT_STATES.get(data["state"], _by_parcels(data)),
        customer=_customer(data),
        billing=_address(data["billing_address"] or data["shipping_address"], data),
        shipping=_address(data["shipping_address"] or data["billing_address"], data),
        lines=parts.lines,
        shipping_lines=parts.shipping_lines,
        fees=parts.fees,
        tax_lines=read_tax_totals(parts),
        coupons=tuple(code for code in data["coupon_codes"] if code),
        payments=read_payments(data),
        refunds=read_refunds(data),
        totals=totals,
        tax_included=data["prices_include_tax"],
        payment_method=next((payment["method"] for payment in data["payments"]), ""),
        attributes=_attributes(payload),
    )


def newest(data: _Data) -> dt.datetime:
    """The last change of the order, or of anything that hangs on it."""
    below = [*data["fulfillments"], *data["payments"], *(r for p in data["payments"] for r in p["refunds"])]
    found: dt.datetime = max(data["updated_at"], *(each["updated_at"] or data["updated_at"] for each in (data, *below)))
    return found


def _payment_state(data: _Data, grand: Money) -> PaymentState:
    coins = Coins(data)

    def sum_of(state: str) -> Decimal:
        units = sum((payment["amount"] for payment in data["payments"] if payment["state"] == state), _ZERO)
        return coins.of(units).amount

    refunded = coins.of(sum((refund["total"] for refund in settled_refunds(data)), _ZERO)).amount
    # A cent that a cancellation left by its rounding is nobody's debt.
    due = min(grand.amount, coins.of(data["total_with_tax"]).amount)
    return meaning.payment_state(
        settled=sum_of(meaning.SETTLED), authorized=sum_of(meaning.AUTHORIZED), refunded=refunded, due=due
    )


def _by_parcels(data: _Data) -> FulfilmentState:
    """For a state of the shop's own, which does not say."""
    sent = any(parcel["state"] in {"Shipped", "Delivered"} for parcel in data["fulfillments"])
    return FulfilmentState.PARTIAL if sent else FulfilmentState.UNFULFILLED


def _customer(data: _Data) -> Customer:
    customer = data["customer"]
    address = data["billing_address"] or data["shipping_address"] or {"company": "", "phone_number": ""}
    if customer is None:
        return Customer(external_id="", guest=True, company=address["company"], phone=address["phone_number"])
    # A guest is a customer without a user, and the same one again when the address of the e-mail is.
    guest = customer["user"] is None
    return Customer(
        external_id="" if guest else customer["id"],
        guest=guest,
        first_name=customer["first_name"],
        last_name=customer["last_name"],
        company=address["company"],
        email=customer["email_address"],
        phone=customer["phone_number"] or address["phone_number"],
    )


def _address(address: _Data | None, data: _Data) -> Address:
    if address is None:
        return Address()
    # One field for the whole name: what stands before the last word is the first name, as far as anybody can tell.
    first, _, last = address["full_name"].strip().rpartition(" ")
    return Address(
        first_name=first,
        last_name=last,
        company=address["company"],
        street=address["street_line1"],
        street_2=address["street_line2"],
        city=address["city"],
        postal_code=address["postal_code"],
        region=address["province"],
        country=address["country_code"],
        phone=address["phone_number"],
        email=(data["customer"] or {"email_address": ""})["email_address"],
    )


def _attributes(payload: JsonDict) -> dict[str, Any]:
    """The shop's own fields of an order, as far as the connection reads them."""
    told = payload.get("customFields")
    fields = told.items() if isinstance(told, dict) else ()
    kept = {name: value for name, value in fields if isinstance(value, str | int) and value != ""}
    return {"custom_fields": kept} if kept else {}
