"""One organisation over REST: calls, queries, and what it says of itself."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.kit.answers import Response
from connectors.kit.base import ConnectorSettings, JsonDict, Throttle
from connectors.kit.errors import ConnectionBroken, ConnectorError, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.http import HttpClient
from connectors.kit.words import say
from connectors.zoho_crm import codes, login

VERSION: Final = "v8"
#: Rows of one query, and records of one call.
MOST_ROWS: Final = 2000
MOST_RECORDS: Final = 100
_DEADLINE_S: Final = 60.0
#: Leases last three of them.
_WRITE_DEADLINE_S: Final = 30.0
_REMEMBERED_S: Final = 900.0
#: Codes with which an id that is not there is answered.
_GONE: Final = frozenset({"invalid_data", "record_not_found", "not_found"})


@dataclasses.dataclass(frozen=True, slots=True)
class Organisation:
    """What it says of all of its records."""

    name: str
    currency: str
    zone: str
    #: Whether records have a currency of their own.
    currencies: bool


class Client:
    """Speaks with one organisation. Thread-safe."""

    def __init__(
        self,
        settings: ConnectorSettings,
        *,
        accounts_url: str,
        currency: str,
        throttle: Throttle | None,
        dry_run: bool,
    ) -> None:
        """Raises ConnectionBroken naming what is wrong in the settings."""
        deadline_s = settings.deadline_s or _DEADLINE_S
        self.write_deadline_s = min(deadline_s, _WRITE_DEADLINE_S)
        self._currency = currency
        common: dict[str, Any] = {
            "deadline_s": deadline_s,
            "read_timeout_s": deadline_s,
            "allow_hosts": settings.allow_hosts,
            "ca_file": settings.ca_file,
            "secrets": (settings.key, settings.secret, settings.refresh_token, *settings.webhook_secrets),
        }
        accounts = login.accounts_url(settings, accounts_url)
        self._accounts = HttpClient(accounts, classifier=login.verdict, verdict=login.verdict, **common)
        verdicts = codes.Verdicts()
        self.http = HttpClient(
            settings.url,
            auth=login.Login(settings, self._accounts),
            throttle=throttle,
            dry_run=dry_run,
            classifier=verdicts.classify,
            verdict=verdicts.verdict,
            **common,
        )
        self._lock = threading.Lock()
        self._organisation: tuple[Organisation, float] | None = None
        #: `Date` and the credits that are left, of the newest answer that said them.
        self.date, self.credits = "", ""

    def close(self) -> None:
        """Close the connections."""
        self.http.close()
        self._accounts.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None, *, since: str = "") -> JsonDict:
        """The answer below `/crm/v8`; empty where there is nothing (204, and 304 with `since`)."""
        headers = {"If-Modified-Since": since} if since else None
        try:
            answer = self.http.request("GET", f"crm/{VERSION}/{path}", params=params, headers=headers)
        except RecordRejected as error:
            if error.code == codes.UNCHANGED:
                return {}
            raise
        return self._noted(answer)

    def query(self, text: str) -> tuple[list[JsonDict], bool]:
        """The rows of a COQL query, and whether there are more of them."""
        answer = self.http.request("POST", f"crm/{VERSION}/coql", json={"select_query": text}, write=False)
        data = self._noted(answer)
        info = data.get("info")
        return rows_of(data), bool(info.get("more_records")) if isinstance(info, dict) else False

    def write(
        self,
        method: str,
        path: str,
        body: JsonDict,
        *,
        repeatable: bool = False,
        headers: Mapping[str, str] | None = None,
        rows_in: str = "data",
    ) -> list[JsonDict | ConnectorError]:
        """What became of each record of a write, in the order of the request: its `details`, or why it was refused.

        Read row by row whatever the status is; `rows_in` is the key of the rows, there and here. Raises what is wrong
        with all of them at once.
        """
        answer = self.http.request(
            method,
            f"crm/{VERSION}/{path}",
            json=body,
            headers=headers,
            repeatable=repeatable,
            deadline_s=self.write_deadline_s,
        )
        rows = answer.data.get(rows_in) if isinstance(answer.data, dict) else None
        if not isinstance(rows, list) or len(rows) != len(body[rows_in]):
            raise OutcomeUnknown(
                say("%(path)s was answered without a row for each record", path=answer.path), code="rows"
            )
        self._noted(answer)
        return [_outcome(row, answer) for row in rows]

    def record(self, module: str, record_id: str) -> JsonDict | None:
        """One whole record with its lines; None where there is none."""
        try:
            data = self.get(f"{module}/{record_id}")
        except RecordRejected as error:
            if error.code in _GONE:
                return None
            raise
        rows = rows_of(data)
        if rows and rows[0].get("id") != record_id:
            raise Transient(say("Zoho CRM answered with another record than asked for"), code="not_the_record")
        return rows[0] if rows else None

    def records(self, module: str, ids: Sequence[str], fields: Sequence[str]) -> list[JsonDict]:
        """Fields of records by id, a hundred of them at most."""
        return rows_of(self.get(module, {"ids": ",".join(ids), "fields": ",".join(fields)}))

    def organisation(self) -> Organisation:
        """Asked once in a quarter of an hour; without the right to read it the option `currency` is all that is known.

        Raises Transient, and ConnectionBroken where there is no such option either.
        """
        with self._lock:
            if self._organisation is not None and time.monotonic() < self._organisation[1]:
                return self._organisation[0]
        try:
            found = self.ask_organisation()
        except ConnectionBroken:
            if not self._currency:
                raise
            found = Organisation("", self._currency, "", currencies=False)
        with self._lock:
            self._organisation = (found, time.monotonic() + _REMEMBERED_S)
        return found

    def ask_organisation(self) -> Organisation:
        """As it says now. Raises Transient, ConnectionBroken."""
        data = self.get("org")
        rows = data.get("org")
        row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else None
        if row is None:
            raise Transient(say("Zoho CRM says nothing of its organisation"), code="no_organisation")
        return Organisation(
            name=str(row.get("company_name") or ""),
            currency=self._currency or str(row.get("iso_code") or ""),
            zone=str(row.get("time_zone") or ""),
            currencies=bool(row.get("mc_status")),
        )

    def _noted(self, answer: Response) -> JsonDict:
        self.date = answer.headers.get("Date", "")
        self.credits = answer.headers.get("X-API-CREDITS-REMAINING", self.credits)
        return answer.data if isinstance(answer.data, dict) else {}


def rows_of(data: JsonDict) -> list[JsonDict]:
    """The records of an answer. Raises Transient for what is no list of them."""
    rows = data.get("data", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows):
        raise Transient(say("Zoho CRM answered with something that is no list of records"), code="not_a_list")
    return rows


def _outcome(row: Any, answer: Response) -> JsonDict | ConnectorError:
    if not isinstance(row, dict):
        return OutcomeUnknown(say("%(path)s was answered with something that is no row", path=answer.path), code="rows")
    if row.get("code") != "SUCCESS":
        return codes.judged(row, answer.status, write=True)
    details = row.get("details")
    told = {name: row.get(name) or "" for name in ("action", "duplicate_field")}
    return {**(details if isinstance(details, dict) else {}), **told}
