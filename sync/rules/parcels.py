"""What has left for an order, as others are told of it: each shipment, its pieces allotted to the order's lines."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from mappings.canonical.facets import Shipment, ShipmentState
from mappings.canonical.records import Order
from mappings.facets import Sent
from sync.rules.allot import allot
from sync.rules.lookups import Lookups


def sent_of(order: Order, shipments: Iterable[Shipment], lookups: Lookups, *, notify: bool = False) -> list[Sent]:
    """Those of an order's shipments (all that the ERP has of it) that have left, oldest first, under our keys."""
    known = [each for each in shipments if not each.back]
    left = [each for each in known if each.state is ShipmentState.SENT]
    left.sort(key=lambda each: (each.sent_on is None, each.sent_on, len(each.external_id), each.external_id))
    ordered = {line.external_id: (lookups.text("sku", line.sku, line.sku), line.quantity) for line in order.lines}
    allotted = allot(
        ordered,
        [[(line.code, line.quantity) for line in shipment.lines] for shipment in left],
        bundles=_bundles(order),
        waiting={line.code for each in known if each.state is ShipmentState.PLANNED for line in each.lines},
    )
    return [_sent(order, *pair, lookups, notify=notify) for pair in zip(left, allotted, strict=True)]


def key_of(order_id: str, shipment_id: str) -> str:
    """By this the shop's document of a shipment is found again."""
    return f"{order_id}-{shipment_id}"


def _bundles(order: Order) -> dict[str, list[str]]:
    """Line of the order -> the lines that it is made up of."""
    lines = {line.external_id for line in order.lines}
    found: dict[str, list[str]] = {}
    for line in order.lines:
        if line.bundle_parent in lines:
            found.setdefault(line.bundle_parent, []).append(line.external_id)
    return found


def _sent(order: Order, shipment: Shipment, pieces: dict[str, Decimal], lookups: Lookups, *, notify: bool) -> Sent:
    return Sent(
        order=order,
        shipment=shipment,
        pieces=pieces,
        carrier=lookups.text("shop_carrier", shipment.carrier, shipment.carrier),
        tracking_url=_tracking_url(shipment, lookups),
        notify=notify,
        key=key_of(order.external_id, shipment.external_id),
    )


def _tracking_url(shipment: Shipment, lookups: Lookups) -> str:
    """The carrier's page by the look-up table `tracking_url`, whose value has `{number}` in it."""
    template = lookups.text("tracking_url", shipment.carrier)
    number = shipment.parcels[0].tracking_number if shipment.parcels else ""
    if template and number:
        return template.replace("{number}", number)
    return next((parcel.tracking_url for parcel in shipment.parcels if parcel.tracking_url), "")
