"""Payments and what gateways kept of them, and the posting and printing of invoices.

One at a time: the numbers of invoices are one sequence, and where the ERP checks before it commits (`--racy-confirm`),
two postings at once get the same one.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from decimal import Decimal
from email.message import Message
from typing import Final

from connectors.kit.base import JsonDict, Rank, TargetDocument
from connectors.kit.errors import OutcomeUnknown, RecordRejected, Transient
from connectors.kit.facets import DocumentFile
from connectors.kit.words import say
from connectors.sandbox_erp.client import Client, batches, number, reading

_POSTED: Final = frozenset({"posted", "paid"})


class Money:
    """Payments and invoices of one ERP."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._alone = threading.Lock()

    def find_payments(self, references: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Every payment under each reference, lowest id first."""
        found: dict[str, list[TargetDocument]] = {}
        for batch in batches(references):
            data = self._client.get("api/payments", [("reference", each) for each in batch])
            with reading():
                for payment in data["payments"]:
                    found.setdefault(payment["reference"], []).append(_payment(payment))
        return found

    def register(self, payload: JsonDict) -> TargetDocument:
        """Make one payment; its reference is written by the same call."""
        with self._alone:
            data = self._client.send("POST", "api/payments", payload)
        with reading(write=True):
            return _payment(data["payment"])

    def draft(self, payload: JsonDict) -> TargetDocument:
        """The same, left for people to post."""
        return self.register({**payload, "draft": True})

    def find_fees(self, references: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Every fee under each reference, lowest id first."""
        found: dict[str, list[TargetDocument]] = {}
        for batch in batches(references):
            data = self._client.get("api/fees", [("reference", each) for each in batch])
            with reading():
                for fee in data["fees"]:
                    found.setdefault(fee["reference"], []).append(_payment(fee))
        return found

    def book_fee(self, payload: JsonDict) -> TargetDocument:
        """Make one as a draft; its reference is written by the same call."""
        data = self._client.send("POST", "api/fees", payload)
        with reading(write=True):
            return _payment(data["fee"])

    def post_fee(self, external_id: str) -> TargetDocument:
        """Post one; the ERP leaves alone what is posted already."""
        with self._alone:
            data = self._client.send("POST", f"api/fees/{number(external_id)}/post")
        with reading(write=True):
            fee = _payment(data["fee"])
        if fee.rank is Rank.DRAFT:
            text = say("posted, but fee %(id)s is %(state)s", id=external_id, state=fee.state)
            raise OutcomeUnknown(text, code="wrong_state")
        return fee

    def post(self, external_id: str) -> None:
        """Post one invoice; the ERP leaves alone what is posted already."""
        with self._alone:
            data = self._client.send("POST", f"api/invoices/{number(external_id)}/post")
        with reading(write=True):
            state = data["invoice"]["state"]
        if state not in _POSTED:
            text = say("posted, but invoice %(id)s is %(state)s", id=external_id, state=state)
            raise OutcomeUnknown(text, code="wrong_state")

    def file(self, kind: str, external_id: str, max_bytes: int) -> DocumentFile:
        """The printed invoice."""
        if kind != "invoice":
            text = say("this ERP prints invoices only, and nothing of the kind %(kind)s", kind=repr(kind))
            raise RecordRejected(text, code="no_file")
        path = f"api/invoices/{number(external_id)}/file"
        try:
            answer = self._client.http.request("GET", path, parse=False, max_bytes=max_bytes)
        except Transient as error:
            if error.code != "too_large":
                raise
            text = say("the file is larger than the %(max_bytes)s bytes that are kept", max_bytes=max_bytes)
            raise RecordRejected(text, code="too_large") from None
        head = Message()
        head["Content-Disposition"] = answer.headers.get("Content-Disposition", "")
        head["Content-Type"] = answer.headers.get("Content-Type", "")
        return DocumentFile(head.get_filename() or f"invoice-{external_id}", head.get_content_type(), answer.body)


def _payment(payment: JsonDict) -> TargetDocument:
    return TargetDocument(
        external_id=str(int(payment["id"])),
        key=payment["reference"],
        number="",
        state=payment["state"],
        total=Decimal(payment["amount"]),
        tax=None,
        currency=payment["currency"],
        payload=payment,
        rank=Rank.DRAFT if payment["state"] == "draft" else Rank.CONFIRMED,
    )
