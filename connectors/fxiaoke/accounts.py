"""Customers: found by what is surest of them, made once, and shown what they bought, in fields that are options.

Fxiaoke takes the same customer twice, so our key stands in a field that the connection names: it is looked for before
one is made, and after whatever leaves a doubt.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.fxiaoke.client import Client
from connectors.fxiaoke.marks import demand_open, gone, shows
from connectors.fxiaoke.orders import ACCOUNT
from connectors.fxiaoke.records import ENTRIES, Records
from connectors.fxiaoke.tenant import Tenant
from connectors.kit.base import JsonDict
from connectors.kit.crm import AccountMark, Made, doubled
from connectors.kit.errors import ConnectorError, OutcomeUnknown, RecordRejected
from connectors.kit.words import say

_REMEMBERED_S: Final = 900.0


class Accounts:
    """The customers of one company. Thread-safe."""

    def __init__(self, client: Client, tenant: Tenant) -> None:
        self._client, self._tenant = client, tenant
        self._entries = Records(client, tenant, ENTRIES)
        self._lock = threading.Lock()
        self._types: tuple[Mapping[str, Any], float] | None = None

    def find(self, marks: Sequence[AccountMark]) -> list[list[JsonDict]]:
        """See `Fxiaoke.find_accounts`: a call for each rung and fifty customers that no surer one has found."""
        found: list[list[JsonDict]] = [[] for _ in marks]
        for field, value in self._rungs():
            left = [index for index, rows in enumerate(found) if not rows and value(marks[index])]
            if not left:
                continue
            rows = self._client.by_ids(
                ACCOUNT, field, [value(marks[index]) for index in left], fields=self._tenant.of_account
            )
            for index in left:
                wanted = value(marks[index])
                found[index] = [{"id": row["_id"], **row} for row in rows if str(row.get(field)) == wanted]
        return found

    def _rungs(self) -> list[tuple[str, Callable[[AccountMark], str]]]:
        """The surest first."""
        vat_id = self._tenant.names["vat_id_field"]
        return [
            ("_id", lambda mark: mark.account_id),
            *([(vat_id, lambda mark: mark.vat_id)] if vat_id else []),
            ("email", lambda mark: mark.email),
            ("name", lambda mark: mark.name),
        ]

    def update(self, payloads: Mapping[str, JsonDict]) -> dict[str, ConnectorError]:
        """See `Fxiaoke.update_accounts`: what is shown already is not sent."""
        rows = {row["_id"]: row for row in self._client.by_ids(ACCOUNT, "_id", payloads)}
        wrong: dict[str, ConnectorError] = {}
        for account_id, payload in payloads.items():
            try:
                self._write(rows.get(account_id), account_id, self._tenant.fields(payload))
            except RecordRejected as error:
                wrong[account_id] = error
        return wrong

    def create(self, payloads: Mapping[str, JsonDict]) -> dict[str, Made]:
        """See `Fxiaoke.create_accounts`: a call for all keys, then two for each customer that is not there."""
        try:
            standing = self._by_key(payloads)
        except RecordRejected as error:
            return {key: Made(error=error) for key in payloads}
        return {
            key: self._found(key, standing[key]) if key in standing else self._made(key, payload)
            for key, payload in payloads.items()
        }

    def _made(self, key: str, payload: JsonDict) -> Made:
        owner = {"owner": [self._tenant.account_owner]} if self._tenant.account_owner else {}
        fields = self._tenant.fields({**payload, "account_key_field": key})
        record = {"record_type": "default__c", **owner, **fields}
        try:
            self._client.create(ACCOUNT, record)
        except OutcomeUnknown as error:
            return Made(error=error)
        except RecordRejected as error:
            # By the key perhaps: the code of that is not documented.
            ids = self._by_key([key]).get(key)
            return self._found(key, ids) if ids else Made(error=error)
        ids = self._by_key([key]).get(key)
        if not ids:
            text = say("%(what)s was written, and is not there when it is read", what=ACCOUNT)
            return Made(error=OutcomeUnknown(text, code="no_record"))
        return dataclasses.replace(self._found(key, ids), new=True)

    def entries(self, account_id: str, since: dt.datetime | None) -> list[JsonDict]:
        """See `Fxiaoke.list_entries`."""
        return self._entries.listed(account_id, since=since)

    def add_entry(self, account_id: str, payload: JsonDict) -> JsonDict:
        """See `Fxiaoke.add_entry`."""
        if not self._entries.object:
            text = say("the connection names no object for the history of customers (option entry_object)")
            raise RecordRejected(text, code="no_object")
        if not self._client.by_ids(ACCOUNT, "_id", [account_id], fields=("_id",)):
            raise gone(account_id)
        return self._entries.create(account_id, payload)

    def _found(self, key: str, ids: Sequence[str]) -> Made:
        return Made(external_id=ids[0]) if len(ids) == 1 else Made(error=doubled(key, ids))

    def _by_key(self, keys: Iterable[str]) -> dict[str, list[str]]:
        """Key -> the customers that carry it."""
        field, found = self._tenant.names["account_key_field"], dict[str, list[str]]()
        if not field:
            text = say("the connection names no field of customers for our key (option account_key_field)")
            raise RecordRejected(text, code="no_key")
        for row in self._client.by_ids(ACCOUNT, field, keys, fields=("_id", field)):
            found.setdefault(str(row.get(field)), []).append(row["_id"])
        return found

    def _write(self, row: JsonDict | None, account_id: str, wanted: JsonDict) -> None:
        if row is None:
            raise gone(account_id)
        if not wanted:
            return
        types = self._described()
        values = {field: self._written(types.get(field), value) for field, value in wanted.items()}
        change = {field: value for field, value in values.items() if not shows(row, field, value)}
        if not change:
            return
        demand_open(row)
        self._client.update(ACCOUNT, account_id, change)

    def _written(self, described: Any, value: Any) -> Any:
        """A day as its field has it: a date is the midnight of the company's own zone, in milliseconds."""
        if not isinstance(described, dict) or described.get("type") not in {"date", "date_time"} or not value:
            return value
        midnight = dt.datetime.combine(dt.date.fromisoformat(str(value)), dt.time(), ZoneInfo(self._tenant.zone))
        return int(midnight.timestamp() * 1000)

    def _described(self) -> Mapping[str, Any]:
        """Field -> its description; asked once in a quarter of an hour."""
        with self._lock:
            if self._types is not None and time.monotonic() < self._types[1]:
                return self._types[0]
        types = self._client.describe(ACCOUNT)
        with self._lock:
            self._types = (types, time.monotonic() + _REMEMBERED_S)
        return types
