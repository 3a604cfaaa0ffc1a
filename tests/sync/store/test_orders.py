from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

from sqlalchemy import select, update

from sync.store.bindings import NewBinding, save_bindings
from sync.store.documents import Seen, save_seen
from sync.store.marking import mark
from sync.store.orders import OrderRow, find_orders, list_orders, save_orders
from sync.store.search import Paging, Wanted, load_page
from sync.store.states import ItemState
from sync.store.tables import work_items
from sync.store.tracking import fold_tracking

PLACED = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
TARGETS = {"web": "erp", "outlet": "erp"}
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
    placed_at=PLACED,
    placed_on=PLACED.date(),
    mapping_version="1",
    material="",
    canonical=b"",
)


def stopped(store, channel, external_id, state=ItemState.PARKED):
    """An item that ended before its order could be read; its id."""

    def work(connection):
        mark(connection, channel, "order", [external_id], facet="order")
        found = work_items.c.channel == channel, work_items.c.external_id == external_id
        connection.execute(update(work_items).where(*found).values(state=state.value, reason="it does not add up"))
        return connection.execute(select(work_items.c.id).where(*found)).scalar_one()

    return store.write(work)


def read(store, channel, external_id, *, number="", sale="", sale_number=""):
    """An order with its content, and its sale where one is named."""
    item = stopped(store, channel, external_id, ItemState.DONE)
    row = dataclasses.replace(ROW, item_id=item, channel=channel, external_id=external_id, number=number or external_id)

    def work(connection):
        order_id = save_orders(connection, [row])[external_id]
        if sale:
            binding = NewBinding(
                connection="erp",
                kind="sale",
                external_id=sale,
                order_id=order_id,
                key=f"{channel}:{external_id}",
                number=sale_number,
                state="confirmed",
                rank=3,
                total="12.50",
                tax="2.00",
            )
            save_bindings(connection, [binding])

    store.write(work)


def find(store, number):
    return [(order.channel, order.external_id) for order in store.read(lambda c: find_orders(c, number, TARGETS))]


def test_the_shops_number_goes_before_the_erps_number_and_that_before_its_id(store):
    read(store, "web", "113", sale="7", sale_number="1001")
    read(store, "web", "114", sale="113", sale_number="7")
    read(store, "outlet", "200", sale="1001", sale_number="SO1")
    assert find(store, "113") == [("web", "113")]
    assert find(store, "7") == [("web", "114")]
    assert find(store, "1001") == [("web", "113")]
    assert find(store, "outlet:200") == [("outlet", "200")]
    assert find(store, "5") == []


def test_an_order_is_found_by_the_number_of_an_invoice_a_parcel_or_a_payment_after_its_own(store):
    read(store, "web", "113", sale="7", sale_number="1001")
    read(store, "web", "114", sale="8", sale_number="1002")
    ids = store.read(lambda c: {row.external_id: row.id for row in list_orders(c, "web", "erp")})
    common = {"connection": "erp", "digest": "d", "body": b""}

    def work(connection):
        seen = [
            Seen(order_id=ids["113"], kind="payment", external_id="1", number="ch_9f3a", **common),
            Seen(order_id=ids["113"], kind="shipment", external_id="1", number="1002", **common),
            Seen(order_id=ids["113"], kind="invoice", external_id="1", number="INV-1", **common),
            Seen(order_id=ids["114"], kind="invoice", external_id="1", number="INV-1", **common),
        ]
        save_seen(connection, seen)

    store.write(work)
    assert find(store, "ch_9f3a") == [("web", "113")]
    assert sorted(find(store, "INV-1")) == [("web", "113"), ("web", "114")]
    assert find(store, "1002") == [("web", "114")]
    page = store.read(lambda c: load_page(c, Wanted(text="INV-1"), Paging(), TARGETS))
    assert sorted(row.external_id for row in page.rows) == ["113", "114"]


def test_an_order_is_found_by_the_tracking_number_of_a_parcel_however_it_is_typed(store):
    for number in ("113", "114"):
        read(store, "web", number)
    ids = store.read(lambda c: {row.external_id: row.id for row in list_orders(c, "web", "erp")})

    def see(*tracking, order="113"):
        parcels = frozenset(map(fold_tracking, tracking))
        row = Seen(order_id=ids[order], kind="shipment", external_id="1", connection="erp", digest="d", body=b"",
                   tracking=parcels)  # fmt: skip
        store.write(lambda c: save_seen(c, [row]))

    see("1z 999 aa1", "00340434")
    for typed in ("1Z999AA1", "1z 999 AA1", "0034 0434"):
        assert find(store, typed) == [("web", "113")]
        page = store.read(lambda c, typed=typed: load_page(c, Wanted(text=typed), Paging(), TARGETS))
        assert [row.external_id for row in page.rows] == ["113"]
    # Somebody has corrected one; the other order goes in the same parcel.
    see("1Z999AA2", "00340434")
    see("1Z999AA2", "00340434", order="114")
    assert find(store, "1Z999AA1") == []
    assert sorted(find(store, "1Z999AA2")) == [("web", "113"), ("web", "114")]


def test_an_order_is_found_by_number_and_by_id_in_every_channel(store):
    read(store, "web", "113", number="WEB-113")
    read(store, "outlet", "113")
    assert find(store, "WEB-113") == [("web", "113")]
    assert sorted(find(store, "113")) == [("outlet", "113"), ("web", "113")]


def test_an_order_that_could_not_be_read_is_found_and_listed_without_money(store):
    read(store, "web", "1")
    item = stopped(store, "web", "2")
    assert find(store, "2") == [("web", "2")]
    listed = store.read(lambda c: list_orders(c, "web", "erp"))
    assert [order.external_id for order in listed] == ["1", "2"]
    unread = listed[1]
    assert (unread.id, unread.item_id, unread.number, unread.currency, unread.grand) == (0, item, "2", "", 0)
    assert (unread.state, unread.reason) == ("parked", "it does not add up")


def test_an_order_that_is_only_on_its_way_is_not_listed_as_unreadable(store):
    stopped(store, "web", "3", ItemState.READY)
    assert store.read(lambda c: list_orders(c, "web", "erp")) == []
    assert find(store, "3") == [("web", "3")]
