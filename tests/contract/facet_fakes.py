"""The servers against which the way back of every ERP is held; what `target_fakes` has, and what people do after it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from connectors.kit.base import JsonDict
from connectors.sandbox.erp import ErpOptions, running_erp
from connectors.sandbox.erp.products import default_products
from tests.contract.target_fakes import SandboxErpFake
from tests.shared import PATIENCE_S

_ACTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "refund": ("POST", "/api/refunds"),
    "advance_refund": ("POST", "/api/refunds/advance"),
    "find_refunds": ("GET", "/api/refunds"),
    "pay": ("POST", "/api/payments"),
    "find_payments": ("GET", "/api/payments"),
    "book_fee": ("POST", "/api/fees"),
    "post_fee": ("POST", "/api/fees/*/post"),
    "find_fees": ("GET", "/api/fees"),
    "post": ("POST", "/api/invoices/*/post"),
    "change": ("PUT", "/api/sales/*"),
    "cancel": ("POST", "/api/sales/*/cancel"),
    "survey": ("GET", "/api/sales/survey"),
    "pull": ("GET", "/api/sales/changes"),
    "stock": ("GET", "/api/stock"),
}


class SandboxErpFacets(SandboxErpFake):
    """The sandbox ERP, in this process."""

    system = "sandbox_erp"
    location = "MAIN"
    fee_account = "6855"

    def connect(self, **settings: Any) -> Any:
        reference = {"enforced_reference": self.erp.options.enforce_reference}
        return super().connect(**settings | {"options": reference | settings.get("options", {})})

    def refund(self, key: str, survey: JsonDict) -> JsonDict:
        lines = [{"product": self._product, "quantity": "-1", "amount": "-10.00", "tax": "-1.90"}]
        return {
            "external_key": key,
            "sale": survey["id"],
            "sale_date": survey["sale_date"],
            "restock": True,
            "lines": lines,
        }

    def payment(self, reference: str, survey: JsonDict, amount: Decimal) -> JsonDict:
        return {"reference": reference, "invoice": survey["invoices"][0]["id"], "amount": f"{amount:f}"}

    def fee(self, reference: str, amount: Decimal) -> JsonDict:
        return {"reference": reference, "account": self.fee_account, "amount": f"{amount:f}", "currency": "EUR"}

    def change(self, note: str) -> JsonDict:
        return {"note": note}

    def someone_sends(self, external_id: str, tracking: str) -> None:
        for shipment in self._shipments(external_id):
            if shipment["state"] == "ready":
                self.erp.books.shipping.send(shipment["id"], tracking=[{"number": tracking, "url": ""}])

    def someone_corrects(self, external_id: str, tracking: str) -> None:
        number = self._shipments(external_id)[0]["id"]
        self.erp.books.shipping.track(number, tracking=[{"number": tracking, "url": ""}])

    def someone_sets_stock(self, quantity: str) -> None:
        self.erp.books.shipping.set_stock(self.known_product.value, Decimal(quantity), self.location)

    def break_next(self, action: str, **fault: Any) -> None:
        if action not in _ACTIONS:
            return super().break_next(action, **fault)
        method, path = _ACTIONS[action]
        self.erp.plan.add(method=method, path=path, **fault)
        return None

    def _shipments(self, external_id: str) -> list[JsonDict]:
        return self.erp.books.survey([int(external_id)])[0]["shipments"]


@contextlib.contextmanager
def sandbox_erp(**options: bool) -> Iterator[SandboxErpFacets]:
    settings = ErpOptions(settle_s=PATIENCE_S, api_key=SandboxErpFacets.secret, **options)
    with running_erp(options=settings, products=default_products(100)) as erp:
        yield SandboxErpFacets(erp)
