"""What is written to an order: its state, and notes in its history.

A note does not move `updatedAt`, and the same one twice is two notes: a key of ours in its text finds it again. A note
of ours that marks the order is known by its first line, and changed instead of doubled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from connectors.kit.base import Envelope, JsonDict
from connectors.kit.errors import OutcomeUnknown
from connectors.kit.words import say
from connectors.vendure import queries, rows
from connectors.vendure.client import Client, gone, record_id

_CANCELLED: Final = "Cancelled"


class Marks:
    """The writes to the orders of one shop."""

    def __init__(self, client: Client, fetch: Callable[[str], Envelope]) -> None:
        """`fetch` reads one order, with `deleted` for one that is gone."""
        self._client, self._fetch = client, fetch

    def update(self, order_id: str, payload: JsonDict) -> Envelope:
        """Send what differs, if anything does, and read back."""
        current = self._fetch(record_id(order_id))
        if current.deleted:
            raise gone(order_id)
        changed = [self._mark(order_id, current.payload, wanted) for wanted in payload.get("notes", ())]
        state = payload.get("state", "")
        if state and current.payload.get("state") != state:
            self._move(order_id, state)
            changed.append(True)
        return self._fetch(order_id) if any(changed) else current

    def _move(self, order_id: str, state: str) -> None:
        """A cancellation is a call of its own, which gives the pieces back into stock; it moves no money."""
        if state == _CANCELLED:
            order = {"orderId": order_id, "cancelShipping": True}
            self._client.write(queries.CANCEL, "cancelOrder", input=order)
            return
        self._client.write(queries.MOVE_ORDER, "transitionOrderToState", id=order_id, state=state)

    def _mark(self, order_id: str, order: JsonDict, wanted: JsonDict) -> bool:
        """Whether anything had to be written."""
        marked = (note for note in order["notes"] if note["note"].partition("\n")[0].strip() == wanted["title"])
        standing = next(marked, None)
        if standing is None:
            self.add_note(order_id, {"note": wanted["note"], "isPublic": False})
            return True
        if standing["note"].replace("\r\n", "\n") == wanted["note"]:
            return False
        change = {"noteId": standing["id"], "note": wanted["note"]}
        self._client.write(queries.CHANGE_NOTE, "updateOrderNote", input=change)
        return True

    def notes(self, order_id: str) -> list[JsonDict]:
        """All notes, oldest first, public ones and private ones."""
        return rows.notes(self._client.order(queries.NOTES, order_id))

    def add_note(self, order_id: str, payload: JsonDict) -> JsonDict:
        """Sent once, whatever comes of it. Nobody is mailed: a public note stands in the customer's account."""
        note = {"id": record_id(order_id), "note": payload["note"], "isPublic": bool(payload.get("isPublic"))}
        order: JsonDict = self._client.write(queries.ADD_NOTE, "addNoteToOrder", input=note)
        made = next((each for each in reversed(rows.notes(order)) if each["note"] == payload["note"]), None)
        if made is None:
            raise OutcomeUnknown(say("the note is not among the order's notes"), code="no_record")
        return made
