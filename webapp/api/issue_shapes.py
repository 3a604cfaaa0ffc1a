"""What the API takes and gives about issues and their releases."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from sync.desk.bulk import MOST_PER_MINUTE
from sync.desk.issue_life import IssueState
from sync.store.pins import Using
from webapp.api.shapes import MAX_NAME, MAX_PAGE, MAX_REASON, Moment, Money, Reason, Text


class IssueQuery(Schema):
    """Which issues."""

    state = fields.String(
        load_default="",
        validate=validate.OneOf(["", *(state.value for state in IssueState)]),
        metadata={"description": "Without: all that are open and not put aside."},
    )
    owner = fields.String(load_default="", validate=validate.OneOf(["", "business", "integrator", "admin"]))
    channel = Text(most=MAX_NAME, load_default="")
    connection = Text(most=MAX_NAME, load_default="")
    cause = Text(most=64, load_default="")
    assignee = Text(most=MAX_NAME, load_default="", metadata={"description": "A login; `-` for nobody."})
    sort = fields.String(load_default="documents", validate=validate.OneOf(["documents", "money", "oldest", "seen"]))


class PageQuery(Schema):
    """Which page: what follows the end of another one."""

    after = Text(most=128, load_default="", metadata={"description": "`next` of the page before."})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MAX_PAGE))


class IssuePageQuery(PageQuery, IssueQuery):
    """Which issues, and which page of them."""


class RunSchema(Schema):
    """The release of everything that a cause stops."""

    id = fields.String(required=True)
    issue_id = fields.String(required=True, allow_none=True, metadata={"description": "null: it goes over a filter."})
    action = fields.String(required=True, metadata={"description": "`retry`, `approve`, `look` or `skip`."})
    reason = fields.String(required=True)
    per_minute = fields.Integer(required=True, allow_none=True)
    mapping = fields.String(
        required=True, metadata={"description": "`current` or `original`; empty where each keeps the one that it has."}
    )
    running = fields.Boolean(required=True)
    outcome = fields.String(required=True, metadata={"description": "`done` or `cancelled`; empty while it runs."})
    expected = fields.Integer(required=True)
    released = fields.Integer(required=True)
    left = fields.Integer(required=True)
    went = fields.Integer(required=True, metadata={"description": "Stopped by this cause no longer."})
    stopped_again = fields.Integer(required=True)
    under_way = fields.Integer(required=True)
    asked_by = fields.String(required=True)
    asked_at = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)


class LookupHint(Schema):
    """The row that would fix it."""

    table = fields.String(required=True)
    value = fields.String(required=True)


class IssueSchema(Schema):
    """One cause with everything that it stops."""

    id = fields.String(required=True)
    cause = fields.String(required=True)
    subject = fields.String(required=True)
    channel = fields.String(required=True)
    connection = fields.String(required=True)
    state = fields.String(required=True)
    title = fields.String(required=True)
    happened = fields.String(required=True)
    next_step = fields.String(required=True)
    owner = fields.String(required=True)
    assignee = fields.String(required=True)
    due_on = fields.String(required=True)
    opened_at = Moment(required=True)
    seen_at = Moment(required=True)
    closed_at = Moment(required=True, allow_none=True)
    documents = fields.Integer(required=True)
    stopped = fields.Integer(required=True, metadata={"description": "Of these stand still."})
    unread = fields.Integer(required=True, metadata={"description": "Of these nobody knows what they are worth."})
    worth = fields.List(fields.Nested(Money), required=True)
    oldest_at = Moment(required=True, allow_none=True)
    lookup = fields.Nested(LookupHint, required=True, allow_none=True)
    run_id = fields.String(required=True, allow_none=True, metadata={"description": "The newest release of it."})


class CommonSchema(Schema):
    """A value that nearly all of its documents share."""

    field = fields.String(required=True)
    value = fields.String(required=True)
    count = fields.Integer(required=True)
    of = fields.Integer(required=True)


class CommentSchema(Schema):
    """What somebody has said."""

    by = fields.String(required=True)
    at = Moment(required=True)
    text = fields.String(required=True)


class IssueDetail(IssueSchema):
    """One cause, with what its documents share and what people said."""

    common = fields.List(fields.Nested(CommonSchema), required=True)
    others = fields.List(
        fields.String(), required=True, metadata={"description": "Ids of issues that stop some of them as well."}
    )
    comments = fields.List(fields.Nested(CommentSchema), required=True)


class IssuePage(Schema):
    """A page of issues."""

    issues = fields.List(fields.Nested(IssueSchema), required=True)
    next = fields.String(
        required=True, allow_none=True, metadata={"description": "`after` of the next page; null where there is none."}
    )


class DetailSchema(Schema):
    """What is wrong in one place."""

    path = fields.String(required=True)
    reason = fields.String(required=True)


class DocumentSchema(Schema):
    """One document that a cause stops."""

    kind = fields.String(required=True)
    channel = fields.String(required=True)
    external_id = fields.String(required=True)
    number = fields.String(required=True, allow_none=True)
    state = fields.String(required=True)
    reason = fields.String(required=True)
    details = fields.List(fields.Nested(DetailSchema), required=True)
    since = Moment(required=True)
    total = fields.Nested(Money, required=True, allow_none=True)


class DocumentPage(Schema):
    """A page of documents."""

    documents = fields.List(fields.Nested(DocumentSchema), required=True)
    next = fields.String(
        required=True, allow_none=True, metadata={"description": "`after` of the next page; null where there is none."}
    )


class FiguresSchema(Schema):
    """Documents, and what they are worth."""

    documents = fields.Integer(required=True)
    unread = fields.Integer(required=True)
    worth = fields.List(fields.Nested(Money), required=True)


class ReleaseSchema(Schema):
    """What the end of a cause would do, counted now."""

    goes = fields.Nested(FiguresSchema, required=True)
    stays = fields.Nested(FiguresSchema, required=True, metadata={"description": "Another cause stops these too."})


class PaceBody(Schema):
    """How fast."""

    per_minute = fields.Integer(
        strict=True,
        validate=validate.Range(1, MOST_PER_MINUTE),
        metadata={"description": "Documents that are released a minute at most; without: as they are worked off."},
    )


class MappingBody(Schema):
    """With which mapping."""

    mapping = fields.String(
        load_default=Using.CURRENT.value,
        validate=validate.OneOf([Using.CURRENT.value, Using.ORIGINAL.value]),
        metadata={
            "description": "`current`: the revision of the mapping profile that applies; `original`: the one that "
            "applied when each order came in, until it is done."
        },
    )


class ReleaseBody(PaceBody, MappingBody):
    """Why, how fast, and with which mapping."""

    reason = Text(most=MAX_REASON, load_default="", lines=True)


class ApproveBody(PaceBody, Reason):
    """Why they may pass, and how fast."""


class SnoozeBody(Schema):
    """How long it may wait: until a time, or until so many documents more stand in it."""

    until = Moment()
    grows_by = fields.Integer(strict=True, validate=validate.Range(1, 10**9 - 1))


class AssignBody(Schema):
    """Who cares for it, and by which day."""

    assignee = Text(most=MAX_NAME, required=True, metadata={"description": "A login; empty for nobody."})
    due_on = Text(most=10, load_default="", metadata={"description": "A day such as 2026-11-30; empty for none."})


class CommentBody(Schema):
    """What is to be kept."""

    text = Text(required=True, least=1, most=4_000, lines=True)


class Cancelled(Schema):
    """Whether anything was left to cancel."""

    cancelled = fields.Boolean(required=True)
