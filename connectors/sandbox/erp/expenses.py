"""What gateways kept, in the sandbox ERP's books: drafts and posted moves, found by their reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from connectors.sandbox.erp.core import Core, Decided, today
from connectors.sandbox.erp.documents import JsonDict, Refused, day, decimal, rounded, text
from connectors.sandbox.erp.papers import DRAFT, Fee, fields_of
from connectors.sandbox.ledger import document_digest

#: Code of an account of expenses -> its name.
ACCOUNTS: Final = {"6800": "Bank charges", "6855": "Payment services"}


class Expenses:
    """Every public method may be called from many threads, and raises Refused."""

    def __init__(self, core: Core) -> None:
        """On the books' own state."""
        self._core = core

    def fees(self, references: Sequence[str]) -> list[JsonDict]:
        """Every fee under each reference, lowest id first."""
        state = self._core.state
        with self._core.lock:
            ids = [found for reference in references for found in sorted(state.fee_references.get(reference, ()))]
            return [fields_of(state.fees[found]) for found in ids]

    def decide(self, payload: JsonDict) -> Decided[Fee]:
        """A draft with its id, not yet visible. Nothing refuses a second one under its reference."""
        currency = text(payload, "currency", required=True)
        amount = decimal(payload, "amount", "amount")
        if amount <= 0 or amount != rounded(amount, self._core.digits(currency)):
            raise Refused(422, "invalid", f"amount must be above 0 and in {currency}, not {amount:f}", "amount")
        account = text(payload, "account", required=True)
        if account not in ACCOUNTS:
            raise Refused(422, "unknown_account", f"there is no account of expenses {account!r}", "account")
        fee = Fee(
            id=next(self._core.fee_ids),
            reference=text(payload, "reference"),
            account=account,
            method=text(payload, "method"),
            amount=f"{amount:f}",
            currency=currency,
            booked_on=day(payload, "booked_on") if payload.get("booked_on") else today(),
        )
        return Decided(fee, document_digest(payload))

    def commit(self, decided: Decided[Fee]) -> JsonDict:
        """Make a decided fee stand."""
        fee = decided.record
        document = fields_of(fee)
        with self._core.lock:
            self._core.do(
                "fee.create", fee.reference, fee.id, total=fee.amount, document=document, digest=decided.digest
            )
        return document

    def decide_post(self, number: int) -> Callable[[], JsonDict]:
        """The commit of posting one; one that is posted already is left alone."""
        with self._core.lock:
            if number not in self._core.state.fees:
                raise Refused(404, "not_found", f"there is no fee {number}", "id")

        def commit() -> JsonDict:
            with self._core.lock:
                fee = self._core.state.fees[number]
                if fee.state == DRAFT:
                    self._core.do("fee.post", fee.reference, fee.id, total=fee.amount)
                return fields_of(self._core.state.fees[number])

        return commit
