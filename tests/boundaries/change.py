"""Two drafts of which the shop has thought better: one order was edited, one cancelled, and nothing is carried yet.

One drain then changes the first sale and confirms it, and cancels the second. Each is judged by the ERP's own ledger.
"""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path
from typing import ClassVar, Self

from config.model import DocumentState
from connectors.sandbox.ledger import read_ledger
from sync.flows.pull import pull
from tests.boundaries.erps import Sandbox
from tests.boundaries.stories import Story
from tests.sync.flows.shop import PLACED
from tests.sync.flows.trade import CHANNEL, POT, TEA, Trade


@dataclasses.dataclass(frozen=True)
class Change(Story):
    """The order that was edited; the cancelled one must not stand, and is only named."""

    name: ClassVar[str] = "change"
    #: While the two were carried over. In the runs it is the usual one, so that the edited sale is confirmed as well.
    prepared_as: ClassVar[DocumentState] = DocumentState.DRAFT

    #: Key of the sale of the cancelled order.
    cancelled: str

    @classmethod
    def live(cls, trade: Trade) -> Self:
        edited, cancelled = trade.buy((TEA, 1)), trade.buy((POT, 1))
        trade.carry()
        [line] = trade.order(edited)["line_items"]
        twice = f"{2 * Decimal(line['total']):.2f}"
        change = {"id": line["id"], "quantity": 2, "subtotal": twice, "total": twice}
        trade.in_shop("PUT", f"orders/{edited}", {"line_items": [change]})
        trade.in_shop("PUT", f"orders/{cancelled}", {"status": "cancelled"})
        pull(trade.store, trade.systems.connector("shop"), "shop", [CHANNEL], since=PLACED.replace(year=2020))
        systems = trade.systems.channel(CHANNEL)
        return cls(
            orders={edited: trade.order(edited)["total"]},
            cancelled=systems.target_mapping.sale_key(cancelled, systems.target_options),
        )

    def faults(self, erp: Sandbox, shop: Path) -> list[str]:
        """The cancelled order's one sale was cancelled; that none of it stands, the judge of the sales says."""
        entries = list(read_ledger(erp.ledger))
        made = {entry.external_id for entry in entries if entry.kind == "sale.create" and entry.key == self.cancelled}
        ended = {entry.external_id for entry in entries if entry.kind in {"sale.cancel", "sale.delete"}}
        if len(made) == 1 and made <= ended:
            return []
        return [f"{self.cancelled}: sales {sorted(made)} were made, {sorted(made & ended)} cancelled"]
