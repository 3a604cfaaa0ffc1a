"""Adopting: linking orders with sales that the ERP has already, all of a time or one by hand. Creates nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Sequence

from sqlalchemy import Connection

from connectors.kit.base import DocumentSummary, Envelope, Rank
from connectors.kit.facets import FollowsSales
from mappings.canonical.errors import Problems
from mappings.canonical.money import Money
from mappings.canonical.records import Order, Refund
from mappings.canonical.words import say
from sync.flows.orders import WITHDRAWN
from sync.flows.rows import fetched, fingerprint, order_row
from sync.rules.asking import current_orders, listed_orders
from sync.rules.corrected import NONE, load_standings, read_corrected
from sync.rules.lookups import load_lookups
from sync.rules.systems import ChannelSystems
from sync.store.accepted import BEFORE_LINK
from sync.store.bindings import NewBinding, bound_keys, save_bindings
from sync.store.bodies import digest, dump_json, pack
from sync.store.documents import Seen, save_seen
from sync.store.engine import Store
from sync.store.inbox import record_events
from sync.store.issues import close_documents
from sync.store.items import find
from sync.store.marking import is_busy, release, settle_adopted
from sync.store.orders import save_orders
from sync.store.routes import drop_routes


@dataclasses.dataclass(frozen=True, slots=True)
class Match:
    """An order and the sale that carries its key or number; `verdict` says why it is not to be linked."""

    order_id: str
    number: str
    day: str
    shop_total: str
    sale: DocumentSummary
    verdict: str

    @property
    def linkable(self) -> bool:
        """Whether both sides are surely the same."""
        return not self.verdict

    @property
    def sale_number(self) -> str:
        """What the ERP calls it."""
        return self.sale.number or f"id {self.sale.external_id}"

    @property
    def sale_total(self) -> str:
        """With its currency."""
        return f"{self.sale.total} {self.sale.currency}"


def find_matches(store: Store, systems: ChannelSystems, since: dt.datetime, until: dt.datetime) -> list[Match]:
    """Orders placed in the window whose sale stands in the ERP unlinked. Raises Transient, ConnectionBroken."""
    margin = dt.timedelta(days=7)
    sales = [
        sale for sale in systems.target.list_sales(since - margin, until + margin) if sale.rank is not Rank.CANCELLED
    ]
    bound = store.read(lambda c: bound_keys(c, systems.channel.erp, [sale.external_id for sale in sales]))
    by_text: dict[str, list[DocumentSummary]] = {}
    for sale in sales:
        if sale.external_id not in bound:
            for text in {sale.key, sale.reference, sale.number} - {""}:
                by_text.setdefault(text, []).append(sale)
    matches = []
    for row in listed_orders(store, systems, since, until):
        key = systems.target_mapping.sale_key(row.external_id, systems.target_options)
        found = list({sale.external_id: sale for text in (key, row.number) for sale in by_text.get(text, [])}.values())
        matches += [_match(systems, row, sale, alone=len(found) == 1) for sale in found]
    return matches


def _match(systems: ChannelSystems, row: DocumentSummary, sale: DocumentSummary, *, alone: bool) -> Match:
    expected = systems.target_options.rounded(Money(row.total, row.currency))
    verdict = ""
    if not alone:
        verdict = say("no: more than one sale fits")
    elif (sale.total, sale.currency) != (expected, row.currency):
        verdict = say("no: the totals differ")
    day = (row.placed_on or row.placed_at.date()).isoformat()
    return Match(row.external_id, row.number, day, f"{expected} {row.currency}", sale, verdict)


def link_matches(store: Store, systems: ChannelSystems, matches: Sequence[Match]) -> int:
    """Bind each order to its sale; answers how many.

    Left out are orders that cannot be read, and those that are worked on or whose last write has no outcome yet: their
    sale may just be made.
    """
    by_id = {match.order_id: match for match in matches}
    done = 0
    for envelope in current_orders(store, systems, list(by_id)):
        if envelope.deleted:
            continue
        try:
            order = read_order(store, systems, envelope)
        except Problems:
            continue
        sale = by_id[envelope.external_id].sale
        write = functools.partial(link, systems=systems, envelope=envelope, order=order, sale=sale)
        done += store.write(write)
    return done


def read_order(store: Store, systems: ChannelSystems, envelope: Envelope) -> Order:
    """The order as a drain reads it, with the shop's own states and what was corrected of it. Raises Problems."""
    channel = systems.channel
    lookups = store.read(lambda c: load_lookups(c, channel))
    item_id = store.read(lambda c: find(c, channel.name, "order", envelope.external_id))
    known = {} if item_id is None else store.read(lambda c: load_standings(c, [item_id]))
    standing = known.get(item_id or 0, NONE)
    return read_corrected(systems.source_mapping, envelope.payload, systems.reading(lookups), standing).order


def link(
    connection: Connection, systems: ChannelSystems, envelope: Envelope, order: Order, sale: DocumentSummary
) -> bool:
    """Bind the order to its sale, which a drain then looks at; False while one owns it or a write has no outcome.

    What hangs on the sale comes back at once. What the shop had given back before is left to whoever made the sale, and
    so is an order that the shop has withdrawn, until something changes on either side.
    """
    channel = systems.channel
    event = fetched(channel.source, envelope, topic="adopt")
    record_events(connection, [event], {channel.source: [channel.name]})
    item_id = find(connection, channel.name, "order", envelope.external_id)
    assert item_id is not None
    if is_busy(connection, item_id):
        return False
    prints = fingerprint(systems, order)
    order_id = save_orders(connection, [order_row(systems, item_id, order, prints)])[order.external_id]
    # Who made this sale chose its warehouse too.
    drop_routes(connection, [order_id])
    save_bindings(connection, [_binding(channel.erp, order_id, sale)])
    save_seen(connection, [_given_back(order_id, channel.source, refund) for refund in order.refunds])
    settle_adopted(connection, item_id, event.digest, prints.canonical)
    close_documents(connection, [item_id])
    if order.state not in WITHDRAWN and systems.erp_facets is not None and isinstance(systems.target, FollowsSales):
        release(connection, [item_id])
    return True


def _binding(erp: str, order_id: int, sale: DocumentSummary) -> NewBinding:
    return NewBinding(
        connection=erp,
        kind="sale",
        external_id=sale.external_id,
        order_id=order_id,
        key=sale.key,
        number=sale.number,
        state=sale.state,
        # Adopted as it stands: how far a person brought it is theirs to decide.
        rank=int(Rank.CONFIRMED),
        total=f"{sale.total:f}",
        tax="",
    )


def _given_back(order_id: int, shop: str, refund: Refund) -> Seen:
    body = dump_json({"reason": refund.reason, "amount": f"{refund.amount.amount:f}"})
    row = Seen(
        order_id=order_id,
        connection=shop,
        kind="refund",
        external_id=refund.external_id,
        number=refund.external_id,
        state=BEFORE_LINK,
        digest=digest(body),
        body=pack(body),
    )
    return row.with_total(f"{refund.amount.amount:f}", refund.amount.currency)
