"""Corrections of an order: what may be corrected, what would come of it, kept, and taken back."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from sync.desk.correction_fields import with_fields
from sync.desk.corrections import (
    Draft,
    check,
    corrections_of,
    demand_current,
    draft_of,
    keep_correction,
    original_of,
    take_back,
)
from sync.desk.corrections_told import changes_to_json, correction_to_json, counting
from sync.rules.corrections import Basis
from sync.rules.systems import ChannelSystems
from sync.store.bodies import dump_json, load_json
from sync.store.orders import StoredOrder
from sync.work.rehearse import dry_run
from webapp.api.access import api_actor
from webapp.api.orders import ORDER, blueprint, found_order
from webapp.api.problems import missing
from webapp.api.refusals import refusing
from webapp.api.routes import endpoint
from webapp.api.shapes import MAX_VALUE, Json, Reason, Text
from webapp.parts import parts

__all__ = ["blueprint"]

_BASES: Final = [basis.value for basis in Basis]
_ABOUT_BASIS: Final = (
    "`order`: the order as it was read; `source`: what the shop sent. Left out: the order, where one can be made."
)


class BasisQuery(Schema):
    """What is corrected."""

    basis = fields.String(validate=validate.OneOf(_BASES), metadata={"description": _ABOUT_BASIS})


class CorrectionsAnswer(Schema):
    """What may be corrected now, and what was."""

    seen = fields.String(required=True, metadata={"description": "What a correction of this document takes."})
    basis = fields.String(required=True)
    document = Json(required=True, metadata={"description": "As it counts now."})
    outdated = Json(required=True, metadata={"description": "Corrections that the shop has overtaken."})
    corrections = Json(required=True, metadata={"description": "All of them, as the order's passport tells them."})


class FieldValue(Schema):
    """One field, and what is to stand there."""

    field = Text(required=True, least=1, most=MAX_VALUE, metadata={"description": "`shipping.city`, `lines[0].sku`."})
    value = fields.Raw(required=True, allow_none=True)


class Corrected(BasisQuery):
    """Fields with their values, or the whole document."""

    seen = Text(required=True, least=1, most=64, metadata={"description": "`seen` of what you began with."})
    fields_ = fields.List(fields.Nested(FieldValue), data_key="fields", validate=validate.Length(1, 200))
    document = fields.Dict(keys=fields.String())

    @validates_schema
    def _one_of_both(self, data: dict[str, Any], **_options: Any) -> None:
        if ("fields_" in data) == ("document" in data):
            raise ValidationError("Name fields, or the whole document.", "fields")


class KeptCorrection(Corrected, Reason):
    """The same with why."""


class CorrectionPreview(Schema):
    """What would come of it."""

    changes = Json(required=True, metadata={"description": "field, before, after; against what the shop says."})
    dry_run = Json(required=True, metadata={"description": "The exact calls, as of `POST .../dry-run`."})


class CorrectionAnswer(Schema):
    """One correction."""

    correction = Json(required=True)


@endpoint(blueprint, "GET", f"{ORDER}/corrections", scope="orders:read", query=BasisQuery, answer=CorrectionsAnswer)
def list_corrections(query: dict[str, Any], channel: str, external_id: str) -> Response:
    """What of an order may be corrected now, and every correction so far."""
    order = found_order(channel, external_id)
    with refusing():
        _, draft = _draft(order, query)
    made = corrections_of(parts().store, order)
    answer = {
        "seen": draft.seen,
        "basis": draft.basis.value,
        "document": draft.document,
        "outdated": [
            {"field": str(each.change), "reason": str.__str__(each.problem.reason)} for each in draft.conflicts
        ],
        "corrections": [correction_to_json(each, counting(made)) for each in made],
    }
    return Response(dump_json(answer), mimetype="application/json")


@endpoint(blueprint, "GET", f"{ORDER}/corrections/<int:number>/original", scope="orders:read")
def show_original(channel: str, external_id: str, number: int) -> Response:
    """The document as it was without any correction, when this one was made."""
    content = original_of(parts().store, found_order(channel, external_id), number)
    if content is None:
        raise missing("correction")
    return Response(content, mimetype="application/json")


@endpoint(
    blueprint, "POST", f"{ORDER}/corrections/preview", scope="orders:write", body=Corrected, answer=CorrectionPreview
)
def preview_correction(body: dict[str, Any], channel: str, external_id: str) -> dict[str, Any]:
    """What would be different, and the exact calls that would follow; nothing is kept."""
    order = found_order(channel, external_id)
    with refusing():
        systems, draft = _draft(order, body)
        demand_current(parts().store, order, draft, body["seen"])
        changes = check(parts().store, systems, order, draft, _document(draft, body))
        report = dry_run(parts().store, parts().systems, order, trial=draft.trial(changes))
    return {"changes": changes_to_json(changes), "dry_run": report.to_json()}


@endpoint(blueprint, "POST", f"{ORDER}/corrections", scope="orders:write", body=KeptCorrection, answer=CorrectionAnswer)
def keep(body: dict[str, Any], channel: str, external_id: str) -> dict[str, Any]:
    """Correct an order, and have it looked at with that. Of both kinds the newest one says all that is different."""
    order = found_order(channel, external_id)
    with refusing():
        systems, draft = _draft(order, body)
        demand_current(parts().store, order, draft, body["seen"])
        made = keep_correction(
            parts().store,
            systems,
            order,
            _document(draft, body),
            seen=body["seen"],
            actor=api_actor(),
            reason=body["reason"],
            basis=draft.basis,
        )
    parts().bell.ring(order.channel, "order")
    return {"correction": correction_to_json(made, {made.number})}


@endpoint(
    blueprint,
    "POST",
    f"{ORDER}/corrections/<int:number>/take-back",
    scope="orders:write",
    body=Reason,
    answer=CorrectionAnswer,
)
def take_correction_back(body: dict[str, Any], channel: str, external_id: str, number: int) -> dict[str, Any]:
    """A correction counts no more, and the one before it does again; the order is looked at."""
    order = found_order(channel, external_id)
    with refusing():
        systems = parts().systems.channel(order.channel)
        take_back(parts().store, systems, order, number, actor=api_actor(), reason=body["reason"])
    parts().bell.ring(order.channel, "order")
    made = next(each for each in corrections_of(parts().store, order) if each.number == number)
    return {"correction": correction_to_json(made, ())}


def _draft(order: StoredOrder, asked: dict[str, Any]) -> tuple[ChannelSystems, Draft]:
    systems = parts().systems.channel(order.channel)
    return systems, draft_of(parts().store, systems, order, Basis(asked["basis"]) if "basis" in asked else None)


def _document(draft: Draft, body: dict[str, Any]) -> Any:
    # Numbers digit for digit, as the shop's own document has them.
    exact = load_json(request.get_data())
    if "document" in body:
        return exact["document"]
    return with_fields(draft.document, {each["field"]: each["value"] for each in exact["fields"]})
