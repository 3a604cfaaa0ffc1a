"""What a stand-in must offer to the tests: a running system, and what people and time do to it.

One class for each side of a system. A class needs the members that the capabilities of its connector need: who sends no
webhooks has no `deliveries`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Final, Protocol

from connectors.kit.base import JsonDict, Rank
from connectors.kit.exchanges import Exchange
from connectors.sandbox.server import Server
from mappings.canonical.refs import Ref

#: Sales are placed on this day, in the middle of `WINDOW`.
PLACED_AT: Final = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
WINDOW: Final = (PLACED_AT - dt.timedelta(hours=1), PLACED_AT + dt.timedelta(hours=1))
#: What every payload of `TargetStandIn.sale` comes to.
TOTAL: Final = Decimal("23.80")
TAX: Final = Decimal("3.80")
#: What every payload of `ErpStandIn.refund` comes to: one of the two pieces of a sale.
REFUNDED: Final = Decimal("-11.90")


class StandIn:
    """What all sides have in common: a sandbox's server, which runs into faults."""

    #: Settings that do not let anybody in.
    wrong: ClassVar[Mapping[str, str]] = {"secret": "wrong-canary"}

    def __init__(self, server: Server) -> None:
        self.server = server

    def break_next(self, **fault: Any) -> None:
        """The next calls run into this fault of `connectors.sandbox.faults`."""
        self.server.plan.add(**fault)

    def mend(self) -> None:
        """No call runs into any fault any more."""
        self.server.plan.remove()

    def stop(self) -> None:
        """Nobody listens any more."""
        self.server.close()


class SourceStandIn(StandIn):
    """Of a source of orders."""

    #: Texts that open the system and must never show.
    secrets: ClassVar[Sequence[str]]
    #: An id that no order has.
    unknown_id: ClassVar[str]
    #: It signs nothing: a text in the body of a webhook says that it comes from there.
    unsigned: ClassVar[bool] = False

    def connect(self, **settings: Any) -> Any:
        """A new connector; `settings` are fields of ConnectorSettings, `page_size` asks for small pages."""
        raise NotImplementedError

    def place(self, count: int) -> list[str]:
        """New orders; their external ids."""
        raise NotImplementedError

    def change(self, external_id: str) -> None:
        """A person changes the order."""
        raise NotImplementedError

    def discard(self, external_id: str) -> None:
        """The order is put away where it can still be read."""
        raise NotImplementedError

    def delete(self, external_id: str) -> None:
        """The order is gone for good."""
        raise NotImplementedError

    def deliveries(self, connector: Any) -> list[tuple[bytes, dict[str, str]]]:
        """What it posts of one new order, as `(body, headers)`."""
        raise NotImplementedError

    def totals(self, connector: Any, external_ids: Sequence[str]) -> dict[str, str]:
        """The grand total of each order as its payload writes it."""
        raise NotImplementedError

    def later(self, seconds: int) -> None:
        """Time passes over there."""
        raise NotImplementedError

    def before_each_answer(self, happen: Callable[[], None]) -> None:
        """Call this before each request is answered, in the place of what was to be called before."""
        self.server.before_each_answer = happen


class ShopStandIn(Protocol):
    """Of a shop that is told what becomes of its orders."""

    #: As in `mappings.registry.SHOP_FACETS`.
    system: str
    #: Two articles that it sells, each with a count of its own, and one that it does not know.
    skus: tuple[str, str]
    unknown_sku: str
    unknown_order: str
    #: A state of the shop's own that can be set from outside.
    done: str
    #: Whether the shop itself sends the money of whatever refund is made.
    payout: bool

    def connect(self) -> Any:
        """A new connector."""
        ...

    def sell(self, quantity: int) -> str:
        """A customer buys so many of the first article and one of the second; the order's id."""
        ...

    def refund(self, external_id: str, **refund: Any) -> None:
        """An administrator gives money back: `lines` {the order's line: pieces}, or `amount`."""
        ...

    def set_stock(self, sku: str, quantity: int) -> None:
        """An administrator counts."""
        ...

    def break_next(self, action: str, **fault: Any) -> None:
        """The next `fulfilment`, `note`, `refund`, `order` (an update) or `stock` write runs into this fault."""
        ...

    def mend(self) -> None:
        """No fault is left from the test before: one stand-in serves several tests."""
        ...

    def wrote(self, exchange: Exchange) -> bool:
        """Whether it changes anything in the shop."""
        ...

    def state_of(self, payload: JsonDict) -> str:
        """What the order shows the shop's people as its state."""
        ...


class AccountsStandIn(Protocol):
    """Of a CRM that keeps accounts of customers."""

    #: As in `mappings.registry.CRM_FACETS`.
    system: str
    unknown_account: str

    def connect(self) -> Any:
        """A new connector."""
        ...

    def account(self, name: str) -> str:
        """Somebody makes an account by hand; its id."""
        ...

    def bought(self, account_id: str) -> Decimal:
        """What the account shows as the value of its orders."""
        ...

    def accounts(self, key: str) -> list[str]:
        """The ids of the accounts that carry our key."""
        ...

    def contacts(self, email: str) -> list[str]:
        """The ids of the contacts with an e-mail address."""
        ...

    def break_next(self, action: str, **fault: Any) -> None:
        """The next `account`, `contact` or `entry` that is made runs into this fault."""
        ...

    def mend(self) -> None:
        """No fault is left from the test before: one stand-in serves several tests."""
        ...


class TargetStandIn(Protocol):
    """Of an ERP that takes sales."""

    #: A text that opens the system and must never show.
    secret: str
    known_product: Ref
    unknown_product: Ref
    party: Ref
    #: A declared deadline, in seconds.
    deadline_s: float
    #: For calls that are not to come to an end by themselves.
    short_deadline_s: float

    def connect(self, **settings: Any) -> Any:
        """A new connector; `settings` are fields of ConnectorSettings, `bulk=N` asks for calls of N documents."""
        ...

    def sale(self, key: str) -> JsonDict:
        """A payload that comes to TOTAL, placed at PLACED_AT; its reference is `key` too."""
        ...

    def bad_sale(self, key: str) -> JsonDict:
        """A payload that the system refuses."""
        ...

    def someone_makes_a_sale(self, key: str) -> str:
        """A sale that did not come through us, in our shop and window; its external id."""
        ...

    def someone_cancels(self, external_id: str) -> None:
        """A person cancels a sale in the system."""
        ...

    def break_next(self, action: str, **fault: Any) -> None:
        """The next `create`, `advance`, `delete` or `find` call runs into this fault of `connectors.sandbox.faults`."""
        ...

    def confirmations(self, external_id: str) -> int:
        """How often the confirmation of a sale took effect."""
        ...

    def stop(self) -> None:
        """Nobody listens any more."""
        ...


class ErpStandIn(TargetStandIn, Protocol):
    """Of an ERP that tells what became of its sales, and what people do there."""

    #: As in `mappings.registry.ERP_FACETS`.
    system: str
    #: Where the pieces of `sale` come from, as the connector calls it.
    location: str
    #: Code of an account on which a fee may be booked.
    fee_account: str
    #: How far a refund is from its creation on: confirmed where nothing is left to do but to post it.
    refund_rank: Rank
    #: A pull names again what changed last: its checkpoint steps back, or times over there are coarse.
    repeats: bool

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

    def someone_invoices(self, external_id: str) -> None:
        """A person makes the draft invoice of a confirmed sale, where the ERP has not done it at its confirmation."""
        ...

    def someone_closes(self, external_id: str) -> None:
        """A person sees to it that a confirmed sale is not changed, where the ERP would still let it."""
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
