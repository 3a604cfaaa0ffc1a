"""The order page with a shop and an ERP behind it: what people decide, ask and link, as they click it."""

from __future__ import annotations

import json
import re

import pytest
from sqlalchemy import select, update

from connectors.sandbox.erp import DEFAULT_API_KEY
from sync.store.states import ItemState
from sync.store.tables import audit, bindings, orders, work_items
from tests.webapp.console.conftest import words_of
from tests.webapp.console.selling import CHANNEL, selling

pytestmark = pytest.mark.loopback


@pytest.fixture
def home(tmp_path, store):
    with selling(tmp_path, store.engine.url.render_as_string(hide_password=False)) as made:
        yield made


@pytest.fixture
def app(home):
    return home.app


@pytest.fixture
def anna(browser):
    """Somebody who may decide."""
    return browser("operator")


def rows(store, table):
    return store.read(lambda c: [dict(row) for row in c.execute(select(table).order_by(*table.primary_key)).mappings()])


def states(store):
    return {row["external_id"]: row["state"] for row in rows(store, work_items)}


def changes(store):
    """What people did to orders, by the audit."""
    return [row for row in rows(store, audit) if row["subject"].startswith("order:")]


def page_of(order):
    return f"/orders/{CHANNEL}/{order}"


def seen_of(page):
    """The token of what the page shows."""
    return re.search(r'name="seen" value="([0-9a-f]+)"', page)[1]


@pytest.fixture
def held(home):
    """Two orders that the value limit holds."""
    home.shop.place(1)
    placed = home.shop.place(2)
    home.carry(limit=0)
    return placed


def test_the_page_leads_from_the_first_word_of_the_shop_to_the_sale(home, store, anna):
    [order] = home.shop.place(1)
    home.carry()
    page = anna.get(page_of(order)).text
    [bound] = rows(store, bindings)
    [stored] = rows(store, orders)
    for text in ("Pulled from the shop", "Looked at", "create sale", f"sale {bound['number']} of erp", "Authorization"):
        assert text in words_of(page), text
    assert f"{home.shop.server.url}/wp-admin/post.php?post={order}&amp;action=edit" in page
    assert "The parts add up to the total" in page
    assert stored["number"] in page
    assert DEFAULT_API_KEY not in page
    assert "From the shop to the ERP" in page


def test_what_the_page_cuts_is_a_download(home, store, anna):
    [order] = home.shop.place(1)
    home.carry()
    page = anna.get(page_of(order)).text
    [attempt] = set(re.findall(r"/attempts/(\d+)\.json", page))
    answers = {name: anna.get(f"{page_of(order)}/{name}.json") for name in (f"attempts/{attempt}", "received", "order")}
    for answer in answers.values():
        assert answer.status_code == 200
        assert answer.mimetype == "application/json"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert DEFAULT_API_KEY not in answer.text
    assert str(answers["received"].json["id"]) == answers["order"].json["external_id"] == order
    assert any(call["url"].endswith("/api/sales") for call in answers[f"attempts/{attempt}"].json)
    assert anna.get(f"{page_of(order)}/attempts/999999.json").status_code == 404


def test_an_attempt_of_another_order_is_not_shown(home, store, anna):
    one, _other = home.shop.place(2)
    home.carry()
    attempts = set(re.findall(r"/attempts/(\d+)\.json", anna.get(page_of(one)).text))
    foreign = {str(number) for number in range(1, 10)} - attempts
    assert {anna.get(f"{page_of(one)}/attempts/{number}.json").status_code for number in foreign} == {404}


def test_an_order_is_approved_as_it_was_seen_and_goes_on(home, store, anna, held):
    one = held[0]
    page = anna.get(page_of(one)).text
    assert "above the limit" in words_of(page)
    assert anna.post(f"{page_of(one)}/approve", seen=seen_of(page), reason=" ").status_code == 422
    approved = anna.post(f"{page_of(one)}/approve", seen=seen_of(page), reason="a good customer")
    assert (approved.status_code, approved.location) == (303, page_of(one))
    # The second click of a double click finds that it is decided, and says so.
    again = anna.post(f"{page_of(one)}/approve", seen=seen_of(page), reason="a good customer")
    assert again.status_code == 409
    assert "since you looked at it" in again.text
    home.carry(limit=0)
    assert states(store)[one] == "done"
    [change] = changes(store)
    assert (change["actor"], change["action"], change["reason"]) == ("operator", "approve", "a good customer")
    assert change["origin"].startswith("console ")


def test_a_decision_about_what_is_not_true_any_more_changes_nothing(home, store, anna, held):
    one = held[0]
    seen = seen_of(anna.get(page_of(one)).text)
    newer = update(work_items).where(work_items.c.external_id == one).values(event_digest="f" * 32)
    store.write(lambda c: c.execute(newer))
    before = rows(store, work_items)
    for action in ("approve", "reject"):
        refused = anna.post(f"{page_of(one)}/{action}", seen=seen, reason="as I saw it")
        assert refused.status_code == 409
        # What was typed is not lost.
        assert 'value="as I saw it"' in refused.text
    assert (rows(store, work_items), changes(store)) == (before, [])


def test_an_order_that_is_worked_on_says_so(home, store, anna, held):
    one = held[0]
    leased = update(work_items).where(work_items.c.external_id == one)
    store.write(lambda c: c.execute(leased.values(state=ItemState.LEASED.value)))
    assert "It is being worked on just now." in anna.get(page_of(one)).text
    refused = anna.post(f"{page_of(one)}/reject", reason="no")
    assert refused.status_code == 409
    assert "worked on or looked up just now" in refused.text
    anna.post(f"{page_of(one)}/look")
    assert "right after that" in anna.get(page_of(one)).text


def test_a_rejected_order_is_not_carried_over(home, store, anna, held):
    one = held[0]
    seen = seen_of(anna.get(page_of(one)).text)
    assert anna.post(f"{page_of(one)}/reject", seen=seen, reason="fraud").status_code == 303
    page = anna.get(page_of(one)).text
    assert re.search(r"Left out by operator .*: fraud\s+Retry takes that back", words_of(page))
    assert states(store)[one] == "skipped"
    assert home.sales() == 0


def test_looking_again_reads_the_shop_anew_and_a_second_click_does_no_harm(home, store, anna):
    [order] = home.shop.place(1)
    home.carry()
    for _click in range(2):
        assert anna.post(f"{page_of(order)}/look").status_code == 303
    [item] = rows(store, work_items)
    assert item["state"] == "ready"
    assert "fetch" in json.loads(item["facets"])
    home.carry()
    assert (states(store)[order], home.sales()) == ("done", 1)
    assert [change["action"] for change in changes(store)] == ["look again", "look again"]


def test_a_dry_run_shows_the_calls_and_changes_nothing(home, store, anna):
    [order] = home.shop.place(1)
    home.carry(limit=0)
    home.configure()
    home.close()
    tables = (work_items, orders, bindings, audit)
    before = [rows(store, table) for table in tables]
    held = anna.post(f"{page_of(order)}/dry-run").text
    assert "2 calls would be sent to erp." in words_of(held)
    assert "/api/parties" in held
    assert "&lt;party:" in held
    assert "Whether the ERP takes the sale" in held
    assert DEFAULT_API_KEY not in held
    assert [rows(store, table) for table in tables] == before
    assert (home.sales(), home.erp.books.state.parties) == (0, {})


def test_what_was_asked_for_is_where_the_page_goes(home, anna, held):
    """The answers stand far below the buttons."""
    one, _ = held
    page = anna.get(page_of(one)).text
    for asked, answer in (("dry-run", "dry-run"), ("erp", "erp-now"), ("find-sale", "matches")):
        assert f'action="{page_of(one)}/{asked}#{answer}"' in page
        assert f'id="{answer}"' in anna.post(f"{page_of(one)}/{asked}", text="x").text


def test_an_order_is_linked_with_a_sale_that_was_found_by_its_number(home, store, anna, held):
    one, other = held
    stored = {row["external_id"]: row for row in rows(store, orders)}
    made = home.type_in(stored[one]["grand"], stored[one]["currency"], "phoned in")
    wrong = home.type_in("0.01", stored[one]["currency"], "phoned in")
    shown = anna.post(f"{page_of(one)}/find-sale", text="phoned in").text
    assert "the totals differ" in shown
    assert f'name="sale" value="{made}"' in shown
    assert f'name="sale" value="{wrong}"' not in shown
    assert "has no such sale" in anna.post(f"{page_of(one)}/find-sale", text="nothing").text
    assert anna.post(f"{page_of(one)}/link", sale=wrong).status_code == 409
    linked = anna.post(f"{page_of(one)}/link", sale=made, reason="by phone")
    assert linked.status_code == 303
    assert anna.post(f"{page_of(one)}/link", sale=made).status_code == 409
    taken = anna.post(f"{page_of(other)}/link", sale=made)
    assert taken.status_code == 409
    assert f"belongs to order {stored[one]['number']}" in taken.text
    [bound] = rows(store, bindings)
    # What hangs on the sale is looked at next.
    assert (bound["external_id"], states(store)[one]) == (made, "ready")
    assert [(change["action"], change["reason"]) for change in changes(store)] == [("link", "by phone")]
    now = anna.post(f"{page_of(one)}/erp").text
    assert "What the ERP has now" in now
    assert home.sales() == 2


def test_while_a_write_has_no_outcome_nothing_is_linked(home, store, anna, held):
    one = held[0]
    stored = next(row for row in rows(store, orders) if row["external_id"] == one)
    made = home.type_in(stored["grand"], stored["currency"], "x")
    doubt = update(work_items).where(work_items.c.external_id == one)
    store.write(lambda c: c.execute(doubt.values(state=ItemState.RECONCILE.value)))
    refused = anna.post(f"{page_of(one)}/link", sale=made)
    assert refused.status_code == 409
    assert "worked on or looked up just now" in refused.text
    assert (rows(store, bindings), changes(store), states(store)[one]) == ([], [], "reconcile")


def test_an_erp_that_is_away_leaves_the_page_usable(home, store, anna, held):
    one = held[0]
    home.erp.server.close()
    for action, fields in (("erp", {}), ("find-sale", {"text": "1"})):
        answer = anna.post(f"{page_of(one)}/{action}", **fields)
        assert answer.status_code in {409, 502}
        assert 'role="alert"' in answer.text
        assert "What happens next" in answer.text
    rehearsed = anna.post(f"{page_of(one)}/dry-run")
    assert rehearsed.status_code == 200
    assert "It would go no further" in rehearsed.text


def test_it_is_retried_with_the_mapping_that_it_came_in_with(home, store, anna, held):
    one = held[0]
    assert "Retry with the original mapping" not in anna.get(page_of(one)).text
    home.publish(store, "own")
    assert "It came in with the mapping of the configuration" in words_of(anna.get(page_of(one)).text)
    anna.post(f"{page_of(one)}/retry", mapping="original")
    page = words_of(anna.get(page_of(one)).text)
    assert "It stays with the mapping of the configuration until it is done. Retry ends that." in page
    assert "Retry with the original mapping" not in page
    anna.post(f"{page_of(one)}/retry")
    assert "It stays with the mapping" not in words_of(anna.get(page_of(one)).text)


def test_what_the_shop_has_changed_is_told_field_by_field(home, store, anna):
    [order] = home.shop.place(1)
    home.carry()
    assert "What the shop changed" not in anna.get(page_of(order)).text
    first = store.read(lambda c: c.execute(select(work_items.c.event_id)).scalar_one())
    home.shop.change(order)
    home.carry()
    page = anna.get(page_of(order)).text
    assert "What the shop changed" in page
    assert re.search(r"customer_note</.*?!", page, re.DOTALL)
    assert "Nothing that is kept came before this" in words_of(anna.get(f"{page_of(order)}?changed={first}").text)
