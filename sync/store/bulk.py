"""Bulk runs: "retry all of this cause", released a piece at a time, so that it can be watched and cancelled.

A run over a filter of the list of orders is the same, with the filter in the place of the cause.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, case, func, insert, or_, select, update

from sync.store.audit import Actor, AuditNote, record_audits
from sync.store.bodies import digest
from sync.store.issue_sums import standings
from sync.store.issues import close_documents
from sync.store.marking import approve, release
from sync.store.pins import Using
from sync.store.rejections import ACTION as REJECT
from sync.store.rejections import reject
from sync.store.selection import (
    APPROVE,
    LOOK,
    RETRY,
    SKIP,
    Selection,
    causes_seen,
    last_item,
    load_selection,
    next_items,
)
from sync.store.states import BULK, STOPPED, UNDER_WAY, ItemState
from sync.store.tables import bulk_run_items, bulk_runs, issue_documents, issues, work_items
from sync.store.types import db_now
from sync.store.upsert import dialect_of


@dataclasses.dataclass(frozen=True, slots=True)
class BulkRun:
    """One run, as it stands; `outcome` is empty while it runs, then `done` or `cancelled`."""

    id: int
    #: None: it goes over what `selection` selects.
    issue_id: int | None
    #: What the person was shown.
    expected: int
    released: int
    reached: int
    asked_at: dt.datetime
    asked_by: str
    ended_at: dt.datetime | None
    outcome: str
    #: `retry`, `approve`; over a filter also `look`, `skip`.
    action: str = RETRY
    #: So many documents a minute at most.
    per_minute: int | None = None
    #: With which revision of the mapping profile.
    using: Using = Using.SAME
    #: `Selection.dump`; empty for the run of an issue.
    selection: str = ""
    channel: str = ""
    until_id: int = 0
    reason: str = ""
    origin: str = ""

    @property
    def running(self) -> bool:
        """Whether it still releases documents."""
        return self.ended_at is None


_COLUMNS = tuple(bulk_runs.c[field.name] for field in dataclasses.fields(BulkRun))


def _run(row: Sequence[Any]) -> BulkRun:
    run = BulkRun(*row)
    return dataclasses.replace(run, using=Using(run.using))


def count_stopped(connection: Connection, issue_id: int) -> int:
    """How many documents stand still in an issue: what a run that is started now would release."""
    return sum(row.stopped for row in standings(connection, [issue_id]).get(issue_id, ()))


def start_run(
    connection: Connection,
    issue_id: int,
    *,
    expected: int,
    by: str,
    action: str = RETRY,
    per_minute: int | None = None,
    using: Using = Using.SAME,
) -> tuple[BulkRun, bool]:
    """Start a run; (the one that is there, False) where one runs, or has ended in this very moment."""
    made = connection.execute(
        dialect_of(connection)
        .insert(bulk_runs)
        .values(
            issue_id=issue_id,
            expected=expected,
            asked_at=db_now(),
            asked_by=by[:128],
            action=action,
            per_minute=per_minute,
            using=using,
        )
        .on_conflict_do_nothing()
        .returning(*_COLUMNS)
    ).first()
    if made is not None:
        return _run(made), True
    return last_runs(connection, [issue_id])[issue_id], False


def release_piece(connection: Connection, run_id: int, limit: int) -> bool:
    """Release the next `limit` documents of a run; False when it has ended, because it was cancelled or is done.

    The row of the run is held meanwhile: whoever cancels comes before the piece or after it.
    """
    table = bulk_runs.c
    run = connection.execute(
        select(table.issue_id, table.reached, table.action, table.asked_at, table.using)
        .where(table.id == run_id, table.ended_at.is_(None))
        .with_for_update()
    ).first()
    if run is None:
        return False
    ids = _next_documents(connection, run.issue_id, run.reached, limit)
    if run.action == APPROVE:
        _approve(connection, run.issue_id, ids, run.asked_at)
    released = release(connection, ids, priority=BULK, using=Using(run.using)) if ids else 0
    ends = len(ids) < limit
    connection.execute(
        update(bulk_runs)
        .where(table.id == run_id)
        .values(
            released=table.released + released,
            reached=ids[-1] if ids else run.reached,
            ended_at=db_now() if ends else None,
            outcome="done" if ends else "",
        )
    )
    return not ends


def _approve(connection: Connection, issue_id: int, ids: Sequence[int], asked_at: dt.datetime) -> None:
    """Let the issue's cause pass, of what stands still and stood in it when the person said so; other causes stay.

    What came since is looked at again like the others, and held again.
    """
    cause = connection.execute(select(issues.c.cause).where(issues.c.id == issue_id)).scalar_one()
    documents = issue_documents.c
    seen = select(documents.item_id).where(
        documents.issue_id == issue_id, documents.item_id.in_(ids), documents.opened_at <= asked_at
    )
    for item_id in connection.execute(seen.order_by(documents.item_id)).scalars().all():
        approve(connection, item_id, [cause])


def _next_documents(connection: Connection, issue_id: int, reached: int, limit: int) -> Sequence[int]:
    """In the order of their ids, so that a run reads each document once however many there are.

    What is ready is looked at anyway, and as what it is: a live order does not go behind others for it. What a drain
    has in its hands comes again, because that drain may have begun before the cause was fixed.
    """
    documents, item = issue_documents.c, work_items.c
    query = (
        select(documents.item_id)
        .join(work_items, item.id == documents.item_id)
        .where(documents.issue_id == issue_id, documents.item_id > reached, documents.closed_at.is_(None))
        .where(item.state.in_((*STOPPED, ItemState.LEASED)))
        .order_by(documents.item_id)
        .limit(limit)
    )
    return connection.execute(query).scalars().all()


def cancel_run(connection: Connection, run_id: int) -> bool:
    """Release nothing more; False when the run had ended already."""
    changed = connection.execute(
        update(bulk_runs)
        .where(bulk_runs.c.id == run_id, bulk_runs.c.ended_at.is_(None))
        .values(ended_at=db_now(), outcome="cancelled")
    )
    return bool(changed.rowcount)


def load_run(connection: Connection, run_id: int) -> BulkRun | None:
    """One run."""
    row = connection.execute(select(*_COLUMNS).where(bulk_runs.c.id == run_id)).first()
    return None if row is None else _run(row)


def running_runs(connection: Connection) -> list[tuple[BulkRun, str]]:
    """(run, its channel or that of its issue) of everything that runs, the oldest first."""
    query = (
        select(*_COLUMNS, func.coalesce(issues.c.channel, bulk_runs.c.channel))
        .outerjoin(issues, issues.c.id == bulk_runs.c.issue_id)
        .where(bulk_runs.c.ended_at.is_(None))
        .order_by(bulk_runs.c.id)
    )
    return [(_run(row[:-1]), row[-1]) for row in connection.execute(query)]


def last_runs(connection: Connection, issue_ids: Sequence[int]) -> dict[int, BulkRun]:
    """Issue id -> its newest run."""
    newest = select(func.max(bulk_runs.c.id)).where(bulk_runs.c.issue_id.in_(issue_ids)).group_by(bulk_runs.c.issue_id)
    return {row.issue_id: _run(row) for row in connection.execute(select(*_COLUMNS).where(bulk_runs.c.id.in_(newest)))}


def has_depth(connection: Connection, channel: str, depth: int) -> bool:
    """Whether so many documents that were released in bulk still wait to be claimed; of any channel without a name."""
    table = work_items.c
    waiting = select(table.id).where(
        table.kind == "order", table.state == ItemState.READY.value, table.priority == BULK
    )
    if channel:
        waiting = waiting.where(table.channel == channel)
    counted = select(func.count()).select_from(waiting.limit(depth).subquery())
    return int(connection.execute(counted).scalar_one()) >= depth


@dataclasses.dataclass(frozen=True, slots=True)
class Course:
    """What became of the documents that a run has released."""

    #: Stopped by this cause no longer.
    went: int
    #: Looked at, and stopped by the same cause again.
    stopped_again: int
    #: Not looked at yet.
    under_way: int


def course_of(connection: Connection, run: BulkRun) -> Course:
    """How it goes with what a run has dealt with so far."""
    if run.issue_id is None:
        return _course_of_items(connection, run.id)
    documents = issue_documents.c
    how = case((documents.closed_at.is_not(None), "went"), (documents.stopped, "stopped_again"), else_="under_way")
    query = (
        select(how, func.count())
        .where(documents.issue_id == run.issue_id, documents.item_id <= run.reached)
        .where(or_(documents.closed_at.is_(None), documents.closed_at >= run.asked_at))
        .group_by(how)
    )
    counts = {name: count for name, count in connection.execute(query)}  # noqa: C416 - Row is no pair to dict()
    return Course(counts.get("went", 0), counts.get("stopped_again", 0), counts.get("under_way", 0))


# --- over a filter ----------------------------------------------------------------------------------------------


def mark_of(selection: Selection) -> str:
    """Equal for runs that would do the same, whatever reason is given."""
    return digest(selection.dump().encode())


def start_selected(
    connection: Connection, selection: Selection, *, expected: int, actor: Actor, reason: str, per_minute: int | None
) -> tuple[BulkRun, bool]:
    """Start a run over a filter; (the one that does the same already, False) where there is one."""
    channels = selection.wanted.channels
    mark = mark_of(selection)
    values = {
        "selection": selection.dump(),
        "mark": mark,
        "channel": selection.wanted.channel or (channels[0] if len(channels) == 1 else ""),
        "until_id": last_item(connection),
        "expected": expected,
        "asked_at": db_now(),
        "asked_by": actor.name[:128],
        "origin": actor.origin[:255],
        "reason": reason,
        "action": selection.action,
        "per_minute": per_minute,
        "using": selection.using,
    }
    statement = dialect_of(connection).insert(bulk_runs).values(**values).on_conflict_do_nothing()
    made = connection.execute(statement.returning(*_COLUMNS)).first()
    if made is not None:
        return _run(made), True
    found = running_as(connection, mark)
    if found is None:
        # It has ended in this very moment.
        return start_selected(
            connection, selection, expected=expected, actor=actor, reason=reason, per_minute=per_minute
        )
    return found, False


def running_as(connection: Connection, mark: str) -> BulkRun | None:
    """The run that does this already."""
    table = bulk_runs.c
    row = connection.execute(select(*_COLUMNS).where(table.mark == mark, table.ended_at.is_(None))).first()
    return None if row is None else _run(row)


def selected_runs(connection: Connection, *, limit: int, below: int | None = None) -> list[BulkRun]:
    """Runs over filters, the newest first; those with an id below this one."""
    query = select(*_COLUMNS).where(bulk_runs.c.issue_id.is_(None)).order_by(bulk_runs.c.id.desc()).limit(limit)
    if below is not None:
        query = query.where(bulk_runs.c.id < below)
    return [_run(row) for row in connection.execute(query)]


def find_piece(connection: Connection, run: BulkRun, limit: int) -> list[int]:
    """What the filter selects next, at this moment: to be found without keeping any writer waiting."""
    return next_items(connection, load_selection(run.selection), after=run.reached, until=run.until_id, limit=limit)


def take_piece(connection: Connection, run: BulkRun, found: Sequence[int], *, ends: bool) -> bool:
    """Do with `found` what the run says, as far as the filter still selects them; False when it has ended.

    The row of the run is held meanwhile: whoever cancels comes before the piece or after it. Who comes second with the
    same piece does nothing.
    """
    table = bulk_runs.c
    standing = select(table.reached).where(table.id == run.id, table.ended_at.is_(None)).with_for_update()
    reached = connection.execute(standing).scalar_one_or_none()
    if reached is None:
        return False
    if reached != run.reached:
        return True
    selection = load_selection(run.selection)
    ids = next_items(connection, selection, until=run.until_id, limit=len(found), among=found) if found else []
    done = _do(connection, run, selection, ids) if ids else []
    if done:
        connection.execute(insert(bulk_run_items), [{"run_id": run.id, "item_id": item_id} for item_id in done])
    connection.execute(
        update(bulk_runs)
        .where(table.id == run.id)
        .values(
            released=table.released + len(done),
            reached=found[-1] if found else reached,
            ended_at=db_now() if ends else None,
            outcome="done" if ends else "",
        )
    )
    return not ends


def _do(connection: Connection, run: BulkRun, selection: Selection, ids: Sequence[int]) -> list[int]:
    """The action; answers what it was done with. What people decide is written down for each document."""
    actor = Actor(run.asked_by, run.origin)
    if run.action == SKIP:
        done = [item_id for item_id in ids if reject(connection, item_id, by=str(actor), reason=run.reason)]
        close_documents(connection, done)
        _note_each(connection, actor, REJECT, dict.fromkeys(done, ""), run.reason)
        return done
    if run.action == APPROVE:
        stops = causes_seen(connection, ids, selection.causes, by=run.asked_at)
        passed = {item_id: causes for item_id, causes in stops.items() if approve(connection, item_id, causes)}
        _note_each(connection, actor, "approve", {key: ", ".join(each) for key, each in passed.items()}, run.reason)
        ids = sorted(passed)
    facet = "fetch" if run.action == LOOK else "target"
    release(connection, ids, facet=facet, priority=BULK, using=run.using)
    return list(ids)


def _note_each(connection: Connection, actor: Actor, action: str, after: Mapping[int, str], reason: str) -> None:
    item = work_items.c
    named = select(item.id, item.channel, item.external_id).where(item.id.in_(after)).order_by(item.id)
    notes = [
        AuditNote(action, f"order:{channel}:{external_id}", after=after[item_id])
        for item_id, channel, external_id in connection.execute(named)
    ]
    record_audits(connection, actor, notes, reason=reason)


def _course_of_items(connection: Connection, run_id: int) -> Course:
    item = work_items.c
    how = case((item.state.in_(STOPPED), "stopped_again"), (item.state.in_(UNDER_WAY), "under_way"), else_="went")
    query = (
        select(how, func.count())
        .select_from(bulk_run_items)
        .join(work_items, item.id == bulk_run_items.c.item_id)
        .where(bulk_run_items.c.run_id == run_id)
        .group_by(how)
    )
    counts = {name: count for name, count in connection.execute(query)}  # noqa: C416 - Row is no pair to dict()
    return Course(counts.get("went", 0), counts.get("stopped_again", 0), counts.get("under_way", 0))
