"""Issues and their releases as the terminal and the JSON API tell them; moments and amounts stay what they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sync.desk.bulk import Progress
from sync.desk.needs import Need, NeedDetail
from sync.store.needs import Document, Figures
from sync.store.said import load_said


def need_to_json(need: Need) -> dict[str, Any]:
    """One cause with what it stops."""
    issue, figures = need.issue, need.figures
    same = ("cause", "subject", "channel", "connection", "owner", "assignee", "due_on", "opened_at", "seen_at")
    return {
        "id": str(issue.id),
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
        "run_id": None if need.run is None else str(need.run.id),
    }


def detail_to_json(detail: NeedDetail) -> dict[str, Any]:
    """The same, with what its documents share and what people said; without the documents."""
    return {
        **need_to_json(detail.need),
        "common": [dataclasses.asdict(each) for each in detail.common],
        "others": [str(other.id) for other, _count in detail.others],
        "comments": [{"by": each.by, "at": each.at, "text": each.text} for each in detail.comments],
    }


def document_to_json(one: Document) -> dict[str, Any]:
    """One document that a cause stops; `total` is None where it could not be read."""
    same = ("kind", "channel", "external_id", "number", "state", "since")
    details = [{"path": each["path"], "reason": str(each["reason"])} for each in load_said(one.details)]
    is_known = one.grand is not None and bool(one.currency)
    return {
        **{name: getattr(one, name) for name in same},
        "reason": str(one.reason),
        "details": details,
        "total": {"amount": one.grand, "currency": one.currency} if is_known else None,
    }


def figures_to_json(found: Figures) -> dict[str, Any]:
    """Documents, and what they are worth."""
    return {"documents": found.documents, "unread": found.unread, "worth": sums(found.money)}


def run_to_json(progress: Progress) -> dict[str, Any]:
    """A release of many, and how it goes."""
    run, course = progress.run, progress.course
    same = ("action", "reason", "per_minute", "running", "outcome", "expected", "released")
    return {
        "id": str(run.id),
        "issue_id": None if run.issue_id is None else str(run.issue_id),
        **{name: getattr(run, name) for name in (*same, "asked_by", "asked_at", "ended_at")},
        "mapping": run.using.value,
        "left": progress.left,
        "went": course.went,
        "stopped_again": course.stopped_again,
        "under_way": course.under_way,
    }


def sums(found: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    """One object for each currency."""
    return [{"amount": amount, "currency": currency} for currency, amount in found.items()]
