"""Invoices and credit notes: made by the server's own wizard, posted, and read back.

The wizard carries no key, and what it answers is a window to open. So the sale is read before it and after it: what it
has made is what stands there then and did not before. One order has one owner, and no two run at once.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectorError, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.odoo import documents
from connectors.odoo.client import OdooClient

MODEL: Final = "account.move"
_WIZARD: Final = "sale.advance.payment.inv"
_POSTED: Final = "posted"
#: What a sale says of itself while its wizard would make something.
_DUE: Final = "to invoice"


class Invoicing:
    """The invoices of one company; `alone` is held over each writing, for their numbers are one series."""

    def __init__(self, client: OdooClient, alone: threading.Lock) -> None:
        self._client, self._alone = client, alone

    def make(self, external_id: str) -> list[str]:
        """Draft invoices of what of the sale can be invoiced by now; the ids of those that were made."""
        until, number = Until(self._client.deadline_s), int(external_id)
        with self._alone:
            before = self._sale(number)
            if before["state"] != "sale" or before["invoice_status"] != _DUE:
                raise RecordRejected(say("nothing of the sale can be invoiced by now"), code="nothing_due")
            wizard = self._begin(number, until)
            self._client.write(
                _WIZARD, "create_invoices", ids=[wizard], context=_active(number), deadline_s=until.left_s()
            )
            made = sorted(set(self._read_back(number)["invoice_ids"]) - set(before["invoice_ids"]))
        if not made:
            raise OutcomeUnknown(say("the wizard has ended, but the sale has no new invoice"), code="not_invoiced")
        return [str(each) for each in made]

    def post(self, external_id: str) -> None:
        """Post a draft; one that is posted is left alone. `false` is what Odoo answers either way."""
        until, number = Until(self._client.deadline_s), int(external_id)
        with self._alone:
            state = self.read(number, ("state",))["state"]
            if state == _POSTED:
                return
            if state != "draft":
                raise RecordRejected(wrong(state), code=state)
            try:
                self._client.write(MODEL, "action_post", ids=[number], deadline_s=until.left_s())
            except RecordRejected as refusal:
                # A person may have been quicker; the state says it, the text does not.
                if self._state_after(number) != _POSTED:
                    raise refusal from None
                return
            state = self._state_after(number)
        if state != _POSTED:
            raise OutcomeUnknown(wrong(state), code="wrong_state")

    def read(self, number: int, fields: tuple[str, ...]) -> JsonDict:
        """One invoice. Raises RecordRejected where it is gone."""
        rows = self._client.search(MODEL, [["id", "=", number]], fields)
        if not rows:
            raise RecordRejected(say("the invoice is no longer in the ERP"), code="gone")
        return rows[0]

    def _sale(self, number: int) -> JsonDict:
        fields = ("state", "invoice_status", "invoice_ids")
        rows = self._client.search(documents.MODEL, [["id", "=", number]], fields)
        if not rows:
            raise RecordRejected(say("the sale is no longer in the ERP"), code="gone")
        return rows[0]

    def _begin(self, number: int, until: Until) -> int:
        """A wizard over this sale. Whatever becomes of this call, nothing is invoiced by it."""
        values = {"advance_payment_method": "delivered", "sale_order_ids": [[6, 0, [number]]]}
        try:
            made = self._client.write(
                _WIZARD, "create", {"vals_list": [values]}, context=_active(number), deadline_s=until.left_s()
            )
        except OutcomeUnknown as error:
            raise Transient(str(error), code=error.code, status=error.status) from None
        if not (isinstance(made, list) and len(made) == 1 and type(made[0]) is int):
            raise Transient(say("%(model)s: not a list of ids", model=_WIZARD), code="shape")
        number_of_wizard: int = made[0]
        return number_of_wizard

    def _read_back(self, number: int) -> JsonDict:
        try:
            return self._sale(number)
        except ConnectorError as error:
            text = say("invoiced, but not read back: %(error)s", error=error)
            raise OutcomeUnknown(text, status=error.status) from None

    def _state_after(self, number: int) -> str:
        try:
            state: str = self.read(number, ("state",))["state"]
        except Transient as error:
            text = say("the state could not be read back: %(error)s", error=error)
            raise OutcomeUnknown(text, status=error.status) from None
        return state


def wrong(state: str) -> str:
    """What is said of an invoice in a state that does not allow it."""
    return say("the invoice is in state %(state)s in the ERP", state=state)


def _active(number: int) -> Mapping[str, Any]:
    return {"active_model": documents.MODEL, "active_ids": [number], "active_id": number}
