"""Who changed what, when, from where and why."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Final
from urllib.parse import quote

from flask import Blueprint, Response, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from sync.desk.activity import ACTIONS, activity_page, activity_words, all_activity
from sync.store.audit import SUBJECT, AuditEntry, AuditFilter
from webapp.console.access import may, needs
from webapp.console.csvfile import export_response
from webapp.console.present import here, said
from webapp.console.texts import zone
from webapp.parts import parts

blueprint = Blueprint("activity", __name__)

_SIZE: Final = 50
_COLUMNS: Final = tuple(field.name for field in dataclasses.fields(AuditEntry))
#: Kind of subject -> the blueprint that shows it, and where.
_PLACES: Final = {
    "order": "orders",
    "connection": "connections",
    "user": "users",
    "issue": "needs",
    "run": "runs",
    "channel": "mappings",
    "profile": "mappings",
}
#: Kind of thing -> what it is called, in the order of the list.
THINGS: Final = {
    "order": lazy_gettext("Orders"),
    "issue": lazy_gettext("Causes"),
    "run": lazy_gettext("Runs"),
    "lookup": lazy_gettext("Look-ups"),
    "profile": lazy_gettext("Mappings"),
    "connection": lazy_gettext("Connections"),
    "channel": lazy_gettext("Channels"),
    "view": lazy_gettext("Views"),
    "list": lazy_gettext("Files taken away"),
    "user": lazy_gettext("Users"),
    "token": lazy_gettext("API tokens"),
}


@blueprint.get("/activity")
@needs("viewer")
def index() -> ResponseReturnValue:
    """The newest changes that fit, a page at a time."""
    which, asked = _asked()
    page = activity_page(parts().store, which, size=_SIZE, below=_id("below"), above=_id("above"))
    actors, actions = activity_words(parts().store)
    return render_template(
        "console/activity.html",
        entries=page.entries,
        asked=asked,
        actors=actors,
        actions=[(action, action_name(action)) for action in actions],
        things=_things(asked.get("thing", "")),
        action_name=action_name,
        newer=here(above=page.newer_than, below=None) if page.newer_than else "",
        older=here(below=page.older_than, above=None) if page.older_than else "",
        export=here(url_for(".export"), above=None, below=None),
        subject_url=subject_url,
    )


@blueprint.get("/activity.csv")
@needs("viewer")
def export() -> Response:
    """Everything that fits, as a file."""
    which, asked = _asked()
    rows = ([getattr(entry, name) for name in _COLUMNS] for entry in all_activity(parts().store, which))
    return export_response("activity", asked, _COLUMNS, rows)


def _things(chosen: str) -> list[tuple[str, str]]:
    """Kinds of things, and the very thing that a link asks for."""
    offered = [(kind, str(label)) for kind, label in THINGS.items()]
    return offered if not chosen or chosen in THINGS else [*offered, (chosen, chosen)]


def action_name(action: str) -> str:
    """What was done, in the reader's language."""
    return said(ACTIONS.get(action, action))


def subject_url(subject: str) -> str:
    """Where the thing that was changed is shown to whoever asks; empty where it is not."""
    kind, _colon, rest = subject.partition(":")
    place = _PLACES.get(kind)
    if not rest or place not in current_app.blueprints or (place == "users" and not may("admin")):
        return ""
    steps = rest.split(":", 1) if kind == "order" else [rest]
    return "/".join(["", place, *(quote(step, safe="") for step in steps)])


def _asked() -> tuple[AuditFilter, dict[str, str]]:
    """What the address asks for, and the same as it goes into the next address; days are days of the user's zone."""
    asked = {
        name: request.args.get(name, "").strip() for name in ("actor", "action", "thing", "text", "since", "until")
    }
    since, until = _day(asked["since"]), _day(asked["until"])
    which = AuditFilter(
        actor=asked["actor"][:128],
        action=asked["action"][:64],
        thing=asked["thing"][:SUBJECT],
        text=asked["text"][:200],
        since=since,
        until=None if until is None else until + dt.timedelta(days=1),
    )
    return which, {name: value for name, value in asked.items() if value}


def _day(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.combine(dt.date.fromisoformat(text), dt.time(), tzinfo=zone())
    except ValueError:
        return None


def _id(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None  # noqa: PLR2004 - fits 64 bits
