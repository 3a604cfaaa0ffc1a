"""An ERP in memory: what a SalesTarget promises, every way in which a write can go wrong, and its own clock."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from connectors.kit.base import (
    DocumentSummary,
    JsonDict,
    KeyDeclaration,
    Rank,
    Ref,
    Result,
    SalesTarget,
    TargetDocument,
)
from connectors.kit.errors import (
    AlreadyExists,
    ConnectionBroken,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    RecordRejected,
    Transient,
)
from connectors.kit.ladder import climb
from connectors.kit.permits import demand_permit

T = TypeVar("T")
ARTICLES = ("TASSE", "KANNE", "REFUSED", "DEFECT", "KILLER", "SHIPPING", "FEE", "ROUNDING")
_NUMBERS = {Rank.DRAFT: "draft", Rank.QUOTED: "quoted", Rank.CONFIRMED: "confirmed", Rank.CANCELLED: "cancelled"}


class Crash(BaseException):
    """kill -9, as far as one process can play it: nothing of the drain goes on behind it."""


@dataclasses.dataclass(frozen=True)
class Fault:
    """What happens to the next call of an action.

    `transient`, `limited`, `broken`, `rejected`, `defect`: nothing was written. `landed`, `late`, `never`: the answer
    is lost, and the effect is there, comes `after_s`, or never comes. `crash`, `crash_landed`, `crash_late`: the same
    with the drain dead. `zombie`: the effect is there, and `meanwhile` happens before the answer arrives.
    """

    kind: str
    after_s: float = 0.0


@dataclasses.dataclass
class Sale:
    """One sale in the books."""

    id: int
    key: str
    reference: str
    total: Decimal
    tax: Decimal
    currency: str
    placed_at: dt.datetime
    placed_on: dt.date
    rank: Rank = Rank.DRAFT
    #: How often the confirmation took effect: each makes an invoice.
    confirmed: int = 0

    def document(self) -> TargetDocument:
        number = f"SO{self.id}"
        return TargetDocument(
            str(self.id), self.key, number, _NUMBERS[self.rank], self.total, self.tax, self.currency, {}, self.rank
        )

    def summary(self) -> DocumentSummary:
        return DocumentSummary(
            external_id=str(self.id),
            key=self.key,
            number=f"SO{self.id}",
            state=_NUMBERS[self.rank],
            total=self.total,
            currency=self.currency,
            placed_at=self.placed_at,
            placed_on=self.placed_on,
            reference=self.reference,
            rank=self.rank,
        )


def _person(number: int, code: str, name: str) -> JsonDict:
    return {"id": number, "code": code, "name": name, "emails": [], "vat_ids": []}


class Erp(SalesTarget):
    """The books, and the door to them."""

    def __init__(self, *, enforced: bool = True, bulk: int = 1, concurrency: int = 2) -> None:
        self.concurrency = concurrency
        self.bulk = bulk
        self.write_deadline_s = 10.0
        self.settle_bound_s: float | None = 30.0
        self.keys: Mapping[str, KeyDeclaration] = {
            "sale": KeyDeclaration("external_key", enforced=enforced, same_call=True, draft=True),
            "party": KeyDeclaration("code", enforced=enforced, same_call=True),
        }
        self.sales: dict[int, Sale] = {}
        self.parties: dict[str, list[int]] = {}
        #: Customers that people have made.
        self.people: list[JsonDict] = []
        self.articles: dict[str, JsonDict] = {sku: _article(sku) for sku in ARTICLES}
        self.faults: dict[str, collections.deque[Fault]] = collections.defaultdict(collections.deque)
        self.meanwhile: Callable[[], None] = lambda: None
        #: Looks at every payload of a create call before it is decided upon.
        self.watch: Callable[[JsonDict], None] = lambda _: None
        self.calls: collections.Counter[str] = collections.Counter()
        self.is_dead = False
        self._clock = 0.0
        self._late: list[tuple[float, Callable[[], object]]] = []
        self._ids = itertools.count(1)

    # --- what a test does with it -------------------------------------------------------------------------------

    def fail(self, action: str, kind: str, after_s: float = 0.0) -> None:
        self.faults[action].append(Fault(kind, after_s))

    def forward(self, seconds: float) -> None:
        """Time passes; what was under way lands in its order."""
        self._clock += seconds
        due = sorted((entry for entry in self._late if entry[0] <= self._clock), key=lambda entry: entry[0])
        self._late = [entry for entry in self._late if entry[0] > self._clock]
        for _, land in due:
            land()

    @property
    def is_awaited(self) -> bool:
        """Whether something may still land."""
        return bool(self._late)

    def standing(self, key: str) -> list[Sale]:
        return [sale for sale in self.sales.values() if sale.key == key and sale.rank is not Rank.CANCELLED]

    def enter(self, key: str, total: str, **changes: object) -> Sale:
        """A person makes a sale."""
        placed = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
        sale = Sale(next(self._ids), key, "", Decimal(total), Decimal(0), "EUR", placed, placed.date(), Rank.CONFIRMED)
        sale = dataclasses.replace(sale, **changes)
        self.sales[sale.id] = sale
        return sale

    def know(self, name: str, code: str = "", email: str = "", vat_id: str = "") -> str:
        """A person makes a customer; from then on they are found by the whole ladder."""
        person = _person(next(self._ids), code, name)
        self.people.append(person | {"emails": [email] if email else [], "vat_ids": [vat_id] if vat_id else []})
        return str(person["id"])

    def close(self) -> None:
        return

    # --- the protocol -------------------------------------------------------------------------------------------

    def resolve(self, refs: Iterable[Ref]) -> dict[Ref, JsonDict]:
        def answer() -> dict[Ref, JsonDict]:
            return {ref: record for ref in wanted if (record := self._known(ref)) is not None}

        wanted = list(refs)
        return self._read("resolve", answer)

    def _known(self, ref: Ref) -> JsonDict | None:
        if ref.kind == "product":
            return self.articles.get(ref.value)
        if ref.kind != "party":
            return None
        if self.people:
            made = [_person(ids[0], code, code) for code, ids in self.parties.items()]
            return climb(ref, [*self.people, *made])
        ids = self.parties.get(ref.value, [])
        return {"id": ids[0], "code": ref.value} if ids else None

    def save_party(self, payload: JsonDict) -> JsonDict:
        number = next(self._ids)

        def land() -> JsonDict:
            if payload["code"] in self.parties and self.keys["party"].enforced:
                raise AlreadyExists("there is a party with this code")
            self.parties.setdefault(payload["code"], []).append(number)
            return {"id": self.parties[payload["code"]][0], "code": payload["code"]}

        return self._write("party", land)

    def find_sales(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        def answer() -> dict[str, list[TargetDocument]]:
            found: dict[str, list[TargetDocument]] = {}
            for sale in sorted(self.sales.values(), key=lambda sale: sale.id):
                if sale.key in keys:
                    found.setdefault(sale.key, []).append(sale.document())
            return found

        return self._read("find", answer)

    def create_sales(self, payloads: Sequence[JsonDict]) -> list[Result]:
        for payload in payloads:
            self.watch(payload)
            articles = {line["product"] for line in payload["lines"]}
            if "DEFECT" in articles:
                raise ValueError("a defect of the connector")
            if "KILLER" in articles:
                raise self._crash()
        # Ids are given before anything is committed.
        numbered = [(next(self._ids), payload) for payload in payloads]
        try:
            return self._write("create", lambda: [self._create(number, payload) for number, payload in numbered])
        except ConnectorError as error:
            return [Result(error=error)] * len(payloads)

    def _create(self, number: int, payload: JsonDict) -> Result:
        if any(line["product"] == "REFUSED" for line in payload["lines"]):
            return Result(error=RecordRejected(f"sale {number}: article 'REFUSED' is not sold", code="not_sold"))
        key = payload["external_key"]
        if self.keys["sale"].enforced and any(sale.key == key for sale in self.sales.values()):
            return Result(error=AlreadyExists(f"there is a sale {key}"))
        tax = sum((Decimal(line["tax"]) for line in payload["lines"]), Decimal(0))
        self.sales[number] = Sale(
            id=number,
            key=key,
            reference=payload["reference"],
            total=sum((Decimal(line["amount"]) for line in payload["lines"]), tax),
            tax=tax,
            currency=payload["currency"],
            placed_at=dt.datetime.fromisoformat(payload["placed_at"]),
            placed_on=dt.date.fromisoformat(payload["sale_date"]),
        )
        return Result(self.sales[number].document())

    def advance_sales(self, documents: Sequence[TargetDocument], rank: Rank) -> list[Result]:
        ids = [int(document.external_id) for document in documents]
        try:
            return self._write("advance", lambda: [self._advance(number, rank) for number in ids])
        except ConnectorError as error:
            return [Result(error=error)] * len(documents)

    def _advance(self, number: int, rank: Rank) -> Result:
        sale = self.sales.get(number)
        if sale is None or sale.rank is Rank.CANCELLED:
            return Result(error=RecordRejected(f"sale {number} is gone"))
        if rank is Rank.CONFIRMED:
            # No look whether it is confirmed already: four parallel confirms made four invoices in a real ERP.
            sale.confirmed += 1
        sale.rank = max(sale.rank, rank)
        return Result(sale.document())

    def delete_draft(self, document: TargetDocument) -> None:
        def land() -> None:
            sale = self.sales.get(int(document.external_id))
            if sale is not None and sale.rank is not Rank.DRAFT:
                raise RecordRejected("it is a draft no longer")
            self.sales.pop(int(document.external_id), None)

        self._write("delete", land)

    def list_sales(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        def answer() -> list[DocumentSummary]:
            return [sale.summary() for sale in self.sales.values() if since <= sale.placed_at < until]

        return iter(self._read("list", answer))

    # --- how calls go wrong -------------------------------------------------------------------------------------

    def _take(self, action: str) -> Fault:
        if self.is_dead:
            raise Crash
        self.calls[action] += 1
        waiting = self.faults[action]
        return waiting.popleft() if waiting else Fault("")

    def _crash(self) -> Crash:
        self.is_dead = True
        return Crash()

    def _read(self, action: str, answer: Callable[[], T]) -> T:
        self._refuse(action, self._take(action))
        return answer()

    def _write(self, action: str, land: Callable[[], T]) -> T:
        demand_permit()
        fault = self._take(action)
        self._refuse(action, fault)
        match fault.kind:
            case "landed" | "crash_landed":
                self._quietly(land)
            case "late" | "crash_late":
                self._late.append((self._clock + fault.after_s, lambda: self._quietly(land)))
            case "zombie":
                result = land()
                self.meanwhile()
                return result
            case "":
                return land()
        if fault.kind.startswith("crash"):
            raise self._crash()
        raise OutcomeUnknown(f"{action}: no answer came")

    def _refuse(self, action: str, fault: Fault) -> None:
        match fault.kind:
            case "transient":
                raise Transient(f"{action}: nobody answers")
            case "limited":
                raise RateLimited(f"{action}: slow down", retry_after_s=20.0)
            case "broken":
                raise ConnectionBroken(f"{action}: the key was revoked", code="revoked", status=401)
            case "rejected":
                raise RecordRejected(f"{action}: not like this", code="scripted")
            case "defect":
                raise ValueError(f"{action}: a defect of the connector")
            case "crash":
                raise self._crash()

    @staticmethod
    def _quietly(land: Callable[[], object]) -> None:
        try:
            land()
        except RecordRejected:
            return


def _article(sku: str) -> JsonDict:
    return {"id": sku, "unit_digits": 0, "list_price": None, "taxes": None, "salable": True}
