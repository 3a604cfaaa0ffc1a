"""The flow of customers: from the orders of a customer to what its account in the CRM shows, for a batch of them.

find the account, or make it -> add up, over all channels that share the CRM -> write what differs from the last time ->
write the entries of the history that are not there yet

A write of figures is absolute and is made anew from the database each time, so there are no intents: one whose end
nobody saw is written again when it can no longer land. What is about to be written is committed before
(`sync.store.crm.told.announce`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from connectors.kit.base import JsonDict
from connectors.kit.crm import GONE
from connectors.kit.errors import ConnectorError
from connectors.kit.exchanges import capture
from connectors.kit.permits import writes_need
from mappings.canonical.words import say
from sync.flows.crm.entries import tell_entries
from sync.flows.crm.figures import Figures, add_up
from sync.flows.crm.finding import find, lost
from sync.flows.crm.making import make
from sync.flows.crm.piece import CrmDrain, PartyPiece
from sync.flows.crm.stops import NO_ANSWER, meant
from sync.rules.stops import NotSent
from sync.store.bodies import digest, dump_json
from sync.store.crm.customers import Customer, customers_of, load_customers, save_accounts
from sync.store.crm.purchases import Paper, Purchase, load_papers, load_purchases
from sync.store.crm.told import Told, announce, load_told
from sync.store.items import Item


def converge_customers(drain: CrmDrain, items: Sequence[Item]) -> list[PartyPiece]:
    """Bring what accounts show to what was bought; one piece each, ended. Raises LeaseLost, DatabaseBusy."""
    drain.told, drain.gone = {}, set()
    known = drain.store.read(lambda c: load_customers(c, [int(item.external_id) for item in items]))
    pieces = [PartyPiece(item, known.get(int(item.external_id))) for item in items]
    for piece in pieces:
        if piece.customer is None:
            piece.skipped = say("nothing is kept of this customer any more")
    find(drain, pieces)
    make(drain, pieces)
    _keep(drain, pieces)
    _tell(drain, pieces)
    tell_entries(drain, pieces)
    return pieces


def _keep(drain: CrmDrain, pieces: Sequence[PartyPiece]) -> None:
    """Which account each is, from now on: the figures of an account are those of all who are it."""
    found = {
        piece.known.id: (piece.account, piece.account_name, piece.found_by)
        for piece in pieces
        if piece.customer is not None and (piece.found_by or _is_none_any_more(piece))
    }
    if found:
        drain.write(lambda c: save_accounts(c, found))


def _is_none_any_more(piece: PartyPiece) -> bool:
    if not piece.account and piece.skipped and piece.known.account_id:
        piece.left = piece.known.account_id
        return True
    return False


# --- add up -----------------------------------------------------------------------------------------------------


def _tell(drain: CrmDrain, pieces: Sequence[PartyPiece]) -> None:
    wanted = [account for piece in pieces for account in (piece.account, piece.left) if account and not piece.error]
    accounts = list(dict.fromkeys(wanted))
    figures, told = _figures(drain, accounts)
    payloads: dict[str, JsonDict] = {}
    for account in accounts:
        found = figures[account]
        if found is None:
            continue
        payload = drain.systems.facets.history(found.history)
        if account not in told or told[account].digest != digest(dump_json(payload)):
            payloads[account] = payload
    errors = _write(drain, pieces, payloads)
    for account in payloads.keys() - errors.keys():
        found = figures[account]
        assert found is not None
        drain.told[account] = (digest(dump_json(payloads[account])), found.to_json())
    for piece in pieces:
        if not piece.ended or piece.skipped:
            _end(drain, piece, figures, payloads, errors)


def _figures(drain: CrmDrain, accounts: Sequence[str]) -> tuple[dict[str, Figures | None], dict[str, Told]]:
    """As the database has them at this moment, in one transaction."""
    crm = drain.systems.connection

    def work(
        connection: Connection,
    ) -> tuple[dict[str, list[Customer]], list[Purchase], list[Paper], dict[str, Told]]:
        owners = customers_of(connection, crm, accounts)
        ids = [customer.id for each in owners.values() for customer in each]
        purchases = load_purchases(connection, ids)
        papers = load_papers(connection, [each.order_id for each in purchases])
        return owners, purchases, papers, load_told(connection, crm, accounts)

    if not accounts:
        return {}, {}
    owners, purchases, papers, told = drain.store.read(work)
    by_customer: dict[int, list[Purchase]] = {}
    for purchase in purchases:
        by_customer.setdefault(purchase.customer_id, []).append(purchase)
    account_of = {
        purchase.order_id: account
        for account, customers in owners.items()
        for customer in customers
        for purchase in by_customer.get(customer.id, ())
    }
    of_account: dict[str, list[Paper]] = {}
    for paper in papers:
        of_account.setdefault(account_of.get(paper.order_id, ""), []).append(paper)
    return {
        account: add_up(
            [each for customer in owners.get(account, ()) for each in by_customer.get(customer.id, ())],
            of_account.get(account, ()),
            currency=drain.policy.currency,
            before=str(told[account].figures.get("currency", "")) if account in told else "",
            tells_open=drain.systems.tells_open,
        )
        for account in accounts
    }, told


# --- write ------------------------------------------------------------------------------------------------------


def _write(drain: CrmDrain, pieces: Sequence[PartyPiece], payloads: Mapping[str, JsonDict]) -> dict[str, Exception]:
    """In calls of as many as the CRM takes; after one without a usable answer nothing more is sent."""
    errors: dict[str, Exception] = {}
    ids, size = list(payloads), drain.systems.crm.account_batch
    for start in range(0, len(ids), size):
        some = ids[start : start + size]
        try:
            drain.demand_time()
        except NotSent as error:
            return errors | dict.fromkeys(ids[start:], error)
        _announce(drain, some)
        with capture() as exchanges:
            errors |= _call(drain, {account: payloads[account] for account in some})
        drain.progress()
        for piece in pieces:
            if {piece.account, piece.left} & set(some):
                piece.wrote = True
                piece.exchanges.extend(exchanges)
        if all(isinstance(errors.get(account), NO_ANSWER) for account in some):
            rest = NotSent(say("the call before it had no usable answer; this customer was not told"))
            return errors | dict.fromkeys(ids[start + size :], rest)
    return errors


def _announce(drain: CrmDrain, some: Sequence[str]) -> None:
    for part in drain.store.pieces(some, 1):
        drain.write(functools.partial(announce, crm=drain.systems.connection, accounts=part))


def _call(drain: CrmDrain, payloads: Mapping[str, JsonDict]) -> Mapping[str, Exception]:
    try:
        # Asked again where it is sent: a call may wait long for its turn.
        with writes_need(drain.demand_time):
            return drain.systems.crm.update_accounts(payloads)
    except (ConnectorError, NotSent) as error:
        return dict.fromkeys(payloads, error)


# --- how it ended -----------------------------------------------------------------------------------------------


def _end(
    drain: CrmDrain,
    piece: PartyPiece,
    figures: Mapping[str, Figures | None],
    payloads: Iterable[str],
    errors: Mapping[str, Exception],
) -> None:
    left = errors.get(piece.left)
    if left is not None and getattr(left, "code", "") != GONE:
        piece.skipped, piece.error = "", meant(drain.systems, left)
        return
    if piece.skipped:
        return
    if (error := errors.get(piece.account)) is not None:
        if getattr(error, "code", "") == GONE:
            lost(drain, piece)
        else:
            piece.error = meant(drain.systems, error)
        return
    found = figures[piece.account]
    if found is None:
        piece.done = say("nothing was bought that counts")
    elif piece.account in payloads:
        piece.done = _said(drain, piece, found)
    else:
        piece.done = say("%(crm)s shows it already", crm=drain.systems.connection)


def _said(drain: CrmDrain, piece: PartyPiece, found: Figures) -> str:
    told = found.history
    values = {"crm": drain.systems.connection, "id": piece.account, "orders": told.orders, "value": told.value}
    if found.others:
        return say(
            "account %(id)s of %(crm)s shows orders: %(orders)s, value: %(value)s; not told: %(others)s",
            others=", ".join(map(str, found.others)),
            **values,
        )
    return say("account %(id)s of %(crm)s shows orders: %(orders)s, value: %(value)s", **values)
