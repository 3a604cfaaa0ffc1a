"""A shop whose clock was wrong and is put right: what happens there now says to be older than what happened before."""

from __future__ import annotations

import pytest
import requests

from sync.store.marking import mark
from tests.sync.flows.trade import CHANNEL, TEA, trading

pytestmark = pytest.mark.loopback


@pytest.mark.fault("D5")
@pytest.mark.parametrize("ahead_s", [30.0, 600.0])
def test_what_happens_after_the_clock_was_put_right_is_carried_at_once(store, ahead_s):
    with trading(store) as trade:
        trade.shop.shop.clock_offset_s = ahead_s
        number = trade.buy((TEA, 3))
        trade.carry()
        trade.shop.shop.clock_offset_s = 0.0
        requests.post(f"{trade.shop_url}/_sandbox/orders/{number}/cancel", timeout=5).raise_for_status()
        other = trade.buy((TEA, 1))
        trade.carry()
        assert (trade.item(number).state, trade.item(other).state) == ("skipped", "done")
        # What is pulled again and again because of the overlap is no news.
        trade.carry()
        assert trade.drain() == 0


@pytest.mark.fault("D5")
def test_what_was_fetched_is_not_forgotten_for_a_payload_that_says_to_be_newer(store):
    with trading(store) as trade:
        trade.shop.shop.clock_offset_s = 600.0
        number = trade.buy((TEA, 3))
        trade.carry()
        sale = trade.sale_id(number)
        trade.shop.shop.clock_offset_s = 0.0
        requests.post(f"{trade.shop_url}/_sandbox/orders/{number}/cancel", timeout=5).raise_for_status()
        # The nightly comparison finds that something is amiss, and has the order fetched.
        trade.mark_again(number)
        trade.drain()
        assert trade.in_erp("GET", f"sales/{sale}")["state"] == "cancelled"
        # Then the ERP tells of our own write, and nobody asks for a fetch.
        store.write(lambda c: mark(c, CHANNEL, "order", [number], facet="target"))
        trade.drain()
        assert (trade.item(number).state, trade.causes()) == ("skipped", {})
