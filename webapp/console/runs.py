"""One action for many orders: what it would do, the word for it, and how it goes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from sync.desk.bulk import MOST_PER_MINUTE, cancel_bulk, progress_of
from sync.desk.orders import TABS
from sync.desk.selections import (
    ACTIONS,
    DECISIONS,
    MOST_ITEMS,
    TYPED_FROM,
    BulkRefused,
    begin_selected,
    foresee,
    list_runs,
    wanted_of,
    words_of,
)
from sync.store.pins import has_originals
from sync.store.search import Wanted
from sync.store.selection import RETRY
from webapp.console.access import current_actor, needs
from webapp.console.home import ring_all
from webapp.console.needs import issues_asked_for
from webapp.console.orders import Asked, asked_for
from webapp.console.present import here, said, using_asked_for
from webapp.parts import parts

blueprint = Blueprint("runs", __name__, url_prefix="/runs")

_SIZE: Final = 50
_MAX_REASON: Final = 500
_DIGITS: Final = 9
_MAX_ID: Final = 10**12


@blueprint.get("")
@needs("viewer")
def index() -> ResponseReturnValue:
    """The runs, the newest first."""
    below = _number(request.args.get("below", ""))
    found = list_runs(parts().store, limit=_SIZE + 1, below=below)
    older = here(below=found[_SIZE - 1].id) if len(found) > _SIZE else ""
    return render_template("console/runs.html", runs=found[:_SIZE], older=older, action_of=_action_name)


@blueprint.get("/new")
@needs("operator")
def new() -> ResponseReturnValue:
    """What the action would do with what the address selects."""
    return _foreseen()


@blueprint.post("")
@needs("operator")
def begin() -> ResponseReturnValue:
    """Do it with what the address selects at this moment."""
    wanted = _selected().wanted
    action, form = request.args.get("action", ""), request.form
    reason = form.get("reason", "").strip()[:_MAX_REASON]
    if not _is_meant(action, form.get("foreseen", ""), form.get("typed", "")):
        return _foreseen(_("Type the number of orders that are not carried over."), reason)
    try:
        run, is_new = begin_selected(
            parts().store,
            parts().config,
            wanted,
            action,
            actor=current_actor(),
            reason=reason,
            per_minute=_pace(form.get("per_minute", "")),
            using=using_asked_for(),
        )
    except BulkRefused as refusal:
        return _foreseen(said(refusal.phrase), reason)
    ring_all()
    if is_new:
        flash(" ".join(_begun(run.expected, form.get("foreseen", ""))))
    else:
        flash(_("This runs already; %(who)s started it.", who=run.asked_by))
    return redirect(url_for("runs.show", run_id=run.id), 303)


def _is_meant(action: str, foreseen: str, typed: str) -> bool:
    """Whether what nobody takes back for all of them was confirmed by its number."""
    count = _number(foreseen)
    return action != "skip" or count is None or count < TYPED_FROM or _number(typed.strip()) == count


def _begun(count: int, foreseen: str) -> list[str]:
    told = [ngettext("Begun with %(num)s order.", "Begun with %(num)s orders.", count)]
    if (before := _number(foreseen)) is not None and before != count:
        told.append(_("The page said %(count)s: some came or went since.", count=before))
    return told


@blueprint.get("/<int:run_id>")
@needs("viewer")
def show(run_id: int) -> ResponseReturnValue:
    """How a run goes."""
    progress = None if run_id > _MAX_ID else progress_of(parts().store, run_id)
    if progress is None:
        abort(404)
    if progress.run.issue_id is not None:
        return redirect(url_for("needs.show", issue_id=progress.run.issue_id))
    return render_template(
        "console/run.html",
        progress=progress,
        run=progress.run,
        action=_action_name(progress.run.action),
        words=[(said(label), said(value)) for label, value in words_of(wanted_of(progress.run))],
    )


@blueprint.post("/<int:run_id>/cancel")
@needs("operator")
def cancel(run_id: int) -> ResponseReturnValue:
    """Do nothing more of it."""
    if run_id > _MAX_ID or progress_of(parts().store, run_id) is None:
        abort(404)
    if cancel_bulk(parts().store, run_id, actor=current_actor()):
        flash(_("Cancelled. Orders that were released already are still looked at."))
    else:
        flash(_("It had ended already."))
    return redirect(url_for("runs.show", run_id=run_id), 303)


# --- what is selected -------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class _Selection:
    """What the address of a run selects."""

    wanted: Wanted
    #: How orders were asked for; None where causes were.
    asked: Asked | None = None
    #: Causes that do not go into one run.
    left_out: int = 0


def _selected() -> _Selection:
    """Causes of the list of those, ticked orders, or what fits the filters of the orders."""
    if request.args.get("of") == "issues":
        issues, more = issues_asked_for()
        return _Selection(Wanted(issues=issues or (0,)), left_out=more)
    asked, wanted = asked_for()
    if request.args.get("which") == "ticked":
        found = (_number(text) for text in request.args.getlist("item")[: MOST_ITEMS + 1])
        ids = tuple(sorted({item_id for item_id in found if item_id is not None}))
        return _Selection(Wanted(items=ids or (0,)), asked)
    return _Selection(dataclasses.replace(wanted, states=TABS[asked.tab]), asked)


def _foreseen(error: str = "", reason: str = "") -> ResponseReturnValue:
    selection = _selected()
    wanted, asked = selection.wanted, selection.asked
    action = request.args.get("action", "")
    try:
        found = foresee(parts().store, parts().config, wanted, action)
    except BulkRefused as refusal:
        flash(said(refusal.phrase))
        return redirect(url_for("orders.index"), 303)
    page = render_template(
        "console/run_new.html",
        found=found,
        action=_action_name(action),
        decides=action in DECISIONS,
        chooses=action == RETRY and parts().store.read(lambda c: has_originals(c, wanted.channel)),
        types=action == "skip" and found.goes.documents >= TYPED_FROM,
        words=[(said(label), said(value)) for label, value in words_of(wanted)],
        errors=list(asked.errors.values()) if asked else list(_left_out(selection.left_out)),
        back=asked.address() if asked else url_for("needs.index"),
        error=error,
        reason=reason,
    )
    return page, 422 if error else 200


def _left_out(more: int) -> Iterator[str]:
    if more:
        yield ngettext(
            "%(num)s more cause is left out: begin again when this run is over.",
            "%(num)s more causes are left out: begin again when this run is over.",
            more,
        )


def _action_name(action: str) -> str:
    return said(ACTIONS.get(action, action))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS + 3 else None


def _pace(text: str) -> int | None:
    """So many orders a minute at most; anything else is as fast as they are worked off."""
    count = _number(text.strip())
    return min(count, MOST_PER_MINUTE) or None if count is not None else None
