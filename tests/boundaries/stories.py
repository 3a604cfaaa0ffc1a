"""What a run may be about where more is at stake than new orders: prepared once, copied for each run."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import ClassVar, Self
from urllib.request import Request, urlopen

from config.model import AfterImport, Auth, Connection, DocumentState, Routing, Secret, StockPolicy
from connectors.sandbox.erp import running_erp
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.settings import ShopSettings
from sync.rules.systems import Systems
from sync.store.engine import Store
from sync.store.migrate import migrate
from sync.work.drain import drain_channel
from tests.boundaries import forks
from tests.boundaries.cases import DEADLINE_S, PROMPT_SETTLE_S, Case
from tests.boundaries.erps import Sandbox
from tests.sync.flows.trade import CHANNEL, KEY, Trade


@dataclasses.dataclass(frozen=True)
class Story:
    """One of them, with what must stand at its end. All of it is JSON: amounts are text."""

    name: ClassVar[str]
    after: ClassVar[AfterImport] = AfterImport()
    stock: ClassVar[StockPolicy] = StockPolicy()
    routing: ClassVar[Routing] = Routing()
    #: How far sales are brought while it is prepared.
    prepared_as: ClassVar[DocumentState] = DocumentState.CONFIRMED

    #: Order of the shop -> total of its sale in the ERP.
    orders: dict[str, str]

    # --- files in the driver's folder ---------------------------------------------------------------------------

    @classmethod
    def database(cls, folder: Path) -> Path:
        return folder / f"{cls.name}.sqlite"

    @classmethod
    def books(cls, folder: Path) -> Path:
        return folder / f"{cls.name}-erp.jsonl"

    @classmethod
    def shop(cls, folder: Path) -> Path:
        return folder / f"{cls.name}-shop.jsonl"

    @classmethod
    def told(cls, folder: Path) -> Path:
        return folder / f"{cls.name}.json"

    @classmethod
    def read(cls, folder: Path) -> Self:
        return cls(**json.loads(cls.told(folder).read_text()))

    # --- before, while and after a worker dies ------------------------------------------------------------------

    @classmethod
    def live(cls, trade: Trade) -> Self:
        """What comes before; answers what must come of it."""
        raise NotImplementedError

    def be_struck(self, store: Store, made: Systems) -> None:
        """The work that is struck at a boundary."""
        drain_channel(store, made.channel(CHANNEL), "order", ring=nobody)

    def go_on(self, store: Store, made: Systems) -> None:
        """What is looked at beside orders by whoever comes after it."""

    def is_settled(self, store: Store) -> bool:
        """Whether nothing more is to come of it, once no work is due."""
        return True

    def sales(self) -> dict[str, str]:
        """Id under which a sale in the ERP is known -> its total."""
        return self.orders

    def faults(self, erp: Sandbox, shop: Path) -> list[str]:
        """What is wrong in the end by both systems' own ledgers."""
        raise NotImplementedError


def prepare(story: type[Story], folder: Path) -> None:
    """Both ledgers, the database and what must come of them; in a process of its own, for it has threads."""
    store = Store.open(f"sqlite:///{story.database(folder)}")
    migrate(store)
    settings = dataclasses.replace(ShopSettings(), keys=(KEY,))
    with (
        running_erp(ledger=story.books(folder)) as erp,
        Ledger(story.shop(folder)) as ledger,
        serve_shop(settings, ledger=ledger) as (server, app),
    ):
        fields = {field.name: getattr(story.after, field.name) for field in dataclasses.fields(story.after)}
        trade = Trade(store, server, app, erp, story.prepared_as, stock=story.stock, **fields)
        story.told(folder).write_text(json.dumps(dataclasses.asdict(story.live(trade))))
        trade.close()
    store.close()


class Shop:
    """The shop of a story as a process of its own, judged by its ledger alone."""

    def __init__(self, case: Case, prepared: Path, folder: Path):
        self._case = case
        self.ledger = Path(shutil.copy(prepared, folder / "shop.jsonl"))
        self._url = ""

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        with forks.sandbox_shop(self.ledger, KEY.key, KEY.secret) as line:
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


def amounts(texts: Mapping[str, str]) -> dict[str, Decimal]:
    return {key: Decimal(text) for key, text in texts.items()}


def nobody(_channel: str, _kind: str) -> None:
    """There is no bell here: what is due is looked for."""
