"""Saved views: the filters of lists that people share. A token is nobody's, so it has none of its own."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from sync.desk.views import FILTERS, shared_views
from webapp.api.routes import ApiBlueprint, endpoint
from webapp.parts import parts

blueprint = ApiBlueprint("api-views", __name__, description="Filters of lists that people share, by name.")


class ViewQuery(Schema):
    """Of which list."""

    page = fields.String(load_default="", validate=validate.OneOf(["", *FILTERS]))


class ViewSchema(Schema):
    """The filters of a list."""

    id = fields.String(required=True)
    page = fields.String(required=True)
    name = fields.String(required=True)
    owner = fields.String(required=True)
    query = fields.String(required=True, metadata={"description": "As it stands in the console's address."})


class ViewList(Schema):
    """All of them, by name."""

    views = fields.List(fields.Nested(ViewSchema), required=True)


@endpoint(blueprint, "GET", "/views", scope="orders:read", query=ViewQuery, answer=ViewList)
def list_all(query: dict[str, Any]) -> dict[str, Any]:
    """What people share."""
    return {"views": shared_views(parts().store, query["page"])}
