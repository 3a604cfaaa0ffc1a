"""An order that is sent from several warehouses: each part is an order of its own, and together they are the whole.

The first part bears the order's own id and carries all that is not an article: shipping, fees and the shop's rounding.
Every other part has a total in whole units of the currency, and the first one has the rest, so that however a target
rounds, the parts add up to what the shop charged. Pure, and the same each time: keys and amounts stay what they were.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final

from mappings.canonical.facets import OrderRefund
from mappings.canonical.money import Money, money_sum
from mappings.canonical.records import Order, OrderLine, Payment, TaxLine, Totals

_SUFFIX: Final = re.compile(r":part:[0-9]+$")


def part_id(external_id: str, index: int) -> str:
    """The id under which part `index` (from 0) of an order is known: its own for the first, `<order>:part:2` ..."""
    return external_id if index == 0 else f"{external_id}:part:{index + 1}"


def whole_id(external_id: str) -> str:
    """The id of the order of which this is the id of a part."""
    return _SUFFIX.sub("", external_id)


def divide(order: Order, split: Sequence[Collection[str]], digits: int) -> list[Order]:
    """The parts of an order; `split` has the ids of the lines of each, `digits` are those of the target's currency.

    A line that no part has (it was added since) goes with the bundle that it is of, else to the first part.
    """
    lines = _allotted(order, split)
    grands = _grands(order.totals.grand, [_charged(order, each) for each in lines[1:]], digits)
    others = [_part(order, index, lines[index], grand) for index, grand in enumerate(grands, 1)]
    parts = [_first(order, lines[0], [part.totals for part in others]), *others]
    shares = _shares(order.payments, [part.totals.grand for part in parts])
    return [dataclasses.replace(part, payments=share) for part, share in zip(parts, shares, strict=True)]


def _allotted(order: Order, split: Sequence[Collection[str]]) -> list[tuple[OrderLine, ...]]:
    place = {line: index for index, lines in enumerate(split) for line in lines}

    def index_of(line: OrderLine) -> int:
        return place.get(line.external_id, place.get(line.bundle_parent, 0))

    return [tuple(line for line in order.lines if index_of(line) == index) for index in range(len(split))]


def _charged(order: Order, lines: Sequence[OrderLine]) -> Money:
    return _sum(order, [line.total + line.tax for line in lines])


def _grands(whole: Money, charged: Sequence[Money], digits: int) -> list[Money]:
    """What the other parts come to, in whole units.

    Together never more than the whole, unless what the first charges is below zero by itself: half of a unit below zero
    is rounded away from it, and then the parts would miss the whole by one.
    """
    grands, unit = [each.quantized(digits) for each in charged], Money(Decimal(1).scaleb(-digits), whole.currency)
    if _less(whole, charged).amount >= 0:
        while _less(whole, grands).amount < 0:
            largest = max(range(len(grands)), key=lambda index: grands[index].amount)
            grands[largest] -= unit
    return grands


def _part(order: Order, index: int, lines: tuple[OrderLine, ...], grand: Money) -> Order:
    net, tax = _sum(order, [line.total for line in lines]), _sum(order, [line.tax for line in lines])
    zero = Money(Decimal(0), order.currency)
    totals = Totals(
        lines=net,
        discount=_sum(order, [line.subtotal - line.total for line in lines]),
        shipping=zero,
        fees=zero,
        tax=tax,
        grand=grand,
        rounding=grand - net - tax,
    )
    return dataclasses.replace(
        order,
        external_id=part_id(order.external_id, index),
        lines=lines,
        shipping_lines=(),
        fees=(),
        tax_lines=_taxes(lines),
        totals=totals,
        shop_totals=None,
    )


def _first(order: Order, lines: tuple[OrderLine, ...], others: Sequence[Totals]) -> Order:
    def rest(name: str) -> Money:
        return _less(getattr(order.totals, name), [getattr(each, name) for each in others])

    totals = Totals(**{field.name: rest(field.name) for field in dataclasses.fields(Totals)})
    taxes = _taxes((*lines, *order.shipping_lines, *order.fees))
    return dataclasses.replace(order, lines=lines, tax_lines=taxes, totals=totals, shop_totals=None)


def _less(amount: Money, others: Sequence[Money]) -> Money:
    return amount - money_sum(others, amount.currency)


def _sum(order: Order, amounts: Sequence[Money]) -> Money:
    return money_sum(amounts, order.currency)


def _taxes(charged: Sequence[object]) -> tuple[TaxLine, ...]:
    """One line for each tax."""
    found: dict[str, TaxLine] = {}
    for each in charged:
        tax_lines: tuple[TaxLine, ...] = getattr(each, "tax_lines")  # noqa: B009 - lines, shipping and fees alike
        for tax in tax_lines:
            known = found.get(tax.code)
            found[tax.code] = tax if known is None else dataclasses.replace(known, amount=known.amount + tax.amount)
    return tuple(found.values())


def _shares(payments: Sequence[Payment], grands: Sequence[Money]) -> list[tuple[Payment, ...]]:
    """What of each payment pays which part: the first part is paid first, and what is paid too much is its.

    Each part has every payment in its place, if only with nothing: by that place some are known again. What the gateway
    kept, it kept once: that stays with the first.
    """
    room = [grand.amount for grand in grands]
    shares: list[list[Payment]] = [[] for _ in grands]
    for payment in payments:
        amounts = _poured(payment.amount.amount, room)
        for index, amount in enumerate(amounts):
            room[index] -= amount
            fee = None if index else payment.fee
            shares[index].append(dataclasses.replace(payment, amount=Money(amount, payment.amount.currency), fee=fee))
    return [tuple(share) for share in shares]


def _poured(amount: Decimal, room: Sequence[Decimal]) -> list[Decimal]:
    """The amount, into one vessel after the other; what is over goes into the first."""
    taken = []
    for space in room:
        each = max(min(amount, space), Decimal(0))
        taken.append(each)
        amount -= each
    return [taken[0] + amount, *taken[1:]]


def divide_refund(
    refund: OrderRefund, parts: Sequence[Order], digits: int, *, whole: int | None = None
) -> list[OrderRefund | None]:
    """What of one refund is given back for which part; None where nothing of it is.

    Each line goes with the part that charged it, shipping and fees with the first. What was given back for no line goes
    to the first part, as far as that was charged so much, then to the next; with `whole`, all of it goes to that part.
    It rests on nothing but the refund and the parts, so that another refund never moves it.
    """
    if whole is not None:
        return [refund if index == whole else None for index in range(len(parts))]
    place = {line.external_id: index for index, part in enumerate(parts) for line in part.lines}
    zero = Decimal(0)
    lines = [
        tuple(line for line in refund.lines if (place.get(line.origin, 0) if line.kind == "line" else 0) == index)
        for index in range(len(parts))
    ]
    charged = [sum((line.total.amount + line.tax.amount for line in each), zero) for each in lines]
    room = [part.totals.grand.amount - amount for part, amount in zip(parts, charged, strict=True)]
    goodwill = _poured(refund.goodwill.amount, room) if refund.goodwill else [zero] * len(parts)
    concerned = [index for index in range(len(parts)) if lines[index] or goodwill[index]]
    if len(concerned) <= 1:
        only = concerned[0] if concerned else 0
        return [refund if index == only else None for index in range(len(parts))]
    currency, found = refund.amount.currency, dict[int, OrderRefund]()
    rest = refund.amount
    # In whole units, as the parts themselves; the first that gives anything back has the rest.
    for index in reversed(concerned):
        amount = Money(charged[index] + goodwill[index], currency).quantized(digits)
        amount = rest if index == concerned[0] else amount
        rest -= amount
        found[index] = dataclasses.replace(
            refund, amount=amount, lines=lines[index], goodwill=Money(goodwill[index], currency)
        )
    return [found.get(index) for index in range(len(parts))]


def bundles(order: Order) -> Mapping[str, str]:
    """Line -> the line with which it is sent: its bundle's, or itself."""
    lines = {line.external_id for line in order.lines}
    return {
        line.external_id: line.bundle_parent if line.bundle_parent in lines else line.external_id
        for line in order.lines
    }
