"""Mapping profiles: what applies to each channel, its history, what two texts differ in, and the way back."""

from __future__ import annotations

import dataclasses
from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from config.model import ProfileFile
from config.problems import ConfigError
from connectors.kit.errors import ConnectorError
from sync.desk.phrases import Refusal
from sync.desk.profile_texts import DRAFT, FILE, PUBLISHED, Text, find_text, standings
from sync.desk.profiles import demand_profile, roll_back
from sync.desk.regression import Replay, replay
from sync.rules.profile_changes import RuleChange, rule_changes, unified
from sync.rules.systems import SystemMissing
from sync.store.revisions import list_revisions
from webapp.console.access import current_actor, needs
from webapp.console.present import said, told
from webapp.parts import parts

blueprint = Blueprint("profiles", __name__, url_prefix="/mappings")

_HISTORY: Final = 50
_MAX_REASON: Final = 500
_MAX_WORD: Final = 20
#: Lines of a difference that a page shows; the terminal has all.
_LINES: Final = 1_000
_KINDS: Final = {
    "added": lazy_gettext("added"),
    "changed": lazy_gettext("changed"),
    "removed": lazy_gettext("removed"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """Two texts, and what the second one would change of the newest orders; None where that is what applies."""

    before: Text
    after: Text
    rules: list[RuleChange]
    lines: list[str]
    replay: Replay | None


@blueprint.get("/")
@needs("viewer")
def index() -> ResponseReturnValue:
    """What applies to each channel."""
    return render_template("console/profiles.html", channels=standings(parts().store, parts().config))


@blueprint.get("/<channel>")
@needs("viewer")
def show(channel: str) -> ResponseReturnValue:
    """The history of one channel; with `before` and `after` in the address, what they differ in."""
    _demand(channel)
    words = [request.args.get(name, "")[:_MAX_WORD] for name in ("before", "after")]
    if not any(words):
        return _show(channel)
    try:
        return _show(channel, compared=_compared(channel, words[0] or PUBLISHED, words[1] or DRAFT))
    except Refusal as refusal:
        return _show(channel, error=said(refusal.phrase)), 404
    except (ConfigError, ConnectorError, SystemMissing) as error:
        return _show(channel, error=told(error)), 422


@blueprint.post("/<channel>/roll-back")
@needs("integrator")
def back(channel: str) -> ResponseReturnValue:
    """Publish the text of an older revision again."""
    _demand(channel)
    number, reason = request.form.get("number", ""), request.form.get("reason", "").strip()[:_MAX_REASON]
    if not number.isascii() or not number.isdecimal() or len(number) >= _MAX_WORD // 2:
        return _show(channel, error=_("Name the revision to go back to.")), 422
    try:
        done = roll_back(parts().store, parts().config, channel, int(number), actor=current_actor(), reason=reason)
    except Refusal as refusal:
        return _show(channel, error=said(refusal.phrase)), 422
    except ConfigError as error:
        return _show(channel, error=told(error)), 422
    parts().bell.ring(channel, "order")
    flash(_("Revision %(number)s is published. It says what that one said.", number=done.revision.number))
    return redirect(url_for(".show", channel=channel), 303)


def _demand(channel: str) -> None:
    if channel not in parts().config.channels:
        abort(404)


def _compared(channel: str, first: str, second: str) -> Compared:
    """Raises Refusal, ConfigError for a text that is no profile, and what the systems' settings raise."""
    store, config = parts().store, parts().config
    before, after = (find_text(store, config, channel, word) for word in (first, second))
    profiles = [demand_profile(config, channel, text.text, text.name) for text in (before, after)]
    now = parts().systems.channel(channel)
    found = None
    if now.profile is None or now.profile.digest != profiles[1].digest:
        found = replay(store, now, now.trying(ProfileFile(after.name, after.text)))
    lines = unified(before.text, after.text, (before.name, after.name))[:_LINES]
    return Compared(before, after, rule_changes(*profiles), lines, found)


def _show(channel: str, *, compared: Compared | None = None, error: str = "") -> str:
    standing = next(each for each in standings(parts().store, parts().config) if each.channel == channel)
    return render_template(
        "console/profile.html",
        standing=standing,
        revisions=parts().store.read(lambda c: list_revisions(c, channel, _HISTORY)),
        compared=compared,
        error=error,
        kinds=_KINDS,
        words={"published": PUBLISHED, "draft": DRAFT, "file": FILE},
    )
