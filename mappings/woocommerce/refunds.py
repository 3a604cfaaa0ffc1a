"""One refund of an order: what was given back of which line, and whether the goods come back.

Held against the refunds that WooCommerce 11.0.1 answered. `amount` is positive and gross; its lines are negative and
net, each names the line of the order that it gives back (`_refunded_item_id`). A refund of an amount alone has no
lines and no tax: goodwill. The refund itself does not say whether its goods were taken back into stock (the tick
"Restock refunded items", `api_restock`): that stands at the order's lines, see `restocked`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from marshmallow import EXCLUDE, Schema

from mappings.base import JsonDict, SourceOptions
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.facets import OrderRefund, RefundLine
from mappings.canonical.fields import Id, Nested, Number, UtcTime
from mappings.canonical.money import Money, money_sum
from mappings.canonical.records import Order, TaxLine
from mappings.canonical.totals import last_decimal, prove_refund
from mappings.canonical.validation import load_strictly
from mappings.canonical.words import say
from mappings.woocommerce.meaning import RESTOCKED, STOCK_TAKEN
from mappings.woocommerce.parts import shares
from mappings.woocommerce.schema import Escaped, Loose, MetaData, Price, ShareSchema, TaxLineSchema

_Data = Mapping[str, Any]

#: The refund's lists, and what their lines give back.
_KINDS: Final = {"line_items": "line", "shipping_lines": "shipping", "fee_lines": "fee"}
_ORIGIN: Final = "_refunded_item_id"


class _Woo(Schema):
    class Meta:
        unknown = EXCLUDE

    error_messages = {"type": "found something else, expected an object"}  # noqa: RUF012 - the library's own


class GivenBackSchema(_Woo):
    """What is given back of a line, shipping line or fee; amounts are net and, but for discounts, negative."""

    id = Id(required=True)
    total = Price(required=True)
    total_tax = Price(required=True)
    taxes = Nested(ShareSchema, many=True, load_default=list)
    meta_data = MetaData(load_default=dict)
    #: `name` of a line or fee, `method_title` of a shipping line.
    name = Escaped(load_default="")
    method_title = Escaped(load_default="")


class GivenBackItemSchema(GivenBackSchema):
    """One of `line_items`: `quantity` is zero or negative."""

    quantity = Number(required=True)
    sku = Loose(load_default="")


class OneRefundSchema(_Woo):
    """One refund of `/orders/{id}/refunds`."""

    id = Id(required=True)
    amount = Price(required=True)
    reason = Escaped(load_default="")
    date_created_gmt = UtcTime(naive_is_utc=True, required=True)
    line_items = Nested(GivenBackItemSchema, many=True, required=True)
    #: Shops before 4.x send neither of these.
    shipping_lines = Nested(GivenBackSchema, many=True, load_default=list)
    fee_lines = Nested(GivenBackSchema, many=True, load_default=list)
    tax_lines = Nested(TaxLineSchema, many=True, load_default=list)


_REFUND: Final = OneRefundSchema()


def refund_from_woocommerce(payload: JsonDict, order: Order, options: SourceOptions) -> OrderRefund:
    """The canonical refund. Raises Problems with everything that is wrong, a sum that does not tie included.

    The shop lets people enter any amount beside the lines: what is above them is goodwill. What is below them is
    carried as negative goodwill where it is a few units of the last decimal (the recorded full refund of order 23 has
    lines of 72.59 for 72.58); nobody could say what more of it means.
    """
    data, problems = load_strictly(_REFUND, payload)
    if not problems:
        problems = list(_oddities(data))
    if problems:
        raise Problems(problems)
    lines = tuple(_lines(data, order))
    amount = Money(data["amount"], order.currency)
    goodwill = amount - money_sum((line.total + line.tax for line in lines), order.currency)
    if lines:
        unit = last_decimal(amount.amount, order.currency, as_text=isinstance(payload["amount"], str))
        prove_refund(lines, amount, goodwill, options.totals_threshold * unit, path="amount")
    return OrderRefund(
        external_id=data["id"],
        amount=amount,
        lines=lines,
        goodwill=goodwill,
        reason=data["reason"],
        refunded_at=data["date_created_gmt"],
        restock=restocked(data["id"], lines, order, default=options.refunds_restock),
    )


def _oddities(data: _Data) -> Iterator[Problem]:
    if data["amount"] < 0:
        reason = say("found %(found)s, expected what was given back as a positive amount", found=f"{data['amount']:f}")
        yield Problem(cause="mapping", path="amount", reason=reason)
    for name in _KINDS:
        for index, line in enumerate(data[name]):
            if not _origin(line):
                reason = say(
                    "found none, expected the id of the order's line that %(title)s gives back",
                    title=repr(_title(line)),
                )
                yield Problem(cause="mapping", path=f"{name}[{index}].meta_data.{_ORIGIN}", reason=reason)
            if line.get("quantity", 0) > 0:
                reason = say(
                    "found %(found)s, expected zero or the pieces given back as a negative number",
                    found=f"{line['quantity']:f}",
                )
                yield Problem(cause="mapping", path=f"{name}[{index}].quantity", reason=reason)


def _origin(line: _Data) -> str:
    found = line["meta_data"].get(_ORIGIN)
    return "" if found is None or isinstance(found, bool) else str(found)


def _title(line: _Data) -> str:
    return str(line["name"] or line["method_title"])


def _lines(data: _Data, order: Order) -> Iterator[RefundLine]:
    known = {line.external_id: line for line in order.lines}
    rates = {rate["rate_id"]: rate for rate in data["tax_lines"]}
    for name, kind in _KINDS.items():
        for line in data[name]:
            origin = _origin(line)
            of_order = known.get(origin)
            yield RefundLine(
                origin=origin,
                kind=kind,
                # A product that was deleted since takes its SKU with it; the order's line may have kept it.
                sku=(of_order.sku if of_order else "") or line.get("sku", ""),
                title=_title(line),
                quantity=abs(line.get("quantity", Decimal(0))),
                total=-Money(line["total"], order.currency),
                tax=-Money(line["total_tax"], order.currency),
                tax_lines=tuple(_positive(tax, order) for tax in shares(line["taxes"], order.currency, rates)),
            )


def _positive(tax: TaxLine, order: Order) -> TaxLine:
    """The tax as given back; shops before 4.x name the rates at the order alone."""
    named = tax if tax.rate is not None else next((line for line in order.tax_lines if line.code == tax.code), tax)
    return dataclasses.replace(named, amount=-tax.amount)


def restocked(refund: str, lines: Sequence[RefundLine], order: Order, *, default: bool) -> bool:
    """Whether the goods of the refund with this id come back into stock.

    The shop counts at each line of the *order* how many pieces its refunds brought back, all of them together
    (`_restock_refunded_items`, recorded in order 19), and only where it had taken them out (`_reduced_stock`). So for
    an only refund it always says; for one of several it does where everything came back, or less than this one gave
    back. Elsewhere, and in an order that was read before it had this refund, `default` decides.
    """
    if not any(line.quantity for line in lines):
        return False
    by_id = {line.external_id: line for line in order.lines}
    counted = [
        _Count(line.quantity, Decimal(by_id[line.origin].attributes.get(RESTOCKED, 0)), by_id[line.origin].quantity)
        for line in lines
        if line.quantity and line.origin in by_id and STOCK_TAKEN in by_id[line.origin].attributes
    ]
    if not counted or refund not in {known.external_id for known in order.refunds}:
        return default
    if all(count.back < count.given for count in counted):
        return False
    if len(order.refunds) == 1 or all(count.back >= count.ordered for count in counted):
        return True
    return default


class _Count(NamedTuple):
    """Pieces of one line: given back by this refund, taken into stock by all refunds, ordered."""

    given: Decimal
    back: Decimal
    ordered: Decimal
