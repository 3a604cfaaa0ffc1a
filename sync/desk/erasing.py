"""Erasing a customer: what it would touch, and doing it, order by order, so that it can be stopped and begun again."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, Table

from config.model import Config
from sync.desk.phrases import Refusal, say
from sync.store.answers import blank_answers
from sync.store.audit import Actor, record_audit
from sync.store.engine import Store
from sync.store.erasure import (
    Found,
    erase_naming,
    erase_order,
    erased_again,
    find_customer,
    forget_calls,
    forget_payloads,
    naming,
    open_among,
)
from sync.store.imports import drop_imports
from sync.store.tables import events, exchanges

#: Payloads that are unpacked and searched in one go.
_LOOKED: Final = 200


class NotErased(Refusal):
    """A customer cannot be erased yet."""


@dataclasses.dataclass(frozen=True, slots=True)
class Traces:
    """Where a customer stands."""

    orders: Sequence[Found]
    #: Ids of payloads and calls that name them, also of orders that we never carried.
    payloads: Sequence[int]
    calls: Sequence[int]
    #: Payloads of orders that are still to be looked at.
    waiting: Sequence[int]

    @property
    def is_open(self) -> list[Found]:
        """Orders of which something is still expected."""
        return [order for order in self.orders if order.is_open]


def traces_of(store: Store, customer: str) -> Traces:
    """Where a customer stands, by e-mail address or by the key under which the ERP has them; changes nothing."""
    found = store.read(lambda c: find_customer(c, customer))
    needles = _needles(found, customer)
    payloads, calls = _naming(store, events, needles), _naming(store, exchanges, needles)
    return Traces(found, payloads, calls, store.read(lambda c: open_among(c, payloads)))


def _needles(found: Sequence[Found], customer: str) -> set[str]:
    return {order.email for order in found if order.email} | ({customer.lower()} if "@" in customer else set())


def _naming(store: Store, table: Table, needles: set[str]) -> list[int]:
    ids: list[int] = []
    reached = 0
    while needles:
        some, last = store.read(functools.partial(naming, table=table, after=reached, needles=needles, size=_LOOKED))
        ids += some
        if not last:
            break
        reached = last
    return ids


def erase_customer(store: Store, config: Config, customer: str, *, actor: Actor) -> Traces:
    """Take them out of everything that we keep. Raises NotErased while anything is expected of one of their orders."""
    traces = traces_of(store, customer)
    if traces.is_open or traces.waiting:
        numbers = ", ".join(order.number for order in traces.is_open) or str(len(traces.waiting))
        raise NotErased(
            say("orders of this customer are still open (%(numbers)s): let them end, or reject them", numbers=numbers)
        )
    needles, sources = _needles(traces.orders, customer), _sources(config)
    for piece in store.pieces(traces.payloads, 2):
        store.write(functools.partial(forget_payloads, event_ids=piece))
    for piece in store.pieces(traces.calls, 2):
        store.write(functools.partial(forget_calls, exchange_ids=piece))
    for order in traces.orders:
        store.write(functools.partial(erase_order, order_id=order.order_id, sources=sources))

    def end(connection: Connection) -> None:
        if needles:
            erase_naming(connection, needles)
        blank_answers(connection)
        # Files that nobody has taken yet: whoever needs one has it, and may bring it again.
        drop_imports(connection)
        what = ", ".join(f"order:{order.channel}:{order.external_id}" for order in traces.orders)
        record_audit(connection, actor, "erase", what or "customer", after=f"{len(traces.orders)} orders")

    store.write(end)
    return traces


def _sources(config: Config) -> dict[str, str]:
    return {name: channel.source for name, channel in config.channels.items()}


def erase_again(store: Store, config: Config) -> int:
    """What came in since of orders whose customer was erased; answers of how many."""
    again, sources = store.read(erased_again), _sources(config)
    for order_id in again:
        store.write(functools.partial(erase_order, order_id=order_id, sources=sources))
    return len(again)
