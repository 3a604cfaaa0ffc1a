"""An order in the middle of its life: it has left, it was refunded in part, and Crossdock has yet to carry all of it.

One drain then makes the credit note, posts both documents, registers the payment, books what the gateway kept, tells
the shop of the parcel and marks the order. Shop and ERP both run; each is judged by its own ledger.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import ClassVar, Self

from config.model import AfterImport, Depth
from connectors.sandbox.woocommerce.audit import Told, check_told
from sync.flows.facets.follow import follow
from sync.flows.pull import pull
from tests.boundaries.erps import Sandbox
from tests.boundaries.stories import Story, amounts
from tests.sync.flows.shop import PLACED
from tests.sync.flows.trade import CHANNEL, TEA, Trade

TRACKING = "T1"
#: Of the payment, in EUR.
FEE = "0.68"


@dataclasses.dataclass(frozen=True)
class Life(Story):
    """One order."""

    name: ClassVar[str] = "life"
    after: ClassVar[AfterImport] = AfterImport(
        refunds=Depth.POSTED, payments=Depth.POSTED, fees=Depth.POSTED, post_invoices=True
    )

    refunds: dict[str, str]
    payments: dict[str, str]
    fees: dict[str, str]

    @classmethod
    def live(cls, trade: Trade) -> Self:
        number = trade.buy((TEA, 3))
        trade.carry()
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {"tracking": [{"number": TRACKING, "url": ""}]})
        line = trade.order(number)["line_items"][0]
        tax = [{"id": each["id"], "refund_total": "0.49"} for each in line["taxes"]]
        piece = {"id": line["id"], "quantity": 1, "refund_total": "7.00", "refund_tax": tax}
        refund = trade.in_shop(
            "POST", f"orders/{number}/refunds", {"amount": "7.49", "api_refund": False, "line_items": [piece]}
        )
        kept = [{"key": "_stripe_fee", "value": FEE}, {"key": "_stripe_currency", "value": "EUR"}]
        trade.in_shop("PUT", f"orders/{number}", {"meta_data": kept})
        # Both sides are looked at, and nothing is carried yet.
        since = PLACED.replace(year=2020)
        pull(trade.store, trade.systems.connector("shop"), "shop", [CHANNEL], since=since)
        follow(trade.store, trade.systems.connector("erp"), "erp", since=since)
        systems = trade.systems.channel(CHANNEL)
        shown = trade.order(number)
        order = systems.source_mapping.order(shown, systems.source_options)
        [payment] = order.payments
        facets, options = systems.erp_facets, systems.target_options
        return cls(
            orders={number: shown["total"]},
            refunds={facets.refund_key(number, str(refund["id"]), options): "7.49"},
            payments={facets.payment_reference(order, payment, options): f"{payment.amount.amount:f}"},
            fees={facets.fee_reference(order, payment, options): FEE},
        )

    def faults(self, erp: Sandbox, shop: Path) -> list[str]:
        """Each parcel told once, invoice and credit note shown once each, the order completed."""
        [number] = self.orders
        told = Told(parcels=frozenset({TRACKING}), invoices=2, status="completed")
        return [
            *erp.facet_faults(amounts(self.refunds), amounts(self.payments), amounts(self.fees)),
            *check_told(shop, {number: told}),
        ]
