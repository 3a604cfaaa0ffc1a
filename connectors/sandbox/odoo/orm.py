"""Creating, writing, reading and removing records: what every model can do."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from connectors.sandbox.odoo.database import Database, Json, OdooError, required, shown
from connectors.sandbox.odoo.domain import search
from connectors.sandbox.odoo.fields import LABELS, Field

#: Model -> what a new record is given before it is stored, and what happens when it is.
DEFAULTS: Final[dict[str, Callable[[Database, Json], None]]] = {}
CREATED: Final[dict[str, Callable[[Database, Json], None]]] = {}
#: Model -> what a rule of the business has against a write, or a removal.
GUARDS: Final[dict[str, Callable[[Database, Json, Mapping[str, Any]], None]]] = {}
REMOVALS: Final[dict[str, Callable[[Database, Json], None]]] = {}
#: Model -> whose stamps a write of it moves too.
TOUCHES: Final[dict[str, tuple[str, str]]] = {}


def create(db: Database, model: str, values: Mapping[str, Any]) -> int:
    """One record with its lines. Raises OdooError."""
    _known(db, model, values)
    columns = {name: value for name, value in values.items() if db.models[model][name].kind != "one2many"}
    columns = {name: _stored(db, db.models[model][name], value) for name, value in columns.items()}
    if (default := DEFAULTS.get(model)) is not None:
        default(db, columns)
    for name, field in db.models[model].items():
        if field.required and not columns.get(name):
            told = required(model, field.label or name, name, LABELS.get(model, model))
            text = f"The operation cannot be completed: {told}"
            raise OdooError("odoo.exceptions.ValidationError", text, 422)
    record = db.insert(model, columns)
    for name, commands in values.items():
        if db.models[model][name].kind == "one2many":
            _lines(db, db.models[model][name], record["id"], commands)
    if (made := CREATED.get(model)) is not None:
        made(db, record)
    return int(record["id"])


def write(db: Database, model: str, ids: Sequence[int], values: Mapping[str, Any]) -> None:
    """The same values to each record. Raises OdooError."""
    _known(db, model, values)
    for number in ids:
        record = db.get(model, number)
        if (guard := GUARDS.get(model)) is not None:
            guard(db, record, values)
        columns = {name: value for name, value in values.items() if db.models[model][name].kind != "one2many"}
        kept = {name: _stored(db, db.models[model][name], value) for name, value in columns.items()}
        # Stored as it stands already, nothing is written, and no stamp moves.
        if any(record.get(name) != value for name, value in kept.items()):
            db.update(model, record, kept)
            _touch(db, model, record)
        for name, commands in values.items():
            if db.models[model][name].kind == "one2many":
                _lines(db, db.models[model][name], number, commands)
                db.update(model, record, {})


def unlink(db: Database, model: str, ids: Sequence[int]) -> None:
    """Remove records with their lines. Raises OdooError."""
    for number in ids:
        record = db.get(model, number)
        if (guard := REMOVALS.get(model)) is not None:
            guard(db, record)
        for name, field in db.models[model].items():
            if field.kind == "one2many" and field.model.startswith(model):
                for line in db.value(model, record, name):
                    db.delete(field.model, line)
        db.delete(model, number)


def read(db: Database, model: str, ids: Sequence[int], fields: Sequence[str], context: Mapping[str, Any]) -> list[Json]:
    """Records that are there, with these fields. Raises OdooError for one that the model has not."""
    for name in fields:
        if name not in db.models[model]:
            raise OdooError("builtins.ValueError", f"Invalid field '{name}' on '{model}'", 500)
    names = list(dict.fromkeys(["id", *fields]))
    rows = [db.tables[model][number] for number in ids if number in db.tables[model]]
    return [{name: shown(db, model, row, name, context) for name in names} for row in rows]


def read_nested(
    db: Database, model: str, ids: Sequence[int], specification: Mapping[str, Any], context: Mapping[str, Any]
) -> list[Json]:
    """As `web_read`: relations carry the fields that are asked of them."""
    rows = []
    for row in read(db, model, ids, list(specification), context):
        for name, inner in specification.items():
            field = db.models[model][name]
            if not field.model or not isinstance(inner, dict):
                continue
            if field.kind == "many2one":
                row[name] = row[name][0] if row[name] else False
                if row[name] and "fields" in inner:
                    [row[name]] = read_nested(db, field.model, [row[name]], inner["fields"], context)
            elif "fields" in inner:
                row[name] = read_nested(db, field.model, row[name], inner["fields"], context)
        rows.append(row)
    return rows


def find(
    db: Database,
    model: str,
    domain: Sequence[Any],
    context: Mapping[str, Any],
    *,
    order: str | None = None,
    offset: int = 0,
    limit: int | None = None,
) -> list[int]:
    """Ids that match; without an order as the model likes it: newest first for documents."""
    rows = search(db, model, domain, context)
    if order is None and model in {"sale.order", "stock.picking", "account.move", "account.payment"}:
        rows.reverse()
    for part in reversed((order or "").split(",") if order else []):
        name, _, direction = part.strip().partition(" ")
        key = name

        def by(row: Json, name: str = key) -> Any:
            value = db.value(model, row, name, context)
            return (value is not None, value) if value is not None else (False, "")

        rows.sort(key=by, reverse=direction.lower() == "desc")
    end = None if not limit else offset + limit
    return [row["id"] for row in rows[offset:end]]


def attach(db: Database, model: str, number: int, name: str, body: bytes) -> int:
    """A PDF that hangs on a record."""
    values = {
        "name": name,
        "mimetype": "application/pdf",
        "datas": base64.b64encode(body).decode(),
        "file_size": len(body),
        "res_model": model,
        "res_id": number,
    }
    return int(db.insert("ir.attachment", values)["id"])


def _known(db: Database, model: str, values: Mapping[str, Any]) -> None:
    for name in values:
        if name not in db.models[model]:
            raise OdooError("builtins.ValueError", f"Invalid field '{name}' in '{model}'", 500)


def _stored(db: Database, field: Field, value: Any) -> Any:
    if field.kind == "many2many":
        return _linked(value)
    if field.kind == "many2one" and value:
        db.get(field.model, value)
    return None if value is False and field.kind != "boolean" else value


def _linked(commands: Any) -> list[int]:
    """What `[6, 0, ids]`, `[4, id]` or plain ids come to."""
    found: list[int] = []
    for command in commands or []:
        if isinstance(command, int):
            found.append(command)
        elif command[0] == 6:  # noqa: PLR2004 - Odoo's command for "these and no others"
            found = list(command[2])
        elif command[0] == 4:  # noqa: PLR2004 - "and this one"
            found.append(command[1])
        elif command[0] == 5:  # noqa: PLR2004 - "none"
            found = []
    return found


def _lines(db: Database, field: Field, owner: int, commands: Sequence[Any]) -> None:
    for command in commands or []:
        match command[0]:
            case 0:
                create(db, field.model, {**command[2], field.inverse: owner})
            case 1:
                write(db, field.model, [command[1]], command[2])
            case 2:
                unlink(db, field.model, [command[1]])


def _touch(db: Database, model: str, record: Json) -> None:
    if (touched := TOUCHES.get(model)) is not None:
        owner_model, column = touched
        owner = db.tables[owner_model].get(record.get(column) or 0)
        if owner is not None:
            db.update(owner_model, owner, {})
