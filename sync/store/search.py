"""Searching and listing orders: what there is, what the filters leave of it, a page at a time.

An order is here from its first event on. Until it could be read there is only its work item: it has no number but the
shop's id and no money, and the moment in which we first heard of it stands for that of its placing.

Lists of 100,000 orders must answer at once on SQLite too, whose planner has no figures about the tables. So the way is
chosen here: from the few items in question to their orders, or along an index of the orders in the order of the list
until the page is full. Either way only ids are collected first, from indexes; the rows of a page are loaded by id.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    ScalarSelect,
    Select,
    exists,
    func,
    literal,
    null,
    select,
    tuple_,
    union_all,
)

from sync.store.documents import of_documents
from sync.store.listed import Listed, load_listed
from sync.store.orders import fold
from sync.store.states import ItemState
from sync.store.tables import (
    bindings,
    bulk_run_items,
    issue_documents,
    issues,
    order_cares,
    order_skus,
    orders,
    work_items,
)

#: Up to so many items are joined with their orders and sorted; it takes some 50 ms.
_FEW: Final = 5000
_ITEM, _ORDER, _SALE = work_items.c, orders.c, bindings.c
#: Stands where no login can: nobody cares for the order.
NOBODY: Final = "-"
#: Everything that can be without an order's content: to be done, it must have been read.
_MAY_BE_UNREAD: Final = tuple(state for state in ItemState if state is not ItemState.DONE)


class Sort(enum.StrEnum):
    """By what a list may be sorted."""

    PLACED = "placed"
    AMOUNT = "amount"
    #: By the last thing that happened to it here.
    CHANGED = "changed"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a list is narrowed to; what is left empty narrows nothing."""

    #: A number or id of any system, our key, an e-mail address, a SKU, or the beginning of a customer's name.
    text: str = ""
    channel: str = ""
    #: Any of these channels.
    channels: tuple[str, ...] = ()
    states: tuple[ItemState, ...] = ()
    #: An open cause that stops the order: `unknown_sku` ...
    cause: str = ""
    #: The numbers of issues, any of them.
    issues: tuple[int, ...] = ()
    #: These work items.
    items: tuple[int, ...] = ()
    #: What a bulk run has dealt with.
    run: int | None = None
    #: Placed in [since, until).
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    #: Grand total in [low, high].
    low: Decimal | None = None
    high: Decimal | None = None
    currency: str = ""
    #: Who cares for it: a login, or NOBODY.
    assignee: str = ""
    #: By a day (ISO) before this one.
    due_before: str = ""

    @property
    def names_items(self) -> bool:
        """Whether the orders in question are found by an index of their own, and few as a rule."""
        cared = self.assignee not in {"", NOBODY} or self.due_before
        return bool(self.text or self.cause or self.issues or self.items or cared) or self.run is not None

    @property
    def needs_content(self) -> bool:
        """Whether an order that could not be read cannot be meant."""
        return self.low is not None or self.high is not None or bool(self.currency)

    @property
    def about_orders(self) -> bool:
        """Whether it asks for what only the order's content says."""
        return self.needs_content or self.since is not None or self.until is not None


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """A place in a list: the sort value and the item id of one row."""

    value: dt.datetime | int
    item_id: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which piece of the list: what follows `after`, or what stands directly before `before`."""

    sort: Sort = Sort.PLACED
    descending: bool = True
    limit: int = 50
    after: Mark | None = None
    before: Mark | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `previous` and `next` are None at its ends."""

    rows: list[Listed]
    previous: Mark | None
    next: Mark | None


# --- how many ---------------------------------------------------------------------------------------------------


def count_by_state(connection: Connection, wanted: Wanted, targets: Mapping[str, str]) -> dict[ItemState, int]:
    """How many orders stand in each state, whatever states `wanted` names: one query. `targets`: channel -> ERP."""
    wanted = dataclasses.replace(wanted, states=())
    query: Select[Any] | CompoundSelect[Any]
    if not wanted.about_orders:
        query = select(_ITEM.state, func.count()).where(*_of_item(wanted, targets)).group_by(_ITEM.state)
    else:
        query = _count_read(wanted, targets, planned=_plans(connection))
        if not wanted.needs_content:
            unread = select(_ITEM.state, func.count()).where(*_of_unread(wanted, targets)).group_by(_ITEM.state)
            query = union_all(query, unread)
    counts = dict.fromkeys(ItemState, 0)
    for state, count in connection.execute(query):
        counts[ItemState(state)] += count
    return counts


def _count_read(wanted: Wanted, targets: Mapping[str, str], *, planned: bool) -> Select[Any]:
    if wanted.names_items or planned:
        joined = select(_ITEM.state, func.count()).join(orders, _ORDER.item_id == _ITEM.id)
        return joined.where(*_of_item(wanted, targets), *_of_order(wanted)).group_by(_ITEM.state)
    counted = select(_state_of_order().label("state")).where(*_of_order(wanted)).subquery()
    return select(counted.c.state, func.count()).group_by(counted.c.state)


def count_worth(
    connection: Connection,
    wanted: Wanted,
    targets: Mapping[str, str],
    *,
    extra: Sequence[ColumnElement[bool]] = (),
    along: bool = False,
) -> Sequence[Sequence[Any]]:
    """(state, currency, how many, their sum in ten-thousandths); of what could not be read the last is None.

    `extra` are conditions on the items and orders. With `along` the orders are read along an index: what is quick
    where the items are many.
    """
    worth = (_ORDER.currency, func.count(), func.sum(_ORDER.grand_sort))
    if not along or wanted.names_items or _plans(connection):
        query = select(_ITEM.state, *worth).outerjoin(orders, _ORDER.item_id == _ITEM.id)
        query = query.where(*matching(wanted, targets), *extra).group_by(_ITEM.state, _ORDER.currency)
        return connection.execute(query).all()
    states = [state.value for state in wanted.states]
    listed = select(_state_of_order().label("state"), _ORDER.currency, _ORDER.grand_sort).where(*_of_order(wanted))
    read = listed.subquery()
    summed = select(read.c.state, read.c.currency, func.count(), func.sum(read.c.grand_sort))
    if states:
        summed = summed.where(read.c.state.in_(states))
    rows: list[Sequence[Any]] = list(connection.execute(summed.group_by(read.c.state, read.c.currency)))
    if not wanted.needs_content:
        unread = select(_ITEM.state, null(), func.count(), null()).where(*_of_unread(wanted, targets))
        rows += connection.execute(unread.group_by(_ITEM.state))
    return rows


def _plans(connection: Connection) -> bool:
    """Whether the database has figures about its tables, and so finds a better way through a join than we name.

    Of 20,000 orders of a year, PostgreSQL counts the states with a fifteenth of the page reads, and finds those that
    need a person in 0.5 ms instead of 215, once it may begin with the few items.
    """
    return connection.dialect.name == "postgresql"


def _state_of_order() -> ScalarSelect[str]:
    """Asked row by row on purpose: joined, SQLite would begin with all items and look at the row of each order."""
    return select(_ITEM.state).where(_ITEM.id == _ORDER.item_id).correlate(orders).scalar_subquery()


# --- a page -----------------------------------------------------------------------------------------------------


def load_page(
    connection: Connection,
    wanted: Wanted,
    paging: Paging,
    targets: Mapping[str, str],
    counts: Mapping[ItemState, int] | None = None,
) -> Page:
    """One page of what is wanted. `counts` as `count_by_state` answers them, where the caller has them already."""
    if counts is None:
        counts = count_by_state(connection, wanted, targets)
    few = sum(counts[state] for state in wanted.states or ItemState) <= _FEW
    backwards = paging.before is not None
    mark = paging.before or paging.after
    descending = paging.descending is not backwards
    found: list[Mark] = []
    for query in _queries(wanted, paging.sort, targets, few=few, planned=_plans(connection)):
        found += [Mark(row[1], row[0]) for row in connection.execute(_cut(query, mark, paging.limit + 1, descending))]
    found.sort(key=lambda each: (each.value, each.item_id), reverse=descending)
    more = len(found) > paging.limit
    found = found[: paging.limit]
    if backwards:
        found.reverse()
    rows = load_listed(connection, [each.item_id for each in found], targets)
    first, last = (found[0], found[-1]) if found else (None, None)
    return Page(
        rows,
        previous=first if (more if backwards else mark is not None) else None,
        next=last if (mark is not None if backwards else more) else None,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Query:
    """A query for item ids with their sort values, not sorted and cut yet."""

    key: ColumnElement[Any]
    item_id: ColumnElement[int]
    select: Select[Any]


def _cut(query: _Query, mark: Mark | None, limit: int, descending: bool) -> Select[Any]:  # noqa: FBT001 - private
    statement = query.select.limit(limit)
    if descending:
        statement = statement.order_by(query.key.desc(), query.item_id.desc())
    else:
        statement = statement.order_by(query.key, query.item_id)
    if mark is None:
        return statement
    here, there = tuple_(query.key, query.item_id), tuple_(literal(mark.value, query.key.type), literal(mark.item_id))
    return statement.where(here < there if descending else here > there)


def _queries(wanted: Wanted, sort: Sort, targets: Mapping[str, str], *, few: bool, planned: bool) -> list[_Query]:
    """What finds the ids; the pages of several are merged."""
    if wanted.names_items or (few and not wanted.about_orders):
        return [_from_items(wanted, sort, targets)]
    if sort is Sort.CHANGED:
        # The index is sorted within a state.
        states = wanted.states or tuple(ItemState)
        return [_from_items(dataclasses.replace(wanted, states=(state,)), sort, targets) for state in states]
    along = [_along_orders(wanted, sort, planned=planned)]
    return along if wanted.needs_content else [*along, _from_unread(wanted, sort, targets)]


def _from_items(wanted: Wanted, sort: Sort, targets: Mapping[str, str]) -> _Query:
    placed = func.coalesce(_ORDER.placed_at, _ITEM.created_at)
    key = {
        Sort.PLACED: placed,
        Sort.AMOUNT: func.coalesce(_ORDER.grand_sort, 0),
        Sort.CHANGED: _ITEM.updated_at,
    }[sort]
    statement = select(_ITEM.id, key).outerjoin(orders, _ORDER.item_id == _ITEM.id).where(*matching(wanted, targets))
    return _Query(key, _ITEM.id, statement)


def _along_orders(wanted: Wanted, sort: Sort, *, planned: bool) -> _Query:
    key = _ORDER.grand_sort if sort is Sort.AMOUNT else _ORDER.placed_at
    statement = select(_ORDER.item_id, key).where(*_of_order(wanted))
    states = [state.value for state in wanted.states]
    if states and planned:
        statement = statement.join(work_items, _ITEM.id == _ORDER.item_id).where(_ITEM.state.in_(states))
    elif states:
        statement = statement.where(_state_of_order().in_(states))
    return _Query(key, _ORDER.item_id, statement)


def _from_unread(wanted: Wanted, sort: Sort, targets: Mapping[str, str]) -> _Query:
    key: ColumnElement[Any] = literal(0) if sort is Sort.AMOUNT else _ITEM.created_at
    return _Query(key, _ITEM.id, select(_ITEM.id, key).where(*_of_unread(wanted, targets)))


# --- conditions -------------------------------------------------------------------------------------------------


def matching(wanted: Wanted, targets: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """What fits, as conditions on the items with their orders, where there are any, beside them."""
    placed = func.coalesce(_ORDER.placed_at, _ITEM.created_at)
    return [*_of_item(wanted, targets), *_of_money(wanted), *_within(placed, wanted)]


def _of_item(wanted: Wanted, targets: Mapping[str, str]) -> Iterable[ColumnElement[bool]]:
    yield _ITEM.kind == "order"
    if wanted.channel:
        yield _ITEM.channel == wanted.channel
    if wanted.channels:
        yield _ITEM.channel.in_(wanted.channels)
    if wanted.states:
        yield _ITEM.state.in_([state.value for state in wanted.states])
    if wanted.text:
        yield _ITEM.id.in_(union_all(*_named(wanted.text, targets)))
    if wanted.cause or wanted.issues:
        yield _ITEM.id.in_(_stopped(wanted))
    if wanted.items:
        yield _ITEM.id.in_(wanted.items)
    if wanted.run is not None:
        yield _ITEM.id.in_(select(bulk_run_items.c.item_id).where(bulk_run_items.c.run_id == wanted.run))
    yield from _of_care(wanted)


def _of_care(wanted: Wanted) -> Iterable[ColumnElement[bool]]:
    care = order_cares.c
    if wanted.assignee == NOBODY:
        yield ~exists().where(care.item_id == _ITEM.id, care.assignee != "")
    elif wanted.assignee:
        yield _ITEM.id.in_(select(care.item_id).where(care.assignee == wanted.assignee))
    if wanted.due_before:
        yield _ITEM.id.in_(select(care.item_id).where(care.due_on != "", care.due_on < wanted.due_before))


def _stopped(wanted: Wanted) -> Select[Any]:
    stopped = issue_documents.c
    query = (
        select(stopped.item_id)
        .join(issues, issues.c.id == stopped.issue_id)
        .where(stopped.closed_at.is_(None), issues.c.closed_at.is_(None))
    )
    if wanted.cause:
        query = query.where(issues.c.cause == wanted.cause)
    return query.where(issues.c.id.in_(wanted.issues)) if wanted.issues else query


def _named(text: str, targets: Mapping[str, str]) -> Iterable[Select[Any]]:
    """Each way in which an order can be meant by a text, as a query for its item; every one has its index."""
    of_sale = select(_ORDER.item_id).join(bindings, _SALE.order_id == _ORDER.id)
    yield select(_ORDER.item_id).where(_ORDER.number == text)
    yield select(_ITEM.id).where(_ITEM.channel.in_(sorted(targets)), _ITEM.kind == "order", _ITEM.external_id == text)
    yield of_sale.where(_SALE.number == text)
    yield of_sale.where(_SALE.key == text)
    yield of_sale.where(
        _SALE.connection.in_(sorted(set(targets.values()))), _SALE.kind == "sale", _SALE.external_id == text
    )
    yield select(_ORDER.item_id).where(_ORDER.id.in_(of_documents(text)))
    yield select(_ORDER.item_id).join(order_skus, order_skus.c.order_id == _ORDER.id).where(order_skus.c.sku == text)
    if "@" in text:
        yield select(_ORDER.item_id).where(_ORDER.email == text.lower())
    elif any(character.isalpha() for character in text):
        # Every word begins after a space; 100,000 names are looked through in the index in 20 ms.
        of_name = select(_ORDER.id).where(_ORDER.customer_folded.contains(fold(text), autoescape=True))
        yield select(_ORDER.item_id).where(_ORDER.id.in_(of_name))


def _of_order(wanted: Wanted) -> Iterable[ColumnElement[bool]]:
    if wanted.channel:
        yield _ORDER.channel == wanted.channel
    if wanted.channels:
        yield _ORDER.channel.in_(wanted.channels)
    yield from _of_money(wanted)
    yield from _within(_ORDER.placed_at, wanted)


def _of_money(wanted: Wanted) -> Iterable[ColumnElement[bool]]:
    if wanted.currency:
        yield _ORDER.currency == wanted.currency
    if wanted.low is not None:
        yield _ORDER.grand_sort >= int(wanted.low.scaleb(4))
    if wanted.high is not None:
        yield _ORDER.grand_sort <= int(wanted.high.scaleb(4))


def _within(placed: ColumnElement[dt.datetime], wanted: Wanted) -> Iterable[ColumnElement[bool]]:
    if wanted.since is not None:
        yield placed >= wanted.since
    if wanted.until is not None:
        yield placed < wanted.until


def _of_unread(wanted: Wanted, targets: Mapping[str, str]) -> Iterable[ColumnElement[bool]]:
    states = tuple(state for state in wanted.states or _MAY_BE_UNREAD if state in _MAY_BE_UNREAD)
    yield from _of_item(dataclasses.replace(wanted, states=states), targets) if states else (literal(value=False),)
    yield ~exists().where(_ORDER.item_id == _ITEM.id)
    yield from _within(_ITEM.created_at, wanted)


def list_causes(connection: Connection) -> list[str]:
    """Every cause that an open issue has: what a list can be narrowed to."""
    return list(connection.execute(select(issues.c.cause).where(issues.c.closed_at.is_(None)).distinct()).scalars())
