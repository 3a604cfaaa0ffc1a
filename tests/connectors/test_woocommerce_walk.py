"""The walk loses nothing, whatever changes while it goes: against a model of the measured list semantics."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.kit.base import ConnectorSettings
from connectors.kit.errors import ConnectionBroken, Transient
from connectors.woocommerce import WooCommerce
from tests.connectors.woocommerce_model import EPOCH, URL, Order, Shop
from tests.shared import THOROUGH


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr("connectors.kit.http.time.sleep", lambda seconds: None)


def connect(per_page=3, overlap_s=0.0, **options):
    settings = ConnectorSettings(
        name="shop", url=URL, key="ck_1", secret="cs_1", overlap_s=overlap_s, options={"per_page": per_page, **options}
    )
    return WooCommerce(settings)


def pull(connector, checkpoint=None, pages=None, seen=None, **kwargs):
    """What a consumer that keeps the newest state knows after so many pages, and where it would resume."""
    seen = {} if seen is None else seen
    for page in itertools.islice(connector.pull_orders(checkpoint, **kwargs), pages):
        checkpoint = page.checkpoint
        for envelope in page.envelopes:
            seen[envelope.external_id] = envelope.payload["revision"]
    return seen, checkpoint


@st.composite
def shops(draw):
    """Few seconds and small pages, so that equal seconds, full pages and hidden rows meet all the time."""
    count = draw(st.integers(0, 14))
    seconds = draw(st.lists(st.integers(0, draw(st.sampled_from([0, 1, 3, 40]))), min_size=count, max_size=count))
    hidden = draw(st.lists(st.booleans(), min_size=count, max_size=count)) if draw(st.booleans()) else [False] * count
    trash = draw(st.lists(st.sampled_from(["processing", "trash"]), min_size=count, max_size=count))
    orders = [
        Order(number + 1, created=second, modified=second, status=status, hidden=unseen)
        for number, (second, status, unseen) in enumerate(zip(seconds, trash, hidden, strict=True))
    ]
    return Shop(orders, now=max(seconds, default=0) + draw(st.integers(0, 3)), old_core=draw(st.booleans()))


#: What happens before one answer: time passes, then orders change, come, or go to the trash and back.
EVENTS = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.tuples(st.sampled_from(["touch", "new", "move"]), st.integers(0, 99)))),
    max_size=25,
)


def play(shop, events):
    """Let one entry of the script happen before each answer; remember who was touched."""
    left, touched = list(events), set()

    def happen():
        if not left:
            return
        passed, changes = left.pop(0)
        shop.now += passed
        for what, number in changes:
            if what == "new" or not shop.orders:
                order = Order(len(shop.orders) + 1, created=shop.now, modified=shop.now)
                shop.orders[order.id] = order
            else:
                order = list(shop.orders.values())[number % len(shop.orders)]
                shop.touch(order)
                if what == "move":
                    order.status = "processing" if order.status == "trash" else "trash"
            touched.add(str(order.id))

    shop.before_each = happen
    return touched


@pytest.mark.fault("D3")
@given(shop=shops(), events=EVENTS, per_page=st.integers(1, 4))
@settings(max_examples=150 if THOROUGH else 50, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_after_a_walk_through_changes_and_a_quiet_one_every_order_is_known_in_its_newest_state(shop, events, per_page):
    """With no overlap at all: the overlap is for late commits, not for our own paging."""
    connector = connect(per_page)
    with responses.RequestsMock() as mock:
        shop.serve(mock)
        # What an old core says of the second that is still going on is left to the next walk.
        before = {key for key in shop.visible() if not shop.old_core or shop.orders[int(key)].modified < shop.now}
        touched = play(shop, events)
        seen, checkpoint = pull(connector)
        assert before - touched <= set(seen), "an untouched order was lost"
        shop.before_each = lambda: None
        shop.now += 1
        seen, _checkpoint = pull(connector, checkpoint, seen=seen)
    assert {key: seen.get(key) for key in shop.visible()} == shop.visible()


@given(shop=shops(), pages=st.integers(1, 8), per_page=st.integers(1, 4))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_walk_that_is_cut_off_resumes_from_its_last_page_without_a_loss(shop, pages, per_page):
    with responses.RequestsMock() as mock:
        shop.serve(mock)
        seen, checkpoint = pull(connect(per_page), pages=pages)
        shop.now += 1
        seen, _checkpoint = pull(connect(per_page), checkpoint, seen=seen)
    assert seen == shop.visible()


@given(shop=shops(), data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_the_list_of_a_window_has_each_order_of_it_once(shop, data):
    shop.old_core = False
    low, high = sorted(data.draw(st.tuples(st.integers(-2, 45), st.integers(-2, 45))))
    half = dt.timedelta(milliseconds=data.draw(st.sampled_from([0, 500])))
    since, until = EPOCH + dt.timedelta(seconds=low) + half, EPOCH + dt.timedelta(seconds=high) + half
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        shop.serve(mock)
        listed = [line.external_id for line in connect(data.draw(st.integers(1, 4))).list_orders(since, until)]
    times = {str(order.id): EPOCH + dt.timedelta(seconds=order.created) for order in shop.orders.values()}
    assert sorted(listed) == sorted(key for key in shop.visible() if since <= times[key] < until)


def test_a_quiet_shop_costs_one_call_per_page_and_list():
    shop = Shop([Order(n, created=n, modified=n) for n in range(1, 163)], now=1000)
    with responses.RequestsMock() as mock:
        shop.serve(mock)
        seen, checkpoint = pull(connect(per_page=50))
        assert len(seen) == 162
        assert [call["status"] for call in shop.calls] == ["any"] * 4 + ["trash"]
        shop.calls.clear()
        pull(connect(per_page=50), checkpoint)
        assert [(call["status"], call["page"]) for call in shop.calls] == [("any", "1"), ("trash", "1")]


@pytest.mark.fault("D1")
def test_more_orders_in_one_second_than_fit_on_a_page_survive_changes_during_paging():
    """A bulk edit: page after page of one second, and in the middle an order of the first page changes."""
    shop = Shop([Order(n, 0, 5) for n in range(1, 11)] + [Order(11, 0, 6)], now=20)
    shop.before_each = lambda: len(shop.calls) == 5 and shop.touch(shop.orders[1])
    with responses.RequestsMock() as mock:
        shop.serve(mock)
        seen, _checkpoint = pull(connect(per_page=3))
    assert seen == shop.visible()
    assert seen["1"] == 1


def test_what_changes_in_the_very_second_of_reading_is_read_by_the_next_walk():
    shop = Shop([Order(1, 0, 5), Order(2, 0, 5), Order(3, 0, 1)], now=5)
    connector = connect(per_page=1)
    with responses.RequestsMock() as mock:
        shop.serve(mock)
        walk = connector.pull_orders(None)
        pages = list(itertools.islice(walk, 5))
        shop.touch(shop.orders[3])
        shop.now = 7
        shop.touch(shop.orders[2])
        pages += walk
        seen, _checkpoint = pull(connector, pages[-1].checkpoint)
    assert (seen["2"], seen["3"]) == (1, 1)


def test_orders_come_oldest_change_first():
    shop = Shop([Order(1, 0, 30), Order(2, 0, 10), Order(3, 0, 20)], now=40)
    with responses.RequestsMock() as mock:
        shop.serve(mock)
        pages = list(connect().pull_orders(None))
    assert [envelope.external_id for page in pages for envelope in page.envelopes] == ["2", "3", "1"]


@pytest.mark.fault("D2")
def test_the_overlap_finds_what_was_committed_late():
    shop = Shop([Order(1, 0, 1000)], now=1000)
    with responses.RequestsMock() as mock:
        shop.serve(mock)
        connector = connect(overlap_s=300)
        seen, checkpoint = pull(connector)
        shop.orders[2] = Order(2, 0, 701)
        shop.orders[3] = Order(3, 0, 699)
        seen, _checkpoint = pull(connector, checkpoint, seen=seen)
    assert set(seen) == {"1", "2"}


def test_a_first_pull_since_a_date_leaves_out_what_is_older():
    shop = Shop([Order(1, 0, 9), Order(2, 0, 10), Order(3, 0, 11)], now=20)
    with responses.RequestsMock() as mock:
        shop.serve(mock)
        seen, _checkpoint = pull(connect(overlap_s=300), since=EPOCH + dt.timedelta(seconds=10, milliseconds=300))
    assert set(seen) == {"2", "3"}


def test_an_empty_shop_still_gives_a_checkpoint_to_save():
    with responses.RequestsMock() as mock:
        Shop([], now=0).serve(mock)
        [page] = connect().pull_orders(None)
    assert page.envelopes == ()
    assert page.checkpoint


@pytest.mark.fault("D5")
def test_an_order_dated_in_the_future_does_not_carry_the_checkpoint_away():
    shop = Shop([Order(1, 0, 10), Order(2, 0, 10_000_000)], now=20)
    with responses.RequestsMock() as mock:
        shop.serve(mock)
        seen, checkpoint = pull(connect())
        shop.now = 30
        shop.touch(shop.orders[1])
        seen, _checkpoint = pull(connect(), checkpoint, seen=seen)
    assert seen == {"1": 1, "2": 0}


@pytest.mark.fault("D5")
def test_a_clock_that_was_set_back_behind_the_checkpoint_hides_nothing():
    shop = Shop([Order(1, 0, 10_000)], now=10_000)
    with responses.RequestsMock() as mock:
        shop.serve(mock)
        connector = connect(overlap_s=300)
        seen, checkpoint = pull(connector)
        shop.now = 1_000
        for number, second in ((2, 800), (3, 1_100), (4, 1_700)):
            shop.orders[number] = Order(number, second, second)
            shop.now = second + 100
            seen, checkpoint = pull(connector, checkpoint, seen=seen)
    assert set(seen) == {"1", "2", "3", "4"}


def test_an_old_core_is_read_by_id_and_asked_only_once_for_the_better_way():
    shop = Shop([Order(n, created=n, modified=n % 7) for n in range(1, 12)], now=20, old_core=True)
    with responses.RequestsMock() as mock:
        shop.serve(mock)
        connector = connect()
        seen, checkpoint = pull(connector)
        assert seen == shop.visible()
        assert [call["orderby"] for call in shop.calls].count("modified") == 1
        assert {call["page"] for call in shop.calls} == {"1", "2", "3", "4"}
        assert pull(connector, checkpoint)[0] == {}


@pytest.mark.fault("B16")
@pytest.mark.parametrize("ignored", ["modified_after", "page"])
def test_a_cache_that_ignores_the_query_is_named_instead_of_looping_for_ever(ignored):
    shop = Shop([Order(n, created=n, modified=n) for n in range(1, 30)], now=40)
    found = shop._found
    shop._found = lambda query: found(query | {"modified_after": "2000-01-01T00:00:00"})
    with responses.RequestsMock() as mock:
        shop.serve(mock)
        with pytest.raises(Transient, match="cache"):
            pull(connect())


@pytest.mark.parametrize(
    "checkpoint",
    [
        "x",
        "{}",
        "[]",
        "null",
        '{"v":2,"modified":{}}',
        '{"v":1,"modified":{"any":"yesterday"}}',
        '{"v":1,"modified":{"any":null}}',
        '{"v":1,"modified":[]}',
        '{"v":1,"modified":{"any":"2026-11-21T23:01:56Z"}}',
    ],
)
def test_a_checkpoint_that_is_none_of_ours_is_refused_in_plain_words(checkpoint):
    with pytest.raises(ConnectionBroken, match="rewind the channel"):
        next(connect().pull_orders(checkpoint))
