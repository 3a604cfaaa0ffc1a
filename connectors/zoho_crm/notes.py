"""Notes at records of one module: of a list of any length, and one more."""

from __future__ import annotations

import datetime as dt
from typing import Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectorError, OutcomeUnknown
from connectors.kit.words import say
from connectors.zoho_crm.client import Client, rows_of
from connectors.zoho_crm.orders import record_id, time_of

_FIELDS: Final = "id,Note_Title,Note_Content,Created_Time"
_PER_PAGE: Final = 200


class Notes:
    """The notes at the records of a module. Thread-safe."""

    def __init__(self, client: Client, module: str) -> None:
        self._client, self._module = client, module

    def listed(self, external_id: str, since: dt.datetime | None = None) -> list[JsonDict]:
        """All notes of a record, oldest first; of a long list only the pages that reach back to `since`."""
        found: list[JsonDict] = []
        more: dict[str, str | int] = {}
        while True:
            data = self._client.get(self._path(external_id), {"fields": _FIELDS, "per_page": _PER_PAGE, **more})
            rows = rows_of(data)
            found += rows
            info = data.get("info")
            # Newest first, as every list of Zoho CRM that is not told otherwise.
            enough = since is not None and any(time_of(row, "Created_Time") < since for row in rows)
            if enough or not (isinstance(info, dict) and info.get("more_records") and rows):
                return sorted({note["id"]: note for note in found}.values(), key=lambda note: int(note["id"]))
            token = info.get("next_page_token")
            # Pages end at 2,000 records; a token leads on.
            more = {"page_token": token} if isinstance(token, str) else {"page": int(more.get("page", 1)) + 1}

    def add(self, external_id: str, payload: JsonDict) -> JsonDict:
        """Sent once, whatever comes of it: the same note twice is two."""
        path = self._path(external_id)
        [row] = self._client.write("POST", path, {"data": [payload], "trigger": []})
        if isinstance(row, ConnectorError):
            raise row
        if not isinstance(row.get("id"), str):
            raise OutcomeUnknown(say("%(path)s was answered without the id of the note", path=path), code="rows")
        return {**payload, "id": row["id"]}

    def _path(self, external_id: str) -> str:
        return f"{self._module}/{record_id(external_id)}/Notes"
