"""The ERPs of the runs: how one is started, how a connection finds it, and its own word on what it has."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Protocol
from urllib.request import Request, urlopen

from config.model import Auth, Connection, Secret
from connectors.kit.base import ConnectorSettings
from connectors.sandbox.erp import DEFAULT_API_KEY, ErpOptions, running_erp
from connectors.sandbox.erp.audit import check_ledger
from connectors.sandbox.erp.audit_facets import check_facets
from connectors.sandbox.tryton import Erp as Site
from connectors.sandbox_erp import SandboxErp
from tests.boundaries import forks
from tests.boundaries.cases import DEADLINE_S, TRYTON_DEADLINE_S, Case
from tests.real.tryton_world import new_web_shop

LOOPBACK = ("127.0.0.1",)


class Erp(Protocol):
    """One ERP for one run."""

    def running(self) -> contextlib.AbstractContextManager[None]:
        """Start it, or a corner of it for this run alone; before the process has threads."""
        ...

    def connection(self) -> Connection:
        """The connection `erp`, while it is running."""
        ...

    def is_busy(self) -> bool:
        """Whether something that was sent has yet to land."""
        ...

    def faults(self, expected: dict[str, Decimal]) -> list[str]:
        """What is wrong, when under each key one confirmed sale with this total is wanted and nothing else."""
        ...


class Sandbox:
    """The sandbox ERP as a process of its own, judged by its ledger alone."""

    def __init__(self, case: Case, books: Path, folder: Path):
        self._case = case
        self.ledger = Path(shutil.copy(books, folder / "erp.jsonl"))
        self._url = ""

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        options = ErpOptions(
            enforce_key=self._case.enforced_key, racy_confirm=True, latency_ms=2.0, settle_s=self._case.settle_s
        )
        with forks.sandbox_erp(options, self.ledger) as line:
            self._url = json.loads(line)["url"]
            for fault in self._case.faults:
                self._ask("faults", fault)
            yield

    def connection(self) -> Connection:
        return Connection(
            name="erp",
            system="sandbox_erp",
            url=self._url,
            auth=Auth(key=Secret(DEFAULT_API_KEY)),
            deadline_s=DEADLINE_S,
            # What the ERP declares; whoever stood still while it asked for that would wait two minutes otherwise.
            settle_s=self._case.settle_s + 0.5,
            concurrency=self._case.concurrency,
            allow_hosts=LOOPBACK,
            options={"enforced_key": self._case.enforced_key, "bulk": self._case.bulk},
        )

    def is_busy(self) -> bool:
        return bool(self._ask("info")["pending_effects"])

    def faults(self, expected: dict[str, Decimal]) -> list[str]:
        return check_ledger(self.ledger, expected)

    def facet_faults(
        self, refunds: dict[str, Decimal], payments: dict[str, Decimal], fees: dict[str, Decimal] | None = None
    ) -> list[str]:
        """What is wrong with all that hangs on the sales, where these refunds, payments and fees were asked for."""
        return check_facets(self.ledger, refunds=refunds, payments=payments, fees=fees)

    def _ask(self, path: str, script: dict | None = None) -> dict:
        data = None if script is None else json.dumps(script).encode()
        with urlopen(Request(f"{self._url}/_sandbox/{path}", data=data)) as answer:
            return json.load(answer)


def prepare_books(folder: Path, known: str) -> Path:
    """The sandbox ERP's ledger before the first order: its goods, and the one customer whom it knows by this code."""
    path = folder / "prepared.jsonl"
    with running_erp(ledger=path) as erp:
        target = SandboxErp(ConnectorSettings(name="erp", url=erp.url, key=DEFAULT_API_KEY, allow_hosts=LOOPBACK))
        target.save_party({"code": known, "name": "Jürgen Großmann"})
        target.close()
    return path


class TrytonShop:
    """A web shop of a run's own in a Tryton that stands already, judged by what its administrator reads."""

    def __init__(self, case: Case):
        site = dict(case.tryton)
        self._site = Site(**site | {"directory": Path(site["directory"])})
        self._bulk = case.bulk
        self._shop = ""

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        self._shop = new_web_shop(self._site)
        yield

    def connection(self) -> Connection:
        site = self._site
        return Connection(
            name="erp",
            system="tryton",
            url=site.url,
            auth=Auth(key=Secret(site.rest_key), login=site.login, password=Secret(site.password)),
            deadline_s=TRYTON_DEADLINE_S,
            concurrency=4,
            allow_hosts=LOOPBACK,
            options={"database": site.database, "web_shop": self._shop, "bulk": self._bulk},
        )

    def is_busy(self) -> bool:
        # Whoever died may have left a call behind; it has landed by the settle time, which the run waits for.
        return False

    def faults(self, expected: dict[str, Decimal]) -> list[str]:
        admin = self._site.admin()
        fields = ["web_id", "state", "total_amount", "invoices", "party.code"]
        sales = collections.defaultdict(list)
        for row in admin.read("sale.sale", [["web_shop.name", "=", self._shop]], fields):
            sales[row["web_id"]].append(row)
        faults = [f"{key}: foreign" for key in sales.keys() - expected.keys()]
        for key, total in expected.items():
            faults.extend(f"{key}: {fault}" for fault in _faults_of(sales[key], total))
        codes = {row["party."]["code"] for rows in sales.values() for row in rows}
        made = collections.Counter(
            row["code"] for row in admin.read("party.party", [["code", "in", [*codes]]], ["code"])
        )
        return faults + [f"party {code} was created {count} times" for code, count in made.items() if count > 1]


def _faults_of(sales: list[dict], total: Decimal) -> list[str]:
    if len(sales) != 1:
        return [f"{len(sales)} sales"]
    sale = sales[0]
    faults = []
    if sale["state"] not in {"confirmed", "processing", "done"}:
        faults.append(f"is {sale['state']}")
    if sale["total_amount"] != total:
        faults.append(f"has the total {sale['total_amount']}, not {total}")
    if len(sale["invoices"]) > 1:
        faults.append(f"was confirmed {len(sale['invoices'])} times")
    return faults


def erp_of(case: Case, books: Path, folder: Path) -> Erp:
    return TrytonShop(case) if case.tryton else Sandbox(case, books, folder)


def site_to_json(site: Site) -> dict:
    return dataclasses.asdict(site) | {"directory": str(site.directory)}
