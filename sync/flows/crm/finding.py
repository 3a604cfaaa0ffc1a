"""Which account a customer is: the rungs of the match ladder, the surest first, and a person where that is doubtful."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sqlalchemy import Connection

from config.model import Rung
from connectors.kit.base import JsonDict
from connectors.kit.crm import AccountMark
from connectors.kit.errors import ConnectorError, RecordRejected
from connectors.kit.exchanges import capture
from mappings.buyers import compact_vat_id
from mappings.canonical.words import say
from sync.flows.crm.piece import CrmDrain, PartyPiece
from sync.flows.crm.stops import ambiguous, gone
from sync.rules.stops import Later
from sync.store import matches
from sync.store.crm.customers import LOOK, Customer, customers_of, save_accounts
from sync.store.matches import Answer, Candidate, Doubt

_ACCOUNT: Final = "account:"
#: How an account was found.
BY_ACCOUNT, BY_MATCH, BY_PERSON, CREATED = "account", "match", "person", "created"

_Step = tuple[str, Callable[[Customer], AccountMark | None]]


def find(drain: CrmDrain, pieces: Sequence[PartyPiece]) -> None:
    """The account of each that has one; what is found already is asked again only where somebody wants it."""
    _decided(drain, pieces)
    for rung, mark_of in _ladder(drain):
        looked = [piece for piece in _open(pieces) if not piece.apart]
        asked = [(piece, mark) for piece in looked if (mark := mark_of(piece.known)) is not None]
        for start in range(0, len(asked), drain.systems.crm.account_batch):
            _ask(drain, rung, asked[start : start + drain.systems.crm.account_batch])


def _open(pieces: Iterable[PartyPiece]) -> list[PartyPiece]:
    return [piece for piece in pieces if not piece.ended and not piece.account]


def _ladder(drain: CrmDrain) -> list[_Step]:
    """One rung after the other, so that it is known on which an account was found."""
    steps: list[_Step] = [(BY_ACCOUNT, _by_account)]
    rungs: dict[Rung, Callable[[Customer], AccountMark | None]] = {
        Rung.VAT_ID: lambda customer: AccountMark(vat_id=customer.vat_id) if customer.vat_id else None,
        Rung.EMAIL: lambda customer: AccountMark(email=customer.email) if customer.email else None,
        Rung.NAME: lambda customer: AccountMark(name=customer.name) if customer.name else None,
    }
    return steps + [(rung.value, mark_of) for rung, mark_of in rungs.items() if rung in drain.policy.match]


def _by_account(customer: Customer) -> AccountMark | None:
    known = customer.key.startswith(_ACCOUNT)
    return AccountMark(account_id=customer.key.removeprefix(_ACCOUNT)) if known else None


def _decided(drain: CrmDrain, pieces: Sequence[PartyPiece]) -> None:
    """What a person has said counts before anything that we find; what we know holds until somebody asks anew."""
    keys = [piece.known.key for piece in pieces if not piece.ended]
    said = drain.store.read(lambda c: matches.decisions(c, drain.systems.connection, keys))
    for piece in pieces:
        if piece.ended:
            continue
        customer, decision = piece.known, said.get(piece.known.key)
        if decision is not None and decision.answer is Answer.SAME:
            take(piece, decision.chosen, "", BY_PERSON)
        elif decision is not None:
            _set_apart(drain, piece)
        elif LOOK not in piece.item.facets and customer.found_by != BY_PERSON:
            piece.account = customer.account_id


def _set_apart(drain: CrmDrain, piece: PartyPiece) -> None:
    """None of those that were found: it keeps, or gets, one of its own where the channel makes accounts."""
    customer, piece.apart = piece.known, True
    if customer.found_by == CREATED:
        piece.account = customer.account_id
        return
    piece.left = customer.account_id
    if not drain.policy.create:
        crm = drain.systems.connection
        piece.skipped = say("a person has said that it is none of the accounts of %(crm)s", crm=crm)


def take(piece: PartyPiece, account: str, name: str, how: str) -> None:
    """The customer is this account; what it was before has bought less by now."""
    customer = piece.known
    piece.account = account
    if account == customer.account_id and how == customer.found_by:
        return
    piece.found_by, piece.account_name = how, name or customer.account_name
    if customer.account_id != account:
        piece.left = customer.account_id


def _ask(drain: CrmDrain, rung: str, asked: Sequence[tuple[PartyPiece, AccountMark]]) -> None:
    error: ConnectorError | None = None
    found: list[list[JsonDict]] = []
    with capture() as exchanges:
        try:
            found = drain.systems.crm.find_accounts([mark for _, mark in asked])
        except ConnectorError as refusal:
            error = refusal
    drain.progress()
    for piece, _ in asked:
        piece.exchanges.extend(exchanges)
    if isinstance(error, RecordRejected) and len(asked) > 1:
        # One value that the CRM does not take must not keep the others from being found.
        for each in asked:
            _ask(drain, rung, [each])
        return
    for place, (piece, _) in enumerate(asked):
        if error is not None:
            piece.error = error
        else:
            _judge(drain, rung, piece, found[place])


def _judge(drain: CrmDrain, rung: str, piece: PartyPiece, rows: Sequence[JsonDict]) -> None:
    """One that a sure rung finds is the customer; whatever is doubtful is for a person to say."""
    if not rows:
        return
    sure = len(rows) == 1 and rung != Rung.NAME and not _is_anothers(drain, rung, piece.known, rows[0]["id"])
    if sure:
        how = BY_ACCOUNT if rung == BY_ACCOUNT else BY_MATCH
        take(piece, rows[0]["id"], drain.systems.facets.name(rows[0]), how)
        return
    doubtful(drain, rung, piece, rows)


def doubtful(drain: CrmDrain, rung: str, piece: PartyPiece, rows: Sequence[JsonDict]) -> None:
    """A person is asked, and the customer waits."""
    doubt = _doubt(drain, rung, piece.known, rows)
    drain.write(lambda c: matches.ask(c, doubt))
    piece.error = ambiguous(drain.systems.connection, doubt)


def _is_anothers(drain: CrmDrain, rung: str, customer: Customer, account: str) -> bool:
    """An e-mail address that two companies share: the account is that of another VAT id already."""
    if rung != Rung.EMAIL or not customer.vat_id:
        return False
    known = drain.store.read(lambda c: customers_of(c, drain.systems.connection, [account]))
    mine = compact_vat_id(customer.vat_id)
    return any(other.vat_id and compact_vat_id(other.vat_id) != mine for other in known.get(account, ()))


def _doubt(drain: CrmDrain, rung: str, customer: Customer, rows: Sequence[JsonDict]) -> Doubt:
    name_of = drain.systems.facets.name
    return Doubt(
        connection=drain.systems.connection,
        key=customer.key,
        rung=rung,
        customer=matches.Customer(
            name=customer.name, vat_id=customer.vat_id, email=customer.email, channel=drain.systems.channel.name
        ),
        candidates=tuple(_candidate(rung, customer, row["id"], name_of(row)) for row in rows),
    )


def _candidate(rung: str, customer: Customer, account: str, name: str) -> Candidate:
    """Of what is told of an account only its name is there; what it was found by it has in common with the customer."""
    shared = {rung: getattr(customer, rung)} if rung in {Rung.VAT_ID.value, Rung.EMAIL.value} else {}
    if name and name.casefold() == customer.name.casefold():
        shared["name"] = name
    plain = Candidate(id=account, name=name, same=tuple(sorted(shared)))
    return dataclasses.replace(plain, **{field: value for field, value in shared.items() if field != "name"})


def lost(drain: CrmDrain, piece: PartyPiece) -> None:
    """The account is gone since it was found: it is looked for anew, and whoever chose it is asked anew."""
    customer = piece.known
    drain.gone.add(piece.account)
    if piece.found_by and piece.found_by != BY_PERSON:
        piece.error = gone(drain.systems, piece.account)
        return
    reason = say("account %(id)s is no longer in %(crm)s", id=piece.account, crm=drain.systems.connection)

    def work(connection: Connection) -> None:
        save_accounts(connection, {customer.id: ("", "", "")})
        decided = matches.decision(connection, drain.systems.connection, customer.key)
        if decided is not None:
            matches.undo(connection, decided.match_id, why=reason)

    drain.write(work)
    piece.error = Later(say("%(reason)s: it is looked for anew", reason=reason))
