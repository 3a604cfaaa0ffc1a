"""How values look to people: money with its currency, times relative and exact, states by icon and text."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from babel import Locale
from babel.dates import format_datetime as babel_datetime
from babel.dates import format_timedelta, get_date_format, get_datetime_format
from babel.numbers import format_decimal, get_currency_precision
from flask import Flask, request
from flask_babel import get_locale, lazy_gettext
from flask_babel.speaklater import LazyString
from markupsafe import Markup, escape

from sync.desk.languages import in_language
from sync.desk.phrases import Phrase
from sync.store.pins import Using
from sync.store.said import is_phrase
from webapp.console.icons import icon
from webapp.console.pages import nonce
from webapp.console.texts import catalogue, zone

_ENGLISH: Final = Locale("en")
#: What stands where there is no value.
NOTHING: Final = "\N{EN DASH}"
#: State -> tone, icon, text. Work items, issues' documents, bulk runs, schedules, connections: one look for all.
_STATES: Final[dict[str, tuple[str, str, LazyString]]] = {
    "ready": ("wait", "clock", lazy_gettext("Queued")),
    "leased": ("work", "sync", lazy_gettext("In work")),
    "reconcile": ("warn", "question", lazy_gettext("Being looked up")),
    "waiting": ("wait", "clock", lazy_gettext("Waiting")),
    "held": ("warn", "hand", lazy_gettext("Held")),
    "parked": ("bad", "alert", lazy_gettext("Parked")),
    "skipped": ("off", "minus", lazy_gettext("Not carried over")),
    "done": ("ok", "check", lazy_gettext("Done")),
    "paused": ("warn", "pause", lazy_gettext("Paused")),
    "resting": ("warn", "clock", lazy_gettext("Resting")),
    "healthy": ("ok", "check", lazy_gettext("Healthy")),
    "failing": ("bad", "alert", lazy_gettext("Failing")),
    "running": ("work", "sync", lazy_gettext("Running")),
    "cancelled": ("off", "minus", lazy_gettext("Cancelled")),
    "away": ("bad", "alert", lazy_gettext("Away")),
    "unknown": ("wait", "question", lazy_gettext("Not known")),
    "open": ("warn", "hand", lazy_gettext("Open")),
    "acknowledged": ("info", "check", lazy_gettext("Known")),
    "snoozed": ("off", "clock", lazy_gettext("Put aside")),
    "releasing": ("work", "sync", lazy_gettext("Being released")),
    "regressed": ("bad", "alert", lazy_gettext("Came back")),
    "resolved": ("ok", "check", lazy_gettext("Over")),
}


_ROLES: Final[dict[str, LazyString]] = {
    "viewer": lazy_gettext("Viewer"),
    "operator": lazy_gettext("Operator"),
    "integrator": lazy_gettext("Integrator"),
    "admin": lazy_gettext("Admin"),
}


def register(app: Flask) -> None:
    """Name them in the templates, each as a filter and as a function."""
    for function in (
        money,
        ago,
        at,
        number,
        size,
        duration,
        said,
        shown,
        state_badge,
        badge,
        icon,
        role_name,
        pair,
        here,
    ):
        app.jinja_env.filters[function.__name__] = app.jinja_env.globals[function.__name__] = function
    app.jinja_env.globals.update(csp_nonce=nonce, NOTHING=NOTHING)


def money(amount: Decimal | str | None, currency: str) -> str:
    """`4,210.00 EUR`: every digit that the source wrote, and not fewer than the currency has."""
    if amount is None or amount == "":
        return NOTHING
    value = Decimal(amount)
    exponent = value.as_tuple().exponent
    written = -exponent if isinstance(exponent, int) else 0
    digits = max(written, get_currency_precision(currency) if currency else 0, 0)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return f"{format_decimal(value, format=pattern, locale=get_locale())}\N{NO-BREAK SPACE}{currency}".strip()


def number(value: Decimal | float | None) -> str:
    """`12,345`."""
    return NOTHING if value is None else format_decimal(value, locale=get_locale())


def size(count: int | None) -> str:
    """`12.3 MB`: how large something is."""
    if count is None:
        return NOTHING
    value, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:  # noqa: PLR2004 - SI
        value /= 1000
        units.pop(0)
    text = format_decimal(round(value, 1 if value < 100 and units[0] != "B" else 0), locale=get_locale())  # noqa: PLR2004 - three digits are enough
    return f"{text}\N{NO-BREAK SPACE}{units[0]}"


def said(text: str) -> str:
    """A phrase in the reader's language; words of somebody else as they are."""
    return in_language(text, catalogue()) if is_phrase(text) else text


def shown(text: str, limit: int = 0, *, data: bool = False) -> Markup:
    """`said` for a page: the values are marked as what is not ours to translate, and cut after `limit` characters.

    `data` says that a text which is no phrase is somebody else's: a person's reason, another system's words.
    """
    if not is_phrase(text):
        cut = _cut(text, limit)
        return _AS_IT_IS.format(cut) if data else escape(cut)
    template = escape(_translated(text))
    values = {name: _shown_value(each, limit) for name, each in text.values.items()}
    return template % values if values else template


def told(error: Exception) -> str:
    """What an error says, in the reader's language as far as it is ours."""
    return said(str(error))


#: Around what others have written or named.
_AS_IT_IS: Final = Markup('<span translate="no">{}</span>')


def _translated(phrase: Phrase) -> str:
    if phrase.plural and phrase.number is not None:
        return str(catalogue().ungettext(phrase.template, phrase.plural, phrase.number))
    return str(catalogue().ugettext(phrase.template))


def _shown_value(value: object, limit: int) -> object:
    if is_phrase(value):
        return shown(value, limit)
    return _AS_IT_IS.format(_cut(value, limit)) if isinstance(value, str) else value


def _cut(text: str, limit: int) -> str:
    """Where there is little room, of the first line only: some values are tables."""
    short = text.partition("\n")[0][:limit] if limit else text
    return text if len(short) == len(text) else f"{short}\N{HORIZONTAL ELLIPSIS}"


def duration(seconds: float | dt.timedelta | None) -> str:
    """`12 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`: two units are enough."""
    if seconds is None:
        return NOTHING
    value = seconds.total_seconds() if isinstance(seconds, dt.timedelta) else float(seconds)
    if value < 1:
        return f"{round(value * 1000)}\N{NO-BREAK SPACE}ms"
    if value < 10:  # noqa: PLR2004 - below it the tenth still says something
        return f"{format_decimal(value, format='0.0', locale=get_locale())}\N{NO-BREAK SPACE}s"
    whole = round(value)
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    first = next(index for index, (count, _unit) in enumerate(parts) if count)
    shown = [f"{count}\N{NO-BREAK SPACE}{unit}" for count, unit in parts[first : first + 2] if count]
    return " ".join(shown)


def ago(moment: dt.datetime | None) -> Markup | str:
    """`5 minutes ago` or `in 2 hours`, as `<time>` with the exact time in the user's zone as its title."""
    if moment is None:
        return NOTHING
    delta = moment - dt.datetime.now(dt.UTC)
    text = format_timedelta(delta, granularity="second", threshold=0.99, add_direction=True, locale=get_locale())
    return _time(moment, text, _exact(moment))


def at(moment: dt.datetime | None) -> Markup | str:
    """`22 Nov 2026, 04:00:00 UTC`, in the user's zone and as the language has it, with how long ago as its title."""
    if moment is None:
        return NOTHING
    delta = moment - dt.datetime.now(dt.UTC)
    return _time(moment, _exact(moment), format_timedelta(delta, add_direction=True, locale=get_locale()))


def _exact(moment: dt.datetime) -> str:
    return babel_datetime(moment, _pattern(get_locale() or _ENGLISH), tzinfo=zone(), locale=get_locale())


def _pattern(locale: Locale) -> str:
    """The day as the language writes it, and seconds of 24 hours: what is compared with logs has no morning."""
    if locale.language == _ENGLISH.language:
        # America's and Britain's days differ; this is both.
        return "d MMM y, HH:mm:ss zzz"
    joined = str(get_datetime_format("medium", locale))
    return joined.replace("{1}", get_date_format("medium", locale).pattern).replace("{0}", "HH:mm:ss zzz")


def _time(moment: dt.datetime, text: str, title: str) -> Markup:
    machine = moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    return Markup('<time datetime="{}" title="{}" translate="no">{}</time>').format(machine, title, text)


def badge(tone: str, icon_name: str, text: str | LazyString) -> Markup:
    """A status: icon, text, and a colour (ok, work, wait, warn, bad, off, info) that says nothing that they do not."""
    return Markup('<span class="badge {}">{}{}</span>').format(tone, icon(icon_name), escape(str(text)))


def state_badge(state: str) -> Markup:
    """The badge of a state; one that nobody has named shows its own word."""
    tone, icon_name, text = _STATES.get(state, ("wait", "question", state))
    return badge(tone, icon_name, text)


def role_name(role: str) -> str:
    """What a role is called."""
    return str(_ROLES.get(role, role))


def pair(value: str) -> tuple[str, str]:
    """A value that is its own text, for the options of a field."""
    return value, value


def using_asked_for() -> Using:
    """With which mapping a form wants orders to be looked at again."""
    return Using.ORIGINAL if request.form.get("mapping") == Using.ORIGINAL else Using.CURRENT


def here(path: str = "", **changes: str | int | None) -> str:
    """This page's address, or `path`, with its filters; `changes` sets some of them, None takes one out."""
    asked = {name: values for name, values in request.args.lists() if name not in changes}
    asked |= {name: [str(value)] for name, value in changes.items() if value is not None}
    query = urlencode([(name, value) for name, values in asked.items() for value in values if value])
    return (path or request.path) + (f"?{query}" if query else "")
