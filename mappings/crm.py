"""What a mapping knows of a CRM's accounts: who a customer is, and what he has bought, in the vendor's own JSON.

Beside the mapping of the order itself (`mappings.base`), and as pure.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Final

from mappings import buyers
from mappings.base import JsonDict
from mappings.canonical.money import Money
from mappings.canonical.records import Address, Order
from mappings.facets import Billed, Sent
from mappings.notes import numbers_of, reference

#: Lines of an order that its entry shows.
_MOST_LINES: Final = 20
_APART: Final = " | "


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What one customer has bought, over all channels; cancelled and refused orders do not count."""

    #: None at all is what is left where all of them were cancelled.
    orders: int
    #: What they came to with tax, less what was given back.
    value: Money
    #: The newest order, and the day on which it was placed; empty and None where there is none.
    last_number: str
    last_on: dt.date | None
    #: What is open of posted invoices; None where the ERP does not say.
    open: Money | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """A customer whom a CRM does not know yet: a company with the person who buys for it, or a person alone."""

    #: Empty for a person.
    company: str
    first_name: str
    last_name: str
    email: str
    phone: str
    vat_id: str
    #: Where invoices go.
    address: Address
    #: A person has said that the account of the same name is somebody else: the new one's name is to tell them apart.
    apart: bool = False

    @property
    def person(self) -> str:
        """What the person is called; empty where nobody says."""
        return buyers.joined(self.first_name, self.last_name)


def buyer_of(order: Order, *, apart: bool = False) -> Buyer:
    """Who bought, as far as the order says: the customer's own words before those of the address."""
    customer, address = order.customer, buyers.billing(order)
    named = customer if customer.first_name.strip() or customer.last_name.strip() else address
    return Buyer(
        company=customer.company.strip() or address.company.strip(),
        first_name=named.first_name.strip(),
        last_name=named.last_name.strip(),
        email=(customer.email or address.email).strip(),
        phone=(customer.phone or address.phone).strip(),
        vat_id=customer.vat_id.strip(),
        address=address,
        apart=apart,
    )


def account_name(buyer: Buyer) -> str:
    """What the account of a buyer is called; of a person with the e-mail address, for many are called the same.

    Empty for one of whom nobody knows a name or an address.
    """
    if buyer.company:
        place = buyers.joined(buyer.address.postal_code, buyer.address.city)
        return _with(buyer.company, (buyer.vat_id or place or buyer.email) if buyer.apart else "")
    return _with(buyer.person, buyer.email) if buyer.person else buyer.email


def _with(name: str, more: str) -> str:
    return f"{name} ({more})" if more else name


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened in a customer's history."""

    #: By this the entry is found again: it stands in what `CrmFacets.entry` writes. No space in it.
    key: str
    title: str
    lines: tuple[str, ...]


def order_entry(order: Order, key: str, where: str) -> Entry:
    """An order: when and where it was placed, what it came to, and of what it is."""
    said = (order.placed_on.isoformat(), str(order.totals.grand), where)
    lines = [f"{line.quantity.normalize():f} x {_flat(line.name or line.sku)}" for line in order.lines]
    left = len(lines) - _MOST_LINES
    shown = (*lines[:_MOST_LINES], *((f"+ {left}",) if left > 0 else ()))
    return Entry(key=key, title=f"Order {order.number}", lines=(_APART.join(filter(None, said)), *shown))


def parcel_entry(sent: Sent) -> Entry:
    """A parcel of an order, under its own key."""
    shipment = sent.shipment
    day = shipment.sent_on.isoformat() if shipment.sent_on else ""
    names = {line.external_id: line.name or line.sku for line in sent.order.lines}
    pieces = [f"{count.normalize():f} x {_flat(names.get(line, line))}" for line, count in sent.pieces.items() if count]
    said = (shipment.number or shipment.external_id, day, sent.carrier, ", ".join(numbers_of(sent)), sent.tracking_url)
    return Entry(key=sent.key, title=f"Parcel of {sent.order.number}", lines=(_APART.join(filter(None, said)), *pieces))


def invoice_entry(billed: Billed, key: str) -> Entry:
    """An invoice or a credit note, as it was when it was posted: what is open of it the roll-up says."""
    invoice = billed.invoice
    day = invoice.dated_on.isoformat() if invoice.dated_on else ""
    said = (day, str(invoice.total), f"of it {invoice.part}" if invoice.part else "", billed.link)
    what = "Credit note" if invoice.credit else "Invoice"
    title = f"{what} {invoice.number} of {billed.order.number}"
    return Entry(key=key, title=title, lines=(_APART.join(filter(None, said)),))


def entry_text(entry: Entry) -> str:
    """The lines, and our reference as the last of them."""
    return "\n".join((*entry.lines, reference(entry.key)))


def _flat(text: str) -> str:
    """On one line: the last line of an entry is ours."""
    return " ".join(text.split())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CrmFacets:
    """What a CRM's mapping writes of its accounts; None for what the CRM has no place for."""

    #: The payload of `KeepsAccounts.update_accounts` for one account.
    history: Callable[[History], JsonDict]
    #: The payload of `CreatesAccounts.create_accounts` for one buyer, of whom a name is known (`account_name`).
    account: Callable[[Buyer], JsonDict] | None = None
    #: The payload of `TakesContacts.create_contacts`: a buyer with an e-mail address, and the account's id.
    contact: Callable[[Buyer, str], JsonDict] | None = None
    #: The payload of `TellsAccounts.add_entry`.
    entry: Callable[[Entry], JsonDict] | None = None
    #: The key that an entry carries, as `TellsAccounts.list_entries` gives it; empty for one that somebody else wrote.
    entry_key: Callable[[JsonDict], str] = lambda _: ""
    #: What people call an account that `KeepsAccounts.find_accounts` found.
    name: Callable[[JsonDict], str] = lambda row: str(row.get("name") or "")
