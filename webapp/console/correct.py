"""*Edit and replay*: correcting one order in a form or as JSON, with what would come of it before it is kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from connectors.kit.errors import ConnectorError
from mappings.base import JsonDict
from mappings.canonical.errors import Problem
from sync.desk.correction_fields import filled_in, form_of, read_json
from sync.desk.corrections import (
    ChangedMeanwhile,
    Draft,
    Mistakes,
    check,
    demand_current,
    draft_of,
    keep_correction,
    original_of,
    take_back,
)
from sync.desk.passport import find_order
from sync.desk.phrases import say
from sync.rules.corrections import Basis, Change, Conflict, differences, read_changes
from sync.rules.systems import ChannelSystems, SystemMissing
from sync.store.bodies import dump_json, pretty_json
from sync.store.orders import StoredOrder
from sync.work.rehearse import DryRunReport, dry_run
from webapp.console.access import current_actor, needs
from webapp.console.exchanges import show, value_shown
from webapp.console.orders import blueprint
from webapp.console.present import said, shown, told
from webapp.parts import parts

_ORDER: Final = "/<channel>/<path:external_id>"
_FIELD: Final = "field:"


@dataclasses.dataclass(slots=True)
class Sheet:
    """What the page shows beside the draft."""

    #: What the form and the JSON begin with.
    document: JsonDict
    #: The JSON as it was typed, where it is none.
    text: str | None = None
    error: str = ""
    #: Path of a field -> what is wrong there; what belongs to no field of the form stands in `others`.
    wrong: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: What somebody typed that does not fit what is there now.
    conflicts: Sequence[Conflict] = ()
    status: int = 200


@blueprint.get(f"{_ORDER}/correct")
@needs("operator")
def ask_correct(channel: str, external_id: str) -> ResponseReturnValue:
    """What of the order may be corrected."""
    order = _found(channel, external_id)
    return _with_draft(order, lambda _systems, draft: _sheet(order, draft, Sheet(draft.document)))


@blueprint.post(f"{_ORDER}/correct")
@needs("operator")
def preview_correction(channel: str, external_id: str) -> ResponseReturnValue:
    """What would come of what was typed; nothing is kept yet."""
    order = _found(channel, external_id)

    def work(systems: ChannelSystems, draft: Draft) -> ResponseReturnValue:
        try:
            changes = _typed(draft)
        except Mistakes as mistakes:
            return _refused(order, draft, draft.document, mistakes)
        except ValueError as error:
            text = request.form.get("document", "")
            refusal = _("This is no JSON: %(error)s.", error=str(error)[:200])
            return _sheet(order, draft, Sheet(draft.document, text=text, error=refusal, status=422))
        if "more" in request.form:
            return _sheet(order, draft, Sheet(draft.with_changes(changes)[0]))
        return _preview(order, systems, draft, changes)

    return _with_draft(order, work)


@blueprint.post(f"{_ORDER}/correct/keep")
@needs("operator")
def keep(channel: str, external_id: str) -> ResponseReturnValue:
    """Keep it, and have the order looked at with it."""
    order = _found(channel, external_id)

    def work(systems: ChannelSystems, draft: Draft) -> ResponseReturnValue:
        try:
            changes = read_changes(read_json(request.form.get("changes", "")))
        except ValueError:
            abort(400)
        if (stale := _stale(order, draft, changes)) is not None:
            return stale
        document, _conflicts = draft.with_changes(changes)
        try:
            keep_correction(
                parts().store,
                systems,
                order,
                document,
                seen=request.form.get("seen", ""),
                actor=current_actor(),
                reason=request.form.get("reason", ""),
                basis=draft.basis,
            )
        except ChangedMeanwhile as refusal:
            return _overtaken(order, draft, changes, told(refusal))
        except Mistakes as mistakes:
            if [problem.path for problem in mistakes.problems] == ["reason"]:
                return _preview(order, systems, draft, changes, error=told(mistakes))
            return _refused(order, draft, document, mistakes)
        parts().bell.ring(order.channel, "order")
        flash(_("The correction is kept, and the order is looked at with it."))
        return _back(order)

    return _with_draft(order, work)


@blueprint.post(f"{_ORDER}/corrections/<int:number>/take-back")
@needs("operator")
def take_correction_back(channel: str, external_id: str, number: int) -> ResponseReturnValue:
    """It counts no more."""
    order = _found(channel, external_id)
    try:
        systems = parts().systems.channel(order.channel)
        take_back(
            parts().store, systems, order, number, actor=current_actor(), reason=request.form.get("reason", "").strip()
        )
    except (LookupError, Mistakes, SystemMissing, ConnectorError) as refusal:
        flash(told(refusal))
        return _back(order)
    parts().bell.ring(order.channel, "order")
    flash(_("The correction counts no more, and the order is looked at without it."))
    return _back(order)


@blueprint.get(f"{_ORDER}/corrections/<int:number>/original.json")
@needs("viewer")
def original_file(channel: str, external_id: str, number: int) -> Response:
    """What a correction was laid over."""
    content = original_of(parts().store, _found(channel, external_id), number)
    if content is None:
        abort(404)
    answer = Response(content, mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="before-correction-{number}.json"'
    return answer


# --- what was typed ---------------------------------------------------------------------------------------------


def _typed(draft: Draft) -> tuple[Change, ...]:
    """What somebody has changed of the document that the page began with. Raises Mistakes, ValueError."""
    base = read_json(request.form.get("base", ""))
    if not isinstance(base, dict):
        abort(400)
    if "document" in request.form:
        document = read_json(request.form["document"])
        if not isinstance(document, dict):
            raise Mistakes([Problem("mapping", "", say("found something else, expected an object"))])
        return differences(base, document)
    names = [name for name in request.form if name.startswith(_FIELD)]
    try:
        made = filled_in(draft, base, {name.removeprefix(_FIELD): request.form[name] for name in names})
    except (LookupError, TypeError):
        abort(400)
    return differences(base, made)


# --- the pages --------------------------------------------------------------------------------------------------


def _with_draft(
    order: StoredOrder, work: Callable[[ChannelSystems, Draft], ResponseReturnValue]
) -> ResponseReturnValue:
    asked = request.values.get("basis", "")
    if asked not in {"", *Basis}:
        abort(400)
    try:
        systems = parts().systems.channel(order.channel)
        draft = draft_of(parts().store, systems, order, Basis(asked) if asked else None)
    except (LookupError, SystemMissing, ConnectorError) as refusal:
        flash(told(refusal))
        return _back(order)
    return work(systems, draft)


def _preview(
    order: StoredOrder, systems: ChannelSystems, draft: Draft, changes: Sequence[Change], *, error: str = ""
) -> ResponseReturnValue:
    if (stale := _stale(order, draft, changes)) is not None:
        return stale
    document, _conflicts = draft.with_changes(changes)
    try:
        whole = check(parts().store, systems, order, draft, document)
    except Mistakes as mistakes:
        return _refused(order, draft, document, mistakes)
    report, refusal_ = _rehearsed(order, draft, whole)
    page = render_template(
        "console/order_correct_preview.html",
        **_common(order, draft),
        changes=[(change, value_shown(change.before), value_shown(change.after)) for change in whole],
        kept=dump_json([change.to_json() for change in changes]).decode(),
        document=dump_json(document).decode(),
        base=dump_json(draft.document).decode(),
        dry=report,
        dry_error=refusal_,
        calls=[] if report is None else [show(dataclasses.asdict(call)) for call in report.calls],
        error=error,
        reason=request.form.get("reason", ""),
    )
    return page, 422 if error else 200


def _rehearsed(order: StoredOrder, draft: Draft, changes: Sequence[Change]) -> tuple[DryRunReport | None, str]:
    try:
        return dry_run(parts().store, parts().systems, order, trial=draft.trial(changes)), ""
    except (LookupError, ConnectorError, SystemMissing) as refusal:
        return None, told(refusal)


def _stale(order: StoredOrder, draft: Draft, changes: Sequence[Change]) -> ResponseReturnValue | None:
    """The page for whoever began with what is not true any more; None while it is."""
    try:
        demand_current(parts().store, order, draft, request.form.get("seen", ""))
    except ChangedMeanwhile as refusal:
        return _overtaken(order, draft, changes, told(refusal))
    if draft.with_changes(changes)[1]:
        return _overtaken(order, draft, changes, told(ChangedMeanwhile(order, [say("a field is another one now")])))
    return None


def _overtaken(order: StoredOrder, draft: Draft, changes: Sequence[Change], error: str) -> ResponseReturnValue:
    """What was typed, laid over what is there now: nothing of it is lost."""
    document, conflicts = draft.with_changes(changes)
    return _sheet(order, draft, Sheet(document, error=error, conflicts=conflicts, status=409))


def _refused(order: StoredOrder, draft: Draft, document: JsonDict, mistakes: Mistakes) -> ResponseReturnValue:
    wrong = {problem.path: shown(problem.reason) for problem in mistakes.problems}
    return _sheet(order, draft, Sheet(document, error=_("Nothing is kept yet."), wrong=wrong, status=422))


def _sheet(order: StoredOrder, draft: Draft, sheet: Sheet) -> ResponseReturnValue:
    groups = form_of(draft, sheet.document)
    in_form = {field.path for group in groups for field in group.fields}
    page = render_template(
        "console/order_correct.html",
        **_common(order, draft),
        groups=groups,
        sheet=sheet,
        prefix=_FIELD,
        others={path: reason for path, reason in sheet.wrong.items() if path not in in_form},
        text=pretty_json(sheet.document) if sheet.text is None else sheet.text,
        base=dump_json(draft.document).decode(),
        value=value_shown,
    )
    return page, sheet.status


def _common(order: StoredOrder, draft: Draft) -> dict[str, Any]:
    return {
        "order": order,
        "draft": draft,
        "at_order": {"channel": order.channel, "external_id": order.external_id},
        "said": said,
    }


def _found(channel: str, external_id: str) -> StoredOrder:
    return find_order(parts().store, parts().config, channel, external_id) or abort(404)


def _back(order: StoredOrder) -> ResponseReturnValue:
    return redirect(url_for("orders.show_order", channel=order.channel, external_id=order.external_id), 303)
