"""One action for everything that a filter of the list of orders selects: foreseen, started, watched.

The filter is evaluated anew with each piece of a run: an order that fits no longer is left as it is, and one that came
after the word was given is not meant by it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection

from config.model import Config
from sync.desk.bulk import APPROVED_TOGETHER, MOST_PER_MINUTE, PIECE, told_using
from sync.desk.causes import words_of as words_of_cause
from sync.desk.orders import LABELS, TABS
from sync.desk.phrases import Phrase, Refusal, say
from sync.store.audit import Actor, record_audit
from sync.store.bulk import (
    BulkRun,
    find_piece,
    load_run,
    mark_of,
    running_as,
    selected_runs,
    start_selected,
    take_piece,
)
from sync.store.engine import Store
from sync.store.needs import Figures
from sync.store.pins import Using
from sync.store.search import NOBODY, Wanted
from sync.store.selection import APPROVE, LOOK, RETRY, SKIP, STATES, Selection, Weighed, load_selection, weigh
from sync.store.states import ItemState

#: Action -> what it is called.
ACTIONS: Final[Mapping[str, Phrase]] = {
    RETRY: say("Retry"),
    LOOK: say("Look again"),
    APPROVE: say("Approve"),
    SKIP: say("Do not carry over"),
}
#: Action -> what the audit calls a run of it.
_AUDITED: Final = {RETRY: "retry all", LOOK: "look again at all", APPROVE: "approve all", SKIP: "reject all"}
#: What is decided, and needs a reason.
DECISIONS: Final = frozenset({APPROVE, SKIP})
#: From so many orders on, a person types how many they reject: nothing takes that back for all of them.
TYPED_FROM: Final = 20
#: Causes that a run names one by one.
_NAMED: Final = 20
#: Work items that can be ticked at once.
MOST_ITEMS: Final = 200
#: State -> why an action leaves orders that stand in it.
_WHY: Final[Mapping[ItemState, Phrase]] = {
    ItemState.READY: say("queued already"),
    ItemState.LEASED: say("being worked on just now"),
    ItemState.RECONCILE: say("a write has no outcome yet; it is looked up first"),
    ItemState.WAITING: say("waiting for the shop"),
    ItemState.DONE: say("done already"),
    ItemState.SKIPPED: say("not carried over, as a rule or a person has said; choose that tab to take them"),
    ItemState.HELD: say("stopped"),
    ItemState.PARKED: say("stopped"),
}
_NOT_TAKEN: Final[Mapping[str, Phrase]] = {
    SKIP: say("the ERP has them, or may have them"),
    APPROVE: say("what stops them is decided order by order, or mended"),
}


class BulkRefused(Refusal):
    """Nothing was begun; why, in whole sentences."""


@dataclasses.dataclass(frozen=True, slots=True)
class Foreseen:
    """What an action would do if it were begun now."""

    action: str
    #: State -> what is taken from it.
    by_state: Mapping[ItemState, Figures]
    goes: Figures
    #: (why, how many) of what fits the filter and is left as it is.
    left_out: tuple[tuple[Phrase, int], ...]
    #: The run that does the same already.
    running: BulkRun | None


def foresee(store: Store, config: Config, wanted: Wanted, action: str) -> Foreseen:
    """Count and sum, without changing anything. Raises BulkRefused."""
    selection = _selection(config, wanted, action)

    def work(connection: Connection) -> tuple[Weighed, BulkRun | None]:
        return weigh(connection, selection), running_as(connection, mark_of(selection))

    weighed, running = store.read(work)
    return Foreseen(action, weighed.goes, _sum(weighed.goes), tuple(_left_out(action, weighed)), running)


def _sum(by_state: Mapping[ItemState, Figures]) -> Figures:
    money: dict[str, Decimal] = {}
    for figures in by_state.values():
        for currency, total in figures.money.items():
            money[currency] = money.get(currency, Decimal(0)) + total
    return Figures(
        sum(figures.documents for figures in by_state.values()),
        sum(figures.unread for figures in by_state.values()),
        dict(sorted(money.items())),
    )


def _left_out(action: str, weighed: Weighed) -> Iterator[tuple[Phrase, int]]:
    """What fits the filter and is not taken: for its state, or in spite of it."""
    counted: dict[Phrase, int] = {}
    for state, count in weighed.fit.items():
        taken = weighed.goes[state].documents if state in weighed.goes else 0
        in_spite = action in _NOT_TAKEN and state in STATES[action]
        why = _NOT_TAKEN[action] if in_spite else _WHY[state]
        counted[why] = counted.get(why, 0) + count - taken
    yield from ((why, count) for why, count in counted.items() if count)


def begin_selected(
    store: Store,
    config: Config,
    wanted: Wanted,
    action: str,
    *,
    actor: Actor,
    reason: str = "",
    per_minute: int | None = None,
    using: Using = Using.SAME,
) -> tuple[BulkRun, bool]:
    """Begin it; (the run that does the same already, False) where there is one.

    The first piece goes at once: a few orders wait for nobody. `using` says with which revision of the mapping profile
    what is retried is mapped; any other action leaves that as it is. Raises BulkRefused.
    """
    selection = _selection(config, wanted, action, using)
    reason = reason.strip()
    if action in DECISIONS and not reason:
        raise BulkRefused(say("Say why."))
    if per_minute is not None and not 0 < per_minute <= MOST_PER_MINUTE:
        raise ValueError(per_minute)
    weighed = store.read(lambda c: weigh(c, selection))
    expected = sum(figures.documents for figures in weighed.goes.values())

    def start(connection: Connection) -> tuple[BulkRun, bool]:
        run, new = start_selected(
            connection, selection, expected=expected, actor=actor, reason=reason, per_minute=per_minute
        )
        if new:
            told = told_using(f"{expected} documents", selection.using)
            record_audit(connection, actor, _AUDITED[action], f"run:{run.id}", after=told, reason=reason)
        return run, new

    run, new = store.write(start)
    if new:
        room = min(PIECE, per_minute or PIECE)
        found = store.read(lambda c: find_piece(c, run, room))
        store.write(lambda c: take_piece(c, run, found, ends=len(found) < room))
        run = store.read(lambda c: load_run(c, run.id)) or run
    return run, new


def _selection(config: Config, wanted: Wanted, action: str, using: Using = Using.SAME) -> Selection:
    """Raises BulkRefused."""
    if action not in ACTIONS:
        raise BulkRefused(
            say("There is no action %(found)s; there are %(known)s.", found=repr(action[:40]), known=", ".join(ACTIONS))
        )
    if len(wanted.items) > MOST_ITEMS:
        raise BulkRefused(say("At most %(most)s orders can be ticked at once.", most=MOST_ITEMS))
    causes = tuple(sorted(APPROVED_TOGETHER)) if action == APPROVE else ()
    targets = {channel.name: channel.erp for channel in config.channels.values()}
    if action != RETRY:
        using = Using.SAME
    elif not using:
        using = Using.CURRENT
    return Selection(action=action, wanted=wanted, targets=targets, causes=causes, using=using)


# --- runs -------------------------------------------------------------------------------------------------------


def list_runs(store: Store, *, limit: int, below: int | None = None) -> list[BulkRun]:
    """Runs over filters, the newest first; those with an id below this one."""
    return store.read(lambda c: selected_runs(c, limit=limit, below=below))


def wanted_of(run: BulkRun) -> Wanted:
    """What a run over a filter goes over."""
    return load_selection(run.selection).wanted


def words_of(wanted: Wanted) -> Iterator[tuple[Phrase, str]]:
    """What a filter says, for a reader: (name, value)."""
    named: tuple[tuple[Phrase, object], ...] = (
        (say("Ticked orders"), _count(wanted.items)),
        (say("Causes"), _named(wanted.issues)),
        (say("Orders of run"), wanted.run),
        (say("State"), _state_words(wanted.states)),
        (say("Search"), wanted.text),
        (say("Channel"), wanted.channel or ", ".join(wanted.channels)),
        (say("Stopped by"), words_of_cause(wanted.cause).label if wanted.cause else ""),
        (say("Cared for by"), say("nobody") if wanted.assignee == NOBODY else wanted.assignee),
        (say("Due before"), wanted.due_before),
        (say("Placed from"), _time(wanted.since)),
        (say("Placed before"), _time(wanted.until)),
        (say("Total from"), wanted.low),
        (say("Total to"), wanted.high),
        (say("Currency"), wanted.currency),
    )
    for name, value in named:
        if value not in ("", None):
            yield name, value if isinstance(value, str) else str(value)


def _count(ids: tuple[int, ...]) -> str:
    return str(len([each for each in ids if each])) if ids else ""


def _named(ids: tuple[int, ...]) -> str:
    """Their numbers, or of very many how many they are."""
    return ", ".join(map(str, ids)) if len(ids) <= _NAMED else str(len(ids))


def _state_words(states: tuple[ItemState, ...]) -> str:
    """The tab that has these states."""
    return next((LABELS[tab] for tab, each in TABS.items() if each == states), ", ".join(states))


def _time(moment: dt.datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M %Z}"
