"""Lists of the sandbox shop: paging, filters, and the recorded traps of its times."""

from __future__ import annotations

import pytest

from connectors.sandbox.woocommerce.generator import Generator
from tests.connectors.sandbox.woocommerce_client import at, make_client


@pytest.fixture
def client():
    made = make_client()
    for second in (55, 56, 56, 57):
        number = made.order(status="processing")["id"]
        at(made, f"2026-11-21T23:01:{second}", number)
    yield made
    made.app.deliveries.close()


def walk(client, **query):
    return client.ids(orderby="modified", order="asc", **query)


def test_modified_after_leaves_out_its_own_second(client):
    ids = walk(client)

    assert walk(client, modified_after="2026-11-21T23:01:56", dates_are_gmt="true") == ids[3:]
    assert walk(client, modified_after="2026-11-21T23:01:55", dates_are_gmt="true") == ids[1:]


def test_without_the_flag_a_naive_time_is_the_sites_own(client):
    ids = walk(client)

    assert walk(client, modified_after="2026-11-22T00:01:56") == ids[3:]
    assert walk(client, modified_after="2026-11-21T23:01:56") == ids


@pytest.mark.parametrize("value", ["2026-11-21T23:01:56Z", "2026-11-21T23:01:56+00:00", "2026-11-22T00:01:56+01:00"])
def test_a_time_with_a_zone_is_right_without_the_flag_and_shifted_with_it(client, value):
    ids = walk(client)

    assert walk(client, modified_after=value) == ids[3:]
    assert walk(client, modified_after=value, dates_are_gmt="true") == []


def test_west_of_utc_a_naive_gmt_time_loses_orders_silently():
    client = make_client(zone_name="America/New_York")
    number = client.order()["id"]
    at(client, "2026-11-21T23:01:56", number)

    assert walk(client, modified_after="2026-11-21T20:00:00", dates_are_gmt="true") == [number]
    assert walk(client, modified_after="2026-11-21T20:00:00") == []
    client.app.deliveries.close()


@pytest.mark.parametrize("value", ["2026-11-21", "yesterday", "2026-11-21T23:01:56 00:00"])
def test_no_time_is_refused(client, value):
    status, body, _headers = client.call("GET", "orders", modified_after=value)

    assert (status, body["code"], body["data"]["params"]) == (
        400,
        "rest_invalid_param",
        {"modified_after": "Invalid date."},
    )


def test_pages_count_and_link(client):
    status, body, headers = client.call("GET", "orders", per_page=2, page=1)
    assert (status, len(body), headers["X-WP-Total"], headers["X-WP-TotalPages"]) == (200, 2, "4", "2")
    assert 'page=2>; rel="next"' in headers["Link"].replace("&status%5B0%5D=any&dp=2&context=view", "")

    status, body, headers = client.call("GET", "orders", per_page=2, page=9)
    assert (status, body, headers["X-WP-Total"]) == (200, [], "0")


@pytest.mark.parametrize(
    ("name", "value"), [("per_page", 101), ("per_page", 0), ("page", 0), ("orderby", "total"), ("status", "shipped")]
)
def test_a_parameter_out_of_its_range_is_named(client, name, value):
    status, body, _headers = client.call("GET", "orders", **{name: value})

    assert (status, body["code"], list(body["data"]["params"])) == (400, "rest_invalid_param", [name])


def test_any_leaves_out_the_trash(client):
    first, *rest = walk(client)
    client.call("DELETE", f"orders/{first}")

    assert sorted(client.ids()) == rest
    assert client.ids(status="trash") == [first]
    assert client.get(f"orders/{first}")["status"] == "trash"


def test_a_forced_deletion_leaves_nothing(client):
    first, *rest = walk(client)
    client.call("DELETE", f"orders/{first}", force="true")

    assert client.ids(status="any") == sorted(rest, reverse=True)
    status, body, _headers = client.call("GET", f"orders/{first}")
    assert (status, body["code"]) == (404, "woocommerce_rest_shop_order_invalid_id")


def test_include_exclude_offset_and_statuses(client):
    ids = sorted(walk(client))
    client.put(f"orders/{ids[0]}", {"status": "on-hold"})

    assert client.ids(include=f"{ids[2]},{ids[0]}", orderby="include") == [ids[2], ids[0]]
    assert client.ids(exclude=str(ids[1]), orderby="id", order="asc") == [ids[0], *ids[2:]]
    assert client.ids(orderby="id", order="asc", offset=3) == ids[3:]
    assert client.ids(status="on-hold,pending") == [ids[0]]


def test_fields_keep_the_orders_own_sequence(client):
    [first, *_] = client.get("orders", _fields="total,id,status")

    assert list(first) == ["id", "status", "total"]


def test_dp_shows_what_is_kept(client):
    number = walk(client)[0]

    assert client.get(f"orders/{number}", dp=6)["line_items"][0]["total"] == "2.798319"
    assert client.get(f"orders/{number}")["line_items"][0]["total"] == "2.80"


def test_pages_of_a_live_set_lose_orders_and_a_keyset_walk_does_not():
    client = make_client()
    Generator(client.shop, seed=4).backlog(60, days=5)
    everything = {row.id for row in client.shop.orders.values() if row.status != "trash"}

    seen: set[int] = set()
    for page in (1, 2, 3, 4, 5):
        found = walk(client, per_page=15, page=page, dates_are_gmt="true", modified_after="2000-01-01T00:00:00")
        seen.update(found)
        if page == 1:
            for number in found[:3]:
                client.put(f"orders/{number}", {})
    assert seen < everything

    seen, after = set(), "2000-01-01T00:00:00"
    while True:
        found = client.get(
            "orders", per_page=15, orderby="modified", order="asc", modified_after=after, dates_are_gmt="true"
        )
        if {order["id"] for order in found} <= seen:
            break
        seen.update(order["id"] for order in found)
        after = found[-1]["date_modified_gmt"]
    assert seen == everything
    client.app.deliveries.close()
