"""The order itself: one pure function that reads top to bottom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mappings.base import JsonDict, SourceOptions
from mappings.canonical.errors import MappingError, Problem, Problems
from mappings.canonical.money import Money, money_sum
from mappings.canonical.records import Address, Customer, FulfilmentState, Order, OrderState, PaymentState, Totals
from mappings.canonical.totals import Stated, last_decimal, prove
from mappings.canonical.validation import load_strictly
from mappings.canonical.words import say
from mappings.fxiaoke import meaning, schema
from mappings.fxiaoke.parts import Parts, charged, currency_of, read_parts, read_taxes

_Data = Mapping[str, Any]
_AMOUNT: Final = "SalesOrderObj.order_amount"


def order_from_fxiaoke(payload: JsonDict, options: SourceOptions) -> Order:
    """The canonical order of a sales order, read with its lines, customer and products.

    Amounts are in the order's own currency, or the tenant's. `version` is the newest `last_modified_time` of the order
    and its lines, `placed_on` the day of `create_time` in the tenant's zone: the day that people give an order
    (`order_time`) may lie anywhere, and stands in the attributes. Raises Problems with everything that is wrong.
    """
    _refuse_other_things(payload)
    data, problems = load_strictly(schema.PAYLOAD, payload)
    problems += _state_problems(data, options)
    proven: tuple[Parts, Totals] | None = None
    if not any(problem.path != meaning.STATE_PATH for problem in problems):
        try:
            proven = _proven(data, payload, options)
        except Problems as exc:
            problems += exc.problems
    if problems or proven is None:
        raise Problems(problems)
    state = meaning.order_state(data["order"]["life_status"], options.order_states)
    return _order(data, _vat_id(data, payload), state, *proven)


def _refuse_other_things(payload: JsonDict) -> None:
    """What is no order gets one plain reason instead of twenty missing fields."""
    if "SalesOrderObj" in payload:
        return
    if payload.get("errorCode"):
        code = str(payload["errorCode"])[:100]
        raise MappingError("", say("an error of Fxiaoke (%(code)s), not an order", code=code))
    inside = payload.get("data")
    if isinstance(inside, dict) and inside.keys() & {"object_data", "masterFieldVal"}:
        raise MappingError("", say("the body of a write, expected an order that was read"))
    if payload.keys() == {"_id"}:
        raise MappingError("", say("only an id, expected an order that was read"))
    raise MappingError("", say("no SalesOrderObj, expected an order of Fxiaoke with its lines"))


def _state_problems(data: _Data, options: SourceOptions) -> list[Problem]:
    """What is wrong with the state, beside everything else that is."""
    word = (data.get("order") or {}).get("life_status")
    try:
        if isinstance(word, str):
            meaning.order_state(word, options.order_states)
    except MappingError as exc:
        return list(exc.problems)
    return []


def _proven(data: _Data, payload: JsonDict, options: SourceOptions) -> tuple[Parts, Totals]:
    """The parts and the totals that they tie to. Raises Problems."""
    parts, currency = read_parts(data, payload), currency_of(data, payload)
    grand = Money(data["order"]["order_amount"], currency)
    stated = Stated(
        discount=money_sum((line.subtotal - line.total for line in parts.lines), currency),
        tax=money_sum((each.tax for each in charged(parts)), currency),
        grand=grand,
    )
    as_text = isinstance(payload["SalesOrderObj"]["order_amount"], str)
    tolerance = options.totals_threshold * last_decimal(grand.amount, currency, as_text=as_text)
    return parts, prove(parts.lines, parts.shipping_lines, (), stated, tolerance=tolerance, path=_AMOUNT)


def _order(data: _Data, vat_id: str, state: OrderState, parts: Parts, totals: Totals) -> Order:
    order, placed_at = data["order"], data["order"]["create_time"]
    billing = _billing(data)
    return Order(
        number=order["name"],
        external_id=order["id"],
        version=version_of(data),
        placed_at=placed_at,
        placed_on=_day(placed_at, data["settings"]["zone"]),
        updated_at=order["last_modified_time"] or placed_at,
        currency=totals.grand.currency,
        state=state,
        source_state=order["life_status"],
        # What was received stands in documents of their own, which are not read.
        payment_state=PaymentState.UNPAID if totals.grand.amount > Decimal(0) else PaymentState.PAID,
        fulfilment_state=FulfilmentState.UNFULFILLED,
        customer=_customer(data, vat_id),
        billing=billing,
        shipping=_shipping(data, billing),
        lines=parts.lines,
        shipping_lines=parts.shipping_lines,
        fees=(),
        tax_lines=read_taxes(parts),
        coupons=(),
        payments=(),
        refunds=(),
        totals=totals,
        tax_included=any(line.tax_included for line in parts.lines),
        note=order["remark"],
        attributes=_attributes(data),
    )


def version_of(data: _Data) -> str:
    """The newest change of the order and its lines, in UTC."""
    order = data["order"]
    times = [
        order["last_modified_time"] or order["create_time"],
        *(line["last_modified_time"] for line in data["lines"]),
    ]
    newest: dt.datetime = max(time for time in times if time is not None)
    return newest.replace(tzinfo=None).isoformat(timespec="milliseconds")


def _day(moment: dt.datetime, zone: str) -> dt.date:
    try:
        return moment.astimezone(ZoneInfo(zone)).date()
    except (ZoneInfoNotFoundError, ValueError):
        return moment.date()


def _vat_id(data: _Data, payload: JsonDict) -> str:
    """In the customer's field that the connection names: the vendor has none of its own."""
    field = data["settings"]["vat_id_field"]
    return str((payload["AccountObj"] or {}).get(field) or "").strip() if field else ""


def _customer(data: _Data, vat_id: str) -> Customer:
    """The company that orders. Nobody is a guest in a CRM."""
    account = data["account"] or {}
    return Customer(
        external_id=data["order"]["account_id"],
        guest=False,
        company=account.get("name", ""),
        vat_id=vat_id,
        email=account.get("email", ""),
        phone=account.get("tel", ""),
    )


def _billing(data: _Data) -> Address:
    account = data["account"] or {}
    region, city = meaning.places(account.get("address", ""))
    return Address(
        company=account.get("name", ""),
        street=account.get("address", ""),
        city=city,
        region=region,
        country=data["settings"]["country"],
        phone=account.get("tel", ""),
        email=account.get("email", ""),
    )


def _shipping(data: _Data, billing: Address) -> Address:
    """Where the order says; else where the customer is."""
    order = data["order"]
    if not order["ship_to_add"]:
        return billing
    region, city = meaning.places(order["ship_to_add"])
    return Address(
        last_name=order["ship_to_name"],
        company=billing.company,
        street=order["ship_to_add"],
        city=city,
        region=region,
        country=billing.country,
        phone=order["ship_to_tel"],
        email=billing.email,
    )


def _attributes(data: _Data) -> dict[str, Any]:
    """What has no field of its own, without what is empty."""
    order, account, zone = data["order"], data["account"] or {}, data["settings"]["zone"]
    found = {
        "order_date": _day(order["order_time"], zone).isoformat() if order["order_time"] else "",
        "delivery_date": _day(order["delivery_date"], zone).isoformat() if order["delivery_date"] else "",
        "account_no": account.get("account_no", ""),
        "owner": list(order["owner"] or ()),
        **{name: order[name] for name in ("lock_status", "record_type", "quote_id", "price_book_id", "ship_to_id")},
    }
    return {name: value for name, value in found.items() if value}
