"""What gateways kept of an order's payments: booked in the ERP as documents of their own, each once, by its reference.

They hang on no invoice and on no sale, so no survey shows them: what was booked is remembered as it was answered. A
shop's plugins may change what they have said (a refund costs too) or take it back; what is booked then stays, and the
order says so: no bookkeeper wants to find another amount than yesterday's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, cast

from sqlalchemy import Connection

from config.model import Depth
from connectors.kit.base import Rank, TargetDocument
from connectors.kit.errors import RecordRejected
from connectors.kit.exchanges import capture
from connectors.kit.facets import BooksFees
from mappings.canonical.errors import Problem
from mappings.canonical.money import Money
from mappings.canonical.records import UNREAD_FEES, Payment
from mappings.canonical.words import say
from sync.flows.context import Drain
from sync.flows.facets.effects import Effect, Origin, carry_out
from sync.flows.facets.ledger import ledger_turn
from sync.flows.facets.survey import seen
from sync.flows.piece import Piece, alone
from sync.rules.stops import Held
from sync.store.documents import Document, Seen, load_documents, save_made
from sync.store.intents import close_by_outcome

#: Kind of the documents, and of the intents that make them.
KIND: Final = "fee"
#: Why a fee is not booked, where a person has to see to it; approved, it is left out.
NOT_BOOKED: Final = "fee_not_booked"
_RANKS: Final = {Depth.DRAFT: Rank.DRAFT, Depth.POSTED: Rank.CONFIRMED}


@dataclasses.dataclass(frozen=True, slots=True)
class _Kept:
    """What a gateway kept of one payment."""

    reference: str
    payment: Payment
    fee: Money


def wanted(drain: Drain) -> bool:
    """Whether this channel books fees, and the ERP takes them."""
    return drain.systems.channel.after_import.fees is not Depth.NONE and isinstance(drain.target, BooksFees)


def named(drain: Drain, piece: Piece) -> bool:
    """Whether there is any fee of the order to book, or to tell of."""
    order = piece.order
    if order is None or not wanted(drain):
        return False
    return UNREAD_FEES in order.attributes or any(payment.fee for payment in order.payments)


def carry(drain: Drain, piece: Piece) -> bool:
    """Book what is missing of the whole order; nothing of a sale moves by it, so it answers False.

    What is in the way of one fee is set aside, and does not stop the others.
    """
    if piece.order is None or drain.systems.erp_facets is None or not wanted(drain):
        return False
    kept = list(_kept(drain, piece))
    _look_after_drafts(drain, piece)
    booked = {doc.key: doc for doc in piece.documents if (doc.kind, doc.connection) == (KIND, drain.lease.connection)}
    others = [doc for key, doc in booked.items() if key not in {each.reference for each in kept}]
    for each in kept:
        doc = booked.get(each.reference) or _renamed(drain, each, others)
        with alone(piece):
            if doc is None or _lags(drain, doc):
                if NOT_BOOKED not in piece.approved:
                    _book(drain, piece, each)
            elif Decimal(doc.total) != drain.systems.target_options.rounded(each.fee):
                drain.keep_seen([_said(drain, piece, each)])
                piece.warnings.append(_changed(doc, say("the shop says %(fee)s by now", fee=each.fee)))
    piece.warnings += [_changed(doc, say("the shop does not name it any more")) for doc in others]
    piece.warnings += _unread(piece)
    return False


def _kept(drain: Drain, piece: Piece) -> Iterator[_Kept]:
    """Of the whole order, whatever it is divided into: a gateway knows of one payment. Less than a cent is nothing."""
    order, facets = piece.order, drain.systems.erp_facets
    assert order is not None
    assert facets is not None
    for payment in order.payments:
        if payment.fee is None or not drain.systems.target_options.rounded(payment.fee):
            continue
        if payment.fee.amount < payment.amount.amount:
            yield _Kept(facets.fee_reference(order, payment, drain.systems.target_options), payment, payment.fee)
        else:
            piece.warnings.append(_left_out("payments.fee", str(payment.fee)))


def _look_after_drafts(drain: Drain, piece: Piece) -> None:
    """What people have posted of what was left for them."""
    erp = drain.lease.connection
    drafts = [doc.key for doc in piece.documents if (doc.kind, doc.connection, doc.state) == (KIND, erp, "draft")]
    if not drafts or drain.systems.channel.after_import.fees is Depth.POSTED:
        return
    piece.speaks_to = erp
    with capture() as exchanges:
        try:
            found = cast("BooksFees", drain.target).find_fees(drafts)
        finally:
            piece.exchanges.extend(exchanges)
    posted = [each for key in drafts for each in found.get(key, ())[:1] if each.rank is Rank.CONFIRMED]
    if posted:
        drain.keep_seen([_row(drain, piece, each) for each in posted])


def _renamed(drain: Drain, kept: _Kept, others: list[Document]) -> Document | None:
    """The same fee under another reference: a shop may learn the transaction of a payment after its fee was booked."""
    amount = drain.systems.target_options.rounded(kept.fee)
    found = next((doc for doc in others if Decimal(doc.total) == amount), None)
    if found is not None:
        others.remove(found)
    return found


def _lags(drain: Drain, doc: Document) -> bool:
    return doc.state == "draft" and drain.systems.channel.after_import.fees is Depth.POSTED


def _book(drain: Drain, piece: Piece, kept: _Kept) -> None:
    erp, shop = cast("BooksFees", drain.target), drain.systems.channel.source
    rank = _RANKS[drain.systems.channel.after_import.fees]
    said = _said(drain, piece, kept)
    ids = drain.keep_seen([said])
    # Before anything is announced: what is wrong with it has sent nothing.
    payload = _payload(drain, piece, kept.payment)

    def standing() -> TargetDocument | None:
        return next(iter(erp.find_fees([kept.reference]).get(kept.reference, ())), None)

    def find() -> Seen | None:
        document = standing()
        # Found as a draft it still has to be posted; that is safe to repeat under one intent after the other.
        return None if document is None or document.rank < rank else _row(drain, piece, document)

    def send() -> Seen:
        # Nothing there refuses a second one, so it is looked for directly before, whatever was remembered.
        document = standing() or erp.book_fee(payload)
        return _row(drain, piece, document if document.rank >= rank else erp.post_fee(document.external_id))

    effect = Effect(
        kind=KIND,
        key=kept.reference,
        side=drain.systems.erp_side,
        name=say("the fee of %(fee)s that %(gateway)s kept", fee=kept.fee, gateway=kept.payment.gateway),
        find=find,
        send=send,
        origin=Origin(ids[shop, KIND, kept.reference], said.digest),
    )
    try:
        with ledger_turn(drain):
            carry_out(drain, piece, effect)
    except RecordRejected as refusal:
        # The books of that day are closed, say.
        raise Held([_refused(kept, refusal)]) from refusal


def _said(drain: Drain, piece: Piece, kept: _Kept) -> Seen:
    """The fee as the shop says it."""
    payment = kept.payment
    record = {"title": payment.title, "gateway": payment.gateway, "amount": f"{kept.fee.amount:f}"}
    shop = drain.systems.channel.source
    return seen(drain, piece, KIND, kept.reference, record, at=shop, number=payment.reference, total=kept.fee)


def _payload(drain: Drain, piece: Piece, payment: Payment) -> dict[str, object]:
    order, facets = piece.order, drain.systems.erp_facets
    assert order is not None
    assert facets is not None
    options = drain.systems.target_options
    resolved = drain.resolve(facets.fee_references(payment, options))
    return facets.fee(order, payment, resolved, options)


def _row(drain: Drain, piece: Piece, document: TargetDocument) -> Seen:
    record = {"reference": document.key, "state": document.state, "amount": f"{document.total:f}"}
    state = "draft" if document.rank is Rank.DRAFT else "posted"
    row = seen(drain, piece, KIND, document.external_id, record, key=document.key, number=document.number, state=state)
    return row.with_total(f"{document.total:f}", document.currency)


# --- what people are told ----------------------------------------------------------------------------------------


def _refused(kept: _Kept, refusal: RecordRejected) -> Problem:
    return Problem(
        cause=NOT_BOOKED,
        path="payments.fee",
        reason=say("the ERP does not take the fee of %(fee)s: %(why)s", fee=kept.fee, why=refusal),
        subject=refusal.code,
        next_step=say(
            "put right what the ERP refuses and retry; or book the fee there by hand, then approve: it is left out"
        ),
    )


def _changed(doc: Document, news: str) -> Problem:
    return Problem(
        cause="fee_changed",
        path="payments.fee",
        reason=say(
            "a gateway's fee of %(amount)s %(currency)s is booked as %(number)s, and %(news)s: book the difference in "
            "the ERP",
            amount=doc.total,
            currency=doc.currency,
            number=doc.number or doc.external_id,
            news=news,
        ),
    )


def _unread(piece: Piece) -> list[Problem]:
    order = piece.order
    told = {} if order is None else order.attributes.get(UNREAD_FEES, {})
    return [_left_out(name, found) for name, found in told.items()]


def _left_out(name: str, found: str) -> Problem:
    return Problem(
        cause="fee_unread",
        path=name,
        reason=say(
            "no gateway's fee is booked by %(name)s: found %(found)s, expected an amount in the order's currency, "
            "above 0 and below the payment, by one gateway",
            name=name,
            found=found,
        ),
    )


# --- doubts of an order that nobody takes up ---------------------------------------------------------------------


def find_out(drain: Drain, piece: Piece) -> None:
    """Ask the ERP how earlier tries ended, for an order whose fees are not booked any more: every intent gets closed.

    Raises what the ERP raises.
    """
    doubts = [intent for intent in piece.open if intent.kind == KIND and intent.settled]
    if not doubts or piece.order_id is None or not isinstance(drain.target, BooksFees):
        return
    order_id = piece.order_id
    known = drain.store.read(lambda c: load_documents(c, [order_id])).get(order_id, [])
    piece.speaks_to = drain.lease.connection
    with capture() as exchanges:
        try:
            found = drain.target.find_fees([intent.key for intent in doubts])
        finally:
            piece.exchanges.extend(exchanges)
    drain.progress()

    def write(connection: Connection) -> None:
        for intent in doubts:
            document, origin = next(iter(found.get(intent.key, ())), None), _origin(known, intent.key)
            if document is not None and origin is not None:
                save_made(connection, _row(drain, piece, document), origin.id, origin.digest)
            close_by_outcome(connection, {"absent" if document is None else "found": [intent.id]})

    drain.write(write)
    piece.open[:] = [intent for intent in piece.open if intent not in doubts]


def _origin(known: Sequence[Document], reference: str) -> Document | None:
    """The shop's fee of that reference."""
    return next((doc for doc in known if doc.kind == KIND and doc.external_id == reference), None)
