"""What needs a person, grouped by cause: counted, summed, explained, and fixed once for all documents."""

from __future__ import annotations

import bisect
import collections
import dataclasses
import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection

from sync.desk.causes import Words, lookup_of, title_of, words_of
from sync.desk.issue_life import IssueState, issue_state
from sync.store.bodies import load_json, unpack
from sync.store.bulk import BulkRun, last_runs
from sync.store.comments import Comment, of_issue
from sync.store.engine import Store
from sync.store.health import clock
from sync.store.issues import OpenIssue, list_closed, list_open, load_issue
from sync.store.needs import (
    Document,
    Figures,
    Release,
    also_stopped_by,
    figures_and_release,
    figures_of,
    list_documents,
    sample_contents,
)
from sync.store.said import load_said
from sync.store.trends import by_day, by_hour

#: Documents that are read for what they have in common.
_SAMPLE: Final = 200
#: A value that fewer of them share is no hint.
_COMMON: Final = 0.8
#: Other causes that are named beside one.
_OTHERS: Final = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Need:
    """One cause with everything that it stops."""

    issue: OpenIssue
    words: Words
    #: What stands still because of it; other documents of it are on their way already.
    figures: Figures
    #: Its newest bulk run, finished ones too.
    run: BulkRun | None
    #: (table, value) of the look-up row that would fix it.
    lookup: tuple[str, str] | None
    state: IssueState = IssueState.OPEN
    #: Of an issue that is over.
    closed_at: dt.datetime | None = None

    @property
    def under_way(self) -> int:
        """Documents that were released and not looked at yet."""
        return max(0, self.issue.documents - self.figures.documents)

    @property
    def has_title(self) -> bool:
        """Whether the issue says more than its cause does."""
        return title_of(self.issue.cause, self.issue.title) == self.issue.title

    @property
    def remedy(self) -> str:
        """What to do: what is known of this very issue, unless a look-up row helps, whose form stands below."""
        return self.words.remedy if self.lookup else self.issue.next_step or self.words.remedy


@dataclasses.dataclass(frozen=True, slots=True)
class Common:
    """A value that (nearly) all documents of a cause share."""

    field: str
    value: str
    count: int
    of: int


NOTHING: Final = Release(Figures(), Figures())


@dataclasses.dataclass(frozen=True, slots=True)
class NeedDetail:
    """One cause, with its documents."""

    need: Need
    documents: Sequence[Document]
    common: Sequence[Common]
    #: Other causes that stop some of these documents as well.
    others: Sequence[tuple[OpenIssue, int]]
    #: Documents that it has stopped in each of the last hours and days, the current one last.
    hours: Sequence[int] = ()
    days: Sequence[int] = ()
    comments: Sequence[Comment] = ()
    #: What its end would release, and what another cause would still stop.
    release: Release = NOTHING
    #: Item ids of the ends of this page of documents; None where there are no more.
    previous: int | None = None
    next: int | None = None

    @property
    def closed_at(self) -> dt.datetime | None:
        """When it was over; None while it is not."""
        return self.need.closed_at


_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MARK: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?_[0-9]{1,18}", re.ASCII)
#: Issues that are over and can be listed: the newest of them.
_MOST_CLOSED: Final = 200


@dataclasses.dataclass(frozen=True, slots=True)
class NeedFilter:
    """Which causes are listed; what is empty narrows nothing."""

    #: An IssueState; without one all that are open and not put aside.
    state: str = ""
    #: `business`, `integrator`, `admin`.
    owner: str = ""
    channel: str = ""
    connection: str = ""
    cause: str = ""
    #: A login; `-` for nobody.
    assignee: str = ""
    #: `money`, `documents`, `oldest`, `seen`.
    sort: str = "documents"


def list_needs(store: Store, *, closed: bool = False) -> list[Need]:
    """All open causes, or those that are over: with most documents, or the newest, first."""

    def work(connection: Connection) -> list[Need]:
        now = clock(connection)
        if closed:
            over = list_closed(connection, _MOST_CLOSED)
            return [_need(issue, {}, {}, now, closed_at) for issue, closed_at in over]
        found = list_open(connection)
        figures, runs = figures_of(connection), last_runs(connection, [issue.id for issue in found])
        return [_need(issue, figures, runs, now) for issue in found]

    return store.read(work)


def chosen(needs: Sequence[Need], which: NeedFilter) -> list[Need]:
    """Those that a filter lets through, in its order."""
    found = [need for need in needs if _fits(need, which)]
    found.sort(key=lambda need: _key(need, which))
    return found


def _fits(need: Need, which: NeedFilter) -> bool:
    issue = need.issue
    if which.state and need.state != which.state:
        return False
    if not which.state and need.state is IssueState.SNOOZED:
        return False
    if which.assignee and issue.assignee != ("" if which.assignee == "-" else which.assignee):
        return False
    wanted = (which.owner, which.channel, which.connection, which.cause)
    has = (issue.owner, issue.channel, issue.connection, issue.cause)
    return all(one in {"", other} for one, other in zip(wanted, has, strict=True))


def _microseconds(moment: dt.datetime) -> int:
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def _by_documents(need: Need) -> int:
    """What is over stops nothing any more: the newest first."""
    return -need.issue.documents if need.closed_at is None else -_microseconds(need.closed_at)


def _by_money(need: Need) -> Decimal:
    """Currencies are not converted: the largest sum counts."""
    return -max(need.figures.money.values(), default=Decimal(0))


#: Name -> by which number a list is sorted, the smallest first; equal ones by their ids.
_ORDERS: Final[Mapping[str, Callable[[Need], Decimal | int]]] = {
    "documents": _by_documents,
    "money": _by_money,
    "oldest": lambda need: _microseconds(need.figures.oldest or need.issue.opened_at),
    "seen": lambda need: -_microseconds(need.issue.seen_at),
}


@dataclasses.dataclass(frozen=True, slots=True)
class NeedPage:
    """A piece of a list. `previous` and `next` are marks of its ends; empty where the list ends there."""

    needs: Sequence[Need]
    previous: str
    next: str


def page_of(needs: Sequence[Need], which: NeedFilter, *, after: str = "", before: str = "", limit: int) -> NeedPage:
    """What follows a mark in the list that `chosen` has made, or stands directly before one.

    A mark is a place in the order and no number of a page, so that nothing is skipped where causes come and go.
    Raises ValueError for a mark that no page has given.
    """
    keys = [_key(need, which) for need in needs]
    if before:
        end = bisect.bisect_left(keys, _read_mark(before))
        begin = max(0, end - limit)
    else:
        begin = bisect.bisect_right(keys, _read_mark(after)) if after else 0
        end = min(len(keys), begin + limit)
    return NeedPage(
        needs[begin:end],
        _write_mark(keys[begin]) if begin and begin < end else "",
        _write_mark(keys[end - 1]) if begin < end < len(keys) else "",
    )


def _key(need: Need, which: NeedFilter) -> tuple[Decimal, int]:
    return Decimal(_ORDERS.get(which.sort, _by_documents)(need)), need.issue.id


def _write_mark(key: tuple[Decimal, int]) -> str:
    return f"{key[0]:f}_{key[1]}"


def _read_mark(text: str) -> tuple[Decimal, int]:
    if not _MARK.fullmatch(text):
        raise ValueError(text)
    value, _, issue_id = text.partition("_")
    return Decimal(value), int(issue_id)


def hours_of(store: Store, needs: Sequence[Need]) -> dict[int, list[int]]:
    """Issue -> documents that it has stopped in each of the last 24 hours; none for one without news."""
    ids = [need.issue.id for need in needs]
    return store.read(lambda c: by_hour(c, ids)) if ids else {}


def _need(
    issue: OpenIssue,
    figures: Mapping[int, Figures],
    runs: Mapping[int, BulkRun],
    now: dt.datetime,
    closed_at: dt.datetime | None = None,
) -> Need:
    found, run = figures.get(issue.id, Figures()), runs.get(issue.id)
    running = run is not None and run.running
    state = issue_state(issue, now=now, stopped=found.documents, running=running, closed_at=closed_at)
    lookup = lookup_of(issue.cause, issue.subject)
    return Need(issue, words_of(issue.cause), found, run, lookup, state, closed_at)


def find_need(store: Store, issue_id: int) -> Need | None:
    """One cause without its documents; None where there is no such issue. Closed ones can be looked at."""
    return store.read(lambda connection: _find(connection, issue_id))


def _find(connection: Connection, issue_id: int, figures: Figures | None = None) -> Need | None:
    found = load_issue(connection, issue_id)
    if found is None:
        return None
    counted = figures_of(connection, [issue_id]) if figures is None else {issue_id: figures}
    return _need(found[0], counted, last_runs(connection, [issue_id]), clock(connection), found[1])


def need_detail(
    store: Store, issue_id: int, *, after: int = 0, before: int | None = None, limit: int = 50
) -> NeedDetail | None:
    """One cause with a page of its documents (`page_documents`); None where there is no such issue."""

    def work(connection: Connection) -> NeedDetail | None:
        figures, release = figures_and_release(connection, issue_id)
        need = _find(connection, issue_id, figures)
        if need is None:
            return None
        others = also_stopped_by(connection, issue_id, _OTHERS)
        page = _documents(connection, issue_id, after, before, limit)
        return NeedDetail(
            need,
            page.documents,
            _common(sample_contents(connection, issue_id, _SAMPLE)),
            [(each[0], count) for other, count in others.items() if (each := load_issue(connection, other))],
            by_hour(connection, [issue_id]).get(issue_id, ()),
            by_day(connection, [issue_id]).get(issue_id, ()),
            of_issue(connection, issue_id),
            release,
            page.previous,
            page.next,
        )

    return store.read(work)


@dataclasses.dataclass(frozen=True, slots=True)
class DocumentPage:
    """Some documents of a cause; `previous` and `next` are the item ids of its ends, None where there are no more."""

    documents: Sequence[Document]
    previous: int | None
    next: int | None


def page_documents(
    store: Store, issue_id: int, *, after: int = 0, before: int | None = None, limit: int = 50
) -> DocumentPage:
    """The documents of a cause in the order in which they came: behind the item `after`, or directly before one."""
    return store.read(lambda connection: _documents(connection, issue_id, after, before, limit))


def _documents(connection: Connection, issue_id: int, after: int, before: int | None, limit: int) -> DocumentPage:
    found = list_documents(connection, issue_id, after=after, before=before, limit=limit + 1)
    more = len(found) > limit
    if before is not None:
        found = found[-limit:]
    found = found[:limit]
    if not found:
        return DocumentPage([], None, None)
    first, last = found[0].item_id, found[-1].item_id
    if before is not None:
        return DocumentPage(found, first if more else None, last)
    return DocumentPage(found, first if after else None, last if more else None)


# --- what the documents have in common --------------------------------------------------------------------------


def _common(sample: Sequence[tuple[str, bytes | None]]) -> list[Common]:
    """Values that nearly all of the newest documents share, and that so may be the cause."""
    if len(sample) < 2:  # noqa: PLR2004 - one document shares everything with itself
        return []
    counted: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for details, canonical in sample:
        for field, value in _values(details, canonical):
            counted[field][value] += 1
    found = []
    for field, values in counted.items():
        value, count = values.most_common(1)[0]
        if count >= _COMMON * len(sample):
            found.append(Common(field, value, count, len(sample)))
    return found


def _values(details: str, canonical: bytes | None) -> set[tuple[str, str]]:
    """(field, value) pairs of one document, each once."""
    found = {("reason", entry["reason"]) for entry in load_said(details)}
    if canonical is None:
        return found
    order: Mapping[str, Any] = load_json(unpack(canonical))
    pairs = {
        "source_state": order["source_state"],
        "payment_method": order["payment_method"],
        "currency": order["currency"],
        "billing_country": order["billing"]["country"],
        "shipping_country": order["shipping"]["country"],
    }
    found |= {(field, value) for field, value in pairs.items() if value}
    found |= {("tax", str(line["code"])) for line in order["tax_lines"] if line.get("code")}
    return found
