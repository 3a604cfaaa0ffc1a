"""What changes in the ERP is heard of once, by the order that it belongs to, and our own writes are no news."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from sync.flows.facets.follow import STREAM, follow
from sync.flows.pull import pull
from sync.store.checkpoints import load_checkpoint, save_checkpoint
from sync.store.tables import events
from sync.work import drain as drain_module
from tests.sync.flows.shop import PLACED
from tests.sync.flows.trade import TEA, trading

pytestmark = pytest.mark.loopback
SINCE = PLACED.replace(year=2020)


@pytest.fixture
def trade(sqlite_store):
    with trading(sqlite_store) as made:
        yield made


def heard(trade):
    return follow(trade.store, trade.systems.connector("erp"), "erp", since=SINCE)


def test_what_we_wrote_ourselves_is_no_news(trade):
    trade.buy((TEA, 1))
    pull(trade.store, trade.systems.connector("shop"), "shop", ["web"], since=SINCE)
    trade.drain()
    assert heard(trade).marked == 0


def test_a_change_is_heard_once_though_every_pull_steps_back(trade):
    number = trade.buy((TEA, 1))
    trade.carry()
    trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
    assert [heard(trade).marked for _ in range(3)] == [1, 0, 0]
    assert trade.item(number).facets == '["target"]'


def test_a_sale_that_nobody_knows_is_kept_and_marks_nothing(trade):
    number = trade.buy((TEA, 1))
    trade.carry()
    sale = trade.sale_id(number)
    trade.store.write(lambda c: c.exec_driver_sql("UPDATE bindings SET ended_at = created_at"))
    trade.in_erp("POST", f"sales/{sale}/send", {})
    assert heard(trade).marked == 0
    assert sale in {row.external_id for row in trade.rows(select(events).where(events.c.kind == "sale"))}


def test_a_pull_ends_when_somebody_moved_its_checkpoint(trade):
    number = trade.buy((TEA, 1))
    trade.carry()
    trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
    erp = trade.systems.connector("erp")

    class Moved:
        def pull_sales(self, checkpoint, *, since=None):
            for page in erp.pull_sales(checkpoint, since=since):
                trade.store.write(lambda c: save_checkpoint(c, "erp", STREAM, "somebody's"))
                yield page

    assert follow(trade.store, Moved(), "erp", since=SINCE).marked == 0
    assert trade.store.read(lambda c: load_checkpoint(c, "erp", STREAM)) == "somebody's"


@pytest.mark.fault("D2")
def test_what_the_erp_told_before_the_sale_was_bound_is_not_lost(store, monkeypatch):
    """Goods are sent, and the ERP is asked what changed, before the batch that made the sale has ended."""
    with trading(store) as trade:
        number = trade.buy((TEA, 1))
        # There is a checkpoint: the ERP was followed before.
        heard(trade)
        pull(trade.store, trade.systems.connector("shop"), "shop", ["web"], since=SINCE)
        settled = drain_module.settle

        def late(drain, pieces):
            monkeypatch.setattr(drain_module, "settle", settled)
            trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {"tracking": [{"number": "T1", "url": ""}]})
            assert heard(trade).marked == 0
            settled(drain, pieces)

        monkeypatch.setattr(drain_module, "settle", late)
        trade.drain()
        trade.drain()
        assert len(trade.in_shop("GET", f"orders/{number}/fulfillments")) == 1
        # And it comes to rest.
        assert (trade.item(number).state, trade.drain()) == ("done", 0)
