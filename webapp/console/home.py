"""Home: how everything stands, and stopping and going on."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sync.desk.home import home_of
from sync.desk.proof import KINDS
from sync.desk.switching import pause_by_hand, resume_by_hand, scope_of
from webapp.console.access import current_actor, needs
from webapp.console.sparkline import sparkline
from webapp.parts import parts

blueprint = Blueprint("home", __name__)

#: Pages that a button of ours may lead back to.
_BACK: Final = ("home.index", "operations.index", "connections.index")
_MAX_REASON: Final = 500


@blueprint.get("/")
@needs("viewer")
def index() -> ResponseReturnValue:
    """One sentence, and what is known behind it."""
    ours = parts()
    home = home_of(ours.store, ours.config, ours.look_at_queue())
    return render_template("console/home.html", home=home, sparkline=sparkline, difference_kinds=KINDS)


@blueprint.post("/pause")
@needs("operator")
def pause() -> ResponseReturnValue:
    """Stop a connection, a channel, or everything."""
    name, scope = _what()
    reason = request.form.get("reason", "").strip()[:_MAX_REASON] or _("paused by hand")
    pause_by_hand(parts().store, scope, name, actor=current_actor(), reason=reason)
    flash(_("Paused: %(name)s. What is under way comes to its end.", name=name or _("everything")))
    return redirect(back(), 303)


@blueprint.post("/resume")
@needs("operator")
def resume() -> ResponseReturnValue:
    """Go on."""
    name, scope = _what()
    end_pause(scope, name)
    return redirect(back(), 303)


def end_pause(scope: str, name: str) -> None:
    """Go on, and say what that has done."""
    done = resume_by_hand(parts().store, scope, name, actor=current_actor(), lift=parts().lift)
    if done.ended:
        ring_all()
        flash(_("%(name)s goes on.", name=name or _("Everything")))
    else:
        flash(_("%(name)s was not paused.", name=name or _("Everything")))
    if done.unheard:
        flash(
            _(
                "The queue's server does not answer, so a process that was asked to wait still waits. Resume it again "
                "when the server is back."
            )
        )


def ring_all() -> None:
    """What was released of any channel need not wait for the dispatcher."""
    for channel in parts().config.channels:
        parts().bell.ring(channel, "order")


def back() -> str:
    """Where the button stood: one of our own pages, never an address from outside."""
    asked = request.form.get("back", "")
    return url_for(asked if asked in _BACK and asked in current_app.view_functions else "home.index")


def _what() -> tuple[str, str]:
    """(name, scope) of what the form names; nothing that is not configured can be paused."""
    name = request.form.get("name", "")
    try:
        return name, scope_of(parts().config, name)
    except LookupError:
        abort(404)
