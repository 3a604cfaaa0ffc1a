"""Running the sandbox ERP: as a process of its own, or inside a test."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import orjson

from connectors.sandbox.erp.app import ErpApp
from connectors.sandbox.erp.books import Books
from connectors.sandbox.erp.core import WAREHOUSES, Rules
from connectors.sandbox.erp.documents import Product
from connectors.sandbox.erp.people import add_people_routes
from connectors.sandbox.erp.products import CATALOGUE_SIZE, default_products
from connectors.sandbox.erp.spoil import add_spoil_routes
from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.server import Server, run_until_stopped, running

#: Opens every sandbox ERP that was not given a key of its own; a stand-in has nothing to protect.
DEFAULT_API_KEY: Final = "sandbox-erp-key"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ErpOptions:
    """How one sandbox ERP behaves. Times are in the unit that the name says."""

    #: Keys of sales and refunds and codes of parties are unique.
    enforce_key: bool = True
    #: References of payments are unique; most ERPs take one twice.
    enforce_reference: bool = False
    #: A refund takes goods that have not left out of what waits; else their return is announced beside their shipment.
    takes_out_refunded: bool = True
    #: A confirmation checks the state before its latency, not after: parallel ones each make an invoice, and invoices
    #: that are posted in parallel share a number.
    racy_confirm: bool = False
    #: Codes; the first one has the goods on the day of its set-up.
    warehouses: tuple[str, ...] = WAREHOUSES
    #: The fields of its own that a sale has, all of which begin with `x_`; None: it takes any.
    custom_fields: frozenset[str] | None = None
    #: Spent on every request between decision and commit.
    latency_ms: float = 0.0
    #: Requests worked on at once; None means any number.
    concurrency: int | None = None
    #: Declared in `/_sandbox/info`: no effect lands later than this after its request.
    settle_s: float = 5.0
    api_key: str = DEFAULT_API_KEY
    #: Currency -> decimals, over the ERP's own.
    currency_digits: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class RunningErp:
    """A sandbox ERP inside this process: its address, its ledger, its knobs."""

    server: Server
    app: ErpApp
    books: Books
    ledger_path: Path | None
    options: ErpOptions

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return self.server.url

    @property
    def plan(self) -> FaultPlan:
        """The scripted faults: `erp.plan.add(kind="commit_then_drop", method="POST", path="/api/sales")`."""
        return self.server.plan


def _build(options: ErpOptions, ledger: Path | None, products: Iterable[Product] | None, port: int) -> RunningErp:
    book = Ledger(ledger)
    books = Books(
        book,
        default_products() if products is None else products,
        Rules(
            enforce_key=options.enforce_key,
            enforce_reference=options.enforce_reference,
            racy=options.racy_confirm,
            takes_out=options.takes_out_refunded,
            currency_digits=options.currency_digits,
            warehouses=options.warehouses,
            custom_fields=options.custom_fields,
        ),
    )
    app = ErpApp(
        books,
        api_key=options.api_key,
        latency_s=options.latency_ms / 1000,
        concurrency=options.concurrency,
        settle_s=options.settle_s,
    )
    plan = FaultPlan(settle_s=options.settle_s)
    server = Server(app, port=port, name="sandbox-erp", plan=plan, ledger=book, decide=app.decide)
    add_people_routes(server.control, books)
    add_spoil_routes(server.control, books)
    return RunningErp(server, app, books, ledger, options)


@contextlib.contextmanager
def running_erp(
    *,
    options: ErpOptions | None = None,
    ledger: Path | None = None,
    products: Iterable[Product] | None = None,
    port: int = 0,
) -> Iterator[RunningErp]:
    """A sandbox ERP in threads of this process, on 127.0.0.1; where `ledger` exists it goes on from there."""
    erp = _build(options or ErpOptions(), ledger, products, port)
    with erp.server.ledger, running(erp.server):
        yield erp


def run(
    *, port: int = 0, ledger: Path | None = None, options: ErpOptions | None = None, articles: int = CATALOGUE_SIZE
) -> None:
    """Serve until SIGTERM or SIGINT; one JSON line on stdout says where: `{"name", "url", "pid", ...}`."""
    erp = _build(options or ErpOptions(), ledger, default_products(articles), port)

    def ready(server: Server) -> None:
        line = {"name": server.name, "url": server.url, "settle_s": server.plan.settle_s, "ledger": str(ledger or "")}
        sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
        sys.stdout.flush()

    with erp.server.ledger:
        run_until_stopped(erp.server, ready)
