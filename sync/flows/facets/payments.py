"""Payments of the shop: registered in the ERP on the invoice that they pay, each once, found again by its reference."""

from __future__ import annotations

from typing import cast

from config.model import Depth
from connectors.kit.base import TargetDocument
from connectors.kit.facets import TakesPayments
from mappings.canonical.facets import Invoice, InvoiceState
from mappings.canonical.records import Payment
from mappings.canonical.words import say
from sync.flows.context import Drain
from sync.flows.facets.effects import Effect, Origin, carry_out
from sync.flows.facets.ledger import ledger_turn
from sync.flows.facets.survey import seen
from sync.flows.piece import Piece
from sync.rules.references import resolve
from sync.store.documents import Seen


def wanted(drain: Drain) -> bool:
    """Whether this channel registers payments, and the ERP takes them."""
    return drain.systems.channel.after_import.payments is not Depth.NONE and isinstance(drain.target, TakesPayments)


def carry(drain: Drain, piece: Piece) -> bool:
    """Register what is missing; answers whether anything was written to the ERP.

    A payment waits for its invoice: when that is posted, the order comes again. Raises Problems, Held, and what
    `carry_out` raises.
    """
    order, facets, standing = piece.order, drain.systems.erp_facets, piece.standing
    if order is None or facets is None or standing is None or not wanted(drain):
        return False
    if not any(_is_open(invoice) for invoice in standing.invoices):
        return False
    known = {payment.reference for payment in standing.payments}
    missing = []
    for payment in order.payments:
        reference = facets.payment_reference(order, payment, drain.systems.target_options)
        if payment.amount and reference not in known:
            missing.append((reference, payment))
    for reference, payment in missing:
        _register(drain, piece, reference, payment)
    return bool(missing)


def _is_open(invoice: Invoice) -> bool:
    return invoice.state is InvoiceState.POSTED and not invoice.credit and bool(invoice.open)


def _register(drain: Drain, piece: Piece, reference: str, payment: Payment) -> None:
    erp = cast("TakesPayments", drain.target)
    shop = drain.systems.channel.source
    said = seen(
        drain, piece, "payment", reference, _record(payment), at=shop, number=payment.reference, total=payment.amount
    )
    ids = drain.keep_seen([said])

    def find() -> Seen | None:
        found = erp.find_payments([reference]).get(reference, [])
        return _row(drain, piece, reference, found[0]) if found else None

    def send() -> Seen:
        # Nothing there refuses a second one, so it is looked for directly before, whatever was surveyed.
        return find() or _row(drain, piece, reference, erp.register_payment(_payload(drain, piece, payment)))

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
    resolved = resolve(facets.payment_references(payment, options), drain.lookups, drain.target)
    return facets.payment(order, payment, piece.surveyed, resolved, options)


def _row(drain: Drain, piece: Piece, reference: str, document: TargetDocument) -> Seen:
    record = {"reference": reference, "state": document.state, "amount": f"{document.total:f}"}
    row = seen(drain, piece, "payment", document.external_id, record, key=reference, number=reference, state="posted")
    return row.with_total(f"{document.total:f}", document.currency)
