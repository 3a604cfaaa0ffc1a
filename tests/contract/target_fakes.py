"""The servers against which every SalesTarget is held, one entry per connector and way of keeping documents single.

Each satisfies `TargetStandIn`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from connectors.kit.base import ConnectorSettings, JsonDict
from connectors.odoo import Odoo
from connectors.sandbox.erp import ErpOptions, RunningErp, running_erp
from connectors.sandbox.erp.products import default_products
from connectors.sandbox.odoo import OdooOptions, RunningOdoo, people, running_odoo
from connectors.sandbox_erp import SandboxErp
from mappings.canonical.refs import Ref
from sync.contract import PLACED_AT
from tests.shared import PATIENCE_S

_WRONG: Final = {"key": "k-wrong-canary"}
_ACTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "create": ("POST", "/api/sales"),
    "advance": ("POST", "/api/sales/advance"),
    "delete": ("DELETE", "/api/sales/*"),
    "find": ("GET", "/api/sales"),
}


class SandboxErpFake:
    """The sandbox ERP, in this process."""

    wrong = _WRONG
    secret = "k-9f3a-Sandbox&Key"
    known_product = Ref("product", "TASSE-ROT")
    unknown_product = Ref("product", "NUR-IM-SHOP-1")
    party = Ref("party", "email:jane@example.com")
    deadline_s = PATIENCE_S
    short_deadline_s = 1.0

    def __init__(self, erp: RunningErp) -> None:
        self.erp, self.server = erp, erp.server
        target = self.connect()
        party = target.save_party({"code": self.party.value, "name": "Jane"})
        self._party = party["id"]
        self._product = target.resolve([self.known_product])[self.known_product]["id"]

    def connect(self, **settings: Any) -> SandboxErp:
        options = {
            "enforced_key": self.erp.options.enforce_key,
            "bulk": settings.pop("bulk", 1),
            **settings.pop("options", {}),
        }
        values: dict[str, Any] = {
            "name": "erp",
            "url": self.erp.url,
            "key": self.secret,
            "deadline_s": self.deadline_s,
            "allow_hosts": ("127.0.0.1",),
        }
        return SandboxErp(ConnectorSettings(**(values | settings), options=options))

    def sale(self, key: str) -> JsonDict:
        lines = [{"product": self._product, "quantity": "2", "amount": "20.00", "tax": "3.80"}]
        return {
            "external_key": key,
            "reference": key,
            "currency": "EUR",
            "party": self._party,
            "sale_date": f"{PLACED_AT:%Y-%m-%d}",
            "placed_at": PLACED_AT.isoformat(),
            "lines": lines,
        }

    def bad_sale(self, key: str) -> JsonDict:
        return {**self.sale(key), "lines": [{"product": 999_999, "quantity": "1", "amount": "1.00", "tax": "0"}]}

    def someone_makes_a_sale(self, key: str) -> str:
        decided = self.erp.books.decide_sale({**self.sale(key), "shop": "crossdock"})
        return str(self.erp.books.commit_sale(decided)["id"])

    def someone_cancels(self, external_id: str) -> None:
        self.erp.books.decide_advance(int(external_id), "cancelled")()

    def break_next(self, action: str, **fault: Any) -> None:
        method, path = _ACTIONS[action]
        self.erp.plan.add(method=method, path=path, **fault)

    def confirmations(self, external_id: str) -> int:
        entries = self.erp.server.ledger.entries()
        return sum(entry.kind == "sale.confirm" and entry.external_id == external_id for entry in entries)

    def stop(self) -> None:
        self.erp.server.close()


@contextlib.contextmanager
def sandbox_erp(*, enforce_key: bool = True) -> Iterator[SandboxErpFake]:
    options = ErpOptions(enforce_key=enforce_key, settle_s=PATIENCE_S, api_key=SandboxErpFake.secret)
    with running_erp(options=options, products=default_products(100)) as erp:
        yield SandboxErpFake(erp)


_ODOO_ACTIONS: Final[Mapping[str, str]] = {
    "create": "/json/2/sale.order/load",
    "advance": "/json/2/sale.order/action_confirm",
    "delete": "/json/2/sale.order/unlink",
    "find": "/json/2/sale.order/search_read",
}


class OdooFake:
    """The stand-in for Odoo 19, in this process."""

    wrong = _WRONG
    secret = "k-7d1c-Odoo&Key"
    known_product = Ref("product", "TASSE-ROT")
    unknown_product = Ref("product", "NUR-IM-SHOP-1")
    party = Ref("party", "email:jane@example.com")
    deadline_s = PATIENCE_S
    #: Odoo answers a confirmation with four bytes.
    short_deadline_s = 0.55

    def __init__(self, odoo: RunningOdoo) -> None:
        self.erp, self.server = odoo, odoo.server
        target = self.connect()
        payload = {"key": "party:jane", "ref": self.party.value, "name": "Jane", "customer_rank": 1}
        self._party = target.save_party(payload)["id"]
        product = target.resolve([self.known_product])[self.known_product]
        self._product, self._tax = product["id"], product["taxes"][0]["id"]

    def connect(self, **settings: Any) -> Odoo:
        options = {"database": self.erp.options.database, "bulk": settings.pop("bulk", 50)}
        options |= settings.pop("options", {})
        values: dict[str, Any] = {
            "name": "erp",
            "url": self.erp.url,
            "key": self.secret,
            "deadline_s": self.deadline_s,
            "allow_hosts": ("127.0.0.1",),
        }
        return Odoo(ConnectorSettings(**(values | settings), options=options))

    def sale(self, key: str) -> JsonDict:
        line = {"product_id": self._product, "product_uom_qty": 2, "price_unit": "10", "tax_ids": [self._tax]}
        return {
            "key": key,
            "partner_id": self._party,
            "client_order_ref": key,
            "origin": key,
            "date_order": f"{PLACED_AT:%Y-%m-%d %H:%M:%S}",
            "order_line": [line],
        }

    def bad_sale(self, key: str) -> JsonDict:
        return {**self.sale(key), "order_line": [{"product_id": 999_999, "product_uom_qty": 1, "price_unit": "1"}]}

    def someone_makes_a_sale(self, key: str) -> str:
        [result] = self.connect(name="somebody else").create_sales([self.sale(key)])
        assert result.document is not None
        return result.document.external_id

    def someone_cancels(self, external_id: str) -> None:
        people.cancel(self.erp.app, int(external_id))

    def break_next(self, action: str, **fault: Any) -> None:
        self.erp.plan.add(method="POST", path=_ODOO_ACTIONS[action], **fault)

    def confirmations(self, external_id: str) -> int:
        entries = self.erp.server.ledger.entries()
        return sum(entry.kind == "sale.confirm" and entry.external_id == external_id for entry in entries)

    def stop(self) -> None:
        self.erp.server.close()


@contextlib.contextmanager
def odoo(**options: Any) -> Iterator[OdooFake]:
    with running_odoo(OdooOptions(settle_s=PATIENCE_S, api_key=OdooFake.secret, **options)) as running:
        yield OdooFake(running)
