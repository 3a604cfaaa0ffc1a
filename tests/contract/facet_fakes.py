"""The servers against which the way back of every ERP is held; what `target_fakes` has, and what people do after it.

To join: add these members to the class in `target_fakes`' manner, and the context manager to `FAKES`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol

from connectors.kit.base import JsonDict
from connectors.sandbox.erp import ErpOptions, running_erp
from connectors.sandbox.erp.products import default_products
from tests.contract.target_fakes import SandboxErpFake, TargetFake
from tests.shared import PATIENCE_S

#: What every payload of `FacetFake.refund` comes to: one of the two pieces of `TargetFake.sale`.
REFUNDED: Final = Decimal("-11.90")


class FacetFake(TargetFake, Protocol):
    """A running stand-in of one ERP, and what a test of its way back must know of it."""

    #: As in `mappings.registry.ERP_FACETS`.
    system: str
    #: Where the pieces of `sale` come from, as the connector calls it.
    location: str
    #: Code of an account on which a fee may be booked.
    fee_account: str

    def refund(self, key: str, survey: JsonDict) -> JsonDict:
        """A payload that gives back one piece of the surveyed sale, REFUNDED in all; the goods come back."""
        ...

    def payment(self, reference: str, survey: JsonDict, amount: Decimal) -> JsonDict:
        """A payload that pays so much on the surveyed sale's first invoice."""
        ...

    def fee(self, reference: str, amount: Decimal) -> JsonDict:
        """A payload that books so much as kept by a gateway; only where the target books fees."""
        ...

    def change(self, note: str) -> JsonDict:
        """A payload that sets a sale's note."""
        ...

    def someone_sends(self, external_id: str, tracking: str) -> None:
        """A person sends everything of the sale that can leave, in one parcel."""
        ...

    def someone_corrects(self, external_id: str, tracking: str) -> None:
        """A person corrects the tracking number of the sale's first shipment."""
        ...

    def someone_sets_stock(self, quantity: str) -> None:
        """A person counts the product of `sale` at `location`."""
        ...


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
def sandbox_erp(folder: Path, **options: bool) -> Iterator[SandboxErpFacets]:
    settings = ErpOptions(settle_s=PATIENCE_S, api_key=SandboxErpFacets.secret, **options)
    with running_erp(options=settings, ledger=folder / "erp.ledger", products=default_products(100)) as erp:
        yield SandboxErpFacets(erp)


FAKES: Final[Mapping[str, Callable[[Path], contextlib.AbstractContextManager[FacetFake]]]] = {
    "sandbox_erp": sandbox_erp,
    "sandbox_erp with enforced references": lambda folder: sandbox_erp(folder, enforce_reference=True),
    "sandbox_erp without enforced keys": lambda folder: sandbox_erp(folder, enforce_key=False),
}

#: One for each system: what is no question of keys is asked once.
SYSTEMS: Final = ("sandbox_erp",)
