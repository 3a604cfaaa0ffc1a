"""The sandbox ERP's connector: what it can do, each in a module of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from connectors.kit.auth import Bearer
from connectors.kit.base import (
    ConnectorSettings,
    Diagnoses,
    DocumentSummary,
    JsonDict,
    KeyDeclaration,
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
from connectors.kit.errors import ConnectorError
from connectors.kit.facets import (
    BooksFees,
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
from connectors.kit.http import HttpClient
from connectors.kit.options import Options
from connectors.kit.stock import Location, StockChanges, StockReading, StockSource
from connectors.sandbox_erp import follow, lists, stock
from connectors.sandbox_erp.checkup import CHECKS, diagnose
from connectors.sandbox_erp.client import Client, classify
from connectors.sandbox_erp.documents import Documents
from connectors.sandbox_erp.masters import Masters
from connectors.sandbox_erp.money import Money

_MAX_BULK: Final = 50
_MAX_PAGE: Final = 500
#: An effect may land this long after the declared bound: the clock's and the scheduler's share.
_SETTLE_MARGIN_S: Final = 0.5

_OPTIONS: Final = ("bulk", "enforced_key", "enforced_reference", "shop", "cache_s", "settle_bound_s", "page_size")


class SandboxErp(
    SalesTarget,
    FollowsSales,
    RefundsSales,
    ListsRefunds,
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
):
    """See the package's text. Safe to share between threads."""

    checks: Mapping[str, str] = CHECKS
    survey_batch = follow.SURVEY_BATCH
    figure = stock.FIGURE
    reserves_at = Rank.CONFIRMED
    stock_batch = stock.STOCK_BATCH

    def __init__(self, settings: ConnectorSettings, *, throttle: Throttle | None = None, dry_run: bool = False) -> None:
        """Raises ConnectionBroken naming an option that cannot be used."""
        options = Options("sandbox_erp", settings.options, _OPTIONS)
        self.concurrency = settings.concurrency or 32
        self.bulk = options.whole("bulk", 1, 1, _MAX_BULK)
        self.write_deadline_s = settings.deadline_s or 10.0
        self.keys: Mapping[str, KeyDeclaration] = _keys(
            enforced=options.flag("enforced_key", default=True),
            reference=options.flag("enforced_reference", default=False),
        )
        self._page_size = options.whole("page_size", _MAX_PAGE, 1, _MAX_PAGE)
        self._shop = options.text("shop", "crossdock")
        self._settle_s: float | None = options.seconds("settle_bound_s", None)
        self._http = HttpClient(
            settings.url,
            auth=Bearer(settings.key) if settings.key else None,
            deadline_s=self.write_deadline_s,
            allow_hosts=settings.allow_hosts,
            ca_file=settings.ca_file,
            throttle=throttle,
            dry_run=dry_run,
            classifier=classify,
            secrets=(settings.key,),
        )
        self._client = Client(self._http)
        self._masters = Masters(self._client, options.seconds("cache_s", 300.0))
        self._money = Money(self._client)
        self._sales, self._refunds = (self._documents(kind) for kind in ("sale", "refund"))

    def _documents(self, kind: str) -> Documents:
        return Documents(client=self._client, shop=self._shop, kind=kind, bulk=self.bulk, forget=self._masters.forget)

    @property
    def settle_bound_s(self) -> float | None:  # type: ignore[override]  # only read; a constructor makes no calls
        """What the sandbox declares, asked once; None while it cannot be asked."""
        if self._settle_s is None:
            try:
                info = self._http.request("GET", "_sandbox/info", anonymous=True, deadline_s=2.0).data
                self._settle_s = float(info["settle_s"]) + _SETTLE_MARGIN_S
            except (ConnectorError, KeyError, TypeError, ValueError):
                return None
        return self._settle_s

    def close(self) -> None:
        """Close the connections; the connector can be used again afterwards."""
        self._http.close()

    def diagnose(self, circumstances: Circumstances) -> Iterator[Finding]:  # noqa: ARG002 -- the protocol's
        """See `checks`."""
        yield from diagnose(self._client, self.keys, lambda: self.settle_bound_s)

    def test_sale(self, key: str) -> JsonDict:
        """A sale of nothing, to a customer who stays: this ERP deletes none."""
        return self._masters.test_sale(key)

    # SalesTarget, SearchesSales

    def resolve(self, refs: Iterable[Ref]) -> dict[Ref, JsonDict]:
        """Products, parties, warehouses, payment methods, accounts by code; what is unknown is asked for every time."""
        return self._masters.resolve(refs)

    def save_party(self, payload: JsonDict) -> JsonDict:
        """Create the party with its code in the same call."""
        return self._masters.save_party(payload)

    def find_sales(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Every sale of our shop under each key, lowest id first."""
        return self._sales.find(keys)

    def search_sales(self, text: str) -> list[DocumentSummary]:
        """By number, reference, key or id."""
        return lists.search_sales(self._client, self._shop, text)

    def create_sales(self, payloads: Sequence[JsonDict]) -> list[Result]:
        """Create drafts, `bulk` in a call; each item has an outcome of its own."""
        return self._sales.create(payloads)

    def advance_sales(self, documents: Sequence[TargetDocument], rank: Rank) -> list[Result]:
        """Bring up what is below `rank`, then read it back: the answer to the write is not taken for proof."""
        return self._sales.advance(documents, rank)

    def delete_draft(self, document: TargetDocument) -> None:
        """Delete our own draft, of a sale or of a refund; one that is gone already counts as deleted."""
        self._sales.delete(document)

    def list_sales(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """Every sale of our shop placed in the window, whoever made it; refunds are no sales."""
        return lists.list_sales(self._client, self._shop, since, until)

    # FollowsSales

    def pull_sales(self, checkpoint: str | None, *, since: dt.datetime | None = None) -> Iterator[Page]:
        """By the number of the change; no overlap is needed."""
        return follow.pull_sales(self._client, self._shop, self._page_size, checkpoint, since)

    def survey_sales(self, external_ids: Sequence[str]) -> dict[str, JsonDict]:
        """One call for each batch."""
        return follow.survey_sales(self._client, external_ids)

    # RefundsSales, ListsRefunds

    def find_refunds(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Every refund of our shop under each key, lowest id first."""
        return self._refunds.find(keys)

    def create_refunds(self, payloads: Sequence[JsonDict]) -> list[Result]:
        """Create drafts, `bulk` in a call; each item has an outcome of its own."""
        return self._refunds.create(payloads)

    def advance_refunds(self, documents: Sequence[TargetDocument], rank: Rank) -> list[Result]:
        """Bring up what is below `rank`, then read it back."""
        return self._refunds.advance(documents, rank)

    def list_refunds(self, since: dt.datetime, until: dt.datetime) -> Iterator[RefundSummary]:
        """Every refund of our shop, whoever made it."""
        return lists.list_refunds(self._client, self._shop, since, until)

    # TakesPayments, BooksFees, PostsInvoices, GivesFiles

    def find_payments(self, references: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Every payment under each reference, lowest id first."""
        return self._money.find_payments(references)

    def register_payment(self, payload: JsonDict) -> TargetDocument:
        """Make one payment; the ERP refuses more than is open."""
        return self._money.register(payload)

    def draft_payment(self, payload: JsonDict) -> TargetDocument:
        """Leave one for people to post."""
        return self._money.draft(payload)

    def find_fees(self, references: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Every fee under each reference, lowest id first."""
        return self._money.find_fees(references)

    def book_fee(self, payload: JsonDict) -> TargetDocument:
        """Make one as a draft."""
        return self._money.book_fee(payload)

    def post_fee(self, external_id: str) -> TargetDocument:
        """Post one; the ERP leaves alone what is posted already."""
        return self._money.post_fee(external_id)

    def post_invoice(self, external_id: str) -> None:
        """Post one; the ERP leaves alone what is posted already."""
        self._money.post(external_id)

    def fetch_file(self, kind: str, external_id: str, *, max_bytes: int) -> DocumentFile:
        """The printed text of an `invoice`."""
        return self._money.file(kind, external_id, max_bytes)

    # ChangesSales

    def change_sale(self, external_id: str, payload: JsonDict) -> TargetDocument:
        """The ERP takes changes of drafts and quotations, and refuses all others."""
        return self._sales.change(external_id, payload)

    def cancel_sale(self, external_id: str) -> TargetDocument:
        """The ERP ends what has not left and is not posted; the sale itself only where nothing is left."""
        return self._sales.cancel(external_id)

    # StockSource

    def list_locations(self) -> list[Location]:
        """The ERP's warehouses."""
        return stock.list_locations(self._client)

    def read_stock(self, locations: Sequence[str], skus: Sequence[str] | None = None) -> Iterator[list[StockReading]]:
        """Goods only; services have no stock."""
        return stock.read_stock(self._client, locations, skus)

    def pull_stock_changes(self, checkpoint: str | None) -> Iterator[StockChanges]:
        """By the number of the change; no overlap is needed."""
        return stock.pull_stock_changes(self._client, checkpoint)


def _keys(*, enforced: bool, reference: bool) -> dict[str, KeyDeclaration]:
    how = "" if enforced else "start the sandbox without --no-enforce-key, and take the option out"
    document = KeyDeclaration("external_key", enforced=enforced, same_call=True, draft=True, how_to_enforce=how)
    how = "" if reference else "start the sandbox with --enforce-reference, and set `enforced_reference: true`"
    return {
        "sale": document,
        "refund": document,
        "party": KeyDeclaration("code", enforced=enforced, same_call=True),
        "payment": KeyDeclaration("reference", enforced=reference, same_call=True, how_to_enforce=how),
        "fee": KeyDeclaration("reference", enforced=False, same_call=True, draft=True),
    }
