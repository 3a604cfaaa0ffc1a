"""Writes: rows that are taken or refused one by one, unique fields, locks, and `If-Unmodified-Since`."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from connectors.sandbox.exchange import Request, Response, json_response
from connectors.sandbox.zoho_crm.organisation import FORMULAS, UNIQUE, Json, Organisation

_MOST: Final = 100
_MOST_OF_A_PAGE: Final = 200
#: Picklists: what they take.
_PICKLISTS: Final = {"Status": ("Created", "Approved", "Delivered", "Cancelled")}
#: Fields of an organisation's own -> type, longest.
_OF_ORDERS: Final = {
    "Crossdock_Shipments": ("textarea", 32_000),
    "Crossdock_Invoices": ("textarea", 32_000),
    "Crossdock_ERP_Number": ("text", 255),
}
CUSTOM: Final[dict[str, dict[str, tuple[str, int]]]] = {
    **dict.fromkeys(("Sales_Orders", "Quotes", "Deals"), _OF_ORDERS),
    "Accounts": {
        "Crossdock_Orders": ("integer", 9),
        "Crossdock_Value": ("currency", 16),
        "Crossdock_Last_Order": ("text", 255),
        "Crossdock_Last_Order_On": ("date", 10),
        "Crossdock_Open_Balance": ("currency", 16),
        "Crossdock_Key": ("text", 255),
    },
}


def failure(code: str, message: str, **details: Any) -> Json:
    """A refusal as Zoho CRM writes it."""
    return {"code": code, "details": details, "message": message, "status": "error"}


class Writes:
    """What may be written, and what comes of it."""

    def __init__(self, organisation: Organisation) -> None:
        self._of = organisation
        #: Module -> the fields of its own that an administrator has made.
        self.custom = {module: dict(fields) for module, fields in CUSTOM.items()}
        #: Module -> those of which the administrator has said that no two records may share a value.
        self.unique = {"Accounts": {"Crossdock_Key"}}

    # -- routes ----------------------------------------------------------------------------------------------

    def fields(self, request: Request) -> Response:
        """The fields of a module that an administrator has made."""
        module = dict(request.query).get("module", "")
        rows = [
            {
                "api_name": name,
                "data_type": kind,
                "length": longest,
                "custom_field": True,
                "unique": {"casesensitive": "false"} if name in self.unique.get(module, ()) else {},
            }
            for name, (kind, longest) in self.custom.get(module, {}).items()
        ]
        return json_response(
            {"fields": [*rows, {"api_name": "Owner", "data_type": "ownerlookup", "custom_field": False}]}
        )

    def add_fields(self, request: Request) -> Response:
        """POST of custom fields: the label makes the API name, which is taken once."""
        module = dict(request.query).get("module", "")
        fields = self.custom.setdefault(module, {})
        answers = []
        for field in request.json()["fields"]:
            name = str(field["field_label"]).replace(" ", "_")
            if name in fields:
                answers.append(failure("DUPLICATE_DATA", "duplicate data", api_name="field_label"))
                continue
            fields[name] = (field["data_type"], int(field.get("length", 2_000)))
            if field.get("unique"):
                self.unique.setdefault(module, set()).add(name)
            made = {"code": "SUCCESS", "details": {"id": self._of.new_id()}, "message": "field created"}
            answers.append({**made, "status": "success"})
        return json_response({"fields": answers}, 201)

    def update_one(self, request: Request, module: str, record_id: str) -> Response:
        """PUT of one record; 412 where it was changed since."""
        since = request.headers.get("if-unmodified-since", "")
        record = self._of.records[module].get(record_id)
        if record is not None and since and _time(record["Modified_Time"]) > _time(since):
            return json_response(failure("ALREADY_MODIFIED", "record already modified"), 412)
        [row] = request.json()["data"]
        return self._answer([self._updated(module, record_id, row)])

    def update(self, request: Request, module: str) -> Response:
        """PUT of a hundred at most."""
        rows = self._rows(request)
        return self._answer([self._updated(module, str(row.get("id")), row, place) for place, row in enumerate(rows)])

    def insert(self, request: Request, module: str) -> Response:
        """POST: the same twice is two records, unless a field says no."""
        return self._answer([self._inserted(module, row, place) for place, row in enumerate(self._rows(request))], 201)

    def upsert(self, request: Request, module: str) -> Response:
        """POST: by the fields that the request names, then by the module's own unique ones."""
        asked = request.json().get("duplicate_check_fields", [])
        if strange := [name for name in asked if name not in self._unique_of(module)]:
            row = failure("INVALID_DATA", "invalid data", api_name="duplicate_check_fields", fields=strange)
            return json_response({"data": [row]}, 400)
        checks = tuple(dict.fromkeys((*asked, *self._unique_of(module))))
        done = []
        for place, row in enumerate(self._rows(request)):
            name, found = next(((name, each) for name in checks for each in self._same(module, name, row)), ("", None))
            if found is None:
                done.append(self._inserted(module, row, place) | {"action": "insert", "duplicate_field": None})
            else:
                made = self._updated(module, found["id"], row, place)
                done.append(made | {"action": "update", "duplicate_field": name})
        return self._answer(done)

    def notes(self, request: Request, module: str, record_id: str) -> Response:
        """The notes of a record, newest first as everything in Zoho CRM; a token leads from page to page."""
        if record_id not in self._of.records[module]:
            return Response(204)
        rows = [note for note in self._of.records["Notes"].values() if note["Parent_Id"]["id"] == record_id]
        rows.reverse()
        query = dict(request.query)
        size = int(query.get("per_page", _MOST_OF_A_PAGE))
        start = int(query.get("page_token", (int(query.get("page", 1)) - 1) * size))
        more = start + size < len(rows)
        info = {"more_records": more, "next_page_token": str(start + size) if more else None}
        page = rows[start : start + size]
        return json_response({"data": page, "info": info}) if page else Response(204)

    def add_note(self, request: Request, module: str, record_id: str) -> Response:
        """One more, whatever there is."""
        if record_id not in self._of.records[module]:
            return json_response(
                {"data": [failure("INVALID_DATA", "the id given seems to be invalid", id=record_id)]}, 400
            )
        [row] = request.json()["data"]
        note = self._of.insert("Notes", {**row, "Parent_Id": {"id": record_id}})
        return self._answer([_success(note, "record added")], 201)

    def _unique_of(self, module: str) -> tuple[str, ...]:
        return (*UNIQUE.get(module, ()), *self.unique.get(module, set()) & self.custom.get(module, {}).keys())

    # -- rows ------------------------------------------------------------------------------------------------

    def _rows(self, request: Request) -> list[Json]:
        rows: list[Json] = request.json()["data"]
        return rows[:_MOST]

    def _answer(self, rows: list[Json], status: int = 200) -> Response:
        """207 where some were taken and some not, 202 where none was; several at once even with 200."""
        bad = sum(row["status"] == "error" for row in rows)
        if bad:
            status = 202 if bad == len(rows) else 207
        return json_response({"data": rows}, status)

    def _same(self, module: str, name: str, row: Json) -> list[Json]:
        value = row.get(name)
        rows = self._of.records[module].values()
        return [] if value is None else [each for each in rows if _folded(each.get(name)) == _folded(value)]

    def _inserted(self, module: str, row: Json, place: int = 0) -> Json:
        if refused := self._refused(module, row, place):
            return refused
        for name in self._unique_of(module):
            for found in self._same(module, name, row):
                return _duplicate(name, found["id"], place)
        return _success(self._of.insert(module, _kept(row)), "record added")

    def _updated(self, module: str, record_id: str, row: Json, place: int = 0) -> Json:
        if record_id not in self._of.records[module]:
            return failure("INVALID_DATA", "the id given seems to be invalid", id=record_id)
        if code := self._of.locked.get(record_id):
            return failure(code, "the record is locked", id=record_id)
        if refused := self._refused(module, row, place):
            return refused
        for name in self._unique_of(module):
            for found in self._same(module, name, row):
                if found["id"] != record_id:
                    return _duplicate(name, found["id"], place)
        return _success(self._of.update(module, record_id, _kept(row)), "record updated")

    def _refused(self, module: str, row: Json, place: int) -> Json | None:
        for name, value in row.items():
            path = f"$.data[{place}].{name}"
            if name in _PICKLISTS and value not in _PICKLISTS[name]:
                listed = [{"display_value": each, "actual_value": each} for each in _PICKLISTS[name]]
                return failure("INVALID_DATA", "invalid data", api_name=name, json_path=path, supported_values=listed)
            kind, longest = self.custom.get(module, {}).get(name, ("", 0))
            if kind == "integer" and type(value) is not int and value is not None:
                return failure(
                    "INVALID_DATA", "invalid data", api_name=name, json_path=path, expected_data_type="integer"
                )
            if kind and isinstance(value, str) and len(value) > longest:
                return failure("INVALID_DATA", "invalid data", api_name=name, json_path=path, maximum_length=longest)
        return None


def _folded(value: Any) -> Any:
    """Text is compared without regard to case."""
    return value.casefold() if isinstance(value, str) else value


def _kept(row: Json) -> Json:
    """What people may write; fields that the CRM does not have are left out without a word."""
    return {name: value for name, value in row.items() if name not in FORMULAS}


def _success(record: Json, message: str) -> Json:
    details = {name: record[name] for name in ("id", "Created_Time", "Modified_Time")}
    return {"code": "SUCCESS", "details": details, "message": message, "status": "success"}


def _duplicate(name: str, record_id: str, place: int) -> Json:
    details = {"api_name": name, "json_path": f"$.data[{place}].{name}", "id": record_id}
    return failure("DUPLICATE_DATA", "duplicate data", **details, duplicate_record={"id": record_id})


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
