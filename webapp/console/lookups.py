"""Look-ups: what a value of one system is in the other, row by row or as files, with who changed what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from connectors.kit.errors import ConnectorError
from sync.desk.forecast import closed_since, last_forecast
from sync.desk.forecast import forecast as make_forecast
from sync.desk.lookup_files import COLUMNS, MAX_TOLD, BadCell, FileRefused, write_rows
from sync.desk.lookup_rows import LookupRow, RowRefused, check_row
from sync.desk.lookup_uploads import apply_upload, keep_upload
from sync.desk.lookup_views import TableView, history, list_tables, make_table, remove_table, scopes_in, table_view
from sync.desk.lookups import (
    Applied,
    LookupPreview,
    RowsChanged,
    preview_lookup,
    preview_rows,
    remove_lookup,
    save_lookups,
)
from sync.rules.lookups import GLOBAL, declared_facts, load_lookups
from sync.rules.patterns import escaped
from sync.rules.systems import SystemMissing
from sync.store.lookups import RowFilter, find_rows, load_row, load_rows, targets_of
from webapp.console.access import current_actor, needs
from webapp.console.home import ring_all
from webapp.console.patience import StillAtWork, within
from webapp.console.present import here, said, told
from webapp.parts import parts

blueprint = Blueprint("lookups", __name__, url_prefix="/lookups")

_SIZE: Final = 50
#: Changes of a file that its preview lists one by one.
_SHOWN: Final = 200
_MAX_TEXT: Final = 255
_MAX_REASON: Final = 500
_KINDS: Final = {
    "added": lazy_gettext("added"),
    "changed": lazy_gettext("changed"),
    "removed": lazy_gettext("removed"),
}


@blueprint.get("/")
@needs("viewer")
def index() -> ResponseReturnValue:
    """Every table, with what it is for."""
    return _index()


def _index(error: str = "", given: Mapping[str, str] | None = None) -> str:
    return render_template(
        "console/lookups.html", tables=list_tables(parts().store), error=error, given=given or {}, columns=COLUMNS
    )


@blueprint.post("/")
@needs("integrator")
def make() -> ResponseReturnValue:
    """A table of one's own."""
    try:
        make_table(
            parts().store,
            _given("name"),
            _given("purpose", 1000),
            facts=_given("facts", 1000),
            actor=current_actor(),
        )
    except RowRefused as error:
        return _index(said(error.phrase), request.form), 422
    return redirect(url_for(".show", table=_given("name")), 303)


@blueprint.post("/<table>/drop")
@needs("integrator")
def drop(table: str) -> ResponseReturnValue:
    """Take a table of one's own away."""
    try:
        remove_table(parts().store, table, actor=current_actor())
    except RowRefused as error:
        flash(said(error.phrase))
    else:
        flash(_("The table is gone."))
    return redirect(url_for(".index"), 303)


@blueprint.get("/forecast")
@needs("viewer")
def forecast() -> ResponseReturnValue:
    """What nobody knew when somebody last looked, without what a row says by now."""
    channels = sorted(parts().config.channels)
    asked = request.args.get("channel", "")
    chosen = asked if asked in channels else next(iter(channels), "")
    found = last_forecast(parts().store, chosen) if chosen else None
    if found is not None:
        channel = parts().config.channels[chosen]
        found = closed_since(parts().store.read(lambda c: load_lookups(c, channel)), found)
    return render_template("console/forecast.html", channels=channels, chosen=chosen, found=found, escaped=escaped)


@blueprint.post("/forecast")
@needs("operator")
def look() -> ResponseReturnValue:
    """Look now."""
    name, shop = _given("channel"), request.form.get("shop") == "yes"
    if name not in parts().config.channels:
        abort(404)
    store, systems = parts().store, parts().systems
    try:
        within(lambda: make_forecast(store, systems.channel(name), shop=shop or None))
    except StillAtWork:
        flash(_("This takes longer; what is found shows here when it is done."))
    except (ConnectorError, SystemMissing) as error:
        flash(_("It could not be found out: %(why)s", why=told(error)))
    return redirect(url_for(".forecast", channel=name), 303)


@blueprint.get("/<table>")
@needs("viewer")
def show(table: str) -> ResponseReturnValue:
    """The rows of a table; with `target` in the address, what a row would do."""
    view = _table(table)
    row = _row(table, request.args)
    if "target" not in request.args:
        return _show(view, row=row)
    try:
        row = check_row(parts().config, row, parts().store.read(declared_facts))
        # All that can be wrong with it, other rows too.
        preview_rows(parts().store, parts().config, [row])
        preview = preview_lookup(parts().store, parts().config, row)
    except RowRefused as error:
        return _show(view, row=row, error=said(error.phrase)), 422
    return _show(view, row=row, preview=preview)


@blueprint.get("/<table>/row")
@needs("viewer")
def row(table: str) -> ResponseReturnValue:
    """One row with its history; one that is gone has only that."""
    view = _table(table)
    wanted = _row(table, request.args)
    found = parts().store.read(lambda c: load_row(c, wanted.key))
    entries = history(parts().store, wanted.key)
    if found is None and not entries:
        abort(404)
    return render_template(
        "console/lookup_row.html",
        table=view,
        row=wanted,
        found=found,
        entries=entries,
        scope_name=scope_name,
    )


@blueprint.post("/<table>")
@needs("integrator")
def save(table: str) -> ResponseReturnValue:
    """Keep a row, and let go what waits for it."""
    view, row = _table(table), _row(table, request.form)
    try:
        row = check_row(parts().config, row, parts().store.read(declared_facts))
        before = {row.key: _given("before")} if "before" in request.form else None
        applied = save_lookups(
            parts().store, parts().config, [row], actor=current_actor(), reason=_reason(), before=before
        )
    except (RowRefused, RowsChanged) as error:
        return _show(view, row=row, error=said(error.phrase)), 422
    ring_all()
    flash(" ".join([_("%(value)s is %(target)s from now on.", value=row.value, target=row.target), *_gone(applied)]))
    # From a suggestion of the forecast back to the others.
    back = request.form.get("back", "")
    if back in parts().config.channels:
        return redirect(url_for(".forecast", channel=back), 303)
    return redirect(url_for(".show", table=table), 303)


@blueprint.post("/<table>/remove")
@needs("integrator")
def remove(table: str) -> ResponseReturnValue:
    """Take a row away, as it was shown."""
    _table(table)
    wanted, revision = _row(table, request.form), _given("revision")
    found = parts().store.read(lambda c: load_row(c, wanted.key))
    if found is None or str(found.revision) != revision:
        flash(said(RowsChanged().phrase))
        return redirect(url_for(".show", table=table), 303)
    try:
        remove_lookup(parts().store, parts().config, found, actor=current_actor(), reason=_reason())
    except RowsChanged as error:
        flash(said(error.phrase))
    else:
        flash(_("The row for %(value)s is gone; its history stays.", value=wanted.value))
    return redirect(url_for(".show", table=table), 303)


# --- files ------------------------------------------------------------------------------------------------------


@blueprint.get("/<table>/rows.csv")
@needs("viewer")
def export(table: str) -> Response:
    """Every row, as a file that comes back by `preview`."""
    _table(table)
    rows = parts().store.read(lambda c: load_rows(c, table_name=table))
    answer = Response((line.encode() for line in write_rows(rows)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{table}.csv"'
    return answer


@blueprint.post("/<table>/file")
@needs("integrator")
def upload(table: str) -> ResponseReturnValue:
    """What a file would change; nothing is changed yet."""
    view, file = _table(table), request.files.get("file")
    body = b"" if file is None else file.read()
    try:
        found = keep_upload(
            parts().store,
            parts().config,
            table,
            body,
            replace=request.form.get("replace") == "yes",
            actor=current_actor(),
        )
    except FileRefused as error:
        first = error.bad[:MAX_TOLD]
        return _show(view, error=said(error.phrase), bad=first, more=len(error.bad) - len(first)), 422
    except RowRefused as error:
        return _show(view, error=said(error.phrase)), 422
    sums = {kind: sum(each.kind == kind for each in found.preview.changes) for kind in _KINDS}
    return render_template(
        "console/lookup_file.html",
        table=view,
        preview=found.preview,
        replace=found.replace,
        shown_changes=found.preview.changes[:_SHOWN],
        more=max(0, len(found.preview.changes) - _SHOWN),
        sums=sums,
        token=found.token,
        kinds=_KINDS,
        scope_name=scope_name,
    )


@blueprint.post("/<table>/apply")
@needs("integrator")
def apply(table: str) -> ResponseReturnValue:
    """Change what the preview of a file has shown."""
    _table(table)
    try:
        applied = apply_upload(
            parts().store, parts().config, table, _given("seen"), actor=current_actor(), reason=_reason()
        )
    except (RowRefused, RowsChanged) as error:
        flash(_("Nothing was changed: %(why)s.", why=said(error.phrase)))
        return redirect(url_for(".show", table=table), 303)
    ring_all()
    count = len(applied.changes)
    flash(" ".join([ngettext("%(num)s row is changed.", "%(num)s rows are changed.", count), *_gone(applied)]))
    return redirect(url_for(".show", table=table), 303)


# --- what the pages are made from -------------------------------------------------------------------------------


def scope_name(scope: str) -> str:
    """For whom a row is."""
    kind, _colon, name = scope.partition(":")
    if kind == "channel":
        return str(_("the channel %(name)s", name=name))
    if kind == "connection":
        return str(_("the connection %(name)s", name=name))
    return str(_("everything")) if scope == GLOBAL else scope


def _show(
    view: TableView,
    *,
    row: LookupRow | None = None,
    preview: LookupPreview | None = None,
    error: str = "",
    bad: Sequence[BadCell] = (),
    more: int = 0,
) -> str:
    page, asked = _page(), {name: request.args.get(name, "")[:_MAX_TEXT].strip() for name in ("q", "for")}
    which = RowFilter(table=view.name, scope=asked["for"], text=asked["q"])
    rows, count = parts().store.read(lambda c: find_rows(c, which, offset=(page - 1) * _SIZE, limit=_SIZE))
    return render_template(
        "console/lookup.html",
        table=view,
        rows=rows,
        count=count,
        asked=asked,
        row=row or LookupRow(view.name, "", ""),
        preview=preview,
        error=error,
        bad=bad,
        more=more,
        scopes=[(scope, scope_name(scope)) for scope in scopes_in(parts().config)],
        known=parts().store.read(lambda c: targets_of(c, view.name)),
        scope_name=scope_name,
        newer=here(page=page - 1) if page > 1 else "",
        older=here(page=page + 1) if count > page * _SIZE else "",
    )


def _table(name: str) -> TableView:
    return table_view(parts().store, name) or abort(404)


def _row(table: str, given: Mapping[str, Any]) -> LookupRow:
    """The row that a form or an address means."""
    texts = {name: str(given.get(name, "")) for name in ("value", "target", "scope", "when")}
    return LookupRow(table, texts["value"], texts["target"], texts["scope"] or GLOBAL, texts["when"])


def _given(name: str, most: int = _MAX_TEXT) -> str:
    return request.form.get(name, "").strip()[:most]


def _reason() -> str:
    return _given("reason", _MAX_REASON)


def _gone(applied: Applied) -> list[str]:
    """What a change has released."""
    goes, stays = applied.release.goes.documents, applied.release.stays.documents
    told = [ngettext("%(num)s order goes.", "%(num)s orders go.", goes)] if goes or stays else []
    if stays:
        more = ngettext(
            "%(num)s more is still stopped by another cause.", "%(num)s more are still stopped by another cause.", stays
        )
        told.append(more)
    return told


def _page() -> int:
    text = request.args.get("page", "1")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1  # noqa: PLR2004 - a page
