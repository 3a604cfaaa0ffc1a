"""What is written back to an order: its fields, and lines of one of them.

A payload names the connection's options, and here each becomes the field that the option names; one that names none is
left out. Other names are fields of the company as they stand, for mapping profiles. An order is read before each write:
what it shows already is not sent, and what its people have under approval is not tried, for the code with which Fxiaoke
refuses that is not documented. It is read again afterwards, because an answer is no proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from connectors.fxiaoke.client import Client
from connectors.fxiaoke.orders import ORDER, Orders
from connectors.fxiaoke.tenant import Tenant
from connectors.kit.base import Envelope, JsonDict
from connectors.kit.errors import Locked, RecordRejected
from connectors.kit.words import say

_CLOSED: Final = frozenset({"under_review", "in_change"})
_LOCKED: Final = "1"


class Marks:
    """The writes of one company. Thread-safe."""

    def __init__(self, client: Client, tenant: Tenant, orders: Orders) -> None:
        self._client, self._tenant, self._orders = client, tenant, orders

    # -- the order -------------------------------------------------------------------------------------------

    def update(self, external_id: str, payload: Mapping[str, Any]) -> Envelope:
        """See `Fxiaoke.update_order`."""
        row = self._row(external_id)
        wanted = self._tenant.fields(payload)
        self._write(row, {field: _text(row.get(field), value) for field, value in wanted.items()})
        [envelope] = self._orders.fetch([external_id])
        if envelope.deleted:
            raise gone(external_id)
        return envelope

    def _write(self, row: JsonDict, wanted: JsonDict) -> None:
        change = {field: value for field, value in wanted.items() if not shows(row, field, value)}
        if not change:
            return
        demand_open(row)
        try:
            self._client.update(ORDER, row["_id"], change)
        except RecordRejected:
            # Somebody may have begun an approval meanwhile.
            demand_open(self._row(row["_id"]))
            raise
        after = self._row(row["_id"])
        if lost := [field for field, value in change.items() if not shows(after, field, value)]:
            text = say("Fxiaoke took %(fields)s and does not show what was written", fields=", ".join(lost))
            raise RecordRejected(text, field=lost[0], code="not_kept", rolled_back=False)

    def present(self, external_id: str) -> str:
        """The id of an order that is there. Raises RecordRejected where it is gone."""
        return str(self._row(external_id)["_id"])

    def _row(self, external_id: str) -> JsonDict:
        row = self._orders.row(external_id)
        if row is None:
            raise gone(external_id)
        return row

    # -- lines of a field ------------------------------------------------------------------------------------

    def notes(self, external_id: str) -> list[JsonDict]:
        """The lines of the order's field for parcels, ours and other people's."""
        row, field = self._row(external_id), self._tenant.names["shipment_field"]
        lines = str(row.get(field) or "").splitlines() if field else []
        return [{"id": str(number), "note": line} for number, line in enumerate(lines, 1)]

    def add_note(self, external_id: str, payload: Mapping[str, Any]) -> JsonDict:
        """One more line at the end; one that stands there is left as it is."""
        row, field = self._row(external_id), self._tenant.names["shipment_field"]
        if not field:
            text = say("the connection names no field of the order in which parcels are told (option shipment_field)")
            raise RecordRejected(text, code="no_field")
        note, lines = str(payload["note"]), str(row.get(field) or "").splitlines()
        if note not in lines:
            self._write(row, {field: "\n".join([*lines, note])})
            return {"id": str(len(lines) + 1), "note": note}
        return {"id": str(lines.index(note) + 1), "note": note}


def _text(standing: Any, value: Any) -> Any:
    """What a field is to show; of lines the whole text, each in the place of the one that begins alike."""
    if not isinstance(value, list):
        return value
    lines = str(standing or "").splitlines()
    for entry in value:
        place = next((place for place, line in enumerate(lines) if line.startswith(entry["begins"])), len(lines))
        lines[place : place + 1] = [entry["line"]]
    return "\n".join(lines)


def shows(row: Mapping[str, Any], field: str, value: Any) -> bool:
    """Whether a record shows a value; an empty one is left out of what is read."""
    return row.get(field) == value or (value in ("", None) and row.get(field) in ("", None))


def demand_open(row: Mapping[str, Any]) -> None:
    """Raise Locked for a record that its people have under approval or locked."""
    state, lock = str(row.get("life_status") or ""), str(row.get("lock_status") or "")
    if state not in _CLOSED and lock != _LOCKED:
        return
    text = say(
        "%(number)s is under approval or locked in Fxiaoke (life_status %(state)s, lock_status %(lock)s), which "
        "takes no change until that ends",
        number=str(row.get("name") or row["_id"]),
        state=state or "-",
        lock=lock or "-",
    )
    raise Locked(text, field="life_status", code="under_approval")


def gone(record_id: str) -> RecordRejected:
    """What is said of a record that nobody can see any more."""
    return RecordRejected(say("%(id)s is no longer in Fxiaoke", id=record_id), code="gone")
