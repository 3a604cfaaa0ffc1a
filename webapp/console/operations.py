"""Operations: workers, drains, the queue, schedules, the database."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from sync.desk.doctor import last_checkup
from sync.desk.operations import NotRun, find_drain, operations_of, run_now
from sync.desk.switching import pause_by_hand
from sync.work.stop import NotStopped, stop_drain
from webapp.console.access import current_actor, needs
from webapp.console.findings import level_badge, section_name
from webapp.console.home import back
from webapp.console.present import said
from webapp.parts import parts

blueprint = Blueprint("operations", __name__, url_prefix="/operations")

_MAX_REASON: Final = 500
#: Task -> what it does.
TASKS: Final = {
    "pull": lazy_gettext("Pull changed orders"),
    "webhooks": lazy_gettext("Check webhook subscriptions"),
    "resync": lazy_gettext("Look at open orders again"),
    "nightly": lazy_gettext("Compare both sides"),
    "proof": lazy_gettext("Prove that both sides agree"),
    "stock": lazy_gettext("Carry changed stock over"),
    "crm": lazy_gettext("Look for customers in the CRM again"),
    "purge": lazy_gettext("Delete what is old"),
    "stock-full": lazy_gettext("Compare the stock of every article"),
}


#: How the queue's server keeps what it has.
KEPT: Final = {
    "aof": lazy_gettext("its append-only file"),
    "aof_failing": lazy_gettext("its append-only file, which it cannot write"),
    "none": lazy_gettext("nothing: a restart empties it"),
}


@blueprint.get("/")
@needs("viewer")
def index() -> ResponseReturnValue:
    """The machinery at this moment."""
    ours = parts()
    return render_template(
        "console/operations.html",
        view=operations_of(ours.store, ours.config),
        queue=ours.look_at_queue(),
        supervised=ours.settings.supervise_redis,
        tasks=TASKS,
        kept=KEPT,
        checkup=ours.store.read(last_checkup),
        level_badge=level_badge,
        section_name=section_name,
    )


@blueprint.post("/schedules/run")
@needs("operator")
def run() -> ResponseReturnValue:
    """Run one schedule now."""
    name = request.form.get("name", "")
    try:
        run_now(parts().store, parts().config, name, actor=current_actor())
    except NotRun as error:
        flash(_("Not run: %(why)s.", why=said(error.phrase)))
    else:
        flash(_("%(name)s runs as soon as the scheduler looks, which is twice a second.", name=name))
    return redirect(back(), 303)


@blueprint.post("/drains/<token>/stop")
@needs("admin")
def stop(token: str) -> ResponseReturnValue:
    """Kill one drain; with `pause`, its channel does not begin another."""
    view = find_drain(parts().store, token)
    reason = request.form.get("reason", "").strip()[:_MAX_REASON]
    if not reason:
        abort(400)
    if view is None:
        flash(_("This drain has ended by itself."))
        return redirect(url_for(".index"), 303)
    try:
        if request.form.get("pause") == "yes":
            # First: else the dispatcher rings for the same orders before the worker has heard of the stop.
            pause_by_hand(parts().store, "channel", view.drain.channel, actor=current_actor(), reason=reason)
        stop_drain(parts().store, parts().settings, view, actor=current_actor(), reason=reason)
    except NotStopped as error:
        flash(_("Not stopped: %(why)s.", why=said(error.phrase)))
    else:
        flash(_("Its worker is told to stop it. What it had in its hands is looked up before anything is sent again."))
    return redirect(url_for(".index"), 303)
