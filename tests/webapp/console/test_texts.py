"""No text that people read bypasses gettext: in a made-up language, every page is in that language."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo

from connectors.kit.findings import fail
from connectors.registry import CONNECTORS
from sync.desk.doctor import channel, connection, golive, installation, keep_report
from sync.desk.doctor.report import Line, report_of
from sync.work import checkup
from tests.shared import REPOSITORY
from tests.webapp.console.conftest import Browser
from webapp.console import texts

#: Stands for any other language: it has rules for plurals and dates, and nobody translates us into it by chance.
PSEUDO = "eo"
OPEN, CLOSE = "\N{MATHEMATICAL LEFT WHITE SQUARE BRACKET}", "\N{MATHEMATICAL RIGHT WHITE SQUARE BRACKET}"
#: Names, and what is the same in every language.
NAMES = re.compile(r"\b(Crossdock|crossdock|UTC|CSV|SKU|ERP|EUR|Europe/Berlin|kB|MB|GB|ms|min)\b")
TABLE = yaml.safe_load(Path(__file__).with_name("roles.yaml").read_text())
#: What a browser shows; downloads are for other programs.
PAGES = [name for name, what in TABLE.items() if "get" in what and what["role"] != "machine" and "export" not in name]


def messages():
    """Everything that is marked, as translators get it."""
    with (texts.FOLDER / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    keywords = {**dict.fromkeys(("lazy_gettext", "_", "gettext", "N_", "say")), "ngettext": (1, 2), "say_many": (1, 2)}
    # From the repository's folder, as the patterns are relative to it; folders that hold nothing of ours are left out.
    for root in ("webapp", "sync/desk", "sync/work", "connectors"):
        patterns = [
            (pattern.removeprefix(f"{root}/"), method) for pattern, method in methods if pattern.startswith(root)
        ]
        inner = {pattern.removeprefix(f"{root}/"): values for pattern, values in options.items()}
        for _file, _line, message, _comments, context in extract_from_dir(
            REPOSITORY / root, method_map=patterns, options_map=inner, keywords=keywords
        ):
            yield message, context


def marked(text):
    return f"{OPEN}{text}{CLOSE}"


@pytest.fixture(scope="session")
def pseudo_language(tmp_path_factory):
    """A folder with the compiled catalogue in which every text is itself in brackets."""
    catalogue = Catalog(locale=PSEUDO)
    for message, context in messages():
        translated = tuple(map(marked, message)) if isinstance(message, tuple) else marked(message)
        catalogue.add(message, translated, context=context)
    folder = tmp_path_factory.mktemp("translations")
    path = folder / PSEUDO / "LC_MESSAGES" / "messages.mo"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_mo(file, catalogue)
    return folder


@pytest.fixture
def foreigner(app, people, pseudo_language):
    """Makes browsers of somebody who reads that language."""
    app.extensions["babel"].translation_directories = [str(pseudo_language)]

    def make(login=""):
        made = Browser(app, HTTP_ACCEPT_LANGUAGE=PSEUDO)
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
        self.said, self._data = [], []
        self.feed(page)

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
            self.said.append(text.strip())


def unmarked(page):
    """What of the page's words is in no brackets."""
    left = []
    for said in Words(page).said:
        rest = said
        while (shorter := re.sub(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", "", rest)) != rest:
            rest = shorter
        if re.search(r"[^\W\d_]{2,}", NAMES.sub("", rest)):
            left.append(said)
    return left


def test_the_check_sees_what_is_not_marked():
    page = f'<p title="Bare">{marked("good")} bare <b translate="no">data</b></p><input placeholder="Bare too">'
    assert unmarked(page) == ["Bare", f"{marked('good')} bare", "Bare too"]


@pytest.mark.parametrize("endpoint", PAGES)
def test_every_page_is_in_the_readers_language(app, foreigner, endpoint):
    with app.test_request_context():
        path = app.url_for(endpoint, **TABLE[endpoint].get("args", {}))
    someone = foreigner("" if TABLE[endpoint]["role"] == "anyone" else "admin")
    page = someone.get(path)
    assert page.status_code == TABLE[endpoint]["get"]
    assert f'<html lang="{PSEUDO}"' in page.text
    assert unmarked(page.text) == []


def test_what_a_form_answers_is_in_that_language_too(foreigner):
    stranger, admin = foreigner(), foreigner("admin")
    pages = [
        stranger.sign_in("viewer", "wrong"),
        admin.post("/account/timezone", timezone="Mars/Base"),
        admin.post("/account/password", old_password="x", new_password="y", again_password="z"),
        admin.post("/users", login="?", role="viewer"),
        admin.post("/users", login="grace", role="operator"),
        admin.post("/users/admin/disable"),
        admin.get("/nowhere"),
        stranger.post("/account/timezone"),
    ]
    assert [unmarked(page.text) for page in pages] == [[]] * len(pages)
    admin.post("/account/timezone", timezone="Asia/Tokyo")
    assert unmarked(admin.get("/account").text) == []


def test_what_each_check_of_the_doctor_looks_at_is_in_that_language_too(store, foreigner):
    kinds = {"installation": installation.CHECKS, "queue": checkup.CHECKS, "golive": golive.CHECKS}
    kinds |= {"channel:web": channel.CHECKS, "connection:erp": connection.CHECKS}
    kinds |= {f"connection:{name}": connector.checks for name, connector in CONNECTORS.items()}
    lines = [
        Line(section, title, fail(check, "1", "2"))
        for section, checks in kinds.items()
        for check, title in checks.items()
    ]
    keep_report(store, report_of(lines))
    page = html.unescape(foreigner("viewer").get("/doctor").text)
    assert [line.title for line in lines if marked(line.title) not in page] == []


def test_a_language_that_we_do_not_have_gets_english(browser):
    page = browser().get("/sign-in", headers={"Accept-Language": "tlh, de;q=0.5"}).text
    assert '<html lang="en" dir="ltr">' in page
    assert ">Sign in</h1>" in page


def test_right_to_left_is_said_where_it_is_so(app, people, pseudo_language):
    app.extensions["babel"].locale_selector = lambda: "ar"
    assert '<html lang="ar" dir="rtl">' in Browser(app).get("/sign-in").text


def test_times_are_shown_in_the_users_zone(browser):
    someone = browser("viewer")
    assert " UTC" in someone.get("/account").text
    someone.post("/account/timezone", timezone="Asia/Tokyo")
    page = someone.get("/account").text
    titles = re.findall(r'<time datetime="([^"]+)" title="([^"]+)"', page)
    assert titles
    assert not any("UTC" in title for _, title in titles)
    moment, title = titles[0]
    assert int(re.search(r", (\d\d):", title)[1]) == (int(moment[11:13]) + 9) % 24


def test_the_catalogue_has_the_texts_of_templates_code_and_desk():
    found = {message for message, _ in messages()}
    assert {"Sign in", "You may not do this", "There is no user %(login)s."} <= found
