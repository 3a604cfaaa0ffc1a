"""Invoices and credit notes: posted, and printed as the server prints them."""

from __future__ import annotations

import threading
from email.message import Message
from typing import Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import OutcomeUnknown, RecordRejected, Transient
from connectors.kit.facets import DocumentFile
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.tryton.client import TrytonClient
from connectors.tryton.follow import number

MODEL: Final = "account.invoice"
_POSTED: Final = frozenset({"posted", "paid"})
_DRAFT: Final = frozenset({"draft", "validated"})
_LONGEST_NAME: Final = 200
#: As the server's own batch posting does. It asks whoever posts about every line whose taxes are not its product's
#: default ones: each delivery abroad, and goodwill on what was sold at a reduced rate (400 on 8.2, seen). What the shop
#: charged is what is billed; there is nothing that a person could answer.
_UNASKED: Final = {"_skip_warnings": True}


class Invoices:
    """The invoices of one company; `alone` is held over each posting.

    Their numbers are a series without gaps. Of several posted at once PostgreSQL refuses all but one, and on SQLite all
    succeed with doubled numbers (seen on 8.2).
    """

    def __init__(self, client: TrytonClient, alone: threading.Lock) -> None:
        self._client, self._alone = client, alone

    def post(self, external_id: str) -> None:
        """Post a draft; one that is posted or paid is left alone."""
        until = Until(self._client.deadline_s)
        with self._alone:
            state = self._state(external_id)
            if state in _POSTED:
                return
            if state not in _DRAFT:
                raise RecordRejected(_wrong(state), code=state)
            try:
                row = self._client.press(
                    MODEL, number(external_id), "post", ("state",), context=_UNASKED, deadline_s=until.left_s()
                )
            except RecordRejected as refusal:
                # A person may have been quicker; the state says it, the translated text does not.
                if self._read_back(external_id) not in _POSTED:
                    raise refusal from None
                return
        if row["state"] not in _POSTED:
            raise OutcomeUnknown(_wrong(row["state"]))

    def file(self, kind: str, external_id: str, max_bytes: int) -> DocumentFile:
        """The report of a posted invoice; a draft would be printed too, without its number."""
        if kind != "invoice":
            raise RecordRejected(say("Tryton prints no %(kind)s", kind=kind), code="no_file")
        state = self._state(external_id)
        if state not in _POSTED:
            raise RecordRejected(_wrong(state), code=state)
        try:
            answer = self._client.report(MODEL, number(external_id), max_bytes=max_bytes)
        except Transient as error:
            if error.code != "too_large":
                raise
            text = say("the file is larger than the %(max_bytes)s bytes that are kept", max_bytes=max_bytes)
            raise RecordRejected(text, code="too_large") from None
        disposition = Message()
        disposition["Content-Disposition"] = answer.headers.get("Content-Disposition", "")
        name = (disposition.get_filename() or f"{kind}-{external_id}")[-_LONGEST_NAME:]
        content_type = answer.headers.get("Content-Type", "application/octet-stream").partition(";")[0].strip()
        return DocumentFile(name, content_type, answer.body)

    def _state(self, external_id: str) -> str:
        rows: list[JsonDict] = self._client.search(MODEL, [["id", "=", number(external_id)]], ("state",))
        if not rows:
            raise RecordRejected(say("the invoice is no longer in the ERP"), code="gone")
        state: str = rows[0]["state"]
        return state

    def _read_back(self, external_id: str) -> str:
        try:
            return self._state(external_id)
        except Transient as error:
            raise OutcomeUnknown(say("refused, and not read back: %(error)s", error=error)) from None


def _wrong(state: str) -> str:
    return say("the invoice is in state %(state)s in the ERP", state=state)
