"""The sandbox ERP as a target for sales: the smallest complete `SalesTarget`, and the example for a new one.

API: `connectors/sandbox/erp/app.py`. Options of a connection: `shop` (whose sales these are, default `crossdock`),
`enforced_key` (the ERP refuses a second sale with our key, default true), `bulk` (documents per call, 1 to 50, default
1: a window of single calls hides the latency as well and loses less to one lost reply), `settle_bound_s` (default:
what the sandbox declares), `cache_s` (how long a resolved reference is believed, default 300).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

from connectors.kit.answers import Response
from connectors.kit.auth import Bearer
from connectors.kit.base import (
    ConnectorSettings,
    Diagnoses,
    DocumentSummary,
    JsonDict,
    KeyDeclaration,
    OffersTestSale,
    Rank,
    Ref,
    Result,
    SalesTarget,
    SearchesSales,
    TargetDocument,
    Throttle,
)
from connectors.kit.errors import (
    AlreadyExists,
    ConnectionBroken,
    ConnectorError,
    OutcomeUnknown,
    RecordRejected,
    Transient,
)
from connectors.kit.findings import N_, Circumstances, Finding, fail, of_clock, of_error, ok, unknown, warn
from connectors.kit.http import HttpClient
from connectors.kit.options import Options

_RANKS: Final[Mapping[str, Rank]] = {
    "cancelled": Rank.CANCELLED,
    "draft": Rank.DRAFT,
    "quoted": Rank.QUOTED,
    "confirmed": Rank.CONFIRMED,
}
_STATES: Final = {rank: state for state, rank in _RANKS.items()}

#: The ERP's code of a refusal -> what it means for us; all other refusals are RecordRejected.
_REFUSALS: Final[Mapping[str, type[ConnectorError]]] = {
    "duplicate_key": AlreadyExists,
    "duplicate_code": AlreadyExists,
    # The request came after the settle bound and was thrown away: it is as if it had never been sent.
    "too_late": Transient,
    # The address answers, but it is not this API.
    "no_route": ConnectionBroken,
}
#: What we believed to be known there is gone: the next try must ask again.
_STALE: Final = frozenset({"unknown_party", "unknown_product", "not_salable"})

#: Status of a refusal that the ERP itself decided, with nothing kept.
_REFUSED: Final = frozenset({400, 404, 409, 413, 422})

_MAX_BULK: Final = 50
_TEST_PARTY: Final = "crossdock-test"
#: Keys, ids or codes in one query; keeps the address far below what proxies cut off.
_QUERY_BATCH: Final = 50
_PATHS: Final = {"product": ("api/products", "products"), "party": ("api/parties", "parties")}
#: An effect may land this long after the declared bound: the clock's and the scheduler's share.
_SETTLE_MARGIN_S: Final = 0.5

_OPTIONS: Final = ("bulk", "enforced_key", "shop", "cache_s", "settle_bound_s")

Thing = TypeVar("Thing")


class SandboxErp(SalesTarget, Diagnoses, OffersTestSale, SearchesSales):
    """See the module's text. Safe to share between threads."""

    checks: Mapping[str, str] = {
        "sandbox_erp.address": N_("the ERP answers"),
        "sandbox_erp.clock": N_("the ERP's clock and ours agree"),
        "sandbox_erp.key": N_("the key is accepted"),
        "sandbox_erp.settle": N_("the ERP says when a write can no longer land"),
        "sandbox_erp.enforced_key": N_("the ERP enforces our key"),
    }

    def __init__(self, settings: ConnectorSettings, *, throttle: Throttle | None = None, dry_run: bool = False) -> None:
        """Raises ConnectionBroken naming an option that cannot be used."""
        options = Options("sandbox_erp", settings.options, _OPTIONS)
        self.concurrency = settings.concurrency or 32
        self.bulk = options.whole("bulk", 1, 1, _MAX_BULK)
        self.write_deadline_s = settings.deadline_s or 10.0
        enforced = options.flag("enforced_key", default=True)
        self.keys: Mapping[str, KeyDeclaration] = {
            "sale": KeyDeclaration(
                "external_key",
                enforced=enforced,
                same_call=True,
                draft=True,
                how_to_enforce=""
                if enforced
                else "start the sandbox without --no-enforced-key, and take the option out",
            ),
            "party": KeyDeclaration("code", enforced=enforced, same_call=True),
        }
        self._shop = options.text("shop", "crossdock")
        self._cache_s = options.seconds("cache_s", 300.0)
        self._settle_s: float | None = options.seconds("settle_bound_s", None)
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[float, JsonDict]] = {}
        self._client = HttpClient(
            settings.url,
            auth=Bearer(settings.key) if settings.key else None,
            deadline_s=self.write_deadline_s,
            allow_hosts=settings.allow_hosts,
            ca_file=settings.ca_file,
            throttle=throttle,
            dry_run=dry_run,
            classifier=_refusal,
            secrets=(settings.key,),
        )

    @property
    def settle_bound_s(self) -> float | None:  # type: ignore[override]  # only read; a constructor makes no calls
        """What the sandbox declares, asked once; None while it cannot be asked."""
        if self._settle_s is None:
            try:
                info = self._client.request("GET", "_sandbox/info", anonymous=True, deadline_s=2.0).data
                self._settle_s = float(info["settle_s"]) + _SETTLE_MARGIN_S
            except (ConnectorError, KeyError, TypeError, ValueError):
                return None
        return self._settle_s

    def close(self) -> None:
        """Close the connections; the connector can be used again afterwards."""
        self._client.close()

    # Diagnoses

    def diagnose(self, circumstances: Circumstances) -> Iterator[Finding]:  # noqa: ARG002 -- the protocol's
        """See `checks`."""
        asked_at = dt.datetime.now(dt.UTC)
        try:
            answer = self._client.request("GET", "_sandbox/info", anonymous=True)
        except ConnectorError as error:
            yield fail("sandbox_erp.address", str(error), "correct `url`, or start it: crossdock sandbox erp")
            return
        answered_at = dt.datetime.now(dt.UTC)
        yield ok("sandbox_erp.address", "it answers")
        yield of_clock("sandbox_erp.clock", answer.headers.get("Date", ""), asked_at, answered_at)
        yield self._key_accepted()
        yield self._settles()
        yield self._enforced()

    def _key_accepted(self) -> Finding:
        check = "sandbox_erp.key"
        try:
            self._client.get("api/products", [("code", "-")])
        except ConnectionBroken:
            return fail(check, "the ERP refuses the key", "correct `auth.key`")
        except ConnectorError as error:
            return of_error(check, error)
        return ok(check, "products can be read")

    def _settles(self) -> Finding:
        check, bound_s = "sandbox_erp.settle", self.settle_bound_s
        if bound_s is None:
            return unknown(check, "it does not say; the connection's `settle_s` counts")
        return ok(check, f"{bound_s:.1f} s after its start")

    def _enforced(self) -> Finding:
        check = "sandbox_erp.enforced_key"
        if self.keys["sale"].enforced:
            return ok(check, "external_key, by the option `enforced_key`; prove it: crossdock doctor --prove-key")
        step = "set `enforced_key: true` if the ERP can; else drafts are read back and doubled ones deleted"
        return warn(check, "by the option `enforced_key` it does not", step)

    # OffersTestSale

    def test_sale(self, key: str) -> JsonDict:
        """A sale of nothing, to a customer who stays: this ERP deletes none."""
        with contextlib.suppress(AlreadyExists):
            self.save_party({"code": _TEST_PARTY, "name": "Crossdock's tests"})
        party = self._fetch_known("party", [_TEST_PARTY])[_TEST_PARTY]
        products = self._client.get("api/products").data["products"]
        if not products:
            raise RecordRejected("the ERP has no product to make a test sale of")
        today = dt.datetime.now(dt.UTC)
        return {
            "external_key": key,
            "reference": "Crossdock: a test, removed at once",
            "currency": "EUR",
            "party": party["id"],
            "sale_date": f"{today:%Y-%m-%d}",
            "placed_at": today.isoformat(),
            "lines": [{"product": products[0]["id"], "quantity": "1", "amount": "0.00", "tax": "0.00"}],
        }

    # What the ERP knows

    def resolve(self, refs: Iterable[Ref]) -> dict[Ref, JsonDict]:
        """Products and parties by code; other kinds are unknown here. What is unknown is asked for every time."""
        answers: dict[Ref, JsonDict] = {}
        missing: dict[str, list[Ref]] = {kind: [] for kind in _PATHS}
        now = time.monotonic()
        for ref in refs:
            with self._lock:
                at, answer = self._known.get((ref.kind, ref.value), (0.0, {}))
            if answer and now - at < self._cache_s:
                answers[ref] = answer
            elif ref.kind in missing:
                missing[ref.kind].append(ref)
        for kind, wanted in missing.items():
            for batch in _batches(wanted, _QUERY_BATCH):
                found = self._fetch_known(kind, [ref.value for ref in batch])
                answers.update({ref: found[ref.value] for ref in batch if ref.value in found})
        return answers

    def save_party(self, payload: JsonDict) -> JsonDict:
        """Create the party with its code in the same call."""
        result = self._write("api/parties", [payload], 1)[0]
        if not result["ok"]:
            raise _rejection(result["error"])
        try:
            return self._remember("party", result["party"])
        except _MALFORMED as error:
            raise _misread(error, write=True) from None

    def _fetch_known(self, kind: str, codes: Sequence[str]) -> dict[str, JsonDict]:
        path, name = _PATHS[kind]
        data = self._client.get(path, [("code", code) for code in codes]).data
        try:
            # Lowest id first: where a code stands twice, the first one made is the one that we go on with.
            records = sorted(data[name], key=lambda record: record["id"], reverse=True)
            return {record["code"]: self._remember(kind, record) for record in records}
        except _MALFORMED as error:
            raise _misread(error, write=False) from None

    def _remember(self, kind: str, record: JsonDict) -> JsonDict:
        answer = _product(record) if kind == "product" else {name: record[name] for name in ("id", "code", "name")}
        with self._lock:
            self._known[kind, record["code"]] = (time.monotonic(), answer)
        return answer

    # Sales

    def find_sales(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Every sale of our shop under each key, lowest id first."""
        found: dict[str, list[TargetDocument]] = {}
        for batch in _batches(keys, _QUERY_BATCH):
            for document in self._read_sales([("shop", self._shop), *(("key", key) for key in batch)]):
                found.setdefault(document.key, []).append(document)
        return found

    def search_sales(self, text: str) -> list[DocumentSummary]:
        """By number, reference, key or id."""
        data = self._client.get("api/sales", [("shop", self._shop), ("named", text)]).data
        try:
            return [_summary(sale) for sale in data["sales"]]
        except _MALFORMED as error:
            raise _misread(error, write=False) from None

    def create_sales(self, payloads: Sequence[JsonDict]) -> list[Result]:
        """Create drafts, `bulk` in a call; each item has an outcome of its own."""
        return [result for batch in _batches(payloads, self.bulk) for result in self._create(batch)]

    def advance_sales(self, documents: Sequence[TargetDocument], rank: Rank) -> list[Result]:
        """Bring up what is below `rank`, then read it back: the answer to the write is not taken for proof."""
        results: dict[int, Result] = {}
        below: list[tuple[int, TargetDocument]] = []
        for index, document in enumerate(documents):
            if document.rank >= rank:
                results[index] = Result(document)
            elif document.rank is Rank.CANCELLED:
                problem = f"sale {document.external_id} is cancelled and cannot be {_STATES[rank]}"
                results[index] = Result(error=RecordRejected(problem, code="wrong_state"))
            else:
                below.append((index, document))
        for batch in _batches(below, self.bulk):
            outcomes = self._advance([int(document.external_id) for _, document in batch], rank)
            results.update(zip((index for index, _ in batch), outcomes, strict=True))
        return [results[index] for index in range(len(documents))]

    def delete_draft(self, document: TargetDocument) -> None:
        """Delete our own draft; one that is gone already counts as deleted."""
        try:
            self._client.request("DELETE", f"api/sales/{int(document.external_id)}", headers=_sent_now())
        except RecordRejected as error:
            if error.code != "not_found":
                raise

    def list_sales(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """Every sale of our shop placed in the window, whoever made it; by id, so that nothing slips while we walk."""
        after: int | None = 0
        while after is not None:
            window = [("shop", self._shop), ("since", since.isoformat()), ("until", until.isoformat())]
            data = self._client.get("api/sales", [*window, ("after", str(after))]).data
            try:
                summaries = [_summary(sale) for sale in data["sales"]]
                after = data["next"]
            except _MALFORMED as error:
                raise _misread(error, write=False) from None
            yield from summaries

    def _create(self, payloads: Sequence[JsonDict]) -> list[Result]:
        sales = [{**payload, "shop": self._shop} for payload in payloads]
        try:
            outcomes = self._write("api/sales", sales, len(sales))
        except RecordRejected as error:
            # Refused as a whole, so nothing of it was kept; alone, each shows whether it is the one at fault.
            if len(payloads) > 1:
                return [result for payload in payloads for result in self._create([payload])]
            return [Result(error=error)]
        except ConnectorError as error:
            return [Result(error=error)] * len(payloads)
        return [self._result(outcome) for outcome in outcomes]

    def _advance(self, ids: Sequence[int], rank: Rank) -> list[Result]:
        try:
            outcomes = self._write("api/sales/advance", {"ids": list(ids), "state": _STATES[rank]}, len(ids))
        except ConnectorError as error:
            return [Result(error=error)] * len(ids)
        try:
            standing = {document.external_id: document for document in self._read_sales([("id", str(i)) for i in ids])}
        except ConnectorError as error:
            unknown = OutcomeUnknown(f"advanced, but it could not be read back: {error}", code=error.code)
            return [Result(error=unknown)] * len(ids)
        return [
            _advanced(outcome, standing.get(str(sale_id)), rank) for sale_id, outcome in zip(ids, outcomes, strict=True)
        ]

    def _result(self, outcome: JsonDict) -> Result:
        if outcome["ok"]:
            try:
                return Result(_document(outcome["sale"]))
            except _MALFORMED as error:
                return Result(error=_misread(error, write=True))
        if outcome["error"].get("code") in _STALE:
            with self._lock:
                self._known.clear()
        return Result(error=_rejection(outcome["error"]))

    # Calls

    def _write(self, path: str, body: object, count: int) -> list[JsonDict]:
        """The results of one bulk write, `count` of them and each of the documented shape; else OutcomeUnknown."""
        data = self._client.request("POST", path, json=body, headers=_sent_now()).data
        results = data.get("results") if isinstance(data, dict) else None
        if isinstance(results, list) and len(results) == count and all(map(_is_result, results)):
            return results
        raise OutcomeUnknown(f"POST /{path} was answered 200 with something else than {count} results", code="shape")

    def _read_sales(self, params: list[tuple[str, str]]) -> list[TargetDocument]:
        data = self._client.get("api/sales", params).data
        try:
            return [_document(sale) for sale in data["sales"]]
        except _MALFORMED as error:
            raise _misread(error, write=False) from None


#: What reading a foreign record raises when it has not the documented shape.
_MALFORMED: Final = (KeyError, TypeError, ValueError, InvalidOperation, AttributeError)


def _misread(error: Exception, *, write: bool) -> ConnectorError:
    text = f"the ERP's answer has not the documented shape ({type(error).__name__}: {error})"
    return (OutcomeUnknown if write else Transient)(text, code="shape")


def _is_result(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    return value.get("ok") is True or (value.get("ok") is False and isinstance(value.get("error"), dict))


def _sent_now() -> dict[str, str]:
    """With it the sandbox can keep its settle bound even when a request waited in a socket while it stood still."""
    return {"Sent-At": f"{time.time():.6f}"}


def _refusal(response: Response) -> ConnectorError | None:
    """The classifier: what the ERP's own error codes say; None leaves the answer to the kit's table."""
    told = response.data if isinstance(response.data, dict) else {}
    if told.get("code") in _REFUSALS or ("field" in told and response.status in _REFUSED):
        return _rejection(told, status=response.status)
    return None


def _rejection(error: Mapping[str, Any], *, status: int | None = None) -> ConnectorError:
    code, message, field = (str(error.get(name) or "") for name in ("code", "message", "field"))
    kind = _REFUSALS.get(code, RecordRejected)
    if issubclass(kind, RecordRejected):
        return kind(message, field=field, code=code, status=status)
    return kind(message, code=code, status=status)


def _advanced(outcome: JsonDict, document: TargetDocument | None, rank: Rank) -> Result:
    """What the read-back says, for what the write was answered."""
    if document is not None and document.rank >= rank:
        return Result(document)
    if not outcome["ok"]:
        return Result(error=_rejection(outcome["error"]))
    found = "is gone" if document is None else f"is {document.state}"
    return Result(error=OutcomeUnknown(f"answered as {_STATES[rank]}, but when read back the sale {found}"))


def _document(sale: JsonDict) -> TargetDocument:
    return TargetDocument(
        external_id=str(int(sale["id"])),
        key=sale["external_key"],
        number=sale["number"],
        state=sale["state"],
        total=Decimal(sale["total"]),
        tax=Decimal(sale["tax"]),
        currency=sale["currency"],
        payload=sale,
        rank=_RANKS[sale["state"]],
    )


def _summary(sale: JsonDict) -> DocumentSummary:
    return DocumentSummary(
        external_id=str(int(sale["id"])),
        key=sale["external_key"],
        number=sale["number"],
        state=sale["state"],
        total=Decimal(sale["total"]),
        currency=sale["currency"],
        placed_at=dt.datetime.fromisoformat(sale["placed_at"]),
        placed_on=dt.date.fromisoformat(sale["sale_date"]),
        version=sale["updated_at"],
        reference=sale.get("reference", ""),
        rank=_RANKS[sale["state"]],
    )


def _product(record: JsonDict) -> JsonDict:
    price = record["list_price"]
    return {
        **record,
        "list_price": None if price is None else Decimal(price),
        "taxes": [{**tax, "rate": Decimal(tax["rate"])} for tax in record["taxes"]],
    }


def _batches(items: Sequence[Thing], size: int) -> Iterator[list[Thing]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
