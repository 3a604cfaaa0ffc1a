"""What a shop would be told of an order once its goods have left and its invoice is posted, with stand-ins for both.

No document of the past says what a mapping profile would tell the shop of it: the parcel and the invoice that the ERP
would give are made up here, the same for every profile, so that two of them can be compared.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from config.model import InvoiceNews, ShipmentNews
from mappings.canonical.facets import Invoice, InvoiceState, Parcel, Shipment, ShipmentState, ShippedLine
from mappings.canonical.money import Money
from mappings.canonical.records import Order
from mappings.facets import Billed, Sent, ShopFacets
from sync.rules.systems import ChannelSystems

#: What the ERP would say; in angle brackets, as every stand-in.
_SHIPMENT: Final = "<shipment>"
_CARRIER: Final = "<carrier>"
_TRACKING: Final = "<tracking number>"
_TRACKING_URL: Final = "https://track.example/"
_INVOICE: Final = "<invoice>"
_LINK: Final = "https://invoice.example/"
_KEY: Final = "<key>"


def shop_news(systems: ChannelSystems, order: Order) -> dict[str, Any]:
    """Part of the shop -> the payload that it would get, of all that the channel tells its shop. Raises Problems."""
    facets, after = systems.shop_facets, systems.channel.after_import
    if facets is None:
        return {}
    news: dict[str, Any] = {}
    if after.shipments is not ShipmentNews.OFF:
        sent = _sent(order, notify=after.notify)
        news |= _of_parcel(facets, sent, notes_only=after.shipments is ShipmentNews.NOTE)
    if after.invoices is not InvoiceNews.OFF:
        news["invoice_marks"] = facets.invoice_marks([_billed(order, linked=after.invoices is InvoiceNews.LINK)], {})
    for word in sorted(set(after.state_back.values())):
        news.setdefault("state", {})[word] = facets.state(word)
    return {name: _by_keys(payload) for name, payload in news.items()}


def _by_keys(payload: Any) -> Any:
    """Entries of a list by their keys, so that a field is told by its name and not by its place."""
    if isinstance(payload, dict):
        return {name: _by_keys(value) for name, value in payload.items()}
    if isinstance(payload, list) and payload and all(isinstance(each, dict) and "key" in each for each in payload):
        return {each["key"]: _by_keys(each.get("value", each)) for each in payload}
    return payload


def _of_parcel(facets: ShopFacets, sent: Sent, *, notes_only: bool) -> dict[str, Any]:
    """A shop gets a fulfilment or a note; which, its version decides, and nobody asks it here."""
    note, fulfilment = facets.shipment_note, facets.fulfilment
    alone = note is None or not notes_only
    news = {"fulfilment": fulfilment(sent)} if alone and fulfilment is not None else {}
    news |= {} if note is None else {"shipment_note": note(sent)}
    return {**news, "shipment_marks": facets.shipment_marks([sent], {})}


def _sent(order: Order, *, notify: bool) -> Sent:
    lines = [line for line in order.lines if line.external_id.isdecimal()]
    return Sent(
        order=order,
        shipment=Shipment(
            external_id="0",
            number=_SHIPMENT,
            state=ShipmentState.SENT,
            lines=tuple(ShippedLine(code=line.sku, quantity=line.quantity) for line in lines),
            parcels=(Parcel(tracking_number=_TRACKING),),
            carrier=_CARRIER,
            sent_on=order.placed_on,
        ),
        pieces={line.external_id: line.quantity for line in lines},
        carrier=_CARRIER,
        tracking_url=_TRACKING_URL,
        notify=notify,
        key=_KEY,
    )


def _billed(order: Order, *, linked: bool) -> Billed:
    grand, tax = order.totals.grand, order.totals.tax
    return Billed(
        order=order,
        invoice=Invoice(
            external_id="0",
            number=_INVOICE,
            state=InvoiceState.POSTED,
            dated_on=order.placed_on,
            due_on=None,
            net=grand - tax,
            tax=tax,
            total=grand,
            open=Money(Decimal(0), order.currency),
        ),
        link=_LINK if linked else "",
    )
