"""Linking one order by hand with a sale that the ERP has: found by what people call it, shown, then bound."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import cast

from sqlalchemy import Connection

from connectors.kit.base import DocumentSummary, Envelope, Rank, SearchesSales, TargetDocument
from connectors.registry import has
from mappings.canonical.errors import Problems
from mappings.canonical.money import Money
from mappings.canonical.records import Order
from mappings.canonical.words import say
from sync.flows.adopt import Match, link, read_order
from sync.rules.asking import current_orders
from sync.rules.systems import ChannelSystems
from sync.store.audit import Actor, record_audit
from sync.store.bindings import bound_keys
from sync.store.engine import Store
from sync.store.orders import StoredOrder, name_orders


def find_sales(store: Store, systems: ChannelSystems, order: StoredOrder, text: str) -> list[Match]:
    """The ERP's sales that people call `text`, each with why it is not to be linked with the order.

    Raises LookupError when the order cannot be linked at all, Transient, ConnectionBroken.
    """
    _demand_linkable(systems, order)
    sales = cast("SearchesSales", systems.target).search_sales(text.strip())
    ids = [sale.external_id for sale in sales]
    bound = store.read(lambda c: bound_keys(c, systems.channel.erp, ids))
    names = store.read(lambda c: name_orders(c, sorted(set(bound.values()))))
    return [_match(systems, order, sale, bound, names) for sale in sales]


def link_order(
    store: Store, systems: ChannelSystems, order: StoredOrder, sale_id: str, *, actor: Actor, reason: str = ""
) -> Match:
    """Bind the order to the sale with this id, as it stands in both systems now; audited.

    Raises LookupError with the reason where it is not to be linked or is worked on just now, Transient,
    ConnectionBroken.
    """
    match = _chosen(store, systems, order, sale_id)
    envelope = next(iter(current_orders(store, systems, [order.external_id])), None)
    if envelope is None:
        raise LookupError(say("nothing that came in of order %(number)s is kept any more", number=order.number))
    current = _unchanged(store, systems, order, envelope, match)

    def work(connection: Connection) -> bool:
        taken = bound_keys(connection, systems.channel.erp, [sale_id]).get(sale_id)
        if taken not in {None, order.id} or not link(connection, systems, envelope, current, match.sale):
            return False
        subject = f"order:{order.channel}:{order.external_id}"
        record_audit(connection, actor, "link", subject, before=order.state, after=match.sale_number, reason=reason)
        return True

    if not store.write(work):
        raise LookupError(
            say("order %(number)s is being worked on or looked up just now; try again in a moment", number=order.number)
        )
    return match


def _chosen(store: Store, systems: ChannelSystems, order: StoredOrder, sale_id: str) -> Match:
    match = next(
        (each for each in find_sales(store, systems, order, sale_id) if each.sale.external_id == sale_id), None
    )
    if match is None:
        raise LookupError(say("the ERP has no sale with the id %(sale_id)s any more", sale_id=repr(sale_id)))
    if not match.linkable:
        raise LookupError(
            say("sale %(sale_number)s is not linked: %(verdict)s", sale_number=match.sale_number, verdict=match.verdict)
        )
    return match


def _unchanged(store: Store, systems: ChannelSystems, order: StoredOrder, envelope: Envelope, match: Match) -> Order:
    """The order as the shop has it now."""
    if envelope.deleted:
        raise LookupError(say("order %(number)s is gone in the shop", number=order.number))
    try:
        current = read_order(store, systems, envelope)
    except Problems as problems:
        raise LookupError(
            say("order %(number)s cannot be read any more: %(problems)s", number=order.number, problems=problems)
        ) from problems
    if _expected(systems, current.totals.grand) != match.sale.total:
        raise LookupError(
            say(
                "order %(number)s has changed in the shop since: its total is %(grand)s now",
                number=order.number,
                grand=current.totals.grand,
            )
        )
    return current


@dataclasses.dataclass(frozen=True, slots=True)
class SaleNow:
    """One sale as the ERP has it at this moment."""

    external_id: str
    key: str
    number: str
    state: str
    total: Decimal
    currency: str
    rank: Rank | None
    #: Whether it is the one that the order is linked with.
    linked: bool


def read_sales(systems: ChannelSystems, order: StoredOrder) -> list[SaleNow]:
    """What the ERP has of the order now: everything under its key, and the sale that it is linked with.

    Raises Transient, ConnectionBroken.
    """
    key = systems.target_mapping.sale_key(order.external_id, systems.target_options)
    found: list[TargetDocument | DocumentSummary] = [*systems.target.find_sales([key]).get(key, [])]
    known = {sale.external_id for sale in found}
    if order.erp_id and order.erp_id not in known and has(systems.target, SearchesSales):
        searched = cast("SearchesSales", systems.target).search_sales(order.erp_id)
        found += [sale for sale in searched if sale.external_id == order.erp_id]
    return [
        SaleNow(
            sale.external_id,
            sale.key,
            sale.number,
            sale.state,
            sale.total,
            sale.currency,
            sale.rank,
            sale.external_id == order.erp_id,
        )
        for sale in found
    ]


def _demand_linkable(systems: ChannelSystems, order: StoredOrder) -> None:
    if not has(systems.target, SearchesSales):
        raise LookupError(
            say("%(erp)s cannot be searched; `crossdock adopt` links by the order's number", erp=systems.channel.erp)
        )
    if not order.id:
        raise LookupError(
            say(
                "order %(number)s could not be read, so nothing of it can be compared; correct it in "
                "the shop, or reject it and name the sale as the reason",
                number=order.number,
            )
        )
    if order.erp_id:
        raise LookupError(
            say(
                "order %(number)s is linked with sale %(erp_number)s already",
                number=order.number,
                erp_number=order.erp_number or order.erp_id,
            )
        )


def _match(
    systems: ChannelSystems,
    order: StoredOrder,
    sale: DocumentSummary,
    bound: Mapping[str, int],
    names: Mapping[int, str],
) -> Match:
    expected = _expected(systems, Money(order.grand, order.currency))
    owner = bound.get(sale.external_id)
    verdict = ""
    if owner not in {None, order.id}:
        verdict = say("no: it belongs to order %(number)s", number=names.get(owner or 0, say("of another channel")))
    elif sale.rank is Rank.CANCELLED:
        verdict = say("no: it is cancelled in the ERP")
    elif (sale.total, sale.currency) != (expected, order.currency):
        verdict = say("no: the totals differ; correct one of them first")
    return Match(order.external_id, order.number, order.placed_on, f"{expected} {order.currency}", sale, verdict)


def _expected(systems: ChannelSystems, grand: Money) -> Decimal:
    return systems.target_options.rounded(grand)
