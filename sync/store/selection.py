"""What a filter of the list of orders selects for an action: counted, summed, and gone through in pieces.

A selection holds all that it takes to evaluate it again, because that is done with each piece, by the dispatcher.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, exists, func, select

from sync.store.needs import Figures
from sync.store.pins import Using
from sync.store.search import Wanted, count_by_state, count_worth, matching
from sync.store.states import ItemState
from sync.store.tables import bindings, intents, issue_documents, issues, orders, work_items

RETRY: Final = "retry"
APPROVE: Final = "approve"
LOOK: Final = "look"
SKIP: Final = "skip"
_RESTING: Final = (ItemState.HELD, ItemState.PARKED, ItemState.WAITING)
#: Action -> states from which it takes an order.
STATES: Final[Mapping[str, tuple[ItemState, ...]]] = {
    RETRY: _RESTING,
    LOOK: (*_RESTING, ItemState.DONE),
    SKIP: (*_RESTING, ItemState.READY),
    APPROVE: (ItemState.HELD, ItemState.PARKED),
}
#: Sums of up to so many orders are made from the items; more are read along an index of the orders.
_FEW: Final = 5000
_ITEM, _ORDER = work_items.c, orders.c


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A filter with an action."""

    action: str
    wanted: Wanted
    #: Channel -> ERP.
    targets: Mapping[str, str]
    #: What `approve` lets pass; any other cause stays.
    causes: tuple[str, ...] = ()
    #: With which revision of the mapping profile what is retried is mapped.
    using: Using = Using.SAME

    @property
    def states(self) -> tuple[ItemState, ...]:
        """From which orders are taken; what a person rejected only where it was named, and not along with others."""
        taken = STATES[self.action]
        named = self.wanted.states == (ItemState.SKIPPED,) or bool(self.wanted.items)
        if named and self.action in {RETRY, LOOK}:
            taken = (*taken, ItemState.SKIPPED)
        return tuple(state for state in taken if not self.wanted.states or state in self.wanted.states)

    def dump(self) -> str:
        """As it is kept: equal selections are equal texts."""
        wanted = {
            name: _plain(value)
            for name, value in dataclasses.asdict(self.wanted).items()
            if value not in ("", (), None)
        }
        kept = {"action": self.action, "wanted": wanted, "targets": dict(self.targets), "causes": sorted(self.causes)}
        if self.using:
            kept["using"] = self.using
        return json.dumps(kept, sort_keys=True, ensure_ascii=False)


def load_selection(text: str) -> Selection:
    """What `Selection.dump` has written."""
    kept = json.loads(text)
    wanted = {name: _read(name, value) for name, value in kept["wanted"].items()}
    return Selection(
        action=kept["action"],
        wanted=Wanted(**wanted),
        targets=kept["targets"],
        causes=tuple(kept["causes"]),
        using=Using(kept.get("using", "")),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else value


def _read(name: str, value: Any) -> Any:
    if name in {"since", "until"}:
        return dt.datetime.fromisoformat(value)
    if name in {"low", "high"}:
        return Decimal(value)
    if name == "states":
        return tuple(ItemState(state) for state in value)
    return tuple(value) if isinstance(value, list) else value


# --- how many ---------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Weighed:
    """What an action would take now, and what the filter has beyond that."""

    #: State -> what is taken from it.
    goes: Mapping[ItemState, Figures]
    #: State -> how many fit the filter, whether or not they are taken.
    fit: Mapping[ItemState, int]


def weigh(connection: Connection, selection: Selection) -> Weighed:
    """Count and sum it, without changing anything."""
    wanted = selection.wanted
    counts = count_by_state(connection, wanted, selection.targets)
    fit = {state: count for state, count in counts.items() if count and state in (wanted.states or ItemState)}
    taken = dataclasses.replace(wanted, states=selection.states)
    if not any(fit.get(state) for state in selection.states):
        return Weighed({}, fit)
    extra = _extra(selection)
    few = sum(fit.get(state, 0) for state in selection.states) <= _FEW
    rows = count_worth(connection, taken, selection.targets, extra=extra, along=not few and not extra)
    goes: dict[ItemState, list[tuple[str | None, Decimal, int]]] = {}
    for row in rows:
        worth = (row[1], _amount(row[3] or 0), row[2])
        goes.setdefault(ItemState(row[0]), []).append(worth)
    return Weighed({state: _figures(found) for state, found in goes.items()}, fit)


def _amount(ten_thousandths: int | Decimal) -> Decimal:
    """With two digits, where more say nothing."""
    exact = Decimal(ten_thousandths).scaleb(-4)
    short = exact.quantize(Decimal("0.01"))
    return short if short == exact else exact


def _figures(rows: Sequence[tuple[str | None, Decimal, int]]) -> Figures:
    money = {currency: total for currency, total, _ in rows if currency is not None}
    unread = sum(count for currency, _, count in rows if currency is None)
    return Figures(sum(count for *_, count in rows), unread, dict(sorted(money.items())))


# --- one piece after the other ----------------------------------------------------------------------------------


def next_items(
    connection: Connection, selection: Selection, *, after: int = 0, until: int, limit: int, among: Sequence[int] = ()
) -> list[int]:
    """The next items, by id, that the filter selects at this moment; with `among` only some of those."""
    wanted = dataclasses.replace(selection.wanted, states=selection.states)
    if not wanted.states:
        return []
    query = (
        select(_ITEM.id)
        .outerjoin(orders, _ORDER.item_id == _ITEM.id)
        .where(_ITEM.id > after, _ITEM.id <= until, *matching(wanted, selection.targets), *_extra(selection))
        .order_by(_ITEM.id)
        .limit(limit)
    )
    if among:
        query = query.where(_ITEM.id.in_(among))
    return list(connection.execute(query).scalars())


def last_item(connection: Connection) -> int:
    """The newest of all."""
    return connection.execute(select(func.max(_ITEM.id))).scalar() or 0


def _extra(selection: Selection) -> list[ColumnElement[bool]]:
    """What an action asks for beyond the state."""
    if selection.action == SKIP:
        sale = exists().where(
            bindings.c.order_id == _ORDER.id, bindings.c.kind == "sale", bindings.c.ended_at.is_(None)
        )
        doubt = exists().where(intents.c.item_id == _ITEM.id, intents.c.closed_at.is_(None))
        return [~sale, ~doubt]
    if selection.action == APPROVE:
        stop = issue_documents.c
        return [
            exists().where(
                stop.item_id == _ITEM.id,
                stop.closed_at.is_(None),
                issues.c.id == stop.issue_id,
                issues.c.cause.in_(selection.causes),
            )
        ]
    return []


def causes_seen(
    connection: Connection, item_ids: Sequence[int], causes: Sequence[str], *, by: dt.datetime
) -> dict[int, list[str]]:
    """Item id -> those of `causes` that had stopped it by then already, sorted."""
    stop = issue_documents.c
    query = (
        select(stop.item_id, issues.c.cause)
        .join(issues, issues.c.id == stop.issue_id)
        .where(stop.item_id.in_(item_ids), stop.closed_at.is_(None), stop.opened_at <= by)
        .where(issues.c.cause.in_(causes))
        .distinct()
        .order_by(stop.item_id, issues.c.cause)
    )
    found: dict[int, list[str]] = {}
    for item_id, cause in connection.execute(query):
        found.setdefault(item_id, []).append(cause)
    return found
