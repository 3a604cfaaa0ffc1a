"""What an order costs in calls, from its checkout to its credit note: no step may ask twice for what it knows."""

from __future__ import annotations

import collections
import contextlib
import re
from urllib.parse import urlsplit

import pytest

from config.model import Depth
from connectors.kit.http import HttpClient
from tests.sync.flows.trade import CHANNEL, POT, TEA, trading

pytestmark = pytest.mark.loopback
#: Step -> calls to the ERP and to the shop. In each two lists are read that all orders share: what is new in the
#: shop, in two calls, and what has changed in the ERP, in one.
MOST = {
    "ordered and confirmed": (8, 2),
    "a part has left": (3, 6),
    "the rest has left, billed and paid": (10, 6),
    "a piece is given back": (11, 6),
    "what we wrote is heard of": (3, 4),
    "nothing has moved": (1, 2),
}


class Calls:
    """Of every connector in this process: method and path, ids left out, by port."""

    def __init__(self, monkeypatch):
        self.made = collections.Counter()
        send = HttpClient._send

        def count(client, prepared):
            address = urlsplit(prepared.url)
            self.made[address.port, prepared.method, re.sub(r"/\d+", "/N", address.path)] += 1
            return send(client, prepared)

        monkeypatch.setattr(HttpClient, "_send", count)

    @contextlib.contextmanager
    def of(self, trade, step):
        self.made.clear()
        yield
        port = urlsplit(trade.erp.url).port
        made = {key[1:]: count for key, count in self.made.items()}
        erp = sum(count for key, count in self.made.items() if key[0] == port)
        shop = self.made.total() - erp
        assert erp <= MOST[step][0], sorted(made.items())
        assert shop <= MOST[step][1], sorted(made.items())


def test_the_whole_life_of_an_order_costs_no_more_calls_than_it_must(sqlite_store, monkeypatch):
    calls = Calls(monkeypatch)
    after = {"refunds": Depth.POSTED, "payments": Depth.POSTED, "post_invoices": True}
    with trading(sqlite_store, **after) as trade:
        trade.carry()
        # Asked once by a process, at its first write.
        assert trade.systems.channel(CHANNEL).settle_s
        number = trade.buy((TEA, 3), (POT, 1))
        with calls.of(trade, "ordered and confirmed"):
            trade.carry()
        sale = trade.sale(number)
        first = {"lines": {TEA: "2"}, "tracking": [{"number": "T1", "url": ""}]}
        trade.in_erp("POST", f"shipments/{sale['shipments'][0]['id']}/send", first)
        with calls.of(trade, "a part has left"):
            trade.carry()
        trade.in_erp("POST", f"sales/{sale['id']}/send", {"tracking": [{"number": "T2", "url": ""}]})
        with calls.of(trade, "the rest has left, billed and paid"):
            trade.carry()
        line = trade.order(number)["line_items"][0]
        tax = [{"id": each["id"], "refund_total": "0.49"} for each in line["taxes"]]
        piece = {"id": line["id"], "quantity": 1, "refund_total": "7.00", "refund_tax": tax}
        back = {"amount": "7.49", "api_refund": False, "line_items": [piece]}
        trade.in_shop("POST", f"orders/{number}/refunds", back)
        with calls.of(trade, "a piece is given back"):
            trade.carry()
        with calls.of(trade, "what we wrote is heard of"):
            trade.carry()
        with calls.of(trade, "nothing has moved"):
            trade.carry()
        assert trade.item(number).state == "done", trade.causes()
