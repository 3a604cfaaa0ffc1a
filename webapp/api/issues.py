"""Issues: what stops orders, grouped by cause; looked into, released once for all, and cared for."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, fields, validate

from sync.desk.bulk import MOST_PER_MINUTE, Progress, approve_all, cancel_bulk, progress_of, start_bulk
from sync.desk.issue_life import IssueState, acknowledge, assign, comment_issue, snooze, wake
from sync.desk.needs import Need, NeedDetail, NeedFilter, chosen, list_needs, need_detail
from sync.store.needs import Document, Figures, preview_release
from sync.store.said import load_said
from webapp.api.access import api_actor, caller
from webapp.api.problems import missing
from webapp.api.refusals import refusing
from webapp.api.routes import ApiBlueprint, endpoint
from webapp.api.shapes import MAX_NAME, MAX_PAGE, MAX_REASON, Moment, Money, Reason, Text, money, number_of, sums
from webapp.console.home import ring_all
from webapp.parts import parts

blueprint = ApiBlueprint("api-issues", __name__, description="What stops orders, and the release of all of them.")

_ISSUE: Final = "/issues/<issue_id>"


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
    """Which page."""

    page = fields.Integer(load_default=1, validate=validate.Range(1, 100_000))
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
    more = fields.Boolean(required=True)


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
    more = fields.Boolean(required=True)


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


class ReleaseBody(PaceBody):
    """Why, and how fast."""

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


# --- reading ----------------------------------------------------------------------------------------------------


@endpoint(blueprint, "GET", "/issues", scope="issues:read", query=IssuePageQuery, answer=IssuePage)
def list_issues(query: dict[str, Any]) -> dict[str, Any]:
    """Every cause that fits, those that stop most first."""
    page, limit = query.pop("page"), query.pop("limit")
    which = NeedFilter(**query)
    found = list_needs(parts().store, closed=which.state == IssueState.RESOLVED)
    reached = [need for need in chosen(found, which) if _reaches(need)]
    shown = reached[(page - 1) * limit : page * limit]
    return {"issues": [_issue(need) for need in shown], "more": len(reached) > page * limit}


@endpoint(blueprint, "GET", _ISSUE, scope="issues:read", answer=IssueDetail)
def show_issue(issue_id: str) -> dict[str, Any]:
    """One cause."""
    return _shown(issue_id)


@endpoint(blueprint, "GET", f"{_ISSUE}/documents", scope="issues:read", query=PageQuery, answer=DocumentPage)
def list_documents(query: dict[str, Any], issue_id: str) -> dict[str, Any]:
    """The documents that it stops, a page at a time."""
    page, limit = query["page"], query["limit"]
    detail = _detail(issue_id, offset=(page - 1) * limit, limit=limit + 1)
    return {
        "documents": [_document(one) for one in detail.documents[:limit]],
        "more": len(detail.documents) > limit,
    }


@endpoint(blueprint, "GET", f"{_ISSUE}/release", scope="issues:read", answer=ReleaseSchema)
def preview(issue_id: str) -> dict[str, Any]:
    """What the end of this cause would release, and what another one would still stop."""
    number = _detail(issue_id).need.issue.id
    found = parts().store.read(lambda c: preview_release(c, [number]))
    return {"goes": figures_to_json(found.goes), "stays": figures_to_json(found.stays)}


@endpoint(blueprint, "GET", "/runs/<run_id>", scope="issues:read", answer=RunSchema)
def show_run(run_id: str) -> dict[str, Any]:
    """How a release goes."""
    return run_to_json(_progress(run_id))


# --- doing ------------------------------------------------------------------------------------------------------


@endpoint(blueprint, "POST", f"{_ISSUE}/release", scope="issues:write", body=ReleaseBody, answer=RunSchema, status=202)
def release(body: dict[str, Any], issue_id: str) -> dict[str, Any]:
    """Look at everything again that this cause stops; where that goes on already, that run."""
    number = _detail(issue_id).need.issue.id
    with refusing():
        run, _new = start_bulk(parts().store, number, actor=api_actor(), **body)
    ring_all()
    return run_to_json(_progress(str(run.id)))


@endpoint(blueprint, "POST", f"{_ISSUE}/approve", scope="orders:write", body=ApproveBody, answer=RunSchema, status=202)
def approve(body: dict[str, Any], issue_id: str) -> dict[str, Any]:
    """Let every order pass that this cause holds now; what another cause holds as well stays held by that one."""
    number = _detail(issue_id).need.issue.id
    with refusing():
        run, _new = approve_all(parts().store, number, actor=api_actor(), **body)
    ring_all()
    return run_to_json(_progress(str(run.id)))


@endpoint(blueprint, "POST", "/runs/<run_id>/cancel", scope="issues:write", answer=Cancelled)
def cancel(run_id: str) -> dict[str, Any]:
    """Release nothing more; what was released is still looked at."""
    progress = _progress(run_id)
    return {"cancelled": cancel_bulk(parts().store, progress.run.id, actor=api_actor())}


@endpoint(blueprint, "POST", f"{_ISSUE}/acknowledge", scope="issues:write", answer=IssueDetail)
def know(issue_id: str) -> Any:
    """Say that somebody knows of it."""
    number = _detail(issue_id).need.issue.id
    with refusing():
        acknowledge(parts().store, number, actor=api_actor())
    return _shown(issue_id)


@endpoint(blueprint, "POST", f"{_ISSUE}/snooze", scope="issues:write", body=SnoozeBody, answer=IssueDetail)
def put_aside(body: dict[str, Any], issue_id: str) -> Any:
    """Let it wait."""
    number = _detail(issue_id).need.issue.id
    with refusing():
        snooze(parts().store, number, **body, actor=api_actor())
    return _shown(issue_id)


@endpoint(blueprint, "POST", f"{_ISSUE}/wake", scope="issues:write", answer=IssueDetail)
def wake_up(issue_id: str) -> Any:
    """Let it wait no longer."""
    number = _detail(issue_id).need.issue.id
    with refusing():
        wake(parts().store, number, actor=api_actor())
    return _shown(issue_id)


@endpoint(blueprint, "POST", f"{_ISSUE}/assign", scope="issues:write", body=AssignBody, answer=IssueDetail)
def give(body: dict[str, Any], issue_id: str) -> Any:
    """Say who cares for it."""
    number = _detail(issue_id).need.issue.id
    with refusing():
        assign(parts().store, number, **body, actor=api_actor())
    return _shown(issue_id)


@endpoint(blueprint, "POST", f"{_ISSUE}/comments", scope="issues:write", body=CommentBody, answer=IssueDetail)
def comment(body: dict[str, Any], issue_id: str) -> Any:
    """Say something about it."""
    number = _detail(issue_id).need.issue.id
    with refusing():
        comment_issue(parts().store, number, body["text"], actor=api_actor())
    return _shown(issue_id)


# --- what answers are made of -----------------------------------------------------------------------------------


def _shown(issue_id: str) -> dict[str, Any]:
    detail = _detail(issue_id)
    return {
        **_issue(detail.need),
        "common": detail.common,
        "others": [other.id for other, _count in detail.others],
        "comments": detail.comments,
    }


def _reaches(need: Need) -> bool:
    """A token that is limited to channels sees what belongs to one of them alone."""
    return caller().sees(need.issue.channel)


def _detail(issue_id: str, *, offset: int = 0, limit: int = 1) -> NeedDetail:
    """Raises ApiProblem."""
    number = number_of(issue_id)
    found = None if number is None else need_detail(parts().store, number, offset=offset, limit=limit)
    if found is None or not _reaches(found.need):
        raise missing("issue")
    return found


def _progress(run_id: str) -> Progress:
    """Raises ApiProblem."""
    number = number_of(run_id)
    found = None if number is None else progress_of(parts().store, number)
    if found is None or (found.run.issue_id is None and not caller().sees(found.run.channel)):
        raise missing("run")
    if found.run.issue_id is not None:
        _detail(str(found.run.issue_id))
    return found


def _issue(need: Need) -> dict[str, Any]:
    issue, figures = need.issue, need.figures
    same = ("id", "cause", "subject", "channel", "connection", "owner", "assignee", "due_on", "opened_at", "seen_at")
    return {
        **{name: getattr(issue, name) for name in same},
        "state": need.state.value,
        "title": str(issue.title),
        "happened": str(need.words.happened),
        "next_step": str(need.remedy),
        "closed_at": need.closed_at,
        "documents": issue.documents,
        "stopped": figures.documents,
        "unread": figures.unread,
        "worth": sums(figures.money),
        "oldest_at": figures.oldest,
        "lookup": None if need.lookup is None else {"table": need.lookup[0], "value": need.lookup[1]},
        "run_id": None if need.run is None else need.run.id,
    }


def figures_to_json(found: Figures) -> dict[str, Any]:
    """What `FiguresSchema` shows."""
    return {"documents": found.documents, "unread": found.unread, "worth": sums(found.money)}


def _document(one: Document) -> dict[str, Any]:
    same = ("kind", "channel", "external_id", "number", "state", "since")
    details = [{"path": each["path"], "reason": str(each["reason"])} for each in load_said(one.details)]
    return {
        **{name: getattr(one, name) for name in same},
        "reason": str(one.reason),
        "details": details,
        "total": money(one.grand, one.currency),
    }


def run_to_json(progress: Progress) -> dict[str, Any]:
    """What `RunSchema` shows."""
    run, course = progress.run, progress.course
    same = (
        "id",
        "issue_id",
        "action",
        "reason",
        "per_minute",
        "running",
        "outcome",
        "expected",
        "released",
        "asked_by",
        "asked_at",
        "ended_at",
    )
    return {
        **{name: getattr(run, name) for name in same},
        "left": progress.left,
        "went": course.went,
        "stopped_again": course.stopped_again,
        "under_way": course.under_way,
    }
