"""The servers against which the way back of every ERP is held; what `target_fakes` has, and what people do after it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from connectors.kit.base import JsonDict, Rank
from connectors.odoo import Odoo
from connectors.sandbox.erp import ErpOptions, running_erp
from connectors.sandbox.erp.products import default_products
from connectors.sandbox.odoo import OdooOptions, people, running_odoo
from tests.contract.target_fakes import OdooFake, SandboxErpFake
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
    refund_rank = Rank.DRAFT
    repeats = False

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

    def someone_invoices(self, external_id: str) -> None:
        """It was invoiced when it was confirmed."""

    def someone_closes(self, external_id: str) -> None:
        """It was closed when it was confirmed."""

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


_ODOO_ACTIONS: Final[Mapping[str, str]] = {
    "refund": "account.move/load",
    "advance_refund": "account.move/load",
    "find_refunds": "account.move/search_read",
    "pay": "account.payment/load",
    "find_payments": "account.payment/search_read",
    "book_fee": "account.move/load",
    "post_fee": "account.move/action_post",
    "find_fees": "account.move/search_read",
    "make_invoices": "sale.advance.payment.inv/create_invoices",
    "post": "account.move/action_post",
    "change": "sale.order/write",
    "cancel": "sale.order/action_cancel",
    "survey": "sale.order/web_search_read",
    "pull": "sale.order/search_read",
    "stock": "product.product/search_read",
}


class OdooFacets(OdooFake):
    """The stand-in for Odoo 19, in this process."""

    system = "odoo"
    location = "MAIN"
    fee_account = "6855"
    refund_rank = Rank.CONFIRMED
    #: Its times are told to the second.
    repeats = True

    def connect(self, **settings: Any) -> Odoo:
        options = {name: value for name, value in settings.pop("options", {}).items() if name != "page_size"}
        return super().connect(**settings, options=options)

    def refund(self, key: str, survey: JsonDict) -> JsonDict:
        line = {
            "product_id": self._product,
            "name": "Cup",
            "quantity": "1",
            "price_unit": "10.00",
            "tax_ids": [self._tax],
        }
        back = {str(self._product): "1"}
        return {"key": key, "sale": survey["id"], "date": "2026-11-25", "note": "", "back": back, "lines": [line]}

    def payment(self, reference: str, survey: JsonDict, amount: Decimal) -> JsonDict:
        return {
            "key": reference,
            "invoice": next((each["id"] for each in survey["invoice_ids"]), 0),
            "journal_id": self._journal(),
            "amount": f"{amount:f}",
            "date": "2026-11-25",
            "payment_reference": "",
        }

    def fee(self, reference: str, amount: Decimal) -> JsonDict:
        account = next(self.erp.db.all("account.account", code=self.fee_account))["id"]
        return {
            "key": reference,
            "journal_id": self._journal(),
            "account_id": account,
            "amount": f"{amount:f}",
            "date": "2026-11-25",
        }

    def change(self, note: str) -> JsonDict:
        return {"note": note}

    def someone_invoices(self, external_id: str) -> None:
        people.invoice(self.erp.app, int(external_id))

    def someone_closes(self, external_id: str) -> None:
        people.lock(self.erp.app, int(external_id))

    def someone_sends(self, external_id: str, tracking: str) -> None:
        people.send(self.erp.app, int(external_id), tracking)

    def someone_corrects(self, external_id: str, tracking: str) -> None:
        people.correct(self.erp.app, int(external_id), tracking)

    def someone_sets_stock(self, quantity: str) -> None:
        people.count(self.erp.app, self.known_product.value, Decimal(quantity), self.location)

    def break_next(self, action: str, **fault: Any) -> None:
        if action not in _ODOO_ACTIONS:
            return super().break_next(action, **fault)
        self.erp.plan.add(method="POST", path=f"/json/2/{_ODOO_ACTIONS[action]}", **fault)
        return None

    def _journal(self) -> int:
        return int(next(self.erp.db.all("account.journal", code="BNK1"))["id"])


@contextlib.contextmanager
def odoo() -> Iterator[OdooFacets]:
    with running_odoo(OdooOptions(settle_s=PATIENCE_S, api_key=OdooFacets.secret, prints=True)) as running:
        yield OdooFacets(running)


@contextlib.contextmanager
def sandbox_erp(**options: bool) -> Iterator[SandboxErpFacets]:
    settings = ErpOptions(settle_s=PATIENCE_S, api_key=SandboxErpFacets.secret, **options)
    with running_erp(options=settings, products=default_products(100)) as erp:
        yield SandboxErpFacets(erp)
