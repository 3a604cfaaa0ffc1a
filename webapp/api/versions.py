"""What the source sent of an order, and what it has changed of it from one word to the next."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from sync.desk.passport import received
from sync.desk.versions import changed_by_shop
from webapp.api.orders import ORDER, blueprint, found_order
from webapp.api.problems import invalid, missing
from webapp.api.routes import endpoint
from webapp.api.shapes import Json, Moment, Text, number_of
from webapp.parts import parts

__all__ = ["blueprint"]


class EventQuery(Schema):
    """Which word of the source."""

    event = Text(most=20, load_default="", metadata={"description": "Without: the newest one that changed anything."})


class WordSchema(Schema):
    """One word of the source."""

    event = fields.String(required=True)
    source = fields.String(required=True, metadata={"description": "`webhook`, `poll`, `fetch` or `file`."})
    version = fields.String(required=True)
    received_at = Moment(required=True)


class FieldChangeSchema(Schema):
    """One field; where it is not there at all, `before` or `after` is left out."""

    path = fields.String(required=True, metadata={"description": "`line_items[id=12].quantity`."})
    before = Json()
    after = Json()


class VersionsSchema(Schema):
    """Two words, the one after the other, and what is different."""

    before = fields.Nested(WordSchema, required=True)
    after = fields.Nested(WordSchema, required=True)
    changes = fields.List(fields.Nested(FieldChangeSchema), required=True)
    more = fields.Integer(required=True, metadata={"description": "Fields that differ too and are not listed."})


class ChangesSchema(Schema):
    """What the source has changed; null where there is nothing to compare."""

    versions = fields.Nested(VersionsSchema, required=True, allow_none=True)


@endpoint(blueprint, "GET", f"{ORDER}/received", scope="orders:read")
def show_received(channel: str, external_id: str) -> Response:
    """The order as its source sent it last, byte for byte."""
    content = received(parts().store, parts().config, found_order(channel, external_id))
    if content is None:
        raise missing("payload: it is not kept any more")
    return Response(content, mimetype="application/json")


@endpoint(blueprint, "GET", f"{ORDER}/changes", scope="orders:read", query=EventQuery, answer=ChangesSchema)
def show_changes(query: dict[str, Any], channel: str, external_id: str) -> dict[str, Any]:
    """What the source itself has changed of it, field by field: last, or with one of its words."""
    event = number_of(query["event"]) if query["event"] else None
    if query["event"] and event is None:
        raise invalid("query:event", query["event"], "the id of an event")
    found = changed_by_shop(parts().store, parts().config, found_order(channel, external_id), event)
    return {"versions": None if found is None else found.to_json()}
