"""The shop as a process: `crossdock sandbox vendure`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence

from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.server import Server, run_until_stopped
from connectors.sandbox.vendure.app import VendureApp
from connectors.sandbox.vendure.shop import Shop, ShopSettings


def run(*, port: int, orders: int, api_key: str, settle_s: float) -> None:
    """Serve a shop until SIGTERM; prints one JSON line `{"url", "orders", "settle_s"}` when it is ready."""
    shop = Shop(ShopSettings(api_key=api_key))
    for _ in range(orders):
        shop.sell()
    app = VendureApp(shop)
    server = Server(app, port=port, name="vendure", plan=FaultPlan(settle_s=settle_s), ledger=shop.ledger)
    app.at(server)

    def ready(server: Server) -> None:
        line = {"url": server.url, "orders": len(shop.orders), "settle_s": settle_s}
        sys.stdout.write(f"{json.dumps(line)}\n")
        sys.stdout.flush()

    run_until_stopped(server, ready)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; options are `run`'s."""
    parser = argparse.ArgumentParser(
        prog="crossdock sandbox vendure", description="A stateful Vendure stand-in on loopback."
    )
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--orders", type=int, default=0, help="how many orders there are")
    parser.add_argument("--api-key", default="vendure_sandbox")
    parser.add_argument("--settle-s", type=float, default=5.0, help="no effect lands later than this")
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    run(**vars(parser.parse_args(arguments)))
