"""*Edit and replay* as somebody without scripts clicks it: form, JSON, preview, keeping, and who was faster."""

from __future__ import annotations

import html
import json
import re

import pytest
from sqlalchemy import select

from sync.store.tables import corrections, work_items
from tests.webapp.console.conftest import words_of
from tests.webapp.console.selling import CHANNEL, selling

pytestmark = pytest.mark.loopback


@pytest.fixture
def home(tmp_path, sqlite_store):
    with selling(tmp_path, sqlite_store.engine.url.render_as_string(hide_password=False)) as made:
        yield made


@pytest.fixture
def app(home):
    return home.app


@pytest.fixture
def anna(browser):
    return browser("operator")


@pytest.fixture
def order(home):
    """One that the value limit holds."""
    [placed] = home.shop.place(1)
    home.carry(limit=0)
    return placed


def address(order, more=""):
    return f"/orders/{CHANNEL}/{order}/correct{more}"


def fields(page):
    """Everything that the first form of the page would send, and the last one."""
    forms = re.findall(r'<form class="(?:form|inline)[^>]*>.*?</form>', page, re.DOTALL)
    return [
        {
            **{
                name: html.unescape(value)
                for name, value in re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', form)
            },
            **{
                name: html.unescape(text)
                for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL)
            },
        }
        for form in forms
    ]


def form_with(page, name):
    found = next(found for found in fields(page) if name in found)
    return {name: text for name, text in found.items() if name != "csrf_token"}


def preview(anna, order, **typed):
    page = anna.get(address(order)).text
    form = form_with(page, "field:note") | {f"field:{name.replace('__', '.')}": text for name, text in typed.items()}
    return anna.post(address(order), **(form))


def kept(store):
    return store.read(lambda c: list(c.execute(select(corrections).order_by(corrections.c.id))))


def test_a_field_is_corrected_seen_beforehand_and_kept_with_its_reason(home, sqlite_store, anna, order):
    page = preview(anna, order, shipping__city="Bonn", note="two\r\nlines")
    assert page.status_code == 200, words_of(page.text)
    told = words_of(page.text)
    assert "shipping.city" in told
    assert "Bonn" in told
    # What would come next, with the value in it or what holds it still.
    assert "What would be sent" in told
    assert kept(sqlite_store) == []
    form = form_with(page.text, "changes")
    refused = anna.post(address(order, "/keep"), **(form | {"reason": " "}))
    assert refused.status_code == 422
    assert "say why" in words_of(refused.text)
    done = anna.post(address(order, "/keep"), **(form | {"reason": "she called"}))
    assert done.status_code == 303
    [row] = kept(sqlite_store)
    assert (row.number, row.basis, row.reason) == (1, "order", "she called")
    page = anna.get(done.location).text
    for text in ("Correction 1", "Counts", "she called", "shipping.city", "Bonn"):
        assert text in words_of(page), text
    original = anna.get(f"/orders/{CHANNEL}/{order}/corrections/1/original.json")
    assert json.loads(original.text)["shipping"]["city"] != "Bonn"
    back = anna.post(f"/orders/{CHANNEL}/{order}/corrections/1/take-back", reason="she called again")
    assert back.status_code == 303
    assert "Taken back" in words_of(anna.get(back.location).text)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("{", "This is no JSON"),
        ("[]", "found something else, expected an object"),
        ('{"note": NaN}', "This is no JSON"),
    ],
)
def test_what_is_no_document_is_refused_and_what_was_typed_stays(sqlite_store, anna, order, typed, words):
    form = form_with(anna.get(address(order)).text, "document")
    page = anna.post(address(order), **(form | {"document": typed}))
    assert page.status_code == 422
    assert words in words_of(page.text)
    assert kept(sqlite_store) == []


def test_wrong_values_are_told_at_their_fields_and_typed_ones_stay(sqlite_store, anna, order):
    page = preview(anna, order, shipping__country="Germany", note="stays")
    assert page.status_code == 422
    assert re.search(r'id="f-field:shipping.country-error".*?found', page.text, re.DOTALL)
    assert form_with(page.text, "field:note")["field:note"] == "stays"
    document = json.loads(form_with(page.text, "document")["document"])
    document["lines"][0]["total"] = "1.00"
    page = anna.post(address(order), **(form_with(page.text, "document") | {"document": json.dumps(document)}))
    assert page.status_code == 422
    assert "add up to" in words_of(page.text)
    assert kept(sqlite_store) == []


def test_the_second_of_two_is_told_what_the_first_did_and_loses_nothing(sqlite_store, browser, anna, order):
    mine = preview(anna, order, note="mine", shipping__city="Bonn")
    other = browser("admin")
    theirs = form_with(preview(other, order, shipping__city="Kiel").text, "changes")
    assert other.post(address(order, "/keep"), **(theirs | {"reason": "moved"})).status_code == 303
    answer = anna.post(address(order, "/keep"), **(form_with(mine.text, "changes") | {"reason": "she called"}))
    assert answer.status_code == 409
    told = words_of(answer.text)
    assert "has corrected it: shipping.city" in told
    # Her note stands in the form; of the city she sees all three.
    assert form_with(answer.text, "field:note")["field:note"] == "mine"
    assert form_with(answer.text, "field:note")["field:shipping.city"] == "Kiel"
    assert "Bonn" in told
    assert len(kept(sqlite_store)) == 1
    again = anna.post(address(order), **(form_with(answer.text, "field:note")))
    assert again.status_code == 200, words_of(again.text)
    assert anna.post(address(order, "/keep"), **(form_with(again.text, "changes") | {"reason": "x"})).status_code == 303
    assert len(kept(sqlite_store)) == 2
    assert "ready" in {row.state for row in sqlite_store.read(lambda c: list(c.execute(select(work_items))))}
