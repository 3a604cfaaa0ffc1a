"""The pages of files of orders, without JavaScript: looked at, taken whole, and what is bad as a file."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import re

import pytest
from sqlalchemy import func, select, update

from config.settings import Settings
from sync.desk import erasing
from sync.desk.phrases import say
from sync.store.audit import Actor, AuditFilter, list_audit
from sync.store.imports import load_import_body
from sync.store.tables import events, imports, work_items
from sync.work.importing import KEPT_FOR, MAX_PAGE_BYTES, NotTaken, forget_old_files
from sync.work.receive import Receiver
from tests.sync.flows.test_files import HEAD, Table, row
from tests.webapp.console.pseudo import foreigner, pseudo_language, unmarked
from tests.webapp.console.test_lookups import text
from webapp.app import create_app
from webapp.parts import LazyParts, Parts

__all__ = ["foreigner", "pseudo_language"]

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def store(sqlite_store):
    return sqlite_store


@pytest.fixture
def table(store):
    world = Table(store)
    yield world
    world.systems.close()


@pytest.fixture
def app(table, sqlite_url, tmp_path):
    settings = Settings.from_env({"CROSSDOCK_STATE": str(tmp_path)})
    app = create_app(
        settings,
        make_parts=lambda: Parts(
            store=table.store,
            receiver=Receiver(sqlite_url, {}, lambda channel, kind: True),
            sources={},
            queue_answers=lambda: True,
            settings=settings,
            config=table.config,
            systems=table.systems,
            bell=table.bell,
        ),
    )
    yield app
    app.extensions[LazyParts.KEY].get().receiver.close()


@pytest.fixture
def operator(browser):
    return browser("operator")


def bring(browser, *rows, name="november.csv", body=None, **fields):
    """Upload a file; the page that it leads to."""
    data = (HEAD + "".join(rows)).encode() if body is None else body
    answer = browser.post("/imports/", connection="shop", file=(io.BytesIO(data), name), **fields)
    return browser.get(answer.headers["Location"]) if answer.status_code == 303 else answer


def press(browser, page, what):
    """Press the button of a form whose address ends so, with its hidden fields."""
    form = re.search(rf'<form[^>]*action="(/imports/\w+/{what})".*?</form>', page.text, re.DOTALL)
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
    answer = browser.post(form[1], **fields)
    assert answer.status_code == 303
    return browser.get(answer.headers["Location"])


def token_of(page):
    return re.search(r"/imports/(\w{32})/", page.text)[1]


def count(store, what):
    return store.read(lambda c: c.execute(select(func.count()).select_from(what)).scalar_one())


def test_a_file_is_shown_first_and_taken_when_somebody_says_so(operator, table, store):
    page = bring(operator, row("A"), row("B", "3,00"))
    assert "New orders 2" in text(page)
    assert "15.00 EUR" in text(page)
    assert "A@example.test" in text(page)
    assert count(store, work_items) == 0
    page = press(operator, page, "take")
    assert "2 orders are taken." in text(page)
    assert [item.external_id for item in table.items()] == ["A", "B"]
    assert "/take" not in page.text
    assert table.bell.rings


def test_the_bytes_of_a_file_go_when_its_orders_are_taken(operator, store):
    page = bring(operator, row("A"))
    token = token_of(page)
    assert store.read(lambda c: load_import_body(c, token)) is not None
    press(operator, page, "take")
    assert store.read(lambda c: load_import_body(c, token)) is None


def test_what_is_bad_is_listed_and_saved_and_keeps_the_file_out(operator, store):
    page = bring(operator, row("A"), row("=B", "zwölf"))
    assert "Bad orders 1" in text(page)
    assert "Take the 1 good order alone" in text(page)
    saved = operator.get(re.search(r'href="(/imports/\w+/errors.csv)"', page.text)[1])
    lines = list(csv.reader(io.StringIO(saved.data.decode("utf-8-sig"))))
    assert lines[0][:3] == ["Line", "Order", "Column or field"]
    assert lines[1][:2] == ["3", "'=B"]
    answer = operator.post(
        f"/imports/{token_of(page)}/take", seen=re.search(r'name="seen" value="(\w+)"', page.text)[1]
    )
    assert "something of it is bad" in text(operator.get(answer.headers["Location"]))
    assert count(store, work_items) == 0


def test_the_good_orders_are_taken_alone_where_somebody_says_so(operator, table):
    press(operator, bring(operator, row("A"), row("B", "zwölf")), "take")
    assert [item.external_id for item in table.items()] == ["A"]


def test_who_takes_a_file_takes_what_they_were_shown(operator, table):
    page = bring(operator, row("A"), row("B"))
    table.take(row("A"))
    before = len(table.events())
    page = press(operator, page, "take")
    assert "something has changed" in text(page)
    assert "New orders 1" in text(page)
    assert len(table.events()) == before
    assert "1 order is taken." in text(press(operator, page, "take"))


def test_a_file_that_two_take_is_taken_once(operator, store):
    page = bring(operator, row("A"))
    press(operator, page, "take")
    assert "Nothing was taken" in text(press(operator, page, "take"))
    assert count(store, events) == 1


def test_what_is_no_such_file_is_told_and_read_again_by_other_settings(operator):
    page = bring(operator, body="Order;Name\nA;ÄÖ\n".encode("utf-16-le"))
    assert "Nothing of it can be read." in text(page)
    page = bring(operator, body=(HEAD + row("A")).replace(";", ",").encode(), delimiter=";")
    assert "'Order' among them" in text(page)
    page = operator.get(operator.post(f"/imports/{token_of(page)}/look", delimiter="").headers["Location"])
    assert "Nothing of it can be read." not in text(page)


def test_while_a_file_is_taken_nobody_else_takes_it_and_what_failed_may_be_tried_again(operator, store, monkeypatch):
    page = bring(operator, row("A"))

    def meanwhile(*_, **__):
        assert "Its orders are being taken" in text(operator.get(f"/imports/{token_of(page)}"))
        assert "Nothing was taken" in text(press(operator, page, "take"))
        raise NotTaken(say("the disk is full"))

    with monkeypatch.context() as patch:
        patch.setattr("sync.work.importing.take_file", meanwhile)
        assert "the disk is full" in text(press(operator, page, "take"))
    assert "1 order is taken." in text(press(operator, page, "take"))


def test_a_file_whose_reader_died_can_be_looked_at_again(operator, store):
    page = bring(operator, row("A"))
    store.write(lambda c: c.execute(update(imports).values(state="reading")))
    page = operator.get(f"/imports/{token_of(page)}")
    assert "is being read" in text(page)
    assert "New orders 1" in text(press(operator, page, "look"))


def send(browser, body):
    """As a browser does it; the test client would keep a file of its own open."""
    token, edge = browser.token(), "edge"
    parts = [("csrf_token", "", token.encode()), ("connection", "", b"shop"), ("file", '; filename="a.csv"', body)]
    data = b"".join(
        f'--{edge}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"
        for name, more, value in parts
    )
    kind = f"multipart/form-data; boundary={edge}"
    return browser.client.post(
        "/imports/", data=data + f"--{edge}--\r\n".encode(), content_type=kind, headers={"Accept": "text/html"}
    )


def test_a_file_may_be_larger_than_a_delivery_and_no_larger_than_a_page_takes(operator):
    body = (HEAD + row("A")).encode() + b";;;;;;\n" * 200_000
    assert len(body) > 1024 * 1024
    assert "New orders 1" in text(operator.get(send(operator, body).headers["Location"]))
    assert send(operator, b"0" * (MAX_PAGE_BYTES + 20_000)).status_code == 413


def test_of_somebody_who_may_not_no_large_file_is_read(browser, store):
    assert send(browser("viewer"), b"0" * 3_000_000).status_code == 413
    assert send(browser("viewer"), b"0" * 3_000).status_code == 403
    assert count(store, imports) == 0


def test_a_form_without_a_file_or_for_another_connection_says_so(operator):
    assert "Choose a file" in text(bring(operator, body=b""))
    assert "Choose whose orders" in text(operator.post("/imports/", connection="erp"))
    assert bring(operator, body=b"").status_code == 422


def test_a_file_is_forgotten_on_demand_and_what_was_taken_stays(operator, store):
    page = bring(operator, row("A"))
    press(operator, page, "take")
    assert "The file is forgotten." in text(press(operator, operator.get(f"/imports/{token_of(page)}"), "drop"))
    assert operator.get(f"/imports/{token_of(page)}").status_code == 404
    assert (count(store, imports), count(store, work_items)) == (0, 1)


def test_a_file_that_nobody_wants_is_forgotten_after_a_week(operator, store):
    pages = [bring(operator, row("A")), bring(operator, row("B"))]
    old = dt.datetime.now(dt.UTC) - KEPT_FOR - dt.timedelta(minutes=1)
    which = imports.c.token == token_of(pages[0])
    store.write(lambda c: c.execute(update(imports).where(which).values(uploaded_at=old)))
    assert forget_old_files(store) == 1
    assert [operator.get(f"/imports/{token_of(page)}").status_code for page in pages] == [404, 200]


def test_a_customer_who_must_be_forgotten_is_in_no_file_either(operator, table, store):
    bring(operator, row("A"))
    erasing.erase_customer(store, table.config, "A@example.test", actor=Actor("ada", "test"))
    assert count(store, imports) == 0


def test_hostile_texts_do_nothing(operator):
    page = bring(operator, row(HOSTILE.replace(";", ""), HOSTILE), name=HOSTILE)
    assert "<script>alert" not in page.text
    assert html.escape(HOSTILE)[:20] in page.text or "&#34;" in page.text
    assert "<script>alert" not in operator.get("/imports/").text


def test_who_took_which_file_stands_in_the_audit(operator, store):
    press(operator, bring(operator, row("A")), "take")
    [entry] = store.read(lambda c: list_audit(c, AuditFilter(action="import"), limit=5))
    assert (entry.actor, entry.subject) == ("operator", "connection:shop")
    assert "november.csv" in entry.after


def test_every_state_of_a_file_is_in_the_readers_language(foreigner):
    ours = foreigner("operator")
    pages = [bring(ours, row("A"), row("B", "zwölf")), bring(ours, body=b"x"), bring(ours, row("C"))]
    pages += [press(ours, pages[-1], "take"), ours.get("/imports/"), bring(ours, body=b"")]
    assert [unmarked(page.text) for page in pages] == [[]] * len(pages)
