"""One customer on its way through a batch, and what a drain of customers hands to its flow."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection

from config.model import CrmPolicy
from mappings.canonical.words import say
from sync.flows.context import Clock
from sync.rules.crm_systems import CrmSystems
from sync.rules.stops import NotSent
from sync.store.crm.customers import Customer
from sync.store.engine import Store
from sync.store.items import Item
from sync.store.leases import Lease, demand_lease

T = TypeVar("T")


@dataclasses.dataclass(slots=True)
class PartyPiece:
    """One claimed customer and what became of it."""

    item: Item
    #: None where nobody knows it any more.
    customer: Customer | None
    #: Id of its account, once that is known.
    account: str = ""
    #: How that was found in this batch; empty where it was known before.
    found_by: str = ""
    #: A person has said that it is none of those that were found.
    apart: bool = False
    account_name: str = ""
    #: The account that it was taken for before, and is not: that one has bought less.
    left: str = ""
    error: Exception | None = None
    done: str = ""
    #: Nothing is told of it, and why.
    skipped: str = ""
    waits: str = ""
    #: Something was written for it.
    wrote: bool = False
    exchanges: list[Any] = dataclasses.field(default_factory=list)
    started_at: dt.datetime = dataclasses.field(default_factory=lambda: dt.datetime.now(dt.UTC))

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to do for it in this batch."""
        return bool(self.error or self.done or self.skipped or self.waits)

    @property
    def known(self) -> Customer:
        """The customer, of a piece that goes on."""
        assert self.customer is not None
        return self.customer


@dataclasses.dataclass(slots=True)
class CrmDrain:
    """One drain's surroundings."""

    store: Store
    systems: CrmSystems
    lease: Lease
    clock: Clock
    progress: Callable[[], None] = lambda: None
    #: Account -> (digest, figures) of what was written in this batch.
    told: dict[str, tuple[str, Mapping[str, Any]]] = dataclasses.field(default_factory=dict)
    #: Accounts that are no longer there.
    gone: set[str] = dataclasses.field(default_factory=set)

    @property
    def policy(self) -> CrmPolicy:
        """What the channel says of its CRM."""
        return self.systems.channel.crm

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` under the fence. Raises LeaseLost, DatabaseBusy."""

        def fenced(connection: Connection) -> T:
            demand_lease(connection, self.lease)
            return work(connection)

        return self.store.write(fenced)

    def demand_time(self) -> None:
        """Directly before every write: one of a drain without its lease could land on a newer one. Raises NotSent."""
        if self.clock.left_s() <= self.systems.crm.write_deadline_s:
            raise NotSent(say("the lease has less time left than the call may take; this customer was not told"))
