"""Matches: customers who might be several records of another system, side by side, and the word that decides."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from sync.desk.matches import (
    MatchRefused,
    decide_match,
    match_about,
    match_detail,
    match_page,
    open_counts,
    undo_match,
)
from sync.rules.matching import COMPARED
from sync.store.matches import Answer, Match
from webapp.console.access import current_actor, needs
from webapp.console.home import ring_all
from webapp.console.present import here, said
from webapp.parts import parts

blueprint = Blueprint("matches", __name__, url_prefix="/matches")

_SIZE: Final = 50
_MAX_TEXT: Final = 255
_MAX_REASON: Final = 500
_MAX_ID: Final = 10**12
_DIGITS: Final = 12
#: What is compared -> what it is called.
FIELDS: Final = {
    "name": lazy_gettext("Name"),
    "vat_id": lazy_gettext("VAT id"),
    "email": lazy_gettext("E-mail"),
    "phone": lazy_gettext("Telephone"),
    "street": lazy_gettext("Street"),
    "postal_code": lazy_gettext("Postal code"),
    "city": lazy_gettext("Town"),
    "country": lazy_gettext("Country"),
}
#: Why somebody is asked, by the rung of the ladder.
RUNGS: Final = {
    "code": lazy_gettext("They bear the customer's own key."),
    "vat_id": lazy_gettext("They have the customer's VAT id."),
    "email": lazy_gettext("They have the customer's e-mail address."),
    "name": lazy_gettext("They are called as the customer is, and nothing else speaks for them."),
}


@blueprint.get("")
@needs("viewer")
def index() -> ResponseReturnValue:
    """What waits for a person, or is decided, of one connection or of all."""
    decided, asked = request.args.get("state") == "decided", request.args.get("connection", "")[:_MAX_TEXT]
    marks = {name: _number(request.args.get(name, "")) for name in ("after", "before")}
    page = match_page(
        parts().store,
        parts().config,
        asked,
        decided=decided,
        after=marks["after"] or 0,
        before=marks["before"],
        limit=_SIZE,
    )
    counts = open_counts(parts().store)
    waiting = counts.get(asked, 0) if asked else sum(counts.values())
    names = sorted({*counts, *parts().config.connections, *filter(None, [asked])})
    return render_template(
        "console/matches.html",
        page=page,
        decided=decided,
        asked=asked,
        waiting=waiting,
        names=names,
        answer_of=_answer,
        newer=here(before=page.previous, after=None) if page.previous else "",
        older=here(after=page.next, before=None) if page.next else "",
    )


@blueprint.get("/<int:match_id>")
@needs("viewer")
def show(match_id: int) -> ResponseReturnValue:
    """The customer, and beside them each record that might be the same."""
    return _show(match_id)


def _show(match_id: int, error: str = "", reason: str = "") -> str:
    _demand_id(match_id)
    detail = match_detail(parts().store, parts().systems, match_id)
    if detail is None:
        abort(404)
    return render_template(
        "console/match.html",
        detail=detail,
        match=detail.match,
        fields=FIELDS,
        compared=COMPARED,
        why=RUNGS.get(detail.match.rung, ""),
        answer_of=_answer,
        error=error,
        reason=reason,
    )


@blueprint.get("/about/<int:issue_id>")
@needs("viewer")
def about(issue_id: int) -> ResponseReturnValue:
    """The match that a cause waits for."""
    _demand_id(issue_id)
    found = match_about(parts().store, parts().config, issue_id)
    if found is None:
        abort(404)
    return redirect(url_for(".show", match_id=found.id))


@blueprint.post("/<int:match_id>/decide")
@needs("operator")
def decide(match_id: int) -> ResponseReturnValue:
    """It is this one, or none of them."""
    chosen, reason = request.form.get("record", "")[:_MAX_TEXT], request.form.get("reason", "").strip()[:_MAX_REASON]
    _demand_id(match_id)
    answer = Answer.APART if request.form.get("answer") == Answer.APART else Answer.SAME
    try:
        done = decide_match(
            parts().store, parts().config, match_id, answer, chosen, actor=current_actor(), reason=reason
        )
    except MatchRefused as refusal:
        return _show(match_id, said(refusal.phrase), reason), 422
    except LookupError:
        abort(404)
    ring_all()
    count = done.released.orders
    again = ngettext("%(num)s order is looked at again.", "%(num)s orders are looked at again.", count)
    flash(" ".join([_("It is decided."), *([again] if count else [])]))
    return redirect(url_for(".show", match_id=match_id), 303)


@blueprint.post("/<int:match_id>/undo")
@needs("operator")
def undo(match_id: int) -> ResponseReturnValue:
    """Have it decided anew."""
    _demand_id(match_id)
    try:
        undo_match(parts().store, match_id, actor=current_actor(), reason=request.form.get("reason", "").strip())
    except MatchRefused as refusal:
        return _show(match_id, said(refusal.phrase)), 422
    except LookupError:
        abort(404)
    flash(_("The decision is taken back. What was carried over stays."))
    return redirect(url_for(".show", match_id=match_id), 303)


def _demand_id(number: int) -> None:
    """What is no id of ours is nobody's."""
    if number > _MAX_ID:
        abort(404)


def _answer(match: Match) -> str:
    if match.answer == Answer.APART:
        return str(_("none of them"))
    found = match.chosen_candidate
    return match.chosen if found is None else str(found.name or found.id)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None
