"""What a CRM was told: of the customer of one order, and of all customers of a connection."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from config.model import Channel, Config
from sync.store.backlog import count_states
from sync.store.crm.customers import KIND, count_customers, customer_of_order, standing_of
from sync.store.crm.entries import count_entries, entries_of_order
from sync.store.crm.told import last_told, load_told


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CrmLine:
    """What the CRM of an order's channel was told of its customer, or why nothing."""

    connection: str
    #: Empty while nobody knows which account it is.
    account_id: str
    account_name: str
    #: As last written (`sync.store.crm.told.Told`); empty before.
    figures: Mapping[str, Any]
    told_at: dt.datetime | None
    #: Entries of this order (its parcels, invoices and credit notes too) that stand at an account; None where the
    #: channel has none written.
    entries: int | None
    #: The first day whose orders have entries, for one that was placed before; else None.
    entries_from: dt.date | None
    #: Where the work on the customer stands, and what its last look said.
    state: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """For programs and terminals."""
        moments = {"told_at": self.told_at, "entries_from": self.entries_from}
        said = {name: None if at is None else at.isoformat() for name, at in moments.items()}
        return {**dataclasses.asdict(self), "figures": dict(self.figures), **said}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CrmCounts:
    """What a CRM connection was told, over all channels that share it."""

    channels: tuple[str, ...]
    customers: int
    #: Customers whose account is known.
    known: int
    #: Accounts that were told, and when the last one was.
    accounts: int
    #: Entries of histories that stand.
    entries: int
    told_at: dt.datetime | None
    #: State of the work -> customers of a channel in it; one of several channels counts in each.
    states: Mapping[str, int]


def crm_line(connection: Connection, channel: Channel, order_id: int) -> CrmLine | None:
    """Of the customer of one order; None where its channel has no CRM, or the order has not ended yet."""
    crm = channel.crm.connection
    customer = customer_of_order(connection, order_id, crm) if crm else None
    if customer is None:
        return None
    told = load_told(connection, crm, [customer.account_id]).get(customer.account_id) if customer.account_id else None
    state, reason = standing_of(connection, channel.name, customer.id)
    since = None if channel.source == crm else channel.crm.history_from
    standing = None if since is None else entries_of_order(connection, crm, order_id)
    return CrmLine(
        connection=crm,
        account_id=customer.account_id,
        account_name=customer.account_name,
        figures={} if told is None else told.figures,
        told_at=None if told is None else told.told_at,
        entries=None if standing is None else standing[0],
        entries_from=since if standing is not None and since is not None and standing[1] < since else None,
        state=state,
        reason=reason,
    )


def crm_counts(connection: Connection, config: Config, name: str) -> CrmCounts | None:
    """Of one connection; None for one that no channel tells."""
    channels = tuple(channel.name for channel in config.crm_channels(name))
    if not channels:
        return None
    customers, known = count_customers(connection, name)
    accounts, told_at = last_told(connection, name)
    states: dict[str, int] = {}
    for (channel, state), (count, _) in count_states(connection, KIND).items():
        if channel in channels:
            states[state] = states.get(state, 0) + count
    return CrmCounts(
        channels=channels,
        customers=customers,
        known=known,
        accounts=accounts,
        entries=count_entries(connection, name),
        told_at=told_at,
        states=states,
    )
