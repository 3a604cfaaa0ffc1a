"""Issues: what stops orders, grouped by cause; looked into, released once for all, and cared for."""

from __future__ import annotations

from typing import Any, Final

from sync.desk.bulk import Progress, approve_all, cancel_bulk, progress_of, start_bulk
from sync.desk.issue_life import IssueState, acknowledge, assign, comment_issue, snooze, wake
from sync.desk.needs import (
    Need,
    NeedFilter,
    chosen,
    find_need,
    list_needs,
    need_detail,
    page_documents,
    page_of,
)
from sync.desk.needs_told import detail_to_json, document_to_json, figures_to_json, need_to_json, run_to_json
from sync.store.needs import preview_release
from sync.store.pins import Using
from webapp.api.access import api_actor, caller
from webapp.api.issue_shapes import (
    ApproveBody,
    AssignBody,
    Cancelled,
    CommentBody,
    DocumentPage,
    IssueDetail,
    IssuePage,
    IssuePageQuery,
    PageQuery,
    ReleaseBody,
    ReleaseSchema,
    RunSchema,
    SnoozeBody,
)
from webapp.api.problems import ApiProblem, invalid, missing
from webapp.api.refusals import refusing
from webapp.api.routes import ApiBlueprint, endpoint
from webapp.api.shapes import number_of
from webapp.console.home import ring_all
from webapp.parts import parts

blueprint = ApiBlueprint("api-issues", __name__, description="What stops orders, and the release of all of them.")

_ISSUE: Final = "/issues/<issue_id>"


# --- reading ----------------------------------------------------------------------------------------------------


@endpoint(blueprint, "GET", "/issues", scope="issues:read", query=IssuePageQuery, answer=IssuePage)
def list_issues(query: dict[str, Any]) -> dict[str, Any]:
    """Every cause that fits, those that stop most first."""
    after, limit = query.pop("after"), query.pop("limit")
    which = NeedFilter(**query)
    found = list_needs(parts().store, closed=which.state == IssueState.RESOLVED)
    reached = [need for need in chosen(found, which) if _reaches(need)]
    try:
        page = page_of(reached, which, after=after, limit=limit)
    except ValueError:
        raise _no_mark(after) from None
    return {"issues": [need_to_json(need) for need in page.needs], "next": page.next or None}


@endpoint(blueprint, "GET", _ISSUE, scope="issues:read", answer=IssueDetail)
def show_issue(issue_id: str) -> dict[str, Any]:
    """One cause."""
    return _shown(issue_id)


@endpoint(blueprint, "GET", f"{_ISSUE}/documents", scope="issues:read", query=PageQuery, answer=DocumentPage)
def list_documents(query: dict[str, Any], issue_id: str) -> dict[str, Any]:
    """The documents that it stops, a page at a time."""
    number, after = _need(issue_id).issue.id, query["after"]
    begin = number_of(after) if after else 0
    if begin is None:
        raise _no_mark(after)
    page = page_documents(parts().store, number, after=begin, limit=query["limit"])
    return {
        "documents": [document_to_json(one) for one in page.documents],
        "next": None if page.next is None else str(page.next),
    }


def _no_mark(after: str) -> ApiProblem:
    return invalid("query:after", after, "`next` of an earlier page, under the same sort")


@endpoint(blueprint, "GET", f"{_ISSUE}/release", scope="issues:read", answer=ReleaseSchema)
def preview(issue_id: str) -> dict[str, Any]:
    """What the end of this cause would release, and what another one would still stop."""
    number = _need(issue_id).issue.id
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
    number = _need(issue_id).issue.id
    with refusing():
        using = Using(body.pop("mapping"))
        run, _new = start_bulk(parts().store, number, actor=api_actor(), using=using, **body)
    ring_all()
    return run_to_json(_progress(str(run.id)))


@endpoint(blueprint, "POST", f"{_ISSUE}/approve", scope="orders:write", body=ApproveBody, answer=RunSchema, status=202)
def approve(body: dict[str, Any], issue_id: str) -> dict[str, Any]:
    """Let every order pass that this cause holds now; what another cause holds as well stays held by that one."""
    number = _need(issue_id).issue.id
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
    number = _need(issue_id).issue.id
    with refusing():
        acknowledge(parts().store, number, actor=api_actor())
    return _shown(issue_id)


@endpoint(blueprint, "POST", f"{_ISSUE}/snooze", scope="issues:write", body=SnoozeBody, answer=IssueDetail)
def put_aside(body: dict[str, Any], issue_id: str) -> Any:
    """Let it wait."""
    number = _need(issue_id).issue.id
    with refusing():
        snooze(parts().store, number, **body, actor=api_actor())
    return _shown(issue_id)


@endpoint(blueprint, "POST", f"{_ISSUE}/wake", scope="issues:write", answer=IssueDetail)
def wake_up(issue_id: str) -> Any:
    """Let it wait no longer."""
    number = _need(issue_id).issue.id
    with refusing():
        wake(parts().store, number, actor=api_actor())
    return _shown(issue_id)


@endpoint(blueprint, "POST", f"{_ISSUE}/assign", scope="issues:write", body=AssignBody, answer=IssueDetail)
def give(body: dict[str, Any], issue_id: str) -> Any:
    """Say who cares for it."""
    number = _need(issue_id).issue.id
    with refusing():
        assign(parts().store, number, **body, actor=api_actor())
    return _shown(issue_id)


@endpoint(blueprint, "POST", f"{_ISSUE}/comments", scope="issues:write", body=CommentBody, answer=IssueDetail)
def comment(body: dict[str, Any], issue_id: str) -> Any:
    """Say something about it."""
    number = _need(issue_id).issue.id
    with refusing():
        comment_issue(parts().store, number, body["text"], actor=api_actor())
    return _shown(issue_id)


# --- what answers are made of -----------------------------------------------------------------------------------


def _shown(issue_id: str) -> dict[str, Any]:
    detail = need_detail(parts().store, _need(issue_id).issue.id, limit=1)
    if detail is None:
        raise missing("issue")
    return detail_to_json(detail)


def _reaches(need: Need) -> bool:
    """A token that is limited to channels sees what belongs to one of them alone."""
    return caller().sees(need.issue.channel)


def _need(issue_id: str) -> Need:
    """Raises ApiProblem."""
    number = number_of(issue_id)
    found = None if number is None else find_need(parts().store, number)
    if found is None or not _reaches(found):
        raise missing("issue")
    return found


def _progress(run_id: str) -> Progress:
    """Raises ApiProblem."""
    number = number_of(run_id)
    found = None if number is None else progress_of(parts().store, number)
    if found is None or (found.run.issue_id is None and not caller().sees(found.run.channel)):
        raise missing("run")
    if found.run.issue_id is not None:
        _need(str(found.run.issue_id))
    return found
