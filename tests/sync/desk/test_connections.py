"""Going back to a date, and what a connection's page is made of."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from sqlalchemy import insert, select

from config.model import Channel, Config, Connection
from connectors.kit.base import (
    DocumentSummary,
    Envelope,
    FetchesOrders,
    ListsOrders,
    Page,
    PullsOrders,
    RewindsPulls,
    Subscription,
)
from sync.desk.connections import (
    CannotRewind,
    connection_detail,
    keep_subscriptions,
    list_connections,
    preview_rewind,
    rewind,
)
from sync.flows.pull import pull
from sync.store import schedule
from sync.store.audit import Actor
from sync.store.checkpoints import load_checkpoint, save_checkpoint
from sync.store.connections import failure_streaks
from sync.store.switches import pause
from sync.store.tables import attempts, audit, schedules, work_items

ACTOR = Actor("ina", "terminal here")
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


class Shop(PullsOrders, RewindsPulls, FetchesOrders, ListsOrders):
    """A shop with one order an hour, whose checkpoint is a moment."""

    def __init__(self, ids=()):
        self.ids = list(ids)
        self.before_page = lambda number: None
        self.asked = []

    def pull_orders(self, checkpoint, *, since=None):
        self.asked.append(checkpoint)
        for number, external_id in enumerate(self.ids):
            self.before_page(number)
            envelope = Envelope(external_id, f"v{number}", {"id": external_id})
            yield Page((envelope,), (NOON + dt.timedelta(hours=number)).isoformat())

    def fetch_orders(self, external_ids):
        raise NotImplementedError

    def list_orders(self, since, until):
        for number, external_id in enumerate(self.ids):
            placed = NOON + dt.timedelta(hours=number)
            if since <= placed < until:
                yield DocumentSummary(external_id, external_id, external_id, "x", 1, "EUR", placed)

    def checkpoint_at(self, moment):
        return moment.isoformat()

    @staticmethod
    def checkpoint_moment(checkpoint):
        return dt.datetime.fromisoformat(checkpoint)

    def close(self):
        pass


@dataclasses.dataclass
class Fed:
    """What of `Systems` is needed."""

    config: Config
    shop: Shop

    def connector(self, name):
        return self.shop if name == "shop" else object()


@pytest.fixture
def config(tmp_path):
    connections = {
        "shop": Connection(name="shop", system="woocommerce", url="https://shop.example"),
        "erp": Connection(name="erp", system="sandbox_erp", url="https://erp.example"),
    }
    return Config(
        folder=tmp_path, connections=connections, channels={"web": Channel(name="web", source="shop", erp="erp")}
    )


def fed(config, count=0):
    return Fed(config, Shop([f"o{number}" for number in range(count)]))


def checkpoint(store):
    return store.read(lambda c: load_checkpoint(c, "shop", "orders"))


def know(store, *external_ids):
    now = dt.datetime.now(dt.UTC)
    common = {"channel": "web", "kind": "order", "due_at": now, "created_at": now, "updated_at": now}
    store.write(lambda c: c.execute(insert(work_items), [{**common, "external_id": each} for each in external_ids]))


def test_the_preview_counts_what_the_shop_lists_and_what_is_known(store, config):
    know(store, "o3", "o4")
    store.write(lambda c: save_checkpoint(c, "shop", "orders", NOON.isoformat()))
    seen = preview_rewind(store, fed(config, 6), "shop", NOON + dt.timedelta(hours=2))
    assert (seen.listed, seen.known, seen.more, seen.before) == (4, 2, False, NOON)
    assert checkpoint(store) == NOON.isoformat()


def test_a_preview_of_very_many_ends_and_says_that_there_are_more(store, config, monkeypatch):
    monkeypatch.setattr("sync.desk.connections._BATCH", 10)
    monkeypatch.setattr("sync.desk.connections._MOST_LISTED", 20)
    systems, listed = fed(config, 45), Shop.list_orders
    for_ever = NOON + dt.timedelta(days=900)
    monkeypatch.setattr(systems.shop, "list_orders", lambda since, until: listed(systems.shop, since, for_ever))
    seen = preview_rewind(store, systems, "shop", NOON)
    assert (seen.listed, seen.more) == (20, True)


def test_going_back_sets_the_checkpoint_asks_for_a_pull_and_is_audited_with_both(store, config):
    store.write(lambda c: save_checkpoint(c, "shop", "orders", "old"))
    rewind(store, fed(config), "shop", NOON, actor=ACTOR, reason="a gap")
    assert checkpoint(store) == NOON.isoformat()
    [row] = store.read(lambda c: list(c.execute(select(audit))))
    assert (row.actor, row.action, row.subject) == ("ina", "rewind", "connection:shop")
    assert (row.before, row.after, row.reason) == ("old", NOON.isoformat(), "a gap")
    assert store.read(lambda c: c.execute(select(schedules.c.name, schedules.c.asked)).all()) == [("pull:shop", True)]


@pytest.mark.parametrize(("name", "error"), [("erp", CannotRewind), ("nobody", LookupError)])
def test_what_has_no_checkpoint_cannot_go_back(store, config, name, error):
    with pytest.raises(error):
        rewind(store, fed(config), name, NOON, actor=ACTOR)
    with pytest.raises(error):
        preview_rewind(store, fed(config), name, NOON)


def pulled(store, systems):
    return pull(store, systems.shop, "shop", ["web"], since=NOON)


def test_a_pull_that_is_under_way_does_not_overrule_who_went_back(store, config):
    systems = fed(config, 4)

    def go_back(number):
        if number == 2:
            rewind(store, systems, "shop", NOON - dt.timedelta(days=9), actor=ACTOR)

    systems.shop.before_page = go_back
    done = pulled(store, systems)
    assert done.pages == 2
    assert checkpoint(store) == (NOON - dt.timedelta(days=9)).isoformat()

    systems.shop.before_page = lambda number: None
    assert pulled(store, systems).pages == 4
    assert systems.shop.asked == [None, (NOON - dt.timedelta(days=9)).isoformat()]
    assert checkpoint(store) == (NOON + dt.timedelta(hours=3)).isoformat()


def test_what_a_pull_saved_before_somebody_went_back_stays(store, config):
    systems = fed(config, 2)
    earlier = NOON - dt.timedelta(days=1)
    systems.shop.before_page = lambda number: number == 1 and rewind(store, systems, "shop", earlier, actor=ACTOR)
    pulled(store, systems)
    assert store.read(lambda c: c.execute(select(work_items.c.external_id)).scalars().all()) == ["o0"]


# --- how a connection stands ------------------------------------------------------------------------------------


def attempt(store, *outcomes):
    know(store, "o1")
    [item] = store.read(lambda c: c.execute(select(work_items.c.id)).scalars().all())
    now = dt.datetime.now(dt.UTC)
    tries = [each.partition(" ") for each in outcomes]
    same = {"item_id": item, "lease_token": "t", "started_at": now, "ended_at": now}
    rows = [
        {**same, "outcome": outcome, "blamed": blamed, "message": f"{n}"}
        for n, (outcome, _, blamed) in enumerate(tries)
    ]
    store.write(lambda c: c.execute(insert(attempts), rows))


@pytest.mark.parametrize(
    ("outcomes", "failures", "message"),
    [
        (["done"], 0, ""),
        (["retry erp", "done"], 0, ""),
        (["done", "retry erp", "pause erp", "reconcile erp"], 3, "3"),
        (["retry erp", "park"], 0, ""),
        # The other side failed, or a document waited for another: neither speaks for or against the ERP.
        (["retry erp", "retry shop", "retry"], 1, "0"),
        (["retry shop", "pause shop"], 0, ""),
    ],
)
def test_a_streak_counts_from_the_newest_try_to_the_last_that_went_well(store, outcomes, failures, message):
    attempt(store, *outcomes)
    found = store.read(lambda c: failure_streaks(c, {"erp": ["web"], "other": ["other"]}))
    assert (found["erp"].failures, found["erp"].message) == (failures, message)
    assert found["other"].failures == 0


def test_a_connection_shows_who_it_serves_what_stops_it_and_what_it_can(store, config):
    store.write(lambda c: pause(c, "connection", "erp", "year end"))
    erp, shop = list_connections(store, config)
    assert (erp.targets, erp.sources, erp.pause.reason) == (["web"], [], "year end")
    assert (shop.targets, shop.sources, shop.pause) == ([], ["web"], None)
    detail = connection_detail(store, config, "shop")
    assert (detail.can_rewind, detail.has_webhooks, detail.takes_sales) == (True, True, False)
    detail = connection_detail(store, config, "erp")
    assert (detail.can_rewind, detail.has_webhooks, detail.takes_sales) == (False, False, True)
    with pytest.raises(LookupError, match="erp, shop"):
        connection_detail(store, config, "nobody")


def test_a_pause_of_everything_stops_each(store, config):
    store.write(lambda c: pause(c, "all", "", "fire drill"))
    assert [entry.pause.reason for entry in list_connections(store, config)] == ["fire drill"] * 2


def test_schedules_of_a_connection_are_its_own_and_those_of_the_channels_that_it_feeds(store, config):
    now = dt.datetime.now(dt.UTC)
    names = ["pull:shop", "webhooks:shop", "resync:web", "nightly:web", "pull:other", "resync:shop"]
    store.write(lambda c: schedule.declare(c, dict.fromkeys(names, now)))
    detail = connection_detail(store, config, "shop")
    assert {row.name for row in detail.schedules} == {"pull:shop", "webhooks:shop", "resync:web", "nightly:web"}


def test_subscriptions_show_as_they_were_last_seen(store, config):
    assert connection_detail(store, config, "shop").subscriptions is None
    seen = [Subscription("7", "order.created", "https://us/webhooks/shop", active=False)]
    store.write(lambda c: keep_subscriptions(c, "shop", seen))
    detail = connection_detail(store, config, "shop")
    assert detail.subscriptions == seen
    assert detail.subscriptions_at is not None


def test_a_checkpoint_of_another_connector_is_shown_without_a_moment(store, config):
    store.write(lambda c: save_checkpoint(c, "shop", "orders", "no json"))
    detail = connection_detail(store, config, "shop")
    assert detail.checkpoint.moment is None
