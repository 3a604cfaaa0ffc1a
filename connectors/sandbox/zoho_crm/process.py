"""The organisation as a process: `crossdock sandbox zoho_crm`."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence

from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.server import Server, run_until_stopped
from connectors.sandbox.zoho_crm.app import ZohoCrmApp
from connectors.sandbox.zoho_crm.organisation import Organisation, OrganisationSettings


def run(*, port: int, orders: int, zone: str, settle_s: float) -> None:
    """Serve an organisation until SIGTERM; prints one JSON line `{"url", "orders", "settle_s"}` when it is ready."""
    ledger = Ledger()
    organisation = Organisation(OrganisationSettings(zone_name=zone), ledger=ledger)
    for _ in range(orders):
        organisation.sell()
    app = ZohoCrmApp(organisation)
    server = Server(app, port=port, name="zoho_crm", plan=FaultPlan(settle_s=settle_s), ledger=ledger)
    app.at(server)

    def ready(server: Server) -> None:
        line = {"url": server.url, "orders": orders, "settle_s": settle_s}
        sys.stdout.write(f"{json.dumps(line)}\n")
        sys.stdout.flush()

    run_until_stopped(server, ready)
    app.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; options are `run`'s."""
    parser = argparse.ArgumentParser(
        prog="crossdock sandbox zoho_crm", description="A stateful Zoho CRM stand-in on loopback."
    )
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--orders", type=int, default=0, help="how many sales orders there are")
    parser.add_argument("--zone", default="Europe/Berlin")
    parser.add_argument("--settle-s", type=float, default=5.0, help="no effect lands later than this")
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    run(**vars(parser.parse_args(arguments)))
