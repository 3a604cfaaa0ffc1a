"""What is written: fields and state of an order's record, notes at it, and fields of accounts.

A record is read before it is written, and written only as long as nobody has changed it since (`If-Unmodified-Since`,
412); workflows of the organisation are not started by it (`trigger: []`). What its layout has no field for is left out:
the record as it was read shows every field that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from connectors.kit.base import Envelope, JsonDict
from connectors.kit.crm import AccountMark
from connectors.kit.errors import ConnectorError, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.words import say
from connectors.zoho_crm import codes
from connectors.zoho_crm.client import MOST_RECORDS, Client, rows_of
from connectors.zoho_crm.orders import Module, quoted, record_id

#: Under this name a payload says the state, whichever field that is.
_STATE: Final = "state"
#: How often a record is read anew that somebody changes while we write.
_TRIES: Final = 3
_NOTE_FIELDS: Final = "id,Note_Title,Note_Content,Created_Time"


class Marks:
    """The writes to the orders of one organisation. Thread-safe."""

    def __init__(self, client: Client, module: Module, fetch: Callable[[str], Envelope]) -> None:
        """`fetch` reads one order, with `deleted` for one that is gone."""
        self._client, self._module, self._fetch = client, module, fetch

    def update(self, external_id: str, payload: JsonDict) -> Envelope:
        """Send what differs, and read back. Raises RecordRejected, OutcomeUnknown, Transient, ConnectionBroken."""
        wanted = {name: value for name, value in payload.items() if name != _STATE}
        word = str(payload.get(_STATE, ""))
        if word := self._module.words.get(word, word):
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
        data = self._client.get(f"{self._module.name}/{record_id(external_id)}/Notes", {"fields": _NOTE_FIELDS})
        return sorted(rows_of(data), key=lambda note: int(note["id"]))

    def add_note(self, external_id: str, payload: JsonDict) -> JsonDict:
        """Sent once, whatever comes of it: the same note twice is two."""
        path = f"{self._module.name}/{record_id(external_id)}/Notes"
        [row] = self._client.write("POST", path, {"data": [payload], "trigger": []})
        if isinstance(row, ConnectorError):
            raise row
        if not isinstance(row.get("id"), str):
            raise OutcomeUnknown(say("%(path)s was answered without the id of the note", path=path), code="rows")
        return {**payload, "id": row["id"]}


class Accounts:
    """The accounts of one organisation. Thread-safe."""

    def __init__(self, client: Client, vat_field: str) -> None:
        self._client, self._vat_field = client, vat_field

    def find(self, marks: Sequence[AccountMark]) -> list[list[JsonDict]]:
        """By id, VAT number, a contact's e-mail, name: the first of these that finds anything."""
        rungs: list[tuple[Callable[[AccountMark], str], Callable[[list[str]], dict[str, list[JsonDict]]]]] = [
            (lambda mark: mark.account_id, self._by_id),
            (lambda mark: mark.vat_id if self._vat_field else "", lambda values: self._by(self._vat_field, values)),
            (lambda mark: mark.email.lower(), self._by_email),
            (lambda mark: mark.name, lambda values: self._by("Account_Name", values)),
        ]
        found: list[list[JsonDict]] = [[] for _ in marks]
        for value_of, look in rungs:
            open_marks = [index for index, mark in enumerate(marks) if not found[index] and value_of(mark)]
            values = list(dict.fromkeys(value_of(marks[index]) for index in open_marks))
            known: dict[str, list[JsonDict]] = {}
            for start in range(0, len(values), MOST_RECORDS):
                known |= look(values[start : start + MOST_RECORDS])
            for index in open_marks:
                found[index] = known.get(value_of(marks[index]), [])
        return found

    def update(self, payloads: Mapping[str, JsonDict]) -> dict[str, ConnectorError]:
        """A hundred a call, each row with an answer of its own, whatever the status is."""
        refused: dict[str, ConnectorError] = {}
        ids = list(payloads)
        for start in range(0, len(ids), MOST_RECORDS):
            some = ids[start : start + MOST_RECORDS]
            body = {"data": [{**payloads[each], "id": record_id(each)} for each in some], "trigger": []}
            # Absolute values: the same twice is the same.
            rows = self._client.write("PUT", "Accounts", body, repeatable=True)
            refused |= {each: row for each, row in zip(some, rows, strict=True) if isinstance(row, ConnectorError)}
        return refused

    def _by_id(self, ids: list[str]) -> dict[str, list[JsonDict]]:
        rows = self._client.records("Accounts", [record_id(each) for each in ids], ("Account_Name",))
        return {row["id"]: [row] for row in rows}

    def _by(self, field: str, values: list[str]) -> dict[str, list[JsonDict]]:
        return _grouped(self._asked("Accounts", field, ("Account_Name",), values), field)

    def _by_email(self, values: list[str]) -> dict[str, list[JsonDict]]:
        """The accounts of the contacts; two contacts of one account are one."""
        rows = self._asked("Contacts", "Email", ("Account_Name.id", "Account_Name.Account_Name"), values)
        accounts = [
            {
                "id": row["Account_Name.id"],
                "Account_Name": row.get("Account_Name.Account_Name"),
                "Email": row["Email"].lower(),
            }
            for row in rows
            if isinstance(row.get("Account_Name.id"), str) and isinstance(row.get("Email"), str)
        ]
        return _grouped(accounts, "Email")

    def _asked(self, module: str, field: str, columns: Sequence[str], values: list[str]) -> list[JsonDict]:
        listed = ", ".join(map(quoted, values))
        names = ", ".join(dict.fromkeys(("id", field, *columns)))
        rows, more = self._client.query(
            f"select {names} from {module} where {field} in ({listed}) order by id asc limit 0, 2000"  # noqa: S608
        )
        if more:
            raise Transient(say("Zoho CRM finds more accounts than anybody can look at"), code="too_many")
        return rows


def _grouped(rows: Sequence[JsonDict], field: str) -> dict[str, list[JsonDict]]:
    """Value -> the records that have it, each once, lowest id first."""
    found: dict[str, dict[str, JsonDict]] = {}
    for row in sorted(rows, key=lambda row: int(row["id"])):
        found.setdefault(str(row.get(field)), {}).setdefault(row["id"], row)
    return {value: list(records.values()) for value, records in found.items()}
