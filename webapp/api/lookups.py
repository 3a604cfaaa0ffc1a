"""Look-up tables: their rows, and what changing them would release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from marshmallow import Schema, fields, validate

from sync.desk.lookup_rows import LookupRow
from sync.desk.lookup_views import TableView, list_tables, table_view
from sync.desk.lookups import Applied, Change, preview_rows, remove_lookup, save_lookups
from sync.desk.needs_told import figures_to_json
from sync.rules.lookups import GLOBAL
from sync.store.lookups import RowFilter, RowKey, StoredRow, find_rows, load_row
from sync.store.needs import Release
from webapp.api.access import api_actor, caller
from webapp.api.issue_shapes import ReleaseSchema
from webapp.api.problems import ApiProblem, missing
from webapp.api.refusals import refusing
from webapp.api.routes import ApiBlueprint, endpoint
from webapp.api.shapes import MAX_PAGE, MAX_REASON, MAX_TEXT, MAX_VALUE, Moment, Text
from webapp.console.home import ring_all
from webapp.parts import parts

blueprint = ApiBlueprint("api-lookups", __name__, description="What a value of one system is in the other.")

_TABLE: Final = "/lookups/<table>"
_MAX_ROWS: Final = 5_000


class TableSchema(Schema):
    """One table."""

    name = fields.String(required=True)
    label = fields.String(required=True)
    values = fields.String(required=True, metadata={"description": "What it translates."})
    targets = fields.String(required=True, metadata={"description": "Into what."})
    rows = fields.Integer(required=True)
    own = fields.Boolean(required=True, metadata={"description": "Made by somebody here."})
    conditions = fields.List(fields.String(), required=True, metadata={"description": "What `when` may ask for."})
    kinds = fields.Dict(
        fields.String(),
        fields.String(),
        required=True,
        metadata={"description": "What each of these is: `text`, `number` (a number or a range), `country`."},
    )
    choices = fields.List(fields.String(), required=True, metadata={"description": "The only targets; empty: any."})


class Tables(Schema):
    """Every table."""

    tables = fields.List(fields.Nested(TableSchema), required=True)


class RowQuery(Schema):
    """Which rows of a table."""

    q = Text(most=MAX_TEXT, load_default="", metadata={"description": "A part of the value, the target, the author."})
    scope = Text(most=160, load_default="")
    page = fields.Integer(load_default=1, validate=validate.Range(1, 100_000))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MAX_PAGE))


class RowSchema(Schema):
    """One row."""

    value = fields.String(required=True)
    target = fields.String(required=True)
    scope = fields.String(required=True)
    when = fields.String(required=True)
    revision = fields.Integer(required=True)
    changed_at = Moment(required=True)
    changed_by = fields.String(required=True)


class Rows(Schema):
    """A page of rows."""

    rows = fields.List(fields.Nested(RowSchema), required=True)
    count = fields.Integer(required=True)
    more = fields.Boolean(required=True)


class RowKeyBody(Schema):
    """Which row."""

    value = Text(required=True, least=1, most=MAX_VALUE, metadata={"description": "A `*` makes it a pattern."})
    scope = Text(
        most=160,
        load_default=GLOBAL,
        metadata={"description": "`global`, `connection:<name>` or `channel:<name>`; the narrower wins."},
    )
    when = Text(most=MAX_VALUE, load_default="", metadata={"description": "Conditions, such as `country=DE`."})


class RowBody(RowKeyBody):
    """A row as it shall be."""

    target = Text(required=True, least=1, most=MAX_VALUE)


class RowsBody(Schema):
    """Rows as they shall be: all or none."""

    rows = fields.List(fields.Nested(RowBody), required=True, validate=validate.Length(1, _MAX_ROWS))
    replace = fields.Boolean(
        load_default=False, metadata={"description": "All other rows of the table go.", "example": False}
    )


class SaveBody(RowsBody):
    """Rows, why, and what the decision rests on."""

    reason = Text(most=MAX_REASON, load_default="", lines=True)
    seen = Text(most=64, load_default="", metadata={"description": "Of the preview: refused if it is older."})


class RemoveBody(RowKeyBody):
    """Which row goes, as it was seen."""

    revision = fields.Integer(required=True, strict=True, validate=validate.Range(1, 10**9))
    reason = Text(most=MAX_REASON, load_default="", lines=True)


class ChangeSchema(Schema):
    """One row that becomes another one."""

    kind = fields.String(required=True, metadata={"description": "`added`, `changed` or `removed`."})
    value = fields.String(required=True)
    scope = fields.String(required=True)
    when = fields.String(required=True)
    before = fields.String(required=True, allow_none=True)
    after = fields.String(required=True, allow_none=True)


class PreviewSchema(Schema):
    """What changes would do, counted now."""

    changes = fields.List(fields.Nested(ChangeSchema), required=True)
    unchanged = fields.Integer(required=True)
    release = fields.Nested(ReleaseSchema, required=True)
    seen = fields.String(required=True)


class AppliedSchema(Schema):
    """What changes have done."""

    changes = fields.List(fields.Nested(ChangeSchema), required=True)
    release = fields.Nested(ReleaseSchema, required=True)
    runs = fields.List(fields.String(), required=True, metadata={"description": "Ids of the releases (/runs/...)."})


@endpoint(blueprint, "GET", "/lookups", scope="mappings:read", answer=Tables)
def list_all() -> dict[str, Any]:
    """Every table, with what it is for."""
    return {"tables": [_table(one) for one in list_tables(parts().store)]}


@endpoint(blueprint, "GET", f"{_TABLE}/rows", scope="mappings:read", query=RowQuery, answer=Rows)
def list_rows(query: dict[str, Any], table: str) -> dict[str, Any]:
    """The rows of a table, in the order of their values."""
    page, limit = query["page"], query["limit"]
    which = RowFilter(table=_found(table).name, scope=query["scope"], text=query["q"])
    rows, count = parts().store.read(lambda c: find_rows(c, which, offset=(page - 1) * limit, limit=limit))
    return {"rows": [_row(row) for row in rows], "count": count, "more": count > page * limit}


@endpoint(blueprint, "POST", f"{_TABLE}/preview", scope="mappings:write", body=RowsBody, answer=PreviewSchema)
def preview(body: dict[str, Any], table: str) -> dict[str, Any]:
    """What saving these rows would change and release; nothing is changed."""
    rows, only = _wanted(table, body)
    with refusing():
        found = preview_rows(parts().store, parts().config, rows, only=only)
    return {
        "changes": _changes(found.changes),
        "unchanged": found.unchanged,
        "release": _release(found.release),
        "seen": found.seen,
    }


@endpoint(blueprint, "PUT", f"{_TABLE}/rows", scope="mappings:write", body=SaveBody, answer=AppliedSchema)
def save(body: dict[str, Any], table: str) -> dict[str, Any]:
    """Add and change rows, all or none, and release everything that waits for them."""
    rows, only = _wanted(table, body)
    options = {"reason": body["reason"].strip(), "seen": body["seen"], "only": only}
    with refusing():
        applied = save_lookups(parts().store, parts().config, rows, actor=api_actor(), **options)
    return _applied(applied)


@endpoint(blueprint, "POST", f"{_TABLE}/remove", scope="mappings:write", body=RemoveBody, answer=AppliedSchema)
def remove(body: dict[str, Any], table: str) -> dict[str, Any]:
    """Take one row away, as it was seen; its history stays."""
    _demand_scope(body["scope"])
    key = RowKey(_found(table).name, body["scope"], body["value"], body["when"])
    row = parts().store.read(lambda c: load_row(c, key))
    if row is None:
        raise missing("row")
    if row.revision != body["revision"]:
        raise ApiProblem(
            409,
            "changed_since",
            "Somebody has changed this row since you looked.",
            "Read what it says now and decide anew.",
            field="/revision",
            found=str(body["revision"]),
            expected=str(row.revision),
        )
    with refusing():
        applied = remove_lookup(parts().store, parts().config, row, actor=api_actor(), reason=body["reason"].strip())
    return _applied(applied)


# --- what answers are made of -----------------------------------------------------------------------------------


def _found(table: str) -> TableView:
    """Raises ApiProblem."""
    found = table_view(parts().store, table)
    if found is None:
        raise missing("look-up table")
    return found


def _wanted(table: str, body: dict[str, Any]) -> tuple[list[LookupRow], set[str]]:
    """The rows, and the tables of which all others go. Raises ApiProblem."""
    name = _found(table).name
    rows = [LookupRow(name, row["value"], row["target"], row["scope"], row["when"]) for row in body["rows"]]
    for row in rows:
        _demand_scope(row.scope)
    if body["replace"]:
        _demand_scope(GLOBAL)
    return rows, {name} if body["replace"] else set()


def _demand_scope(scope: str) -> None:
    """A token that is limited to channels changes rows of these alone: others reach beyond them. Raises ApiProblem."""
    who = caller()
    kind, _, name = scope.partition(":")
    if who.is_limited and not (kind == "channel" and who.sees(name)):
        raise ApiProblem(
            403,
            "channel_out_of_reach",
            "The token is limited to channels, and this row reaches beyond them.",
            "Write a row for the channel alone, or use a token without channels.",
            found=scope,
            expected=" ".join(f"channel:{channel}" for channel in sorted(who.channels)),
        )


def _table(one: TableView) -> dict[str, Any]:
    return {
        "name": one.name,
        "label": str(one.label),
        "values": str(one.values),
        "targets": str(one.targets),
        "rows": one.rows,
        "own": one.own,
        "conditions": sorted(one.facts),
        "kinds": dict(one.facts),
        "choices": list(one.choices),
    }


def _row(row: StoredRow) -> dict[str, Any]:
    return {
        **_key(row.key),
        "target": row.target,
        "revision": row.revision,
        "changed_at": row.changed_at,
        "changed_by": row.changed_by,
    }


def _key(key: RowKey) -> dict[str, str]:
    return {"value": key.value, "scope": key.scope, "when": key.conditions}


def _changes(changes: Sequence[Change]) -> list[dict[str, Any]]:
    return [{**_key(one.key), "kind": one.kind, "before": one.before, "after": one.after} for one in changes]


def _release(found: Release) -> dict[str, Any]:
    return {"goes": figures_to_json(found.goes), "stays": figures_to_json(found.stays)}


def _applied(applied: Applied) -> dict[str, Any]:
    ring_all()
    return {
        "changes": _changes(applied.changes),
        "release": _release(applied.release),
        "runs": [str(run.id) for run in applied.runs],
    }
