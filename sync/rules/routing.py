"""Which warehouse sends an order: the first rule of its channel that fits and whose demand can be met. Pure.

What counts as there is what the shops show, by the same lines (`sync.rules.stock.counts`), without what is only kept
back from being shown (safety stock, share, cap): those pieces are there to be sent.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, Protocol

from config.model import Needs, Routing, RoutingRule, Split, StockPolicy
from mappings.base import TargetMapping, TargetOptions
from mappings.canonical.errors import Problem
from mappings.canonical.parts import bundles
from mappings.canonical.records import Address, Order, OrderLine
from mappings.canonical.refs import Ref
from mappings.canonical.words import Phrase, joined, say, say_many
from sync.rules.stock import counts
from sync.store.routes import GivenUp, RoutePart
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
    #: Of an order whose lines are divided over several warehouses, of which `warehouse` sends the first part.
    parts: tuple[RoutePart, ...] = ()
    #: What is not sent, and given back in the shop (`sync.rules.shortage`).
    given_up: tuple[GivenUp, ...] = ()


def choose(
    routing: Routing, order: Order, wanted: Wanted, there: There, code: Callable[[str], str] = str
) -> Route | None:
    """The warehouse of an order, or several where a rule divides it; `code`: SKU of the shop -> the ERP's.

    Of one that no warehouse has whole, the first of the first rule that fits. None where no rule fits: then nothing is
    said of its warehouse.
    """
    rules = fitting(routing, order)
    counted = {code: quantity for code, quantity in wanted.items() if code in there}
    lack: dict[str, Phrase] = {}
    for rule in rules:
        for warehouse in rule.warehouses:
            missing = {} if rule.needs is Needs.ALWAYS else lacking(counted, there, warehouse)
            if not missing:
                reason = _met(rule, warehouse, counted)
                return Route(rule=rule.name, warehouse=warehouse, reason=_after(reason, lack))
            lack[warehouse] = lacks(warehouse, missing)
        if rule.split is not Split.NONE and (parts := split(order, rule.warehouses, there, code)):
            reason = _after(_divided(rule, parts), lack)
            return Route(rule=rule.name, warehouse=parts[0].warehouse, parts=parts, reason=reason)
    if not rules:
        return None
    rule, warehouse = rules[0], rules[0].warehouses[0]
    reason = say(
        "rule %(rule)s: no warehouse has all of it, so %(warehouse)s sends it when it can",
        rule=rule.name,
        warehouse=warehouse,
    )
    return Route(rule=rule.name, warehouse=warehouse, short=True, reason=_after(reason, lack))


def _met(rule: RoutingRule, warehouse: str, counted: Wanted) -> Phrase:
    if rule.needs is Needs.ALWAYS:
        return say("rule %(rule)s: always %(warehouse)s", rule=rule.name, warehouse=warehouse)
    if not counted:
        return say("rule %(rule)s: %(warehouse)s, nothing of it is counted", rule=rule.name, warehouse=warehouse)
    return say("rule %(rule)s: %(warehouse)s has all of it", rule=rule.name, warehouse=warehouse)


def _divided(rule: RoutingRule, parts: Sequence[RoutePart]) -> Phrase:
    told = (
        say_many("%(count)s line from %(warehouse)s", "%(count)s lines from %(warehouse)s", len(part.lines),
                 warehouse=part.warehouse)
        for part in parts
    )  # fmt: skip
    return say("rule %(rule)s: divided, %(parts)s", rule=rule.name, parts=joined(", ", told))


def lacks(warehouse: str, missing: Wanted) -> Phrase:
    """`MAIN lacks 1 x KANNE`."""
    what = ", ".join(f"{_plain(quantity)} x {code}" for code, quantity in missing.items())
    return say("%(warehouse)s lacks %(what)s", warehouse=warehouse, what=what)


def _after(reason: Phrase, lacks: Mapping[str, Phrase]) -> Phrase:
    return joined("; ", (reason, *lacks.values()))


def lacking(wanted: Wanted, there: There, warehouse: str) -> dict[str, Decimal]:
    """What a warehouse has too little of, and by how much."""
    missing = {code: quantity - there[code].get(warehouse, Decimal(0)) for code, quantity in wanted.items()}
    return {code: min(quantity, wanted[code]) for code, quantity in missing.items() if quantity > 0}


# --- several warehouses -----------------------------------------------------------------------------------------


def split(
    order: Order, warehouses: Sequence[str], there: There, code: Callable[[str], str] = str
) -> tuple[RoutePart, ...]:
    """Its lines, each whole, over as few warehouses as have all of them; empty where that cannot be done.

    Of as few, those that the rule names first. What is sent together stays together (a bundle). The part that is worth
    most is the first: it carries what is no article, so it must not come to less than nothing by the order's discounts.
    """
    units = _units(order, there, code)
    for size in range(2, min(len(units), len(warehouses)) + 1):
        for some in itertools.combinations(warehouses, size):
            if (found := _placed(units, some, there)) is not None:
                return _parts(order, found, some)
    return ()


@dataclasses.dataclass(frozen=True, slots=True)
class _Unit:
    """Lines that are sent together, and what of their articles is counted."""

    lines: tuple[OrderLine, ...]
    wanted: Wanted


def _units(order: Order, there: There, code: Callable[[str], str]) -> list[_Unit]:
    """The most demanding first: else two lines of one article could take each other's place."""
    together: dict[str, list[OrderLine]] = {}
    head = bundles(order)
    for line in order.lines:
        together.setdefault(head[line.external_id], []).append(line)
    units = []
    for lines in together.values():
        wanted: collections.defaultdict[str, Decimal] = collections.defaultdict(Decimal)
        for line in lines:
            if is_article(line) and code(line.sku) in there:
                wanted[code(line.sku)] += line.quantity
        units.append(_Unit(tuple(lines), dict(wanted)))
    return sorted(units, key=lambda unit: -sum(unit.wanted.values()))


def _placed(units: Sequence[_Unit], warehouses: Sequence[str], there: There) -> dict[str, list[OrderLine]] | None:
    """Warehouse -> its lines, each from the first that has them whole; None where one finds no place."""
    left = {place: {code: has.get(place, Decimal(0)) for code, has in there.items()} for place in warehouses}
    found: dict[str, list[OrderLine]] = {place: [] for place in warehouses}
    uncounted = [unit for unit in units if not unit.wanted]
    for unit in units:
        if not unit.wanted:
            continue
        able = (place for place in warehouses if all(left[place][code] >= n for code, n in unit.wanted.items()))
        place = next(able, None)
        if place is None:
            return None
        for code, quantity in unit.wanted.items():
            left[place][code] -= quantity
        found[place].extend(unit.lines)
    for unit in uncounted:
        found[warehouses[0]].extend(unit.lines)
    return found


def _parts(order: Order, found: Mapping[str, Sequence[OrderLine]], warehouses: Sequence[str]) -> tuple[RoutePart, ...]:
    worth = {place: _worth(lines) for place, lines in found.items()}
    places = sorted(warehouses, key=lambda place: -worth[place])
    others = sum((worth[place] for place in places[1:]), Decimal(0))
    if not all(found.values()) or order.totals.grand.amount < others or any(amount < 0 for amount in worth.values()):
        return ()
    turn = {line.external_id: index for index, line in enumerate(order.lines)}
    ids = {place: [line.external_id for line in found[place]] for place in places}
    return tuple(RoutePart(place, tuple(sorted(ids[place], key=turn.__getitem__))) for place in places)


def _worth(lines: Iterable[OrderLine]) -> Decimal:
    return sum((line.total.amount + line.tax.amount for line in lines), Decimal(0))


class _Chosen(Protocol):
    """What was chosen for an order, now or before."""

    @property
    def warehouse(self) -> str: ...

    @property
    def parts(self) -> tuple[RoutePart, ...]: ...


def sender(route: _Chosen) -> Callable[[OrderLine], str]:
    """Line of the order -> the warehouse that sends it; one that came later goes as `canonical.parts.divide` says."""
    place = {line: part.warehouse for part in route.parts for line in part.lines}
    return lambda line: place.get(line.external_id, place.get(line.bundle_parent, route.warehouse))


def may_be_there(routing: Routing, counted: Wanted, there: There) -> bool:
    """Whether an order that is short is worth choosing for again: a warehouse has all of it, or several together may.

    Which rules fit it, and how its lines are divided, is for whoever has the order to see.
    """
    if any(not lacking(counted, there, warehouse) for warehouse in routing.warehouses):
        return True
    rules = [rule for rule in routing.rules if rule.split is not Split.NONE]
    return any(
        all(
            quantity <= sum(there[code].get(place, 0) for place in rule.warehouses)
            for code, quantity in counted.items()
        )
        for rule in rules
    )


def is_article(line: OrderLine) -> bool:
    """Whether it takes goods: what has no stock (a voucher, a download) does not."""
    return bool(line.sku) and not line.virtual and not line.gift_card and line.quantity > 0


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
