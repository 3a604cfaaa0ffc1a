"""Matches: customers who might be several records of another system, and the word that decides."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, fields, validate

from sync.desk.matches import decide_match, match_detail, match_page, undo_match
from sync.desk.matches_told import detail_to_json, match_to_json
from sync.store.matches import Answer
from webapp.api.access import api_actor, demand_all_channels
from webapp.api.issue_shapes import DocumentSchema, FiguresSchema
from webapp.api.problems import invalid, missing
from webapp.api.refusals import refusing
from webapp.api.routes import ApiBlueprint, endpoint
from webapp.api.shapes import MAX_PAGE, MAX_REASON, MAX_VALUE, Moment, Text, number_of
from webapp.console.home import ring_all
from webapp.parts import parts

blueprint = ApiBlueprint("api-matches", __name__, description="Customers who might be several records elsewhere.")

_MATCH: Final = "/matches/<match_id>"


class MatchQuery(Schema):
    """Which matches."""

    connection = Text(most=MAX_VALUE, load_default="", metadata={"description": "Only those of this connection."})
    decided = fields.Boolean(load_default=False, metadata={"description": "Those that somebody has decided."})
    after = Text(most=20, load_default="", metadata={"description": "`next` of a page."})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MAX_PAGE))


class PersonSchema(Schema):
    """What is known of somebody; what nobody knows is empty."""

    name = fields.String(required=True)
    vat_id = fields.String(required=True)
    email = fields.String(required=True)
    phone = fields.String(required=True)
    street = fields.String(required=True)
    postal_code = fields.String(required=True)
    city = fields.String(required=True)
    country = fields.String(required=True)


class CustomerSchema(PersonSchema):
    """The customer as the order has them that was in doubt first."""

    channel = fields.String(required=True)
    order = fields.String(required=True, metadata={"description": "The order's external id."})
    number = fields.String(required=True)


class CandidateSchema(PersonSchema):
    """One record over there."""

    id = fields.String(required=True)
    code = fields.String(required=True)
    page = fields.String(required=True, metadata={"description": "Its http(s) address over there; empty without one."})
    same = fields.List(fields.String(), required=True, metadata={"description": "In which both say the same."})
    different = fields.List(fields.String(), required=True, metadata={"description": "In which they do not."})


class MatchSummary(Schema):
    """One match."""

    id = fields.String(required=True)
    connection = fields.String(required=True, metadata={"description": "The connection that was asked."})
    key = fields.String(required=True, metadata={"description": "By what the customer is known again."})
    rung = fields.String(required=True, metadata={"description": "`code`, `vat_id`, `email`, `name`."})
    open = fields.Boolean(required=True)
    why = fields.String(required=True, metadata={"description": "Why it is asked again; empty the first time."})
    customer = fields.Nested(CustomerSchema, required=True)
    blocked = fields.Nested(FiguresSchema, required=True)
    opened_at = Moment(required=True)
    answer = fields.String(required=True, metadata={"description": "`same`, `apart`; empty while nobody decided."})
    chosen = fields.String(required=True, metadata={"description": "Of `same` the record's id."})
    decided_at = Moment(required=True, allow_none=True)
    decided_by = fields.String(required=True)
    reason = fields.String(required=True)


class MatchEntry(MatchSummary):
    """One match of a list."""

    candidates = fields.Integer(required=True, metadata={"description": "How many records might be it."})


class MatchWordSchema(Schema):
    """Something that was decided, or taken back."""

    at = Moment(required=True)
    actor = fields.String(required=True)
    action = fields.String(required=True)
    before = fields.String(required=True)
    after = fields.String(required=True)
    reason = fields.String(required=True)


class MatchDetailSchema(MatchSummary):
    """One match with all that helps to decide it."""

    candidates = fields.List(fields.Nested(CandidateSchema), required=True)
    may_be_apart = fields.Boolean(required=True)
    issues = fields.List(fields.String(), required=True, metadata={"description": "What waits (/issues/...)."})
    orders = fields.List(fields.Nested(DocumentSchema), required=True, metadata={"description": "Some that wait."})
    history = fields.List(fields.Nested(MatchWordSchema), required=True)


class MatchPageSchema(Schema):
    """A page of matches, the oldest first."""

    matches = fields.List(fields.Nested(MatchEntry), required=True)
    next = fields.String(required=True, allow_none=True)


class DecideBody(Schema):
    """What the customer is."""

    answer = fields.String(
        required=True,
        validate=validate.OneOf([each.value for each in Answer]),
        metadata={"description": "`same`: the record `chosen`; `apart`: none of them."},
    )
    chosen = Text(most=MAX_VALUE, load_default="", metadata={"description": "Of `same` the id of a candidate."})
    reason = Text(most=MAX_REASON, load_default="", lines=True)


class UndoBody(Schema):
    """Why."""

    reason = Text(most=MAX_REASON, load_default="", lines=True)


@endpoint(blueprint, "GET", "/matches", scope="issues:read", query=MatchQuery, answer=MatchPageSchema)
def list_matches(query: dict[str, Any]) -> dict[str, Any]:
    """Customers in doubt, or those that are decided."""
    demand_all_channels()
    asked, begin = query["after"], number_of(query["after"]) if query["after"] else 0
    if begin is None:
        raise invalid("query:after", asked, "`next` of an earlier page")
    page = match_page(
        parts().store,
        parts().config,
        query["connection"],
        decided=query["decided"],
        after=begin,
        limit=query["limit"],
    )
    return {
        "matches": [match_to_json(match, blocked) for match, blocked in page.entries],
        "next": None if page.next is None else str(page.next),
    }


@endpoint(blueprint, "GET", _MATCH, scope="issues:read", answer=MatchDetailSchema)
def show_match(match_id: str) -> dict[str, Any]:
    """One match: the customer, the records beside them, and what waits."""
    return _shown(_number(match_id))


@endpoint(blueprint, "POST", f"{_MATCH}/decide", scope="issues:write", body=DecideBody, answer=MatchDetailSchema)
def decide(body: dict[str, Any], match_id: str) -> dict[str, Any]:
    """Say which record the customer is, or that it is none; all orders that waited for it go on."""
    number = _number(match_id)
    _shown(number)
    with refusing():
        decide_match(
            parts().store,
            parts().config,
            number,
            Answer(body["answer"]),
            body["chosen"],
            actor=api_actor(),
            reason=body["reason"].strip(),
        )
    ring_all()
    return _shown(number)


@endpoint(blueprint, "POST", f"{_MATCH}/undo", scope="issues:write", body=UndoBody, answer=MatchDetailSchema)
def undo(body: dict[str, Any], match_id: str) -> dict[str, Any]:
    """Take a decision back: later orders of the customer wait again, what was carried over stays."""
    number = _number(match_id)
    _shown(number)
    with refusing():
        undo_match(parts().store, number, actor=api_actor(), reason=body["reason"].strip())
    return _shown(number)


def _number(match_id: str) -> int:
    demand_all_channels()
    number = number_of(match_id)
    if number is None:
        raise missing("match")
    return number


def _shown(number: int) -> dict[str, Any]:
    detail = match_detail(parts().store, parts().systems, number)
    if detail is None:
        raise missing("match")
    return detail_to_json(detail)
