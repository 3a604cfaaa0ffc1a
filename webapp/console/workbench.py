"""The workbench of mapping profiles: a real document, the text that is being written, and what the text makes of it.

One form with one address: each of its buttons carries everything on, so nothing that was typed is lost to any of them
and all of it works without scripts. With them the result follows the typing (`static/workbench.js`).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from config.model import ProfileFile, PublishGate
from config.problems import ConfigError
from connectors.kit.errors import ConnectorError
from mappings.profiles.outline import Node, outline
from mappings.profiles.reference import sections
from sync.desk.gate import Examination, examine
from sync.desk.passport import find_order
from sync.desk.phrases import Refusal
from sync.desk.profile_texts import PUBLISHED, find_text
from sync.desk.profiles import ProfileConflict, demand_profile, publish, save_draft
from sync.desk.workbench import (
    MAX_SAMPLE,
    TEXT,
    Tried,
    begin,
    list_samples,
    parse_sample,
    read_sample,
    stored_sample,
    try_text,
)
from sync.rules.profile_changes import unified
from sync.rules.systems import SystemMissing
from sync.store.listed import Listed
from sync.store.revisions import Draft, load_draft, published_number
from sync.work.rehearse import DryRunReport, dry_run
from webapp.console.access import current_actor, may, needs
from webapp.console.exchanges import Shown, pretty, show
from webapp.console.present import said, told
from webapp.console.profiles import blueprint
from webapp.parts import parts

_MAX_REASON: Final = 500
_MAX_TEXT: Final = 255
#: Lines of a difference that a page shows.
_LINES: Final = 500


@dataclasses.dataclass(slots=True)
class Form:
    """All that the form carries from one press of a button to the next."""

    text: str
    #: The revision that the text was made from, and the version of the draft; empty where there was none.
    base: int = 0
    seen: str = ""
    #: The stored order that it is tried on; empty for one that was brought along.
    sample: str = ""
    own: str = ""
    search: str = ""
    #: Of an uploaded file.
    order: str = ""
    reason: str = ""
    despite: str = ""


@dataclasses.dataclass(slots=True)
class Answer:
    """What came of the button that was pressed."""

    status: int = 200
    notice: str = ""
    error: str = ""
    #: What the text changes of the newest orders, before it is published.
    examined: Examination | None = None
    dry: DryRunReport | None = None
    calls: Sequence[Shown] = ()
    #: What somebody else has written meanwhile: its name, what is different, and what says that one has seen it.
    theirs: str = ""
    lines: Sequence[str] = ()
    over: str = ""


@blueprint.url_value_preprocessor
def _make_room(endpoint: str | None, _values: dict[str, object] | None) -> None:
    """A long profile and a sample are more than Werkzeug takes of a form's fields by default (500 kB)."""
    if endpoint == "profiles.workbench" and may("integrator"):
        request.max_form_memory_size = request.max_content_length


@blueprint.route("/<channel>/workbench", methods=["GET", "POST"])
@needs("integrator")
def workbench(channel: str) -> ResponseReturnValue:
    """The page, and everything that is done on it."""
    if channel not in parts().config.channels:
        abort(404)
    if request.method == "GET":
        return _page(channel, _opened(channel), Answer())
    form = _sent()
    done = _DONE.get(request.form.get("do", ""), _check)
    try:
        answer = done(channel, form)
    except ProfileConflict as conflict:
        answer = _conflict(channel, form, said(conflict.phrase))
    except Refusal as refusal:
        answer = Answer(422, error=said(refusal.phrase))
    except ConfigError:
        # What is wrong with the text is told beside it.
        answer = Answer(422, error=_("Nothing was done: the text is no profile yet."))
    except (ConnectorError, SystemMissing, LookupError) as error:
        answer = Answer(502, error=told(error))
    return _page(channel, form, answer) if isinstance(answer, Answer) else answer


# --- what the buttons do ----------------------------------------------------------------------------------------


def _check(channel: str, form: Form) -> Answer:
    """Nothing beyond the page itself, but a file that came along is the sample from now on."""
    file = request.files.get("file")
    if file is not None and file.filename:
        form.own = read_sample(parts().systems.connector(_source(channel)), file.read(), form.order)
        form.sample = ""
    return Answer()


def _save(channel: str, form: Form) -> Answer:
    # A draft that is there already keeps the revision that it was begun with, until somebody compares it.
    kept = _keep(channel, form, compared=not form.seen or "over" in request.form)
    form.seen, form.base = kept.seen, kept.base
    return Answer(notice=_("The draft is kept as version %(version)s.", version=kept.seen))


def _keep(channel: str, form: Form, *, compared: bool) -> Draft:
    """`compared`: whoever has published meanwhile is asked for, before theirs is passed over."""
    store, actor = parts().store, current_actor()
    onto = form.base if compared else None
    try:
        return save_draft(store, parts().config, channel, form.text, actor=actor, seen=form.seen, onto=onto)
    except ProfileConflict:
        # The page was sent twice: what is there is what was to be kept.
        now = store.read(lambda c: load_draft(c, channel))
        if now is None or (now.text, now.changed_by) != (form.text, actor.name):
            raise
        return now


def _rehearse(channel: str, form: Form) -> Answer:
    order = find_order(parts().store, parts().config, channel, form.sample) if form.sample else None
    if order is None:
        return Answer(422, error=_("Choose a stored order: shop and ERP are asked about it."))
    demand_profile(parts().config, channel, form.text, TEXT)
    report = dry_run(parts().store, parts().systems, order, profile=ProfileFile(TEXT, form.text))
    return Answer(dry=report, calls=[show(dataclasses.asdict(call)) for call in report.calls])


def _review(channel: str, form: Form) -> Answer:
    return Answer(examined=_examined(channel, form))


def _examined(channel: str, form: Form) -> Examination:
    demand_profile(parts().config, channel, form.text, TEXT)
    return examine(parts().store, parts().systems, channel, ProfileFile(TEXT, form.text))


def _publish(channel: str, form: Form) -> Answer | ResponseReturnValue:
    examined = _examined(channel, form)
    if not form.reason:
        return Answer(422, error=_("Say why: those who come after you will ask."), examined=examined)
    form.seen = _keep(channel, form, compared=True).seen
    try:
        done = publish(
            parts().store,
            parts().config,
            channel,
            form.text,
            actor=current_actor(),
            reason=form.reason,
            base=form.base,
            examined=examined,
            despite=form.despite if may("admin") else "",
        )
    except ProfileConflict:
        raise
    except Refusal as refusal:
        return Answer(422, error=said(refusal.phrase), examined=examined)
    parts().bell.ring(channel, "order")
    number, canary = done.revision.number, done.canary
    words = [_("Revision %(number)s is published.", number=number)]
    if done.released:
        words.append(_("Orders that stood still and are looked at again: %(count)s.", count=done.released))
    if canary:
        words.append(_("Orders that wait for a person before the others go: %(count)s.", count=canary))
    flash(" ".join(words))
    return redirect(url_for("profiles.show", channel=channel), 303)


_DONE: Final[Mapping[str, Callable[[str, Form], Answer | ResponseReturnValue]]] = {
    "check": _check,
    "save": _save,
    "dry-run": _rehearse,
    "review": _review,
    "publish": _publish,
}


def _conflict(channel: str, form: Form, words: str) -> Answer:
    """What they wrote beside what is in the form: nothing of either is lost."""
    draft, number = parts().store.read(lambda c: (load_draft(c, channel), published_number(c, channel)))
    if draft is not None and draft.seen != form.seen:
        name, text = f"{channel}, draft {draft.seen}", draft.text
    elif number:
        found = find_text(parts().store, parts().config, channel, PUBLISHED)
        name, text = found.name, found.text
    else:
        name, text = "", ""
    lines = unified(text, form.text, (name, TEXT))[:_LINES] if name else []
    over = f"{draft.seen if draft else ''}/{number}"
    return Answer(409, error=words, theirs=name, lines=lines, over=over)


# --- what the form carries --------------------------------------------------------------------------------------


def _opened(channel: str) -> Form:
    beginning = begin(parts().store, parts().config, channel)
    seen = beginning.draft.seen if beginning.draft else ""
    search = request.args.get("q", "")[:_MAX_TEXT].strip()
    form = Form(beginning.text, beginning.base, seen, search=search)
    form.sample = request.args.get("sample", "")[:_MAX_TEXT]
    if not form.sample:
        [form.sample] = [each.external_id for each in _samples(channel, form)[:1]] or [""]
    return form


def _sent() -> Form:
    given = request.form
    base, seen = given.get("base", ""), given.get("seen", "")[:_MAX_TEXT]
    if "over" in given:
        seen, _slash, base = given["over"][:_MAX_TEXT].rpartition("/")
    return Form(
        # A browser sends every line end as two characters.
        text=given.get("text", "").replace("\r\n", "\n"),
        base=int(base) if base.isascii() and base.isdecimal() and len(base) < 10 else 0,  # noqa: PLR2004 - no number
        seen=seen,
        sample=given.get("sample", "")[:_MAX_TEXT],
        own=given.get("own", "")[:MAX_SAMPLE].replace("\r\n", "\n").strip(),
        search=given.get("q", "")[:_MAX_TEXT].strip(),
        order=given.get("order", "")[:_MAX_TEXT].strip(),
        reason=given.get("reason", "").strip()[:_MAX_REASON],
        despite=given.get("despite", "").strip()[:_MAX_REASON],
    )


def _source(channel: str) -> str:
    return parts().config.channels[channel].source


def _samples(channel: str, form: Form) -> list[Listed]:
    return list_samples(parts().store, parts().config, channel, form.search)


def _payload(channel: str, form: Form, answer: Answer) -> dict[str, Any] | None:
    """What the text is tried on; None for nothing, with the reason in the answer where something was meant."""
    if form.sample:
        found = stored_sample(parts().store, parts().config, channel, form.sample)
        if found is None:
            answer.error = answer.error or _("Nothing is kept of the order %(order)s.", order=form.sample)
        return found
    if not form.own:
        return None
    try:
        return parse_sample(form.own)
    except Refusal as refusal:
        answer.error = answer.error or said(refusal.phrase)
        return None


# --- the page ---------------------------------------------------------------------------------------------------


def _page(channel: str, form: Form, answer: Answer) -> ResponseReturnValue:
    payload = _payload(channel, form, answer)
    samples = _samples(channel, form)
    try:
        tried = try_text(parts().store, parts().systems, channel, form.text, payload)
    except (ConnectorError, SystemMissing) as error:
        answer.error = answer.error or told(error)
        tried = Tried(None)
    tree: Sequence[Node] = () if payload is None else outline(payload)
    page = render_template(
        "console/workbench.html",
        channel=channel,
        form=form,
        answer=answer,
        samples=samples,
        listed={each.external_id for each in samples},
        payload=payload,
        tree=tree,
        tried=tried,
        raw={name: _written(value) for name, value in _raw(tried).items()},
        overruling=_overruling(channel, answer),
        help=sections(),
        short=_short,
    )
    return page, answer.status


def _overruling(channel: str, answer: Answer) -> bool:
    """Whether the gate is shut, and this person may overrule it."""
    gated = parts().config.channels[channel].publish_gate is not PublishGate.NONE
    return bool(gated and answer.examined and answer.examined.replay.newly_fail and may("admin"))


def _raw(tried: Tried) -> dict[str, Any]:
    made = tried.made
    return {} if made is None else {"order": made.order, "erp": made.payload, "shop": made.shop}


def _written(value: Any) -> str:
    return pretty(json.dumps(value, ensure_ascii=False, default=str))


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - one line of a table
