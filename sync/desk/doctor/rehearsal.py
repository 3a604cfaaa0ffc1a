"""A rehearsal: the shop's newest orders are read, mapped and resolved as a drain would do it; nothing is written."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from config.model import StatusAction
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.records import Order
from mappings.canonical.refs import Ref
from sync.rules.lookups import Lookups
from sync.rules.references import resolve
from sync.rules.systems import ChannelSystems

#: How many orders, and how far back they are looked for.
_ORDERS: Final = 20
_BACK: Final = dt.timedelta(days=14)
_MOST_LISTED: Final = 2_000
#: A drain makes it before the sale: no obstacle.
_MADE_FIRST: Final = frozenset({"address_missing"})


@dataclasses.dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of the orders that would be imported now."""

    orders: int
    stopped: int
    #: (what is wrong, what to do) -> how many orders it stops.
    causes: collections.Counter[tuple[str, str]]


def rehearse(systems: ChannelSystems, lookups: Lookups) -> Rehearsed:
    """Read the newest orders and see what would stop them. Raises Transient, ConnectionBroken."""
    systems = systems.asking(lookups)
    stops: list[Sequence[Problem]] = []
    orders: list[Order] = []
    for payload in _newest(systems):
        try:
            orders.append(systems.source_mapping.order(payload, systems.reading(lookups)))
        except Problems as error:
            stops.append(error.problems)
    wanted = [order for order in orders if _is_imported(systems, order)]
    known = resolve(
        {ref for order in wanted for ref in systems.target_mapping.references(order, systems.target_options)},
        lookups,
        systems.target,
    )
    unread = len(stops)
    stops += [problems for order in wanted if (problems := _problems(systems, order, known))]
    return Rehearsed(len(wanted) + unread, len(stops), _counted(stops))


def _newest(systems: ChannelSystems) -> Iterable[dict[str, Any]]:
    now = dt.datetime.now(dt.UTC)
    listed = itertools.islice(systems.source.list_orders(now - _BACK, now), _MOST_LISTED)
    newest = sorted(listed, key=lambda row: row.placed_at)[-_ORDERS:]
    if not newest:
        return []
    found = systems.source.fetch_orders([row.external_id for row in newest])
    return [envelope.payload for envelope in found if not envelope.deleted]


def _is_imported(systems: ChannelSystems, order: Order) -> bool:
    action, _ = systems.channel.policies.status_action(order.state, order.payment_state)
    return action is StatusAction.IMPORT


def _problems(systems: ChannelSystems, order: Order, known: Mapping[Ref, dict[str, Any]]) -> list[Problem]:
    """What stops the order; a customer whom the ERP does not know yet is made by the drain, so one stands in."""
    stand_ins = systems.target_mapping.offline_references(order, systems.target_options)
    parties = {ref: value for ref, value in stand_ins.items() if ref.kind == "party"}
    try:
        systems.target_mapping.sale(order, {**known, **parties}, systems.target_options)
    except Problems as error:
        return [problem for problem in error.problems if problem.cause not in _MADE_FIRST]
    return []


def _counted(stops: Iterable[Sequence[Problem]]) -> collections.Counter[tuple[str, str]]:
    """Each cause once an order."""
    counted: collections.Counter[tuple[str, str]] = collections.Counter()
    for problems in stops:
        counted.update({(problem.subject or problem.reason, problem.next_step) for problem in problems})
    return counted
