"""Alerts: what is out of order, who is told of it, and whether it reaches them."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from sync.desk.alerts import NoWay, alerts_page, ask_test
from webapp.console.access import current_actor, needs
from webapp.console.present import said
from webapp.parts import parts

blueprint = Blueprint("alerts", __name__, url_prefix="/alerts")

#: Severity -> tone, icon, text.
SEVERITIES: Final = {
    "critical": ("bad", "alert", lazy_gettext("Critical")),
    "warning": ("warn", "alert", lazy_gettext("Warning")),
}
#: How a message goes out.
KINDS: Final = {
    "apprise": lazy_gettext("Mail, chat or another service"),
    "webhook": lazy_gettext("Signed webhook"),
}

#: Whether a channel sells as usual -> tone, icon, text.
VERDICTS: Final = {
    "usual": ("ok", "check", lazy_gettext("As usual")),
    "fewer": ("bad", "alert", lazy_gettext("Far fewer")),
    "more": ("warn", "alert", lazy_gettext("Far more")),
    "learning": ("wait", "clock", lazy_gettext("Too young to know")),
    "few": ("off", "minus", lazy_gettext("Too few to tell")),
}


@blueprint.get("/")
@needs("viewer")
def index() -> ResponseReturnValue:
    """What is out of order, and who is told."""
    page = alerts_page(parts().store, parts().config)
    return render_template("console/alerts.html", page=page, severities=SEVERITIES, kinds=KINDS, verdicts=VERDICTS)


@blueprint.post("/<name>/test")
@needs("admin")
def test(name: str) -> ResponseReturnValue:
    """Have a test message sent, and what waits for this way tried again."""
    ours = parts()
    try:
        ask_test(ours.store, ours.config, name, ours.settings.public_url, actor=current_actor())
    except NoWay as error:
        flash(_("Not sent: %(why)s.", why=said(error.phrase)))
    else:
        flash(_("A test is on its way within a quarter of a minute. This page says whether it was taken."))
    return redirect(url_for(".index"), 303)
