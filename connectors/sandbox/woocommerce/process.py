"""The shop as a process: `python -m connectors.sandbox.woocommerce`, and `crossdock sandbox woocommerce`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from connectors.sandbox.catalogue import catalogue
from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.server import Server, run_until_stopped
from connectors.sandbox.woocommerce.app import WooCommerce
from connectors.sandbox.woocommerce.deliveries import Behaviour
from connectors.sandbox.woocommerce.generator import PLANTS, VARIETIES, Generator
from connectors.sandbox.woocommerce.products import add_catalogue
from connectors.sandbox.woocommerce.settings import ApiKey, ShopSettings
from connectors.sandbox.woocommerce.shop import Shop

DEFAULT_KEY = "ck_sandbox"
DEFAULT_SECRET = "cs_sandbox"  # noqa: S105 - a stand-in on loopback


def run(
    *,
    port: int = 0,
    orders: int = 0,
    seed: int = 0,
    days: float = 30.0,
    variety: str = "full",
    skus: int = 60,
    key: str = DEFAULT_KEY,
    secret: str = DEFAULT_SECRET,
    readonly_key: str = "",
    webhook_url: str = "",
    webhook_secret: str = "",
    plants: Sequence[str] = (),
    zone: str = "Europe/Berlin",
    settle_s: float = 5.0,
    delay_s: float = 0.2,
    state_file: Path | None = None,
    deliveries_file: Path | None = None,
    duplicate: float = 0.0,
    reorder: float = 0.0,
    late: float = 0.0,
    drop: float = 0.0,
    runners: int = 1,
) -> None:
    """Serve a shop until SIGTERM; prints one JSON line `{"url", "orders", "settle_s"}` when it is ready.

    With a `state_file` that has content the shop stands again as it was and nothing is generated.
    """
    keys = [ApiKey(key, secret)]
    if readonly_key:
        keys.append(ApiKey(readonly_key, secret, "read"))
    ledger = Ledger(state_file)
    shop = Shop(ShopSettings(keys=tuple(keys), zone_name=zone), ledger=ledger)
    if ledger.count:
        shop.restore()
    else:
        _stock_up(shop, skus=skus, orders=orders, seed=seed, days=days, variety=variety, plants=plants)
    behaviour = Behaviour(
        delay_s=delay_s, seed=seed, duplicate=duplicate, reorder=reorder, late=late, drop=drop, runners=runners
    )
    app = WooCommerce(shop, behaviour=behaviour, record=deliveries_file)
    server = Server(app, port=port, name="woocommerce", plan=FaultPlan(settle_s=settle_s), ledger=ledger)
    app.at(server)
    if webhook_url and not shop.webhooks:
        app.subscribe(webhook_url, webhook_secret)

    def ready(server: Server) -> None:
        line = {"url": server.url, "orders": len(shop.orders), "settle_s": settle_s}
        sys.stdout.write(f"{json.dumps(line)}\n")
        sys.stdout.flush()

    run_until_stopped(server, ready)
    app.deliveries.close()


def _stock_up(
    shop: Shop, *, skus: int, orders: int, seed: int, days: float, variety: str, plants: Sequence[str]
) -> None:
    add_catalogue(shop, catalogue(skus))
    generator = Generator(shop, seed=seed, variety=VARIETIES[variety])
    generator.backlog(orders, days=days)
    for plant in plants:
        generator.plant(plant)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; options are `run`'s."""
    parser = argparse.ArgumentParser(
        prog="crossdock sandbox woocommerce", description="A stateful WooCommerce stand-in on loopback."
    )
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--orders", type=int, default=0, help="how many past orders there are")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--days", type=float, default=30.0, help="over how many days they were placed")
    parser.add_argument("--variety", choices=sorted(VARIETIES), default="full")
    parser.add_argument("--skus", type=int, default=60, help="size of the catalogue")
    parser.add_argument("--key", default=DEFAULT_KEY)
    parser.add_argument("--secret", default=DEFAULT_SECRET)
    parser.add_argument("--readonly-key", default="", help="a second key with the same secret that may only read")
    parser.add_argument("--webhook-url", default="", help="subscribe this address to all order topics at the start")
    parser.add_argument("--webhook-secret", default="")
    parser.add_argument("--plants", nargs="*", choices=PLANTS, default=())
    parser.add_argument("--zone", default="Europe/Berlin")
    parser.add_argument("--settle-s", type=float, default=5.0, help="no effect lands later than this")
    parser.add_argument("--delay-s", type=float, default=0.2, help="how long webhooks wait in the queue")
    parser.add_argument("--state-file", type=Path, default=None, help="ledger from which the shop is rebuilt")
    parser.add_argument("--deliveries-file", type=Path, default=None, help="every webhook that was tried, a line each")
    for name in ("duplicate", "reorder", "late", "drop"):
        parser.add_argument(f"--{name}", type=float, default=0.0, help="how likely this befalls a webhook, 0 to 1")
    parser.add_argument("--runners", type=int, default=1, help="how many webhooks are sent at once")
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    run(**vars(parser.parse_args(arguments)))
