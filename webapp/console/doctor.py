"""The doctor: what was found when everything was last looked at, and what to do before going live."""

from __future__ import annotations

import threading

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sync.desk.doctor import Patient, examine, keep_report, last_checkup
from sync.desk.doctor.running import Section
from sync.work import checkup
from webapp.console.access import needs
from webapp.console.findings import level_badge, section_name
from webapp.console.patience import PATIENCE_S
from webapp.parts import parts

blueprint = Blueprint("doctor", __name__, url_prefix="/doctor")

#: One at a time in this process: each has a thread for every system.
_running = threading.Lock()


def patient() -> Patient:
    """This installation, as its web process sees it."""
    ours = parts()
    return Patient(settings=ours.settings, store=ours.store, systems=ours.systems)


@blueprint.get("")
@needs("viewer")
def index() -> ResponseReturnValue:
    """The last check-up."""
    report = parts().store.read(last_checkup)
    return render_template("console/doctor.html", report=report, level_badge=level_badge, section_name=section_name)


@blueprint.post("")
@needs("integrator")
def run() -> ResponseReturnValue:
    """Look at everything now."""
    if not _running.acquire(blocking=False):
        flash(_("A check-up is under way already; its result shows here in some seconds."))
        return redirect(url_for("doctor.index"), 303)
    try:
        settings = parts().settings
        queue = Section("queue", checkup.CHECKS, lambda: checkup.check_queue(settings))
        keep_report(parts().store, examine(patient(), [queue], total_s=PATIENCE_S))
    finally:
        _running.release()
    return redirect(url_for("doctor.index"), 303)
