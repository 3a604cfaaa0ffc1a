"""What a message says, for programs and for people.

What leaves the house is names of the configuration, words of ours and figures; never a text of others, in which a
customer may stand.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sync.desk.alert_words import alert_words
from sync.desk.causes import CAUSES
from sync.desk.phrases import say, say_many
from sync.rules.alerts import Scope
from sync.store.alerts import AlertRow, News


def body_of(news: News, standing: int, console: str, at: dt.datetime) -> dict[str, Any]:
    """What a message says, as JSON; `console` is the address of the console, empty where nobody knows it."""
    return {
        "type": "alerts",
        "at": at.isoformat(timespec="seconds"),
        "raised": [_entry(row, console) for row in news.raised],
        "over": [_entry(row, console) for row in news.over],
        "open": standing,
        "link": f"{console}/alerts/" if console else "",
    }


def test_body(console: str, at: dt.datetime) -> dict[str, Any]:
    """What a test says."""
    return {
        "type": "test",
        "at": at.isoformat(timespec="seconds"),
        "raised": [],
        "over": [],
        "open": 0,
        "link": f"{console}/alerts/" if console else "",
    }


def _entry(row: AlertRow, console: str) -> dict[str, Any]:
    words = alert_words(row.cause)
    return {
        "id": row.id,
        "cause": row.cause,
        "label": str(words.label),
        "severity": row.severity,
        "scope": row.scope,
        "place": row.place,
        "count": row.count,
        "detail": str(row.detail),
        "happened": str(words.happened),
        "remedy": str(words.remedy),
        "since": row.seen_at.isoformat(timespec="seconds"),
        "until": row.closed_at.isoformat(timespec="seconds") if row.closed_at else None,
        "link": f"{console}{page_of(row)}" if console else "",
    }


def page_of(row: AlertRow) -> str:
    """Where the console says more."""
    if row.scope == Scope.CONNECTION:
        return f"/connections/{row.place}"
    if row.scope == Scope.WAY:
        return "/alerts/"
    return "/needs/" if row.cause in CAUSES else "/operations/"


def text_of(body: Mapping[str, Any]) -> tuple[str, str]:
    """(subject, text) of a message for people."""
    if body["type"] == "test":
        return str(say("Crossdock: a test")), str(say("This is a test: alerts of Crossdock arrive here."))
    raised, over = body["raised"], body["over"]
    parts = []
    if raised:
        parts.append(say_many("%(count)s new alert", "%(count)s new alerts", len(raised)))
    if over:
        parts.append(say("%(count)s over", count=len(over)))
    lines = [line for entry in raised for line in _lines(entry)]
    lines += [
        f"OVER: {entry['label']}{_where(entry)}, {_time(entry['since'])} to {_time(entry['until'])} UTC"
        for entry in over
    ]
    lines += ["", str(say("Open alerts in all: %(count)s", count=body["open"]))]
    if body["link"]:
        lines.append(body["link"])
    return f"Crossdock: {', '.join(parts)}", "\n".join(lines)


def _lines(entry: Mapping[str, Any]) -> list[str]:
    count = f" ({say_many('%(count)s document', '%(count)s documents', entry['count'])})" if entry["count"] else ""
    detail = f": {entry['detail']}" if entry["detail"] else ""
    since = f"since {_time(entry['since'])}"
    return [
        f"{entry['severity'].upper()}: {entry['label']}{_where(entry)}{count}{detail}, {since} UTC",
        f"  {entry['happened']}",
        f"  {entry['remedy']}",
        *([f"  {entry['link']}"] if entry["link"] else []),
        "",
    ]


def _where(entry: Mapping[str, Any]) -> str:
    return f", {entry['place']}" if entry["place"] else ""


def _time(text: str) -> str:
    return dt.datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M")
