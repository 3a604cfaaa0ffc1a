"""What people say of a cause: that they know of it, that it may wait, who cares for it, and what else there is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sync.desk import issue_life
from sync.desk.issue_life import LifeRefused
from webapp.console.access import current_actor
from webapp.console.access import needs as demands
from webapp.console.needs import blueprint, demand_ids, show_need
from webapp.console.present import said
from webapp.parts import parts

#: What the form calls it -> how long it waits. Only these: a day in the reader's zone is what the due date is for.
WAITS: Final = {
    "1h": dt.timedelta(hours=1),
    "4h": dt.timedelta(hours=4),
    "1d": dt.timedelta(days=1),
    "3d": dt.timedelta(days=3),
    "7d": dt.timedelta(days=7),
}
#: Of a number that a form brings.
_DIGITS: Final = 9


@blueprint.post("/<int:issue_id>/acknowledge")
@demands("operator")
def acknowledge(issue_id: int) -> ResponseReturnValue:
    """Somebody knows of it."""
    return _change(
        issue_id,
        lambda: issue_life.acknowledge(parts().store, issue_id, actor=current_actor()),
        _("Everybody sees that you know of it."),
    )


@blueprint.post("/<int:issue_id>/snooze")
@demands("operator")
def snooze(issue_id: int) -> ResponseReturnValue:
    """Put it aside, until a time or until it has grown."""
    waits, grows = WAITS.get(request.form.get("wait", "")), request.form.get("grows", "").strip()
    until = None if waits is None else dt.datetime.now(dt.UTC) + waits
    # What is no number is none that wakes it, and is refused as such.
    whole = grows.isascii() and grows.isdigit() and len(grows) <= _DIGITS
    grows_by = None if not grows else int(grows) if whole else 0
    return _change(
        issue_id,
        lambda: issue_life.snooze(parts().store, issue_id, until=until, grows_by=grows_by, actor=current_actor()),
        _("It is put aside and comes back by itself."),
    )


@blueprint.post("/<int:issue_id>/wake")
@demands("operator")
def wake(issue_id: int) -> ResponseReturnValue:
    """Put it aside no longer."""
    return _change(
        issue_id, lambda: issue_life.wake(parts().store, issue_id, actor=current_actor()), _("It is back in the list.")
    )


@blueprint.post("/<int:issue_id>/assign")
@demands("operator")
def assign(issue_id: int) -> ResponseReturnValue:
    """Who cares for it, and by when."""
    who, day = request.form.get("assignee", ""), request.form.get("due_on", "")
    return _change(
        issue_id,
        lambda: issue_life.assign(parts().store, issue_id, assignee=who, due_on=day, actor=current_actor()),
        _("Kept: who cares for it, and by when."),
    )


@blueprint.post("/<int:issue_id>/comment")
@demands("operator")
def comment(issue_id: int) -> ResponseReturnValue:
    """Say something about it."""
    text = request.form.get("comment", "")
    return _change(
        issue_id,
        lambda: issue_life.comment_issue(parts().store, issue_id, text, actor=current_actor()),
        _("The comment is kept."),
    )


def _change(issue_id: int, change: Callable[[], None], done: str) -> ResponseReturnValue:
    demand_ids(issue_id)
    try:
        change()
    except LifeRefused as refusal:
        return show_need(issue_id, error=said(refusal.phrase)), 422
    except LookupError:
        flash(_("Nothing is stopped by this cause any more."))
        return redirect(url_for(".index"), 303)
    flash(done)
    return redirect(url_for(".show", issue_id=issue_id), 303)
