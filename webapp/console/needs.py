"""Needs you: what people must decide, grouped by cause, and fixed once for all orders that it stops."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from sync.desk.bulk import (
    MOST_PER_MINUTE,
    CannotApprove,
    OtherMapping,
    Progress,
    approve_all,
    cancel_bulk,
    progress_of,
    retry_one,
    start_bulk,
)
from sync.desk.catalogue.book import of_issue
from sync.desk.catalogue.entry import Entry
from sync.desk.causes import title_of, words_of
from sync.desk.issue_life import IssueState, assignable
from sync.desk.lookup_rows import LookupRow, RowRefused, check_row, row_for
from sync.desk.lookups import LookupPreview, add_lookup, preview_lookup, unknown_targets
from sync.desk.needs import (
    Need,
    NeedDetail,
    NeedFilter,
    NeedPage,
    chosen,
    find_need,
    hours_of,
    list_needs,
    need_detail,
    page_of,
)
from sync.desk.remedies import remedies_of
from sync.desk.selections import ACTIONS
from sync.rules.lookup_tables import choices_of
from sync.rules.lookups import declared_facts
from sync.rules.similar import meant_by
from sync.store.bulk import BulkRun
from sync.store.needs import Release
from sync.store.pins import has_originals
from webapp.console import views
from webapp.console.access import current_actor
from webapp.console.access import needs as demands
from webapp.console.csvfile import export_response
from webapp.console.home import ring_all
from webapp.console.patience import StillAtWork, within
from webapp.console.present import here, number, said, using_asked_for
from webapp.console.sparkline import sparkline
from webapp.parts import parts

blueprint = Blueprint("needs", __name__, url_prefix="/needs")

_SIZE: Final = 50
_MAX_REASON: Final = 500
_MAX_TEXT: Final = 255
#: How long a preview waits for an ERP's answer.
_ASK_S: Final = 5.0
_MAX_ID: Final = 10**12
#: Causes of one run. More fit in no statement of a database; a run takes the rest when it is begun again.
_MOST_CAUSES: Final = 20_000
#: Digits that an item's id has less of.
_MAX_ITEM: Final = 13
#: Of a count that a form brings back.
_DIGITS: Final = 10
_COLUMNS: Final = (
    *("issue", "cause", "subject", "title", "state", "owner", "channel", "connection", "assignee", "due_on"),
    *("orders", "currency", "worth", "oldest", "opened_at", "seen_at", "closed_at"),
)
#: Who can end an issue -> what that is called.
OWNERS: Final = {
    "business": lazy_gettext("Business"),
    "integrator": lazy_gettext("Integrator"),
    "admin": lazy_gettext("Admin"),
}
#: Where an issue stands -> what a list of those is called.
STATES: Final = {
    IssueState.OPEN.value: lazy_gettext("open"),
    IssueState.REGRESSED.value: lazy_gettext("came back"),
    IssueState.ACKNOWLEDGED.value: lazy_gettext("known"),
    IssueState.SNOOZED.value: lazy_gettext("put aside"),
    IssueState.RELEASING.value: lazy_gettext("being released"),
    IssueState.RESOLVED.value: lazy_gettext("over"),
}
SORTS: Final = {
    "documents": lazy_gettext("most orders"),
    "money": lazy_gettext("most money"),
    "oldest": lazy_gettext("oldest order"),
    "seen": lazy_gettext("last seen"),
}
#: What documents have in common -> what that is called.
FIELDS: Final = {
    "reason": lazy_gettext("Reason"),
    "source_state": lazy_gettext("State in the shop"),
    "payment_method": lazy_gettext("Payment method"),
    "currency": lazy_gettext("Currency"),
    "billing_country": lazy_gettext("Billing country"),
    "shipping_country": lazy_gettext("Shipping country"),
    "tax": lazy_gettext("Tax"),
}


@blueprint.get("/")
@demands("viewer")
def index() -> ResponseReturnValue:
    """Every open cause, those that stop most first; filters and order stand in the address."""
    if begins := views.beginning("needs"):
        return redirect(begins)
    which = _filter()
    found = list_needs(parts().store, closed=which.state == IssueState.RESOLVED)
    counts = collections.Counter(need.issue.owner for need in chosen(found, dataclasses.replace(which, owner="")))
    listed = chosen(found, which)
    page = _page_of(listed, which)
    return render_template(
        "console/needs.html",
        needs=page.needs,
        hours=hours_of(parts().store, page.needs),
        sparkline=sparkline,
        tabs=_tabs(counts, which.owner),
        owners=OWNERS,
        which=which,
        views=views.bar("needs"),
        outdated=list(_outdated()),
        asked_which={name: value for name, value in dataclasses.asdict(which).items() if value},
        matching=len(listed),
        actions=[(action, said(label)) for action, label in ACTIONS.items()],
        offers=_offers(found, which),
        put_aside=sum(need.state is IssueState.SNOOZED for need in found),
        newer=here(before=page.previous, after=None) if page.previous else "",
        older=here(after=page.next, before=None) if page.next else "",
    )


def _page_of(listed: Sequence[Need], which: NeedFilter) -> NeedPage:
    """The page that the address asks for; the first where it asks for none that there ever was."""
    marks = {name: request.args.get(name, "")[:_MAX_TEXT] for name in ("after", "before")}
    try:
        return page_of(listed, which, **marks, limit=_SIZE)
    except ValueError:
        return page_of(listed, which, limit=_SIZE)


def _filter() -> NeedFilter:
    """What the address asks for; what is no such state or order asks for nothing."""
    asked = {each.name: request.args.get(each.name, "")[:_MAX_TEXT] for each in dataclasses.fields(NeedFilter)}
    asked["state"] = asked["state"] if asked["state"] in STATES else ""
    asked["sort"] = asked["sort"] if asked["sort"] in SORTS else "documents"
    return NeedFilter(**asked)


@blueprint.get("/causes.csv")
@demands("viewer")
def export() -> Response:
    """Every cause that fits, as a file: a line for each currency in which its orders are worth something."""
    which = _filter()
    found = chosen(list_needs(parts().store, closed=which.state == IssueState.RESOLVED), which)
    filters = {name: value for name, value in dataclasses.asdict(which).items() if value}
    return export_response("causes", filters, _COLUMNS, (row for need in found for row in _rows(need)))


def _rows(need: Need) -> Iterator[list[object]]:
    issue = need.issue
    for currency, worth in need.figures.money.items() or [("", None)]:
        yield [
            *(issue.id, issue.cause, issue.subject, str(issue.title), need.state.value, issue.owner),
            *(issue.channel, issue.connection, issue.assignee, issue.due_on, need.figures.documents),
            *(currency, worth, need.figures.oldest, issue.opened_at, issue.seen_at, need.closed_at),
        ]


def _outdated() -> Iterator[str]:
    """What of the address names something that there is not: an old link, or a view from before."""
    known = {
        "state": STATES,
        "sort": SORTS,
        "owner": OWNERS,
        "channel": parts().config.channels,
        "connection": parts().config.connections,
    }
    for name, there in known.items():
        value = request.args.get(name, "")
        if value and value not in there:
            yield _("The address asks for %(name)s=%(value)s, which there is not.", name=name, value=value[:60])


def issues_asked_for() -> tuple[tuple[int, ...], int]:
    """The causes that this request's address means at this moment, and how many more than one run can take.

    The ticked ones, or all that fit its filters.
    """
    if request.args.get("which") == "ticked":
        ticked = (text for text in request.args.getlist("issue") if text.isascii() and text.isdigit())
        found = sorted({int(text) for text in ticked if len(text) <= _DIGITS})
    else:
        found = sorted(need.issue.id for need in chosen(list_needs(parts().store), _filter()))
    return tuple(found[:_MOST_CAUSES]), max(0, len(found) - _MOST_CAUSES)


def _offers(found: Sequence[Need], which: NeedFilter) -> dict[str, list[tuple[str, str]]]:
    """What each filter offers: what is there, and what is asked for."""
    values = {
        name: sorted({getattr(need.issue, name) for need in found} | {getattr(which, name)} - {"-"})
        for name in ("channel", "connection", "cause", "assignee")
    }
    offers = {name: [(value, value) for value in each if value] for name, each in values.items()}
    offers["cause"] = sorted(((cause, said(words_of(cause).label)) for cause, _ in offers["cause"]), key=_label)
    offers["assignee"] = [("-", _("nobody")), *offers["assignee"]]
    offers["state"] = [(name, str(label)) for name, label in STATES.items()]
    offers["sort"] = [(name, str(label)) for name, label in SORTS.items()]
    return offers


def _label(option: tuple[str, str]) -> str:
    return option[1].casefold()


def _tabs(counts: Mapping[str, int], owner: str) -> list[tuple[str, str, bool, int]]:
    every = [("", _("All"), sum(counts.values()))]
    every += [(name, str(label), counts.get(name, 0)) for name, label in OWNERS.items()]
    return [
        (label, here(owner=name or None, after=None, before=None), name == owner, count) for name, label, count in every
    ]


@blueprint.get("/<int:issue_id>")
@demands("viewer")
def show(issue_id: int) -> ResponseReturnValue:
    """One cause with its orders; with `target` in the address, what a look-up row would release."""
    if "target" not in request.args:
        return show_need(issue_id)
    need = _need(issue_id)
    row = _row(need, request.args)
    try:
        row = check_row(parts().config, row, parts().store.read(declared_facts))
        preview = preview_lookup(parts().store, parts().config, row)
    except RowRefused as error:
        return show_need(issue_id, row=row, error=said(error.phrase)), 422
    return show_need(issue_id, row=row, preview=preview, missing=_missing(row))


@blueprint.post("/<int:issue_id>/retry")
@demands("operator")
def retry_all(issue_id: int) -> ResponseReturnValue:
    """Look at everything again that this cause stops."""
    demand_ids(issue_id)
    begin = functools.partial(start_bulk, parts().store, issue_id, actor=current_actor(), per_minute=_pace())
    try:
        return _started(issue_id, lambda: begin(using=using_asked_for()))
    except OtherMapping as refusal:
        return show_need(issue_id, error=said(refusal.phrase)), 409


@blueprint.post("/<int:issue_id>/approve")
@demands("operator")
def approve(issue_id: int) -> ResponseReturnValue:
    """Let everything pass that this cause holds now."""
    demand_ids(issue_id)
    actor, reason = current_actor(), request.form.get("reason", "").strip()[:_MAX_REASON]
    try:
        return _started(
            issue_id,
            lambda: approve_all(parts().store, issue_id, actor=actor, reason=reason, per_minute=_pace()),
        )
    except CannotApprove as refusal:
        return show_need(issue_id, error=said(refusal.phrase)), 422


def _pace() -> int | None:
    """So many orders a minute at most; anything else is as fast as they are worked off."""
    text = request.form.get("per_minute", "").strip()
    if not (text.isascii() and text.isdigit()) or len(text) >= _DIGITS:
        return None
    return min(int(text), MOST_PER_MINUTE) or None


def _started(issue_id: int, start: Callable[[], tuple[BulkRun, bool]]) -> ResponseReturnValue:
    try:
        run, new = start()
    except LookupError:
        flash(_("Nothing is stopped by this cause any more."))
        return redirect(url_for(".index"), 303)
    ring_all()
    if new:
        count = run.expected
        again = ngettext("%(num)s order is looked at again.", "%(num)s orders are looked at again.", count)
        flash(" ".join([again, *_meanwhile(request.form.get("foreseen", ""), count)]))
    else:
        flash(_("This runs already; %(who)s started it.", who=run.asked_by))
    return redirect(url_for(".show", issue_id=issue_id), 303)


@blueprint.post("/<int:issue_id>/retry/<int:item_id>")
@demands("operator")
def retry(issue_id: int, item_id: int) -> ResponseReturnValue:
    """Look at one order again."""
    demand_ids(issue_id, item_id)
    try:
        channel = retry_one(parts().store, issue_id, item_id, actor=current_actor())
    except LookupError:
        flash(_("This order is not stopped by this cause any more."))
    else:
        parts().bell.ring(channel, "order")
        flash(_("The order is looked at again."))
    return redirect(url_for(".show", issue_id=issue_id), 303)


@blueprint.post("/<int:issue_id>/runs/<int:run_id>/cancel")
@demands("operator")
def cancel(issue_id: int, run_id: int) -> ResponseReturnValue:
    """Release nothing more."""
    demand_ids(issue_id, run_id)
    if cancel_bulk(parts().store, run_id, actor=current_actor()):
        flash(_("Cancelled. Orders that were released already are still looked at."))
    else:
        flash(_("It had ended already."))
    return redirect(url_for(".show", issue_id=issue_id), 303)


@blueprint.post("/<int:issue_id>/lookup")
@demands("integrator")
def lookup(issue_id: int) -> ResponseReturnValue:
    """Add the look-up row, and let go what waits for it."""
    need = _need(issue_id)
    row = _row(need, request.form)
    reason = request.form.get("reason", "").strip()[:_MAX_REASON]
    try:
        added = add_lookup(parts().store, parts().config, row, actor=current_actor(), reason=reason)
    except RowRefused as error:
        return show_need(issue_id, row=row, error=said(error.phrase)), 422
    ring_all()
    flash(" ".join(_what_goes(row, added.release, request.form.get("foreseen", ""))))
    return redirect(url_for(".show", issue_id=issue_id), 303)


def _what_goes(row: LookupRow, release: Release, foreseen: str) -> Iterator[str]:
    """What a row has released, and by how much that is not what its preview said: orders come and go meanwhile."""
    goes, stays = release.goes.documents, release.stays.documents
    yield _("%(value)s is %(target)s from now on.", value=row.value, target=row.target.strip())
    yield ngettext("%(num)s order goes.", "%(num)s orders go.", goes)
    if stays:
        yield ngettext(
            "%(num)s more is still stopped by another cause.", "%(num)s more are still stopped by another cause.", stays
        )
    yield from _meanwhile(foreseen, goes)


def _meanwhile(foreseen: str, count: int) -> Iterator[str]:
    """Where the page that somebody decided by has counted otherwise."""
    if foreseen.isascii() and foreseen.isdigit() and len(foreseen) < _DIGITS and int(foreseen) != count:
        yield _("The page said %(count)s: some came or went since.", count=number(int(foreseen)))


# --- what the pages are made from -------------------------------------------------------------------------------


def show_need(
    issue_id: int,
    *,
    row: LookupRow | None = None,
    preview: LookupPreview | None = None,
    missing: Sequence[str] = (),
    error: str = "",
) -> str:
    """One cause, with what somebody has asked for beside it."""
    detail = _detail(issue_id)
    need = detail.need
    remedies = remedies_of(parts().store, parts().config, need)
    meant = meant_by(remedies.suggestions) if row is None else ""
    if row is None and need.lookup is not None:
        row = dataclasses.replace(row_for(*need.lookup), target=meant)
        preview = preview_lookup(parts().store, parts().config, row) if meant else None
    return render_template(
        "console/need.html",
        detail=detail,
        need=need,
        progress=_progress(need),
        chooses=parts().store.read(lambda c: has_originals(c, need.issue.channel)),
        row=row,
        preview=preview,
        missing=missing,
        meant=meant,
        error=error,
        scopes=_scopes(need),
        title_of=title_of,
        choices=choices_of(row.table) if row is not None else (),
        facts=parts().store.read(declared_facts).get(row.table, {}) if row is not None else {},
        owners=OWNERS,
        fields=FIELDS,
        sparkline=sparkline,
        people=assignable(parts().store),
        entry=_entry(need),
        remedies=remedies,
        promise_s=_promise_s(need),
        broken=_is_broken(need),
        newer=url_for(".show", issue_id=issue_id, before=detail.previous) if detail.previous else "",
        older=url_for(".show", issue_id=issue_id, after=detail.next) if detail.next else "",
    )


def _entry(need: Need) -> Entry:
    """What the error catalogue says: by the other system's own code where it knows that."""
    connection = parts().config.connections.get(need.issue.connection)
    return of_issue(need.issue.cause, need.issue.code, "" if connection is None else connection.system)


def _promise_s(need: Need) -> float | None:
    """How soon an order of its channel is promised to be in the ERP; None where nobody has promised anything."""
    channel = parts().config.channels.get(need.issue.channel)
    return channel.watch.promise_s or None if channel is not None else None


def _is_broken(need: Need) -> bool:
    promise_s, oldest = _promise_s(need), need.figures.oldest
    if promise_s is None or oldest is None:
        return False
    return dt.datetime.now(dt.UTC) - oldest > dt.timedelta(seconds=promise_s)


def _missing(row: LookupRow) -> Sequence[str]:
    """The ERPs that do not know what the row says; nobody's word where they do not answer at once."""
    systems = parts().systems
    try:
        return within(lambda: unknown_targets(systems, row), _ASK_S)
    except StillAtWork:
        return ()


def _progress(need: Need) -> Progress | None:
    return None if need.run is None else progress_of(parts().store, need.run.id)


def _need(issue_id: int) -> Need:
    demand_ids(issue_id)
    return find_need(parts().store, issue_id) or abort(404)


def _detail(issue_id: int) -> NeedDetail:
    demand_ids(issue_id)
    after, before = _item("after") or 0, _item("before")
    return need_detail(parts().store, issue_id, after=after, before=before, limit=_SIZE) or abort(404)


def _row(need: Need, given: Mapping[str, str]) -> LookupRow:
    """The row that a form means: table and value are the issue's own, never the form's."""
    if need.lookup is None:
        abort(404)
    row = row_for(*need.lookup)
    return dataclasses.replace(
        row, target=given.get("target", ""), scope=given.get("scope", "global"), conditions=given.get("when", "")
    )


def _scopes(need: Need) -> Sequence[tuple[str, str]]:
    """(scope, what it is called) of the rows that reach this issue's channel."""
    found = [("global", _("everywhere"))]
    channel = parts().config.channels.get(need.issue.channel)
    if channel is not None:
        found.append((f"connection:{channel.source}", _("only for the shop %(name)s", name=channel.source)))
        found.append((f"connection:{channel.erp}", _("only for the ERP %(name)s", name=channel.erp)))
        found.append((f"channel:{channel.name}", _("only for the channel %(name)s", name=channel.name)))
    return found


def _item(name: str) -> int | None:
    """The end of a page that the address names."""
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < _MAX_ITEM else None


def demand_ids(*ids: int) -> None:
    """An id that no database takes is one that does not exist."""
    if any(one > _MAX_ID for one in ids):
        abort(404)
