"""Records of an object that the company has made itself (`…__c`): parcels of orders, entries of customers' histories.

Each is made with our key in the same call, and looked for by it after a refusal, for nobody has said with which code a
key that is taken is refused. It is read again afterwards, because an answer is no proof.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.fxiaoke.client import Client, Filter
from connectors.fxiaoke.marks import demand_open, gone, shows
from connectors.fxiaoke.tenant import Tenant
from connectors.kit.base import JsonDict
from connectors.kit.errors import AlreadyExists, OutcomeUnknown, RecordRejected
from connectors.kit.words import say


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """Options that name an object, its field for our key, its reference to what it is about, and its other fields."""

    object: str
    key: str
    about: str
    others: tuple[str, ...]


PARCELS: Final = Kind(
    "shipment_object", "key_field", "order_field", ("tracking_field", "carrier_field", "content_field")
)
ENTRIES: Final = Kind(
    "entry_object", "entry_key_field", "entry_account_field", ("entry_title_field", "entry_text_field")
)


class Records:
    """The records of one kind. Thread-safe."""

    def __init__(self, client: Client, tenant: Tenant, kind: Kind) -> None:
        self._client, self._tenant, self._kind = client, tenant, kind

    @property
    def object(self) -> str:
        """The object's API name; empty where the connection names none."""
        return self._tenant.names[self._kind.object]

    def listed(self, about: str, *, since: dt.datetime | None = None) -> list[JsonDict]:
        """Those that are about one order or customer, in the names of the options, oldest first."""
        filters: list[Filter] = [(self._tenant.names[self._kind.about], "EQ", [about])]
        if since is not None:
            filters.append(("create_time", "GTE", [str(int(since.timestamp() * 1000))]))
        return [self._told(row) for rows in self._client.walk(self.object, filters) for row in rows]

    def create(self, about: str, payload: Mapping[str, Any]) -> JsonDict:
        """One more, with our key in the same call; refused where the key is unique and taken."""
        key = str(payload[self._kind.key])
        try:
            made = self._client.create(self.object, self._tenant.fields({**payload, self._kind.about: about}))
        except RecordRejected as error:
            if not self._client.rows(self.object, [(self._tenant.names[self._kind.key], "EQ", [key])], "_id", limit=1):
                raise
            text = say("Fxiaoke has a record with the key %(key)s already (%(error)s)", key=key, error=error)
            raise AlreadyExists(text, code="exists", status=error.status) from None
        row = next(iter(self._client.by_ids(self.object, "_id", [made])), None)
        if row is None:
            text = say("%(what)s was written, and is not there when it is read", what=self.object)
            raise OutcomeUnknown(text, code="no_record")
        return self._told(row)

    def update(self, about: str, record_id: str, payload: Mapping[str, Any]) -> JsonDict:
        """Change one, without a call where it shows the payload already."""
        row, wanted = self._record(record_id), self._tenant.fields({**payload, self._kind.about: about})
        change = {field: value for field, value in wanted.items() if not shows(row, field, value)}
        if not change:
            return self._told(row)
        demand_open(row)
        self._client.update(self.object, record_id, change)
        return self._told(self._record(record_id))

    def _record(self, record_id: str) -> JsonDict:
        row = next(iter(self._client.by_ids(self.object, "_id", [record_id])), None)
        if row is None:
            raise gone(record_id)
        return row

    def _told(self, row: JsonDict) -> JsonDict:
        names = self._tenant.names
        options: Sequence[str] = (self._kind.key, self._kind.about, *self._kind.others)
        return {"id": row["_id"], **{option: row[names[option]] for option in options if names[option] in row}}
