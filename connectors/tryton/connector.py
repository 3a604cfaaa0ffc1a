"""Tryton as a target for sales, and as the source of what becomes of them."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final
from urllib.parse import quote

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
    PostsInvoices,
    RefundsSales,
    RefundSummary,
    TakesPayments,
)
from connectors.kit.findings import Circumstances, Finding
from connectors.kit.ladder import asked_as
from connectors.kit.preparing import Need, Prepares
from connectors.kit.stock import Location, StockChanges, StockReading, StockSource
from connectors.tryton import follow, preparing, stock
from connectors.tryton.calloff import CallOff
from connectors.tryton.changes import Changes
from connectors.tryton.checkup import CHECKS, Checkup
from connectors.tryton.client import TrytonClient
from connectors.tryton.fees import Fees
from connectors.tryton.follow import Follow
from connectors.tryton.goods import find_products, find_subdivisions
from connectors.tryton.invoices import Invoices
from connectors.tryton.masters import Masters
from connectors.tryton.options import read_options
from connectors.tryton.parties import find_parties, save_party
from connectors.tryton.payments import Payments
from connectors.tryton.refunds import Refunds
from connectors.tryton.sales import Sales, without_returns
from connectors.tryton.stock import Stock

#: Without a login every sale is quoted and confirmed by calls of its own, of about a second each.
_BULK_WITHOUT_LOGIN: Final = 10

#: Kind of a document -> its model, under which the web client shows it.
_PAGES: Final[Mapping[str, str]] = {
    "sale": "sale.sale",
    "shipment": "stock.shipment.out",
    "return": "stock.shipment.out.return",
    "invoice": "account.invoice",
    "credit_note": "account.invoice",
    "party": "party.party",
}

_KEYS: Final[Mapping[str, KeyDeclaration]] = {
    "sale": KeyDeclaration("web_id", enforced=True, same_call=True, draft=True),
    "party": KeyDeclaration("code", enforced=True, same_call=True),
    "refund": KeyDeclaration("web_id", enforced=True, same_call=True, draft=True),
    "payment": KeyDeclaration("description", enforced=False, same_call=True),
    "fee": KeyDeclaration("description", enforced=False, same_call=True, draft=True),
}


class Tryton(
    SalesTarget,
    FollowsSales,
    RefundsSales,
    ListsRefunds,
    CallsOffGoods,
    TakesPayments,
    DraftsPayments,
    BooksFees,
    PostsInvoices,
    GivesFiles,
    ChangesSales,
    StockSource,
    Diagnoses,
    OffersTestSale,
    SearchesSales,
    LinksDocuments,
    Prepares,
):
    """Tryton 8 and newer with the modules `sale` and `web_shop`; safe to share between threads."""

    settle_bound_s = None
    survey_batch = follow.BATCH
    figure = stock.FIGURE
    reserves_at = Rank.CONFIRMED
    stock_batch = stock.BATCH
    checks = CHECKS
    presumed = ()
    makes = preparing.MAKES

    def __init__(self, settings: ConnectorSettings, *, throttle: Throttle | None = None, dry_run: bool = False) -> None:
        """Make no call yet. Raises ConnectionBroken naming what is missing in the connection."""
        options = read_options(settings.options)
        client_url = options.admin_url or settings.url.rstrip("/")
        self._pages = f"{client_url}/#{quote(options.database, safe='')}/model"
        self._client = TrytonClient(settings, options.database, throttle=throttle, dry_run=dry_run)
        self._masters = Masters(self._client, options)
        self.bulk = options.bulk if self._client.has_login else min(options.bulk, _BULK_WITHOUT_LOGIN)
        self._sales = Sales(self._client, self._masters, self.bulk)
        self._follow = Follow(self._client, self._masters, settings.overlap_s)
        self._stock = Stock(self._client, self._masters, settings.overlap_s)
        self._refunds = Refunds(self._client, self._masters, self._sales)
        self._changes = Changes(self._client)
        self._call_off = CallOff(self._client, self._masters)
        posting = threading.Lock()
        self._invoices = Invoices(self._client, posting)
        self._payments = Payments(self._client, self._masters, posting)
        self._fees = Fees(self._client, self._masters, posting)
        self._products: Aged[str, JsonDict] = Aged(options.cache_s)
        self._subdivisions: Aged[str, JsonDict] = Aged(options.cache_s)
        self._parties: Aged[str, JsonDict] = Aged(options.party_cache_s)
        self.concurrency = settings.concurrency or options.concurrency
        self.write_deadline_s = self._client.deadline_s
        self.keys = _KEYS

    def close(self) -> None:
        """Close the connections; the connector can be used again afterwards."""
        self._client.close()

    def diagnose(self, circumstances: Circumstances) -> Iterator[Finding]:  # noqa: ARG002 -- the protocol's
        """See `checkup.CHECKS`."""
        return Checkup(self._client, self._masters).run()

    def lacking(self, fields: Sequence[Need]) -> list[Need]:
        """By `ir.model.field`."""
        return preparing.lacking(self._client, fields)

    def prepare(self, need: Need) -> None:
        """A service product."""
        try:
            preparing.prepare(self._client, self._masters, need)
        finally:
            self._products.forget()

    def test_sale(self, key: str) -> JsonDict:
        """A sale of the company to itself, without lines."""
        return self._sales.test_payload(key)

    def resolve(self, refs: Iterable[Ref]) -> dict[Ref, JsonDict]:
        """Kind by kind, each in one call; found ones are believed for a while.

        * `product` by code: id, code, type, salable, unit (id), unit_digits, list_price, taxes [{id, name, rate}]
        * `party` by hint `code`, else `vat_id`, else `email`: id, code, name, vat_ids, emails, addresses, matched_by
        * `tax` by id, name, description, else hint `rate`: id, name, type, rate, amount, sequence, childs ...
        * `company`, `web_shop` (empty: the connection's own), `currency`, `country`, `subdivision`,
          `payment_term`, `payment_method`, `carrier`, `warehouse` (empty: the default): id and what a payload needs
        * `account`: one of expenses that is open and asks for no party

        Rates are in percent, amounts Decimal. `{"id": None, "candidates": [...]}` means that several match.
        Raises Transient, ConnectionBroken.
        """
        by_kind: dict[str, list[Ref]] = {}
        for ref in refs:
            by_kind.setdefault(ref.kind, []).append(ref)
        found: dict[Ref, JsonDict] = {}
        for kind, wanted in by_kind.items():
            if kind == "product":
                found |= self._by_code(wanted, self._products)
            elif kind == "subdivision":
                found |= self._by_code(wanted, self._subdivisions)
            elif kind == "party":
                found |= self._find_parties(wanted)
            elif kind in self._masters.kinds:
                found |= self._masters.resolve(wanted)
        return found

    def save_party(self, payload: JsonDict) -> JsonDict:
        """Create a party, or add addresses to the one that `payload["id"]` names; answers as `resolve` does."""
        try:
            return save_party(self._client, payload)
        finally:
            # Whatever came of it, what is believed of this party is outdated.
            self._parties.forget()

    def link(self, kind: str, external_id: str) -> str:
        """The document's page in the web client."""
        if kind not in _PAGES or not (external_id.isascii() and external_id.isdecimal()):
            return ""
        return f"{self._pages}/{_PAGES[kind]}/{external_id}"

    def search_sales(self, text: str) -> list[DocumentSummary]:
        """By number, reference, web id or id, within the web shop."""
        return self._sales.search(text)

    def find_sales(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """By `web_id` within the web shop, in one call; a return sale is none of them."""
        return without_returns(self._sales.find(keys))

    def create_sales(self, payloads: Sequence[JsonDict]) -> list[Result]:
        """In one transaction; a refused batch is looked up by key and sent singly."""
        results = self._sales.create(payloads)
        if any(isinstance(result.error, RecordRejected) for result in results):
            # A product or address that we believed in may be gone: the next try must ask.
            self._forget()
        return results

    def advance_sales(self, documents: Sequence[TargetDocument], rank: Rank) -> list[Result]:
        """Quote and confirm: lists over JSON-RPC where a login is configured, else one by one over REST."""
        return self._sales.advance(documents, rank)

    def delete_draft(self, document: TargetDocument) -> None:
        """Raises RecordRejected when it is a draft no longer."""
        self._sales.delete(document)

    def list_sales(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """Every sale of the web shop whose sale date lies in the window, in the zone of `since` and `until`."""
        return self._sales.list_all(since, until)

    # -- the way back ----------------------------------------------------------------------------------------

    def pull_sales(self, checkpoint: str | None, *, since: dt.datetime | None = None) -> Iterator[Page]:
        """Sales of the web shop, and those on whose shipments, returns, parcels or invoices something was written."""
        return self._follow.pull(checkpoint, since)

    def survey_sales(self, external_ids: Sequence[str]) -> dict[str, JsonDict]:
        """In one call for 25: each with lines, shipments, returns, invoices, payments, and its return sales alike."""
        return self._follow.survey(external_ids)

    def find_refunds(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Return sales by `web_id` within the web shop."""
        return self._refunds.find(keys)

    def create_refunds(self, payloads: Sequence[JsonDict]) -> list[Result]:
        """As sales; each must name the sale that it refunds."""
        return self._refunds.create(payloads)

    def advance_refunds(self, documents: Sequence[TargetDocument], rank: Rank) -> list[Result]:
        """As sales; the confirmation makes the credit note and the return shipment."""
        return self._refunds.advance(documents, rank)

    def list_refunds(self, since: dt.datetime, until: dt.datetime) -> Iterator[RefundSummary]:
        """Every return sale of the web shop's sales whose sale date lies in the window."""
        return self._refunds.list_all(since, until)

    def call_off(self, external_id: str, pieces: Mapping[str, Decimal], returns: Sequence[str]) -> None:
        """As a person would do it, by the server's own wizard, which needs a login."""
        self._call_off.run(external_id, pieces, returns)

    def find_payments(self, references: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Account moves of invoices by their description; `total` is negative for money that was paid out."""
        return self._payments.find(references)

    def register_payment(self, payload: JsonDict) -> TargetDocument:
        """Over the pay wizard, which needs a login. More than is open is refused, so a full payment cannot double."""
        return self._payments.register(payload)

    def draft_payment(self, payload: JsonDict) -> TargetDocument:
        """A draft move of the invoice, with the payment's reference as its description."""
        return self._payments.draft(payload)

    def find_fees(self, references: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Account moves without origin by their description."""
        return self._fees.find(references)

    def book_fee(self, payload: JsonDict) -> TargetDocument:
        """A draft move; needs no login."""
        return self._fees.book(payload)

    def post_fee(self, external_id: str) -> TargetDocument:
        """Post a draft move, one at a time."""
        return self._fees.post(external_id)

    def post_invoice(self, external_id: str) -> None:
        """Post a draft invoice or credit note, one at a time."""
        self._invoices.post(external_id)

    def fetch_file(self, kind: str, external_id: str, *, max_bytes: int) -> DocumentFile:
        """The report of a posted `invoice`: ODT, or PDF where the server is set up to convert it."""
        return self._invoices.file(kind, external_id, max_bytes)

    def change_sale(self, external_id: str, payload: JsonDict) -> TargetDocument:
        """Write to a draft or a quotation; a quotation is made a draft for it and quoted again."""
        return self._changes.change(external_id, payload)

    def cancel_sale(self, external_id: str) -> TargetDocument:
        """Cancel it; of one in process, its shipments that have not left and its draft invoices."""
        return self._changes.cancel(external_id)

    def list_locations(self) -> list[Location]:
        """The warehouses, by their code."""
        return self._stock.locations()

    def read_stock(self, locations: Sequence[str], skus: Sequence[str] | None = None) -> Iterator[list[StockReading]]:
        """Goods alone: a service has no stock. One call for each warehouse and 200 articles."""
        return self._stock.read(locations, skus)

    def pull_stock_changes(self, checkpoint: str | None) -> Iterator[StockChanges]:
        """Articles whose moves were made or written, over the whole company."""
        return self._stock.changes(checkpoint)

    def _by_code(self, wanted: Sequence[Ref], cache: Aged[str, JsonDict]) -> dict[Ref, JsonDict]:
        codes = {ref.value for ref in wanted}
        known = cache.get_many(codes)
        if missing := codes - known.keys():
            fresh = (
                find_products(self._client, missing, self._masters.context())
                if cache is self._products
                else find_subdivisions(self._client, missing)
            )
            cache.put_many(fresh)
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
        self._subdivisions.forget()
        self._parties.forget()
        self._masters.forget()
