"""Payments of posted invoices: made by `load` under an external id, posted, and matched with the invoice.

Three calls, each a transaction of its own, and each may be the last that landed. The first is an answer the second time
(`loading`), the second leaves a posted one alone, the third is refused when it was done. So a payment that is found
half-made is brought to its end by the same method again. What it is linked with by `invoice_ids` says nothing: the
invoice stays open until the two lines of the customer's account are reconciled.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from connectors.kit.base import JsonDict, Rank, TargetDocument
from connectors.kit.errors import AlreadyExists, ConnectorError, OutcomeUnknown, RecordRejected
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.odoo.client import OdooClient
from connectors.odoo.documents import amount, keys_of
from connectors.odoo.goods import batches
from connectors.odoo.invoicing import MODEL as INVOICE
from connectors.odoo.loading import Refused, external_id, load
from connectors.odoo.masters import Masters

MODEL: Final = "account.payment"
_LINE: Final = "account.move.line"
_FIELDS: Final = ("name", "state", "memo", "payment_type", "amount", "currency_id", "date", "move_id", "is_reconciled")
_INVOICE: Final = (
    *("name", "state", "move_type", "payment_state", "amount_residual", "currency_id"),
    *("commercial_partner_id", "company_id"),
)
_CREDIT: Final = "out_refund"
_DRAFT: Final = "draft"
#: Someone has taken it back.
_ENDED: Final = frozenset({"canceled", "cancel", "rejected"})
_BATCH: Final = 200


class Payments:
    """The payments of one company's invoices; `alone` is held over each, for the numbers of entries are one series."""

    def __init__(self, client: OdooClient, masters: Masters, module: str, alone: threading.Lock) -> None:
        self._client, self._masters, self._module, self._alone = client, masters, module, alone

    def find(self, references: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """By our reference, lowest id first: searched by the memo that shows it, proven by the external id.

        One that was made and not posted is a draft; one that was posted and is not matched is `Rank.QUOTED`.
        """
        found: dict[str, list[TargetDocument]] = {}
        for batch in batches(list(dict.fromkeys(references)), _BATCH):
            domain = [["memo", "in", list(batch)], ["partner_type", "=", "customer"]]
            rows = self._client.search(MODEL, domain, _FIELDS)
            keys = keys_of(self._client, MODEL, [row["id"] for row in rows], self._module)
            for row in rows:
                if (key := keys.get(row["id"], "")) in batch and row["state"] not in _ENDED:
                    found.setdefault(key, []).append(_payment(row, key))
        return found

    def register(self, payload: JsonDict) -> TargetDocument:
        """Pay what `payload` says: key, invoice, journal_id, amount (negative: paid out), date, payment_reference.

        Raises AlreadyExists for one that stands and pays its invoice; one that was left half-way is brought on.
        """
        until = Until(self._client.deadline_s)
        with self._alone:
            invoice = self._payable(int(payload["invoice"]))
            payment = self._made(payload, invoice, until)
            if payment["state"] in _ENDED:
                raise RecordRejected(say("the payment was cancelled in Odoo, and its key is taken"), code="cancelled")
            if payment["state"] == _DRAFT:
                self._client.write(MODEL, "action_post", ids=[payment["id"]], deadline_s=until.left_s())
                payment = self._read_back(payment["id"])
            if payment["state"] == _DRAFT:
                raise OutcomeUnknown(say("posted, but the payment is still a draft"), code="wrong_state")
            self._match(payment, invoice, until)
            return _payment(self._read_back(payment["id"]), payload["key"])

    def draft(self, payload: JsonDict) -> TargetDocument:
        """The same, left for people to post: the invoice stays open."""
        until = Until(self._client.deadline_s)
        with self._alone:
            if found := self.find([payload["key"]]).get(payload["key"]):
                raise _exists(found[0])
            return _payment(self._load(payload, self._payable(int(payload["invoice"])), until), payload["key"])

    def _payable(self, number: int) -> JsonDict:
        rows = self._client.search(INVOICE, [["id", "=", number]], _INVOICE)
        if not rows:
            raise RecordRejected(say("the invoice is no longer in the ERP"), code="gone")
        if rows[0]["state"] != "posted":
            text = say("the invoice is in state %(state)s: only a posted one can be paid", state=rows[0]["state"])
            raise RecordRejected(text, code="state")
        return rows[0]

    def _made(self, payload: JsonDict, invoice: JsonDict, until: Until) -> JsonDict:
        """The row of the payment, found or made. More than is open is refused before anything is made."""
        if found := self.find([payload["key"]]).get(payload["key"]):
            if found[0].rank is Rank.CONFIRMED:
                raise _exists(found[0])
            return found[0].payload
        return self._load(payload, invoice, until)

    def _load(self, payload: JsonDict, invoice: JsonDict, until: Until) -> JsonDict:
        wanted = Decimal(payload["amount"])
        sign = -1 if invoice["move_type"] == _CREDIT else 1
        left = sign * amount(invoice["amount_residual"])
        if (wanted < 0) != (sign < 0) or abs(wanted) > abs(left):
            text = say(
                "%(invoice)s is open for %(left)s, and %(amount)s are to be paid",
                invoice=invoice["name"] or "",
                left=f"{left:f}",
                amount=f"{wanted:f}",
            )
            raise RecordRejected(text, code="overpaid")
        made = load(self._client, MODEL, [self._row(payload, invoice, abs(wanted))], until)
        if isinstance(made, Refused):
            raise made.whole or next(iter(made.records.values()))
        return self._read_back(made[0])

    def _row(self, payload: JsonDict, invoice: JsonDict, wanted: Decimal) -> JsonDict:
        # 17 has no such link; there the two are one by their reconciliation alone.
        link = {"invoice_ids": [invoice["id"]]} if "invoice_ids" in self._masters.fields(MODEL) else {}
        return {
            "id": external_id(self._module, payload["key"]),
            "payment_type": "outbound" if invoice["move_type"] == _CREDIT else "inbound",
            "partner_type": "customer",
            "partner_id": invoice["commercial_partner_id"][0],
            "amount": wanted,
            "currency_id": invoice["currency_id"][0],
            "date": payload["date"],
            "journal_id": payload["journal_id"],
            "memo": payload["key"],
            "payment_reference": payload.get("payment_reference") or "",
            **link,
        }

    def _match(self, payment: JsonDict, invoice: JsonDict, until: Until) -> None:
        """Reconcile the two lines of the customer's account. The invoice says whether that was done, no answer does.

        A journal without an account for outstanding money makes no entry: then the invoice is `in_payment` until the
        bank's statement comes, and there is nothing to reconcile.
        """
        if not payment["move_id"]:
            return
        domain = [
            ["move_id", "=", payment["move_id"][0]],
            ["account_id.account_type", "=", "asset_receivable"],
            ["reconciled", "=", False],
        ]
        refusal: RecordRejected | None = None
        for line in self._client.find_ids(_LINE, domain):
            try:
                arguments = {"line_id": line}
                self._client.write(
                    INVOICE, "js_assign_outstanding_line", arguments, ids=[invoice["id"]], deadline_s=until.left_s()
                )
            except RecordRejected as error:
                refusal = error
        if amount(self._invoice_after(invoice["id"])["amount_residual"]) == amount(invoice["amount_residual"]):
            text = say(
                "the payment %(payment)s stands in Odoo, but %(invoice)s is open as before%(why)s: match them there",
                payment=payment["name"] or "",
                invoice=invoice["name"] or "",
                why="" if refusal is None else f" ({refusal})",
            )
            raise RecordRejected(text, code="not_matched")

    def _invoice_after(self, number: int) -> JsonDict:
        return self._again(INVOICE, number, _INVOICE)

    def _read_back(self, number: int) -> JsonDict:
        return self._again(MODEL, number, _FIELDS)

    def _again(self, model: str, number: int, fields: Sequence[str]) -> JsonDict:
        try:
            rows = self._client.search(model, [["id", "=", number]], fields)
        except ConnectorError as error:
            text = say("paid, but not read back: %(error)s", error=error)
            raise OutcomeUnknown(text, status=error.status) from None
        if not rows:
            raise OutcomeUnknown(say("paid, but not found when it was read back"))
        return rows[0]


def _exists(found: TargetDocument) -> AlreadyExists:
    text = say("a payment with the external id %(key)s exists already", key=repr(found.key))
    return AlreadyExists(text, field="id")


def _payment(row: JsonDict, key: str) -> TargetDocument:
    sign = -1 if row["payment_type"] == "outbound" else 1
    return TargetDocument(
        external_id=str(row["id"]),
        key=key,
        number=row["name"] or "",
        state=row["state"],
        total=sign * amount(row["amount"]),
        tax=None,
        currency=row["currency_id"][1],
        payload=row,
        rank=_rank(row),
    )


def _rank(row: dict[str, Any]) -> Rank:
    if row["state"] == _DRAFT:
        return Rank.DRAFT
    matched = row["is_reconciled"] or not row["move_id"]
    return Rank.CONFIRMED if matched else Rank.QUOTED
