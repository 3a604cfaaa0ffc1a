"""Alerts that stand, the messages that tell them, and who was told what."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, func, insert, or_, select, update

from sync.store.said import dump_said, load_said
from sync.store.tables import alert_messages, alert_news, alerts
from sync.store.types import db_now
from sync.store.upsert import dialect_of


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert as it is kept."""

    id: int
    cause: str
    scope: str
    place: str
    severity: str
    count: int
    detail: str
    seen_at: dt.datetime
    #: None while it may still pass by itself.
    raised_at: dt.datetime | None
    closed_at: dt.datetime | None

    @property
    def key(self) -> tuple[str, str, str]:
        """At most one open alert has it."""
        return self.cause, self.scope, self.place


_COLUMNS: Final = tuple(alerts.c[field.name] for field in dataclasses.fields(AlertRow))


def _row(row: Any) -> AlertRow:
    return AlertRow(**row)


def open_alerts(connection: Connection) -> list[AlertRow]:
    """Those that are not over, the oldest first; also those that nobody was told of yet."""
    query = select(*_COLUMNS).where(alerts.c.closed_at.is_(None)).order_by(alerts.c.seen_at, alerts.c.id)
    return [_row(row) for row in connection.execute(query).mappings()]


def recent_alerts(connection: Connection, limit: int) -> list[AlertRow]:
    """Those that are over, the last first."""
    table = alerts.c
    query = (
        select(*_COLUMNS).where(table.closed_at.is_not(None)).order_by(table.closed_at.desc(), table.id).limit(limit)
    )
    return [_row(row) for row in connection.execute(query).mappings()]


def count_raised(connection: Connection) -> dict[tuple[str, str], int]:
    """(cause, severity) -> open alerts that were raised."""
    table = alerts.c
    query = (
        select(table.cause, table.severity, func.count())
        .where(table.closed_at.is_(None), table.raised_at.is_not(None))
        .group_by(table.cause, table.severity)
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def open_alert(connection: Connection, values: Mapping[str, object]) -> None:
    """A new one, unless another process was faster. `values` are columns but for `id`."""
    connection.execute(dialect_of(connection).insert(alerts).values(values).on_conflict_do_nothing())


def change_alert(connection: Connection, alert_id: int, **values: object) -> None:
    """It has grown, or become graver."""
    connection.execute(update(alerts).where(alerts.c.id == alert_id).values(values))


def raise_alerts(connection: Connection, ids: Collection[int], now: dt.datetime) -> None:
    """They did not pass by themselves; one that was at rest is told anew."""
    if ids:
        connection.execute(delete(alert_news).where(alert_news.c.alert_id.in_(ids)))
        connection.execute(update(alerts).where(alerts.c.id.in_(ids)).values(raised_at=now))


def rest_alerts(connection: Connection, ids: Collection[int]) -> None:
    """People have put them aside: not raised any more, and not over. Who was told is kept, to be told of the end."""
    if ids:
        connection.execute(update(alerts).where(alerts.c.id.in_(ids)).values(raised_at=None))


def close_alerts(connection: Connection, ids: Collection[int], now: dt.datetime) -> None:
    """Over; what nobody was ever told of, and was not to be, leaves no trace."""
    if not ids:
        return
    table = alerts.c
    told = exists().where(alert_news.c.alert_id == table.id)
    connection.execute(delete(alerts).where(table.id.in_(ids), table.raised_at.is_(None), ~told))
    connection.execute(update(alerts).where(table.id.in_(ids), table.closed_at.is_(None)).values(closed_at=now))


# --- news -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class News:
    """What one of the ways was not told yet."""

    raised: Sequence[AlertRow]
    over: Sequence[AlertRow]


def load_news(connection: Connection, channel: str, since: dt.datetime | None) -> News:
    """What `channel` was not told.

    `since` is when it was told something last: what came and went after that is told too, as over. None for a channel
    that is new, to which the past is nothing.
    """
    table, news = alerts.c, alert_news.c
    told = (news.alert_id == table.id) & (news.channel == channel)
    untold = ~exists().where(told)
    raised = (
        select(*_COLUMNS)
        .where(table.closed_at.is_(None), table.raised_at.is_not(None), untold)
        .order_by(table.raised_at, table.id)
    )
    past: ColumnElement[bool] = news.alert_id.is_not(None) & news.over_in.is_(None)
    if since is not None:
        past = or_(past, and_(news.alert_id.is_(None), table.closed_at > since))
    over = (
        select(*_COLUMNS)
        .outerjoin(alert_news, told)
        .where(table.closed_at.is_not(None), past)
        .order_by(table.closed_at, table.id)
    )
    return News(
        [_row(row) for row in connection.execute(raised).mappings()],
        [_row(row) for row in connection.execute(over).mappings()],
    )


def mark_told(connection: Connection, channel: str, raised: Collection[int], over: Collection[int], made: int) -> None:
    """The message `made` tells the channel of these."""
    known = set(
        connection.execute(
            select(alert_news.c.alert_id).where(alert_news.c.channel == channel, alert_news.c.alert_id.in_(over))
        ).scalars()
    )
    rows = [{"alert_id": each, "channel": channel, "raised_in": made, "over_in": None} for each in sorted(raised)]
    rows += [
        {"alert_id": each, "channel": channel, "raised_in": made, "over_in": made} for each in sorted(set(over) - known)
    ]
    if rows:
        connection.execute(dialect_of(connection).insert(alert_news).on_conflict_do_nothing(), rows)
    if known:
        connection.execute(
            update(alert_news)
            .where(alert_news.c.channel == channel, alert_news.c.alert_id.in_(known))
            .values(over_in=made)
        )


# --- messages ---------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """One that has to go out; `body` is what it says."""

    id: int
    uid: str
    channel: str
    body: Any
    made_at: dt.datetime
    tries: int


def add_message(connection: Connection, channel: str, body: object, now: dt.datetime, *, test: bool = False) -> int:
    """Keep it until it was taken; answers its id."""
    values = {
        "uid": secrets.token_hex(16),
        "channel": channel,
        "body": dump_said(body),
        "test": test,
        "made_at": now,
        "due_at": now,
    }
    made = connection.execute(insert(alert_messages).values(values).returning(alert_messages.c.id))
    return int(made.scalar_one())


def hurry(connection: Connection, channel: str) -> bool:
    """Try what waits for this channel now; whether a test is among it."""
    table = alert_messages.c
    waits = (table.channel == channel) & table.sent_at.is_(None)
    connection.execute(update(alert_messages).where(waits).values(due_at=db_now()))
    return bool(connection.execute(select(exists().where(waits, table.test))).scalar_one())


def claim_message(connection: Connection, channels: Collection[str], patience: dt.timedelta) -> Message | None:
    """The next that is due of these channels, with its try counted; nobody else takes it before `patience` is over."""
    table, now = alert_messages.c, connection.execute(select(db_now())).scalar_one()
    query = (
        select(table.id, table.uid, table.channel, table.body, table.made_at, table.tries)
        .where(table.sent_at.is_(None), table.due_at <= now, table.channel.in_(channels))
        .order_by(table.id)
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    taken = connection.execute(
        update(alert_messages)
        .where(table.id == row.id, table.tries == row.tries, table.sent_at.is_(None))
        .values(tries=row.tries + 1, due_at=now + patience)
    )
    if not taken.rowcount:
        return None
    return Message(row.id, row.uid, row.channel, load_said(row.body), row.made_at, row.tries + 1)


def mark_sent(connection: Connection, message_id: int) -> None:
    """It was taken."""
    connection.execute(
        update(alert_messages).where(alert_messages.c.id == message_id).values(sent_at=db_now(), error="")
    )


def mark_refused(connection: Connection, message_id: int, error: str, wait: dt.timedelta) -> None:
    """It was not, and is tried again after `wait`."""
    table, now = alert_messages.c, connection.execute(select(db_now())).scalar_one()
    connection.execute(
        update(alert_messages)
        .where(table.id == message_id)
        .values(due_at=now + wait, error=error, failed_at=func.coalesce(table.failed_at, now))
    )


@dataclasses.dataclass(frozen=True, slots=True)
class WayState:
    """How one of the ways stands."""

    #: When the last message was made that was no test, and when one was last taken.
    told_at: dt.datetime | None = None
    sent_at: dt.datetime | None = None
    #: Messages that wait; since when they are refused, why, and when it is tried again.
    waiting: int = 0
    failed_at: dt.datetime | None = None
    error: str = ""
    due_at: dt.datetime | None = None


def way_states(connection: Connection) -> dict[str, WayState]:
    """Channel -> how it stands; channels that the configuration no longer has are among them."""
    table = alert_messages.c
    query = select(
        table.channel,
        func.max(case((~table.test, table.made_at))).label("told_at"),
        func.max(table.sent_at).label("sent_at"),
    ).group_by(table.channel)
    found = {row.channel: WayState(row.told_at, row.sent_at) for row in connection.execute(query)}
    waiting = (
        select(table.channel, table.failed_at, table.error, table.due_at)
        .where(table.sent_at.is_(None))
        .order_by(table.id)
    )
    for row in connection.execute(waiting):
        state = found[row.channel]
        found[row.channel] = dataclasses.replace(
            state,
            waiting=state.waiting + 1,
            failed_at=state.failed_at or row.failed_at,
            error=state.error or row.error,
            due_at=min(state.due_at or row.due_at, row.due_at),
        )
    return found


def forget_alerts(connection: Connection, before: dt.datetime) -> None:
    """What is long over goes, with the messages that told it; what waits stays."""
    old = select(alerts.c.id).where(alerts.c.closed_at < before)
    connection.execute(delete(alert_news).where(alert_news.c.alert_id.in_(old)))
    connection.execute(delete(alerts).where(alerts.c.closed_at < before))
    news = alert_news.c
    named = exists().where(or_(news.raised_in == alert_messages.c.id, news.over_in == alert_messages.c.id))
    connection.execute(delete(alert_messages).where(alert_messages.c.sent_at < before, ~named))
