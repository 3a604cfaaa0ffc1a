"""Making the account of a customer whom the CRM does not know, where the channel says so: once, under a key of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from config.model import Rung
from connectors.kit.crm import AccountMark, CreatesAccounts, Made, TakesContacts
from connectors.kit.errors import AlreadyExists, ConnectorError
from connectors.kit.exchanges import capture
from connectors.kit.permits import writes_need
from connectors.registry import has
from mappings.canonical.schemas import order_from_json
from mappings.canonical.words import say
from mappings.crm import Buyer, account_name, buyer_of
from sync.flows.crm.finding import CREATED, doubtful, take
from sync.flows.crm.piece import CrmDrain, PartyPiece
from sync.flows.crm.stops import meant
from sync.rules.stops import NotSent
from sync.store.bodies import load_json, unpack
from sync.store.crm.customers import newest_orders
from sync.store.matches import fitting

#: A CRM's field for keys is no longer.
_LONGEST: Final = 100
_SAME_NAME: Final = "same_name"


def make(drain: CrmDrain, pieces: Sequence[PartyPiece]) -> None:
    """An account for each that has none, or why it gets none."""
    missing = [piece for piece in pieces if not piece.ended and not piece.account]
    buyers = _buyers(drain, missing)
    size = drain.systems.crm.account_batch
    wanted = [piece for piece in missing if not piece.ended]
    for start in range(0, len(wanted), size):
        _create(drain, wanted[start : start + size], buyers)


def _buyers(drain: CrmDrain, missing: Sequence[PartyPiece]) -> dict[int, Buyer]:
    """Customer -> who that is; pieces of whom none can be made end."""
    crm = drain.systems.connection
    why = _unable(drain)
    for piece in missing:
        piece.skipped = why
    if why or not missing:
        return {}
    found = drain.store.read(lambda c: newest_orders(c, [piece.known.id for piece in missing]))
    buyers: dict[int, Buyer] = {}
    for piece in missing:
        packed = found.get(piece.known.id)
        buyer = None if packed is None else buyer_of(order_from_json(load_json(unpack(packed))), apart=piece.apart)
        if buyer is None or not account_name(buyer):
            piece.skipped = say("%(crm)s does not know this customer, and the order says no name", crm=crm)
        else:
            buyers[piece.known.id] = buyer
    return buyers


def _unable(drain: CrmDrain) -> str:
    """Why nobody gets an account here; empty where they do."""
    crm, connector = drain.systems.connection, drain.systems.crm
    if not drain.policy.create:
        return say("%(crm)s does not know this customer", crm=crm)
    able = has(connector, CreatesAccounts) and drain.systems.facets.account is not None
    if not able or not cast("CreatesAccounts", connector).takes_accounts():
        return say("%(crm)s does not know this customer, and the connection names no field for our key", crm=crm)
    return ""


def _create(drain: CrmDrain, some: Sequence[PartyPiece], buyers: Mapping[int, Buyer]) -> None:
    write = drain.systems.facets.account
    assert write is not None
    by_key = {key_of(piece.known.key): piece for piece in some}
    payloads = {key: write(buyers[piece.known.id]) for key, piece in by_key.items()}
    with capture() as exchanges:
        made = _called(drain, payloads)
    drain.progress()
    for key, piece in by_key.items():
        piece.exchanges.extend(exchanges)
        piece.wrote = True
        one = made.get(key, Made(error=None))
        if isinstance(one, Made) and one.external_id:
            _kept(drain, piece, buyers[piece.known.id], one.external_id)
        else:
            _missed(drain, piece, buyers[piece.known.id], one.error if isinstance(one, Made) else one)


def _called(drain: CrmDrain, payloads: Mapping[str, dict[str, object]]) -> Mapping[str, Made | Exception]:
    try:
        drain.demand_time()
        with writes_need(drain.demand_time):
            return cast("CreatesAccounts", drain.systems.crm).create_accounts(payloads)
    except (ConnectorError, NotSent) as error:
        return dict.fromkeys(payloads, error)


def _kept(drain: CrmDrain, piece: PartyPiece, buyer: Buyer, account: str) -> None:
    """The person goes with it, so that the next order is found by the address; one of another account stays there."""
    contact = drain.systems.facets.contact
    if contact is not None and buyer.email and has(drain.systems.crm, TakesContacts):
        with capture() as exchanges:
            error = _contact(drain, buyer.email, contact(buyer, account))
        piece.exchanges.extend(exchanges)
        if error is not None and not isinstance(error, AlreadyExists):
            # Next time the account is found under its key, and the person is written then.
            piece.error = meant(drain.systems, error)
            return
    take(piece, account, account_name(buyer), CREATED)


def _contact(drain: CrmDrain, email: str, payload: dict[str, object]) -> Exception | None:
    try:
        drain.demand_time()
        with writes_need(drain.demand_time):
            return cast("TakesContacts", drain.systems.crm).create_contacts({email: payload})[email].error
    except (ConnectorError, NotSent) as error:
        return error


def _missed(drain: CrmDrain, piece: PartyPiece, buyer: Buyer, error: Exception | None) -> None:
    assert error is not None
    if isinstance(error, AlreadyExists) and error.code == _SAME_NAME:
        try:
            rows = drain.systems.crm.find_accounts([AccountMark(name=account_name(buyer))])[0]
        except ConnectorError as away:
            piece.error = meant(drain.systems, away)
            return
        if rows:
            doubtful(drain, Rung.NAME.value, piece, rows)
            return
    piece.error = meant(drain.systems, error)


def key_of(customer: str) -> str:
    """Under which an account stands in the CRM: the customer's own key, the same after any loss of ours."""
    return fitting(customer, _LONGEST)
