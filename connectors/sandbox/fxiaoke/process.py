"""The company as a process: `crossdock sandbox fxiaoke`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence

from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.fxiaoke.app import FxiaokeApp
from connectors.sandbox.fxiaoke.company import Company, CompanySettings
from connectors.sandbox.server import Server, run_until_stopped


def run(*, port: int, orders: int, app_id: str, app_secret: str, permanent_code: str, settle_s: float) -> None:
    """Serve a company until SIGTERM; prints one JSON line `{"url", "orders", "settle_s"}` when it is ready."""
    company = Company(CompanySettings(app_id=app_id, app_secret=app_secret, permanent_code=permanent_code))
    company.sell_some(orders)
    app = FxiaokeApp(company)
    server = Server(app, port=port, name="fxiaoke", plan=FaultPlan(settle_s=settle_s), ledger=company.ledger)
    app.at(server)

    def ready(server: Server) -> None:
        sys.stdout.write(f"{json.dumps({'url': server.url, 'orders': orders, 'settle_s': settle_s})}\n")
        sys.stdout.flush()

    run_until_stopped(server, ready)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; options are `run`'s."""
    parser = argparse.ArgumentParser(
        prog="crossdock sandbox fxiaoke", description="A stateful Fxiaoke stand-in on loopback."
    )
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--orders", type=int, default=0, help="how many orders there are")
    parser.add_argument("--app-id", default="FSAID_sandbox")
    parser.add_argument("--app-secret", default="fxiaoke_secret")
    parser.add_argument("--permanent-code", default="fxiaoke_code")
    parser.add_argument("--settle-s", type=float, default=5.0, help="no effect lands later than this")
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    run(**vars(parser.parse_args(arguments)))
