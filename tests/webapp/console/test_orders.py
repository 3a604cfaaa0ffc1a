"""The list of orders and their pages: what the address says, what is shown, and strangers' texts that stay texts."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import html
import io
import json
import re
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from sqlalchemy import insert, select

from mappings.canonical.schemas import order_to_json
from sync.desk.orders import Tab, read_mark, write_mark
from sync.store.attempts import NewAttempt, save_attempts
from sync.store.audit import Actor, record_audit
from sync.store.bindings import NewBinding, save_bindings
from sync.store.bodies import dump_json, pack
from sync.store.cares import Care, save_care
from sync.store.issues import Cause, Stop, open_issues
from sync.store.orders import OrderRow, save_orders
from sync.store.search import Mark, Sort
from sync.store.states import ItemState
from sync.store.switches import pause
from sync.store.tables import events, work_items
from tests.mappings.orders import make_order
from tests.webapp.console.selling import CHANNEL, Selling

NOW = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
#: What must come out of a page as it went in, and never as a tag, an attribute or a script.
HOSTILE = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\u202e=1+1"


@pytest.fixture
def app(tmp_path, store):
    made = Selling(tmp_path, store.engine.url.render_as_string(hide_password=False))
    yield made.app
    made.close()


@pytest.fixture
def viewer(browser):
    return browser("viewer")


def add(
    store,
    external_id,
    *,
    state=ItemState.DONE,
    read=True,
    hours=0,
    text="",
    reason="",
    cause="",
    answer="{}",
    **content,
):
    """One order in our database; with `text` it stands in every field that a stranger can fill."""
    at = NOW + dt.timedelta(hours=hours)

    def work(connection):
        item = {"channel": CHANNEL, "kind": "order", "external_id": external_id, "state": state.value}
        event = {
            "connection": "shop",
            "kind": "order",
            "external_id": external_id,
            "source": "webhook",
            "topic": text[:64] or "order.created",
            "version": text[:64] or "1",
            "body": pack(dump_json({"note": text, "id": 1})),
            "digest": "0" * 32,
            "received_at": at,
        }
        event_id = connection.execute(insert(events).values(**event).returning(events.c.id)).scalar_one()
        times = {"due_at": at, "created_at": at, "updated_at": at}
        values = {**item, **times, "reason": text or reason, "event_id": event_id}
        item_id = connection.execute(insert(work_items).values(**values).returning(work_items.c.id)).scalar_one()
        if read:
            _content(connection, item_id, external_id, at, text=text, content=content)
        if cause or text:
            found = Cause(cause=cause or "rejected", subject=text[:200], title=text, next_step=text)
            open_issues(connection, [Stop(item_id, found, ((text, text),))])
        _tried(connection, item_id, at, text, answer)
        subject = f"order:{CHANNEL}:{external_id}"
        record_audit(connection, Actor(text[:128] or "anna"), "retry", subject, after=text, reason=text)

    store.write(work)


def _content(connection, item_id, external_id, at, *, text, content):
    order = make_order()
    if text:
        lines = tuple(dataclasses.replace(line, sku=text, name=text) for line in order.lines)
        customer = dataclasses.replace(order.customer, company=text, email=text, first_name=text)
        order = dataclasses.replace(order, lines=lines, customer=customer, note=text, number=text)
    row = OrderRow(
        item_id=item_id,
        channel=CHANNEL,
        external_id=external_id,
        likeness="",
        version="1",
        placed_at=at,
        placed_on=at.date(),
        mapping_version=text[:64] or "shop:1/erp:1",
        material="",
        canonical=pack(dump_json(order_to_json(order))),
        skus=frozenset({text} - {""}),
        **{
            "number": text or f"N{external_id}",
            "email": text,
            "customer": text or "Anna Müller",
            "source_state": text[:64] or "processing",
            "currency": "EUR",
            "grand": Decimal("12.50"),
            **content,
        },
    )
    order_id = save_orders(connection, [row])[external_id]
    sale = {"connection": "erp", "kind": "sale", "external_id": text or f"9{external_id}", "order_id": order_id}
    texts = {"key": text, "number": text or f"SO{external_id}", "state": text[:64], "total": "12.50", "tax": "0"}
    save_bindings(connection, [NewBinding(**sale, **texts, rank=3)])


def _tried(connection, item_id, at, text, answer):
    exchange = {
        "method": "POST",
        "url": f"https://erp.example/{text}",
        "request_headers": {"X-Odd": text},
        "request_body": json.dumps({"note": text}),
        "status": 200,
        "response_headers": {"X-Odd": text},
        "response_body": text or answer,
        "started_at": at.isoformat(),
        "elapsed_s": 0.25,
        "error": text,
    }
    tried = NewAttempt(
        item_id=item_id,
        lease_token="x",
        started_at=at,
        ended_at=at + dt.timedelta(seconds=2),
        outcome="park",
        message=text,
        exchanges=pack(json.dumps([exchange]).encode()),
    )
    save_attempts(connection, [tried])


def ids(page):
    """The orders that a list links to, in their order."""
    return [html.unescape(found) for found in re.findall(rf'href="/orders/{CHANNEL}/([^"]+)"', page.text)]


def tabs(page):
    found = re.findall(r'<a href="[^"]*tab=(\w+)[^"]*"[^>]*>[^<]*<span class="count">(\d+)</span>', page.text)
    return {tab: int(count) for tab, count in found}


# --- the list ---------------------------------------------------------------------------------------------------


def test_without_a_word_the_list_is_what_needs_a_person_and_each_tab_says_how_many(store, viewer):
    for number, state in enumerate(ItemState):
        add(store, str(number), state=state, reason="because")
    add(store, "90", state=ItemState.PARKED, read=False, hours=1)
    page = viewer.get("/orders")
    stopped = [str(number) for number, state in enumerate(ItemState) if state in {ItemState.HELD, ItemState.PARKED}]
    assert sorted(ids(page)) == sorted([*stopped, "90"])
    assert tabs(page) == {"needs": 3, "doubt": 1, "way": 2, "waiting": 1, "done": 1, "skipped": 1, "all": 9}
    assert "not read" in page.text


def test_whoever_searches_means_every_order(store, viewer):
    add(store, "1", state=ItemState.DONE)
    add(store, "2", state=ItemState.HELD)
    assert ids(viewer.get("/orders?q=N1")) == ["1"]
    assert ids(viewer.get("/orders?q=SO2")) == ["2"]
    assert ids(viewer.get("/orders?q=N1&tab=needs")) == []
    assert sorted(ids(viewer.get("/orders?q=m%C3%BCller"))) == ["1", "2"]
    assert "No order fits" in viewer.get("/orders?q=nobody").text


def test_the_filters_stand_in_the_address_and_in_their_fields(store, viewer):
    add(store, "1", hours=0, grand=Decimal(5))
    add(store, "2", hours=24, grand=Decimal("50.5"))
    address = "/orders?since=2026-11-21&until=2026-11-21&low=50,5&high=60&currency=eur&channel=web&tab=done"
    page = viewer.get(address)
    assert ids(page) == ["2"]
    for value in ("2026-11-21", "50,5", "60", "eur"):
        assert f'value="{value}"' in page.text
    assert ids(viewer.get("/orders?since=2026-11-20&until=2026-11-20")) == ["1"]


def test_days_are_days_of_the_users_zone(store, viewer):
    add(store, "1", hours=14)  # 23:00 UTC is the next day in Berlin
    viewer.post("/account/timezone", timezone="Europe/Berlin")
    assert ids(viewer.get("/orders?since=2026-11-21")) == ["1"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("low", "abc"), ("high", "1e9"), ("low", "٣"), ("high", "9" * 30), ("since", "yesterday")),
        *(("until", "2026-02-30"), ("currency", "EURO"), ("currency", "1")),
    ],
)
def test_what_cannot_be_understood_is_said_at_its_field_and_narrows_nothing(store, viewer, field, value):
    add(store, "1")
    page = viewer.get("/orders", query_string={field: value})
    assert page.status_code == 200
    assert f'id="f-{field}-error"' in page.text
    assert ids(page) == ["1"]


@pytest.mark.parametrize(
    "address",
    [
        *("tab=odd", "sort=odd&dir=odd", "after=x", "before=%00", "after=9999-99-99_1&sort=placed"),
        *("after=2026-11-20T09:00:00_1", "after=0001-01-01T00:00:00%2B14:00_1", "until=9999-12-31", "since=0001-01-01"),
        *("sort=amount&after=99999999999999999999_1", "sort=amount&after=1_99999999999999999999", "q=%00%01"),
        *("q=" + "x" * 5000, "channel=nowhere", "cause=none", "q=%F0%9F%98%80", "q=%ED%A0%80", "low=-1&high=-0"),
    ],
)
def test_no_address_breaks_the_list(store, viewer, address):
    add(store, "1")
    assert viewer.get(f"/orders?{address}").status_code == 200


@pytest.mark.parametrize("sort", Sort)
def test_the_pager_leads_through_the_whole_list_and_back(store, viewer, sort, monkeypatch):
    monkeypatch.setattr("webapp.console.orders._SIZE", 3)
    for number in range(8):
        add(store, str(number), hours=number, grand=Decimal(number))
    seen = []
    address = f"/orders?tab=all&sort={sort}"
    while address:
        page = viewer.get(address)
        seen.append(ids(page))
        onward = re.search(r'rel="next" href="([^"]+)"', page.text)
        address = html.unescape(onward[1]) if onward else ""
    assert seen == [["7", "6", "5"], ["4", "3", "2"], ["1", "0"]]
    back = re.search(r'rel="prev" href="([^"]+)"', page.text)
    assert ids(viewer.get(html.unescape(back[1]))) == seen[1]


def test_a_place_in_a_list_is_read_as_it_was_written():
    for mark, sort in ((Mark(NOW, 7), Sort.PLACED), (Mark(-125000, 7), Sort.AMOUNT), (Mark(NOW, 7), Sort.CHANGED)):
        assert read_mark(write_mark(mark), sort) == mark


def test_the_file_has_every_row_of_the_tab_and_no_formula(store, viewer, monkeypatch):
    monkeypatch.setattr("sync.desk.orders._PIECE", 2)
    for number in range(5):
        add(store, str(number), hours=number)
    add(store, "6", customer="=HYPERLINK(1)", number="\N{FULLWIDTH PLUS SIGN}1", email="@x", state=ItemState.HELD)
    answer = viewer.get(f"/orders/orders.csv?tab={Tab.DONE}&dir=asc")
    assert answer.mimetype == "text/csv"
    made = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["external_id"] for row in made] == ["0", "1", "2", "3", "4"]
    assert (made[0]["grand"], made[0]["currency"], made[0]["erp_number"]) == ("12.50", "EUR", "SO0")
    assert made[0]["placed_at"] == "2026-11-20T09:00:00Z"
    [odd] = csv.DictReader(io.StringIO(viewer.get("/orders/orders.csv").data.decode("utf-8-sig")))
    assert (odd["customer"], odd["number"], odd["email"]) == ("'=HYPERLINK(1)", "'\N{FULLWIDTH PLUS SIGN}1", "'@x")


# --- one order --------------------------------------------------------------------------------------------------


def test_an_order_that_nobody_knows_is_not_found(store, viewer):
    for address in (f"/orders/{CHANNEL}/1", "/orders/nowhere/1", f"/orders/{CHANNEL}/"):
        assert viewer.get(address).status_code == 404


def test_an_id_may_hold_anything(store, viewer):
    for odd in ("ORD/2026/1", "a b", "ä?#&", "..%2f"):
        add(store, odd, state=ItemState.HELD)
    found = ids(viewer.get("/orders"))
    assert len(found) == 4
    for address in found:
        assert viewer.get(f"/orders/{CHANNEL}/{address}").status_code == 200


def test_an_order_that_could_not_be_read_shows_what_is_wrong_and_what_came(store, viewer):
    table = "the parts do not add up\n  part    net\n  1 x A   1.00"
    add(store, "1", read=False, state=ItemState.PARKED, reason=table)
    page = viewer.get(f"/orders/{CHANNEL}/1").text
    assert "First seen" in page
    assert "As the shop sent it" in page
    assert "The order and its total" not in page
    assert viewer.get(f"/orders/{CHANNEL}/1/order.json").status_code == 404
    assert viewer.get(f"/orders/{CHANNEL}/1/received.json").json == {"id": 1, "note": ""}


def test_each_word_of_the_shop_leads_to_what_came_with_it_and_to_nobody_elses(store, viewer):
    add(store, "1")
    add(store, "2")

    def change(connection):
        row = connection.execute(select(events).where(events.c.external_id == "1")).mappings().one()
        later = {**row, "version": "2", "body": pack(dump_json({"note": "changed", "id": 1}))}
        del later["id"]
        connection.execute(insert(events).values(later))

    store.write(change)
    page = viewer.get(f"/orders/{CHANNEL}/1").text
    links = re.findall(rf'href="(/orders/{CHANNEL}/1/received\.json\?event=\d+)"', page)
    assert [viewer.get(link).json["note"] for link in links] == ["", "changed"]
    [event] = store.read(lambda c: c.execute(select(events.c.id).where(events.c.external_id == "2")).scalars().all())
    for wrong in (event, "x", "9" * 30, "0"):
        assert viewer.get(f"/orders/{CHANNEL}/1/received.json?event={wrong}").status_code == 404


def test_a_viewer_sees_no_button(store, viewer, browser):
    add(store, "1", state=ItemState.HELD, cause="value_limit")
    assert f"/orders/{CHANNEL}/1/approve" not in viewer.get(f"/orders/{CHANNEL}/1").text
    assert f"/orders/{CHANNEL}/1/approve" in browser("operator").get(f"/orders/{CHANNEL}/1").text


def test_a_pause_that_stops_the_order_is_named(store, viewer):
    add(store, "1", state=ItemState.READY)
    store.write(lambda c: pause(c, "connection", "erp", "stock-taking", by="anna"))
    page = viewer.get(f"/orders/{CHANNEL}/1").text
    assert "It is looked at again." in page
    assert "stock-taking" in page


def test_a_large_body_is_cut_and_says_so(store, viewer):
    add(store, "1", answer="x" * 1_000_000)
    page = viewer.get(f"/orders/{CHANNEL}/1")
    assert len(page.data) < 100_000
    assert "Only the beginning of 1,000,000" in page.text


def test_strangers_texts_stay_texts_in_every_field(store, browser):
    add(store, "1", text=HOSTILE, state=ItemState.HELD)
    operator = browser("operator")
    for address in ("/orders", "/orders?tab=all", "/orders?q=%3Cscript%3E", f"/orders/{CHANNEL}/1"):
        page = operator.get(address).text
        assert "onerror=alert(1)>" not in page
        assert "<script>alert" not in page
    page = operator.get(f"/orders/{CHANNEL}/1").text
    # It is there, as what it is: in the number, the customer, the lines, the reason, the exchange ...
    assert page.count("&lt;script&gt;alert(2)&lt;/script&gt;") > 12
    # What looks like a template of ours was not worked out.
    assert "{{7*7}}" in html.unescape(page)
    assert "default-src 'none'" in operator.get("/orders").headers["Content-Security-Policy"]


def test_the_list_is_narrowed_to_who_cares_and_to_what_is_overdue(store, browser):
    for number in ("1", "2", "3"):
        add(store, number, state=ItemState.HELD)
    ids = dict(store.read(lambda c: c.execute(select(work_items.c.external_id, work_items.c.id)).all()))
    store.write(lambda c: save_care(c, ids["1"], Care("anna", "2020-01-01"), by="ben"))
    store.write(lambda c: save_care(c, ids["2"], Care("anna", "2999-01-01"), by="ben"))
    viewer = browser("viewer")

    def listed(**filters):
        page = viewer.get(f"/orders?{urlencode({'tab': 'needs', **filters})}").text
        return re.findall(rf'href="/orders/{CHANNEL}/(\d)"', page)

    assert sorted(listed(assignee="anna")) == ["1", "2"]
    assert listed(assignee="-") == ["3"]
    assert listed(due="overdue") == ["1"]
    assert listed(assignee="anna", due="overdue") == ["1"]
    assert listed(assignee="ben") == []
    page = viewer.get("/orders?due=soon").text
    assert "There is nothing of that name to choose" in page
    rows = list(csv.DictReader(io.StringIO(viewer.get("/orders/orders.csv?tab=all&due=overdue&bom=no").text)))
    assert [row["external_id"] for row in rows] == ["1"]
