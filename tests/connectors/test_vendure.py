"""Vendure: what `updatedAt` does not tell, sessions, typed errors, stock that is allocated, what is left half-way."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from connectors.kit.base import ConnectorSettings
from connectors.kit.errors import ConnectionBroken, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.exchanges import capture
from connectors.kit.findings import Circumstances, Level
from connectors.kit.stock import StockWrite
from connectors.sandbox.vendure import ShopSettings, serve_shop
from connectors.vendure import Vendure
from connectors.vendure.orders import CHEAP
from mappings.vendure import FACETS
from tests.shared import PATIENCE_S

SIEVE, POT = "SIEB-ST", "KANNE-GLAS"
pytestmark = pytest.mark.loopback


@pytest.fixture
def served():
    with serve_shop(ShopSettings()) as (server, app):
        yield server, app


@pytest.fixture
def people(served):
    return served[1].shop


def connect(url, options=None, **changes):
    values = {"name": "shop", "url": url, "secret": "vendure_sandbox", "allow_hosts": ("127.0.0.1",)}
    values |= {"deadline_s": PATIENCE_S, "overlap_s": 0.0, "options": options or {}}
    return Vendure(ConnectorSettings(**(values | changes)))


@pytest.fixture
def shop(served):
    return connect(served[0].url)


def pull(shop, checkpoint=None):
    """Ids of what came, and the last checkpoint."""
    found = []
    for page in shop.pull_orders(checkpoint):
        checkpoint = page.checkpoint
        found += [envelope.external_id for envelope in page.envelopes]
    return found, checkpoint


def fulfilment(order, count=1, tracking="T-1"):
    lines = [{"orderLineId": order["lines"][0]["id"], "quantity": count}]
    return {"lines": lines, "method": "DHL Ref. 1-OUT1", "trackingCode": tracking}


# What `updatedAt` does not tell


def sends(people, order):
    people.fulfil(fulfilment(order)["lines"], "DHL", "T")


def refunds(people, order):
    people.give_back({"paymentId": order["payments"][0]["id"], "lines": [], "amount": 100}, "Settled")


def writes_a_note(people, order):
    people.add_note(order["id"], "call back", public=False)


@pytest.mark.parametrize("happens", [sends, refunds, writes_a_note])
def test_what_moves_no_updated_at_is_found_by_the_sweep(shop, people, happens):
    order = people.sell([(SIEVE, 3)])
    people.clock_offset_s += 10
    quiet = people.sell()
    people.clock_offset_s += 10
    _, checkpoint = pull(shop)
    people.clock_offset_s += 10
    before = order["updatedAt"]
    happens(people, order)
    assert order["updatedAt"] == before
    people.clock_offset_s += 10
    found, checkpoint = pull(shop, checkpoint)
    assert order["id"] in found
    assert found.count(quiet["id"]) <= 1, "only as the newest change of the list"
    assert order["id"] not in pull(shop, checkpoint)[0], "and not again"


def test_without_the_sweep_it_is_not_found(served, people):
    shop = connect(served[0].url, {"sweep_days": 0})
    order = people.sell()
    people.clock_offset_s += 5
    people.sell()
    _, checkpoint = pull(shop)
    people.clock_offset_s += 5
    refunds(people, order)
    assert order["id"] not in pull(shop, checkpoint)[0]


def test_what_happens_between_a_pull_that_was_cut_off_and_the_next_is_found(served, people):
    shop = connect(served[0].url, {"per_page": 1})
    orders = [people.sell() for _ in range(3)]
    people.clock_offset_s += 10
    first = next(iter(shop.pull_orders(None)))
    people.clock_offset_s += 10
    refunds(people, orders[0])
    people.clock_offset_s += 3600
    [version] = [each.version for each in shop.fetch_orders([orders[0]["id"]])]
    seen = [each for page in shop.pull_orders(first.checkpoint) for each in page.envelopes]
    assert (orders[0]["id"], version) in {(each.external_id, each.version) for each in seen}


def test_a_sweep_is_bounded_and_goes_on_where_the_last_pull_left_it(served, people):
    shop = connect(served[0].url, {"sweep_pages": 1, "per_page": 100})
    orders = []
    for _ in range(2 * CHEAP + 1):
        people.clock_offset_s += 1
        orders.append(people.sell([(SIEVE, 1)]))
    _, checkpoint = pull(shop)
    while '"placed":null' not in checkpoint:
        _, checkpoint = pull(shop, checkpoint)
    people.clock_offset_s += 10
    refunds(people, orders[-2])
    found, calls = [], []
    for _ in range(3):
        with capture() as exchanges:
            ids, checkpoint = pull(shop, checkpoint)
        found.append(orders[-2]["id"] in ids)
        calls.append(len(exchanges))
    assert found == [False, False, True], "the window is read from its oldest order on"
    assert max(calls) <= 3


def test_orders_before_the_window_are_not_swept(served, people):
    shop = connect(served[0].url, {"sweep_days": 1})
    old = people.sell()
    people.clock_offset_s += 2 * 86400
    people.sell()
    _, checkpoint = pull(shop)
    people.clock_offset_s += 10
    refunds(people, old)
    assert old["id"] not in pull(shop, checkpoint)[0]


def test_a_second_that_fills_pages_is_read_to_its_end(served, people, monkeypatch):
    moment = people.now()
    monkeypatch.setattr(people, "now", lambda: moment)
    ids = [people.sell()["id"] for _ in range(11)]
    shop = connect(served[0].url, {"per_page": 2})
    assert set(pull(shop)[0]) == set(ids)
    hour = dt.timedelta(hours=1)
    assert len(list(shop.list_orders(moment - hour, moment + hour))) == 11


def test_carts_and_shares_of_sellers_are_not_read(served, people):
    order, cart, share = people.sell(), people.sell(), people.sell()
    cart |= {"active": True, "orderPlacedAt": None, "state": "AddingItems"}
    share |= {"type": "Seller"}
    assert set(pull(connect(served[0].url))[0]) == {order["id"]}
    assert share["id"] in pull(connect(served[0].url, {"order_types": ["Regular", "Seller"]}))[0]


# Who asks


def test_a_session_that_the_shop_forgot_is_begun_anew(served, people):
    server, app = served
    shop = connect(server.url, secret="", login="crossdock", password="vendure_sandbox")
    people.sell()
    assert pull(shop)[0]
    app.forget_sessions()
    assert pull(shop)[0]


def test_a_wrong_password_says_so_and_does_not_show(served):
    shop = connect(served[0].url, secret="", login="crossdock", password="wrong-canary")
    with pytest.raises(ConnectionBroken, match="does not let crossdock in") as caught:
        pull(shop)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"secret": ""}, "login"),
        ({"auth_method": "oauth1"}, "oauth1"),
        ({"options": {"order_types": ["Aggregate", "Seller"]}}, "order_types"),
        ({"options": {"order_types": ["Draft"]}}, "order_types"),
        ({"options": {"custom_fields": ["a } evil {"]}}, "custom_fields"),
        ({"options": {"sweep_days": 366}}, "sweep_days"),
    ],
)
def test_settings_that_cannot_be_used_are_named(settings, told):
    with pytest.raises(ConnectionBroken, match=told):
        connect("https://shop.example", **settings)


def test_an_address_that_is_no_vendure_says_what_to_set(served):
    with pytest.raises(ConnectionBroken, match="api_path"):
        pull(connect(served[0].url, {"api_path": "api/admin"}))


def test_the_address_may_have_the_path_of_the_api(served, people):
    people.sell()
    assert pull(connect(f"{served[0].url}/admin-api/"))[0]


def test_an_id_that_is_none_is_refused_before_it_is_sent(shop):
    with capture() as exchanges, pytest.raises(RecordRejected, match="no Vendure order id"):
        shop.fetch_orders(['1"}) { id } }'])
    assert exchanges == []


# Fulfilments


def test_more_pieces_than_are_left_are_refused(shop, people):
    order = people.sell([(SIEVE, 2)])
    shop.create_fulfilment(order["id"], fulfilment(order, 2))
    with pytest.raises(RecordRejected, match="already part of a Fulfillment") as caught:
        shop.create_fulfilment(order["id"], fulfilment(order, 1))
    assert caught.value.code == "ITEMS_ALREADY_FULFILLED_ERROR"
    assert len(shop.list_fulfilments(order["id"])) == 1


def test_a_parcel_that_was_left_half_way_is_brought_on(served, shop, people):
    order = people.sell([(SIEVE, 2)])
    served[0].plan.add(kind="reset", body_contains="mutation MoveFulfilment(")
    with pytest.raises(OutcomeUnknown):
        shop.create_fulfilment(order["id"], fulfilment(order, 2))
    [standing] = shop.list_fulfilments(order["id"])
    assert standing["state"] == "Pending"
    assert FACETS.fulfilment_key(standing) == "", "nobody has been told yet"
    assert shop.create_fulfilment(order["id"], fulfilment(order, 2))["state"] == "Shipped"
    assert [row["state"] for row in shop.list_fulfilments(order["id"])] == ["Shipped"]
    assert order["state"] == "Shipped"


def test_a_corrected_parcel_gives_its_stock_back_and_takes_it_once(shop, people):
    order = people.sell([(SIEVE, 3)])
    made = shop.create_fulfilment(order["id"], fulfilment(order))
    level = people.variants[order["lines"][0]["productVariant"]["id"]]["stockLevels"][0]
    before = dict(level)
    shop.update_fulfilment(order["id"], made["id"], fulfilment(order, tracking="T-2"))
    assert level == before
    assert [row["trackingCode"] for row in shop.list_fulfilments(order["id"])] == ["T-2"]


def test_a_state_that_the_process_does_not_lead_to_is_refused_in_the_shops_words(shop, people):
    order = people.sell()
    with pytest.raises(RecordRejected, match='from "PaymentSettled" to "Delivered"'):
        shop.update_order(order["id"], {"state": "Delivered"})


def test_a_cancellation_gives_the_pieces_back_into_stock_and_moves_no_money(shop, people):
    order = people.sell([(SIEVE, 3)])
    level = people.variants[order["lines"][0]["productVariant"]["id"]]["stockLevels"][0]
    assert level["stockAllocated"] == 3
    envelope = shop.update_order(order["id"], FACETS.state("Cancelled"))
    assert (envelope.payload["state"], level["stockAllocated"]) == ("Cancelled", 0)
    assert order["payments"][0]["refunds"] == []
    with capture() as exchanges:
        shop.update_order(order["id"], FACETS.state("Cancelled"))
    assert len(exchanges) == 1, "it is so"


# Refunds


def give_back(amount="1.00", **changes):
    return {"amount": amount, "reason": "R Ref. K", "payout": True, "lines": []} | changes


def test_money_is_given_back_from_a_payment_that_has_enough_of_it_left(shop, people):
    order = people.sell([(POT, 1)])
    small = order["payments"][0] | {"id": "77", "amount": 50, "refunds": []}
    order["payments"].insert(0, small)
    made = shop.create_refund(order["id"], give_back())
    assert (made["paymentId"], made["total"]) == (order["payments"][1]["id"], 100)
    with pytest.raises(RecordRejected, match="left to give back"):
        shop.create_refund(order["id"], give_back("9999.00"))


def test_a_refund_without_its_money_cannot_be_written_down(shop, people):
    order = people.sell()
    with pytest.raises(RecordRejected, match="payout"):
        shop.create_refund(order["id"], give_back(payout=False))


def test_the_proofs_list_has_settled_refunds_of_the_window(shop, people):
    order = people.sell([(POT, 1)])
    payment = order["payments"][0]["id"]
    people.give_back({"paymentId": payment, "lines": [], "amount": 100}, "Settled")
    people.give_back({"paymentId": payment, "lines": [], "amount": 200}, "Pending")
    now, hour = dt.datetime.now(dt.UTC), dt.timedelta(hours=1)
    [found] = shop.list_refunds(now - hour, now + hour)
    assert (found.of, found.amount, found.currency) == (order["id"], Decimal("1.00"), "EUR")
    assert list(shop.list_refunds(now + hour, now + 2 * hour)) == []


# Stock


def test_what_is_allocated_is_added_to_what_is_to_be_sold(shop, people):
    people.sell([(SIEVE, 5)])
    [article] = shop.find_stock([SIEVE])[SIEVE]
    level = people.variants[article.external_id]["stockLevels"][0]
    assert article.quantity == level["stockOnHand"] - 5
    people.sell([(SIEVE, 2)])
    [result] = shop.write_stock([StockWrite(article=article, quantity=Decimal(10))])
    assert result.quantity == 10
    assert (level["stockOnHand"], level["stockAllocated"]) == (17, 7), "read directly before it was written"


def test_fractions_and_articles_that_are_not_counted_are_refused_before_a_call(shop, people):
    [article] = shop.find_stock([SIEVE])[SIEVE]
    [uncounted] = shop.find_stock(["GUTSCHEIN-25"])["GUTSCHEIN-25"]
    assert (uncounted.kept, uncounted.quantity) == ("none", None)
    writes = [StockWrite(article=article, quantity=Decimal("2.5")), StockWrite(article=uncounted, quantity=Decimal(1))]
    assert [result.error.code for result in shop.write_stock(writes)] == ["fraction", "not_counted"]


def test_after_a_lost_answer_no_further_batch_is_sent(served, shop, people):
    [article] = shop.find_stock([SIEVE])[SIEVE]
    served[0].plan.add(kind="commit_then_drop", body_contains="mutation SetStock(")
    results = shop.write_stock([StockWrite(article=article, quantity=Decimal(3))] * 150)
    kinds = [type(result.error) for result in results]
    assert kinds == [OutcomeUnknown] * 100 + [Transient] * 50


def test_several_stock_locations_want_one_to_be_named():
    with serve_shop(ShopSettings(locations=("Berlin", "Wien"))) as (server, app):
        with pytest.raises(ConnectionBroken, match="Berlin, Wien"):
            connect(server.url).find_stock([SIEVE])
        findings = {each.check: each for each in connect(server.url).diagnose(Circumstances())}
        assert findings["vendure.stock"].level is Level.WARN
        [article] = connect(server.url, {"stock_location": "Wien"}).find_stock([SIEVE])[SIEVE]
        assert article.quantity == app.shop.variants[article.external_id]["stockLevels"][1]["stockOnHand"]


# The doctor


def test_the_doctor_says_what_a_role_lacks_and_that_one_may_too_much():
    for permissions, level, told in (
        (("ReadOrder",), Level.WARN, "UpdateOrder"),
        (("ReadCatalog",), Level.FAIL, "ReadOrder"),
        (("SuperAdmin",), Level.WARN, "everything"),
    ):
        with serve_shop(ShopSettings(permissions=permissions)) as (server, _):
            findings = {each.check: each for each in connect(server.url).diagnose(Circumstances())}
        assert (findings["vendure.permissions"].level, told in findings["vendure.permissions"].found) == (level, True)


def test_the_doctor_says_when_a_sweep_takes_too_many_pulls(served, people, monkeypatch):
    shop = connect(served[0].url, {"sweep_pages": 1})
    monkeypatch.setattr(shop._orders, "count_placed", lambda _since: 5000)
    findings = {each.check: each for each in shop.diagnose(Circumstances())}
    assert (findings["vendure.sweep"].level, "50 pulls" in findings["vendure.sweep"].found) == (Level.WARN, True)
    off = {each.check: each for each in connect(served[0].url, {"sweep_days": 0}).diagnose(Circumstances())}
    assert off["vendure.sweep"].level is Level.WARN


def test_links_lead_to_the_dashboard():
    shop = connect("https://shop.example", {"admin_url": "https://desk.example/dashboard/"})
    assert shop.link("order", "17") == "https://desk.example/dashboard/orders/17"
    assert (shop.link("order", "../x"), shop.link("sale", "1")) == ("", "")
