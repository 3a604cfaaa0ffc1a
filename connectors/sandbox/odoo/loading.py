"""`load()`: rows of texts become records, by external id; all of them or none, and HTTP 200 either way.

What the recordings taught: without the context `{"mode": "update", "noupdate": true}` a second load writes again, and
lines without an id of their own are added once more; with it an existing id is answered and nothing is written.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.sandbox.odoo.database import Database, Json, OdooError, required
from connectors.sandbox.odoo.fields import LABELS, Field
from connectors.sandbox.odoo.orm import create, write

_MOST_ERRORS: Final = 10
_TIME: Final = "%Y-%m-%d %H:%M:%S"


class _Bad(Exception):
    """One cell, or one record, that cannot be taken."""

    def __init__(self, message: str, **more: Any) -> None:
        super().__init__(message)
        self.more = more


def load(
    db: Database, model: str, fields: Sequence[str], data: Sequence[Sequence[Any]], context: Mapping[str, Any]
) -> Json:
    """`{"ids": [...] or false, "messages": [...], "nextrow": 0}`. Raises OdooError for an unknown field."""
    paths = [path.split("/") for path in fields]
    for path in paths:
        _check(db, model, path)
    messages: list[Json] = []
    found: list[tuple[Json, Json]] = []
    for index, (start, rows) in enumerate(_records(paths, data)):
        place = {"rows": {"from": start, "to": start + len(rows) - 1}, "record": index}
        try:
            found.append((place, _convert(db, model, paths, rows, context)))
        except _Bad as bad:
            messages.append({**place, "type": "error", **bad.more, "message": str(bad)})
    if messages:
        return _refused(messages)
    ids: list[int] = []
    for place, values in found:
        try:
            ids.append(_save(db, model, values, context))
        except _Bad as bad:
            messages.append({**place, "type": "error", "message": str(bad), **bad.more})
        except OdooError as error:
            messages.append({**place, "type": "error", "message": error.message})
        if len(messages) >= _MOST_ERRORS:
            break
    if messages:
        db.roll_back()
        return _refused(messages)
    return {"ids": ids, "messages": [], "nextrow": 0}


def refused_rights(model: str, rows: int) -> Json:
    """What a user without the right to create is told."""
    text = (
        f"You are not allowed to create '{LABELS.get(model, model)}' ({model}) records.\n\nThis operation is allowed "
        "for the following groups:\n\t- Sales/Administrator\n\nContact your administrator to request access if "
        "necessary."
    )
    return _refused([{"rows": {"from": 0, "to": rows - 1}, "record": 0, "type": "error", "message": text}])


def conflict(rows: int) -> Json:
    """What the loser of two loads at once is told."""
    text = "could not serialize access due to concurrent update\n"
    return _refused([{"type": "error", "record": 0, "rows": {"from": 0, "to": rows - 1}, "message": text}])


def _refused(messages: list[Json]) -> Json:
    return {"ids": False, "messages": messages, "nextrow": 0}


def _check(db: Database, model: str, path: Sequence[str]) -> None:
    of = model
    for name in path:
        if name in (".id", "id"):
            continue
        if name not in db.models[of]:
            raise OdooError("builtins.ValueError", f"Invalid field name '{name}'", 500)
        of = db.models[of][name].model or of


def _records(
    paths: Sequence[Sequence[str]], data: Sequence[Sequence[Any]]
) -> Iterator[tuple[int, list[Sequence[Any]]]]:
    """Rows with an empty head belong to the record above."""
    head = [index for index, path in enumerate(paths) if len(path) == 1 or path[1] in (".id", "id")]
    start = 0
    rows: list[Sequence[Any]] = []
    for number, row in enumerate(data):
        if rows and any(row[index] not in ("", False, None) for index in head):
            yield start, rows
            start, rows = number, []
        rows.append(row)
    if rows:
        yield start, rows


def _convert(
    db: Database, model: str, paths: Sequence[Sequence[str]], rows: Sequence[Sequence[Any]], context: Mapping[str, Any]
) -> Json:
    values: Json = {}
    for index, path in enumerate(paths):
        cell, name = rows[0][index], path[0]
        if name == "id":
            values["_xid"] = cell
        elif name == ".id":
            values["_id"] = int(cell)
        elif db.models[model][name].kind != "one2many":
            values[name] = _cell(db, db.models[model][name], path, cell, context)
    for name in dict.fromkeys(path[0] for path in paths if len(path) > 1):
        field = db.models[model].get(name)
        if field is not None and field.kind == "one2many":
            columns = {index: path[1:] for index, path in enumerate(paths) if path[0] == name}
            try:
                values[name] = _lines(db, field, columns, rows, context)
            except _Bad as bad:
                inner = str(bad).replace("field '", f"field '{field.label}/")
                more = {key: value for key, value in bad.more.items() if key == "moreinfo"}
                raise _Bad(inner, field=name, field_name=field.label, **more) from None
    return values


def _lines(
    db: Database,
    field: Field,
    columns: Mapping[int, Sequence[str]],
    rows: Sequence[Sequence[Any]],
    context: Mapping[str, Any],
) -> list[Json]:
    made = ([row[index] for index in columns] for row in rows)
    return [_convert(db, field.model, list(columns.values()), [cells], context) for cells in made if any(cells)]


def _cell(db: Database, field: Field, path: Sequence[str], cell: Any, context: Mapping[str, Any]) -> Any:
    if cell in ("", None, False):
        return [] if field.kind == "many2many" else None
    if field.model:
        return _related(db, field, path, cell)
    name = path[0]
    label = field.label or name
    if field.kind in {"float", "integer"}:
        try:
            return float(cell) if field.kind == "float" else int(cell)
        except ValueError:
            raise _number_expected(cell, label, name) from None
    if field.kind == "boolean":
        return str(cell).lower() in {"1", "true", "yes"}
    if field.kind == "datetime":
        return _moment(str(cell), label, name, context)
    return _chosen(field, label, name, cell) if field.kind == "selection" else str(cell)


def _chosen(field: Field, label: str, name: str, cell: Any) -> str:
    for value, shown in field.choices.items():
        if cell in (value, shown):
            return value
    text = f"Value '{cell}' not found in selection field '{label}'"
    raise _Bad(text, field=name, field_name=label, moreinfo=list(field.choices.values()))


def _related(db: Database, field: Field, path: Sequence[str], cell: Any) -> Any:
    if not isinstance(cell, str):
        raise OdooError("builtins.AttributeError", f"'{type(cell).__name__}' object has no attribute 'split'", 500)
    texts = cell.split(",") if field.kind == "many2many" else [cell]
    try:
        found = [_reference(db, field, path[1] if len(path) > 1 else "", text) for text in texts]
    except _Bad as bad:
        bad.more["field"] = path[0]
        raise
    return found if field.kind == "many2many" else found[0]


def _number_expected(cell: Any, label: str, name: str) -> _Bad:
    text = f"'{cell}' does not seem to be a number for field '{label}'"
    return _Bad(text, field=name, field_name=label)


def _moment(cell: str, label: str, name: str, context: Mapping[str, Any]) -> str:
    """Read in the zone of the context, kept in UTC."""
    try:
        read = dt.datetime.strptime(cell, _TIME)  # noqa: DTZ007 - the zone is the context's
    except ValueError:
        text = f"'{cell}' does not seem to be a valid datetime for field '{label}'"
        more = "Use the format '2012-12-31 23:59:59'"
        raise _Bad(text, field=name, moreinfo=more, field_name=label) from None
    zone = zoneinfo.ZoneInfo(str(context.get("tz") or "UTC"))
    return read.replace(tzinfo=zone).astimezone(dt.UTC).strftime(_TIME)


def _reference(db: Database, field: Field, by: str, text: str) -> int:
    label = field.label
    if by == ".id":
        if text.isdecimal() and int(text) in db.tables[field.model]:
            return int(text)
        message = f"No matching record found for database id '{text}' in field '{label}'"
    elif by == "id":
        if (found := db.external.get(_named(text))) and found[0] == field.model:
            return found[1]
        message = f"No matching record found for external id '{text}' in field '{label}'"
    else:
        for record in db.all(field.model, name=text):
            return int(record["id"])
        message = f"No matching record found for name '{text}' in field '{label}'"
    moreinfo = {
        "name": "Possible Values",
        "type": "ir.actions.act_window",
        "target": "new",
        "view_mode": "list,form",
        "views": [[False, "list"], [False, "form"]],
        "context": {"create": False},
        "help": "See all possible values",
        "res_model": "ir.model.data",
        "domain": [["model", "=", field.model]],
    }
    raise _Bad(message, field="", moreinfo=moreinfo, field_name=label)


def _named(external_id: str) -> str:
    return external_id if "." in external_id else f"__import__.{external_id}"


def _save(db: Database, model: str, values: Json, context: Mapping[str, Any]) -> int:
    external_id, number = values.pop("_xid", ""), values.pop("_id", None)
    if number is not None:
        write(db, model, [number], _plain(values))
        return int(number)
    if not external_id:
        return create(db, model, _plain(values))
    name = _named(external_id)
    known = db.external.get(name)
    if known is not None and known[1] in db.tables[model]:
        if context.get("mode") == "update" and known[2]:
            return known[1]
        write(db, model, [known[1]], _with_line_ids(db, model, values))
        return known[1]
    _complete(db, model, values)
    made = create(db, model, _plain(values))
    _name(db, name, model, made, context)
    for field, lines in values.items():
        if db.models[model][field].kind == "one2many":
            made_lines = db.value(model, db.get(model, made), field)
            for line, id_ in zip(lines, made_lines, strict=False):
                if line.get("_xid"):
                    _name(db, _named(line["_xid"]), db.models[model][field].model, id_, context)
    return made


def _name(db: Database, name: str, model: str, number: int, context: Mapping[str, Any]) -> None:
    if re.search(r"\s", name):
        text = (
            'new row for relation "ir_model_data" violates check constraint "ir_model_data_name_nospaces"\n'
            f"DETAIL:  Failing row contains ({number}, null, {name.partition('.')[2]}, {name.partition('.')[0]}).\n"
        )
        raise _Bad(text)
    db.name(name, (model, number, bool(context.get("noupdate"))))


def _complete(db: Database, model: str, values: Json) -> None:
    for name, field in db.models[model].items():
        if field.required and values.get(name) is None:
            text = required(model, field.label or name, name, LABELS.get(model, model))
            raise _Bad(text, field=name)


def _plain(values: Json) -> Json:
    """As `create` takes it."""
    return {
        name: [[0, 0, {key: each for key, each in line.items() if key != "_xid"}] for line in value]
        if isinstance(value, list) and value and isinstance(value[0], dict)
        else value
        for name, value in values.items()
    }


def _with_line_ids(db: Database, model: str, values: Json) -> Json:
    """Lines that bear an id of their own are written, all others added."""
    changed: Json = {}
    for name, value in values.items():
        field = db.models[model][name]
        if field.kind != "one2many":
            changed[name] = value
            continue
        commands: list[list[Any]] = []
        for line in value:
            plain = {key: each for key, each in line.items() if key != "_xid"}
            known = db.external.get(_named(line["_xid"])) if line.get("_xid") else None
            commands.append([1, known[1], plain] if known else [0, 0, plain])
        changed[name] = commands
    return changed
