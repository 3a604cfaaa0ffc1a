"""No text that people read bypasses gettext: in a made-up language, every page is in that language."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
import yaml

from connectors.kit.base import Diagnoses
from connectors.kit.errors import RecordRejected
from connectors.kit.findings import fail, of_error
from connectors.kit.words import say as say_of_connector
from connectors.registry import CONNECTORS, has
from mappings.canonical.words import quote, say
from sync.desk.doctor import channel, connection, golive, installation, keep_report
from sync.desk.doctor.report import Line, report_of
from sync.work import checkup
from tests.webapp.console.conftest import Browser
from tests.webapp.console.pseudo import PSEUDO, foreigner, marked, messages, pseudo_language, sentences, unmarked
from webapp.console.present import said, shown

__all__ = ["foreigner", "pseudo_language"]

TABLE = yaml.safe_load(Path(__file__).with_name("roles.yaml").read_text())
#: What a browser shows; downloads are for other programs, and some addresses only lead on.
PAGES = [
    name
    for name, what in TABLE.items()
    if what.get("get", 303) not in {302, 303} and what["role"] != "machine" and "export" not in name
]


def test_the_check_sees_what_is_not_marked():
    page = f'<p title="Bare">{marked("good")} bare <b translate="no">data</b></p><input placeholder="Bare too">'
    assert unmarked(page) == ["Bare", "Bare too", " bare"]


@pytest.mark.parametrize("endpoint", PAGES)
def test_every_page_is_in_the_readers_language(app, foreigner, endpoint):
    with app.test_request_context():
        path = app.url_for(endpoint, **TABLE[endpoint].get("args", {}))
    someone = foreigner("" if TABLE[endpoint]["role"] == "anyone" else "admin")
    page = someone.get(path)
    assert page.status_code == TABLE[endpoint]["get"]
    assert f'<html lang="{PSEUDO}"' in page.text
    assert unmarked(page.text) == []


def test_every_page_is_in_chinese_for_who_reads_it(app, foreigner):
    stranger, admin = foreigner(language="zh"), foreigner("admin", "zh-CN,zh;q=0.9,en;q=0.8")
    left = {}
    for endpoint in PAGES:
        with app.test_request_context():
            path = app.url_for(endpoint, **TABLE[endpoint].get("args", {}))
        page = (stranger if TABLE[endpoint]["role"] == "anyone" else admin).get(path).text
        assert '<html lang="zh-Hans-CN" dir="ltr"' in page
        left[path] = sentences(page)
    assert {path: found for path, found in left.items() if found} == {}


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
    kinds |= {f"connection:{name}": kind.checks for name, kind in CONNECTORS.items() if has(kind, Diagnoses)}
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


def test_what_a_user_has_chosen_goes_before_what_the_browser_asks_for(foreigner):
    reader = foreigner("viewer", "en-US,en;q=0.9")
    assert '<html lang="en"' in reader.get("/account").text
    assert reader.post("/account/language", language="zh_Hans_CN").status_code == 303
    page = reader.get("/account").text
    assert '<html lang="zh-Hans-CN"' in page
    assert "语言已更改。" in page
    assert '<option value="zh_Hans_CN" lang="zh-Hans-CN" translate="no" selected>中文' in page
    assert reader.post("/account/language", language="tlh").status_code == 422
    assert reader.post("/account/language").status_code == 303
    assert '<html lang="en"' in reader.get("/account").text


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


def test_a_text_inside_of_a_text_is_translated_too_and_a_value_never(app, pseudo_language):
    app.extensions["babel"].translation_directories = [str(pseudo_language)]
    app.extensions["babel"].locale_selector = lambda: "eo"
    inner = say_of_connector("the answer has no Date header")
    text = say("%(connection)s is away (%(error)s); tried again by itself", connection="Retry", error=inner)
    with app.test_request_context():
        assert said(text) == marked(f"Retry is away ({marked('the answer has no Date header')}); tried again by itself")
        assert str(shown(text)).startswith(f'{marked("")[0]}<span translate="no">Retry</span> is away')
        assert said("Retry") == "Retry"


def test_what_others_send_is_no_markup_and_no_template(app):
    hostile = '<script>%(x)s %s</script>\x1e{"\x1esaid": ["%(x)999999999s", "", null, {}]}'
    with app.test_request_context():
        assert "<script>" not in shown(quote(hostile))
        assert html.unescape(re.sub("<[^>]+>", "", shown(quote(hostile)))) == hostile
        assert shown(hostile, 8, data=True) == '<span translate="no">&lt;script&gt;\N{HORIZONTAL ELLIPSIS}</span>'


def test_the_last_check_up_is_in_the_language_of_who_reads_it_and_not_of_who_asked_for_it(store, foreigner, browser):
    error = RecordRejected(say_of_connector("a party with the code %(code)s exists already", code="'7'"))
    keep_report(store, report_of([Line("connection:erp", "a check", of_error("a.check", error))]))
    assert (
        'a party with the code <span translate="no">&#39;7&#39;</span> exists already'
        in browser("viewer").get("/doctor").text
    )
    assert f"{marked('')[0]}a party with the code " in foreigner("viewer").get("/doctor").text
