"""The way back in the demo: what happens to orders once the ERP has them, and how it reaches the other side."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from connectors.sandbox.tryton.people import Person
from connectors.sandbox.tryton.site import Erp
from sync.cli.demo.configuration import OUTLET, SHOP
from sync.cli.demo.screen import Say, Screen
from sync.cli.demo.services import DemoFailed
from sync.cli.demo.world import World
from sync.store.documents import Document, load_documents
from sync.store.orders import StoredOrder, list_orders
from sync.store.states import ItemState

#: Orders of the tea shop that are sent, the first of them in two parcels.
SENT: Final = 2
#: Orders of the outlet that are cancelled after the ERP has them.
CANCELLED: Final = 1
#: An article, and how many of it somebody finds in the warehouse.
ARTICLE: Final = "LETZTE"
FOUND: Final = 77
#: A busy machine posts an invoice in ten seconds.
_PATIENCE_S: Final = 120.0
_TICK_S: Final = 0.5


class WayBack:
    """What people do in the shops and in Tryton, and the wait until the other side shows it."""

    def __init__(self, world: World, screen: Screen) -> None:
        self._world, self._screen = world, screen

    def play(self) -> None:
        """All of it. Raises DemoFailed where something does not come back."""
        sent = self._some(SHOP, SENT)
        cancelled = self._some(OUTLET, CANCELLED)
        with self._screen.step(f"{SENT} orders are sent from Tryton, one of them in two parcels") as say:
            pieces = self._send(sent)
            self._until(lambda: self._has(sent, fulfilment=SENT + 1, invoice=SENT, payment=SENT), say, sent)
        self._tell(sent, f"{pieces} pieces in {SENT + 1} parcels, each with its tracking number")
        with self._screen.step("an article of one of them is refunded, an order of the outlet is cancelled") as say:
            refunded = self._refund(sent[0])
            for order in cancelled:
                self._world.control(self._world.shops[OUTLET], f"orders/{order.external_id}/cancel", method="POST")
            self._until(lambda: self._has(sent, refund=2, credit_note=1), say, sent)
            self._until(lambda: self._are_out(cancelled), say, cancelled)
        self._screen.note(
            f"refund of {refunded} in the shop is a posted credit note in Tryton; order "
            f"{', '.join(order.number for order in cancelled)} is cancelled on both sides"
        )
        with self._screen.step(f"{FOUND} pieces of {ARTICLE} are counted in Tryton") as say:
            self._person().count(ARTICLE, FOUND)
            self._until(self._shows_what_tryton_has, say, [])
        self._screen.note(f"the tea shop shows {self._shown():f} of {ARTICLE}, as many as Tryton has to sell")

    # -- people ------------------------------------------------------------------------------------------------

    def _person(self) -> Person:
        facts = self._world.tryton.facts
        return Person(Erp(**{**facts, "directory": Path(facts["directory"])}))

    def _send(self, orders: list[StoredOrder]) -> int:
        """Answers how many pieces have left."""
        person = self._person()
        first, *others = orders
        [code, *_] = self._lines(first)
        person.ship(str(first.erp_id), {code: 1}, tracking=f"JD-{first.number}-1")
        person.ship(str(first.erp_id), tracking=f"JD-{first.number}-2")
        for order in others:
            person.ship(str(order.erp_id), tracking=f"JD-{order.number}")
        return sum(pieces for order in orders for pieces in self._lines(order).values())

    def _refund(self, order: StoredOrder) -> str:
        shown = self._shown_order(order)
        asked = {"lines": {str(shown["line_items"][0]["id"]): 1}, "reason": "broken"}
        shop = self._world.shops[SHOP]
        return f"{self._world.control(shop, f'orders/{order.external_id}/refund', asked)['amount']} {order.currency}"

    # -- what stands -------------------------------------------------------------------------------------------

    def _some(self, channel: str, count: int) -> list[StoredOrder]:
        """The oldest orders that are in the ERP and have goods enough: the first has two pieces of something."""
        store, target = self._world.runtime.store, self._world.runtime.config.channels[channel].erp
        found = [order for order in store.read(lambda c: list_orders(c, channel, target)) if self._fits(order)]
        if channel == SHOP:
            found = [order for order in found if self._lines(order)]
            found.sort(key=lambda order: sum(self._lines(order).values()) < 2)  # noqa: PLR2004 - one for each parcel
        if len(found) < count:
            raise DemoFailed(f"{channel} has fewer than {count} orders in its ERP", self._world.log)
        return found[:count]

    @staticmethod
    def _fits(order: StoredOrder) -> bool:
        return order.state == ItemState.DONE and bool(order.erp_id)

    def _shown_order(self, order: StoredOrder) -> dict[str, Any]:
        """As its shop shows it now."""
        [envelope] = self._world.runtime.systems.connector(SHOP).fetch_orders([order.external_id])
        payload: dict[str, Any] = envelope.payload
        return payload

    def _lines(self, order: StoredOrder) -> dict[str, int]:
        """Code -> pieces of what Tryton keeps in stock."""
        facts, pieces = self._world.tryton.facts["products"], dict[str, int]()
        for line in self._shown_order(order)["line_items"]:
            if line["sku"] in facts and not line["sku"].startswith("GUTSCHEIN"):
                pieces[line["sku"]] = pieces.get(line["sku"], 0) + int(line["quantity"])
        return pieces

    def _documents(self, orders: list[StoredOrder]) -> Iterator[Document]:
        ids = [order.id for order in orders]
        found = self._world.runtime.store.read(lambda c: load_documents(c, ids))
        return (document for each in found.values() for document in each)

    def _has(self, orders: list[StoredOrder], **wanted: int) -> bool:
        kinds = [document.kind for document in self._documents(orders)]
        # A payment, and a refund, is known in both systems.
        return all(kinds.count(kind) >= count for kind, count in wanted.items()) and self._are(orders, ItemState.DONE)

    def _are(self, orders: list[StoredOrder], state: ItemState) -> bool:
        [channel] = {order.channel for order in orders}
        target = self._world.runtime.config.channels[channel].erp
        now = {each.id: each for each in self._world.runtime.store.read(lambda c: list_orders(c, channel, target))}
        return all(now[order.id].state == state for order in orders)

    def _are_out(self, orders: list[StoredOrder]) -> bool:
        return self._are(orders, ItemState.SKIPPED)

    def _shown(self) -> Any:
        [article] = self._world.runtime.systems.connector(SHOP).find_stock([ARTICLE])[ARTICLE]
        return article.quantity

    def _shows_what_tryton_has(self) -> bool:
        [[reading]] = self._world.runtime.systems.connector("tryton").read_stock(["WH1"], [ARTICLE])
        return bool(self._shown() == max(reading.quantity, 0))

    def _until(self, there: Callable[[], bool], say: Say, orders: list[StoredOrder]) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not there():
            self._world.demand()
            say(", ".join(sorted({document.kind for document in self._documents(orders)})) if orders else "")
            if time.monotonic() > until:
                raise DemoFailed(f"it has not come back after {_PATIENCE_S:.0f} s", self._world.log)
            time.sleep(_TICK_S)

    def _tell(self, orders: list[StoredOrder], parcels: str) -> None:
        invoices = [document.number for document in self._documents(orders) if document.kind == "invoice"]
        states = {str(self._shown_order(order)["status"]) for order in orders}
        self._screen.note(
            f"the tea shop shows {parcels}, its orders are {', '.join(sorted(states))}; invoices "
            f"{', '.join(sorted(invoices))} are posted, paid and linked"
        )
