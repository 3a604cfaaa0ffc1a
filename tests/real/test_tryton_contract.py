"""The contract of every sales target, on a real Tryton behind a server that breaks the exchanges."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from typing import Any

import pytest

from connectors.kit.base import JsonDict, Rank
from connectors.kit.errors import OutcomeUnknown
from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.tryton import Erp
from connectors.sandbox.tryton.proxy import faulty
from mappings.canonical.refs import Ref
from mappings.tryton import wire
from sync.contract import PLACED_AT
from sync.contract.targets import SalesTargetContract, SearchesSalesContract, create
from tests.real.tryton_world import connect, new_web_shop
from tests.shared import PATIENCE_S

pytestmark = [pytest.mark.loopback, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(600)]

_ACTIONS: Mapping[str, tuple[str, str]] = {
    "create": ("POST", "/erp/rest/model/sale.sale*"),
    "advance": ("POST", "/erp/rest/model/sale.sale/*/confirm"),
    "delete": ("DELETE", "/erp/rest/model/sale.sale/*"),
    "find": ("GET", "/erp/rest/model/sale.sale"),
}


class TrytonBehindFaults:
    """Satisfies `sync.contract.TargetStandIn`; a web shop of its own for every test."""

    known_product = Ref("product", "TASSE-ROT")
    unknown_product = Ref("product", "NUR-IM-SHOP-1")
    party = Ref("party", "email:jane@example.com", hint={"email": "jane@example.com"})
    deadline_s = PATIENCE_S
    short_deadline_s = 8.0

    def __init__(self, erp: Erp, server: Any) -> None:
        self.secret = erp.rest_key
        self._erp, self._server, self._late = erp, server, False
        self._admin = erp.admin()
        self._shop = new_web_shop(erp)
        target = self.connect()
        if self.party not in (known := target.resolve([self.party])):
            address = {"street": "Weg 1", "city": "Berlin", "country": erp.countries["DE"]}
            payload = {"code": self.party.value, "name": "Jane", "addresses": [["create", [address]]]}
            known = {self.party: target.save_party(payload)}
        self._party = known[self.party]
        self._product = target.resolve([self.known_product])[self.known_product]
        self._shop_id = target.resolve([Ref("web_shop", "")])[Ref("web_shop", "")]["id"]

    def connect(self, **settings: Any) -> Any:
        options = {**settings.pop("options", {})}
        if "bulk" in settings:
            options["bulk"] = settings.pop("bulk")
        values = {"url": self._server.url, "deadline_s": self.deadline_s, **settings}
        return connect(self._erp, web_shop=self._shop, options=options, **values)

    def sale(self, key: str) -> JsonDict:
        line = {
            "type": "line",
            "product": self._product["id"],
            "unit": self._product["unit"],
            "quantity": 2,
            "unit_price": wire.decimal(self._product["list_price"] * 0 + 10),
            "taxes": [["add", [self._erp.taxes["VAT DE 19%"]]]],
        }
        address = self._party["addresses"][0]["id"]
        return {
            **self._head(key),
            "invoice_address": address,
            "shipment_address": address,
            "warehouse": self._erp.warehouses["WH1"],
            "shipment_cost_method": None,
            "lines": wire.create([line]),
        }

    def bad_sale(self, key: str) -> JsonDict:
        good = self.sale(key)
        return {**good, "lines": wire.create([{**good["lines"][0][1][0], "product": 999_999}])}

    def someone_makes_a_sale(self, key: str) -> str:
        (number,) = self._admin.create("sale.sale", {**self._head(key), "sale_date": PLACED_AT.date()})
        return str(number)

    def someone_cancels(self, external_id: str) -> None:
        self._admin.call("model.sale.sale.cancel", [int(external_id)])

    def break_next(self, action: str, **fault: Any) -> None:
        method, path = _ACTIONS[action]
        self._late = fault["kind"].endswith("_then_commit")
        self._server.plan.add(method=method, path=path, **fault)

    def confirmations(self, external_id: str) -> int:
        """A sale that is confirmed twice gets a second invoice; a late confirmation takes its time."""
        until = time.monotonic() + (PATIENCE_S if self._late else 0)
        while True:
            [row] = self._admin.read("sale.sale", [["id", "=", int(external_id)]], ["invoices"])
            if row["invoices"] or time.monotonic() >= until:
                return len(row["invoices"])
            time.sleep(0.1)

    def stop(self) -> None:
        self._server.close()

    def _head(self, key: str) -> JsonDict:
        return {
            "company": self._erp.company,
            "web_shop": self._shop_id,
            "web_id": key,
            "reference": key,
            "party": self._party["id"],
            "currency": self._erp.currencies["EUR"],
            "sale_date": wire.date(PLACED_AT.date()),
            "invoice_method": "order",
            "shipment_method": "order",
        }


class TestTryton(SalesTargetContract, SearchesSalesContract):
    @pytest.fixture
    def fake(self, erp):
        with faulty(erp.url, plan=FaultPlan(settle_s=PATIENCE_S)) as server:
            yield TrytonBehindFaults(erp, server)

    def test_the_list_ends_at_its_window(self, fake, target):
        """Tryton knows the day of a sale, not the hour."""
        create(target, fake.sale("k1"))
        day = PLACED_AT.replace(hour=0)
        assert [each.key for each in target.list_sales(day, day + dt.timedelta(days=1))] == ["k1"]
        assert list(target.list_sales(day + dt.timedelta(days=1), day + dt.timedelta(days=2))) == []

    def test_a_confirmation_that_cannot_be_read_back_is_unknown(self, fake, target):
        """Of several sales; a single one is answered together with its new state."""
        drafts = [create(target, fake.sale(key)) for key in ("k1", "k2")]
        fake.break_next("find", kind="status", status=403)

        results = target.advance_sales(drafts, Rank.CONFIRMED)

        assert [type(result.error) for result in results] == [OutcomeUnknown] * 2
        assert [fake.confirmations(draft.external_id) for draft in drafts] == [1, 1]
