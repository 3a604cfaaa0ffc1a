"""What the home page and the metrics ask for: backlogs, doubts, traffic by the hour, signs of life."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, String, case, func, select, type_coerce

from sync.store.states import CLAIMABLE, UNDER_WAY, ItemState
from sync.store.tables import attempts, bindings, checkpoints, events, intents, leases, work_items
from sync.store.types import db_now

#: Attempts that are looked through for a sign of life.
_NEWEST: Final = 500
HOURS: Final = 24


@dataclasses.dataclass(frozen=True, slots=True)
class Backlog:
    """What is not finished of one channel."""

    count: int
    #: When the oldest of it came in; what is only looked at again counts from when that was due.
    oldest_at: dt.datetime | None


def backlogs(connection: Connection) -> dict[str, Backlog]:
    """Channel -> its orders that are under way."""
    item = work_items.c
    # A retry moves the due time, so it does not tell how long an order has waited; its newest payload does.
    since = case((item.event_digest != item.done_digest, events.c.received_at))
    query = (
        select(item.channel, func.count(), func.min(func.coalesce(since, item.due_at)))
        .select_from(work_items)
        .outerjoin(events, events.c.id == item.event_id)
        .where(item.state.in_(UNDER_WAY), item.kind == "order")
        .group_by(item.channel)
    )
    return {row[0]: Backlog(row[1], row[2]) for row in connection.execute(query)}


def due_since(connection: Connection) -> dict[str, dt.datetime]:
    """Channel -> since when its longest-due order could have been claimed and was not."""
    item = work_items.c
    query = (
        select(item.channel, func.min(item.due_at))
        .where(item.state.in_(CLAIMABLE), item.due_at <= db_now())
        .group_by(item.channel)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def unknown_outcomes(connection: Connection) -> dict[str, int]:
    """Channel -> writes of which nobody knows whether they happened, and which no drain has in its hands."""
    table = intents.c
    query = (
        select(table.channel, func.count())
        .select_from(intents)
        .outerjoin(leases, leases.c.token == table.lease_token)
        .where(table.closed_at.is_(None), leases.c.token.is_(None))
        .group_by(table.channel)
    )
    return {channel: count for channel, count in connection.execute(query)}  # noqa: C416 - Row is no pair to dict()


# --- traffic ----------------------------------------------------------------------------------------------------


def orders_in(connection: Connection, now: dt.datetime) -> dict[str, list[int]]:
    """Source -> orders that it told us something about, in each of the last 24 hours, the current one last."""
    table = events.c
    hour = _hour(connection, table.received_at).label("hour")
    query = (
        select(table.connection, hour, func.count(table.external_id.distinct()))
        .where(table.received_at >= _first_hour(now), table.kind == "order")
        .group_by(table.connection, hour)
    )
    return _by_hour(((row[0], row[1], row[2]) for row in connection.execute(query)), now)


def orders_out(connection: Connection, now: dt.datetime) -> dict[str, list[int]]:
    """Target -> sales that were made or linked there, in each of the last 24 hours, the current one last."""
    table = bindings.c
    hour = _hour(connection, table.created_at).label("hour")
    query = (
        select(table.connection, hour, func.count())
        .where(table.created_at >= _first_hour(now), table.kind == "sale")
        .group_by(table.connection, hour)
    )
    return _by_hour(((row[0], row[1], row[2]) for row in connection.execute(query)), now)


def _first_hour(now: dt.datetime) -> dt.datetime:
    return now.replace(minute=0, second=0, microsecond=0) - dt.timedelta(hours=HOURS - 1)


def _hour(connection: Connection, column: Column[Any]) -> ColumnElement[str]:
    """The hour of a moment in UTC, as text."""
    if connection.dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", column), "YYYY-MM-DD HH24")
    return func.substr(type_coerce(column, String), 1, 13)


def _by_hour(rows: Iterable[tuple[str, str, int]], now: dt.datetime) -> dict[str, list[int]]:
    first = _first_hour(now)
    places = {f"{first + dt.timedelta(hours=hour):%Y-%m-%d %H}": hour for hour in range(HOURS)}
    found: dict[str, list[int]] = {}
    for name, hour, count in rows:
        # A delivery of a host whose clock is ahead may lie in an hour to come.
        if hour in places:
            found.setdefault(name, [0] * HOURS)[places[hour]] = count
    return found


# --- signs of life ----------------------------------------------------------------------------------------------


def last_pulls(connection: Connection) -> dict[str, dt.datetime]:
    """Source -> when a page of it was last saved."""
    query = select(checkpoints.c.connection, func.max(checkpoints.c.updated_at)).group_by(checkpoints.c.connection)
    return {row[0]: row[1] for row in connection.execute(query)}


def last_heard(connection: Connection, source: str) -> dt.datetime | None:
    """When anything came from a source last."""
    newest = select(func.max(events.c.received_at)).where(events.c.connection == source)
    found: dt.datetime | None = connection.execute(newest).scalar_one()
    return found


def last_sale(connection: Connection, target: str) -> dt.datetime | None:
    """When a sale was last made or linked in a target."""
    newest = select(func.max(bindings.c.created_at)).where(bindings.c.connection == target)
    found: dt.datetime | None = connection.execute(newest).scalar_one()
    return found


def last_answer(connection: Connection, channels: Collection[str]) -> dt.datetime | None:
    """When an order of these channels last converged; None where no recent attempt did."""
    newest = select(attempts.c.item_id, attempts.c.ended_at, attempts.c.outcome)
    recent = newest.order_by(attempts.c.id.desc()).limit(_NEWEST).subquery()
    query = (
        select(func.max(recent.c.ended_at))
        .join(work_items, work_items.c.id == recent.c.item_id)
        .where(work_items.c.channel.in_(channels), recent.c.outcome == ItemState.DONE.value)
    )
    found: dt.datetime | None = connection.execute(query).scalar_one()
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Drain:
    """One drain that is under way, or whose end nobody has noticed yet."""

    token: str
    channel: str
    kind: str
    connection: str
    slots: int
    #: `<host>:<process id>:<job>`, the job only where a worker runs it.
    holder: str
    started_at: dt.datetime
    expires_at: dt.datetime
    items: int
    #: Its lease has run out: whoever looks next takes its items back.
    expired: bool


def list_drains(connection: Connection) -> list[Drain]:
    """All leases with how many items each holds, the oldest first."""
    table = leases.c
    items = select(func.count()).where(work_items.c.lease_token == table.token).scalar_subquery()
    query = select(
        table.token,
        table.channel,
        table.kind,
        table.connection,
        table.slots,
        table.holder,
        table.started_at,
        table.expires_at,
        items.label("items"),
        (table.expires_at <= db_now()).label("expired"),
    ).order_by(table.started_at)
    return [Drain(**row) for row in connection.execute(query).mappings()]


def drain_items(connection: Connection, token: str, limit: int = 50) -> list[tuple[str, str]]:
    """(channel, external id) of what a drain has in its hands."""
    item = work_items.c
    query = select(item.channel, item.external_id).where(item.lease_token == token).order_by(item.id).limit(limit)
    return [(row[0], row[1]) for row in connection.execute(query)]
