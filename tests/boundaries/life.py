"""An order in the middle of its life: it has left, it was refunded in part, and Crossdock has yet to carry all of it.

One drain then makes the credit note, posts both documents, registers the payment, tells the shop of the parcel and
marks the order. Shop and ERP both run; each is judged by its own ledger.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.request import Request, urlopen

from config.model import AfterImport, Auth, Connection, Depth, DocumentState, Secret
from connectors.sandbox.erp import running_erp
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.audit import Told, check_told
from connectors.sandbox.woocommerce.settings import ShopSettings
from sync.flows.facets.follow import follow
from sync.flows.pull import pull
from sync.store.engine import Store
from sync.store.migrate import migrate
from tests.boundaries import forks
from tests.boundaries.cases import DEADLINE_S, PROMPT_SETTLE_S, Case
from tests.sync.flows.shop import PLACED
from tests.sync.flows.trade import CHANNEL, KEY, TEA, Trade

#: In the driver's folder.
DATABASE, BOOKS, SHOP, FACTS = "life.sqlite", "life-erp.jsonl", "life-shop.jsonl", "life.json"
AFTER = AfterImport(refunds=Depth.POSTED, payments=Depth.POSTED, post_invoices=True)
TRACKING = "T1"


@dataclasses.dataclass(frozen=True)
class Facts:
    """What must stand at the end; amounts as text."""

    number: int
    total: str
    refunds: dict[str, str]
    payments: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> Facts:
        return cls(**json.loads((folder / FACTS).read_text()))


def prepare(folder: Path) -> None:
    """Both ledgers, the database and what must come of them; in a process of its own, for it has threads."""
    store = Store.open(f"sqlite:///{folder / DATABASE}")
    migrate(store)
    settings = dataclasses.replace(ShopSettings(), keys=(KEY,))
    with (
        running_erp(ledger=folder / BOOKS) as erp,
        Ledger(folder / SHOP) as ledger,
        serve_shop(settings, ledger=ledger) as (server, app),
    ):
        fields = {field.name: getattr(AFTER, field.name) for field in dataclasses.fields(AFTER)}
        trade = Trade(store, server, app, erp, DocumentState.CONFIRMED, **fields)
        (folder / FACTS).write_text(json.dumps(dataclasses.asdict(_live(trade))))
        trade.close()
    store.close()


def _live(trade: Trade) -> Facts:
    number = trade.buy((TEA, 3))
    trade.carry()
    trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {"tracking": [{"number": TRACKING, "url": ""}]})
    line = trade.order(number)["line_items"][0]
    tax = [{"id": each["id"], "refund_total": "0.49"} for each in line["taxes"]]
    piece = {"id": line["id"], "quantity": 1, "refund_total": "7.00", "refund_tax": tax}
    refund = trade.in_shop(
        "POST", f"orders/{number}/refunds", {"amount": "7.49", "api_refund": False, "line_items": [piece]}
    )
    # Both sides are looked at, and nothing is carried yet.
    since = PLACED.replace(year=2020)
    pull(trade.store, trade.systems.connector("shop"), "shop", [CHANNEL], since=since)
    follow(trade.store, trade.systems.connector("erp"), "erp", since=since)
    systems = trade.systems.channel(CHANNEL)
    shown = trade.order(number)
    order = systems.source_mapping.order(shown, systems.source_options)
    [payment] = order.payments
    facets, options = systems.erp_facets, systems.target_options
    return Facts(
        number=int(number),
        total=shown["total"],
        refunds={facets.refund_key(number, str(refund["id"]), options): "7.49"},
        payments={facets.payment_reference(order, payment, options): f"{payment.amount.amount:f}"},
    )


class Shop:
    """The shop of a life as a process of its own, judged by its ledger alone."""

    def __init__(self, case: Case, prepared: Path, folder: Path):
        self._case, self._facts = case, Facts.read(prepared)
        self._ledger = Path(shutil.copy(prepared / SHOP, folder / "shop.jsonl"))
        self._url = ""

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        with forks.sandbox_shop(self._ledger, KEY.key, KEY.secret) as line:
            self._url = json.loads(line)["url"]
            for fault in self._case.shop_faults:
                body = json.dumps(fault).encode()
                with urlopen(Request(f"{self._url}/_sandbox/faults", data=body)):
                    pass
            yield

    def connection(self) -> Connection:
        return Connection(
            name="shop",
            system="woocommerce",
            url=self._url,
            auth=Auth(method="oauth1", key=Secret(KEY.key), secret=Secret(KEY.secret)),
            deadline_s=DEADLINE_S,
            settle_s=PROMPT_SETTLE_S,
            allow_hosts=("127.0.0.1",),
        )

    def faults(self) -> list[str]:
        """Each parcel told once, invoice and credit note shown once each, the order completed."""
        told = Told(parcels=frozenset({TRACKING}), invoices=2, status="completed")
        return check_told(self._ledger, {str(self._facts.number): told})


def amounts(texts: dict[str, str]) -> dict[str, Decimal]:
    return {key: Decimal(text) for key, text in texts.items()}
