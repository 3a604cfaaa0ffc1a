"""How things are: connections, channels, the proof, schedules and the queue; and what stops and goes on."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from sync.desk.connections import list_connections
from sync.desk.home import ChannelHealth, ConnectionHealth, Home, home_of
from sync.desk.operations import operations_of
from sync.desk.switching import pause_by_hand, resume_by_hand
from sync.store.reports import last_report
from webapp.api.access import api_actor, caller, demand_all_channels, demand_channel
from webapp.api.problems import missing
from webapp.api.refusals import refusing
from webapp.api.routes import ApiBlueprint, endpoint
from webapp.api.shapes import Json, Moment, Reason, plain
from webapp.console.home import ring_all
from webapp.parts import parts

blueprint = ApiBlueprint("api-status", __name__, description="How connections, channels and the machinery are.")


class PauseSchema(Schema):
    """Why something stands still."""

    reason = fields.String(required=True)
    until = Moment(required=True, allow_none=True, metadata={"description": "null: until somebody resumes it."})


class ConnectionSchema(Schema):
    """One account on another system."""

    name = fields.String(required=True)
    system = fields.String(required=True)
    condition = fields.String(required=True)
    reasons = fields.List(fields.String(), required=True)
    is_source = fields.Boolean(required=True)
    is_target = fields.Boolean(required=True)
    pause = fields.Nested(PauseSchema, required=True, allow_none=True)
    last_success = Moment(required=True, allow_none=True)
    backlog = fields.Integer(required=True)
    next_at = Moment(required=True, allow_none=True, metadata={"description": "When it is asked for changes next."})


class ChannelSchema(Schema):
    """One source bound to one ERP."""

    name = fields.String(required=True)
    source = fields.String(required=True)
    erp = fields.String(required=True)
    counts = fields.Dict(
        keys=fields.String(), values=fields.Integer(), required=True, metadata={"description": "Orders by state."}
    )
    needs = fields.Integer(required=True, metadata={"description": "Orders that a person must decide."})
    in_doubt = fields.Integer(required=True, metadata={"description": "Writes whose outcome nobody knows yet."})
    pause = fields.Nested(PauseSchema, required=True, allow_none=True)


class StatusSchema(Schema):
    """One look at everything that the token reaches."""

    at = Moment(required=True)
    sentence = fields.String(required=True)
    healthy = fields.Boolean(required=True)
    connections = fields.List(fields.Nested(ConnectionSchema), required=True)
    channels = fields.List(fields.Nested(ChannelSchema), required=True)


class Switched(Schema):
    """What a switch has done."""

    name = fields.String(required=True)
    changed = fields.Boolean(required=True)


class ProofSchema(Schema):
    """The newest proof of a channel."""

    channel = fields.String(required=True)
    at = Moment(required=True)
    holds = fields.Boolean(required=True)
    proof = Json(required=True, metadata={"description": "Its sums by day and currency, and its differences."})


class OperationsSchema(Schema):
    """The machinery at this moment."""

    operations = Json(required=True, metadata={"description": "Schedules, drains, the scheduler, the database."})
    queue = Json(required=True, metadata={"description": "The queue's server and the workers."})


@endpoint(blueprint, "GET", "/status", scope="connections:read", answer=StatusSchema)
def show_status() -> dict[str, Any]:
    """Everything at once: a sentence that is true now, each connection, each channel."""
    home = _home()
    connections, channels = _reached(home)
    pauses = _pauses()
    return {
        "at": home.at,
        # Of all channels: whoever reaches some of them hears of these alone.
        "sentence": "" if caller().is_limited else " ".join(str(phrase) for phrase in home.sentence),
        "healthy": home.healthy,
        "connections": [_connection(one, pauses) for one in connections],
        "channels": [_channel(one) for one in channels],
    }


@endpoint(blueprint, "GET", "/connections/<name>", scope="connections:read", answer=ConnectionSchema)
def show_connection(name: str) -> dict[str, Any]:
    """How one connection is."""
    connections, _channels = _reached(_home())
    found = next((one for one in connections if one.name == name), None)
    if found is None:
        raise missing("connection")
    return _connection(found, _pauses())


@endpoint(blueprint, "GET", "/channels/<name>", scope="connections:read", answer=ChannelSchema)
def show_channel(name: str) -> dict[str, Any]:
    """How one channel is."""
    _connections, channels = _reached(_home())
    found = next((one for one in channels if one.name == name), None)
    if found is None:
        raise missing("channel")
    return _channel(found)


@endpoint(blueprint, "POST", "/connections/<name>/pause", scope="connections:write", body=Reason, answer=Switched)
def pause_connection(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Begin no new work with it until somebody resumes it; what comes in is kept."""
    return _pause("connection", name, body["reason"])


@endpoint(blueprint, "POST", "/connections/<name>/resume", scope="connections:write", answer=Switched)
def resume_connection(name: str) -> dict[str, Any]:
    """Go on."""
    return _resume("connection", name)


@endpoint(blueprint, "POST", "/channels/<name>/pause", scope="connections:write", body=Reason, answer=Switched)
def pause_channel(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Begin no new work in it until somebody resumes it; what comes in is kept."""
    return _pause("channel", name, body["reason"])


@endpoint(blueprint, "POST", "/channels/<name>/resume", scope="connections:write", answer=Switched)
def resume_channel(name: str) -> dict[str, Any]:
    """Go on."""
    return _resume("channel", name)


@endpoint(blueprint, "GET", "/proof/<channel>", scope="proof:read", answer=ProofSchema)
def show_proof(channel: str) -> dict[str, Any]:
    """The newest proof that shop, Crossdock and ERP agree; the scheduler makes them."""
    demand_channel(channel)
    if channel not in parts().config.channels:
        raise missing("channel")
    report = parts().store.read(lambda c: last_report(c, "proof", channel))
    if report is None:
        raise missing("proof yet")
    return {"channel": channel, "at": report.at, "holds": report.ok, "proof": report.body}


@endpoint(blueprint, "GET", "/operations", scope="operations:read", answer=OperationsSchema)
def show_operations() -> dict[str, Any]:
    """Schedules, drains, workers, the queue and the database; not for tokens that are limited to channels."""
    demand_all_channels()
    ours = parts()
    found = plain(operations_of(ours.store, ours.config))
    for drain in found["drains"]:
        # It stops the drain for whoever has it.
        del drain["drain"]["token"]
    return {"operations": found, "queue": ours.look_at_queue()}


# --- what answers are made of -----------------------------------------------------------------------------------


def _home() -> Home:
    ours = parts()
    return home_of(ours.store, ours.config, ours.look_at_queue())


def _reached(home: Home) -> tuple[list[ConnectionHealth], list[ChannelHealth]]:
    """What the token may know of."""
    channels = [one for one in home.channels if caller().sees(one.name)]
    ours = {name for one in channels for name in (one.source, one.erp)}
    whole = not caller().is_limited
    return [one for one in home.connections if whole or one.name in ours], channels


def _pauses() -> dict[str, Any]:
    return {one.name: one.pause for one in list_connections(parts().store, parts().config)}


def _connection(one: ConnectionHealth, pauses: dict[str, Any]) -> dict[str, Any]:
    same = ("name", "system", "is_source", "is_target", "last_success", "backlog", "next_at")
    return {
        **{name: getattr(one, name) for name in same},
        "condition": str(one.condition),
        "reasons": [str(reason) for reason in one.reasons],
        "pause": pauses.get(one.name),
    }


def _channel(one: ChannelHealth) -> dict[str, Any]:
    same = ("name", "source", "erp", "needs", "pause")
    counts = {str(state): count for state, count in one.counts.items()}
    return {**{name: getattr(one, name) for name in same}, "in_doubt": one.unknown, "counts": counts}


def _demand(scope: str, name: str) -> None:
    """Raises ApiProblem: a connection serves other channels too, so a limited token does not switch it."""
    if scope == "channel":
        demand_channel(name)
    else:
        demand_all_channels()
    known = parts().config.channels if scope == "channel" else parts().config.connections
    if name not in known:
        raise missing(scope)


def _pause(scope: str, name: str, reason: str) -> dict[str, Any]:
    _demand(scope, name)
    with refusing():
        pause_by_hand(parts().store, scope, name, actor=api_actor(), reason=reason.strip())
    return {"name": name, "changed": True}


def _resume(scope: str, name: str) -> dict[str, Any]:
    _demand(scope, name)
    with refusing():
        done = resume_by_hand(parts().store, scope, name, actor=api_actor(), lift=parts().lift)
    if done.ended:
        ring_all()
    return {"name": name, "changed": done.ended}
