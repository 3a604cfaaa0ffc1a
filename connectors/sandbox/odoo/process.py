"""Running the stand-in: as a process of its own (`crossdock sandbox odoo`), or inside a test."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.odoo.app import OdooApp
from connectors.sandbox.odoo.database import Database
from connectors.sandbox.odoo.people import add_people_routes
from connectors.sandbox.odoo.setting_up import set_up
from connectors.sandbox.server import Server, run_until_stopped, running

#: Opens every stand-in that was given no key of its own; it has nothing to protect.
DEFAULT_API_KEY: Final = "odoo-sandbox-key"
#: From this version on a confirmed order is cancelled without a question.
_ASKS_UNTIL: Final = 19


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OdooOptions:
    """How one stand-in behaves."""

    database: str = "odoo"
    login: str = "integration"
    api_key: str = DEFAULT_API_KEY
    #: 17 and 18 speak JSON-RPC alone and call some fields otherwise.
    version: int = 19
    #: Articles of the catalogue that it knows.
    articles: int = 60
    #: As Odoo 19 is set up: each tax is rounded once over the whole document.
    tax_rounding: str = "round_globally"
    #: An automation of its people prints each invoice that is posted.
    prints: bool = False
    latency_ms: float = 0.0
    #: No effect lands later than this after its request.
    settle_s: float = 5.0


@dataclasses.dataclass(frozen=True, slots=True)
class RunningOdoo:
    """A stand-in inside this process."""

    server: Server
    app: OdooApp
    options: OdooOptions

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return self.server.url

    @property
    def plan(self) -> FaultPlan:
        """The scripted faults."""
        return self.server.plan

    @property
    def db(self) -> Database:
        """Its records; whoever looks holds `app.lock`, or is alone."""
        return self.app.db


def _build(options: OdooOptions, port: int) -> RunningOdoo:
    ledger = Ledger()
    db = Database(ledger)
    db.prints = options.prints
    db.asks_before_cancel = options.version < _ASKS_UNTIL
    set_up(db, articles=options.articles, tax_rounding=options.tax_rounding)
    app = OdooApp(
        db,
        database=options.database,
        api_key=options.api_key,
        login=options.login,
        version=options.version,
        latency_s=options.latency_ms / 1000,
    )
    server = Server(app, port=port, name="odoo", plan=FaultPlan(settle_s=options.settle_s), ledger=ledger)
    add_people_routes(server.control, app)
    return RunningOdoo(server, app, options)


@contextlib.contextmanager
def running_odoo(options: OdooOptions | None = None, *, port: int = 0) -> Iterator[RunningOdoo]:
    """A stand-in in threads of this process, on 127.0.0.1."""
    odoo = _build(options or OdooOptions(), port)
    with running(odoo.server):
        yield odoo


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options and serve until SIGTERM; one JSON line on stdout says where."""
    defaults = OdooOptions()
    parser = argparse.ArgumentParser(prog="crossdock sandbox odoo", description="A stateful Odoo stand-in on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--database", default=defaults.database)
    parser.add_argument("--login", default=defaults.login)
    parser.add_argument("--api-key", default=defaults.api_key)
    parser.add_argument(
        "--version", type=int, choices=(17, 18, 19), default=defaults.version, help="before 19: JSON-RPC"
    )
    parser.add_argument("--articles", type=int, default=1000, help="how many of the catalogue it knows")
    parser.add_argument("--latency-ms", type=float, default=20.0)
    parser.add_argument("--settle-s", type=float, default=defaults.settle_s, help="no effect lands later than this")
    parser.add_argument("--prints", action="store_true", help="an invoice that is posted has its PDF at once")
    given = vars(parser.parse_args(arguments))
    port = given.pop("port")
    odoo = _build(OdooOptions(**given), port)

    def ready(server: Server) -> None:
        line = {"url": server.url, "database": odoo.options.database, "settle_s": odoo.options.settle_s}
        sys.stdout.write(f"{json.dumps(line)}\n")
        sys.stdout.flush()

    run_until_stopped(odoo.server, ready)
