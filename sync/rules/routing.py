"""Which warehouse sends an order: the first rule of its channel that fits and whose demand can be met. Pure.

What counts as there is what the shops show, by the same lines (`sync.rules.stock.counts`), without what is only kept
back from being shown (safety stock, share, cap): those pieces are there to be sent.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from config.model import Needs, Routing, RoutingRule, StockPolicy
from mappings.base import TargetMapping, TargetOptions
from mappings.canonical.errors import Problem
from mappings.canonical.records import Address, Order
from mappings.canonical.refs import Ref
from mappings.canonical.words import Phrase, joined, say
from sync.rules.stock import counts
from sync.store.stock.captured import Claim, Waiting
from sync.store.stock.levels import Level

#: The cause of an order that waits for its goods.
SHORT_STOCK: Final = "short_stock"

#: The ERP's code of an article -> how many an order takes.
Wanted = Mapping[str, Decimal]
#: The ERP's code of an article -> warehouse -> how many are there for an order. An article that the ERP keeps no stock
#: of (a service) is absent; a warehouse that is absent has none.
There = Mapping[str, Mapping[str, Decimal]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """From which warehouse an order is sent, and which rule says so."""

    rule: str
    #: The ERP's code.
    warehouse: str
    #: Not all of it is there; it is sent when it can be.
    short: bool = False
    #: In plain words.
    reason: str
    #: When the oldest of the readings began on which this rests; None where none decided.
    read_at: dt.datetime | None = None


def choose(routing: Routing, order: Order, wanted: Wanted, there: There) -> Route | None:
    """The warehouse of an order; of one that no warehouse has whole, the first of the first rule that fits.

    None where no rule fits: then nothing is said of its warehouse.
    """
    rules = fitting(routing, order)
    counted = {code: quantity for code, quantity in wanted.items() if code in there}
    lacks: dict[str, Phrase] = {}
    for rule in rules:
        for warehouse in rule.warehouses:
            missing = {} if rule.needs is Needs.ALWAYS else lacking(counted, there, warehouse)
            if not missing:
                reason = _met(rule, warehouse, counted)
                return Route(rule=rule.name, warehouse=warehouse, reason=_after(reason, lacks))
            lacks[warehouse] = _lacks(warehouse, missing)
    if not rules:
        return None
    rule, warehouse = rules[0], rules[0].warehouses[0]
    reason = say(
        "rule %(rule)s: no warehouse has all of it, so %(warehouse)s sends it when it can",
        rule=rule.name,
        warehouse=warehouse,
    )
    return Route(rule=rule.name, warehouse=warehouse, short=True, reason=_after(reason, lacks))


def _met(rule: RoutingRule, warehouse: str, counted: Wanted) -> Phrase:
    if rule.needs is Needs.ALWAYS:
        return say("rule %(rule)s: always %(warehouse)s", rule=rule.name, warehouse=warehouse)
    if not counted:
        return say("rule %(rule)s: %(warehouse)s, nothing of it is counted", rule=rule.name, warehouse=warehouse)
    return say("rule %(rule)s: %(warehouse)s has all of it", rule=rule.name, warehouse=warehouse)


def _lacks(warehouse: str, missing: Wanted) -> Phrase:
    what = ", ".join(f"{_plain(quantity)} x {code}" for code, quantity in missing.items())
    return say("%(warehouse)s lacks %(what)s", warehouse=warehouse, what=what)


def _after(reason: Phrase, lacks: Mapping[str, Phrase]) -> Phrase:
    return joined("; ", (reason, *lacks.values()))


def lacking(wanted: Wanted, there: There, warehouse: str) -> dict[str, Decimal]:
    """What a warehouse has too little of, and by how much."""
    missing = {code: quantity - there[code].get(warehouse, Decimal(0)) for code, quantity in wanted.items()}
    return {code: min(quantity, wanted[code]) for code, quantity in missing.items() if quantity > 0}


# --- conditions -------------------------------------------------------------------------------------------------


def fitting(routing: Routing, order: Order) -> list[RoutingRule]:
    """The rules whose conditions hold for an order, the one that is asked first at the front."""
    return [rule for rule in routing.rules if fits(rule, order)]


def fits(rule: RoutingRule, order: Order) -> bool:
    """Whether every condition of a rule holds for an order."""
    to = destination(order)
    return (
        (not rule.countries or to.country in rule.countries)
        and (not rule.regions or to.region.casefold() in map(str.casefold, rule.regions))
        and (not rule.postcodes or _bare(to.postal_code).startswith(tuple(map(_bare, rule.postcodes))))
        and _any(rule.shipping_methods, (line.code for line in order.shipping_lines))
        and _any(rule.skus, (line.sku for line in order.lines))
        and _any(rule.tags, order.tags)
    )


def destination(order: Order) -> Address:
    """Where the goods go: an empty shipping address means "as billing" in every shop."""
    to = order.shipping
    return to if any((to.street, to.city, to.postal_code, to.country)) else order.billing


def _bare(postcode: str) -> str:
    return "".join(postcode.split()).casefold()


def _any(allowed: Collection[str], values: Iterable[str]) -> bool:
    return not allowed or any(value in allowed for value in values)


# --- what is there ----------------------------------------------------------------------------------------------


def is_ahead(line: Waiting, placed_at: dt.datetime, order_id: int, routed: Collection[str]) -> bool:
    """Whether what another order takes counts against this one, although nobody has decided from where it is sent.

    It does where its channel decides that never. Of two orders that both wait for their warehouse the one that was
    placed first comes first; else both would find too little. `routed` are the channels that choose warehouses.
    """
    if line.channel not in routed:
        return True
    return (line.placed_at, line.order_id) < (placed_at, order_id)


def shelves(policy: StockPolicy, levels: Sequence[Level], lines: Sequence[Claim]) -> dict[str, Decimal]:
    """Warehouse -> how many pieces of one article are there, less those that `lines` take."""
    return {
        level.location: level.quantity
        - sum((line.quantity for line in lines if counts(policy, line, (level.location,))), Decimal(0))
        for level in levels
    }


# --- words ------------------------------------------------------------------------------------------------------


def short_problem(routing: Routing, order: Order, wanted: Wanted, there: There) -> Problem:
    """Why an order waits for its goods, with a table of what each warehouse has."""
    warehouses = dict.fromkeys(code for rule in fitting(routing, order) for code in rule.warehouses)
    return Problem(
        cause=SHORT_STOCK,
        path="lines",
        reason=say(
            "none of the warehouses that may send it has all of it\n%(table)s",
            table="\n".join(_table(wanted, there, tuple(warehouses))),
        ),
        next_step=say(
            "it goes on by itself as soon as one of them has all of it; buy or move the goods, or approve the order to "
            "have it back-ordered now"
        ),
    )


def _table(wanted: Wanted, there: There, warehouses: Sequence[str]) -> Iterator[str]:
    rows = [["article", "wanted", *warehouses]]
    for code, quantity in wanted.items():
        # What is not counted is said as such: an empty cell would read like nothing.
        known = there.get(code)
        cells = ["-" if known is None else _plain(known.get(place, Decimal(0))) for place in warehouses]
        rows.append([code, _plain(quantity), *cells])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        numbers = "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        yield f"{row[0]:<{widths[0]}}{numbers}"


def _plain(quantity: Decimal) -> str:
    """Without trailing zeros, never in exponent notation."""
    return f"{quantity.normalize():f}"


# --- the mapping's side -----------------------------------------------------------------------------------------


def sent_from(options: TargetOptions, warehouse: str) -> TargetOptions:
    """The options of a sale that this warehouse is to send; those of the policy where it is empty."""
    if not warehouse:
        return options
    return dataclasses.replace(options, settings={**options.settings, "warehouse": warehouse})


def warehouse_refs(routing: Routing, mapping: TargetMapping, options: TargetOptions) -> frozenset[Ref]:
    """What the ERP must know for any warehouse that the rules name."""
    refs = (mapping.standing(sent_from(options, warehouse)) for warehouse in routing.warehouses)
    return frozenset(ref for some in refs for ref in some if ref.kind == "warehouse")
