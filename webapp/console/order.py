"""One order: everything that happened to it, and what people may do about it."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Callable, Sequence
from typing import Final

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from config.problems import ConfigError
from connectors.kit.errors import ConnectorError
from sync.desk.causes import title_of, words_of
from sync.desk.facets import sums
from sync.desk.facets_told import state_of
from sync.desk.issue_life import assignable, comments_of
from sync.desk.lineage import lineage_of
from sync.desk.passport import Passport, exchanges_of, find_order, load_passport, received
from sync.desk.places import page_of
from sync.desk.steering import approve_order, look_again, reject_order, retry_again, retry_orders
from sync.desk.versions import Versions, changed_by_shop
from sync.flows.adopt import Match
from sync.flows.linking import SaleNow, find_sales, link_order, read_sales
from sync.rules.systems import SystemMissing
from sync.store.audit import Actor
from sync.store.engine import Store
from sync.store.orders import StoredOrder
from sync.work.rehearse import DryRunReport, dry_run
from webapp.console.access import current_actor, needs
from webapp.console.exchanges import Body, Shown, body, show, value_shown
from webapp.console.orders import blueprint
from webapp.console.present import told, using_asked_for
from webapp.parts import parts

_ORDER: Final = "/<channel>/<path:external_id>"
_MAX_REASON: Final = 500
_MAX_TEXT: Final = 200
_EVENT: Final = re.compile("[0-9]{1,18}")
#: Attempts whose requests are on the page at once, and how many of one attempt; the others are a click away.
_ATTEMPTS: Final = 3
_EXCHANGES: Final = 12
#: What a line of the timeline is about -> its icon and what that is called.
_KINDS: Final = {
    "webhook": ("plug", lazy_gettext("The shop told us")),
    "poll": ("download", lazy_gettext("Pulled from the shop")),
    "fetch": ("download", lazy_gettext("Read in the shop")),
    "file": ("download", lazy_gettext("Read from a file")),
    "attempt": ("sync", lazy_gettext("Looked at")),
    "intent": ("pulse", lazy_gettext("Written")),
    "linked": ("link", lazy_gettext("Linked")),
    "person": ("user", lazy_gettext("Decided")),
    "document": ("list", lazy_gettext("First seen")),
    "told": ("external", lazy_gettext("Told to the shop")),
    "routed": ("link", lazy_gettext("Warehouse chosen")),
}


@dataclasses.dataclass(slots=True)
class Extra:
    """What somebody asked for beside the page itself, and what came of it."""

    #: Why something that was asked for did not happen.
    error: str = ""
    #: What was typed into the form that was refused.
    typed: dict[str, str] = dataclasses.field(default_factory=dict)
    dry: DryRunReport | None = None
    calls: Sequence[Shown] = ()
    sales: Sequence[SaleNow] | None = None
    matches: Sequence[Match] | None = None
    searched: str = ""


@blueprint.get(_ORDER)
@needs("viewer")
def show_order(channel: str, external_id: str) -> ResponseReturnValue:
    """Everything about one order."""
    return _page(_found(channel, external_id))


# --- what people decide -----------------------------------------------------------------------------------------


@blueprint.post(f"{_ORDER}/look")
@needs("operator")
def look(channel: str, external_id: str) -> ResponseReturnValue:
    """Read it in the shop anew, and compare."""
    return _release(_found(channel, external_id), look_again)


@blueprint.post(f"{_ORDER}/retry")
@needs("operator")
def retry(channel: str, external_id: str) -> ResponseReturnValue:
    """Look at what is stored again."""
    return _release(_found(channel, external_id), functools.partial(retry_orders, using=using_asked_for()))


@blueprint.post(f"{_ORDER}/again")
@needs("operator")
def again(channel: str, external_id: str) -> ResponseReturnValue:
    """Make a new sale for one that is gone in the ERP."""

    def change(store: Store, *, orders: Sequence[StoredOrder], actor: Actor) -> int:
        return retry_again(store, orders=orders, actor=actor, seen=request.form.get("seen", ""))

    return _release(_found(channel, external_id), change)


@blueprint.post(f"{_ORDER}/approve")
@needs("operator")
def approve(channel: str, external_id: str) -> ResponseReturnValue:
    """Let it pass as it is."""
    order = _found(channel, external_id)
    reason = _reason()
    if not reason:
        return _page(order, Extra(error=_("Say why it may pass.")), 422)
    try:
        approve_order(parts().store, order, actor=current_actor(), reason=reason, seen=request.form.get("seen", ""))
    except LookupError as refusal:
        return _page(order, Extra(error=told(refusal), typed={"approve": reason}), 409)
    parts().bell.ring(order.channel, "order")
    flash(_("Approved. The order goes on."))
    return _back(order)


@blueprint.post(f"{_ORDER}/reject")
@needs("operator")
def reject(channel: str, external_id: str) -> ResponseReturnValue:
    """Do not carry it over."""
    order = _found(channel, external_id)
    reason = _reason()
    if not reason:
        return _page(order, Extra(error=_("Say why it is not to be carried over.")), 422)
    seen = request.form.get("seen", "")
    try:
        done = reject_order(parts().store, order, actor=current_actor(), reason=reason, seen=seen)
    except LookupError as refusal:
        return _page(order, Extra(error=told(refusal), typed={"reject": reason}), 409)
    if not done:
        busy = _("The order is being worked on or looked up just now. Try again in a moment.")
        return _page(order, Extra(error=busy, typed={"reject": reason}), 409)
    flash(_("The order is not carried over."))
    return _back(order)


@blueprint.post(f"{_ORDER}/link")
@needs("operator")
def link(channel: str, external_id: str) -> ResponseReturnValue:
    """Bind it to a sale that the ERP has."""
    order = _found(channel, external_id)
    sale_id = request.form.get("sale", "")[:_MAX_TEXT]
    try:
        systems = parts().systems.channel(order.channel)
        done = link_order(parts().store, systems, order, sale_id, actor=current_actor(), reason=_reason())
    except (LookupError, ConnectorError, SystemMissing) as refusal:
        return _page(order, Extra(error=told(refusal)), 409)
    parts().bell.ring(order.channel, "order")
    flash(_("The order is linked with sale %(number)s. Nothing was created.", number=done.sale_number))
    return _back(order)


# --- what people ask the other systems --------------------------------------------------------------------------


@blueprint.post(f"{_ORDER}/find-sale")
@needs("operator")
def find_sale(channel: str, external_id: str) -> ResponseReturnValue:
    """Sales of the ERP that are called so, and whether each can be linked."""
    order = _found(channel, external_id)
    text = request.form.get("text", "").strip()[:_MAX_TEXT]
    if not text:
        return _page(order, Extra(error=_("Type the number, the reference or the id of the sale.")), 422)
    try:
        systems = parts().systems.channel(order.channel)
        matches = find_sales(parts().store, systems, order, text)
    except (LookupError, ConnectorError, SystemMissing) as refusal:
        return _page(order, Extra(error=told(refusal), searched=text), 409)
    return _page(order, Extra(matches=matches, searched=text))


@blueprint.post(f"{_ORDER}/erp")
@needs("operator")
def read_erp(channel: str, external_id: str) -> ResponseReturnValue:
    """What the ERP has of it at this moment."""
    order = _found(channel, external_id)
    try:
        sales = read_sales(parts().systems.channel(order.channel), order)
    except (ConnectorError, SystemMissing) as refusal:
        return _page(order, Extra(error=told(refusal)), 502)
    return _page(order, Extra(sales=sales))


@blueprint.post(f"{_ORDER}/dry-run")
@needs("operator")
def rehearse(channel: str, external_id: str) -> ResponseReturnValue:
    """The exact calls that its next drain would send."""
    order = _found(channel, external_id)
    try:
        report = dry_run(parts().store, parts().systems, order)
    except (LookupError, ConnectorError, SystemMissing) as refusal:
        return _page(order, Extra(error=told(refusal)), 502)
    return _page(order, Extra(dry=report, calls=[show(dataclasses.asdict(call)) for call in report.calls]))


@blueprint.get(f"{_ORDER}/lineage")
@needs("viewer")
def lineage(channel: str, external_id: str) -> ResponseReturnValue:
    """Where every field of it came from; with `field` in the address that one and its parts."""
    order = _found(channel, external_id)
    field = request.args.get("field", "")[:_MAX_TEXT]
    try:
        found = lineage_of(parts().store, parts().systems.channel(order.channel), order, field=field)
    except (ConfigError, ConnectorError, SystemMissing) as refusal:
        return _page(order, Extra(error=told(refusal)), 502)
    return render_template("console/order_lineage.html", order=order, found=found, short=_short)


def _short(value: object) -> str:
    """JSON, in so many characters as a table takes."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"


# --- the whole of what the page shows a part of -----------------------------------------------------------------


@blueprint.get(f"{_ORDER}/attempts/<int:attempt>.json")
@needs("viewer")
def attempt_file(channel: str, external_id: str, attempt: int) -> Response:
    """Every request and response of one attempt, as far as they are kept."""
    found = exchanges_of(parts().store, _found(channel, external_id), attempt)
    if found is None:
        abort(404)
    return _file(f"attempt-{attempt}", json.dumps(found, indent=2, ensure_ascii=False, default=str))


@blueprint.get(f"{_ORDER}/received.json")
@needs("viewer")
def received_file(channel: str, external_id: str) -> Response:
    """The order as its shop sent it last; with `event` in the address, as it came with that one."""
    event = request.args.get("event", "")
    if event and not _EVENT.fullmatch(event):
        abort(404)
    content = received(parts().store, parts().config, _found(channel, external_id), int(event) if event else None)
    return abort(404) if content is None else _file(f"received-{event}" if event else "received", content)


@blueprint.get(f"{_ORDER}/order.json")
@needs("viewer")
def order_file(channel: str, external_id: str) -> Response:
    """The order as we read it."""
    one = load_passport(parts().store, parts().config, _found(channel, external_id))
    if one is None or one.canonical is None:
        abort(404)
    return _file("order", json.dumps(one.canonical, indent=2, ensure_ascii=False, default=str))


def _file(name: str, content: str | bytes) -> Response:
    answer = Response(content, mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return answer


# --- the page ---------------------------------------------------------------------------------------------------


def _found(channel: str, external_id: str) -> StoredOrder:
    return find_order(parts().store, parts().config, channel, external_id) or abort(404)


def _back(order: StoredOrder) -> ResponseReturnValue:
    return redirect(url_for("orders.show_order", channel=order.channel, external_id=order.external_id), 303)


def _reason() -> str:
    return request.form.get("reason", "").strip()[:_MAX_REASON]


def _release(order: StoredOrder, change: Callable[..., int]) -> ResponseReturnValue:
    try:
        count = change(parts().store, orders=[order], actor=current_actor())
    except LookupError as refusal:
        return _page(order, Extra(error=told(refusal)), 409)
    parts().bell.ring(order.channel, "order")
    if not count:
        flash(_("A write of this order has no outcome yet: it is looked up first, and goes on by itself then."))
    elif order.state == "leased":
        flash(_("The order is being worked on just now; it is looked at again right after that."))
    else:
        flash(_("The order is looked at again."))
    return _back(order)


def _page(order: StoredOrder, extra: Extra | None = None, status: int = 200) -> ResponseReturnValue:
    extra = extra or Extra()
    one = load_passport(parts().store, parts().config, order) or abort(404)
    channel, systems = parts().config.channels[order.channel], parts().systems
    content = received(parts().store, parts().config, order)
    page = render_template(
        "console/order.html",
        one=one,
        order=one.order,
        extra=extra,
        erp=channel.erp,
        exchanges=_exchanges(one),
        kinds=_KINDS,
        words_of=words_of,
        title_of=title_of,
        comments=comments_of(parts().store, order),
        people=assignable(parts().store),
        document_state=state_of,
        sums_of=sums,
        value_shown=value_shown,
        shop_page=page_of(systems, channel.source, "order", order.external_id),
        erp_page=functools.partial(page_of, systems, channel.erp),
        crm_page="" if one.crm is None else page_of(systems, one.crm.connection, "account", one.crm.account_id),
        canonical=None if one.canonical is None else body(json.dumps(one.canonical, ensure_ascii=False, default=str)),
        received=None if content is None else _received(content),
        versions=_versions(order),
        at_order={"channel": order.channel, "external_id": order.external_id},
    )
    return page, status


def _versions(order: StoredOrder) -> Versions | None:
    """What the shop has changed last, or with the event that the address names."""
    event = request.args.get("changed", "")
    chosen = int(event) if _EVENT.fullmatch(event) else None
    return changed_by_shop(parts().store, parts().config, order, chosen)


def _received(content: bytes) -> Body:
    return body(content.decode("utf-8", "replace"))


def _exchanges(one: Passport) -> dict[int, list[Shown]]:
    """Attempt -> what it sent and got: of the newest ones, and of the one that the address names."""
    made = [moment.attempt for moment in one.timeline if moment.attempt and moment.attempt.has_exchanges]
    wanted = {attempt.id for attempt in made[-_ATTEMPTS:]}
    wanted |= {attempt.id for attempt in made if str(attempt.id) == request.args.get("attempt")}
    return {
        number: [show(entry) for entry in (exchanges_of(parts().store, one.order, number) or ())[:_EXCHANGES]]
        for number in wanted
    }
