"""Languages: every text that people read goes through gettext. English is what the code says."""

from __future__ import annotations

import zoneinfo

from babel import Locale
from babel.support import NullTranslations
from flask import Flask, g, request
from flask_babel import Babel, get_babel, get_domain, get_locale

from sync.desk.languages import best_of, catalogues_folder, languages_in
from webapp.console import access


def register(app: Flask) -> None:
    """Choose language and zone for each request."""
    babel = Babel()
    babel.init_app(
        app,
        default_translation_directories=str(catalogues_folder()),
        locale_selector=_language,
    )
    # As Flask-Babel does it, but the catalogue is looked up once a request and not for every text: a list has hundreds.
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # of Jinja's extension
        gettext=lambda text: catalogue().ugettext(text),
        ngettext=lambda one, many, count: catalogue().ungettext(one, many, count),
        pgettext=lambda context, text: catalogue().upgettext(context, text),
        npgettext=lambda context, one, many, count: catalogue().unpgettext(context, one, many, count),
        newstyle=True,
    )
    app.jinja_env.globals.update(language=_shown_language, direction=lambda: get_locale().text_direction)


def catalogue() -> NullTranslations:
    """The reader's translations, looked up once a request."""
    if "catalogue" not in g:
        g.catalogue = get_domain().get_translations()
    found: NullTranslations = g.catalogue
    return found


def languages() -> list[str]:
    """English, and what there is a compiled catalogue for."""
    return languages_in(*get_babel().translation_directories)


def named_languages() -> list[tuple[str, str, str]]:
    """(code, tag, what its readers call it) of each."""
    found = ((code, Locale.parse(code)) for code in languages())
    return [(code, str(locale).replace("_", "-"), locale.get_display_name() or code) for code, locale in found]


def _language() -> str:
    """What the user has chosen, else the browser's."""
    who = access.known()
    chosen = who.user.language if who else ""
    return chosen if chosen in languages() else of_browser()


def of_browser() -> str:
    """The first language of the browser's that we have."""
    asked = [tag for tag, quality in request.accept_languages if quality > 0]
    return best_of(asked, languages()) or "en"


def _shown_language() -> str:
    locale = get_locale() or Locale("en")
    return str(locale).replace("_", "-")


def zone() -> zoneinfo.ZoneInfo:
    """In which zone this user reads times."""
    who = access.known()
    try:
        return zoneinfo.ZoneInfo(who.user.timezone if who and who.user.timezone else "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        # The system that stored it knew more zones than this one.
        return zoneinfo.ZoneInfo("UTC")
