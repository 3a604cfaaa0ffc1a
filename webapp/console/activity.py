"""Who changed what, when, from where and why."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Final
from urllib.parse import quote

from flask import Blueprint, Response, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from sync.desk.activity import ACTIONS, activity_page, activity_words, all_activity
from sync.desk.lookup_rows import key_of
from sync.desk.lookups import known_tables
from sync.store.audit import ROW_ACTIONS, SUBJECT, AuditEntry, AuditFilter
from webapp.console.access import may, needs
from webapp.console.csvfile import export_response
from webapp.console.present import here, said
from webapp.console.texts import zone
from webapp.parts import parts

blueprint = Blueprint("activity", __name__)

_SIZE: Final = 50
_COLUMNS: Final = tuple(field.name for field in dataclasses.fields(AuditEntry))
#: Kind of subject -> the address below which each is shown by its name.
_PLACES: Final = {
    "order": "/orders",
    "connection": "/connections",
    "user": "/users",
    "issue": "/needs",
    "run": "/runs",
    "channel": "/mappings",
    "profile": "/mappings",
    "table": "/lookups",
}
#: The same of what stands in one page with others.
_LISTS: Final = {"view": "views.index", "schedule": "operations.index"}
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


def subject_url(subject: str, action: str = "") -> str:
    """Where the thing that was changed is shown to whoever asks; empty where it is not, or there is none any more."""
    if action in ROW_ACTIONS:
        return _row_url(subject)
    kind, _colon, rest = subject.partition(":")
    if not rest or (kind == "user" and not may("admin")) or _is_gone(kind, rest):
        return ""
    if kind in _LISTS:
        return url_for(_LISTS[kind])
    steps = rest.split(":", 1) if kind in {"order", "stock"} else [rest]
    if kind == "stock":
        return url_for("stock.index", channel=steps[0], q=steps[-1])
    return "/".join([_PLACES[kind], *(quote(step, safe="") for step in steps)]) if kind in _PLACES else ""


def _is_gone(kind: str, name: str) -> bool:
    """Whether the configuration, or people, have taken it away since."""
    if kind == "table":
        return name not in _tables()
    if kind in {"channel", "profile", "stock"}:
        channel = parts().config.channels.get(name.partition(":")[0])
        return channel is None or (kind == "stock" and not channel.stock.push)
    return kind == "connection" and name not in parts().config.connections


def _row_url(subject: str) -> str:
    """The history of a row, which outlives it; its table may not."""
    key = key_of(subject)
    if key is None or key.table not in _tables():
        return ""
    return url_for("lookups.row", table=key.table, value=key.value, scope=key.scope, when=key.conditions or None)


def _tables() -> set[str]:
    if "tables" not in g:
        g.tables = parts().store.read(known_tables)
    tables: set[str] = g.tables
    return tables


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
