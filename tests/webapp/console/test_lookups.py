"""The pages of look-up tables, without JavaScript."""

from __future__ import annotations

import dataclasses
import html
import io
import re

import pytest

from config.model import StockPolicy
from config.settings import Settings
from sync.desk.lookup_rows import LookupRow
from sync.desk.lookup_views import make_table
from sync.desk.lookups import save_lookups
from sync.store.audit import Actor
from sync.store.lookups import load_own_tables, load_rows
from sync.work.receive import Receiver
from tests.sync.flows.world import CHANNEL, World
from tests.webapp.console.conftest import words_of
from tests.webapp.console.pseudo import foreigner, pseudo_language, unmarked
from webapp.app import create_app
from webapp.console.activity import subject_url
from webapp.parts import LazyParts, Parts

__all__ = ["foreigner", "pseudo_language"]

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def store(sqlite_store):
    return sqlite_store


@pytest.fixture
def world(store):
    return World(store)


@pytest.fixture
def app(world, sqlite_url, tmp_path):
    settings = Settings.from_env({"CROSSDOCK_STATE": str(tmp_path)})
    app = create_app(
        settings,
        make_parts=lambda: Parts(
            store=world.store,
            receiver=Receiver(sqlite_url, {}, lambda channel, kind: True),
            sources={},
            queue_answers=lambda: True,
            settings=settings,
            config=world.config,
            systems=world.systems,
            bell=world.bell,
        ),
    )
    yield app
    app.extensions[LazyParts.KEY].get().receiver.close()


@pytest.fixture
def integrator(browser):
    return browser("integrator")


def text(answer):
    plain = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(plain).replace("\N{NO-BREAK SPACE}", " "))


def save(world, *rows):
    save_lookups(world.store, world.config, rows, actor=Actor("anna"), reason="because")


def stored(world):
    return {(row.key.scope, row.key.value, row.key.conditions): row.target for row in world.store.read(load_rows)}


def confirm(browser, page, path, **changes):
    """Press the button of the preview: its hidden fields go along."""
    form = re.search(rf'<form[^>]*method="post"[^>]*action="{path}".*?</form>', page.text, re.DOTALL)[0]
    fields = {
        name: html.unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    }
    return browser.post(path, **{**fields, "reason": "why not", **changes})


def upload(browser, body, **fields):
    return browser.post("/lookups/sku/file", file=(io.BytesIO(body.encode()), "rows.csv"), **fields)


def test_a_row_says_beforehand_what_it_releases_and_is_kept_by_a_second_press(world, integrator):
    order = world.shop.place(sku="ALT-1")
    world.carry()
    page = integrator.get("/lookups/sku?value=ALT-*&target=TASSE&scope=channel:web")
    assert "Releases 1 order worth 20.00 EUR." in text(page)
    assert stored(world) == {}
    assert confirm(integrator, page, "/lookups/sku").status_code == 303
    assert "ALT-* is TASSE from now on. 1 order goes." in text(integrator.get("/lookups/sku"))
    world.drain()
    assert world.item(order).state == "done"
    assert stored(world) == {("channel:web", "ALT-*", ""): "TASSE"}


def test_a_row_that_was_changed_since_it_was_shown_is_not_overwritten(world, integrator):
    page = integrator.get("/lookups/sku?value=A&target=1&scope=global")
    save(world, LookupRow("sku", "A", "2"))
    refused = confirm(integrator, page, "/lookups/sku")
    assert refused.status_code == 422
    assert "somebody has changed these rows" in text(refused)
    assert stored(world) == {("global", "A", ""): "2"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("value=&target=B", "say which value the row is for"),
        ("value=A&target=", "say what the value is in the ERP"),
        ("value=A&target=B&scope=channel:nowhere", "channel:nowhere"),
        ("value=A*&target=B", "nothing says which counts"),
    ],
)
def test_a_row_that_cannot_be_meant_is_refused_before_it_is_kept(world, integrator, query, said):
    save(world, LookupRow("sku", "*A", "1"))
    page = integrator.get(f"/lookups/sku?{query}")
    assert page.status_code == 422
    assert said in text(page)


def test_rows_are_searched_and_shown_for_whom_they_are(world, integrator):
    save(world, LookupRow("sku", "CUP", "1"), LookupRow("sku", "POT", "2", "channel:web"), LookupRow("sku", "C_P", "3"))
    shown = {
        query: re.findall(r"value=(\w+)&amp;scope", integrator.get(f"/lookups/sku{query}").text)
        for query in ("", "?q=c_", "?for=channel:web", "?q=nothing", "?page=2", "?page=x")
    }
    assert shown == {
        "": ["CUP", "C_P", "POT"],
        "?q=c_": ["C_P"],
        "?for=channel:web": ["POT"],
        "?q=nothing": [],
        "?page=2": [],
        "?page=x": ["CUP", "C_P", "POT"],
    }


def test_a_row_is_removed_as_it_was_shown_and_its_history_stays(world, integrator):
    save(world, LookupRow("tax", "*", "A", conditions="country=DE"))
    where = "/lookups/tax/row?value=*&when=country%3DDE&scope=global"
    page = integrator.get(where)
    assert "because" in text(page)
    confirm(integrator, page, "/lookups/tax/remove", revision="7")
    assert len(stored(world)) == 1
    confirm(integrator, page, "/lookups/tax/remove")
    assert stored(world) == {}
    gone = text(integrator.get(where))
    assert "There is no such row any more." in gone
    assert "why not" in gone
    assert integrator.get("/lookups/tax/row?value=other").status_code == 404


def test_a_file_shows_what_it_changes_and_changes_exactly_that(world, integrator):
    save(world, LookupRow("sku", "A", "1"), LookupRow("sku", "B", "2"))
    exported = integrator.get("/lookups/sku/rows.csv").data.decode("utf-8-sig")
    page = upload(integrator, exported.replace("A,,1", "A,,9") + "sku,global,C,,3\n")
    assert "1 rows are added, 1 changed, 0 removed; 1 stay as they are." in text(page)
    assert len(stored(world)) == 2
    assert confirm(integrator, page, "/lookups/sku/apply").status_code == 303
    assert "2 rows are changed." in text(integrator.get("/lookups/sku"))
    assert [target for _, target in sorted(stored(world).items())] == ["9", "2", "3"]
    # A second press finds nothing to apply.
    confirm(integrator, page, "/lookups/sku/apply")
    assert "Nothing was changed" in text(integrator.get("/lookups/sku"))


def test_a_file_releases_what_waits_for_its_rows(world, integrator):
    order = world.shop.place(sku="OLD")
    world.carry()
    confirm(integrator, upload(integrator, "value,target\nOLD,TASSE\n"), "/lookups/sku/apply")
    world.drain()
    assert world.item(order).state == "done"


def test_what_a_file_does_not_have_is_removed_only_where_the_box_is_ticked(world, integrator):
    save(world, LookupRow("sku", "A", "1"), LookupRow("sku", "B", "2"))
    confirm(integrator, upload(integrator, "value,target\nC,3\n"), "/lookups/sku/apply")
    assert len(stored(world)) == 3
    confirm(integrator, upload(integrator, "value,target\nC,3\n", replace="yes"), "/lookups/sku/apply")
    assert stored(world) == {("global", "C", ""): "3"}


@pytest.mark.parametrize("meanwhile", ["another file", "another person"])
def test_a_file_is_not_applied_to_what_somebody_did_not_see(world, integrator, meanwhile):
    page = upload(integrator, "value,target\nA,1\n")
    if meanwhile == "another file":
        upload(integrator, "value,target\nA,1\nB,2\n", replace="yes")
    else:
        save(world, LookupRow("sku", "D", "4"))
    confirm(integrator, page, "/lookups/sku/apply")
    assert [key for key in stored(world) if key[1] in {"A", "B"}] == []
    assert "look again" in text(integrator.get("/lookups/sku"))


def test_every_bad_row_of_a_file_is_told_and_nothing_of_it_is_kept(world, integrator):
    page = upload(integrator, "value,target\nA,1\nB,\n,2\n")
    assert page.status_code == 422
    assert "line 3, column target: it is empty" in words_of(page.text)
    assert "line 4, column value: it is empty" in words_of(page.text)
    assert stored(world) == {}
    assert integrator.post("/lookups/sku/file").status_code == 422


def test_a_table_of_ones_own_is_made_and_taken_away(world, integrator):
    assert integrator.post("/lookups/", name="Shelf!", purpose="x").status_code == 422
    integrator.post("/lookups/", name="shelf", purpose=HOSTILE)
    assert HOSTILE not in integrator.get("/lookups/").text
    integrator.post("/lookups/", name="shelf", purpose=HOSTILE, facts="weight:number")
    assert "weight:number" in text(integrator.get("/lookups/shelf"))
    refused = integrator.post("/lookups/", name="shelf", purpose="x", facts="weight:size")
    assert "weight is one of text, number, country, not size" in text(refused)
    shown = integrator.get("/lookups/shelf?value=*&when=weight%3D..2.0&target=left")
    assert 'name="when" value="weight=..2"' in shown.text
    confirm(integrator, shown, "/lookups/shelf")
    assert stored(world) == {("global", "*", "weight=..2"): "left"}
    integrator.post("/lookups/shelf/remove", value="*", when="weight=..2", scope="global", revision="1")
    integrator.post("/lookups/shelf/drop")
    assert world.store.read(load_own_tables) == []
    assert integrator.get("/lookups/shelf").status_code == 404


def test_who_may_only_look_is_shown_no_form_that_changes(world, browser):
    save(world, LookupRow("sku", HOSTILE, HOSTILE))
    viewer = browser("viewer")
    for path in ("/lookups/", "/lookups/sku", f"/lookups/sku/row?value={HOSTILE}&scope=global"):
        page = viewer.get(path)
        assert page.status_code == 200
        assert HOSTILE not in page.text
        assert not re.findall(r'action="/lookups[^"]*"[^>]*method="post"|method="post" action="/lookups', page.text)


def test_a_forecast_shows_what_nobody_knows_and_a_suggestion_is_taken_by_one_press(world, browser, integrator):
    world.erp.articles["TASSE-ROT"] = dict(world.erp.articles["TASSE"], id="TASSE-ROT")
    order = world.shop.place(sku="tasse rot")
    world.shop.place(sku="TASSE-ROT", customer="b")
    world.carry()
    viewer = browser("viewer")
    assert "Nobody has looked yet." in text(viewer.get("/lookups/forecast"))
    assert viewer.post("/lookups/forecast", channel="web").status_code == 403
    integrator.post("/lookups/forecast", channel="web")
    page = integrator.get("/lookups/forecast")
    assert "2 orders of the last 90 days" in text(page)
    assert "100 % alike" in text(viewer.get("/lookups/forecast"))
    assert "Take" not in text(viewer.get("/lookups/forecast"))
    taken = confirm(integrator, page, "/lookups/sku", reason="forecast")
    assert taken.location == "/lookups/forecast?channel=web"
    assert stored(world) == {("channel:web", "tasse rot", ""): "TASSE-ROT"}
    assert "Every value is known." in text(integrator.get("/lookups/forecast"))
    world.drain()
    assert world.item(order).state == "done"
    assert integrator.post("/lookups/forecast", channel="nowhere").status_code == 404


def test_a_forecast_that_cannot_ask_the_erp_says_why(world, integrator):
    world.shop.place(sku="ALT")
    world.pull()
    world.erp.fail("resolve", "transient")
    integrator.post("/lookups/forecast", channel="web")
    assert "It could not be found out" in text(integrator.get("/lookups/forecast"))


def test_every_page_is_in_the_readers_language(world, foreigner):
    world.shop.place(sku="ALT")
    world.shop.place(sku="TASSE", customer="b", payment_method="cod")
    world.carry()
    world.shop.place(sku="TASSE1")
    save(world, LookupRow("tax", "*", "A", conditions="country=DE"), LookupRow("sku", "A", "1", "channel:web"))
    someone = foreigner("integrator")
    someone.post("/lookups/forecast", channel="web", shop="yes")
    pages = [
        someone.get("/lookups/forecast"),
        someone.get("/lookups/"),
        someone.get("/lookups/sku?value=ALT&target=TASSE"),
        someone.get("/lookups/sku?value=ALT&target="),
        someone.get("/lookups/tax/row?value=*&when=country%3DDE&scope=global"),
        upload(someone, "value,target\nALT,TASSE\nA,2\n"),
        upload(someone, "value,target\nALT,\n"),
        someone.post("/lookups/", name="?", purpose=""),
    ]
    assert [unmarked(page.text) for page in pages] == [[]] * len(pages)


# --- what was changed is one click away ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "url"),
    [
        ("order:web:a/b:c", "/orders/web/a%2Fb%3Ac"),
        ("user:ada", "/users/ada"),
        ("user:", ""),
        ("connection:erp", "/connections/erp"),
        ("channel:web", "/mappings/web"),
        ("profile:web", "/mappings/web"),
        ("profile:gone", ""),
        ("connection:gone", ""),
        ("table:sku", "/lookups/sku"),
        ("table:dropped", ""),
        ("view:orders:Mine", "/views"),
        ("schedule:nightly:web", "/operations/"),
        ("stock:web:T/1", "/stock?channel=web&q=T/1"),
        ("stock:gone:T1", ""),
        ("database", ""),
    ],
)
def test_a_thing_in_the_activity_leads_to_its_page(world, app, monkeypatch, subject, url):
    channel = dataclasses.replace(world.config.channels[CHANNEL], stock=StockPolicy(push=True))
    world.config = dataclasses.replace(world.config, channels={CHANNEL: channel})
    monkeypatch.setattr("webapp.console.activity.may", lambda role: True)
    with app.test_request_context():
        assert subject_url(subject) == url
        monkeypatch.setattr("webapp.console.activity.may", lambda role: role != "admin")
        assert subject_url(subject) == ("" if subject.startswith("user:") else url)


def test_where_a_thing_leads_to_there_is_a_page(world, integrator):
    make_table(world.store, "shelf", "where it lies", actor=Actor("anna"))
    rows = [
        LookupRow("sku", "A:B [c]", "1"),
        LookupRow("tax", "*", "2", "connection:erp", "country=DE; rate=19"),
        LookupRow("sku", "A", "3", "channel:web"),
    ]
    save(world, *rows)
    page = integrator.get("/activity?thing=lookup")
    found = sorted({html.unescape(each) for each in re.findall(r'href="(/lookups/[^"]+)"', page.text)})
    assert len(found) == 4
    for address in found:
        assert integrator.get(address).status_code == 200
    # Whose name begins with a channel or a connection is none of these for that.
    for thing in ("channel", "connection"):
        assert "/lookups/sku/" not in integrator.get(f"/activity?thing={thing}").text
