"""The ledger, the state and the lock that everything in the sandbox ERP shares."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from connectors.sandbox.erp.documents import CURRENCY_DIGITS, Product, Refused, Sale
from connectors.sandbox.erp.papers import Invoice, Shipment
from connectors.sandbox.erp.state import State
from connectors.sandbox.ledger import Entry, Ledger

#: Codes of the warehouses that an ERP has unless it is told otherwise.
WAREHOUSES: Final = ("MAIN", "NORTH")

Record = TypeVar("Record")


@dataclasses.dataclass(frozen=True, slots=True)
class Decided(Generic[Record]):
    """What was decided and waits for its commit."""

    record: Record
    #: Of what was sent.
    digest: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How strict the books are."""

    #: Keys of sales and refunds and codes of parties are unique.
    enforce_key: bool = True
    #: References of payments are unique.
    enforce_reference: bool = False
    #: A confirmation, and the posting of an invoice, looks at what stands when it is decided and not when it is
    #: committed, as an ERP without row locks does: parallel ones make two invoices, or give one number twice.
    racy: bool = False
    #: A refund takes goods that have not left out of what waits to be sent.
    takes_out: bool = True
    #: Currency -> decimals, over the ERP's own.
    currency_digits: Mapping[str, int] = dataclasses.field(default_factory=dict)
    warehouses: Sequence[str] = WAREHOUSES
    #: The fields of its own that a sale has, all of which begin with `x_`; None: it takes any.
    custom_fields: Collection[str] | None = None


class Core:
    """State and ledger behind one lock. Methods that read or change hold it; `do` is called inside."""

    def __init__(self, ledger: Ledger, products: Iterable[Product], rules: Rules) -> None:
        """Take up again what the ledger tells, so that a killed ERP comes back with what it had accepted."""
        self.ledger = ledger
        self.rules = rules
        self.lock = threading.Lock()
        self.state = State(products, rules.warehouses)
        for entry in ledger.entries():
            self.state.apply(entry)
        self._digits = {**CURRENCY_DIGITS, **rules.currency_digits}
        # Ids that are given when something is decided, before it stands.
        self.party_ids = itertools.count(max(self.state.parties, default=0) + 1)
        self.sale_ids = itertools.count(max(self.state.sales, default=0) + 1)
        self.payment_ids = itertools.count(max(self.state.payments, default=0) + 1)
        self.fee_ids = itertools.count(max(self.state.fees, default=0) + 1)

    def digits(self, currency: str) -> int:
        """The decimals to which amounts of a currency are rounded."""
        return self._digits.get(currency, 2)

    def do(
        self, kind: str, key: str, record: int, *, total: str = "", document: object = None, digest: str = ""
    ) -> None:
        """Write one change into the ledger, then make it visible."""
        self.do_all([Entry(kind, key, str(record), total, document, digest)])

    def do_all(self, entries: Iterable[Entry]) -> None:
        """The same for several, which stand in the ledger all or none."""
        for entry in self.ledger.append_many(entries):
            self.state.apply(entry)

    # What is not there is refused

    def sale(self, sale_id: int, kind: str = "sale") -> Sale:
        """The sale, or for `refund` the refund. Raises Refused."""
        found = self.state.sales.get(sale_id)
        if found is None or found.kind != kind:
            raise Refused(404, "not_found", f"there is no {kind} {sale_id}", "id")
        return found

    def shipment(self, shipment_id: int) -> Shipment:
        """Raises Refused."""
        if (found := self.state.shipments.get(shipment_id)) is None:
            raise Refused(404, "not_found", f"there is no shipment {shipment_id}", "id")
        return found

    def invoice(self, invoice_id: int) -> Invoice:
        """Raises Refused."""
        if (found := self.state.invoices.get(invoice_id)) is None:
            raise Refused(404, "not_found", f"there is no invoice {invoice_id}", "id")
        return found


def now() -> str:
    """This moment as ISO-8601 in UTC; such texts sort as the times do."""
    return dt.datetime.now(tz=dt.UTC).isoformat(timespec="microseconds")


def today() -> str:
    """This day in UTC."""
    return dt.datetime.now(tz=dt.UTC).date().isoformat()
