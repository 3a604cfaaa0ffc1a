"""Odoo as a target for sales, and as a source of stock."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from connectors.kit.base import (
    ConnectorSettings,
    Diagnoses,
    DocumentSummary,
    JsonDict,
    KeyDeclaration,
    LinksDocuments,
    OffersTestSale,
    Page,
    Rank,
    Ref,
    Result,
    SalesTarget,
    SearchesSales,
    TargetDocument,
    Throttle,
)
from connectors.kit.cache import Aged
from connectors.kit.errors import RecordRejected
from connectors.kit.facets import (
    BooksFees,
    CallsOffGoods,
    ChangesSales,
    DocumentFile,
    DraftsPayments,
    FollowsSales,
    GivesFiles,
    ListsRefunds,
    MakesInvoices,
    PostsInvoices,
    RefundsSales,
    RefundSummary,
    TakesPayments,
)
from connectors.kit.findings import Circumstances, Finding
from connectors.kit.ladder import asked_as
from connectors.kit.preparing import Need, Prepares
from connectors.kit.stock import Location, StockChanges, StockReading, StockSource
from connectors.kit.until import Until
from connectors.odoo import follow, preparing, stock
from connectors.odoo.calloff import CallOff
from connectors.odoo.changes import Changes
from connectors.odoo.checkup import CHECKS, Checkup
from connectors.odoo.client import OdooClient
from connectors.odoo.fees import Fees
from connectors.odoo.files import Files
from connectors.odoo.follow import Follow
from connectors.odoo.goods import find_products
from connectors.odoo.invoicing import Invoicing
from connectors.odoo.masters import Masters
from connectors.odoo.options import read_options
from connectors.odoo.parties import find_parties, save_party
from connectors.odoo.payments import Payments
from connectors.odoo.refunds import Refunds
from connectors.odoo.sales import Sales
from connectors.odoo.stock import Stock

_KEYS: Final[Mapping[str, KeyDeclaration]] = {
    "sale": KeyDeclaration("external id", enforced=True, same_call=True, draft=True),
    "party": KeyDeclaration("external id", enforced=True, same_call=True),
    "refund": KeyDeclaration("external id", enforced=True, same_call=True, draft=True),
    "payment": KeyDeclaration("external id", enforced=True, same_call=True, draft=True),
    "fee": KeyDeclaration("external id", enforced=True, same_call=True, draft=True),
}
#: Kind of a document -> its model, under which the web client shows it.
_PAGES: Final[Mapping[str, str]] = {
    "sale": "sale.order",
    "shipment": "stock.picking",
    "return": "stock.picking",
    "invoice": "account.move",
    "credit_note": "account.move",
    "party": "res.partner",
}


class Odoo(
    SalesTarget,
    FollowsSales,
    ChangesSales,
    CallsOffGoods,
    RefundsSales,
    ListsRefunds,
    TakesPayments,
    DraftsPayments,
    BooksFees,
    MakesInvoices,
    PostsInvoices,
    GivesFiles,
    StockSource,
    Diagnoses,
    OffersTestSale,
    SearchesSales,
    LinksDocuments,
    Prepares,
):
    """Odoo 17 to 19 with the app Sales; safe to share between threads."""

    settle_bound_s = None
    figure = stock.FIGURE
    #: From then on its goods are reserved, as far as they are there.
    reserves_at = Rank.CONFIRMED
    stock_batch = stock.BATCH
    survey_batch = follow.BATCH
    checks = CHECKS
    presumed = ()
    makes = preparing.MAKES

    def __init__(self, settings: ConnectorSettings, *, throttle: Throttle | None = None, dry_run: bool = False) -> None:
        """Make no call yet. Raises ConnectionBroken naming what is missing in the connection."""
        options = read_options(settings.options)
        self._url = settings.url.rstrip("/")
        self._client = OdooClient(settings, options, throttle=throttle, dry_run=dry_run)
        self._masters = Masters(self._client, options)
        self._sales = Sales(self._client, self._masters, options)
        self._follow = Follow(self._client, self._masters, options, settings.overlap_s)
        self._changes = Changes(self._client, self._masters, options)
        self._calloff = CallOff(self._client)
        self._stock = Stock(self._client, self._masters, settings.overlap_s)
        self._refunds = Refunds(self._client, self._masters, options.module)
        booking = threading.Lock()
        self._invoicing = Invoicing(self._client, booking)
        self._payments = Payments(self._client, self._masters, options.module, booking)
        self._fees = Fees(self._client, self._invoicing, options.module)
        self._files = Files(self._client, self._invoicing)
        self._module = options.module
        self._products: Aged[str, JsonDict] = Aged(options.cache_s)
        self._parties: Aged[str, JsonDict] = Aged(options.party_cache_s)
        self.bulk = options.bulk
        # Two confirmations at once take as long as one after the other, and two loads can undo each other.
        self.concurrency = settings.concurrency or 1
        self.write_deadline_s = self._client.deadline_s
        self.keys = _KEYS

    def close(self) -> None:
        """Close the connections; the connector can be used again afterwards."""
        self._client.close()

    def diagnose(self, circumstances: Circumstances) -> Iterator[Finding]:  # noqa: ARG002 -- the protocol's
        """See `checkup.CHECKS`."""
        return Checkup(self._client, self._masters).run()

    def lacking(self, fields: Sequence[Need]) -> list[Need]:
        """By `fields_get` of the models."""
        return preparing.lacking(self._masters, fields)

    def prepare(self, need: Need) -> None:
        """A custom field of the type that fits, or a service product."""
        try:
            preparing.prepare(self._client, self._module, need, Until(self.write_deadline_s))
        finally:
            # What is believed of articles and fields is outdated.
            self._forget()

    def test_sale(self, key: str) -> JsonDict:
        """A sale of the company to itself, without lines."""
        return self._sales.test_payload(key)

    def resolve(self, refs: Iterable[Ref]) -> dict[Ref, JsonDict]:
        """Kind by kind, each in one call; found ones are believed for a while.

        * `product` by `default_code`: id, code, type, salable, unit, unit_digits, list_price, taxes [{id, name, rate}];
          of which there are several: `{"id": None, "candidates": [...]}`
        * `party` by hint `code` (`ref`), else `vat_id`, else `email`: id, code, name, vat_ids, emails, addresses
        * `tax` by id, name, description, else hint `rate`: id, name, type, rate, price_include ...
        * `company` (the connection's), `currency` (with its price list), `country`, `subdivision`, `payment_term`,
          `payment_method` (a journal), `carrier`, `warehouse` (empty: the first): id and what a payload needs
        * `account`: one of expenses, by its code or name

        Rates are in percent, amounts Decimal. Raises Transient, ConnectionBroken.
        """
        by_kind: dict[str, list[Ref]] = {}
        for ref in refs:
            by_kind.setdefault(ref.kind, []).append(ref)
        self._masters.company()
        found: dict[Ref, JsonDict] = {}
        for kind, wanted in by_kind.items():
            if kind == "product":
                found |= self._find_products(wanted)
            elif kind == "party":
                found |= self._find_parties(wanted)
            elif kind in self._masters.kinds:
                found |= self._masters.resolve(wanted)
        return found

    def save_party(self, payload: JsonDict) -> JsonDict:
        """Make a customer, or add addresses to the one that `payload["id"]` names; answers as `resolve` does."""
        try:
            return save_party(self._client, self._module, payload, Until(self.write_deadline_s))
        finally:
            # Whatever came of it, what is believed of this customer is outdated.
            self._parties.forget()

    def link(self, kind: str, external_id: str) -> str:
        """The document's page in the web client."""
        if kind not in _PAGES or not (external_id.isascii() and external_id.isdecimal()):
            return ""
        return f"{self._url}/web#id={external_id}&model={_PAGES[kind]}&view_type=form"

    def search_sales(self, text: str) -> list[DocumentSummary]:
        """By number, customer reference, source document or id."""
        return self._sales.search(text)

    def find_sales(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """By external id; a copy that somebody made of a sale has none."""
        return self._sales.find(keys)

    def create_sales(self, payloads: Sequence[JsonDict]) -> list[Result]:
        """In one transaction for `bulk` of them; a refused batch is sent again without those that the refusal names."""
        results = self._sales.create(payloads)
        if any(isinstance(result.error, RecordRejected) for result in results):
            # A product or address that we believed in may be gone: the next try must ask.
            self._forget()
        return results

    def advance_sales(self, documents: Sequence[TargetDocument], rank: Rank) -> list[Result]:
        """Mark as sent, or confirm: in one call, and read back."""
        return self._sales.advance(documents, rank)

    def delete_draft(self, document: TargetDocument) -> None:
        """Raises RecordRejected when it is a draft no longer, or the key's user may not delete."""
        self._sales.delete(document)

    def list_sales(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """Every sale of the company, or of the connection's sales team, whose order date lies in the window."""
        return self._sales.list_all(since, until)

    def pull_sales(self, checkpoint: str | None, *, since: dt.datetime | None = None) -> Iterator[Page]:
        """By what was written: sales and their lines, pickings and moves, invoices and payments."""
        return self._follow.pull(checkpoint, since)

    def survey_sales(self, external_ids: Sequence[str]) -> dict[str, JsonDict]:
        """With pickings, invoices, credit notes and payments: two calls for 50 sales, two more where money moved."""
        return self._follow.survey(external_ids)

    def change_sale(self, external_id: str, payload: JsonDict) -> TargetDocument:
        """Write to a quotation, or to a confirmed sale that is not locked, and read it back."""
        return self._changes.change(external_id, payload)

    def cancel_sale(self, external_id: str) -> TargetDocument:
        """Cancel it; of one whose goods have left or whose invoice is posted, what is still open."""
        return self._changes.cancel(external_id)

    def call_off(self, external_id: str, pieces: Mapping[str, Decimal], returns: Sequence[str]) -> None:
        """See `calloff`."""
        self._calloff.run(external_id, pieces, returns)

    def find_refunds(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Credit notes by external id; `total` is negative."""
        return self._refunds.find(keys)

    def create_refunds(self, payloads: Sequence[JsonDict]) -> list[Result]:
        """A draft credit note each, made after the returns of what comes back."""
        return self._refunds.create(payloads)

    def advance_refunds(self, documents: Sequence[TargetDocument], rank: Rank) -> list[Result]:  # noqa: ARG002 -- ditto
        """Nothing is left to do for one that stands: it is read back."""
        return self._refunds.read(documents)

    def list_refunds(self, since: dt.datetime, until: dt.datetime) -> Iterator[RefundSummary]:
        """Every credit note of one of the company's sales that was made in the window."""
        return self._refunds.list_all(since, until)

    def find_payments(self, references: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """By external id; `total` is negative for money that was paid out."""
        return self._payments.find(references)

    def register_payment(self, payload: JsonDict) -> TargetDocument:
        """Made, posted and matched with its invoice; one that was left half-way is brought to its end."""
        return self._payments.register(payload)

    def draft_payment(self, payload: JsonDict) -> TargetDocument:
        """Made, and left to people."""
        return self._payments.draft(payload)

    def find_fees(self, references: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Journal entries by external id."""
        return self._fees.find(references)

    def book_fee(self, payload: JsonDict) -> TargetDocument:
        """A draft entry in the journal of the payment's method."""
        return self._fees.book(payload)

    def post_fee(self, external_id: str) -> TargetDocument:
        """Post a draft entry, one at a time."""
        return self._fees.post(external_id)

    def make_invoices(self, external_id: str) -> list[str]:
        """By the wizard of the sale's button *Create Invoice*."""
        return self._invoicing.make(external_id)

    def post_invoice(self, external_id: str) -> None:
        """Post a draft invoice or credit note, one at a time."""
        self._invoicing.post(external_id)

    def fetch_file(self, kind: str, external_id: str, *, max_bytes: int) -> DocumentFile:
        """The PDF that was printed of a posted `invoice`; Odoo prints none for a key."""
        return self._files.fetch(kind, external_id, max_bytes)

    def list_locations(self) -> list[Location]:
        """The warehouses, by their code."""
        return self._stock.locations()

    def read_stock(self, locations: Sequence[str], skus: Sequence[str] | None = None) -> Iterator[list[StockReading]]:
        """Goods alone: a service has no stock. One call for each warehouse and 200 articles."""
        return self._stock.read(locations, skus)

    def pull_stock_changes(self, checkpoint: str | None) -> Iterator[StockChanges]:
        """Articles whose quants were written, over the whole company."""
        return self._stock.changes(checkpoint)

    def _find_products(self, wanted: Sequence[Ref]) -> dict[Ref, JsonDict]:
        codes = {ref.value for ref in wanted}
        known = self._products.get_many(codes)
        if missing := codes - known.keys():
            fresh = find_products(self._client, self._masters, missing)
            self._products.put_many({code: product for code, product in fresh.items() if product["id"] is not None})
            known |= fresh
        return {ref: known[ref.value] for ref in wanted if ref.value in known}

    def _find_parties(self, wanted: Sequence[Ref]) -> dict[Ref, JsonDict]:
        known = self._parties.get_many(asked_as(ref) for ref in wanted)
        found = {ref: known[key] for ref in wanted if (key := asked_as(ref)) in known}
        if missing := [ref for ref in wanted if ref not in found]:
            fresh = find_parties(self._client, missing)
            self._parties.put_many({asked_as(ref): party for ref, party in fresh.items() if party["id"] is not None})
            found |= fresh
        return found

    def _forget(self) -> None:
        self._products.forget()
        self._parties.forget()
        self._masters.forget()
