"""A backlog of orders for the benchmarks: what the sandbox shop makes up, and the sales that must come of it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import json
from decimal import Decimal

from connectors.kit.strict_json import loads
from connectors.sandbox.catalogue import catalogue
from connectors.sandbox.erp.products import CATALOGUE_SIZE
from connectors.sandbox.woocommerce.generator import DEMO, Generator
from connectors.sandbox.woocommerce.products import add_catalogue
from connectors.sandbox.woocommerce.render import Renderer
from connectors.sandbox.woocommerce.settings import ShopSettings
from connectors.sandbox.woocommerce.shop import Shop
from connectors.woocommerce import rows
from mappings.base import SourceOptions, TargetOptions
from mappings.registry import SOURCES
from mappings.sandbox_erp import sale_key
from sync.store.bodies import digest, dump_json, pack
from sync.store.inbox import NewEvent, record_events

#: Far more than are placed in one place at one time, so that no two of them look alike.
DAYS = 60.0
CHANNEL = "web"
#: Rows of one transaction, as a page of a shop.
_PAGE = 100


@dataclasses.dataclass(frozen=True)
class Backlog:
    """Orders as the shop's API writes them, oldest first."""

    bodies: list[bytes]

    @property
    def size(self):
        """Bytes of an order, on average."""
        return sum(map(len, self.bodies)) // len(self.bodies)

    def expected(self):
        """The sale's key -> its total: what the ERP's ledger must show in the end."""
        source, options = SOURCES["woocommerce"], TargetOptions(channel=CHANNEL)
        mapped = [source.order(loads(body), SourceOptions()) for body in self.bodies]
        return {sale_key(each.external_id, options): options.rounded(each.totals.grand) for each in mapped}

    def receive(self, store):
        """Store them as a pull does."""
        events = map(_event, self.bodies)
        while page := list(itertools.islice(events, _PAGE)):
            store.write(lambda c, page=page: record_events(c, page, {"shop": [CHANNEL]}))


def make_backlog(count, *, seed=1):
    """`count` orders of the last weeks, of many customers and articles that the sandbox ERP knows."""
    shop = Shop(ShopSettings())
    add_catalogue(shop, catalogue(CATALOGUE_SIZE))
    ids = Generator(shop, seed=seed, variety=DEMO).backlog(count, days=DAYS)
    renderer = Renderer(shop, "shop.example")
    return Backlog([renderer.order_bytes(shop.order(number), "https") for number in ids])


def _event(body):
    envelope = rows.envelope(json.loads(body, parse_float=Decimal))
    content = dump_json(envelope.payload)
    return NewEvent(
        connection="shop",
        kind="order",
        external_id=envelope.external_id,
        source="poll",
        topic="",
        version=envelope.version,
        body=pack(content),
        digest=digest(content),
        received_at=dt.datetime.now(dt.UTC),
    )
