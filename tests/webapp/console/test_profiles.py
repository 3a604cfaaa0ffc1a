"""The pages of mapping profiles: what applies, its history, what two texts differ in, and the way back."""

from __future__ import annotations

import pytest

from sync.desk.profiles import publish, save_draft
from sync.store.audit import Actor
from sync.store.revisions import load_published
from tests.sync.desk.test_profiles import text as profile
from tests.sync.flows.world import CHANNEL
from tests.webapp.console.test_lookups import HOSTILE, app, integrator, store, text, world

__all__ = ["app", "integrator", "store", "world"]
ANNA = Actor("anna")


@pytest.fixture
def published(world):
    world.systems._published = lambda channel: world.store.read(lambda c: load_published(c, channel))
    world.shop.place()
    world.pull()
    for base, note in enumerate(("one", "two")):
        put(world, profile(note), base)
    return world


def put(world, what, base, reason="wanted so"):
    publish(world.store, world.config, CHANNEL, what, actor=ANNA, reason=reason, base=base)


def test_the_list_and_the_history_say_what_applies_who_published_it_and_why(published, browser):
    viewer = browser("viewer")
    assert "Revision 2" in text(viewer.get("/mappings/"))
    page = text(viewer.get(f"/mappings/{CHANNEL}"))
    assert "anna" in page
    assert "wanted so" in page
    assert "Go back" not in page
    assert viewer.get("/mappings/nowhere").status_code == 404


def test_two_revisions_are_compared_in_words_in_lines_and_by_the_orders_they_change(published, browser):
    page = text(browser("viewer").get(f"/mappings/{CHANNEL}?before=published&after=1"))
    assert "source.order.note constant 'two' constant 'one'" in page
    assert "+ - {to: note, constant: one}" in page
    assert 'note "two" "one" 1' in page


def test_a_draft_is_compared_with_what_applies_and_a_broken_one_is_told(published, browser):
    viewer = browser("viewer")
    assert viewer.get(f"/mappings/{CHANNEL}?after=draft").status_code == 404
    save_draft(published.store, published.config, CHANNEL, "nothing of a profile", actor=ANNA)
    answer = viewer.get(f"/mappings/{CHANNEL}?after=draft")
    assert answer.status_code == 422
    assert "draft 2.1" in text(answer)


def test_an_integrator_goes_back_with_a_reason_and_nobody_else_does(published, integrator, browser):
    where = f"/mappings/{CHANNEL}/roll-back"
    assert browser("operator").post(where, number="1", reason="x").status_code == 403
    assert "say why" in text(integrator.post(where, number="1", reason=""))
    assert integrator.post(where, number="x", reason="y").status_code == 422
    assert integrator.post(where, number="1", reason="two was wrong").status_code == 303
    now = published.store.read(lambda c: load_published(c, CHANNEL))
    assert (now.number, now.text, now.reason) == (3, profile("one"), "two was wrong")
    assert "text of revision 1" in text(integrator.get(f"/mappings/{CHANNEL}"))


def test_what_people_write_does_nothing_on_the_page(published, browser):
    put(published, "# " + HOSTILE + "\n" + profile("three"), 2, reason=HOSTILE)
    assert HOSTILE not in browser("viewer").get(f"/mappings/{CHANNEL}?before=2&after=3").text


def test_the_page_of_an_order_leads_to_where_its_fields_came_from(published, browser):
    viewer = browser("viewer")
    published.drain()
    [order] = published.shop.orders
    where = f"/orders/{CHANNEL}/{order}"
    assert f'href="{where}/lineage"' in viewer.get(where).text
    page = text(viewer.get(f"{where}/lineage"))
    assert 'note "two" constant, web, revision 2:5:7' in page
    assert "By revision 2 of the mapping profile, published by anna: wanted so" in page
    assert "totals.grand" not in text(viewer.get(f"{where}/lineage?field=note"))
    assert viewer.get(f"/orders/{CHANNEL}/nobody/lineage").status_code == 404
