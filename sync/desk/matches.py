"""Customers who might be several records of another system: what waits for a person, and what a decision does."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection

from config.model import Config
from sync.desk import bulk
from sync.desk.phrases import Refusal, say
from sync.desk.places import page_of
from sync.rules.matching import different_fields
from sync.rules.systems import Systems
from sync.store.audit import Actor, AuditEntry, history_of, record_audit
from sync.store.engine import Store
from sync.store.issues import load_issue, open_about
from sync.store.matches import (
    Answer,
    Candidate,
    Match,
    count_open,
    decide,
    decided_matches,
    find_match,
    load_match,
    open_matches,
    undo,
)
from sync.store.needs import Document, Figures, figures_of, list_documents

#: What the audit calls it.
DECIDED: Final = "match decided"
UNDONE: Final = "match decision taken back"
#: Orders that a match shows.
_ORDERS: Final = 50
_HISTORY: Final = 20
_MAX_REASON: Final = 500
_PARTY: Final = "party:"
#: Of an issue's subject.
_SUBJECT: Final = 255


class MatchRefused(Refusal):
    """The decision cannot be meant so, or comes too late."""


@dataclasses.dataclass(frozen=True, slots=True)
class Blocked:
    """What a match stops."""

    issues: Sequence[int] = ()
    orders: int = 0
    #: Currency -> worth.
    money: Mapping[str, Decimal] = dataclasses.field(default_factory=dict)
    unread: int = 0

    @property
    def figures(self) -> Figures:
        """As causes tell of theirs."""
        return Figures(self.orders, self.unread, self.money)


@dataclasses.dataclass(frozen=True, slots=True)
class MatchPage:
    """Some matches, each with what it stops; `previous` and `next` are ids of its ends where there are more."""

    entries: Sequence[tuple[Match, Blocked]]
    previous: int | None
    next: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """A candidate beside the customer."""

    candidate: Candidate
    #: Fields in which both say the same, and of which both know something else.
    same: frozenset[str]
    different: frozenset[str]
    #: Its page in the system that was asked; empty where it has none.
    page: str


@dataclasses.dataclass(frozen=True, slots=True)
class MatchDetail:
    """One match with all that helps to decide it."""

    match: Match
    candidates: Sequence[Compared]
    blocked: Blocked
    orders: Sequence[Document]
    history: Sequence[AuditEntry]

    @property
    def may_be_apart(self) -> bool:
        """Whether none of them may be meant: those that bear our own key of the customer are the customer."""
        return self.match.rung != "code"


def subject_of(match: Match) -> str:
    """What the audit calls it."""
    return f"match:{match.connection}:{match.key}"


# --- looking ----------------------------------------------------------------------------------------------------


def match_page(
    store: Store,
    config: Config,
    asked: str = "",
    *,
    decided: bool = False,
    after: int = 0,
    before: int | None = None,
    limit: int = 50,
) -> MatchPage:
    """Those of one connection, or of all, that wait or are decided, in the order in which they came."""

    def work(connection: Connection) -> MatchPage:
        look = decided_matches if decided else open_matches
        found = look(connection, asked, after=after, before=before, limit=limit + 1)
        more = len(found) > limit
        shown = found[-limit:] if before is not None else found[:limit]
        blocked = _blocked(connection, config, shown)
        entries = [(match, blocked.get(match.id, Blocked())) for match in shown]
        if not shown:
            return MatchPage(entries, None, None)
        first, last = shown[0].id, shown[-1].id
        if before is not None:
            return MatchPage(entries, first if more else None, last)
        return MatchPage(entries, first if after else None, last if more else None)

    return store.read(work)


def match_detail(store: Store, systems: Systems, match_id: int) -> MatchDetail | None:
    """One of them; None where there is no such match."""

    def work(connection: Connection) -> MatchDetail | None:
        match = load_match(connection, match_id)
        if match is None:
            return None
        blocked = _blocked(connection, systems.config, [match]).get(match.id, Blocked())
        orders = [each for issue in blocked.issues for each in list_documents(connection, issue, limit=_ORDERS)]
        candidates = [
            Compared(
                each,
                frozenset(each.same),
                frozenset(different_fields(each, match.customer)),
                _page_of(systems, match, each),
            )
            for each in match.candidates
        ]
        history = history_of(connection, subject_of(match), (DECIDED, UNDONE), _HISTORY)
        return MatchDetail(match, candidates, blocked, orders[:_ORDERS], history)

    return store.read(work)


def _page_of(systems: Systems, match: Match, candidate: Candidate) -> str:
    """Of an ERP a party, of a CRM an account."""
    pages = (page_of(systems, match.connection, kind, candidate.id) for kind in ("party", "account"))
    return next(filter(None, pages), "")


def match_about(store: Store, config: Config, issue_id: int) -> Match | None:
    """The match that an issue waits for; None for an issue that waits for none."""

    def work(connection: Connection) -> Match | None:
        found = load_issue(connection, issue_id)
        if found is None:
            return None
        issue = found[0]
        channel = config.channels.get(issue.channel)
        asked = issue.connection or (channel.erp if channel else "")
        # Of an order the party that its ERP is asked for; of a customer of a CRM the key itself.
        return find_match(connection, asked, issue.subject.removeprefix(_PARTY))

    return store.read(work)


def open_counts(store: Store) -> dict[str, int]:
    """Connection -> how many wait for a person."""
    return store.read(count_open)


def _blocked(connection: Connection, config: Config, matches: Sequence[Match]) -> dict[int, Blocked]:
    """Match -> what stands in the open issues that are about its customer."""
    found: dict[int, list[int]] = {}
    erps = {name: channel.erp for name, channel in config.channels.items()}
    by_place = {(match.connection, subject): match.id for match in matches for subject in _subjects(match)}
    for issue in open_about(connection, {subject for _, subject in by_place}):
        place = (issue.connection or erps.get(issue.channel, ""), issue.subject)
        if place in by_place:
            found.setdefault(by_place[place], []).append(issue.id)
    figures = figures_of(connection, [issue for issues in found.values() for issue in issues]) if found else {}
    return {match_id: _sum(issues, figures) for match_id, issues in found.items()}


def _subjects(match: Match) -> tuple[str, str]:
    """What issues about its customer are about: an order's party, or the customer of a CRM."""
    return f"{_PARTY}{match.key}"[:_SUBJECT], match.key


def _sum(issues: Sequence[int], figures: Mapping[int, Figures]) -> Blocked:
    each = [figures.get(issue, Figures()) for issue in issues]
    money: dict[str, Decimal] = {}
    for one in each:
        for currency, amount in one.money.items():
            money[currency] = money.get(currency, Decimal(0)) + amount
    return Blocked(
        tuple(issues), sum(one.documents for one in each), dict(sorted(money.items())), sum(one.unread for one in each)
    )


# --- deciding ---------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Decided:
    """What a decision has done."""

    match: Match
    #: What waited for nothing else goes on.
    released: Blocked


def decide_match(
    store: Store, config: Config, match_id: int, answer: Answer, chosen: str, *, actor: Actor, reason: str = ""
) -> Decided:
    """Say which record the customer is (`same`, its id as `chosen`), or that it is none of them (`apart`).

    All orders of the customer that waited for this word are looked at again. Raises LookupError for a match that is
    not there, MatchRefused.
    """

    def work(connection: Connection) -> Decided:
        match = load_match(connection, match_id)
        if match is None:
            raise LookupError(say("there is no match %(match_id)s", match_id=match_id))
        after = _demand_possible(match, answer, chosen)
        kept = chosen if answer is Answer.SAME else ""
        if not decide(connection, match_id, answer, kept, by=actor.name, reason=reason[:_MAX_REASON]):
            raise MatchRefused(say("somebody has decided it meanwhile; look again"))
        record_audit(connection, actor, DECIDED, subject_of(match), after=after, reason=reason[:_MAX_REASON])
        blocked = _blocked(connection, config, [match]).get(match.id, Blocked())
        for issue in blocked.issues:
            bulk.begin(connection, issue, actor=actor, reason=reason)
        return Decided(match, blocked)

    return store.write(work)


def _demand_possible(match: Match, answer: Answer, chosen: str) -> str:
    """What the audit keeps. Raises MatchRefused."""
    if not match.is_open:
        raise MatchRefused(say("%(who)s has decided it already; take that back first", who=match.decided_by))
    if answer is Answer.APART:
        if match.rung == "code":
            raise MatchRefused(
                say("all of them bear our own key of the customer: merge them in the other system, or say which counts")
            )
        return Answer.APART.value
    found = next((each for each in match.candidates if each.id == chosen), None)
    if found is None:
        known = ", ".join(f"{each.id} ({each.name})" for each in match.candidates)
        raise MatchRefused(say("the customer is one of %(known)s, not %(found)s", known=known, found=repr(chosen[:40])))
    return f"{Answer.SAME.value}: {found.id} {found.name}"


def undo_match(store: Store, match_id: int, *, actor: Actor, reason: str = "") -> Match:
    """Take a decision back: the customer's next order waits for a person again, what was carried over stays.

    Raises LookupError for a match that is not there, MatchRefused.
    """

    def work(connection: Connection) -> Match:
        match = load_match(connection, match_id)
        if match is None:
            raise LookupError(say("there is no match %(match_id)s", match_id=match_id))
        if not undo(connection, match_id, why=""):
            raise MatchRefused(say("nobody has decided it"))
        before = f"{match.answer}: {match.chosen}" if match.chosen else match.answer
        record_audit(connection, actor, UNDONE, subject_of(match), before=before, reason=reason[:_MAX_REASON])
        return match

    return store.write(work)
