"""The order itself: one pure function that reads top to bottom."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from mappings.base import JsonDict, SourceOptions
from mappings.canonical.errors import MappingError, Problem, Problems
from mappings.canonical.money import Money, money_sum
from mappings.canonical.records import Address, Customer, Order, OrderState, Totals
from mappings.canonical.totals import Stated, last_decimal, prove
from mappings.canonical.validation import load_strictly
from mappings.canonical.words import say
from mappings.woocommerce import meaning, schema
from mappings.woocommerce.fees import with_fee
from mappings.woocommerce.parts import (
    Parts,
    gift_card_fees,
    quantity_problems,
    read_parts,
    read_payments,
    read_refunds,
)

_Data = Mapping[str, Any]

#: With one of these broken there is nothing to prove the totals with.
_NEEDED_FOR_PROOF: Final = frozenset(
    {
        *("currency", "total", "total_tax", "discount_total", "prices_include_tax", "gift_cards"),
        *("line_items", "shipping_lines", "fee_lines", "tax_lines", "coupon_lines"),
    }
)


def order_from_woocommerce(payload: JsonDict, options: SourceOptions) -> Order:
    """The canonical order of a REST API v3 order.

    Amounts are in the order's own currency, in the decimals that the shop wrote. `version` is `date_modified_gmt` as
    the shop writes it (`date_created_gmt` for an order that was never changed), `placed_on` the day of `date_created`,
    the only field in the shop's own zone (the UTC day where a shop does not send it). Raises Problems with everything
    that is wrong.
    """
    _refuse_other_things(payload)
    data, problems = load_strictly(schema.ORDER, payload)
    state: OrderState | None = None
    try:
        state = meaning.order_state(data["status"], options.order_states) if "status" in data else None
    except MappingError as exc:
        problems.extend(exc.problems)
    proven: _Proven | None = None
    if _NEEDED_FOR_PROOF.isdisjoint(_field(problem) for problem in problems):
        try:
            proven = _prove(data, options, as_text=isinstance(payload["total"], str))
        except Problems as exc:
            problems.extend(exc.problems)
    if state is None or proven is None or problems:
        raise Problems(problems)
    return with_fee(_order(data, state, proven), payload.get("meta_data"))


def _refuse_other_things(payload: JsonDict) -> None:
    """What is no order gets one plain reason instead of twenty missing fields."""
    if "refunded_by" in payload:
        raise MappingError("", say("a refund, not an order"))
    if "line_items" in payload:
        return
    if payload.keys() == {"id"}:
        raise MappingError("", say("only an id: the shop's notice that an order was deleted, not an order"))
    if "code" in payload and "message" in payload:
        raise MappingError("", say("an error of the shop (%(code)s), not an order", code=str(payload["code"])[:100]))
    if "currency" not in payload:
        raise MappingError("", say("neither line_items nor currency, expected a WooCommerce order"))


def _field(problem: Problem) -> str:
    return problem.path.partition(".")[0].partition("[")[0]


@dataclasses.dataclass(frozen=True, slots=True)
class _Proven:
    """The parts of an order and the totals that they tie to."""

    parts: Parts
    totals: Totals
    #: The shop took redeemed gift cards out of its total, so they stand among the fees and are no payment.
    gift_cards_in_total: bool = False


def _prove(data: _Data, options: SourceOptions, *, as_text: bool) -> _Proven:
    """Raises Problems: the totals mismatch, and lines without quantity."""
    parts = read_parts(data)
    problems = list(quantity_problems(parts.lines))
    try:
        proven = _tied(data, parts, options, as_text=as_text)
    except MappingError as exc:
        raise Problems([*problems, *exc.problems]) from None
    if problems:
        raise Problems(problems)
    return proven


def _tied(data: _Data, parts: Parts, options: SourceOptions, *, as_text: bool) -> _Proven:
    currency, grand = data["currency"], data["total"]
    stated = Stated(
        discount=Money(data["discount_total"].copy_abs(), currency),
        tax=Money(data["total_tax"], currency),
        grand=Money(grand, currency),
    )
    tolerance = options.totals_threshold * last_decimal(grand, currency, as_text=as_text)

    def totals(tried: Parts) -> Totals:
        return prove(tried.lines, tried.shipping_lines, tried.fees, stated, tolerance=tolerance, path="total")

    try:
        return _Proven(parts, totals(parts))
    except MappingError:
        if not data["gift_cards"]:
            raise
        # Some versions of the plugin lower the total itself; only arithmetic tells them apart.
        with_cards = dataclasses.replace(parts, fees=(*parts.fees, *gift_card_fees(data)))
        try:
            return _Proven(with_cards, totals(with_cards), gift_cards_in_total=True)
        except MappingError:
            pass
        raise


def _order(data: _Data, state: OrderState, proven: _Proven) -> Order:
    currency, meta, parts, grand = data["currency"], data["meta_data"], proven.parts, proven.totals.grand
    placed_at, updated_at = data["date_created_gmt"], data["date_modified_gmt"] or data["date_created_gmt"]
    refunds = read_refunds(data)
    return Order(
        number=data["number"],
        external_id=data["id"],
        version=updated_at.replace(tzinfo=None).isoformat(timespec="seconds"),
        placed_at=placed_at,
        placed_on=data["date_created"] or placed_at.date(),
        updated_at=updated_at,
        currency=currency,
        state=state,
        source_state=data["status"],
        payment_state=meaning.payment_state(
            state,
            paid=data["date_paid_gmt"] is not None,
            authorized=meaning.marked(meta, meaning.AUTHORIZED_MARKS),
            total=grand.amount,
            refunded=money_sum((refund.amount for refund in refunds), currency).amount,
        ),
        fulfilment_state=meaning.fulfilment_state(state, meta),
        customer=_customer(data),
        billing=_address(data["billing"]),
        shipping=_address(data["shipping"]),
        lines=parts.lines,
        shipping_lines=parts.shipping_lines,
        fees=parts.fees,
        tax_lines=parts.tax_lines,
        coupons=tuple(coupon["code"] for coupon in data["coupon_lines"]),
        payments=read_payments(data, grand, gift_cards_in_total=proven.gift_cards_in_total),
        refunds=refunds,
        totals=proven.totals,
        tax_included=data["prices_include_tax"],
        note=data["customer_note"],
        test=meaning.marked(meta, meaning.TEST_MARKS),
        po_number=meaning.first_text(meta, meaning.PO_NUMBER_KEYS),
        payment_terms=meaning.first_text(meta, meaning.PAYMENT_TERMS_KEYS),
        payment_method=data["payment_method"],
        attributes=_attributes(data),
    )


def _customer(data: _Data) -> Customer:
    billing, guest = data["billing"], data["customer_id"] == "0"
    return Customer(
        external_id="" if guest else data["customer_id"],
        guest=guest,
        first_name=billing["first_name"],
        last_name=billing["last_name"],
        company=billing["company"],
        vat_id=meaning.first_text(data["meta_data"], meaning.VAT_ID_KEYS),
        email=billing["email"],
        phone=billing["phone"],
    )


def _address(address: _Data) -> Address:
    return Address(
        first_name=address["first_name"],
        last_name=address["last_name"],
        company=address["company"],
        street=address["address_1"],
        street_2=address["address_2"],
        city=address["city"],
        postal_code=address["postcode"],
        region=address["state"],
        country=address["country"],
        phone=address["phone"],
        email=address["email"],
    )


def _attributes(data: _Data) -> dict[str, Any]:
    """What has no field of its own, without what is empty."""
    meta = data["meta_data"]
    found = {
        "created_via": data["created_via"],
        "parent_id": "" if data["parent_id"] == "0" else data["parent_id"],
        "subscription_renewal": str(meta.get("_subscription_renewal", "")),
        "meta": meaning.custom_fields(meta),
    }
    return {name: value for name, value in found.items() if value}
