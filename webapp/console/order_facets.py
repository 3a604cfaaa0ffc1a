"""What hangs on an order: the files of its documents, and what a person may have sent again."""

from __future__ import annotations

from typing import Final

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sync.desk.files import file_of_order
from sync.desk.issue_life import LifeRefused, assign_order, comment_order
from sync.desk.passport import find_order, load_passport
from sync.desk.resending import resend_orders, waiting_to_resend
from sync.store.orders import StoredOrder
from webapp.console.access import current_actor, needs
from webapp.console.orders import blueprint
from webapp.console.present import said, told
from webapp.files import attachment
from webapp.parts import parts

_ORDER: Final = "/<channel>/<path:external_id>"


@blueprint.get(f"{_ORDER}/files/<token>")
@needs("viewer")
def document_file(channel: str, external_id: str, token: str) -> Response:
    """The file of one of its documents, as the ERP gave it."""
    found = file_of_order(parts().store, _found(channel, external_id), token)
    return abort(404) if found is None else attachment(found)


@blueprint.post(f"{_ORDER}/comment")
@needs("operator")
def comment(channel: str, external_id: str) -> ResponseReturnValue:
    """Say something about it."""
    order = _found(channel, external_id)
    try:
        comment_order(parts().store, order, request.form.get("comment", ""), actor=current_actor())
    except LifeRefused as refusal:
        flash(said(refusal.phrase))
    else:
        flash(_("The comment is kept."))
    return redirect(url_for(".show_order", channel=order.channel, external_id=order.external_id) + "#comments", 303)


@blueprint.post(f"{_ORDER}/assign")
@needs("operator")
def assign(channel: str, external_id: str) -> ResponseReturnValue:
    """Who cares for it, and by when."""
    order = _found(channel, external_id)
    who, day = request.form.get("assignee", ""), request.form.get("due_on", "")
    try:
        assign_order(parts().store, order, assignee=who, due_on=day, actor=current_actor())
    except LifeRefused as refusal:
        flash(said(refusal.phrase))
    else:
        flash(_("Kept: who cares for it, and by when."))
    return redirect(url_for(".show_order", channel=order.channel, external_id=order.external_id) + "#comments", 303)


@blueprint.get(f"{_ORDER}/resend")
@needs("operator")
def ask_resend(channel: str, external_id: str) -> ResponseReturnValue:
    """What would be sent again, before it is."""
    return _ask(_found(channel, external_id))


@blueprint.post(f"{_ORDER}/resend")
@needs("operator")
def resend(channel: str, external_id: str) -> ResponseReturnValue:
    """Send it again."""
    order = _found(channel, external_id)
    seen = request.form.get("seen", "")
    try:
        resend_orders(parts().store, orders=[order], actor=current_actor(), seen=seen)
    except LookupError as refusal:
        return _ask(order, told(refusal)), 409
    parts().bell.ring(order.channel, "order")
    flash(_("It is sent again."))
    return redirect(url_for("orders.show_order", channel=channel, external_id=external_id), 303)


def _ask(order: StoredOrder, error: str = "") -> str:
    one = load_passport(parts().store, parts().config, order) or abort(404)
    return render_template(
        "console/order_resend.html",
        order=order,
        waiting=waiting_to_resend(parts().store, order),
        seen=one.seen,
        error=error,
        at_order={"channel": order.channel, "external_id": order.external_id},
    )


def _found(channel: str, external_id: str) -> StoredOrder:
    return find_order(parts().store, parts().config, channel, external_id) or abort(404)
