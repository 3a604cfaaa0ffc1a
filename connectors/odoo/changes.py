"""Changes of sales after they were made, and their cancellation, as far as Odoo lets a sale be changed.

What a method answers is no proof: `false`, `true` and a window to open can each mean that it was done, or that it was
not. So the sale is read back, whatever was said.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from connectors.kit.base import JsonDict, Rank, TargetDocument
from connectors.kit.errors import ConnectorError, OutcomeUnknown, RecordRejected
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.odoo.client import OdooClient
from connectors.odoo.documents import FIELDS, MODEL, RANKS, as_document, keys_of
from connectors.odoo.follow import INVOICE, PICKING, record_id
from connectors.odoo.masters import Masters
from connectors.odoo.options import OdooOptions

#: Asks before it cancels what is confirmed, unless it is told not to (17, 18; a module may bring it back).
WIZARD: Final = "sale.order.cancel"
_UNASKED: Final = {"disable_cancel_warning": True}
#: What hangs on a sale -> the states in which it is over: it has left, it is in the books, or it is cancelled already.
_OVER: Final[Mapping[str, frozenset[str]]] = {
    PICKING: frozenset({"done", "cancel"}),
    INVOICE: frozenset({"posted", "cancel"}),
}
_GONE: Final = "cancel"


class Changes:
    """Changes and cancels sales."""

    def __init__(self, client: OdooClient, masters: Masters, options: OdooOptions) -> None:
        self._client, self._masters, self._module = client, masters, options.module

    def change(self, external_id: str, payload: JsonDict) -> TargetDocument:
        """Write to a quotation, or to a confirmed sale that nobody has locked; what Odoo keeps of it is read back.

        A new delivery address goes to the pickings that have not left, too: Odoo only leaves a note there.
        """
        until = Until(self._client.deadline_s)
        row = self._read(external_id)
        if row["state"] == _GONE or row.get("locked"):
            state = "locked" if row["state"] != _GONE else _GONE
            text = say(
                "the sale is in state %(state)s in the ERP, where it cannot be changed any more: change it there, "
                "or cancel it",
                state=state,
            )
            raise RecordRejected(text, code=state)
        partner = payload.get("partner_shipping_id")
        going = self._going(row) if partner and RANKS[row["state"]] is Rank.CONFIRMED else {}
        # First what the next try would not see, for it compares the sale.
        if going:
            self._address(going, partner, until)
        try:
            self._client.write(MODEL, "write", {"vals": payload}, ids=[row["id"]], deadline_s=until.left_s())
        except RecordRejected:
            with contextlib.suppress(ConnectorError):
                for number, before in going.items():
                    self._address([number], before, until)
            raise
        return self._document(self._read(external_id, after_write=True))

    def _address(self, pickings: Iterable[int], partner: Any, until: Until) -> None:
        values = {"vals": {"partner_id": partner}}
        self._client.write(PICKING, "write", values, ids=list(pickings), deadline_s=until.left_s())

    def cancel(self, external_id: str) -> TargetDocument:
        """Cancel the sale, or what of it has not left and is not posted; read it back whatever came of it.

        Odoo would cancel a sale whose goods are on their way, too, and with it the trace of what is owed: such a sale
        stays, without what has not left, and a person goes on.
        """
        until = Until(self._client.deadline_s)
        row = self._read(external_id)
        if row["state"] == _GONE:
            return self._document(row)
        if self._is_over(row):
            return self._cancel_rest(row, until)
        told = self._press(row["id"], until)
        now = self._read(external_id, after_write=True)
        if now["state"] != _GONE and isinstance(told, dict) and told.get("res_model") == WIZARD:
            self._confirm_cancel(row["id"], told, until)
            now = self._read(external_id, after_write=True)
        return self._document(now)

    def _press(self, number: int, until: Until) -> Any:
        return self._client.write(MODEL, "action_cancel", ids=[number], context=_UNASKED, deadline_s=until.left_s())

    def _confirm_cancel(self, number: int, window: JsonDict, until: Until) -> None:
        """Answer its question: the wizard is made for this one sale, and told to go on."""
        context = {**(window.get("context") or {}), **_UNASKED, "active_model": MODEL, "active_ids": [number]}
        values = {"vals_list": [{"order_id": number}]}
        made = self._client.write(WIZARD, "create", values, context=context, deadline_s=until.left_s())
        if not isinstance(made, list) or len(made) != 1 or type(made[0]) is not int:
            raise OutcomeUnknown(say("%(method)s was answered with something strange", method=WIZARD), code="shape")
        self._client.write(WIZARD, "action_cancel", ids=made, context=context, deadline_s=until.left_s())

    def _cancel_rest(self, row: JsonDict, until: Until) -> TargetDocument:
        written = False
        for model, method, ids in self._open(row):
            try:
                self._client.write(model, method, ids=ids, deadline_s=until.left_s())
            except ConnectorError as error:
                if written and not isinstance(error, OutcomeUnknown):
                    text = say("cancelled in part: %(error)s", error=error)
                    raise OutcomeUnknown(text, code=error.code, status=error.status) from None
                raise
            written = True
        return self._document(self._read(str(row["id"]), after_write=written))

    def _open(self, row: JsonDict) -> Iterator[tuple[str, str, list[int]]]:
        if pickings := [each["id"] for each in row.get("picking_ids", ()) if each["state"] not in _OVER[PICKING]]:
            yield PICKING, "action_cancel", pickings
        if drafts := [each["id"] for each in row.get("invoice_ids", ()) if each["state"] not in _OVER[INVOICE]]:
            yield INVOICE, "button_cancel", drafts

    def _going(self, row: JsonDict) -> dict[int, Any]:
        """Pickings on their way to the customer -> whom they go to."""
        return {
            each["id"]: each["partner_id"]
            for each in row.get("picking_ids", ())
            if each["state"] not in _OVER[PICKING] and each["picking_type_code"] != "incoming"
        }

    def _is_over(self, row: JsonDict) -> bool:
        """Whether something has left, or stands in the books."""
        pickings = [each for each in row.get("picking_ids", ()) if each["picking_type_code"] != "internal"]
        left = any(each["state"] == "done" for each in pickings)
        return left or any(each["state"] == "posted" for each in row.get("invoice_ids", ()))

    # -- reading ---------------------------------------------------------------------------------------------

    def _read(self, external_id: str, *, after_write: bool = False) -> JsonDict:
        states: JsonDict = {"fields": {"state": {}}}
        pickings: JsonDict = {"picking_ids": {"fields": {"state": {}, "picking_type_code": {}, "partner_id": {}}}}
        fields = self._masters.fields(MODEL)
        optional = {**pickings, "locked": {}}
        specification = {
            **{name: {} for name in FIELDS},
            "currency_id": {"fields": {"name": {}}},
            **({"invoice_ids": states} if self._masters.readable(INVOICE) else {}),
            **{name: inner for name, inner in optional.items() if name in fields},
        }
        try:
            rows = self._client.search_nested(MODEL, [["id", "=", record_id(external_id)]], specification)
        except ConnectorError as error:
            if not after_write:
                raise
            text = say("the state could not be read back: %(error)s", error=error)
            raise OutcomeUnknown(text, status=error.status) from None
        if not rows:
            raise RecordRejected(say("the sale is no longer in the ERP"), code="gone")
        return rows[0]

    def _document(self, row: JsonDict) -> TargetDocument:
        """As `Sales` reads one: relations as pairs."""
        keys = keys_of(self._client, MODEL, [row["id"]], self._module)
        currency = row["currency_id"]
        plain = {name: row[name] for name in ("id", *FIELDS)}
        plain["currency_id"] = [currency["id"], currency["name"]]
        return as_document(plain, keys.get(row["id"], ""))
