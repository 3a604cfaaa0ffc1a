"""Payments of posted invoices, by the server's own pay wizard over JSON-RPC: it books, posts and reconciles in one go.

The wizard's description becomes the description of the account move, by which the payment is found again. Nothing
keeps that unique, so the caller looks it up first. Its last page is called directly, with what its two forms would
ask: then a payment of the whole and one of a part are the same call, and one of more than is open is refused (seen on
8.2: "You cannot add a partial payment ... with an amount greater than the amount to pay").
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from connectors.kit.base import JsonDict, Rank, TargetDocument
from connectors.kit.errors import ConnectorError, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.tryton import typed
from connectors.tryton.client import TrytonClient
from connectors.tryton.goods import batches
from connectors.tryton.masters import Masters
from connectors.tryton.periods import open_period

_WIZARD: Final = "wizard.account.invoice.pay"
_MOVE: Final = (
    *("number", "state", "description", "origin", "date", "company.currency.code"),
    *("lines.debit", "lines.credit", "lines.amount_second_currency", "lines.second_currency.code"),
    *("lines.account.type.receivable",),
)
_INVOICE: Final = ("number", "state", "party", "account", "company", "currency", "amount_to_pay")


_INVOICES: Final = "account.invoice"
_METHOD: Final = "account.invoice.payment.method"
_ACCOUNTS: Final = ("journal", "debit_account", "credit_account")
_PARTY: Final = ("party_required",)


class Payments:
    """The payments of one company's invoices; `alone` is held over each, for the numbers of moves are one series."""

    def __init__(self, client: TrytonClient, masters: Masters, alone: threading.Lock) -> None:
        self._client, self._masters, self._alone = client, masters, alone

    def find(self, references: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Account moves of invoices of the web shop's sales, by description: another shop's may bear the same one."""
        found: dict[str, list[TargetDocument]] = {}
        company = ["company", "=", self._masters.company()["id"]]
        ours = ["origin.sales.web_shop", "=", self._masters.web_shop()["id"], "account.invoice"]
        for batch in batches(references):
            domain = [company, ["description", "in", batch], ours]
            for row in self._client.search("account.move", domain, _MOVE, order=[["id", "ASC"]]):
                found.setdefault(row["description"], []).append(_payment(row))
        return found

    def register(self, payload: JsonDict) -> TargetDocument:
        """Pay what `payload` says: invoice, payment_method, amount, date and description, in Tryton's typed JSON."""
        if not self._client.has_login:
            raise RecordRejected(
                say(
                    "Tryton takes payments over JSON-RPC alone: set `auth.login` and `auth.password` of the connection"
                ),
                code="no_login",
            )
        until = Until(self._client.deadline_s)
        invoice = self._payable(int(payload["invoice"]))
        with self._alone:
            self._pay(invoice, payload, until)
        return self._read_back(str(payload["description"]), until)

    def draft(self, payload: JsonDict) -> TargetDocument:
        """What the wizard would book, as a draft move: people post it and reconcile it with the invoice.

        Needs no login. In the company's own currency alone: for another one a rate would have to be chosen.
        """
        until = Until(self._client.deadline_s)
        values = self._move(self._payable(int(payload["invoice"])), payload)
        with self._alone:
            return _payment(self._client.create("account.move", values, _MOVE, deadline_s=until.left_s()))

    def _move(self, invoice: JsonDict, payload: JsonDict) -> JsonDict:
        """As `account.invoice.pay_invoice` of 8.2 makes it; of an invoice to a customer, or its credit note."""
        company, [method] = self._masters.company(), self._rows(_METHOD, [payload["payment_method"]], _ACCOUNTS)
        [billed] = self._rows(_INVOICES, [invoice["id"]], ("currency.code",))
        if billed["currency"]["code"] != company["currency"]:
            text = say("a draft of a payment in another currency than the company's has to be made in Tryton")
            raise RecordRejected(text, code="currency")
        amount: Decimal = typed.decode(payload["amount"])
        pays_in = amount >= 0
        counter = method["debit_account" if pays_in else "credit_account"]
        accounts = {row["id"]: row for row in self._rows("account.account", [invoice["account"], counter], _PARTY)}
        sides = ((invoice["account"], not pays_in), (counter, pays_in))
        return {
            "company": company["id"],
            "journal": method["journal"],
            "period": open_period(self._client, company["id"], typed.decode(payload["date"])),
            "date": payload["date"],
            "origin": f"{_INVOICES},{invoice['id']}",
            "description": payload["description"],
            "lines": [["create", [_line(accounts[each], amount, invoice, debit=debit) for each, debit in sides]]],
        }

    def _rows(self, model: str, ids: Sequence[int], fields: Sequence[str]) -> list[JsonDict]:
        return self._client.search(model, [["id", "in", list(ids)]], fields)

    def _payable(self, number: int) -> JsonDict:
        rows = self._client.search("account.invoice", [["id", "=", number]], _INVOICE)
        if not rows:
            raise RecordRejected(say("the invoice is no longer in the ERP"), code="gone")
        if rows[0]["state"] not in {"posted", "paid"}:
            text = say("the invoice is in state %(state)s: only a posted one can be paid", state=rows[0]["state"])
            raise RecordRejected(text, code="state")
        return rows[0]

    def _pay(self, invoice: JsonDict, payload: JsonDict, until: Until) -> None:
        context = self._masters.context()
        session = self._begin(context, until)
        record = {"active_model": "account.invoice", "active_id": invoice["id"], "active_ids": [invoice["id"]]}
        arguments = [session, _forms(invoice, payload), "pay", {**context, **record}]
        try:
            result = self._client.call(f"{_WIZARD}.execute", arguments, deadline_s=until.left_s())
        except RecordRejected as refusal:
            if refusal.rolled_back:
                raise
            raise OutcomeUnknown(str(refusal), code=refusal.code, status=refusal.status) from None
        finally:
            # A wizard that is not ended stands in a table for ever; what came of the payment does not depend on it.
            with contextlib.suppress(ConnectorError):
                self._client.call(f"{_WIZARD}.delete", [session, context], deadline_s=until.left_s())
        if result:
            # Another page of the wizard: the server wants to know more, and nothing has been done.
            raise RecordRejected(say("Tryton asks for more before it books the payment: pay it there"), code="asked")

    def _begin(self, context: Mapping[str, Any], until: Until) -> int:
        """A session of the wizard. Whatever becomes of this call, nothing is paid by it."""
        try:
            answer = self._client.call(f"{_WIZARD}.create", [dict(context)], deadline_s=until.left_s())
        except OutcomeUnknown as error:
            raise Transient(str(error), code=error.code, status=error.status) from None
        session: int = answer[0]
        return session

    def _read_back(self, reference: str, until: Until) -> TargetDocument:
        until.left_s()
        try:
            found = self.find([reference]).get(reference)
        except ConnectorError as error:
            text = say("paid, but not read back: %(error)s", error=error)
            raise OutcomeUnknown(text, status=error.status) from None
        if not found:
            raise OutcomeUnknown(say("paid, but not found when it was read back"))
        return found[-1]


def _line(account: JsonDict, amount: Decimal, invoice: JsonDict, *, debit: bool) -> JsonDict:
    """One side of the move."""
    sides = {"debit": abs(amount) if debit else Decimal(0), "credit": Decimal(0) if debit else abs(amount)}
    return {"account": account["id"], "party": invoice["party"] if account["party_required"] else None, **sides}


def _forms(invoice: JsonDict, payload: JsonDict) -> JsonDict:
    """What the wizard's pages would hold: `partial` counts only where the payment leaves something open."""
    start = {
        "payee": invoice["party"],
        "payees": [invoice["party"]],
        "company": invoice["company"],
        "currency": invoice["currency"],
        "invoice_account": invoice["account"],
        **{name: payload[name] for name in ("payment_method", "amount", "date", "description")},
    }
    return {"start": start, "ask": {"type": "partial"}}


def _payment(row: JsonDict) -> TargetDocument:
    amount, currency = _amount(row)
    return TargetDocument(
        external_id=str(row["id"]),
        key=row["description"],
        number=row["number"] or "",
        state=row["state"],
        total=amount,
        tax=None,
        currency=currency,
        payload=row,
        rank=Rank.CONFIRMED if row["state"] == "posted" else Rank.DRAFT,
    )


def _amount(row: JsonDict) -> tuple[Decimal, str]:
    """What came in (positive) or was paid out: the lines of the customer's account, in the invoice's own currency."""
    total, currency = Decimal(0), row["company"]["currency"]["code"]
    for line in row["lines"]:
        if not line["account"]["type"]["receivable"]:
            continue
        if line["second_currency"]:
            total, currency = total - line["amount_second_currency"], line["second_currency"]["code"]
        else:
            total += line["credit"] - line["debit"]
    return total, currency
