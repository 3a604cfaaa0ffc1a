"""Invoices and credit notes of the ERP: posted where the policy says so, kept with their files, shown in the shop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, cast

from config.model import Depth, InvoiceNews
from connectors.kit.errors import OutcomeUnknown, RecordRejected
from connectors.kit.facets import NOT_PRINTED, GivesFiles, MakesInvoices, PostsInvoices
from mappings.canonical.errors import Problem
from mappings.canonical.facets import Invoice, InvoiceState, SaleState, Standing, facet_to_json
from mappings.canonical.words import say
from mappings.facets import Billed
from sync.flows.context import Drain
from sync.flows.facets.effects import Effect, carry_out
from sync.flows.facets.ledger import ledger_turn
from sync.flows.facets.survey import resurvey, seen
from sync.flows.piece import Piece, aside
from sync.rules.stops import Held
from sync.store.bodies import digest, dump_json
from sync.store.documents import Document, Seen, numbers_of_others
from sync.store.files import KeptFile, newest_files

#: Larger files are no invoices.
MAX_FILE_BYTES: Final = 5_000_000
_LEFT: Final = {SaleState.SHIPPED, SaleState.DONE}
_FIXED: Final = {InvoiceState.POSTED, InvoiceState.PAID}


def post(drain: Drain, piece: Piece, *, agreed: bool) -> bool:
    """Post the drafts that the policies name; answers whether any was. Raises what `carry_out` raises.

    The sale's own only where it is `agreed` what the sale is to be: what is posted can be corrected no more.
    """
    made = agreed and _is_unbilled(drain, piece)
    if made:
        _make(drain, piece)
    standing = piece.standing
    if standing is None or not isinstance(drain.target, PostsInvoices):
        return False
    drafts = [invoice for invoice in standing.invoices if invoice.state is InvoiceState.DRAFT]
    due = [each for each in drafts if (agreed or each.refund_key) and _is_due(drain, standing.state, each)]
    for invoice in due:
        _post(drain, piece, invoice)
    return made or bool(due)


def _is_unbilled(drain: Drain, piece: Piece) -> bool:
    """Whether the ERP waits to be asked for the sale's invoice.

    Never for more than the sale comes to: pieces that were given back may count there as not invoiced again.
    """
    standing, after = piece.standing, drain.systems.channel.after_import
    if standing is None or not standing.uninvoiced or not isinstance(drain.target, MakesInvoices):
        return False
    if any(each.collected for each in standing.invoices):
        # Whoever collects sees to the rest too.
        return False
    return after.post_invoices and standing.state in _LEFT and invoiced(standing) < standing.total.amount


def invoiced(standing: Standing) -> Decimal:
    """Gross, what stands in the sale's own invoices, drafts too; what was credited of them counts."""
    own = (each for each in standing.invoices if not each.credit and each.state is not InvoiceState.CANCELLED)
    return sum((each.total.amount for each in own), Decimal(0))


def _make(drain: Drain, piece: Piece) -> None:
    erp, before = cast("MakesInvoices", drain.target), piece.standing
    assert before is not None
    billed, known = invoiced(before), {each.external_id for each in before.invoices}

    def find() -> Seen | None:
        now = resurvey(drain, piece)
        new = next((each for each in now.invoices if each.external_id not in known), None)
        return None if new is None or invoiced(now) <= billed else _row(drain, piece, new)

    def send() -> Seen:
        # Nothing there refuses a second one, so the sale is read directly before.
        if (found := find()) is not None:
            return found
        erp.make_invoices(before.external_id)
        if (made := find()) is None:
            raise OutcomeUnknown(say("invoiced, but the sale shows no new invoice"))
        return made

    effect = Effect(
        kind="invoice",
        # What was invoiced before is part of it: a sale is invoiced as often as something of it can be.
        key=f"sale:{before.external_id}:{billed:f}",
        side=drain.systems.erp_side,
        name=say("the invoice of sale %(sale)s", sale=before.number or before.external_id),
        find=find,
        send=send,
    )
    with ledger_turn(drain):
        carry_out(drain, piece, effect)
    resurvey(drain, piece)


def _is_due(drain: Drain, state: SaleState, invoice: Invoice) -> bool:
    after = drain.systems.channel.after_import
    if invoice.refund_key:
        return after.refunds is Depth.POSTED
    # What is collected from several sales waits for the others, and for whoever collects.
    return after.post_invoices and state in _LEFT and not invoice.collected


def _post(drain: Drain, piece: Piece, invoice: Invoice) -> None:
    erp = cast("PostsInvoices", drain.target)

    def find() -> Seen | None:
        now = next((each for each in resurvey(drain, piece).invoices if each.external_id == invoice.external_id), None)
        return None if now is None or now.state not in _FIXED else _row(drain, piece, now)

    def send() -> Seen:
        erp.post_invoice(invoice.external_id)
        return _row(drain, piece, invoice)

    effect = Effect(
        kind="post",
        key=f"invoice:{invoice.external_id}",
        action="update",
        side=drain.systems.erp_side,
        name=(
            say("the posting of credit note %(invoice)s", invoice=invoice.external_id)
            if invoice.credit
            else say("the posting of invoice %(invoice)s", invoice=invoice.external_id)
        ),
        find=find,
        send=send,
    )
    with ledger_turn(drain):
        carry_out(drain, piece, effect)


def _row(drain: Drain, piece: Piece, invoice: Invoice) -> Seen:
    return seen(drain, piece, "invoice", invoice.external_id, invoice, number=invoice.number, state=invoice.state)


def billed(drain: Drain, piece: Piece) -> list[Billed]:
    """The posted invoices of the order with their links, oldest first, as the shop is to show them.

    One that a person has to see to first is left out, and why is set aside: its number stands on another document, it
    says something else than the file that was shown before.
    """
    order, standing, after = piece.order, piece.standing, drain.systems.channel.after_import
    if order is None or standing is None or after.invoices is InvoiceNews.OFF:
        return []
    fixed = [invoice for invoice in standing.invoices if invoice.state in _FIXED]
    others = _numbers_of_others(drain, fixed)
    kept = _kept_files(drain, piece)
    found = []
    for invoice in fixed:
        with aside(piece):
            _demand_unique(piece, invoice, others)
            file = _file(drain, piece, invoice, kept)
            link = "" if file is None or after.invoices is not InvoiceNews.LINK else _link(drain, invoice, file)
            found.append(Billed(order=order, invoice=invoice, link=link))
    return found


def _link(drain: Drain, invoice: Invoice, file: KeptFile) -> str:
    links, days = drain.systems.links, drain.systems.channel.after_import.link_days
    return "" if links is None else links.link_from(file.token, invoice.dated_on, days)


def _numbers_of_others(drain: Drain, fixed: Iterable[Invoice]) -> dict[str, str]:
    """Number -> another document of the ERP that bears it too."""
    own = {invoice.number: invoice.external_id for invoice in fixed if invoice.number}
    return drain.store.read(lambda c: numbers_of_others(c, drain.lease.connection, list(own), list(own.values())))


def _demand_unique(piece: Piece, invoice: Invoice, others: Mapping[str, str]) -> None:
    if invoice.number not in others or "invoice_number" in piece.approved:
        return
    raise Held(
        [
            Problem(
                cause="invoice_number",
                path="invoices",
                reason=say(
                    "%(number)s stands on two documents of the ERP: %(one)s and %(other)s",
                    number=invoice.number,
                    one=invoice.external_id,
                    other=others[invoice.number],
                ),
                subject=invoice.number,
                next_step=say("tell the bookkeepers; approve when it is settled which of them is right"),
            )
        ]
    )


def _kept_files(drain: Drain, piece: Piece) -> dict[str, KeptFile]:
    """Invoice id -> the file that was kept of it last."""
    documents = {doc.id: doc.external_id for doc in _documents(piece).values()}
    kept = drain.store.read(lambda c: newest_files(c, list(documents)))
    return {documents[document_id]: file for document_id, file in kept.items()}


def _documents(piece: Piece) -> dict[str, Document]:
    return {doc.external_id: doc for doc in piece.documents if doc.kind in {"invoice", "credit_note"}}


def _file(drain: Drain, piece: Piece, invoice: Invoice, kept: Mapping[str, KeptFile]) -> KeptFile | None:
    """Its file. Raises Held where what is printed on it is not what was kept and shown before."""
    if not isinstance(drain.target, GivesFiles):
        return None
    before, facts = kept.get(invoice.external_id), _facts(invoice)
    if before is not None and before.facts == facts:
        return before
    if before is not None and "invoice_changed" not in piece.approved:
        raise Held([_changed(invoice)])
    fetched: list[KeptFile] = []
    with aside(piece):
        try:
            fetched.append(_fetch(drain, _documents(piece)[invoice.external_id], facts))
        except RecordRejected as refusal:
            if refusal.code != NOT_PRINTED:
                raise
            # When it is printed, the order comes again.
            piece.warnings.append(_not_printed(invoice, refusal))
    # Where the ERP gives none, its number is shown all the same.
    return next(iter(fetched), None)


def _facts(invoice: Invoice) -> str:
    """What is printed on it and never changes once it is posted; what is paid of it does."""
    printed = (invoice.number, invoice.dated_on, invoice.due_on, invoice.net, invoice.tax, invoice.total)
    return digest(dump_json([facet_to_json(each) for each in printed]))


def _changed(invoice: Invoice) -> Problem:
    return Problem(
        cause="invoice_changed",
        path="invoices",
        reason=say(
            "%(number)s says something else than when its file was kept and shown in the shop", number=invoice.number
        ),
        subject=invoice.number,
        next_step=say("ask the bookkeepers why a posted document changed; approve to show the new file"),
    )


def _not_printed(invoice: Invoice, refusal: RecordRejected) -> Problem:
    return Problem(
        cause=NOT_PRINTED,
        path="invoices",
        reason=say("%(number)s has no file yet: %(why)s", number=invoice.number, why=refusal),
        subject=invoice.number,
    )


def _fetch(drain: Drain, doc: Document, facts: str) -> KeptFile:
    erp = cast("GivesFiles", drain.target)
    return drain.keep_file(doc, facts, lambda: erp.fetch_file("invoice", doc.external_id, max_bytes=MAX_FILE_BYTES))
