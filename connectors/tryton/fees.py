"""What gateways kept, as account moves of their own: an account of expenses against that which the method debits.

A move is made as a draft over REST, its description in the same call, and posted by a second one. Nothing keeps the
description unique, so the caller looks it up first; a draft that is found is posted and never made again. It has no
origin: a move that has one is another document's (a payment is its invoice's, a reversal that of the move).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from connectors.kit.base import JsonDict, Rank, TargetDocument
from connectors.kit.errors import OutcomeUnknown, RecordRejected
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.tryton import typed
from connectors.tryton.client import TrytonClient
from connectors.tryton.goods import batches
from connectors.tryton.masters import Masters
from connectors.tryton.periods import open_period

_MODEL: Final = "account.move"
_FIELDS: Final = ("number", "state", "description", "date", "company.currency.code", "lines.debit")
_POSTED: Final = "posted"


class Fees:
    """The fees of one company; `alone` is held over each posting, for the numbers of moves are one series."""

    def __init__(self, client: TrytonClient, masters: Masters, alone: threading.Lock) -> None:
        self._client, self._masters, self._alone = client, masters, alone

    def find(self, references: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Moves without origin, by description."""
        found: dict[str, list[TargetDocument]] = {}
        own = [["company", "=", self._masters.company()["id"]], ["origin", "=", None]]
        for batch in batches(references):
            domain = [*own, ["description", "in", batch]]
            for row in self._client.search(_MODEL, domain, _FIELDS, order=[["id", "ASC"]]):
                found.setdefault(row["description"], []).append(_fee(row))
        return found

    def book(self, payload: JsonDict) -> TargetDocument:
        """A draft of what `payload` says: payment_method, account, amount, date and description, in typed JSON.

        In the company's own currency: the caller's mapping sees to that.
        """
        until = Until(self._client.deadline_s)
        company = self._masters.company()["id"]
        methods = self._client.search(
            "account.invoice.payment.method", [["id", "=", payload["payment_method"]]], ("journal", "debit_account")
        )
        if not methods:
            raise RecordRejected(say("the payment method is no longer in the ERP"), code="gone")
        [method] = methods
        amount: Decimal = typed.decode(payload["amount"])
        zero = Decimal(0)
        lines = [
            {"account": payload["account"], "debit": amount, "credit": zero},
            {"account": method["debit_account"], "debit": zero, "credit": amount},
        ]
        values = {
            "company": company,
            "journal": method["journal"],
            "period": open_period(self._client, company, typed.decode(payload["date"])),
            "date": payload["date"],
            "description": payload["description"],
            "lines": [["create", lines]],
        }
        return _fee(self._client.create(_MODEL, values, _FIELDS, deadline_s=until.left_s()))

    def post(self, external_id: str) -> TargetDocument:
        """Press the button of a draft and read the move as it stands then."""
        until = Until(self._client.deadline_s)
        with self._alone:
            rows = self._client.search(_MODEL, [["id", "=", int(external_id)]], _FIELDS)
            if not rows:
                raise RecordRejected(say("the move is no longer in the ERP"), code="gone")
            if rows[0]["state"] == _POSTED:
                return _fee(rows[0])
            row = self._client.press(_MODEL, int(external_id), "post", _FIELDS, deadline_s=until.left_s())
        if row["state"] != _POSTED:
            raise OutcomeUnknown(say("posted, but the move is %(state)s", state=row["state"]), code="wrong_state")
        return _fee(row)


def _fee(row: JsonDict) -> TargetDocument:
    return TargetDocument(
        external_id=str(row["id"]),
        key=row["description"],
        number=row["number"] or "",
        state=row["state"],
        total=sum((line["debit"] for line in row["lines"]), Decimal(0)),
        tax=None,
        currency=row["company"]["currency"]["code"],
        payload=row,
        rank=Rank.CONFIRMED if row["state"] == _POSTED else Rank.DRAFT,
    )
