"""Mapping profiles as they are kept: the revisions of each channel, and its draft."""

from __future__ import annotations

import dataclasses
import datetime as dt

from sqlalchemy import Connection, delete, func, select, update

from sync.store.tables import orders, profile_drafts, profile_revisions, work_items
from sync.store.types import db_now
from sync.store.upsert import dialect_of


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One text that was published for a channel; the one with the highest number is what applies."""

    channel: str
    number: int
    text: str = dataclasses.field(repr=False)
    #: Of what it says (`mappings.profiles.Profile.digest`).
    digest: str
    author: str
    reason: str
    published_at: dt.datetime
    #: The older revision whose text it has again; None for a new text.
    text_of: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is being written for a channel."""

    channel: str
    #: Counts each save.
    version: int
    #: The revision that was published when it was begun; 0 where there was none.
    base: int
    text: str = dataclasses.field(repr=False)
    changed_by: str
    changed_at: dt.datetime

    @property
    def seen(self) -> str:
        """What whoever saves it names: another one with each save, and for the draft of each revision."""
        return f"{self.base}.{self.version}"


_REVISION = tuple(profile_revisions.c[field.name] for field in dataclasses.fields(Revision))
_DRAFT = tuple(profile_drafts.c[field.name] for field in dataclasses.fields(Draft))


def published_number(connection: Connection, channel: str) -> int:
    """Which revision applies; 0 where none was ever published."""
    table = profile_revisions.c
    query = select(func.max(table.number)).where(table.channel == channel)
    return connection.execute(query).scalar() or 0


def load_revision(connection: Connection, channel: str, number: int) -> Revision | None:
    """One of them."""
    table = profile_revisions.c
    row = connection.execute(select(*_REVISION).where(table.channel == channel, table.number == number)).mappings()
    found = row.first()
    return None if found is None else Revision(**found)


def load_published(connection: Connection, channel: str) -> Revision | None:
    """The one that applies; None where none was ever published."""
    number = published_number(connection, channel)
    return load_revision(connection, channel, number) if number else None


def list_revisions(connection: Connection, channel: str, limit: int) -> list[Revision]:
    """The newest first."""
    table = profile_revisions.c
    query = select(*_REVISION).where(table.channel == channel).order_by(table.number.desc()).limit(limit)
    return [Revision(**row) for row in connection.execute(query).mappings()]


def add_revision(connection: Connection, revision: Revision) -> Revision | None:
    """Publish it under the number that it has, at the database's time; None where somebody else was first."""
    values = dataclasses.asdict(revision) | {"published_at": db_now()}
    statement = dialect_of(connection).insert(profile_revisions).values(values).on_conflict_do_nothing()
    if connection.execute(statement.returning(profile_revisions.c.number)).first() is None:
        return None
    return load_revision(connection, revision.channel, revision.number)


def load_draft(connection: Connection, channel: str) -> Draft | None:
    """What is being written; None where nothing is."""
    row = connection.execute(select(*_DRAFT).where(profile_drafts.c.channel == channel)).mappings().first()
    return None if row is None else Draft(**row)


def write_draft(connection: Connection, draft: Draft, *, over: Draft | None) -> bool:
    """Keep it in the place of `over` (None: there is none); False where that does not stand there any more."""
    values = dataclasses.asdict(draft) | {"changed_at": db_now(), "changed_by": draft.changed_by[:128]}
    table = profile_drafts.c
    if over is None:
        statement = dialect_of(connection).insert(profile_drafts).values(values).on_conflict_do_nothing()
        return connection.execute(statement.returning(table.version)).first() is not None
    there = (table.channel == over.channel, table.version == over.version, table.base == over.base)
    return bool(connection.execute(update(profile_drafts).where(*there).values(values)).rowcount)


def remove_draft(connection: Connection, channel: str) -> None:
    """It is published, or nobody wants it."""
    connection.execute(delete(profile_drafts).where(profile_drafts.c.channel == channel))


def revision_of_order(connection: Connection, order_id: int) -> Revision | None:
    """The revision that made what is stored of an order; None where a file of the configuration did, or no profile."""
    table = profile_revisions.c
    joined = orders.join(
        profile_revisions, (table.channel == orders.c.channel) & (table.number == orders.c.profile_revision)
    )
    row = connection.execute(select(*_REVISION).select_from(joined).where(orders.c.id == order_id)).mappings().first()
    return None if row is None else Revision(**row)


def open_items(connection: Connection, channel: str, states: tuple[str, ...]) -> list[int]:
    """Orders of a channel that rest in these states, save those that stay with an older revision."""
    item = work_items.c
    query = select(item.id).where(
        item.channel == channel, item.kind == "order", item.state.in_(states), item.pinned_revision.is_(None)
    )
    return list(connection.execute(query.order_by(item.id)).scalars())
