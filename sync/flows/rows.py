"""The rows of an order: what its source says, and its canonical form with the columns that people search by."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any, Final

from connectors.kit.base import Envelope
from mappings.canonical.records import Order
from mappings.canonical.schemas import order_to_json
from sync.rules.likeness import likeness_of, material_of
from sync.rules.systems import ChannelSystems
from sync.store.bodies import digest, dump_json, pack
from sync.store.inbox import NewEvent
from sync.store.orders import OrderRow


@dataclasses.dataclass(frozen=True, slots=True)
class Prints:
    """The order's JSON with its fingerprints."""

    json: dict[str, Any]
    #: Digest of what the sale is made from.
    material: str
    #: The same with the versions of the mappings that made it.
    canonical: str
    #: Equal for orders that look alike, for the duplicate rule.
    likeness: str


def fingerprint(systems: ChannelSystems, order: Order) -> Prints:
    """Computed once per order and looked at from several sides."""
    json = order_to_json(order)
    material = material_of(json)
    return Prints(json, material, f"{material}:{digest(systems.mapping_version.encode())[:16]}", likeness_of(order))


def order_row(
    systems: ChannelSystems,
    item_id: int,
    order: Order,
    prints: Prints,
    *,
    material: str = "",
    pushed: bytes | None = None,
    mapped_rows: bytes | None = None,
    sale_rows: bytes | None = None,
) -> OrderRow:
    """The row to be saved; `material` and `pushed` are those of the sale in the ERP where they are not its own."""
    customer = order.customer
    name = customer.company or f"{customer.first_name} {customer.last_name}".strip()
    return OrderRow(
        item_id=item_id,
        channel=systems.channel.name,
        external_id=order.external_id,
        number=order.number,
        email=(customer.email or order.billing.email)[:320],
        customer=name[:255],
        likeness=prints.likeness,
        source_state=order.source_state,
        version=order.version,
        currency=order.currency,
        grand=order.totals.grand.amount,
        placed_at=order.placed_at,
        placed_on=order.placed_on,
        mapping_version=_short(systems.mapping_version),
        profile_revision=systems.revision or None,
        material=material or prints.material,
        canonical=pack(dump_json(prints.json)),
        pushed=pushed,
        mapped_rows=mapped_rows,
        sale_rows=sale_rows,
        skus=frozenset(line.sku[:255] for line in order.lines if line.sku),
    )


#: Characters that the column takes; names of connections and of profiles may be longer.
_VERSION: Final = 64
_DIGEST: Final = 16


def _short(version: str) -> str:
    """As people read it; one that is too long ends in the digest of the whole."""
    if len(version) <= _VERSION:
        return version
    return f"{version[: _VERSION - _DIGEST - 1]}~{digest(version.encode())[:_DIGEST]}"


def entry(connection: str, envelope: Envelope, *, source: str) -> NewEvent:
    """The event of an order that came without being delivered; its body is not compressed yet, it may be no news."""
    body = dump_json(envelope.payload)
    return NewEvent(
        connection=connection,
        kind="order",
        external_id=envelope.external_id,
        source=source,
        topic="",
        version=envelope.version,
        body=body,
        digest=digest(body),
        received_at=dt.datetime.now(dt.UTC),
        hint_only=envelope.deleted,
    )


def fetched(source: str, envelope: Envelope, *, topic: str = "") -> NewEvent:
    """What was read in the source just now."""
    row = entry(source, envelope, source="fetch")
    return dataclasses.replace(row, body=pack(row.body), topic=topic, hint_only=False)
