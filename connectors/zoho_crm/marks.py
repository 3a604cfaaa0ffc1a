"""What is written of an order: fields and state of its record, and notes at it.

A record is read before it is written, and written only as long as nobody has changed it since (`If-Unmodified-Since`,
412); workflows of the organisation are not started by it (`trigger: []`). What its layout has no field for is left out:
the record as it was read shows every field that it has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from connectors.kit.base import Envelope, JsonDict
from connectors.kit.errors import ConnectorError, RecordRejected, Transient
from connectors.kit.words import say
from connectors.zoho_crm import codes
from connectors.zoho_crm.client import Client
from connectors.zoho_crm.notes import Notes
from connectors.zoho_crm.orders import Module, record_id

#: Under this name a payload says the state, whichever field that is.
_STATE: Final = "state"
#: How often a record is read anew that somebody changes while we write.
_TRIES: Final = 3


class Marks:
    """The writes to the orders of one organisation. Thread-safe."""

    def __init__(self, client: Client, module: Module, fetch: Callable[[str], Envelope]) -> None:
        """`fetch` reads one order, with `deleted` for one that is gone."""
        self._client, self._module, self._fetch = client, module, fetch
        self._notes = Notes(client, module.name)

    def update(self, external_id: str, payload: JsonDict) -> Envelope:
        """Send what differs, and read back. Raises RecordRejected, OutcomeUnknown, Transient, ConnectionBroken."""
        wanted = {name: value for name, value in payload.items() if name != _STATE}
        if word := str(payload.get(_STATE, "")):
            wanted[self._module.state] = word
        for _try in range(_TRIES):
            current = self._fetch(record_id(external_id))
            if current.deleted:
                raise RecordRejected(say("order %(order)s is no longer in the CRM", order=external_id), code="gone")
            record = current.payload
            change = {name: value for name, value in wanted.items() if name in record and record[name] != value}
            if not change:
                return current
            if self._written(external_id, change, str(record.get("Modified_Time"))):
                return self._fetch(external_id)
        raise Transient(say("the record is changed by somebody else all the time"), code="already_modified")

    def _written(self, external_id: str, change: JsonDict, since: str) -> bool:
        """False where somebody was quicker."""
        body = {"data": [change], "trigger": []}
        path = f"{self._module.name}/{external_id}"
        try:
            [row] = self._client.write("PUT", path, body, headers={"If-Unmodified-Since": since})
        except RecordRejected as error:
            if error.code in codes.CHANGED:
                return False
            raise
        if isinstance(row, ConnectorError):
            raise row
        return True

    def notes(self, external_id: str) -> list[JsonDict]:
        """All notes of a record, oldest first."""
        return self._notes.listed(external_id)

    def add_note(self, external_id: str, payload: JsonDict) -> JsonDict:
        """Sent once, whatever comes of it: the same note twice is two."""
        return self._notes.add(external_id, payload)
