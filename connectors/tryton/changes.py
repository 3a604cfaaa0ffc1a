"""Changes of sales after they were made, and their cancellation, as far as the server lets a sale be changed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Final

from connectors.kit.base import JsonDict, TargetDocument
from connectors.kit.errors import ConnectorError, OutcomeUnknown, RecordRejected
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.tryton.client import TrytonClient
from connectors.tryton.follow import number
from connectors.tryton.sales import FIELDS, MODEL, as_document

#: The buttons that lead to `cancelled` from where nothing hangs on the sale yet.
_TO_CANCELLED: Final[Mapping[str, tuple[str, ...]]] = {
    "draft": ("cancel",),
    "quotation": ("cancel",),
    # Only where the server processes confirmed sales in a worker of its own.
    "confirmed": ("draft", "cancel"),
}
#: What hangs on a sale -> the states in which it can still be cancelled. Goods that have left come back by a return,
#: a posted invoice is credited.
_OPEN: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "shipments": ("stock.shipment.out", frozenset({"draft", "waiting", "assigned", "picked", "packed"})),
    "shipment_returns": ("stock.shipment.out.return", frozenset({"draft", "received"})),
    "invoices": ("account.invoice", frozenset({"draft", "validated"})),
}
_HANGING: Final = tuple(f"{name}.state" for name in _OPEN)


class Changes:
    """Changes and cancels sales."""

    def __init__(self, client: TrytonClient) -> None:
        self._client = client

    def change(self, external_id: str, payload: JsonDict) -> TargetDocument:
        """Write to a draft, or to a quotation that is made a draft for it; anything later is refused by its state."""
        until = Until(self._client.deadline_s)
        state = self._read(external_id)["state"]
        if state == "draft":
            return as_document(self._write(external_id, payload, until))
        if state != "quotation":
            text = say(
                "the sale is in state %(state)s in the ERP, where it cannot be changed any more: change it there, "
                "or cancel it",
                state=state,
            )
            raise RecordRejected(text, code=state)
        self._press(external_id, "draft", until)
        try:
            self._write(external_id, payload, until)
        except RecordRejected:
            # As it was: a quotation that a refused change has left a draft would not be sent to the customer.
            with contextlib.suppress(ConnectorError):
                self._press(external_id, "quote", until)
            raise
        return as_document(self._press(external_id, "quote", until))

    def cancel(self, external_id: str) -> TargetDocument:
        """Cancel the sale, or what of it has not left and is not posted; read it back whatever came of it.

        A sale in process stays so, with `exception` as its shipment and invoice state, until a person has handled
        that in the ERP.
        """
        until = Until(self._client.deadline_s)
        row = self._read(external_id)
        if row["state"] in _TO_CANCELLED:
            for button in _TO_CANCELLED[row["state"]]:
                row = self._press(external_id, button, until)
            return as_document(row)
        if row["state"] != "processing":
            return as_document(row)
        written = False
        for model, record in _open(row):
            try:
                self._client.press(model, record, "cancel", ("state",), deadline_s=until.left_s())
            except ConnectorError as error:
                if written and not isinstance(error, OutcomeUnknown):
                    text = say("cancelled in part: %(error)s", error=error)
                    raise OutcomeUnknown(text, code=error.code, status=error.status) from None
                raise
            written = True
        return as_document(self._read(external_id, after_write=written))

    def _write(self, external_id: str, payload: JsonDict, until: Until) -> JsonDict:
        return self._client.update(MODEL, number(external_id), payload, FIELDS, deadline_s=until.left_s())

    def _press(self, external_id: str, button: str, until: Until) -> JsonDict:
        return self._client.press(MODEL, number(external_id), button, FIELDS, deadline_s=until.left_s())

    def _read(self, external_id: str, *, after_write: bool = False) -> JsonDict:
        try:
            rows = self._client.search(MODEL, [["id", "=", number(external_id)]], (*FIELDS, *_HANGING))
        except ConnectorError as error:
            if not after_write:
                raise
            text = say("the state could not be read back: %(error)s", error=error)
            raise OutcomeUnknown(text, status=error.status) from None
        if not rows:
            raise RecordRejected(say("the sale is no longer in the ERP"), code="gone")
        return rows[0]


def _open(row: JsonDict) -> Iterator[tuple[str, int]]:
    """Shipments first: a shipment that is cancelled can change the sale's draft invoice, not the other way round."""
    for name, (model, states) in _OPEN.items():
        for each in row[name]:
            if each["state"] in states:
                yield model, each["id"]
