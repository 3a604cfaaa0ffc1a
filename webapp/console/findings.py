"""How the lines of a check-up look, on the doctor's page and on a connection's."""

from __future__ import annotations

from typing import Final

from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString
from markupsafe import Markup

from connectors.kit.findings import Level
from webapp.console.present import badge

#: Level -> tone, icon, text.
_LEVELS: Final[dict[Level, tuple[str, str, LazyString]]] = {
    Level.OK: ("ok", "check", lazy_gettext("In order")),
    Level.WARN: ("warn", "alert", lazy_gettext("Look at it")),
    Level.FAIL: ("bad", "alert", lazy_gettext("Fails")),
    Level.UNKNOWN: ("wait", "question", lazy_gettext("Not known")),
}


def level_badge(level: Level) -> Markup:
    """Icon, text and tone of a level."""
    return badge(*_LEVELS[level])


def section_name(section: str) -> str:
    """What a section is called."""
    kind, _, name = section.partition(":")
    if kind == "connection":
        return str(gettext("Connection %(name)s", name=name))
    if kind == "channel":
        return str(gettext("Channel %(name)s", name=name))
    known: dict[str, str] = {
        "installation": gettext("Installation"),
        "queue": gettext("Queue"),
        "golive": gettext("In use"),
    }
    return known.get(kind, section)
