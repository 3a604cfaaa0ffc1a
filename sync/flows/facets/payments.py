"""Payments of the shop: registered in the ERP on the invoice that they pay, each once, found again by its reference.

One that is left as a draft is on no invoice until people post it, so no survey shows it; it is remembered under a kind
of its own, and becomes what the survey shows when that bears its reference.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import Connection

from config.model import Depth
from connectors.kit.base import Rank, TargetDocument
from connectors.kit.facets import DraftsPayments, TakesPayments
from mappings.canonical.facets import Invoice, InvoiceState
from mappings.canonical.records import Payment
from mappings.canonical.words import say
from sync.flows.context import Drain
from sync.flows.facets.effects import Effect, Origin, carry_out
from sync.flows.facets.ledger import ledger_turn
from sync.flows.facets.survey import seen
from sync.flows.piece import Piece
from sync.store.documents import DRAFTED, Seen, end_others
from sync.store.refunds import link_made


def wanted(drain: Drain) -> bool:
    """Whether this channel registers payments, and the ERP takes them in this way."""
    depth = drain.systems.channel.after_import.payments
    if depth is Depth.DRAFT and not isinstance(drain.target, DraftsPayments):
        return False
    return depth is not Depth.NONE and isinstance(drain.target, TakesPayments)


def carry(drain: Drain, piece: Piece) -> bool:
    """Register what is missing; answers whether anything was written to the ERP.

    A payment waits for its invoice: when that is posted, the order comes again. Raises Problems, Held, and what
    `carry_out` raises.
    """
    order, facets, standing = piece.order, drain.systems.erp_facets, piece.standing
    if order is None or facets is None or standing is None or not wanted(drain):
        return False
    known = {payment.reference for payment in standing.payments}
    known |= _drafted(drain, piece, known)
    if not any(_is_open(invoice) for invoice in standing.invoices):
        return False
    missing = []
    for payment in order.payments:
        reference = facets.payment_reference(order, payment, drain.systems.target_options)
        if payment.amount and reference not in known:
            missing.append((reference, payment))
    for reference, payment in missing:
        _register(drain, piece, reference, payment)
    return bool(missing)


def _drafted(drain: Drain, piece: Piece, posted: set[str]) -> set[str]:
    """References of drafts that wait for people; those that are `posted` by now are shown as the survey has them."""
    assert piece.order_id is not None
    order_id, erp = piece.order_id, drain.lease.connection
    drafts = [each for each in piece.documents if (each.kind, each.connection) == (DRAFTED, erp)]
    there = {each.key: each for each in piece.documents if (each.kind, each.connection) == ("payment", erp)}
    done = [each for each in drafts if each.key in posted and each.key in there]

    def end(connection: Connection) -> None:
        for each in done:
            if each.made_from is not None:
                link_made(connection, there[each.key].id, order_id, each.made_from, each.made_digest)
        end_others(connection, order_id, erp, [DRAFTED], [each.external_id for each in drafts if each not in done])

    if done:
        drain.write(end)
    return {each.key for each in drafts}


def _is_open(invoice: Invoice) -> bool:
    return invoice.state is InvoiceState.POSTED and not invoice.credit and bool(invoice.open)


def _register(drain: Drain, piece: Piece, reference: str, payment: Payment) -> None:
    erp = cast("TakesPayments", drain.target)
    shop = drain.systems.channel.source
    rank = Rank.DRAFT if drain.systems.channel.after_import.payments is Depth.DRAFT else Rank.CONFIRMED
    said = seen(
        drain, piece, "payment", reference, _record(payment), at=shop, number=payment.reference, total=payment.amount
    )
    ids = drain.keep_seen([said])

    def find() -> Seen | None:
        found = erp.find_payments([reference]).get(reference, [])
        if not found or (found[0].rank < rank and drain.target.keys["payment"].enforced):
            # Made, and not brought to its end: where the key is enforced, making it again goes on from there.
            return None
        return _row(drain, piece, reference, found[0])

    def send() -> Seen:
        # Nothing there refuses a second one, so it is looked for directly before, whatever was surveyed.
        return find() or _row(drain, piece, reference, _pay(drain, _payload(drain, piece, payment)))

    effect = Effect(
        kind="payment",
        key=reference,
        side=drain.systems.erp_side,
        name=say(
            "the payment %(payment)s of %(amount)s",
            payment=payment.reference or payment.title or payment.gateway,
            amount=payment.amount,
        ),
        find=find,
        send=send,
        origin=Origin(ids[shop, "payment", reference], said.digest),
    )
    with ledger_turn(drain):
        carry_out(drain, piece, effect)


def _pay(drain: Drain, payload: dict[str, object]) -> TargetDocument:
    if drain.systems.channel.after_import.payments is Depth.DRAFT:
        return cast("DraftsPayments", drain.target).draft_payment(payload)
    return cast("TakesPayments", drain.target).register_payment(payload)


def _record(payment: Payment) -> dict[str, object]:
    return {
        "gateway": payment.gateway,
        "title": payment.title,
        "amount": f"{payment.amount.amount:f}",
        "currency": payment.amount.currency,
        "reference": payment.reference,
        "paid_at": None if payment.paid_at is None else payment.paid_at.isoformat(),
    }


def _payload(drain: Drain, piece: Piece, payment: Payment) -> dict[str, object]:
    order, facets = piece.order, drain.systems.erp_facets
    assert order is not None
    assert facets is not None
    assert piece.surveyed is not None
    options = drain.systems.target_options
    resolved = drain.resolve(facets.payment_references(payment, options))
    return facets.payment(order, payment, piece.surveyed, resolved, options)


def _row(drain: Drain, piece: Piece, reference: str, document: TargetDocument) -> Seen:
    record = {"reference": reference, "state": document.state, "amount": f"{document.total:f}"}
    draft = document.rank is Rank.DRAFT
    kind, state = (DRAFTED, "draft") if draft else ("payment", "posted")
    row = seen(drain, piece, kind, document.external_id, record, key=reference, number=reference, state=state)
    return row.with_total(f"{document.total:f}", document.currency)
