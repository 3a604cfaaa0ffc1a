"""What stands in the sandbox ERP, rebuilt from its ledger: every change is an entry, applied in one place.

A running ERP writes the entry first and applies it then; a restarted one applies what it reads. So both have the same.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from connectors.sandbox.erp.changes import ChangeLog
from connectors.sandbox.erp.documents import CANCELLED, CONFIRMED, QUOTED, JsonDict, Party, Product, Sale
from connectors.sandbox.erp.papers import (
    DROPPED,
    PAID,
    PLANNED,
    POSTED,
    RECEIVED,
    SENT,
    Fee,
    Invoice,
    Payment,
    Shipment,
)
from connectors.sandbox.ledger import Entry

ZERO: Final = Decimal(0)

#: (product id, warehouse code).
Place = tuple[int, str]


class State:
    """All records by id, with their indexes. Not guarded: whoever changes it holds the books' lock.

    Documents of entries belong to the ledger: lists that come from one are put in the place of others, never changed.
    """

    def __init__(self, products: Iterable[Product], warehouses: Sequence[str]) -> None:
        """`warehouses` are codes; the first one has the opening stock."""
        self.warehouses = tuple(warehouses)
        self.products: dict[str, Product] = {}
        self.product_by_id: dict[int, Product] = {}
        self.parties: dict[int, Party] = {}
        #: (`code`, `email` or `vat_id`, what it is, folded) -> ids of parties.
        self.party_marks: dict[tuple[str, str], list[int]] = {}
        #: Sales and refunds.
        self.sales: dict[int, Sale] = {}
        #: (shop, external key) -> ids of sales and refunds.
        self.keys: dict[tuple[str, str], list[int]] = {}
        self.shipments: dict[int, Shipment] = {}
        self.invoices: dict[int, Invoice] = {}
        self.payments: dict[int, Payment] = {}
        self.references: dict[str, list[int]] = {}
        self.fees: dict[int, Fee] = {}
        self.fee_references: dict[str, list[int]] = {}
        self.on_hand: dict[Place, Decimal] = collections.defaultdict(Decimal)
        #: Confirmed and not sent yet.
        self.reserved: dict[Place, Decimal] = collections.defaultdict(Decimal)
        self.changed_sales = ChangeLog()
        self.changed_stock = ChangeLog()
        #: How many numbers were given.
        self.quoted = self.posted = 0
        self._at = ""
        self._applied = self._handlers()
        for product in products:
            self._put_product(product)

    def apply(self, entry: Entry) -> None:
        """Take in one entry of the ledger."""
        self._at = entry.at
        self._applied[entry.kind](entry)

    def available(self, place: Place) -> Decimal:
        """What may still be sold."""
        return self.on_hand.get(place, ZERO) - self.reserved.get(place, ZERO)

    def sale_of(self, number: int) -> Sale:
        """The sale of a sale or of a refund."""
        sale = self.sales[number]
        return sale if sale.origin is None else self.sales[sale.origin]

    def _handlers(self) -> Mapping[str, Callable[[Entry], object]]:
        """Kind of entry -> what it does."""
        of_sales = {
            "create": self._create,
            "quote": self._quote,
            "confirm": self._confirm,
            "cancel": self._cancel,
            "stop": self._stop,
            "change": self._change,
            "delete": self._delete,
        }
        return {
            "product.create": self._create_product,
            "party.create": self._create_party,
            "stock.set": self._set_stock,
            **{f"{kind}.{name}": apply for kind in ("sale", "refund") for name, apply in of_sales.items()},
            "shipment.send": self._send,
            "shipment.track": self._track,
            "shipment.receive": self._receive,
            "shipment.cancel": self._cancel_shipment,
            "invoice.post": self._post,
            "invoice.cancel": self._change_invoice,
            "invoice.change": self._change_invoice,
            "payment.create": self._create_payment,
            "payment.post": self._post_payment,
            "fee.create": self._create_fee,
            "fee.post": self._post_fee,
        }

    # Products and parties

    def _put_product(self, product: Product) -> None:
        self.products[product.code] = self.product_by_id[product.id] = product
        if opening := Decimal(product.opening):
            self.on_hand[product.id, self.warehouses[0]] = opening

    def _create_product(self, entry: Entry) -> None:
        self._put_product(Product(**{**entry.document, "taxes": tuple(entry.document["taxes"])}))

    def _create_party(self, entry: Entry) -> None:
        party = Party(**entry.document)
        self.parties[party.id] = party
        for mark in party.marks():
            self.party_marks.setdefault(mark, []).append(party.id)

    def _set_stock(self, entry: Entry) -> None:
        place = (int(entry.external_id), entry.document["warehouse"])
        self.on_hand[place] = Decimal(entry.document["quantity"])
        self.changed_stock.touch(place[0], self._at)

    # Sales and refunds

    def _create(self, entry: Entry) -> None:
        stored = entry.document
        lists = {name: list(stored[name]) for name in ("invoices", "shipments", "refunds")}
        sale = Sale(**stored | lists)
        self.sales[sale.id] = sale
        self.keys.setdefault((sale.shop, sale.external_key), []).append(sale.id)
        if sale.origin is not None:
            self.sales[sale.origin].refunds.append(sale.id)
        self._touch(sale)

    def _delete(self, entry: Entry) -> None:
        # No list of changes names what was deleted, as in the ERPs that were recorded: only a comparison finds it.
        sale = self.sales[int(entry.external_id)]
        del self.sales[sale.id]
        self.keys[sale.shop, sale.external_key].remove(sale.id)
        # Somebody at the database may have taken away the sale before its refund.
        if sale.origin in self.sales:
            self.sales[sale.origin].refunds.remove(sale.id)

    def _quote(self, entry: Entry) -> None:
        sale = self._change(entry)
        sale.state = QUOTED
        self.quoted += 1

    def _confirm(self, entry: Entry) -> None:
        sale = self._change(entry)
        sale.state = CONFIRMED
        for shipment_id, lines in entry.document.get("reduced", ()):
            self._reduce(self.shipments[shipment_id], lines)
        for stored in entry.document["shipments"]:
            self._put_shipment(stored)
            sale.shipments.append(stored["id"])
        invoice = entry.document["invoice"]
        self.invoices[invoice["id"]] = Invoice(**invoice)
        sale.invoices.append(invoice["id"])

    def _cancel(self, entry: Entry) -> None:
        self._stop(entry)
        self.sales[int(entry.external_id)].state = CANCELLED

    def _stop(self, entry: Entry) -> None:
        """What has not left and is not posted ends; the sale itself stays."""
        self._change(entry)
        for shipment_id in entry.document.get("shipments", ()):
            self._end_shipment(self.shipments[shipment_id])
        for invoice_id in entry.document.get("invoices", ()):
            self.invoices[invoice_id].state = CANCELLED

    def _change(self, entry: Entry) -> Sale:
        sale = self.sales[int(entry.external_id)]
        for name in ("updated_at", "number", "untaxed", "tax", "total", "details"):
            if name in entry.document:
                setattr(sale, name, entry.document[name])
        self._touch(sale)
        return sale

    def _touch(self, sale: Sale) -> None:
        of = sale if sale.origin is None else self.sales[sale.origin]
        self.changed_sales.touch(of.id, self._at)
        of.change = self.changed_sales.last

    # Shipments

    def _put_shipment(self, stored: JsonDict) -> None:
        shipment = Shipment(**stored)
        self.shipments[shipment.id] = shipment
        if shipment.state in PLANNED:
            self._move(self.reserved, shipment, shipment.lines, 1)

    def _reduce(self, shipment: Shipment, lines: Sequence[JsonDict]) -> None:
        self._move(self.reserved, shipment, shipment.lines, -1)
        self._move(self.reserved, shipment, lines, 1)
        shipment.lines = list(lines)
        if not lines:
            shipment.state = DROPPED

    def _send(self, entry: Entry) -> None:
        shipment, document = self._shipment(entry), entry.document
        self._move(self.reserved, shipment, shipment.lines, -1)
        self._move(self.on_hand, shipment, document["lines"], -1)
        shipment.state, shipment.lines, shipment.sent_on = SENT, list(document["lines"]), document["sent_on"]
        shipment.tracking, shipment.carrier = list(document["tracking"]), document["carrier"]
        if document["rest"] is not None:
            self._put_shipment(document["rest"])
            self.sales[shipment.sale].shipments.append(document["rest"]["id"])

    def _track(self, entry: Entry) -> None:
        shipment = self._shipment(entry)
        shipment.tracking, shipment.carrier = list(entry.document["tracking"]), entry.document["carrier"]

    def _receive(self, entry: Entry) -> None:
        shipment = self._shipment(entry)
        self._move(self.on_hand, shipment, shipment.lines, 1)
        shipment.state, shipment.sent_on = RECEIVED, entry.document["sent_on"]

    def _cancel_shipment(self, entry: Entry) -> None:
        self._end_shipment(self._shipment(entry))

    def _end_shipment(self, shipment: Shipment) -> None:
        if shipment.state in PLANNED:
            self._move(self.reserved, shipment, shipment.lines, -1)
        shipment.state = CANCELLED

    def _shipment(self, entry: Entry) -> Shipment:
        shipment = self.shipments[int(entry.external_id)]
        self._touch(self.sales[shipment.sale])
        return shipment

    def _move(self, shelf: dict[Place, Decimal], shipment: Shipment, lines: Iterable[JsonDict], sign: int) -> None:
        for line in lines:
            shelf[line["product"], shipment.warehouse] += sign * Decimal(line["quantity"])
            self.changed_stock.touch(line["product"], self._at)

    # Invoices and payments

    def _post(self, entry: Entry) -> None:
        self._change_invoice(entry)
        self.posted += 1

    def _change_invoice(self, entry: Entry) -> None:
        invoice = self.invoices[int(entry.external_id)]
        for name, value in entry.document.items():
            setattr(invoice, name, value)
        self._touch(self.sales[invoice.sale])

    def _create_payment(self, entry: Entry) -> None:
        payment = Payment(**entry.document)
        self.payments[payment.id] = payment
        self.references.setdefault(payment.reference, []).append(payment.id)
        if payment.state == POSTED:
            self._pay(payment)

    def _post_payment(self, entry: Entry) -> None:
        payment = dataclasses.replace(self.payments[int(entry.external_id)], state=POSTED)
        self.payments[payment.id] = payment
        self._pay(payment)

    def _pay(self, payment: Payment) -> None:
        invoice = self.invoices[payment.invoice]
        invoice.payments.append(payment.id)
        invoice.paid = f"{Decimal(invoice.paid) + Decimal(payment.amount):f}"
        invoice.state = POSTED if invoice.open else PAID
        self._touch(self.sales[invoice.sale])

    # Fees

    def _create_fee(self, entry: Entry) -> None:
        fee = Fee(**entry.document)
        self.fees[fee.id] = fee
        self.fee_references.setdefault(fee.reference, []).append(fee.id)

    def _post_fee(self, entry: Entry) -> None:
        number = int(entry.external_id)
        self.fees[number] = dataclasses.replace(self.fees[number], state=POSTED)
