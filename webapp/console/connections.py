"""Connections: how each is set up and how it stands; testing, repairing, pausing, and going back to a date."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from connectors.kit.errors import ConnectorError
from sync.desk import switching
from sync.desk.connections import (
    CannotRewind,
    ConnectionDetail,
    connection_detail,
    list_connections,
    preview_rewind,
    rewind,
)
from sync.desk.doctor import examine_connection, keep_report
from sync.desk.doctor.examine import connection_section, impatient_systems
from sync.work.receive.again import read_again as read_unreadable
from sync.work.subscriptions import NoWebhooks, delivery_url, look_at_subscriptions, repair_subscriptions
from webapp.console.access import current_actor, needs
from webapp.console.doctor import patient
from webapp.console.findings import level_badge
from webapp.console.home import end_pause, ring_all
from webapp.console.patience import PATIENCE_S, StillAtWork, within
from webapp.console.present import said, told
from webapp.console.texts import zone
from webapp.parts import parts

blueprint = Blueprint("connections", __name__, url_prefix="/connections")

#: A test that took so long met a system that should not be asked for more while somebody waits.
_SLOW_S: Final = PATIENCE_S / 2


@blueprint.get("")
@needs("viewer")
def index() -> ResponseReturnValue:
    """All of them."""
    entries = list_connections(parts().store, parts().config)
    return render_template("console/connections.html", entries=entries, level_badge=level_badge)


@blueprint.get("/<name>")
@needs("viewer")
def show(name: str) -> ResponseReturnValue:
    """One of them."""
    return _page(name)


@blueprint.post("/<name>/test")
@needs("integrator")
def test(name: str) -> ResponseReturnValue:
    """Ask the other system everything that can be asked without changing anything."""
    detail, begun = _detail(name), time.monotonic()
    report = examine_connection(patient(), name, total_s=PATIENCE_S)
    keep_report(parts().store, report, connection_section(name))
    # A shop that is away or slow was waited for once.
    if detail.has_webhooks and time.monotonic() - begun < _SLOW_S:
        _look_at_webhooks(name)
    return _back(name)


@blueprint.post("/<name>/webhooks")
@needs("integrator")
def repair(name: str) -> ResponseReturnValue:
    """Set up what is missing of the webhooks, switch on what the shop has switched off."""
    _detail(name)
    ours, actor = parts(), current_actor()
    url = delivery_url(ours.settings.public_url, name)

    def work() -> str:
        return repair_subscriptions(ours.store, ours.systems.connector(name), name, url, actor=actor)

    try:
        # A shop pings us before it answers, once for each webhook.
        flash(said(within(work)))
    except StillAtWork:
        flash(_("The shop takes its time. It goes on by itself; look here again in a minute."))
    except (ConnectorError, NoWebhooks) as error:
        return _page(name, _("The webhooks could not be repaired: %(reason)s", reason=told(error)))
    return _back(name)


@blueprint.post("/<name>/read-again")
@needs("integrator")
def read_again(name: str) -> ResponseReturnValue:
    """Read once more what nobody could read when it came; give up what still cannot be, if that is said."""
    if _detail(name).unreadable is None:
        abort(404)
    ours, actor, discard = parts(), current_actor(), request.form.get("discard") == "yes"
    channels = [channel.name for channel in ours.config.channels_of_source(name)]
    try:
        done = within(
            lambda: read_unreadable(
                ours.store, ours.systems.connector(name), name, channels, discard=discard, actor=actor
            )
        )
    except StillAtWork:
        flash(_("It goes on by itself; look here again in a minute."))
        return _back(name)
    except ConnectorError as error:
        return _page(name, told(error))
    ring_all()
    flash(ngettext("%(num)s delivery could be read.", "%(num)s deliveries could be read.", done.read))
    if done.given_up:
        flash(ngettext("%(num)s delivery was given up.", "%(num)s deliveries were given up.", done.given_up))
    return _back(name)


@blueprint.post("/<name>/pause")
@needs("operator")
def pause(name: str) -> ResponseReturnValue:
    """Stop it until somebody ends the pause."""
    _detail(name)
    reason = request.form.get("reason", "").strip()
    if not reason:
        return _page(name, _("Say why: everybody sees it."))
    switching.pause_by_hand(parts().store, "connection", name, actor=current_actor(), reason=reason[:500])
    return _back(name)


@blueprint.post("/<name>/resume")
@needs("operator")
def resume(name: str) -> ResponseReturnValue:
    """Go on."""
    _detail(name)
    end_pause("connection", name)
    return _back(name)


@blueprint.get("/<name>/rewind")
@needs("integrator")
def preview(name: str) -> ResponseReturnValue:
    """What going back to a moment would mean."""
    detail, text = _detail(name), request.args.get("to", "")
    moment, error = _moment(text)
    seen = None
    if moment is not None:
        try:
            with impatient_systems(parts().systems) as systems:
                seen = preview_rewind(parts().store, systems, name, moment)
        except (ConnectorError, CannotRewind) as problem:
            error = told(problem)
    page = render_template(
        "console/rewind.html", detail=detail, to=text, moment=moment, seen=seen, error=error if text else ""
    )
    return (page, 422) if text and seen is None else page


@blueprint.post("/<name>/rewind")
@needs("integrator")
def go_back(name: str) -> ResponseReturnValue:
    """Have the next pull start there."""
    _detail(name)
    moment, error = _moment(request.form.get("to", ""))
    if moment is None:
        return _page(name, error)
    reason = request.form.get("reason", "").strip()[:500]
    try:
        rewind(parts().store, parts().systems, name, moment, actor=current_actor(), reason=reason)
    except (CannotRewind, ConnectorError) as problem:
        return _page(name, told(problem))
    flash(_("The next pull starts there; it is due now."))
    return _back(name)


def _detail(name: str) -> ConnectionDetail:
    """The connection; 404 for one that is not configured."""
    if name not in parts().config.connections:
        abort(404)
    return connection_detail(parts().store, parts().config, name)


def _look_at_webhooks(name: str) -> None:
    """So that the list on the page says the same as the test above it."""
    url = delivery_url(parts().settings.public_url, name)
    with contextlib.suppress(ConnectorError), impatient_systems(parts().systems) as systems:
        look_at_subscriptions(parts().store, systems.connector(name), name, url)


def _page(name: str, error: str = "") -> ResponseReturnValue:
    url = delivery_url(parts().settings.public_url, name)
    page = render_template(
        "console/connection.html", detail=_detail(name), delivery_url=url, error=error, level_badge=level_badge
    )
    return (page, 422) if error else page


def _back(name: str) -> Response:
    return redirect(url_for("connections.show", name=name), 303)


def _moment(text: str) -> tuple[dt.datetime | None, str]:
    """A moment as a form writes it, in the reader's zone unless it names one; None and why where it is none."""
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return None, _("Say a date and a time, such as 2026-11-20 08:00.")
    moment = moment.replace(tzinfo=zone()) if moment.tzinfo is None else moment
    try:
        moment = moment.astimezone(dt.UTC)
    except OverflowError:
        return None, _("Say a date and a time, such as 2026-11-20 08:00.")
    if moment > dt.datetime.now(dt.UTC):
        return None, _("That lies ahead: what changes until then would never be read.")
    return moment, ""
