"""What a message says, for programs and for people.

What leaves the house is names of the configuration, words of ours and figures; never a text of others, in which a
customer may stand.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from typing import Any, Final

from babel.support import NullTranslations

from sync.desk.alert_words import alert_words
from sync.desk.causes import CAUSES
from sync.desk.languages import ENGLISH, in_language
from sync.desk.phrases import Phrase, joined, say, say_many
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


def text_of(body: Mapping[str, Any], catalogue: NullTranslations = ENGLISH) -> tuple[str, str]:
    """(subject, text) of a message for people, in the language of the catalogue."""
    tell = functools.partial(in_language, catalogue=catalogue)
    if body["type"] == "test":
        return tell(say("Crossdock: a test")), tell(say("This is a test: alerts of Crossdock arrive here."))
    lines = [tell(line) for entry in body["raised"] for line in _lines(entry)]
    lines += [tell(_over(entry)) for entry in body["over"]]
    lines += ["", tell(say("Open alerts in all: %(count)s", count=body["open"]))]
    if body["link"]:
        lines.append(body["link"])
    return tell(_subject(len(body["raised"]), len(body["over"]))), "\n".join(lines)


def _subject(raised: int, over: int) -> Phrase:
    parts = []
    if raised:
        parts.append(say_many("%(count)s new alert", "%(count)s new alerts", raised))
    if over:
        parts.append(say("%(count)s over", count=over))
    return say("Crossdock: %(news)s", news=joined(", ", parts))


_SEVERITIES: Final[Mapping[str, Phrase]] = {
    "critical": say("CRITICAL: %(what)s, since %(since)s UTC"),
    "warning": say("WARNING: %(what)s, since %(since)s UTC"),
}


def _lines(entry: Mapping[str, Any]) -> list[str]:
    what: Phrase = joined(", ", _what(entry))
    if entry["count"]:
        documents = say_many("%(count)s document", "%(count)s documents", entry["count"])
        what = say("%(what)s (%(documents)s)", what=what, documents=documents)
    if entry["detail"]:
        what = joined(": ", [what, entry["detail"]])
    head = _SEVERITIES[entry["severity"]].filled(what=what, since=_time(entry["since"]))
    link = [entry["link"]] if entry["link"] else []
    return [head, *(joined("", ["  ", text]) for text in (entry["happened"], entry["remedy"], *link)), ""]


def _over(entry: Mapping[str, Any]) -> Phrase:
    since, until = _time(entry["since"]), _time(entry["until"])
    return say("OVER: %(what)s, %(since)s to %(until)s UTC", what=joined(", ", _what(entry)), since=since, until=until)


def _what(entry: Mapping[str, Any]) -> list[str]:
    return [entry["label"], *([entry["place"]] if entry["place"] else [])]


def _time(text: str) -> str:
    return dt.datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M")
