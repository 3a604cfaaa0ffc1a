"""Issues: all documents stopped by one cause, many to many."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from sync.store.said import dump_said
from sync.store.tables import issue_documents, issue_sums, issues
from sync.store.types import UtcDateTime, db_now
from sync.store.upsert import dialect_of

#: Causes that name documents without stopping them: whoever opened the issue ends it.
STANDING: Final = frozenset({"oversold"})
_SUBJECT: Final = 255


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What stops a document. Equal `cause`, `step`, `subject` and place mean the same issue."""

    cause: str
    subject: str = ""
    channel: str = ""
    connection: str = ""
    title: str
    next_step: str = ""
    owner: str = "admin"
    #: On the way of the document, where the same refusal means something else elsewhere: `read`, `write`, `after`,
    #: `stock`, `crm`.
    step: str = ""
    #: The vendor's own code, for the error catalogue; `subject` has it too where it tells causes apart.
    code: str = ""

    @property
    def fingerprint(self) -> str:
        """Groups equal causes; free text takes no part in it."""
        parts = (self.cause, self.step, self.subject, self.channel, self.connection)
        return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


@dataclasses.dataclass(frozen=True, slots=True)
class Stop:
    """One document and one cause; `item_id` None opens the issue without a document (a connection)."""

    item_id: int | None
    cause: Cause
    #: (path, reason) pairs of this document.
    details: tuple[tuple[str, str], ...] = ()


def open_issues(connection: Connection, stops: Sequence[Stop]) -> frozenset[tuple[int, int]]:
    """Open or refresh the issue of each cause and hang the documents on it; (issue, item) of each.

    An issue that was over is *regressed* by that, and nobody knows of it yet.
    """
    if not stops:
        return frozenset()
    now = connection.execute(select(db_now())).scalar_one()
    ids = _upsert(connection, {stop.cause.fingerprint: stop.cause for stop in stops}.values(), now)
    statement, table = dialect_of(connection).insert(issue_documents), issue_documents.c
    statement = statement.on_conflict_do_update(
        index_elements=[table.issue_id, table.item_id],
        set_={
            "details": statement.excluded.details,
            "opened_at": case((table.closed_at.is_(None), table.opened_at), else_=statement.excluded.opened_at),
            "closed_at": None,
        },
    )
    rows = {
        (ids[stop.cause.fingerprint], stop.item_id): dump_said(
            [{"path": path, "reason": reason} for path, reason in stop.details]
        )
        for stop in stops
        if stop.item_id is not None
    }
    if rows:
        connection.execute(
            statement,
            [
                {"issue_id": issue, "item_id": item, "details": details, "opened_at": now}
                for (issue, item), details in sorted(rows.items())
            ],
        )
    return frozenset(rows)


def restate(connection: Connection, item_ids: Sequence[int], stops: Sequence[Stop]) -> None:
    """What stops these documents now, and nothing else does any more.

    In this order: an issue whose only document is stopped by it once more was never over.
    """
    close_documents(connection, item_ids, keep=open_issues(connection, stops))


def _upsert(connection: Connection, causes: Iterable[Cause], now: dt.datetime) -> dict[str, int]:
    """Fingerprint -> issue id; in sorted order, so that two writers cannot dead-lock."""
    statement = dialect_of(connection).insert(issues)
    statement = statement.on_conflict_do_update(
        index_elements=[issues.c.fingerprint],
        set_={name: statement.excluded[name] for name in ("seen_at", "title", "next_step", "code")}
        | _regressed(now)
        | {"closed_at": None},
    )
    rows = [
        {
            "fingerprint": cause.fingerprint,
            "cause": cause.cause,
            "subject": cause.subject[:_SUBJECT],
            "channel": cause.channel,
            "connection": cause.connection,
            "title": cause.title,
            "next_step": cause.next_step,
            "owner": cause.owner,
            "step": cause.step,
            "code": cause.code[:64],
            "opened_at": now,
            "seen_at": now,
        }
        for cause in sorted(causes, key=lambda cause: cause.fingerprint)
    ]
    made = connection.execute(statement.returning(issues.c.fingerprint, issues.c.id), rows)
    return {fingerprint: issue_id for fingerprint, issue_id in made}  # noqa: C416 - Row is no pair to dict()


def _regressed(now: dt.datetime) -> dict[str, Any]:
    """What changes where it was over: it came back, and what people had said of it was about the time before."""
    table = issues.c
    over = table.closed_at.is_not(None)
    back: dict[str, Any] = {
        "regressed_at": case((over, literal(now, UtcDateTime())), else_=table.regressed_at),
        "regressions": case((over, table.regressions + 1), else_=table.regressions),
    }
    forgotten = ("acknowledged_at", "snoozed_at", "snoozed_until", "snoozed_above")
    return back | {name: case((over, null()), else_=table[name]) for name in forgotten}


def close_documents(connection: Connection, item_ids: Sequence[int], *, keep: Collection[tuple[int, int]] = ()) -> None:
    """These documents are stopped no longer, but for the (issue, item) of `keep`; an issue without any closes itself.

    One of `STANDING` stops no document and is not for a look at one to end.
    """
    if not item_ids:
        return
    statement, table = _closing(), issue_documents.c
    if keep:
        statement = statement.where(tuple_(table.issue_id, table.item_id).not_in(sorted(keep)))
    touched = set(connection.execute(statement, {"items": list(item_ids)}).scalars())
    if not touched:
        return
    still = select(table.issue_id).where(table.closed_at.is_(None))
    connection.execute(
        update(issues)
        .where(issues.c.id.in_(touched), issues.c.id.notin_(still), issues.c.closed_at.is_(None))
        .values(closed_at=db_now())
    )


@functools.cache
def _closing() -> ReturningUpdate[tuple[int]]:
    """Made once: each batch of a drain asks for it, and mostly there is nothing."""
    table = issue_documents.c
    standing = select(issues.c.id).where(issues.c.cause.in_(STANDING), issues.c.closed_at.is_(None))
    return (
        update(issue_documents)
        .where(
            table.item_id.in_(bindparam("items", expanding=True)),
            table.closed_at.is_(None),
            table.issue_id.notin_(standing),
        )
        .values(closed_at=db_now())
        .returning(table.issue_id)
    )


@dataclasses.dataclass(frozen=True, slots=True)
class OpenIssue:
    """An open issue with how many documents stand in it."""

    id: int
    cause: str
    subject: str
    channel: str
    connection: str
    title: str
    next_step: str
    owner: str
    opened_at: dt.datetime
    seen_at: dt.datetime
    step: str
    code: str
    acknowledged_at: dt.datetime | None
    acknowledged_by: str
    snoozed_at: dt.datetime | None
    snoozed_by: str
    snoozed_until: dt.datetime | None
    snoozed_above: int | None
    assignee: str
    due_on: str
    regressed_at: dt.datetime | None
    regressions: int
    documents: int


_COLUMNS = tuple(issues.c[field.name] for field in dataclasses.fields(OpenIssue) if field.name != "documents")


def list_open(connection: Connection) -> list[OpenIssue]:
    """Open issues, most documents first."""
    return [issue for issue, _ in _list(connection, closed=False)]


def list_closed(connection: Connection, limit: int) -> list[tuple[OpenIssue, dt.datetime]]:
    """Issues that are over, with when they ended, the newest first."""
    return [(issue, closed_at) for issue, closed_at in _list(connection, closed=True, limit=limit) if closed_at]


def _list(
    connection: Connection, *, closed: bool, limit: int | None = None
) -> Iterator[tuple[OpenIssue, dt.datetime | None]]:
    table = issues.c
    query = select(*_COLUMNS, _open_documents().label("documents"), table.closed_at).limit(limit)
    if closed:
        query = query.where(table.closed_at.is_not(None)).order_by(table.closed_at.desc(), table.id)
    else:
        query = query.where(table.closed_at.is_(None)).order_by(text("documents DESC"), table.opened_at, table.id)
    for row in connection.execute(query):
        yield OpenIssue(*row[:-1]), row[-1]


def _open_documents() -> ColumnElement[int]:
    """Of the issue in question, as they are counted (`sync.store.issue_triggers`)."""
    sums = issue_sums.c
    summed = select(func.sum(sums.documents)).where(sums.issue_id == issues.c.id).correlate(issues).scalar_subquery()
    return cast(func.coalesce(summed, 0), Integer)


@dataclasses.dataclass(frozen=True, slots=True)
class ConnectionIssue:
    """What is wrong with a connection itself."""

    id: int
    cause: str
    connection: str
    title: str
    next_step: str


def connection_issues(connection: Connection) -> list[ConnectionIssue]:
    """Open issues of connections; what a connection refuses of single orders is none of them."""
    table = issues.c
    query = (
        select(table.id, table.cause, table.connection, table.title, table.next_step)
        .where(table.closed_at.is_(None), table.connection != "", table.channel == "")
        .order_by(table.opened_at, table.id)
    )
    return [ConnectionIssue(*row) for row in connection.execute(query)]


def load_issue(connection: Connection, issue_id: int) -> tuple[OpenIssue, dt.datetime | None] | None:
    """One issue, also a closed one, with when it was closed."""
    table = issues.c
    query = select(*_COLUMNS, _open_documents(), table.closed_at).where(table.id == issue_id)
    row = connection.execute(query).first()
    return None if row is None else (OpenIssue(*row[:-1]), row[-1])


def items_of(connection: Connection, *, cause: str = "", subject: str = "") -> list[int]:
    """Item ids that stand in open issues of a cause, of a subject, or of both."""
    table, documents = issues.c, issue_documents.c
    query = (
        select(documents.item_id)
        .join(issues, table.id == documents.issue_id)
        .where(documents.closed_at.is_(None), table.closed_at.is_(None))
    )
    if cause:
        query = query.where(table.cause == cause)
    if subject:
        query = query.where(table.subject == subject)
    return list(connection.execute(query.distinct()).scalars())


def ids_of(
    connection: Connection, *, cause: str = "", subject: str = "", channels: Collection[str] | None = None
) -> list[int]:
    """Ids of the open issues with documents, of a cause or of a subject; those of some channels only where given."""
    table, documents = issues.c, issue_documents.c
    standing = exists().where(documents.issue_id == table.id, documents.closed_at.is_(None))
    query = select(table.id).where(table.closed_at.is_(None), standing).order_by(table.id)
    if cause:
        query = query.where(table.cause == cause)
    if subject:
        query = query.where(table.subject == subject)
    if channels is not None:
        query = query.where(or_(table.channel == "", table.channel.in_(channels)))
    return list(connection.execute(query).scalars())


def open_subjects(connection: Connection, tables: Collection[str]) -> list[tuple[int, str, str, str]]:
    """(id, cause, subject, channel) of the open issues with documents whose subject begins with one of `<table>:`."""
    if not tables:
        return []
    table, documents = issues.c, issue_documents.c
    standing = exists().where(documents.issue_id == table.id, documents.closed_at.is_(None))
    about = or_(*(table.subject.startswith(f"{name}:", autoescape=True) for name in sorted(tables)))
    query = select(table.id, table.cause, table.subject, table.channel).where(
        table.closed_at.is_(None), standing, about
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query.order_by(table.id))]


@dataclasses.dataclass(frozen=True, slots=True)
class IssueAbout:
    """An open issue that is about one of some subjects."""

    id: int
    subject: str
    channel: str
    connection: str


def open_about(connection: Connection, subjects: Collection[str]) -> list[IssueAbout]:
    """The open issues of these very subjects, with or without documents."""
    table = issues.c
    wanted = sorted({subject[:_SUBJECT] for subject in subjects})
    query = select(table.id, table.subject, table.channel, table.connection)
    query = query.where(table.closed_at.is_(None), table.subject.in_(wanted)).order_by(table.id)
    return [IssueAbout(*row) for row in connection.execute(query)]


def is_open(connection: Connection, issue_id: int) -> bool:
    """Whether an issue is there and not over."""
    table = issues.c
    return bool(
        connection.execute(select(exists().where(table.id == issue_id, table.closed_at.is_(None)))).scalar_one()
    )


def close_connection_issues(connection: Connection, name: str, cause: str) -> None:
    """What was wrong with a connection is over: a person says that it works again, or a pull went through."""
    table = issues.c
    connection.execute(
        update(issues)
        .where(table.cause == cause, table.connection == name, table.closed_at.is_(None))
        .values(closed_at=db_now())
    )


def causes_of(connection: Connection, item_ids: Sequence[int]) -> dict[int, list[tuple[str, str, str, str]]]:
    """Item id -> (cause, title, next step, details JSON) of what stops it."""
    table, documents = issues.c, issue_documents.c
    query = (
        select(documents.item_id, table.cause, table.title, table.next_step, documents.details)
        .join(issues, table.id == documents.issue_id)
        .where(documents.item_id.in_(item_ids), documents.closed_at.is_(None))
        .order_by(table.id)
    )
    found: dict[int, list[tuple[str, str, str, str]]] = {}
    for item_id, *rest in connection.execute(query):
        found.setdefault(item_id, []).append((rest[0], rest[1], rest[2], rest[3]))
    return found
