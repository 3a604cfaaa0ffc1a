"""Retrying all documents of a cause: started and cancelled by people, released in pieces by the dispatcher.

A piece is a short transaction, and only so much is released ahead of the workers: a cancelled run leaves the rest as
it was, live orders go first, and on SQLite a webhook never waits behind a hundred thousand rows.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import time
from typing import Final

from sqlalchemy import Connection

from sync.desk.phrases import Refusal, say
from sync.store.audit import Actor, record_audit
from sync.store.bulk import (
    BulkRun,
    Course,
    cancel_run,
    count_stopped,
    course_of,
    find_piece,
    has_depth,
    load_run,
    release_piece,
    running_runs,
    start_run,
    take_piece,
)
from sync.store.engine import Store
from sync.store.health import clock
from sync.store.issues import ids_of, is_open, load_issue
from sync.store.marking import release
from sync.store.needs import find_document
from sync.store.pins import Using
from sync.store.selection import APPROVE, RETRY, SKIP

#: Documents of one transaction: on SQLite a worker's stays under 64 rows.
PIECE: Final = 64
#: Pieces of a filter that are looked for at once.
PIECES: Final = 10
#: Released documents that may wait for a worker; more would only make a cancelled run go on.
DEPTH: Final = 2000
MOST_PER_MINUTE: Final = 100_000
#: What a rule holds and a person's word alone lets pass. Whatever else approving does (an amount is accepted, a mail is
#: taken for sent) is decided order by order.
APPROVED_TOGETHER: Final = frozenset({"price", "tax", "address", "duplicate_order", "value_limit", "test_order"})
#: Of one look of the dispatcher, which comes twice a second and has other things to do.
LOOK_S: Final = 0.1


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """A run and what became of what it released."""

    run: BulkRun
    course: Course

    @property
    def total(self) -> int:
        """What there is to release; more than was expected where documents came since."""
        return max(self.run.expected, self.run.released)

    @property
    def left(self) -> int:
        """What is not released yet; nothing of a run that has ended."""
        return self.total - self.run.released if self.run.running else 0


class CannotApprove(Refusal):
    """Nothing was approved; why, in whole sentences."""


class OtherMapping(Refusal):
    """They are being retried just now, with another revision of the mapping profile than was asked for."""


def start_bulk(
    store: Store,
    issue_id: int,
    *,
    actor: Actor,
    reason: str = "",
    per_minute: int | None = None,
    using: Using = Using.CURRENT,
) -> tuple[BulkRun, bool]:
    """Retry everything that stands in an issue; (the run that goes on already, False) where there is one.

    `per_minute` is how many documents are released at most, `using` with which revision of the mapping profile each is
    mapped. Raises LookupError for an issue that is not open, OtherMapping.
    """

    def work(connection: Connection) -> tuple[BulkRun, bool]:
        if not is_open(connection, issue_id):
            raise LookupError(say("nothing is stopped by issue %(issue_id)s any more", issue_id=issue_id))
        return begin(connection, issue_id, actor=actor, reason=reason, per_minute=per_minute, using=using)

    return store.write(work)


def approve_all(
    store: Store, issue_id: int, *, actor: Actor, reason: str, per_minute: int | None = None
) -> tuple[BulkRun, bool]:
    """Let every order pass that this cause holds now; what another cause holds as well stays held by that one.

    Raises CannotApprove without a reason, for a cause that is decided order by order, and while another run goes;
    LookupError for an issue that is not open.
    """
    if not reason.strip():
        raise CannotApprove(say("Say why they may pass."))

    def work(connection: Connection) -> tuple[BulkRun, bool]:
        found = load_issue(connection, issue_id)
        if found is None or found[1] is not None:
            raise LookupError(say("nothing is stopped by issue %(issue_id)s any more", issue_id=issue_id))
        if found[0].cause not in APPROVED_TOGETHER:
            raise CannotApprove(say("Such orders are decided one by one, on their own pages."))
        run, new = begin(connection, issue_id, actor=actor, reason=reason, per_minute=per_minute, action=APPROVE)
        if run.action != APPROVE:
            raise CannotApprove(say("They are being looked at again just now. Approve what is held when that is over."))
        return run, new

    return store.write(work)


def begin(
    connection: Connection,
    issue_id: int,
    *,
    actor: Actor,
    reason: str = "",
    per_minute: int | None = None,
    action: str = RETRY,
    using: Using = Using.SAME,
) -> tuple[BulkRun, bool]:
    """`start_bulk` inside a transaction, also where nothing is left to release.

    The first piece goes at once: a few documents wait for nobody. Raises OtherMapping.
    """
    if per_minute is not None and not 0 < per_minute <= MOST_PER_MINUTE:
        raise ValueError(per_minute)
    expected = count_stopped(connection, issue_id)
    run, new = start_run(
        connection, issue_id, expected=expected, by=actor.name, action=action, per_minute=per_minute, using=using
    )
    if not new and Using.ORIGINAL in {using, run.using} and using not in {run.using, Using.SAME}:
        raise OtherMapping(
            say("They are being retried just now with another revision of the mapping. Cancel that, or let it end.")
        )
    if new:
        subject, after = f"issue:{issue_id}", told_using(f"{run.expected} documents", using)
        record_audit(connection, actor, f"{action} all", subject, after=after, reason=reason)
        release_piece(connection, run.id, min(PIECE, per_minute or PIECE))
        run = load_run(connection, run.id) or run
    return run, new


def told_using(what: str, using: Using) -> str:
    """As the audit has it: what was released, and how it is mapped where that is not by what applies."""
    return f"{what}, with the mapping that they came in with" if using is Using.ORIGINAL else what


def retry_one(store: Store, issue_id: int, item_id: int, *, actor: Actor) -> str:
    """Look at one document of an issue again; answers its channel. Raises LookupError for one that is not in it."""

    def work(connection: Connection) -> str:
        found = find_document(connection, issue_id, item_id)
        if found is None:
            raise LookupError(say("this order is not stopped by this cause any more"))
        release(connection, [item_id], using=Using.CURRENT)
        record_audit(connection, actor, "retry", f"order:{found[0]}:{found[1]}")
        return found[0]

    return store.write(work)


def start_for_cause(store: Store, cause: str, *, actor: Actor, using: Using = Using.CURRENT) -> list[BulkRun]:
    """Retry everything that stands in open issues of a cause; the runs, those that went on already too.

    Raises OtherMapping: then none was started.
    """

    def work(connection: Connection) -> list[BulkRun]:
        found = ids_of(connection, cause=cause)
        return [begin(connection, issue_id, actor=actor, using=using)[0] for issue_id in found]

    return store.write(work)


def cancel_bulk(store: Store, run_id: int, *, actor: Actor) -> bool:
    """Release nothing more; False when the run had ended. What is released already is still looked at."""

    def work(connection: Connection) -> bool:
        if not cancel_run(connection, run_id):
            return False
        run = load_run(connection, run_id)
        assert run is not None
        after = f"{run.released} of {run.expected} documents were released"
        subject = f"run:{run.id}" if run.issue_id is None else f"issue:{run.issue_id}"
        record_audit(connection, actor, "cancel retry", subject, after=after)
        return True

    return store.write(work)


def progress_of(store: Store, run_id: int) -> Progress | None:
    """How a run goes."""

    def work(connection: Connection) -> Progress | None:
        run = load_run(connection, run_id)
        return None if run is None else Progress(run, course_of(connection, run))

    return store.read(work)


def advance(store: Store, *, look_s: float = LOOK_S) -> int:
    """Release the next pieces of every run, in turn, for `look_s` at most; answers how many pieces."""
    runs = store.read(running_runs)
    until = time.monotonic() + look_s
    pieces = 0
    while runs and time.monotonic() < until:
        runs = [(_fresh(store, run), channel) for run, channel in runs if _step(store, run, channel)]
        pieces += len(runs)
    return pieces


def _fresh(store: Store, run: BulkRun) -> BulkRun:
    """As it stands after its piece."""
    return run if run.issue_id is not None else store.read(lambda c: load_run(c, run.id)) or run


def _step(store: Store, run: BulkRun, channel: str) -> bool:
    """One piece of one run; False when it has ended or what it released must be worked off first."""
    # What is not carried over needs no worker.
    if run.action != SKIP and store.read(functools.partial(has_depth, channel=channel, depth=DEPTH)):
        return False
    room = store.read(functools.partial(_room, run_id=run.id))
    if room <= 0:
        return False
    if run.issue_id is not None:
        return store.write(functools.partial(release_piece, run_id=run.id, limit=room))
    # A filter is as dear to ask for one piece as for many.
    ahead = room if run.per_minute is not None else PIECES * PIECE
    found = store.read(functools.partial(find_piece, run=run, limit=ahead))
    ends = len(found) < ahead
    for start in range(0, max(1, len(found)), PIECE):
        piece, last = found[start : start + PIECE], ends and start + PIECE >= len(found)
        if not store.write(functools.partial(take_piece, run=run, found=piece, ends=last)):
            return False
        run = dataclasses.replace(run, reached=piece[-1])
    return True


def _room(connection: Connection, run_id: int) -> int:
    """How many documents of a run may go now."""
    run = load_run(connection, run_id)
    if run is None or run.per_minute is None:
        return PIECE
    minutes = 1 + (clock(connection) - run.asked_at) // dt.timedelta(minutes=1)
    return min(PIECE, run.per_minute * minutes - run.released)
