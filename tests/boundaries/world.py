"""What a run stands on: a prepared database and the ERP's books, copied for each run; one warm engine for all."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import psycopg
from sqlalchemy import event, make_url, update

from config.model import AfterImport, Auth, Channel, Config, Connection, Policies, Routing, Secret, StockPolicy
from sync.rules.state_words import state_words
from sync.store.bodies import digest, dump_json, pack
from sync.store.channels import start_channel
from sync.store.engine import Store
from sync.store.inbox import NewEvent, record_events
from sync.store.migrate import migrate
from sync.store.tables import channel_states
from tests.boundaries.cases import Case
from tests.mappings.woocommerce_orders import woo_line, woo_order

CHANNEL = "web"
#: Every order's grand total.
TOTAL = Decimal("28.70")
#: When the first order was placed; one an hour.
PLACED = dt.datetime(2026, 11, 21, 1, tzinfo=dt.UTC)
GO_LIVE = PLACED - dt.timedelta(days=30)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One order: its number in the shop, and whose it is."""

    number: int
    customer: str
    #: Makes a customer another run's no more.
    tag: str = ""

    def payload(self) -> dict:
        placed = f"{PLACED + dt.timedelta(hours=self.number):%Y-%m-%dT%H:%M:%S}"
        order = woo_order(
            id=self.number,
            number=str(self.number),
            customer_id=0,
            date_created=placed,
            date_created_gmt=placed,
            date_modified_gmt=placed,
            date_paid_gmt=placed,
            line_items=[woo_line(sku="TASSE-ROT")],
        )
        order["billing"] = order["billing"] | {"email": self.email, "company": ""}
        return order

    @property
    def email(self) -> str:
        return f"{self.customer}{'' if self.customer == 'known' else self.tag}@example.test"


def entries(case: Case, tag: str = "") -> list[Entry]:
    return [Entry(number, customer, tag) for number, customer in enumerate(case.customers, 1)]


def config(
    folder: Path,
    erp: Connection,
    shop: Connection | None = None,
    after: AfterImport | None = None,
    stock: StockPolicy | None = None,
    *,
    routing: Routing | None = None,
) -> Config:
    # Where none runs, nobody asks the shop: what it said is stored.
    shop = shop or Connection(
        name="shop",
        system="woocommerce",
        url="http://127.0.0.1:9",
        auth=Auth(key=Secret("ck_x"), secret=Secret("cs_x")),
        # A lease is as long as the slower side's calls.
        deadline_s=erp.deadline_s,
        allow_hosts=("127.0.0.1",),
    )
    target = {"warehouse": "WH1"} if erp.system == "tryton" else {"fee_account": "6855"}
    policies = Policies(start_at=GO_LIVE, target=target)
    channel = Channel(
        name=CHANNEL,
        source="shop",
        erp="erp",
        policies=policies,
        after_import=dataclasses.replace(
            after or AfterImport(), state_back=state_words(shop.system, shop.options).default
        ),
        stock=stock or StockPolicy(),
        routing=routing or Routing(),
    )
    return Config(folder=folder, connections={"shop": shop, "erp": erp}, channels={CHANNEL: channel})


def receive(store: Store, orders: Iterable[Entry]) -> None:
    """The shop tells of orders."""
    rows = [_event(order) for order in orders]
    store.write(lambda c: record_events(c, rows, {"shop": [CHANNEL]}))


def _event(order: Entry) -> NewEvent:
    body = dump_json(order.payload())
    return NewEvent(
        connection="shop",
        kind="order",
        external_id=str(order.number),
        source="poll",
        topic="",
        version=order.payload()["date_modified_gmt"],
        body=pack(body),
        digest=digest(body),
        received_at=dt.datetime.now(dt.UTC),
    )


class Databases:
    """One prepared database for each kind of case, and copies of it.

    All runs share one engine with an empty pool, because half of the time of a short process would be the compiling
    of its statements. Where its connections go is decided when they are opened.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._stores: dict[str, Store] = {}
        self._prepared: dict[tuple, Path | str] = {}
        self._place: Path | str = ""

    def prepare(self, case: Case) -> None:
        """Before any fork: the template of the case. It is kept for the next case like it."""
        kind = _kind(case)
        if kind in self._prepared:
            return
        if case.story:
            self._prepared[kind] = self._folder / f"{case.story}.sqlite"
            return
        name = f"prepared{len(self._prepared)}"
        if case.postgres:
            with psycopg.connect(_libpq(case.postgres), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            self._place = name
        else:
            self._place = self._folder / f"{name}.sqlite"
        store = self.open(case, self._place)
        migrate(store)
        store.write(lambda c: start_channel(c, CHANNEL, GO_LIVE))
        if case.trusted:
            store.write(lambda c: c.execute(update(channel_states).values(trusted_since=GO_LIVE)))
        if not case.tryton:
            receive(store, entries(case))
        store.close()
        self._prepared[kind] = self._place

    def copy(self, case: Case, folder: Path) -> Path | str:
        """A database of a run's own."""
        prepared = self._prepared[_kind(case)]
        if not case.postgres:
            return shutil.copy(prepared, folder / "crossdock.sqlite")
        name = f"run_{folder.name.replace('-', '_')}"
        with psycopg.connect(_libpq(case.postgres), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {prepared}")
        return name

    def drop(self, case: Case, place: Path | str) -> None:
        if case.postgres:
            with psycopg.connect(_libpq(case.postgres), autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {place} WITH (FORCE)")

    def open(self, case: Case, place: Path | str) -> Store:
        """The warm store, pointed at `place`."""
        self._place = place
        if case.postgres not in self._stores:
            store = Store.open(_impatient(case.postgres) or f"sqlite:///{place}", busy_timeout_s=0.5)
            event.listen(store.engine, "do_connect", self._redirect)
            self._stores[case.postgres] = store
        return self._stores[case.postgres]

    def _redirect(self, dialect, _record, args, params) -> None:
        if dialect.name == "sqlite":
            args[0] = str(self._place)
        else:
            params["dbname"] = self._place


def _kind(case: Case) -> tuple:
    return (() if case.tryton else case.customers, case.trusted, case.postgres, case.story)


def _impatient(url: str) -> str:
    """A process that stands still in a transaction loses it after a second, not after half a minute."""
    if not url:
        return ""
    options = {"options": "-c idle_in_transaction_session_timeout=1000"}
    return make_url(url).update_query_dict(options).render_as_string(hide_password=False)


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
