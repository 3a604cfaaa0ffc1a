"""Invoices, credit notes and payments of the sandbox ERP."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final

from connectors.sandbox.erp.core import Core, Decided, today
from connectors.sandbox.erp.documents import CANCELLED, JsonDict, Refused, day, decimal, rounded, text
from connectors.sandbox.erp.papers import DRAFT, PAID, POSTED, Invoice, Payment, fields_of
from connectors.sandbox.ledger import document_digest

#: From an invoice's date to the day on which it is due.
PAYMENT_DAYS: Final = 14


class Billing:
    """Every public method may be called from many threads, and raises Refused."""

    def __init__(self, core: Core) -> None:
        """On the books' own state."""
        self._core = core

    # Invoices

    def invoices(self, ids: Iterable[int]) -> list[JsonDict]:
        """Those that stand under these ids."""
        with self._core.lock:
            known = self._core.state.invoices
            return [known[found].to_json() for found in ids if found in known]

    def decide_post(self, invoice_id: int) -> Callable[[], JsonDict]:
        """The commit of posting one; one that is posted already is left alone."""
        with self._core.lock:
            self._core.invoice(invoice_id)
            seen = self._core.state.posted

        def commit() -> JsonDict:
            with self._core.lock:
                invoice = self._core.invoice(invoice_id)
                if invoice.state == CANCELLED:
                    raise Refused(409, "wrong_state", f"invoice {invoice_id} is cancelled", "id")
                if invoice.state == DRAFT:
                    self._post(invoice, 1 + (seen if self._core.rules.racy else self._core.state.posted))
                return invoice.to_json()

        return commit

    def post(self, invoice_id: int) -> JsonDict:
        """Decided and committed in one step."""
        return self.decide_post(invoice_id)()

    def cancel(self, invoice_id: int) -> JsonDict:
        """Somebody cancels a draft."""
        with self._core.lock:
            invoice = self._core.invoice(invoice_id)
            if invoice.state != DRAFT:
                message = f"invoice {invoice_id} is {invoice.state}; only a draft can be cancelled"
                raise Refused(409, "wrong_state", message, "id")
            self._core.do("invoice.cancel", self._key(invoice), invoice_id, document={"state": CANCELLED})
            return invoice.to_json()

    def spoil(self, invoice_id: int, changes: JsonDict) -> JsonDict:
        """Somebody at the database gives an invoice another `number` or `file`."""
        with self._core.lock:
            invoice = self._core.invoice(invoice_id)
            document = {name: text(changes, name) for name in ("number", "file") if name in changes}
            self._core.do("invoice.change", self._key(invoice), invoice_id, document=document)
            return invoice.to_json()

    def file(self, invoice_id: int) -> tuple[str, str]:
        """Name and text of a posted invoice's file: the same text at any time, for nothing in it changes."""
        with self._core.lock:
            invoice = self._core.invoice(invoice_id)
            if not invoice.number:
                raise Refused(404, "no_file", f"invoice {invoice_id} is {invoice.state} and has no file", "id")
            shown = self._printed(invoice) if invoice.file is None else invoice.file
            return f"{'credit-note' if Decimal(invoice.total) < 0 else 'invoice'}-{invoice.number}.txt", shown

    # Payments

    def payments(self, references: Sequence[str]) -> list[JsonDict]:
        """Every payment under each reference, lowest id first."""
        state = self._core.state
        with self._core.lock:
            ids = [found for reference in references for found in sorted(state.references.get(reference, ()))]
            return [fields_of(state.payments[found]) for found in ids]

    def decide_payment(self, payload: JsonDict) -> Decided[Payment]:
        """A payment with its id, not yet visible."""
        with self._core.lock:
            invoice = self._core.invoice(_id(payload, "invoice"))
        amount = decimal(payload, "amount", "amount")
        if not amount or amount != rounded(amount, self._core.digits(invoice.currency)):
            raise Refused(422, "invalid", f"amount must be an amount in {invoice.currency}, not {amount:f}", "amount")
        if (currency := text(payload, "currency") or invoice.currency) != invoice.currency:
            message = f"invoice {invoice.id} is in {invoice.currency}, not in {currency}"
            raise Refused(422, "invalid", message, "currency")
        payment = Payment(
            id=next(self._core.payment_ids),
            reference=text(payload, "reference"),
            invoice=invoice.id,
            amount=f"{amount:f}",
            currency=currency,
            method=text(payload, "method"),
            paid_on=day(payload, "paid_on") if payload.get("paid_on") else today(),
            state=DRAFT if payload.get("draft") else POSTED,
        )
        return Decided(payment, document_digest(payload))

    def commit_payment(self, decided: Decided[Payment]) -> JsonDict:
        """Make a decided payment stand."""
        payment = decided.record
        with self._core.lock:
            known = self._core.state.references.get(payment.reference)
            if self._core.rules.enforce_reference and payment.reference and known:
                message = f"a payment with the reference {payment.reference!r} exists"
                raise Refused(409, "duplicate_key", message, "reference")
            self._check_open(self._core.invoice(payment.invoice), Decimal(payment.amount))
            document = fields_of(payment)
            self._core.do(
                "payment.create",
                payment.reference,
                payment.id,
                total=payment.amount,
                document=document,
                digest=decided.digest,
            )
            return document

    def post_payment(self, payment_id: int) -> JsonDict:
        """Somebody posts a draft; one that is posted already is left alone."""
        with self._core.lock:
            payment = self._core.state.payments.get(payment_id)
            if payment is None:
                raise Refused(404, "not_found", f"there is no payment {payment_id}", "id")
            if payment.state == DRAFT:
                self._check_open(self._core.invoice(payment.invoice), Decimal(payment.amount))
                self._core.do("payment.post", payment.reference, payment.id, total=payment.amount)
            return fields_of(self._core.state.payments[payment_id])

    # Inside the lock

    def _post(self, invoice: Invoice, number: int) -> None:
        dated = dt.date.fromisoformat(today())
        document = {
            "state": POSTED if Decimal(invoice.total) else PAID,
            "number": f"INV{number:06d}",
            "dated_on": dated.isoformat(),
            "due_on": (dated + dt.timedelta(days=PAYMENT_DAYS)).isoformat(),
        }
        self._core.do("invoice.post", self._key(invoice), invoice.id, total=invoice.total, document=document)

    def _check_open(self, invoice: Invoice, amount: Decimal) -> None:
        if invoice.state not in {POSTED, PAID}:
            message = f"invoice {invoice.id} is {invoice.state}; only a posted one is paid"
            raise Refused(409, "wrong_state", message, "invoice")
        if amount * invoice.open <= 0 or abs(amount) > abs(invoice.open):
            message = f"{amount:f} is to be paid, {invoice.open:f} is open on invoice {invoice.number}"
            raise Refused(409, "over_open", message, "amount")

    def _key(self, invoice: Invoice) -> str:
        sale = self._core.state.sales.get(invoice.sale)
        if sale is None:
            raise Refused(409, "wrong_state", f"the sale of invoice {invoice.id} is gone", "id")
        return sale.external_key

    def _printed(self, invoice: Invoice) -> str:
        sale, known = self._core.state.sales[invoice.sale], self._core.state.product_by_id
        lines = [
            f"{line['quantity']} x {line.get('description') or known[line['product']].code}: {line['amount']}"
            for line in sale.lines
        ]
        head = "Credit note" if Decimal(invoice.total) < 0 else "Invoice"
        return "\n".join(
            [
                f"{head} {invoice.number}",
                f"Date: {invoice.dated_on}",
                f"Due: {invoice.due_on}",
                f"Order: {sale.details.get('reference') or sale.number}",
                *lines,
                f"Net: {invoice.untaxed} {invoice.currency}",
                f"Tax: {invoice.tax} {invoice.currency}",
                f"Total: {invoice.total} {invoice.currency}",
                "",
            ]
        )


def _id(payload: JsonDict, name: str) -> int:
    value = payload.get(name)
    if type(value) is not int:
        raise Refused(422, "invalid", f"{name} must be a whole number", name)
    return value
