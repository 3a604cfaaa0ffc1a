"""Customers: found by what is surest of them, and shown what they have bought, in fields that the connection names."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.fxiaoke.client import Client
from connectors.fxiaoke.marks import demand_open, gone, shows
from connectors.fxiaoke.orders import ACCOUNT
from connectors.fxiaoke.tenant import Tenant
from connectors.kit.base import JsonDict
from connectors.kit.crm import AccountMark
from connectors.kit.errors import ConnectorError, RecordRejected

_REMEMBERED_S: Final = 900.0


class Accounts:
    """The customers of one company. Thread-safe."""

    def __init__(self, client: Client, tenant: Tenant) -> None:
        self._client, self._tenant = client, tenant
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
        names = self._tenant.names
        rows = {row["_id"]: row for row in self._client.by_ids(ACCOUNT, "_id", payloads)}
        wrong: dict[str, ConnectorError] = {}
        for account_id, payload in payloads.items():
            wanted = {names.get(name, name): value for name, value in payload.items()}
            try:
                self._write(rows.get(account_id), account_id, {name: value for name, value in wanted.items() if name})
            except RecordRejected as error:
                wrong[account_id] = error
        return wrong

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
