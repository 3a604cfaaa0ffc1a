"""Entries of customers' histories: each order, parcel, invoice and credit note is told once, at the customer's account.

what has no entry yet -> look for those in doubt at the account -> announce, write, note the end; one after the other

Nothing at a CRM is sure to refuse an entry twice. So it is announced (committed) before it is written, and one of which
nobody knows the end is looked for by its key, once it can no longer land: found, it stands; not found, it is written.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

from sqlalchemy import Connection

from connectors.kit.base import JsonDict
from connectors.kit.crm import GONE, TellsAccounts
from connectors.kit.errors import AlreadyExists, ConnectorError, Locked, OutcomeUnknown, RecordRejected
from connectors.kit.exchanges import capture
from connectors.kit.permits import writes_need
from mappings.canonical.words import say
from mappings.crm import Entry
from sync.flows.crm.finding import lost
from sync.flows.crm.histories import entries_of, key_of
from sync.flows.crm.piece import CrmDrain, PartyPiece
from sync.flows.crm.stops import NO_ANSWER, meant
from sync.rules.stops import NotSent, Unsettled
from sync.store.channels import channel_state
from sync.store.crm.customers import mark_customers
from sync.store.crm.entries import (
    EntryState,
    Happened,
    Told,
    announce_entry,
    end_entry,
    load_entries,
    load_happened,
    take_back_entry,
)

#: Entries of one batch; what is left comes with the next one.
_MOST: Final = 50
#: By how much the clocks of the CRM and of the shop may be behind ours.
_CLOCKS: Final = dt.timedelta(hours=1)


@dataclasses.dataclass(frozen=True, slots=True)
class _Due:
    """Something that has no entry yet, or one of which nobody knows."""

    of: Happened
    key: str
    told: Told | None
    #: An entry that was announced may still land: nobody can say yet whether it does.
    lands: bool
    #: It may stand, and is looked for first.
    doubtful: bool

    @property
    def refused(self) -> bool:
        """The CRM did not take it when it was told last."""
        return self.told is not None and self.told.state is EntryState.REFUSED


class _Way(enum.Enum):
    """How it goes on after some entries of a customer."""

    #: All of them were tried.
    ON = enum.auto()
    #: The account takes none at the moment.
    CLOSED = enum.auto()
    #: The CRM is not to be called at the moment.
    AWAY = enum.auto()


def tell_entries(drain: CrmDrain, pieces: Sequence[PartyPiece]) -> None:
    """Write the entries that the customers of these pieces do not have, as many as one batch takes.

    One that is refused stops its customer, and keeps neither the others nor the figures from being told.
    """
    open_ = [piece for piece in pieces if piece.account and not piece.error and not piece.skipped]
    since = drain.systems.histories if open_ else {}
    if not since:
        return
    due = _due(drain, [piece.known.id for piece in open_], since)
    left, again, away = _MOST, list[int](), False
    for piece in open_:
        mine = due.get(piece.known.id, [])
        some, rest = mine[:left], mine[left:]
        left -= len(some)
        if some and away:
            piece.error = NotSent(say("the call before it had no usable answer; this customer was not told"))
            continue
        way = _tell(drain, piece, some) if some else _Way.ON
        away = away or way is _Way.AWAY
        # What was refused before is not tried at once where this batch was refused something too: else no end is near.
        if rest and way is _Way.ON and not (piece.error and all(each.refused for each in rest)):
            again.append(piece.known.id)
    channel = drain.systems.channel.name
    for part in drain.store.pieces(again, 1):
        drain.write(functools.partial(mark_customers, channel=channel, ids=part))


# --- what is due ------------------------------------------------------------------------------------------------


def _due(drain: CrmDrain, customers: Sequence[int], since: Mapping[str, dt.date]) -> dict[int, list[_Due]]:
    """Customer -> what is to be told, oldest first; last what was refused, and of that what was tried last."""
    crm = drain.systems.connection

    def work(
        connection: Connection,
    ) -> tuple[list[Happened], dict[str, Told], dt.datetime, dict[str, dt.datetime]]:
        happened = load_happened(connection, crm, customers, since)
        told, now = load_entries(connection, crm, [each.order_id for each in happened])
        states = {name: channel_state(connection, name) for name in since}
        return happened, told, now, {name: state.trusted_since for name, state in states.items() if state is not None}

    happened, told, now, trusted = drain.store.read(work)
    landed = now - dt.timedelta(seconds=drain.systems.settle_s)
    found: dict[int, list[_Due]] = {}
    for each in happened:
        key = key_of(each)
        before = told.get(key)
        if before is None:
            # An outage or a restored backup may have forgotten it.
            since_when = trusted.get(each.channel)
            due = _Due(each, key, None, lands=False, doubtful=since_when is None or each.placed_at < since_when)
        elif before.state is EntryState.TOLD:
            continue
        else:
            announced = before.state is EntryState.ANNOUNCED
            due = _Due(each, key, before, lands=announced and before.sent_at > landed, doubtful=announced)
        found.setdefault(each.customer_id, []).append(due)
    return {customer: sorted(some, key=_turn) for customer, some in found.items()}


def _turn(each: _Due) -> tuple[bool, dt.datetime]:
    refused = each.told if each.refused else None
    return (False, each.of.placed_at) if refused is None else (True, refused.sent_at)


# --- one customer -----------------------------------------------------------------------------------------------


def _tell(drain: CrmDrain, piece: PartyPiece, some: Sequence[_Due]) -> _Way:
    sure = [each for each in some if not each.lands]
    try:
        standing = _standing(drain, piece, [each for each in sure if each.doubtful])
    except ConnectorError as error:
        return _stops(drain, piece, error)
    wanted = [each for each in sure if each.key not in standing]
    entries = entries_of(drain, [each.of for each in wanted])
    written, refused = 0, list[Exception]()
    for each in wanted:
        entry = entries.get(each.key)
        if entry is None:
            continue
        wrong = (
            _put_off(drain, piece, each, entry)
            if isinstance(entry, Exception)
            else _write(drain, piece, each.of, entry)
        )
        if wrong is None:
            written += 1
        elif wrong is entry or _is_of_the_entry(wrong):
            refused.append(wrong)
        else:
            return _stops(drain, piece, wrong)
    if written:
        piece.done = say("%(done)s; entries written: %(count)s", done=piece.done, count=written)
    if len(sure) < len(some):
        piece.error = Unsettled(say("an entry of the history was begun, and nobody saw its end"))
    elif refused:
        piece.error = meant(drain.systems, refused[0])
    return _Way.ON


def _put_off(drain: CrmDrain, piece: PartyPiece, each: _Due, defect: Exception) -> Exception:
    """What we cannot read ourselves is tried again with what the CRM has refused."""
    crm = drain.systems.connection

    def work(connection: Connection) -> None:
        announce_entry(connection, crm, each.key, each.of, piece.account)
        end_entry(connection, crm, each.key, EntryState.REFUSED)

    drain.write(work)
    return defect


def _is_of_the_entry(error: Exception) -> bool:
    """Whether it is refused by itself: others at the account may be taken."""
    return isinstance(error, RecordRejected) and not isinstance(error, Locked) and error.code != GONE


def _stops(drain: CrmDrain, piece: PartyPiece, error: Exception) -> _Way:
    if getattr(error, "code", "") == GONE:
        lost(drain, piece)
        return _Way.CLOSED
    piece.error = meant(drain.systems, error)
    return _Way.AWAY if isinstance(error, (*NO_ANSWER, NotSent)) else _Way.CLOSED


def _standing(drain: CrmDrain, piece: PartyPiece, doubtful: Sequence[_Due]) -> set[str]:
    """Keys of those in doubt that stand: they are told. Raises ConnectorError."""
    if not doubtful:
        return set()
    found = _listed(drain, piece, doubtful)
    known = [each for each in doubtful if each.key in found]

    def keep(connection: Connection, some: Sequence[_Due]) -> None:
        crm = drain.systems.connection
        for each in some:
            account, entry_id = found[each.key]
            if each.told is None:
                announce_entry(connection, crm, each.key, each.of, account)
            end_entry(connection, crm, each.key, EntryState.TOLD, entry_id)

    for part in drain.store.pieces(known, 2):
        drain.write(functools.partial(keep, some=part))
    return {each.key for each in known}


def _listed(drain: CrmDrain, piece: PartyPiece, doubtful: Sequence[_Due]) -> dict[str, tuple[str, str]]:
    """Key -> (account, id) of the entries there; also at an account that the customer was when one was begun."""
    since = min(each.of.placed_at if each.told is None else each.told.sent_at for each in doubtful) - _CLOCKS
    before = {each.told.account_id for each in doubtful if each.told is not None} - {piece.account}
    teller, entry_key = cast("TellsAccounts", drain.systems.crm), drain.systems.facets.entry_key
    found: dict[str, tuple[str, str]] = {}
    with capture() as exchanges:
        try:
            for account in (piece.account, *sorted(before)):
                try:
                    rows = teller.list_entries(account, since=since)
                except RecordRejected:
                    if account == piece.account:
                        raise
                    # What stood at an account that is gone is gone with it.
                    continue
                found |= {entry_key(row): (account, str(row["id"])) for row in rows}
        finally:
            piece.exchanges.extend(exchanges)
            drain.progress()
    return found


# --- one entry --------------------------------------------------------------------------------------------------


def _write(drain: CrmDrain, piece: PartyPiece, of: Happened, entry: Entry) -> Exception | None:
    """Announced before, and its end noted where it has one."""
    crm = drain.systems.connection
    try:
        drain.demand_time()
    except NotSent as error:
        return error
    drain.write(lambda c: announce_entry(c, crm, entry.key, of, piece.account))
    with capture() as exchanges:
        made = _call(drain, piece.account, entry)
    drain.progress()
    piece.wrote = True
    piece.exchanges.extend(exchanges)
    if (end := _end_of(crm, entry.key, made)) is not None:
        drain.write(end)
    return made if isinstance(made, Exception) and not isinstance(made, AlreadyExists) else None


def _call(drain: CrmDrain, account: str, entry: Entry) -> JsonDict | Exception:
    payload = drain.systems.facets.entry
    assert payload is not None
    try:
        with writes_need(drain.demand_time):
            return cast("TellsAccounts", drain.systems.crm).add_entry(account, payload(entry))
    except (ConnectorError, NotSent) as error:
        return error


def _end_of(crm: str, key: str, made: JsonDict | Exception) -> Callable[[Connection], None] | None:
    """What is noted of it; None where nobody knows its end."""
    if isinstance(made, OutcomeUnknown):
        return None
    if isinstance(made, dict):
        return lambda c: end_entry(c, crm, key, EntryState.TOLD, str(made["id"]))
    if isinstance(made, AlreadyExists):
        # It stands, under a key that the CRM keeps single.
        return lambda c: end_entry(c, crm, key, EntryState.TOLD)
    if _is_of_the_entry(made):
        return lambda c: end_entry(c, crm, key, EntryState.REFUSED)
    return lambda c: take_back_entry(c, crm, key)
