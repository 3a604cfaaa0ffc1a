"""The audit: who changed what, when, from where and why."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from sync.desk.activity import activity_page
from sync.store.audit import AuditFilter
from webapp.api.access import demand_all_channels
from webapp.api.problems import invalid
from webapp.api.routes import ApiBlueprint, endpoint
from webapp.api.shapes import MAX_NAME, MAX_PAGE, MAX_TEXT, MAX_VALUE, Moment, Text, number_of
from webapp.parts import parts

blueprint = ApiBlueprint("api-audit", __name__, description="Who changed what.")


class AuditQuery(Schema):
    """Which changes."""

    actor = Text(most=MAX_NAME, load_default="", metadata={"description": "A login, or `token:<name>`."})
    action = Text(most=64, load_default="")
    thing = Text(
        most=MAX_VALUE,
        load_default="",
        metadata={"description": "What was changed, or how that begins: `order`, `order:web:1001`, `run:7`."},
    )
    text = Text(most=MAX_TEXT, load_default="")
    since = Moment()
    until = Moment()
    after = Text(most=20, load_default="", metadata={"description": "`next` of a page: older changes."})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MAX_PAGE))


class EntrySchema(Schema):
    """One change."""

    id = fields.String(required=True)
    at = Moment(required=True)
    actor = fields.String(required=True)
    origin = fields.String(required=True)
    action = fields.String(required=True)
    subject = fields.String(required=True)
    before = fields.String(required=True)
    after = fields.String(required=True)
    reason = fields.String(required=True)


class AuditPage(Schema):
    """A page of changes, the newest first."""

    entries = fields.List(fields.Nested(EntrySchema), required=True)
    next = fields.String(required=True, allow_none=True)


@endpoint(blueprint, "GET", "/audit", scope="audit:read", query=AuditQuery, answer=AuditPage)
def list_entries(query: dict[str, Any]) -> dict[str, Any]:
    """Every change that fits; not for tokens that are limited to channels."""
    demand_all_channels()
    limit, after = query.pop("limit"), query.pop("after")
    below = number_of(after) if after else None
    if after and below is None:
        raise invalid("query:after", after, "`next` of an earlier page")
    page = activity_page(parts().store, AuditFilter(**query), size=limit, below=below)
    return {"entries": page.entries, "next": None if page.older_than is None else str(page.older_than)}
