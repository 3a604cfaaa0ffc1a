"""Saved views of lists, and single keys that can be switched off."""

from __future__ import annotations

import html
import re

import pytest
from sqlalchemy import select

from sync.store.states import ItemState
from sync.store.tables import audit, default_views, saved_views
from tests.webapp.console.selling import Selling
from tests.webapp.console.test_orders import add


@pytest.fixture
def app(tmp_path, store):
    made = Selling(tmp_path, store.engine.url.render_as_string(hide_password=False))
    yield made.app
    made.close()


def keep(person, name="Done here", query="tab=done&q=&after=x&evil=1", page="orders", **fields):
    return person.post("/views", name=name, query=query, page=page, **fields)


def view_of(store, name="Done here"):
    return store.read(lambda c: c.execute(select(saved_views).where(saved_views.c.name == name)).one())


def shown(page):
    return re.findall(r'<a class="button small" href="([^"]+)"( aria-current="page")?[^>]*>([^<]+)</a>', page.text)


def test_the_filters_of_a_list_are_kept_by_name_and_seen_by_their_owner_alone(store, browser):
    add(store, "1")
    anna, bert = browser("operator"), browser("viewer")
    kept = keep(anna)
    view = view_of(store)
    assert kept.location == f"/orders?tab=done&view={view.id}"
    assert (view.query, view.shared) == ("tab=done", False)
    page = anna.get(kept.location)
    assert [(html.unescape(url), bool(here), name) for url, here, name in shown(page)] == [
        (kept.location, True, "Done here")
    ]
    assert "Done here" not in bert.get("/orders?tab=all").text
    assert bert.post(f"/views/{view.id}/remove").status_code == 303
    assert view_of(store).name == "Done here"
    [row] = store.read(lambda c: c.execute(select(audit).where(audit.c.action == "view kept")).all())
    assert (row.actor, row.subject, row.after) == ("operator", "view:orders:Done here", "tab=done")


def test_a_shared_view_is_everybodys_and_changed_by_its_owner_or_an_admin(store, browser):
    anna, bert, admin = browser("operator"), browser("viewer"), browser("admin")
    keep(anna, shared="yes")
    view = view_of(store)
    assert "Done here" in bert.get("/orders?tab=all").text
    bert.post(f"/views/{view.id}", name="Mine now")
    assert view_of(store).shared
    bert.post(f"/views/{view.id}/default", on="yes")
    assert bert.get("/orders").location == f"/orders?tab=done&view={view.id}"
    assert anna.get("/orders").status_code == 200
    admin.post(f"/views/{view.id}", name="Put in order")
    changed = view_of(store, "Put in order")
    # It is shared no longer, so nobody else's list begins with it.
    assert not changed.shared
    assert store.read(lambda c: c.execute(select(default_views)).all()) == []
    assert bert.get("/orders").status_code == 200


def test_the_list_begins_with_a_view_until_that_is_taken_back_or_removed(store, browser):
    anna = browser("operator")
    keep(anna, "Regressed", "state=regressed", page="needs")
    view = view_of(store, "Regressed")
    anna.post(f"/views/{view.id}/default", on="yes")
    assert anna.get("/needs/").location == f"/needs/?state=regressed&view={view.id}"
    assert anna.get("/needs/?sort=documents").status_code == 200
    anna.post(f"/views/{view.id}/default", on="")
    assert anna.get("/needs/").status_code == 200
    anna.post(f"/views/{view.id}/default", on="yes")
    anna.post(f"/views/{view.id}/remove")
    assert anna.get("/needs/").status_code == 200
    assert store.read(lambda c: c.execute(select(saved_views)).all()) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": " "}, "characters at most"),
        ({"name": "x" * 65}, "characters at most"),
        ({"page": "users"}, "lists of orders and of causes"),
        ({"query": "q=" + "x" * 2500}, "too long"),
        ({}, "There is a view Done here already"),
    ],
)
def test_what_cannot_be_kept_says_why(store, browser, fields, said):
    anna = browser("operator")
    keep(anna)
    refused = keep(anna, **fields)
    assert refused.status_code == 422
    assert said in re.sub(r"<[^>]+>", "", html.unescape(refused.text))


def test_a_viewer_keeps_views_for_themselves(store, browser):
    assert keep(browser("viewer"), shared="yes").status_code == 422


def test_a_view_of_what_there_is_no_longer_says_so(store, browser):
    add(store, "1", state=ItemState.HELD)
    anna = browser("operator")
    keep(anna, "Old", "channel=gone&state=odd", page="needs")
    page = anna.get(f"/needs/?channel=gone&state=odd&view={view_of(store, 'Old').id}")
    assert page.status_code == 200
    assert html.unescape(page.text).count("which there is not") == 2


def test_single_keys_are_switched_off_for_one_person(browser):
    anna, bert = browser("operator"), browser("viewer")
    assert "keys.js" in anna.get("/orders?tab=all").text
    anna.post("/account/keys", keys="off")
    page = anna.get("/orders?tab=all").text
    assert "keys.js" not in page
    assert 'id="keys"' not in page
    assert "keys.js" in bert.get("/orders?tab=all").text
    anna.post("/account/keys", keys="on")
    assert "keys.js" in anna.get("/orders?tab=all").text


def test_who_cares_and_what_is_overdue_are_kept_too(store, browser):
    assert keep(browser("operator"), "Mine", "tab=needs&assignee=anna&due=overdue").status_code == 303
    assert view_of(store, "Mine").query == "assignee=anna&due=overdue&tab=needs"
