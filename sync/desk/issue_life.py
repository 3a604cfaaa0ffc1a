"""The life of an issue: who knows of it, who cares for it, what is said about it; all of it audited.

| state | means |
|---|---|
| open | stops documents, and nobody has said anything |
| acknowledged | somebody knows of it |
| snoozed | may wait: until a time, or until it has grown by so many documents; then it is back by itself |
| releasing | a bulk run goes, or all of its documents are under way |
| regressed | was over and came back, and nobody has said anything since |
| resolved | nothing is stopped by it any more; it ends by itself |
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from sync.desk.phrases import Refusal, say
from sync.store import issue_life as life
from sync.store.audit import Actor, record_audit
from sync.store.cares import Care, load_care, save_care
from sync.store.comments import Comment, add_comment, of_item
from sync.store.engine import Store
from sync.store.issues import OpenIssue, load_issue
from sync.store.orders import StoredOrder
from sync.store.users import find_user, list_users

#: An issue may wait for so long at most: what nobody wants to see for longer is to be mended or rejected.
LONGEST: Final = dt.timedelta(days=90)
MAX_COMMENT: Final = 4_000
_MOST_DOCUMENTS: Final = 10**9


class IssueState(enum.StrEnum):
    """Where an issue stands; computed from what is stored, so that nothing has to wake it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RELEASING = "releasing"
    REGRESSED = "regressed"
    RESOLVED = "resolved"


class LifeRefused(Refusal):
    """Nothing was changed; why, in whole sentences."""


def issue_state(
    issue: OpenIssue, *, now: dt.datetime, stopped: int, running: bool, closed_at: dt.datetime | None = None
) -> IssueState:
    """Where it stands; `stopped` of its documents stand still, `running` says that a bulk run releases them."""
    if closed_at is not None:
        return IssueState.RESOLVED
    if running or (issue.documents and not stopped):
        return IssueState.RELEASING
    if is_aside(issue, now):
        return IssueState.SNOOZED
    if issue.acknowledged_at is not None:
        return IssueState.ACKNOWLEDGED
    return IssueState.REGRESSED if issue.regressed_at is not None else IssueState.OPEN


def is_aside(issue: OpenIssue, now: dt.datetime) -> bool:
    """Whether it was put aside, and is neither due nor grown."""
    if issue.snoozed_at is None:
        return False
    over = issue.snoozed_until is not None and issue.snoozed_until <= now
    grown = issue.snoozed_above is not None and issue.documents > issue.snoozed_above
    return not over and not grown


# --- what people say --------------------------------------------------------------------------------------------


def acknowledge(store: Store, issue_id: int, *, actor: Actor) -> None:
    """Say that somebody knows of it. Raises LookupError for one that is over."""
    _change(store, issue_id, lambda c: life.acknowledge(c, issue_id, actor.name), actor, "acknowledge")


def snooze(
    store: Store, issue_id: int, *, until: dt.datetime | None = None, grows_by: int | None = None, actor: Actor
) -> None:
    """Let it wait until a time, or until so many documents more stand in it. Raises LifeRefused, LookupError."""
    now = dt.datetime.now(dt.UTC)
    if until is None and grows_by is None:
        raise LifeRefused(say("Say until when it may wait, or how many orders more are to wake it."))
    if until is not None and not now < until <= now + LONGEST:
        raise LifeRefused(say("It may wait until a time to come, for %(days)s days at most.", days=LONGEST.days))
    if grows_by is not None and not 0 < grows_by < _MOST_DOCUMENTS:
        raise LifeRefused(say("The number of orders that wake it is a whole number from 1 on."))

    def work(connection: Connection) -> bool:
        found = load_issue(connection, issue_id)
        above = None if grows_by is None or found is None else found[0].documents + grows_by
        return life.snooze(connection, issue_id, until=until, above=above, by=actor.name)

    told = [f"until {until:%Y-%m-%d %H:%M} UTC"] if until is not None else []
    told += [f"until {grows_by} more"] if grows_by is not None else []
    _change(store, issue_id, work, actor, "snooze", after=", ".join(told))


def wake(store: Store, issue_id: int, *, actor: Actor) -> None:
    """Let it wait no longer. Raises LookupError for one that is over."""
    _change(store, issue_id, lambda c: life.wake(c, issue_id), actor, "wake")


def assignable(store: Store) -> list[str]:
    """Logins of everybody who may care for an issue."""
    return [user.login for user in store.read(list_users) if user.active and user.role != "viewer"]


def assign(store: Store, issue_id: int, *, assignee: str, due_on: str, actor: Actor) -> None:
    """Say who cares for it (a login, or nobody) and by which day (ISO, or none). Raises LifeRefused, LookupError."""
    due_on = _day(due_on)

    def work(connection: Connection) -> bool:
        _demand_user(connection, assignee)
        return life.assign(connection, issue_id, assignee=assignee, due_on=due_on)

    _change(store, issue_id, work, actor, "assign", after=_cared(assignee, due_on))


def assign_order(store: Store, order: StoredOrder, *, assignee: str, due_on: str, actor: Actor) -> None:
    """The same of one order, in whatever state it is. Raises LifeRefused."""
    care = Care(assignee, _day(due_on))

    def work(connection: Connection) -> None:
        _demand_user(connection, assignee)
        before = load_care(connection, order.item_id)
        save_care(connection, order.item_id, care, by=actor.name)
        told = [_cared(each.assignee, each.due_on) for each in (before, care)]
        record_audit(connection, actor, "assign", _subject(order), before=told[0], after=told[1])

    store.write(work)


def _day(due_on: str) -> str:
    if not due_on:
        return ""
    try:
        return dt.date.fromisoformat(due_on).isoformat()
    except ValueError:
        raise LifeRefused(say("%(found)s is no day; write it like 2026-11-30.", found=repr(due_on[:40]))) from None


def _demand_user(connection: Connection, assignee: str) -> None:
    user = find_user(connection, assignee) if assignee else None
    if assignee and (user is None or not user.active):
        raise LifeRefused(say("There is no user %(login)s who may sign in.", login=assignee[:128]))


def _cared(assignee: str, due_on: str) -> str:
    return ", ".join([assignee or "nobody", *([f"by {due_on}"] if due_on else [])])


def _subject(order: StoredOrder) -> str:
    return f"order:{order.channel}:{order.external_id}"


def comment_issue(store: Store, issue_id: int, text: str, *, actor: Actor) -> None:
    """Say something about an issue, also about one that is over. Raises LifeRefused, LookupError for none."""
    told = _checked(text)

    def work(connection: Connection) -> None:
        if load_issue(connection, issue_id) is None:
            raise LookupError(say("there is no issue %(issue_id)s", issue_id=issue_id))
        add_comment(connection, told, by=actor.name, issue_id=issue_id)
        record_audit(connection, actor, "comment", f"issue:{issue_id}", after=told)

    store.write(work)


def comment_order(store: Store, order: StoredOrder, text: str, *, actor: Actor) -> None:
    """Say something about an order. Raises LifeRefused."""
    told = _checked(text)

    def work(connection: Connection) -> None:
        add_comment(connection, told, by=actor.name, item_id=order.item_id)
        record_audit(connection, actor, "comment", _subject(order), after=told)

    store.write(work)


def comments_of(store: Store, order: StoredOrder) -> list[Comment]:
    """What people have said about an order, in the order in which they did."""
    return store.read(lambda c: of_item(c, order.item_id))


def _checked(text: str) -> str:
    told = text.replace("\0", "").strip()
    if not told:
        raise LifeRefused(say("Write what is to be kept."))
    if len(told) > MAX_COMMENT:
        raise LifeRefused(
            say("The comment has %(found)s characters, of %(most)s at most.", found=len(told), most=MAX_COMMENT)
        )
    return told


def _change(
    store: Store, issue_id: int, change: Callable[[Connection], bool], actor: Actor, action: str, *, after: str = ""
) -> None:
    def work(connection: Connection) -> None:
        if not change(connection):
            raise LookupError(say("nothing is stopped by issue %(issue_id)s any more", issue_id=issue_id))
        record_audit(connection, actor, action, f"issue:{issue_id}", after=after)

    store.write(work)
