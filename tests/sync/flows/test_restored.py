"""A database that is put back to an older state, over systems that went on: nothing that was done is done again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

from config.model import Depth, DocumentState, InvoiceNews, Returns, Secret, ShipmentNews
from connectors.sandbox.erp import ErpOptions
from sync.desk.backups import make_backup, restore_backup
from sync.desk.proof import prove_channel
from sync.store import singletons
from sync.store.audit import Actor
from sync.store.engine import Store
from sync.store.singletons import SCHEDULER
from sync.store.tables import files
from sync.work.witness import Witness
from tests.databases import forward, url_of
from tests.sync.flows.test_split import EVERYTHING as DIVIDED
from tests.sync.flows.test_split import divided, sales_of, send
from tests.sync.flows.trade import CHANNEL, POT, TEA, trading

pytestmark = pytest.mark.loopback


def copy_of(store, path: Path) -> Path:
    """What stands in the database now."""
    with sqlite3.connect(path) as copy:
        raw = store.engine.raw_connection()
        raw.driver_connection.backup(copy)
        raw.close()
    copy.close()
    return path


def put_back(store, path: Path) -> None:
    """The same behind everybody's back: no command of ours, only the content of the file."""
    with sqlite3.connect(path) as copy:
        raw = store.engine.raw_connection()
        copy.backup(raw.driver_connection)
        raw.close()
    copy.close()


class Story:
    """Ten orders of which the copy knows half, and everything that may hang on one."""

    def __init__(self, trade) -> None:
        self.trade = trade
        self.old = [trade.buy((TEA, 2), (POT, 1), transaction_id=f"old_{each}") for each in range(6)]
        trade.carry()
        self._send(self.old[5], "T5")
        trade.carry()

    def goes_on(self) -> None:
        """What the copy knows nothing of."""
        trade = self.trade
        self.new = [trade.buy((TEA, 2), (POT, 1), transaction_id=f"new_{each}") for each in range(4)]
        trade.carry()
        for orders in (self.old, self.new):
            self._send(orders[0], f"S{orders[0]}")
            self._send(orders[1], f"S{orders[1]}")
            trade.in_shop("PUT", f"orders/{orders[2]}", {"status": "cancelled"})
        trade.carry()
        for orders in (self.old, self.new):
            trade.in_shop("POST", f"orders/{orders[0]}/refunds", {"amount": "3.00", "api_refund": False})
            sale = trade.sale_id(orders[1])
            trade.in_erp("POST", f"sales/{sale}/return", {"lines": {TEA: "1"}, "amount": "4.00"})
        self._correct_tracking(self.old[5], "T5-corrected")
        for _ in range(3):
            trade.carry()

    def _send(self, number: str, tracking: str) -> None:
        body = {"tracking": [{"number": tracking, "url": ""}]}
        self.trade.in_erp("POST", f"sales/{self.trade.sale_id(number)}/send", body)

    def _correct_tracking(self, number: str, tracking: str) -> None:
        [shipment] = self.trade.sale(number)["shipments"]
        body = {"tracking": [{"number": tracking, "url": ""}]}
        self.trade.in_erp("PATCH", f"shipments/{shipment['id']}", body)


def effects(trade) -> dict[str, list[str]]:
    """Everything that either system was ever made to do."""
    told = {}
    for name, url in (("shop", trade.shop_url), ("erp", trade.erp.url)):
        entries = requests.get(f"{url}/_sandbox/ledger", timeout=5).json()
        told[name] = [f"{each['kind']} {each['key']} {each['external_id']} {each['total']}" for each in entries]
    return told


def forward_copy(path: Path, seconds: float) -> None:
    """As if it had been made so long ago."""
    store = Store.open(f"sqlite:///{path}")
    forward(store, seconds)
    store.close()


EVERYTHING = {
    "payments": Depth.POSTED,
    "refunds": Depth.POSTED,
    "post_invoices": True,
    "invoices": InvoiceNews.LINK,
    "returns": Returns.REFUND,
}


def restored(trade, copy: Path) -> None:
    """The copy is put back, and both systems are looked at until nothing moves."""
    still(trade, lambda: put_back(trade.store, copy))


def still(trade, goes_back: Callable[[], object], *, left: dict[str, int] | None = None) -> None:
    """Neither system is made to do anything, whatever the database has forgotten; `left` is what a person is told."""
    assert trade.causes() == {}
    before = effects(trade)
    goes_back()
    for _ in range(3):
        trade.carry()
    after = effects(trade)
    assert {name: after[name][len(before[name]) :] for name in after} == {"shop": [], "erp": []}
    assert trade.causes() == (left or {})
    assert trade.open_intents() == []
    if not left:
        assert prove_channel(trade.store, trade.systems.channel(CHANNEL)).holds


@pytest.mark.fault("A23")
@pytest.mark.parametrize("enforced", [True, False])
@pytest.mark.parametrize(("news", "notify"), [(ShipmentNews.AUTO, True), (ShipmentNews.NOTE, True)])
def test_an_old_copy_of_the_database_makes_nothing_twice(sqlite_store, tmp_path, enforced, news, notify):
    erp = ErpOptions(settle_s=2.0, enforce_key=enforced)
    with trading(sqlite_store, erp=erp, notify=notify, shipments=news, **EVERYTHING) as trade:
        sqlite_store.write(lambda c: singletons.take(c, SCHEDULER, "host:1", 15.0))
        story = Story(trade)
        copy = copy_of(sqlite_store, tmp_path / "copy.db")
        story.goes_on()
        # The scheduler's last heartbeat in the copy is as old as the copy.
        forward_copy(copy, 3600)
        restored(trade, copy)


@pytest.mark.fault("A23")
def test_a_copy_that_is_seconds_old_makes_nothing_twice_either(sqlite_store, tmp_path):
    with trading(sqlite_store, erp=ErpOptions(settle_s=2.0, enforce_key=False), notify=True, **EVERYTHING) as trade:
        trade.witness = Witness(tmp_path / "witness")
        story = Story(trade)
        copy = copy_of(sqlite_store, tmp_path / "copy.db")
        story.goes_on()
        restored(trade, copy)


@pytest.mark.fault("A23")
@pytest.mark.parametrize("enforced", [True, False])
def test_a_backup_that_is_restored_makes_nothing_twice(sqlite_store, tmp_path, enforced):
    with trading(sqlite_store, erp=ErpOptions(settle_s=2.0, enforce_key=enforced), notify=True, **EVERYTHING) as trade:
        story, url, key = Story(trade), url_of(sqlite_store), Secret("k" * 40)
        make_backup(url, tmp_path / "saved", key)
        story.goes_on()

        def restore():
            sqlite_store.close()
            restore_backup(url, tmp_path / "saved", key, Actor("anna"), replace=True)

        still(trade, restore)


def test_an_edit_that_was_carried_over_since_is_found_so(sqlite_store, tmp_path):
    erp = ErpOptions(settle_s=2.0, enforce_key=False)
    with trading(sqlite_store, erp=erp, document_state=DocumentState.DRAFT) as trade:
        trade.witness = Witness(tmp_path / "witness")
        edited = trade.buy((TEA, 2))
        trade.carry()
        copy = copy_of(sqlite_store, tmp_path / "copy.db")
        elsewhere = {**trade.order(edited)["shipping"], "address_1": "Weg 2"}
        trade.in_shop("PUT", f"orders/{edited}", {"shipping": elsewhere})
        late = trade.buy((POT, 1))
        trade.carry()
        assert ("Weg 2" in str(trade.sale(edited)), trade.sale(late)["state"]) == (True, "draft")
        restored(trade, copy)


def test_a_payment_that_waits_for_people_is_found_before_another_is_made(sqlite_store, tmp_path):
    with trading(sqlite_store, payments=Depth.DRAFT, post_invoices=True) as trade:
        trade.witness = Witness(tmp_path / "witness")
        number = trade.buy((TEA, 1))
        trade.carry()
        copy = copy_of(sqlite_store, tmp_path / "copy.db")
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
        for _ in range(2):
            trade.carry()
        assert len(trade.documents("draft_payment")) == 1
        restored(trade, copy)


def test_a_link_that_a_customer_has_goes_on_working(sqlite_store, tmp_path):
    with trading(sqlite_store, **EVERYTHING) as trade:
        trade.witness = Witness(tmp_path / "witness")
        number = trade.buy((TEA, 1))
        trade.carry()
        copy = copy_of(sqlite_store, tmp_path / "copy.db")
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
        trade.carry()
        [shown] = trade.rows(select(files.c.token))
        restored(trade, copy)
        assert trade.rows(select(files.c.token)) == [shown]


@pytest.mark.parametrize("enforced", [True, False])
def test_an_order_of_which_is_forgotten_how_it_was_divided_is_made_no_second_time(sqlite_store, tmp_path, enforced):
    erp = ErpOptions(settle_s=2.0, enforce_key=enforced)
    with divided(sqlite_store, erp=erp, notify=True, **DIVIDED) as trade:
        trade.witness = Witness(tmp_path / "witness")
        known = trade.buy((TEA, 2), (POT, 1))
        trade.carry()
        copy = copy_of(sqlite_store, tmp_path / "copy.db")
        forgotten = trade.buy((TEA, 1), (POT, 1))
        trade.carry()
        for number in (known, forgotten):
            for part, sale in enumerate(sales_of(trade, number)):
                send(trade, sale, f"T{number}-{part}")
        for _ in range(3):
            trade.carry()
        # By now another warehouse would be chosen.
        trade.in_erp("PUT", "stock", {"code": POT, "quantity": "9", "warehouse": "NORTH"})
        still(trade, lambda: put_back(trade.store, copy), left={"doubled": 1})
        assert [trade.item(number).state for number in (known, forgotten)] == ["done", "held"]
