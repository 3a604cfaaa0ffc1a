"""What a record of Zoho CRM shows of an order after it was imported: its number in the ERP, parcels, invoices, state.

Zoho CRM has no fields for them, so they stand in fields of the organisation's own, one line of text for each parcel and
invoice; what the organisation has no field for, the connector leaves out. A line begins with the number by which it is
known again, so that each stands there once, and lines of people stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mappings.base import JsonDict
from mappings.canonical.countries import country_name
from mappings.crm import Buyer, CrmFacets, Entry, History, account_name, entry_text
from mappings.facets import SENT, Billed, Sent, ShopFacets, StateWords
from mappings.notes import key_of, note_text, numbers_of
from mappings.zoho_crm.meaning import DEALS, PICKLISTS, QUOTES, SALES_ORDERS

#: Fields of the organisation's own, at orders: text of several lines; the number is one line.
SHIPMENTS: Final = "Crossdock_Shipments"
INVOICES: Final = "Crossdock_Invoices"
SALES: Final = "Crossdock_ERP_Number"
#: Under this name the connector is told the state; which field it is, its module says.
STATE: Final = "state"

#: Fields of the organisation's own, at accounts.
ORDERS: Final = "Crossdock_Orders"
VALUE: Final = "Crossdock_Value"
LAST_ORDER: Final = "Crossdock_Last_Order"
LAST_ORDER_ON: Final = "Crossdock_Last_Order_On"
OPEN: Final = "Crossdock_Open_Balance"

_BETWEEN: Final = " | "
_NOTE_TITLE: Final = "Crossdock"


def state(word: str) -> JsonDict:
    """Into one of the states of the record's picklist (`Delivered`)."""
    return {STATE: word}


def state_words(options: Mapping[str, Any]) -> StateWords:
    """The picklist that the organisation came with. Of deals and quotes none says that goods were sent."""
    module = {"quotes": QUOTES, "deals": DEALS}.get(str(options.get("orders_from") or ""), SALES_ORDERS)
    default = dict.fromkeys(SENT, "Delivered") if module == SALES_ORDERS else {}
    return StateWords(default=default, known=PICKLISTS[module], extended=True)


def shipment_note(sent: Sent) -> JsonDict:
    """A note at the record."""
    return {"Note_Title": _NOTE_TITLE, "Note_Content": note_text(sent)}


def note_key(payload: JsonDict) -> str:
    """Our key of a note; empty for one that somebody else wrote."""
    return key_of(str(payload.get("Note_Content") or ""))


def shipment_marks(parcels: Sequence[Sent], payload: JsonDict) -> JsonDict:
    """A line for each parcel: number, day, carrier, tracking."""
    return _marks(SHIPMENTS, [_parcel(sent) for sent in parcels], payload)


def invoice_marks(invoices: Sequence[Billed], payload: JsonDict) -> JsonDict:
    """A line for each invoice and credit note: number, day, total, what is open, the link."""
    return _marks(INVOICES, [_invoice(billed) for billed in invoices if billed.invoice.number], payload)


def sale_marks(numbers: Sequence[str], payload: JsonDict) -> JsonDict:
    """The numbers of the order's sales in the ERP."""
    text = ", ".join(numbers)
    return {SALES: text} if text != (payload.get(SALES) or "") else {}


def _parcel(sent: Sent) -> tuple[str, ...]:
    shipment = sent.shipment
    day = shipment.sent_on.isoformat() if shipment.sent_on else ""
    urls = [sent.tracking_url, *(parcel.tracking_url for parcel in shipment.parcels)]
    url = next((each for each in urls if each), "")
    return shipment.number or shipment.external_id, day, sent.carrier, ", ".join(numbers_of(sent)), url


def _invoice(billed: Billed) -> tuple[str, ...]:
    invoice = billed.invoice
    day = invoice.dated_on.isoformat() if invoice.dated_on else ""
    left = f"open {invoice.open}" if invoice.open else "paid"
    return invoice.number, day, str(invoice.total), left, billed.link


def _marks(name: str, entries: Sequence[tuple[str, ...]], payload: JsonDict) -> JsonDict:
    """The field with these lines in the place of those that begin with the same number; nothing where it is so."""
    standing = str(payload.get(name) or "").replace("\r\n", "\n").split("\n")
    lines = {line.partition(_BETWEEN)[0]: line for line in standing if line.strip()}
    lines |= {entry[0]: _BETWEEN.join(part for part in entry if part) for entry in entries}
    text = "\n".join(lines.values())
    return {name: text} if text != "\n".join(line for line in standing if line.strip()) else {}


def history(bought: History) -> JsonDict:
    """What an account shows of its orders. Amounts are numbers, as the CRM's fields of currency take them."""
    payload: JsonDict = {
        ORDERS: bought.orders,
        VALUE: float(bought.value.amount),
        LAST_ORDER: bought.last_number or None,
        LAST_ORDER_ON: None if bought.last_on is None else bought.last_on.isoformat(),
    }
    if bought.open is not None:
        payload[OPEN] = float(bought.open.amount)
    return payload


def account(buyer: Buyer) -> JsonDict:
    """A new account. Which field holds its VAT number (`vat_id`) the connection says, and the key comes from there."""
    where = buyer.address
    street = "\n".join(filter(None, (where.street, where.street_2)))
    told = {
        "Account_Name": account_name(buyer),
        "vat_id": buyer.vat_id,
        "Phone": buyer.phone,
        "Billing_Street": street,
        "Billing_City": where.city,
        "Billing_State": where.region,
        "Billing_Code": where.postal_code,
        "Billing_Country": country_name(where.country),
    }
    return {name: value for name, value in told.items() if value}


def contact(buyer: Buyer, account_id: str) -> JsonDict:
    """The person at the account; a last name is all that Zoho CRM demands."""
    told = {
        "First_Name": buyer.first_name if buyer.last_name else "",
        "Last_Name": buyer.last_name or buyer.first_name or buyer.company or buyer.email,
        "Email": buyer.email,
        "Phone": buyer.phone,
    }
    return {**{name: value for name, value in told.items() if value}, "Account_Name": {"id": account_id}}


def entry(told: Entry) -> JsonDict:
    """A note at the account."""
    return {"Note_Title": told.title, "Note_Content": entry_text(told)}


FACETS: Final = ShopFacets(
    shipment_marks=shipment_marks,
    invoice_marks=invoice_marks,
    state=state,
    state_words=state_words,
    sale_marks=sale_marks,
    shipment_note=shipment_note,
    note_key=note_key,
)


def _account_name(row: JsonDict) -> str:
    return str(row.get("Account_Name") or "")


ACCOUNTS: Final = CrmFacets(
    history=history, account=account, contact=contact, entry=entry, entry_key=note_key, name=_account_name
)
