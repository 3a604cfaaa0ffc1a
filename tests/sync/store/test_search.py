"""Lists of orders: every way to find one, every filter, every tab, and pages that lose and repeat nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import itertools
import random
from decimal import Decimal

import pytest
from sqlalchemy import event, insert, select

from sync.store import search
from sync.store.bindings import NewBinding, end_of_orders, save_bindings
from sync.store.issues import Cause, Stop, close_documents, open_issues
from sync.store.orders import OrderRow, save_orders
from sync.store.search import Paging, Sort, Wanted, count_by_state, list_causes, load_page
from sync.store.states import ItemState
from sync.store.tables import order_skus, work_items

TARGETS = {"web": "erp", "outlet": "erp"}
BEGUN = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
ROW = OrderRow(
    item_id=0,
    channel="web",
    external_id="",
    number="",
    email="",
    customer="",
    likeness="",
    source_state="processing",
    version="1",
    currency="EUR",
    grand=Decimal("12.50"),
    placed_at=BEGUN,
    placed_on=BEGUN.date(),
    mapping_version="1",
    material="",
    canonical=b"",
)


def add(store, external_id, **content):
    """One order, as a drain left it; its item id."""
    return store.write(lambda c: put(c, external_id, **content))


def put(
    connection,
    external_id,
    *,
    state=ItemState.DONE,
    channel="web",
    hour=0,
    read=True,
    sale=None,
    cause="",
    **content,
):
    at = BEGUN + dt.timedelta(hours=hour)
    item = {"channel": channel, "kind": "order", "external_id": external_id, "state": state.value}
    times = {"due_at": at, "created_at": at, "updated_at": at + dt.timedelta(minutes=hour % 7)}
    connection.execute(insert(work_items).values(**item, **times))
    found = (work_items.c.channel == channel, work_items.c.external_id == external_id)
    item_id = connection.execute(select(work_items.c.id).where(*found)).scalar_one()
    if read:
        base = {"number": f"N{external_id}", "placed_at": at, "placed_on": at.date(), **content}
        row = dataclasses.replace(ROW, item_id=item_id, channel=channel, external_id=external_id, **base)
        order_id = save_orders(connection, [row])[external_id]
        if sale:
            save_bindings(connection, [binding(order_id, f"{channel}:{external_id}", *sale)])
    if cause:
        open_issues(connection, [Stop(item_id, Cause(cause=cause, title=cause))])
    return item_id


def binding(order_id, key, sale_id, number=""):
    return NewBinding(
        connection="erp",
        kind="sale",
        external_id=sale_id,
        order_id=order_id,
        key=key,
        number=number,
        state="confirmed",
        rank=3,
        total="12.50",
        tax="2.00",
    )


def found(store, paging=None, **wanted):
    """External ids of the first page."""
    chosen = Wanted(**wanted)
    page = store.read(lambda c: load_page(c, chosen, paging or Paging(limit=100), TARGETS))
    ids = [row.external_id for row in page.rows]
    counted = store.read(lambda c: count_by_state(c, chosen, TARGETS))
    assert sum(counted[state] for state in chosen.states or ItemState) == len(ids)
    return ids


@pytest.fixture(params=[5000, 0], ids=["few", "many"])
def either_way(request, monkeypatch):
    """Both ways of finding a page, whatever the table's size."""
    monkeypatch.setattr(search, "_FEW", request.param)


# --- finding ----------------------------------------------------------------------------------------------------


def test_an_order_is_found_by_any_number_of_any_system_by_mail_article_and_name(store):
    known = {"email": "Anna@example.com", "customer": "Anna Müller", "skus": frozenset({"SKU-1", "SKU-2"})}
    add(store, "17", sale=("900", "SO-9"), **known)
    other = {"email": "x@example.com", "customer": "Hanna Emüller", "skus": frozenset({"SKU-10"})}
    add(store, "18", sale=("901", "SO-10"), **other)
    numbers = ("N17", "17", "SO-9", "900", "web:17", "SKU-1")
    names = ("anna@example.com", "Anna@Example.COM", "müller", "MÜLLER", "Anna", "anna mül", "mü")
    assert {text: found(store, text=text) for text in (*numbers, *names)} == {
        text: ["17"] for text in (*numbers, *names)
    }


def test_a_part_of_a_number_and_a_wildcard_find_nothing(store):
    add(store, "17", sale=("900", "SO-9"), customer="Anna Müller", email="anna@example.com")
    texts = ("N1", "7", "SO", "KU-1", "nna", "example.com", "a%", "_nna", "%", "' OR 1=1 --", "\\")
    assert {text: found(store, text=text) for text in texts} == {text: [] for text in texts}


def test_an_order_that_could_not_be_read_is_found_by_the_shops_id_and_listed_without_money(store):
    add(store, "5", state=ItemState.PARKED, read=False, hour=3)
    assert found(store, text="5") == ["5"]
    [row] = store.read(lambda c: load_page(c, Wanted(), Paging(), TARGETS)).rows
    assert (row.order_id, row.number, row.grand, row.currency) == (None, "5", None, "")
    assert row.placed_at == BEGUN + dt.timedelta(hours=3)


def test_an_article_that_is_taken_out_of_an_order_finds_it_no_longer(store):
    add(store, "1", skus=frozenset({"A", "B"}))
    item = store.read(lambda c: c.execute(select(work_items.c.id)).scalar_one())
    row = dataclasses.replace(ROW, item_id=item, external_id="1", number="N1", skus=frozenset({"B", "C"}))
    store.write(lambda c: save_orders(c, [row]))
    assert [found(store, text=sku) for sku in "ABC"] == [[], ["1"], ["1"]]


def test_a_batch_takes_as_many_statements_as_one_order_and_an_unchanged_one_writes_no_article(store):
    items = [add(store, str(number), read=False) for number in range(64)]
    rows = [
        dataclasses.replace(ROW, item_id=item, external_id=str(number), skus=frozenset({"A", f"S{number}"}))
        for number, item in enumerate(items)
    ]

    @contextlib.contextmanager
    def counted():
        statements = []

        def count(connection, cursor, statement, *rest):
            statements.append(statement)

        event.listen(store.engine, "before_cursor_execute", count)
        yield statements
        event.remove(store.engine, "before_cursor_execute", count)

    counts = []
    for batch in (rows[:1], rows[1:]):
        with counted() as statements:
            store.write(lambda c, batch=batch: save_orders(c, batch))
        counts.append(len(statements))
    assert counts[0] == counts[1]
    with counted() as statements:
        store.write(lambda c: save_orders(c, rows))
    assert not [text for text in statements if "order_skus" in text and not text.lstrip().startswith("SELECT")]
    assert store.read(lambda c: len(c.execute(select(order_skus)).all())) == 128


# --- narrowing --------------------------------------------------------------------------------------------------


def test_each_filter_narrows_the_list_and_its_counts(store, either_way):
    add(store, "1", hour=1, grand=Decimal(10), currency="EUR", state=ItemState.HELD, cause="unknown_sku")
    add(store, "2", hour=2, grand=Decimal(20), currency="USD", channel="outlet")
    add(store, "3", hour=3, grand=Decimal("20.0001"), currency="EUR")
    add(store, "4", hour=4, read=False, state=ItemState.PARKED, cause="mapping")
    hour = dt.timedelta(hours=1)
    assert found(store) == ["4", "3", "2", "1"]
    assert found(store, channel="outlet") == ["2"]
    assert found(store, states=(ItemState.HELD, ItemState.PARKED)) == ["4", "1"]
    assert found(store, states=(ItemState.DONE,)) == ["3", "2"]
    assert found(store, cause="unknown_sku") == ["1"]
    assert found(store, cause="nothing") == []
    assert found(store, since=BEGUN + 2 * hour) == ["4", "3", "2"]
    assert found(store, until=BEGUN + 2 * hour) == ["1"]
    assert found(store, since=BEGUN + 2 * hour, until=BEGUN + 4 * hour) == ["3", "2"]
    assert found(store, low=Decimal(20)) == ["3", "2"]
    assert found(store, high=Decimal(20)) == ["2", "1"]
    assert found(store, low=Decimal(20), high=Decimal(20)) == ["2"]
    assert found(store, currency="EUR") == ["3", "1"]
    assert found(store, currency="EUR", states=(ItemState.HELD,), text="N1", cause="unknown_sku") == ["1"]


def test_a_cause_that_stops_an_order_no_longer_does_not_list_it(store):
    item = add(store, "1", state=ItemState.HELD, cause="unknown_sku")
    assert store.read(list_causes) == ["unknown_sku"]
    [row] = store.read(lambda c: load_page(c, Wanted(), Paging(), TARGETS)).rows
    assert row.causes == ("unknown_sku",)
    store.write(lambda c: close_documents(c, [item]))
    assert found(store, cause="unknown_sku") == []
    assert store.read(list_causes) == []


def test_a_row_names_the_living_sale_in_its_channels_erp(store):
    add(store, "1", sale=("900", "SO-9"))
    [row] = store.read(lambda c: load_page(c, Wanted(), Paging(), TARGETS)).rows
    assert (row.erp_id, row.erp_number, row.erp_total) == ("900", "SO-9", "12.50")
    [elsewhere] = store.read(lambda c: load_page(c, Wanted(), Paging(), {"web": "another"})).rows
    assert elsewhere.erp_id == ""
    store.write(lambda c: end_of_orders(c, [row.order_id]))
    [ended] = store.read(lambda c: load_page(c, Wanted(), Paging(), TARGETS)).rows
    assert ended.erp_id == ""


# --- paging -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", Sort)
def test_pages_there_and_back_lose_and_repeat_nothing(store, either_way, sort):
    store.write(_mixture)
    for descending, narrowed in itertools.product((True, False), ({}, {"channel": "web"}, {"since": BEGUN})):
        wanted = Wanted(**narrowed)

        def page(wanted=wanted, descending=descending, **place):
            paging = Paging(sort=sort, descending=descending, **place)
            return store.read(lambda c: load_page(c, wanted, paging, TARGETS))

        whole = page(limit=100).rows
        assert len(whole) == sum(store.read(lambda c, wanted=wanted: count_by_state(c, wanted, TARGETS)).values())
        pages = [page(limit=7)]
        assert pages[0].previous is None
        while pages[-1].next is not None:
            pages.append(page(limit=7, after=pages[-1].next))
        assert list(itertools.chain.from_iterable(each.rows for each in pages)) == whole
        for earlier, later in itertools.pairwise(pages):
            assert page(limit=7, before=later.previous) == earlier


def _mixture(connection):
    """Orders in all states, many at the same moment and of the same amount, some never read."""
    chance = random.Random(3)
    for number in range(40):
        state = chance.choice(list(ItemState))
        put(
            connection,
            str(number),
            hour=chance.randrange(12),
            state=state,
            channel=chance.choice(list(TARGETS)),
            read=state is ItemState.DONE or chance.random() > 0.3,
            grand=Decimal(chance.randrange(-3, 4)),
        )


def test_the_key_of_a_list_is_what_it_is_sorted_by(store, either_way):
    add(store, "1", hour=1, grand=Decimal(30))
    add(store, "2", hour=2, grand=Decimal(-5))
    add(store, "3", hour=3, grand=Decimal(7))
    assert found(store, Paging(sort=Sort.PLACED)) == ["3", "2", "1"]
    assert found(store, Paging(sort=Sort.AMOUNT)) == ["1", "3", "2"]
    assert found(store, Paging(sort=Sort.AMOUNT, descending=False)) == ["2", "3", "1"]
    assert found(store, Paging(sort=Sort.CHANGED, descending=False)) == ["1", "2", "3"]
