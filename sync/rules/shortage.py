"""What is not sent because nobody has it (`short: cancel`): which pieces, and what the shop gives back for them. Pure.

The sale in the ERP is made whole, and the pieces are given back in the shop by a refund of their lines, which comes in
as any refund does. So at every moment each system says the same amount as the other, or is about to.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Final

from config.model import Routing
from mappings.canonical.facets import OrderRefund, RefundLine
from mappings.canonical.money import WIDE, Money, money_sum
from mappings.canonical.parts import bundles
from mappings.canonical.records import Fee, Order, OrderLine, ShippingLine
from mappings.canonical.words import Phrase, joined, say
from sync.rules.routing import Route, There, Wanted, fitting, is_article, lacking, lacks
from sync.store.bodies import digest, dump_json
from sync.store.routes import GivenUp

#: How our key of such a refund begins: its pieces never left, whatever the shop says of its own stock.
MARK: Final = "short-"
#: The cause of an order whose shop does not give them back.
SHORT_LINES: Final = "short_lines"


# --- which pieces -----------------------------------------------------------------------------------------------


def cut_short(
    routing: Routing, order: Order, wanted: Wanted, there: There, code: Callable[[str], str], *, digits: int
) -> Route:
    """The route of an order that no warehouse has whole: the one that lacks the fewest pieces sends what it has.

    Of several that lack as many, the one that is named first. `code`: SKU of the shop -> the ERP's; `digits` are the
    currency's. Only for an order that a rule fits.
    """
    counted = {code: quantity for code, quantity in wanted.items() if code in there}
    choices = [(rule, warehouse) for rule in fitting(routing, order) for warehouse in rule.warehouses]
    missing = {warehouse: lacking(counted, there, warehouse) for _, warehouse in choices}
    rule, warehouse = min(choices, key=lambda choice: sum(missing[choice[1]].values()))
    given_up = give_up(order, missing[warehouse], code)
    back = owed(order, given_up, (), digits)
    reason = say(
        "rule %(rule)s: no warehouse has all of it, so %(warehouse)s sends what it has, and the shop gives back "
        "%(amount)s for %(what)s",
        rule=rule.name,
        warehouse=warehouse,
        amount=Money(Decimal(0), order.currency) if back is None else back.amount,
        what=told(order, given_up),
    )
    others = [lacks(place, short) for place, short in missing.items()]
    return Route(
        rule=rule.name, warehouse=warehouse, short=True, given_up=given_up, reason=joined("; ", (reason, *others))
    )


def give_up(order: Order, missing: Wanted, code: Callable[[str], str]) -> tuple[GivenUp, ...]:
    """The pieces of each line that are not there; `missing`: the ERP's code -> pieces.

    Of two lines with one article the earlier is served first. What is sold by the piece is sent by the piece. Of a
    bundle as many are given up as cannot be sent complete.
    """
    short = _short_by_line(order, missing, code)
    together: dict[str, list[OrderLine]] = {}
    head = bundles(order)
    for line in order.lines:
        together.setdefault(head[line.external_id], []).append(line)
    found = [entry for lines in together.values() for entry in _of_unit(lines, short)]
    turn = {line.external_id: index for index, line in enumerate(order.lines)}
    return tuple(sorted(found, key=lambda entry: turn[entry.line]))


def _short_by_line(order: Order, missing: Wanted, code: Callable[[str], str]) -> dict[str, Decimal]:
    left, found = dict(missing), dict[str, Decimal]()
    for line in reversed(order.lines):
        pieces = min(left.get(code(line.sku), Decimal(0)), line.quantity) if is_article(line) else Decimal(0)
        if pieces > 0:
            left[code(line.sku)] -= pieces
            whole = line.quantity == line.quantity.to_integral_value()
            found[line.external_id] = Decimal(math.ceil(pieces)) if whole else pieces
    return found


def _of_unit(lines: Sequence[OrderLine], short: Mapping[str, Decimal]) -> Iterator[GivenUp]:
    if not any(line.external_id in short for line in lines):
        return
    if len(lines) == 1:
        yield GivenUp(lines[0].external_id, short[lines[0].external_id])
        return
    heads = lines[0].quantity
    needed = max(
        (short[line.external_id] * heads / line.quantity).to_integral_value(rounding=ROUND_CEILING)
        for line in lines
        if line.external_id in short
    )
    divides = all(line.quantity % heads == 0 for line in lines) if heads else False
    for line in lines:
        pieces = line.quantity * needed / heads if divides else line.quantity
        if pieces > 0:
            yield GivenUp(line.external_id, pieces)


# --- what it comes to -------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Owed:
    """What the shop still has to give back."""

    amount: Money
    lines: tuple[RefundLine, ...]

    @property
    def excess(self) -> Decimal:
        """By how much the lines are more than that: so much was given back before of no line."""
        return (money_sum((line.total + line.tax for line in self.lines), self.amount.currency) - self.amount).amount


def owed(order: Order, given_up: Sequence[GivenUp], refunds: Sequence[OrderRefund], digits: int) -> Owed | None:
    """What is to be given back beyond `refunds`; None where nothing is.

    Each line in proportion to its pieces, rounded to the currency's `digits`, and its last pieces with what is left of
    it. Shipping and fees stay charged, unless nothing of the order is sent: then everything is given back.
    """
    wanted = {each.line: each.quantity for each in given_up}
    everything = all(wanted.get(line.external_id, Decimal(0)) >= line.quantity for line in order.lines)
    before = _Before(refunds)
    lines = [
        entry
        for line in order.lines
        if line.external_id in wanted
        and (entry := _line(line, wanted[line.external_id], before, digits, everything=everything)) is not None
    ]
    if everything and lines:
        lines += [_charge(each, "shipping", before) for each in order.shipping_lines]
        lines += [_charge(each, "fee", before) for each in order.fees]
    lines = [line for line in lines if line.total or line.tax or line.quantity]
    amount = money_sum((line.total + line.tax for line in lines), order.currency)
    left = order.totals.grand - money_sum((refund.amount for refund in refunds), order.currency)
    if everything or amount.amount > left.amount:
        # All that is left of the order, its rounding with it; never more than that.
        amount = left
    return Owed(amount, tuple(lines)) if lines and amount.amount > 0 else None


class _Before:
    """What refunds have given back of each line already."""

    def __init__(self, refunds: Iterable[OrderRefund]) -> None:
        self._lines = [line for refund in refunds for line in refund.lines]

    def of(self, origin: str) -> list[RefundLine]:
        return [line for line in self._lines if line.origin == origin]

    def tax_of(self, origin: str, code: str) -> Decimal:
        taxes = (tax for line in self.of(origin) for tax in line.tax_lines)
        return sum((tax.amount.amount for tax in taxes if tax.code == code), Decimal(0))


def _line(line: OrderLine, pieces: Decimal, before: _Before, digits: int, *, everything: bool) -> RefundLine | None:
    gone = before.of(line.external_id)
    returned = sum((each.quantity for each in gone), Decimal(0))
    quantity = min(pieces, line.quantity) - returned
    if quantity <= 0:
        return None
    last = everything or returned + quantity >= line.quantity

    def part(amount: Money, given: Decimal) -> Money:
        left = amount.amount - given
        share = left if last else WIDE.divide(WIDE.multiply(amount.amount, quantity), line.quantity)
        rounded = share.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP, context=WIDE)
        return Money(rounded if last or abs(rounded) <= abs(left) else left, amount.currency)

    total = part(line.total, sum((each.total.amount for each in gone), Decimal(0)))
    taxes = tuple(
        dataclasses.replace(tax, amount=part(tax.amount, before.tax_of(line.external_id, tax.code)))
        for tax in line.tax_lines
    )
    # What is told of the taxes one by one ties to what is given back.
    untold = part(line.tax, sum((each.tax.amount for each in gone), Decimal(0)))
    return RefundLine(
        origin=line.external_id,
        kind="line",
        sku=line.sku,
        title=line.name,
        quantity=quantity,
        total=total,
        tax=money_sum((tax.amount for tax in taxes), total.currency) if taxes else untold,
        tax_lines=taxes,
    )


def _charge(charge: ShippingLine | Fee, kind: str, before: _Before) -> RefundLine:
    gone = before.of(charge.external_id)
    total = charge.total - money_sum((each.total for each in gone), charge.total.currency)
    taxes = tuple(
        dataclasses.replace(
            tax, amount=tax.amount - Money(before.tax_of(charge.external_id, tax.code), tax.amount.currency)
        )
        for tax in charge.tax_lines
    )
    tax = charge.tax - money_sum((each.tax for each in gone), total.currency)
    return RefundLine(
        origin=charge.external_id,
        kind=kind,
        sku="",
        title=charge.title,
        quantity=Decimal(0),
        total=total,
        tax=tax,
        tax_lines=taxes,
    )


# --- words ------------------------------------------------------------------------------------------------------


def mark_of(order: Order, given_up: Sequence[GivenUp]) -> str:
    """Our key of the refund: the order made anew (`retry --again`) may lack something else."""
    pieces = [[each.line, f"{each.quantity.normalize():f}"] for each in given_up]
    return f"{MARK}{order.external_id}-{digest(dump_json(pieces))[:8]}"


def told(order: Order, given_up: Sequence[GivenUp]) -> Phrase:
    """`1 x KANNE, 2 x TASSE`."""
    names = {line.external_id: line.sku or line.name for line in order.lines}
    pieces = (f"{each.quantity.normalize():f} x {names.get(each.line, each.line)}" for each in given_up)
    return joined(", ", pieces)
