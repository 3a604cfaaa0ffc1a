"""Orders that programs send in: stored before they are answered, and looked at like those of any other source."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any, Final, cast
from urllib.parse import quote

from flask import request
from marshmallow import Schema, fields
from werkzeug.exceptions import InternalServerError

from connectors.kit.base import Delivery, ReadsPosted
from connectors.registry import class_of, has
from sync.work.receive import NotStored, RowRefused
from sync.work.receive.receipts import make_events
from webapp.api.access import demand_channel
from webapp.api.problems import ApiProblem, missing
from webapp.api.routes import ApiBlueprint, endpoint
from webapp.parts import parts

blueprint = ApiBlueprint("api-sources", __name__, description="Orders that programs send in.")

_RETRY_AFTER_S: Final = 5
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "description": "One order, or a list of at most 100, as the connection's options and its mapping profile read it.",
    "content": {
        "application/json": {
            "schema": {"oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}, "maxItems": 100}]}
        }
    },
}


class SentPlace(Schema):
    """Where an order is looked at."""

    channel = fields.String(required=True)
    address = fields.String(required=True, metadata={"description": "Of its state; for a token with `orders:read`."})


class SentOrder(Schema):
    """What became of one order of the call."""

    index = fields.Integer(required=True, metadata={"description": "Its place in the list, from 0."})
    accepted = fields.Boolean(required=True)
    external_id = fields.String(required=True, allow_none=True, metadata={"description": "null: it has none."})
    problem = fields.String(required=True, metadata={"description": "Why it was not accepted; empty where it was."})
    places = fields.List(fields.Nested(SentPlace), required=True)


class SentOrders(Schema):
    """What became of the orders of the call, in their order."""

    accepted = fields.Integer(required=True)
    refused = fields.Integer(required=True)
    orders = fields.List(fields.Nested(SentOrder), required=True)


@endpoint(
    blueprint,
    "POST",
    "/sources/<connection>/orders",
    scope="sources:write",
    answer=SentOrders,
    status=202,
    about={"requestBody": _BODY},
)
def send_orders(connection: str) -> dict[str, Any]:
    """Send orders in: each that has an id is stored before the answer, and looked at soon.

    One that cannot be mapped is not refused: it is stored, and its state says what is wrong with it. Only what has no
    id (or no version, where there should be one) is refused, and keeps no other order of the list back.
    """
    source, channels = _source(connection)
    body = request.get_data(cache=True)
    found = source.read_posted(body)
    if found.problem or not found.parts:
        raise _refused([("", found.problem or "The list is empty.")])
    sent = [_judged(connection, part) for part in found.parts]
    good = tuple(part for part in sent if not part.problem)
    if not good:
        raise _refused([(f"/{index}", part.problem) for index, part in enumerate(sent)])
    try:
        parts().receiver.receive(connection, dataclasses.replace(found, parts=good), body)
    except NotStored as error:
        raise ApiProblem(
            503,
            "database_busy",
            "The database is busy or away; not all of the orders are stored.",
            "Send the same again in a moment: an order that is stored already is not stored twice.",
            headers={"Retry-After": str(_RETRY_AFTER_S)},
        ) from error
    except RowRefused as error:
        raise InternalServerError from error
    orders = [_told(index, part, channels) for index, part in enumerate(sent)]
    return {"accepted": len(good), "refused": len(sent) - len(good), "orders": orders}


def _source(name: str) -> tuple[ReadsPosted, list[str]]:
    """The connection's connector, and the channels that it feeds. Raises ApiProblem."""
    config = parts().config
    known = config.connections.get(name)
    channels = [channel.name for channel in config.channels_of_source(name)] if known else []
    if known is None or not channels or not has(class_of(known.system), ReadsPosted):
        raise missing("source of orders (system: api)")
    for channel in channels:
        demand_channel(channel)
    return cast("ReadsPosted", parts().systems.connector(name)), channels


def _judged(connection: str, part: Delivery) -> Delivery:
    """With its problem, where it could not be stored as what it is."""
    if part.problem:
        return part
    [event] = make_events(connection, dataclasses.replace(part, parts=(part,)), b"", dt.datetime.now(dt.UTC))
    return dataclasses.replace(part, problem=event.problem)


def _told(index: int, part: Delivery, channels: list[str]) -> dict[str, Any]:
    external_id = part.external_id if not part.problem else None
    places = [
        {"channel": name, "address": f"/api/v1/orders/{quote(name, safe='')}/{quote(external_id, safe='')}"}
        for name in (channels if external_id is not None else ())
        if external_id is not None
    ]
    return {
        "index": index,
        "accepted": not part.problem,
        "external_id": external_id,
        "problem": str(part.problem),
        "places": places,
    }


def _refused(errors: list[tuple[str, str]]) -> ApiProblem:
    return ApiProblem(
        422,
        "no_order",
        "Nothing of this can be kept as an order.",
        "Correct what `errors` names; where it is the place of the id, correct the options of the connection.",
        errors=errors,
    )
