"""One action for many orders, on the pages."""

from __future__ import annotations

import csv
import html
import io
import re
from decimal import Decimal

import pytest
from sqlalchemy import select

from sync.desk import bulk, selections
from sync.store.pins import pin_of
from sync.store.revisions import Revision, add_revision
from sync.store.states import ItemState
from sync.store.tables import bulk_runs, work_items
from tests.databases import now
from tests.webapp.console.conftest import words_of
from tests.webapp.console.selling import CHANNEL, Selling
from tests.webapp.console.test_orders import add
from webapp.console import needs as causes_page


@pytest.fixture
def app(tmp_path, store):
    made = Selling(tmp_path, store.engine.url.render_as_string(hide_password=False))
    yield made.app
    made.close()


@pytest.fixture
def operator(browser):
    return browser("operator")


def text(answer):
    return re.sub(r"\s+", " ", words_of(answer.text).replace("\N{NO-BREAK SPACE}", " "))


def states(store):
    query = select(work_items.c.external_id, work_items.c.state).order_by(work_items.c.external_id)
    return dict(store.read(lambda c: [tuple(row) for row in c.execute(query)]))


def item(store, external_id):
    query = select(work_items.c.id).where(work_items.c.external_id == external_id)
    return store.read(lambda c: c.execute(query).scalar_one())


def begun(operator, address, **fields):
    """The page of the run that the preview at this address leads to."""
    answer = operator.post(address.replace("/runs/new", "/runs"), **fields)
    assert answer.status_code == 303, text(answer)
    return answer.location


def test_from_a_filter_to_a_run_that_is_watched_and_cancelled(store, operator, monkeypatch):
    monkeypatch.setattr(bulk, "PIECE", 2)
    monkeypatch.setattr(selections, "PIECE", 2)
    for number in range(4):
        add(store, str(number), state=ItemState.HELD)
    add(store, "9")
    page = operator.get("/orders?tab=all&currency=EUR")
    assert "With all 5 that fit" in text(page)
    address = "/runs/new?tab=all&currency=EUR&action=retry&which=all"
    preview = text(operator.get(address))
    assert "4 orders worth 50.00 EUR." in preview
    assert "1: done already" in preview
    run = begun(operator, address, foreseen="5")
    page = text(operator.get(run))
    assert "Begun with 4 orders. The page said 5: some came or went since." in page
    assert "2 of 4 released: 0 went on, 0 stopped again, 2 under way." in page
    assert begun(operator, address) == run
    assert "This runs already; operator started it." in text(operator.get(run))
    assert "See how it goes" in text(operator.get(address))
    operator.post(f"{run}/cancel")
    assert "Cancelled" in text(operator.get(run))
    assert sorted(states(store).values()) == ["done", "held", "held", "ready", "ready"]
    assert "Retry" in text(operator.get("/runs"))
    listed = operator.get(f"/orders?run={run.rpartition('/')[2]}").text
    assert len(re.findall(r'name="item"', listed)) == 2


def test_the_ticked_alone_are_meant(store, operator):
    for number in range(3):
        add(store, str(number), state=ItemState.HELD)
    ids = [item(store, each) for each in ("0", "2")]
    address = f"/runs/new?tab=all&action=retry&which=ticked&item={ids[0]}&item={ids[1]}&item=x"
    assert "2 orders" in text(operator.get(address))
    begun(operator, address)
    assert states(store) == {"0": "ready", "1": "held", "2": "ready"}
    assert "Nothing of this can be done" in text(operator.get("/runs/new?tab=all&action=retry&which=ticked"))


def test_rejecting_many_asks_for_a_reason_and_for_their_number(store, operator):
    # None of them has a sale: those could not be read.
    for number in range(20):
        add(store, str(number), state=ItemState.PARKED, read=False)
    address = "/runs/new?tab=needs&action=skip&which=all"
    assert "Type 20" in text(operator.get(address))
    refused = operator.post("/runs?tab=needs&action=skip&which=all", foreseen="20", reason="sold out", typed="2")
    assert refused.status_code == 422
    assert 'value="sold out"' in refused.text
    assert operator.post("/runs?tab=needs&action=skip&which=all", foreseen="20", typed="20").status_code == 422
    assert store.read(lambda c: c.execute(select(bulk_runs)).all()) == []
    begun(operator, address, foreseen="20", typed="20", reason="sold out")
    assert set(states(store).values()) == {"skipped"}


def test_what_the_erp_has_is_not_rejected_and_says_so(store, operator):
    add(store, "1", state=ItemState.HELD)
    assert "1: the ERP has them" in text(operator.get("/runs/new?tab=needs&action=skip&which=all"))


def test_causes_are_released_together(store, operator):
    add(store, "1", state=ItemState.HELD, cause="unit")
    add(store, "2", state=ItemState.HELD, cause="price")
    page = operator.get("/needs/")
    found = re.findall(r'name="issue" value="(\d+)"', page.text)
    assert len(found) == 2
    assert "2 orders" in text(operator.get("/runs/new?of=issues&action=retry&which=all"))
    assert "1 order " in text(operator.get("/runs/new?of=issues&cause=price&action=approve&which=all"))
    begun(operator, f"/runs/new?of=issues&action=retry&which=ticked&issue={found[0]}")
    assert sorted(states(store).values()) == ["held", "ready"]


def test_an_action_that_there_is_not_leads_back(operator):
    answer = operator.get("/runs/new?action=erase")
    assert (answer.status_code, answer.location) == (303, "/orders")
    assert "There is no action" in text(operator.get("/orders"))


def test_a_filter_that_is_outdated_says_so_and_selects_nothing(store, operator):
    add(store, "1", state=ItemState.HELD)
    page = operator.get("/orders?channel=gone&connection=away&tab=odd")
    assert html.unescape(page.text).count("any more, so nothing fits") == 2
    assert "There is no tab of that name" in text(page)
    assert "Nothing of this can be done" in text(operator.get("/runs/new?channel=gone&action=retry&which=all"))
    assert "With the 1 that fits" in text(operator.get("/orders?connection=shop"))


def test_a_viewer_sees_runs_and_ticks_nothing(store, operator, browser):
    add(store, "1", state=ItemState.HELD)
    run = begun(operator, "/runs/new?tab=needs&action=retry&which=all")
    viewer = browser("viewer")
    assert 'name="item"' not in viewer.get("/orders?tab=all").text
    page = viewer.get(run)
    assert page.status_code == 200
    assert "/cancel" not in page.text


# --- lists as files ---------------------------------------------------------------------------------------------


def test_causes_are_taken_away_as_a_file_that_calculates_nothing(store, operator):
    add(store, "1", state=ItemState.HELD, cause="price", text="=HYPERLINK(1)", grand=Decimal(7))
    answer = operator.get("/needs/causes.csv?owner=admin&bom=no")
    [row] = csv.DictReader(io.StringIO(answer.data.decode()))
    assert (row["subject"], row["orders"], row["currency"], row["worth"]) == ("'=HYPERLINK(1)", "1", "EUR", "7.00")
    assert re.search(r'filename="causes_admin_documents_\d{8}T\d{6}Z\.csv"', answer.headers["Content-Disposition"])


def test_whoever_takes_a_list_away_is_written_down_and_found_by_the_kind_of_thing(store, operator):
    answer = operator.get("/orders/orders.csv?q=../x%22&tab=done")
    assert re.search(r'filename="orders_..-x_done_\d{8}T\d{6}Z\.csv"', answer.headers["Content-Disposition"])
    assert answer.data.startswith(b"\xef\xbb\xbfchannel,")
    page = text(operator.get("/activity?thing=list"))
    assert "exported" in page
    assert 'q=../x", tab=done' in page
    assert "exported" not in text(operator.get("/activity?thing=order")).partition("Changes, the newest first")[2]
    assert operator.get("/activity?thing=order:web:1").status_code == 200


def test_a_retry_is_made_with_what_each_came_in_with_where_there_is_a_choice(store, operator):
    add(store, "1", state=ItemState.HELD)
    address = "/runs/new?tab=all&action=retry&which=all"
    assert "With which mapping" not in text(operator.get(address))
    store.write(
        lambda c: add_revision(
            c,
            Revision(channel=CHANNEL, number=1, text="x", digest="x", author="a", reason="r", published_at=now()),
        )
    )
    assert "the one that applied when each came in" in text(operator.get(address))
    assert "With which mapping" not in text(operator.get(address.replace("retry", "look")))
    run = begun(operator, address, mapping="original")
    assert "Each with the mapping that applied when it came in." in text(operator.get(run))
    assert store.read(lambda c: pin_of(c, item(store, "1"))) == 0


def test_causes_that_do_not_go_into_one_run_are_counted(operator, monkeypatch):
    monkeypatch.setattr(causes_page, "_MOST_CAUSES", 2)
    ticked = "&".join(f"issue={number}" for number in range(1, 6))
    page = text(operator.get(f"/runs/new?of=issues&action=retry&which=ticked&{ticked}"))
    assert "3 more causes are left out: begin again when this run is over." in page
    assert "left out" not in text(operator.get("/runs/new?of=issues&action=retry&which=ticked&issue=1&issue=2"))


def test_a_run_takes_more_causes_than_a_page_can_name(operator):
    ticked = "&".join(f"issue={number}" for number in range(1, 1501))
    page = text(operator.get(f"/runs/new?of=issues&action=retry&which=ticked&{ticked}"))
    assert re.search(r"Causes ?1500\b", page)
