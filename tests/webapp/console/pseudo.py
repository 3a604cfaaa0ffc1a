"""A made-up language: every text that goes through gettext is itself in brackets, so what does not is seen."""

from __future__ import annotations

import contextlib
import re
from html.parser import HTMLParser

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo

from tests.shared import run_folder
from tests.webapp.console.conftest import Browser
from webapp import catalogues

#: Stands for any other language: it has rules for plurals and dates, and nobody translates us into it by chance.
PSEUDO = "eo"
OPEN, CLOSE = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}", "\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}"
#: What is typed in a terminal or stands in a file, and so in texts as it is.
COMMANDS = re.compile(r"`[^`]*`|crossdock( [a-z-]+)+")
#: Names, and what is the same in every language.
NAMES = re.compile(r"\b(Crossdock|crossdock|UTC|CSV|SKU|ERP|EUR|Europe/Berlin|kB|MB|GB|ms|min)\b")


def messages():
    """Everything that is marked, as translators get it."""
    return [(message.id, message.context) for message in catalogues.said() if message.id]


def marked(text):
    return f"{OPEN}{text}{CLOSE}"


@pytest.fixture(scope="session")
def pseudo_language(tmp_path_factory):
    """A folder with the compiled catalogue in which every text is itself in brackets, and those that there are.

    Reading all sources for their texts takes seconds, so the first worker that asks does it for all of them.
    """
    folder = run_folder(tmp_path_factory) / "translations"
    if not folder.exists():
        made = tmp_path_factory.mktemp("translations")
        _compile(made)
        # Another one may have been as quick, with the same.
        with contextlib.suppress(OSError):
            made.rename(folder)
    return folder


def _compile(folder):
    catalogue = Catalog(locale=PSEUDO)
    for message, context in messages():
        translated = tuple(map(marked, message)) if isinstance(message, tuple) else marked(message)
        catalogue.add(message, translated, context=context)
    ours = {path.parent.parent.name: catalogues.load(path) for path in catalogues.catalogues()}
    for language, said in {PSEUDO: catalogue, **ours}.items():
        path = folder / language / "LC_MESSAGES" / "messages.mo"
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            write_mo(file, said)


@pytest.fixture
def foreigner(app, people, pseudo_language):
    """Makes browsers of somebody who reads that language, or another one."""
    app.extensions["babel"].translation_directories = [str(pseudo_language)]

    def make(login="", language=PSEUDO):
        made = Browser(app, HTTP_ACCEPT_LANGUAGE=language)
        if login:
            assert made.sign_in(login).status_code == 303
        return made

    return make


class Words(HTMLParser):
    """Collects what a page says, leaving out what is marked as data."""

    SAID = ("aria-label", "title", "placeholder", "data-label", "data-on", "data-off", "data-hint", "data-gone", "alt")
    VOID = ("meta", "link", "input", "br", "img", "path", "rect", "hr", "circle", "line")

    def __init__(self, page):
        super().__init__()
        self.said, self._data, self._flow = [], [], []
        self.feed(page)
        # One text: a bracket may be opened before an element and closed behind it.
        self.said.append("\n".join(self._flow))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        data = given.get("translate") == "no" or tag in {"script", "style"} or bool(self._data and self._data[-1])
        if not data:
            self.said += [given[name] for name in self.SAID if given.get(name)]
        if tag not in self.VOID:
            self._data.append(data)

    def handle_startendtag(self, tag, attributes):
        if tag not in self.VOID:
            self.handle_starttag(tag, attributes)
            self._data.pop()

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            self._data.pop()

    def handle_data(self, text):
        if text.strip() and not (self._data and self._data[-1]):
            self._flow.append(text.strip())


def unmarked(page):
    """What of the page's words is in no brackets."""
    left = []
    for said in Words(page).said:
        rest = said
        while (shorter := re.sub(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", "", rest)) != rest:
            rest = shorter
        left += [line for line in rest.splitlines() if re.search(r"[^\W\d_]{2,}", NAMES.sub("", line))]
    return left


def sentences(page):
    """What of the page's words, in a language that is not written in Latin letters, is English all the same."""
    bare = (NAMES.sub("", COMMANDS.sub("", said)) for said in Words(page).said)
    return [found[0] for said in bare for found in re.finditer(r"[A-Za-z']{2,}(?:[ ,]+[A-Za-z']{2,}){2,}", said)]
