"""The books of the sandbox ERP: parties, products and sales in memory, every change first in the ledger.

A change has two steps, as in a real ERP behind a slow database: it is *decided* (checked against what stands now, ids
given) and later it is *committed* (keys checked again, ledger written, visible). Whatever delays the second step, a
lower id can appear after a higher one was confirmed. Only the commit holds the lock.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Generic, TypeVar

from connectors.sandbox.erp.documents import (
    CANCELLED,
    CONFIRMED,
    CURRENCY_DIGITS,
    DRAFT,
    QUOTED,
    STATES,
    JsonDict,
    Party,
    Product,
    Refused,
    Sale,
    day,
    decimal,
    moment,
    rounded,
    text,
)
from connectors.sandbox.ledger import Entry, Ledger, document_digest

Record = TypeVar("Record")


@dataclasses.dataclass(frozen=True, slots=True)
class Decided(Generic[Record]):
    """What was decided and waits for its commit."""

    record: Record
    #: Of what was sent.
    digest: str


def _now() -> str:
    return dt.datetime.now(tz=dt.UTC).isoformat(timespec="microseconds")


class Books:
    """State and rules of the ERP. Every public method may be called from many threads.

    `enforce_key` makes (shop, external_key) of sales and `code` of parties unique. `racy_confirm` checks a sale's
    state only when a confirmation is decided, not when it is committed, as an ERP without row locks does.
    """

    def __init__(
        self,
        ledger: Ledger,
        products: Iterable[Product],
        *,
        enforce_key: bool = True,
        racy_confirm: bool = False,
        currency_digits: Mapping[str, int] | None = None,
    ) -> None:
        self.ledger = ledger
        self.enforce_key = enforce_key
        self.racy_confirm = racy_confirm
        self._digits = {**CURRENCY_DIGITS, **(currency_digits or {})}
        self._lock = threading.Lock()
        self._products = {product.code: product for product in products}
        self._parties: dict[int, Party] = {}
        self._sales: dict[int, Sale] = {}
        self._party_codes: dict[str, list[int]] = {}
        self._keys: dict[tuple[str, str], list[int]] = {}
        self._numbers = itertools.count(1)
        self._invoices = itertools.count(1)
        self._replay()
        self._product_by_id = {product.id: product for product in self._products.values()}
        self._product_ids = itertools.count(max(self._product_by_id, default=0) + 1)

    # Reading

    def products(self, codes: Sequence[str] | None) -> list[Product]:
        """The products with these codes, all of them for None."""
        if codes is None:
            return list(self._products.values())
        return [self._products[code] for code in codes if code in self._products]

    def parties(self, codes: Sequence[str]) -> list[Party]:
        """Every party under each code, lowest id first."""
        with self._lock:
            return [self._parties[found] for code in codes for found in sorted(self._party_codes.get(code, ()))]

    def sales_by_key(self, shop: str, keys: Sequence[str]) -> list[JsonDict]:
        """Every sale under each key, lowest id first, cancelled ones too."""
        with self._lock:
            return [self._sales[found].to_json() for key in keys for found in sorted(self._keys.get((shop, key), ()))]

    def sales_by_id(self, ids: Sequence[int]) -> list[JsonDict]:
        """The sales that stand under these ids."""
        with self._lock:
            return [self._sales[found].to_json() for found in ids if found in self._sales]

    def sales_named(self, shop: str, name: str, limit: int) -> list[JsonDict]:
        """Up to `limit` summaries of sales that are called so, newest first."""
        with self._lock:
            mine = (sale.summary() for sale in reversed(self._sales.values()) if sale.shop == shop)
            called = (
                sale
                for sale in mine
                if name in {sale["number"], sale["reference"], sale["external_key"], str(sale["id"])}
            )
            return list(itertools.islice(called, limit))

    def list_sales(self, shop: str, since: str, until: str, after: int, limit: int) -> list[JsonDict]:
        """Up to `limit` summaries with id > `after` and since <= placed_at < until, by id.

        By id and not by page number: a page number slips when a sale is deleted during the walk.
        """
        with self._lock:
            sales = sorted((sale for found, sale in self._sales.items() if found > after), key=lambda sale: sale.id)
            wanted = (sale for sale in sales if sale.shop == shop and since <= sale.placed_at < until)
            return [sale.summary() for sale in itertools.islice(wanted, limit)]

    # Products

    def add_product(self, payload: JsonDict) -> Product:
        """Make a product known, e.g. the one for which orders are held."""
        code = text(payload, "code", required=True)
        price = decimal(payload, "list_price", "list_price") if payload.get("list_price") is not None else None
        product = Product(
            id=next(self._product_ids),
            code=code,
            name=text(payload, "name") or code,
            list_price=None if price is None else f"{price:f}",
            unit_digits=int(payload.get("unit_digits", 0)),
            taxes=tuple(payload.get("taxes", ())),
        )
        with self._lock:
            if code in self._products:
                raise Refused(409, "duplicate_code", f"a product with the code {code!r} exists", "code")
            self._record("product.create", code, product.id, document=dataclasses.asdict(product))
            self._products[code] = self._product_by_id[product.id] = product
        return product

    # Parties

    def decide_party(self, payload: JsonDict) -> Decided[Party]:
        """A party with its id, not yet visible. Raises Refused."""
        names = ("email", "phone", "vat_id")
        party = Party(
            id=next(self._party_ids),
            code=text(payload, "code"),
            name=text(payload, "name", required=True),
            **{name: text(payload, name) for name in names},
        )
        return Decided(party, document_digest(payload))

    def commit_party(self, decided: Decided[Party]) -> Party:
        """Make a decided party stand. Raises Refused."""
        party = decided.record
        with self._lock:
            if self.enforce_key and party.code and self._party_codes.get(party.code):
                raise Refused(409, "duplicate_code", f"a party with the code {party.code!r} exists", "code")
            self._record(
                "party.create", party.code, party.id, document=dataclasses.asdict(party), digest=decided.digest
            )
            self._put_party(party)
        return party

    # Sales

    def decide_sale(self, payload: JsonDict) -> Decided[Sale]:
        """A draft with its id and totals, not yet visible. Raises Refused."""
        currency = text(payload, "currency", required=True)
        if len(currency) != 3 or not currency.isalpha() or not currency.isupper():  # noqa: PLR2004 - ISO 4217
            raise Refused(422, "invalid", "currency must be an ISO 4217 code", "currency")
        untaxed, tax = self._sums(payload, self._digits.get(currency, 2))
        party = payload.get("party")
        if not isinstance(party, int) or party not in self._parties:
            raise Refused(422, "unknown_party", f"there is no party {party!r}", "party")
        text(payload, "reference")
        now = _now()
        sale = Sale(
            id=next(self._sale_ids),
            shop=text(payload, "shop"),
            external_key=text(payload, "external_key"),
            currency=currency,
            sale_date=day(payload, "sale_date"),
            placed_at=moment(text(payload, "placed_at") or now, "placed_at"),
            untaxed=f"{untaxed:f}",
            tax=f"{tax:f}",
            total=f"{untaxed + tax:f}",
            details=payload,
            created_at=now,
            updated_at=now,
        )
        return Decided(sale, document_digest(payload))

    def commit_sale(self, decided: Decided[Sale]) -> JsonDict:
        """Make a decided draft stand. Raises Refused."""
        with self._lock:
            self._check_key(decided.record, ())
            return self._create([decided])[0]

    def commit_sales(self, batch: Sequence[Decided[Sale]]) -> list[JsonDict]:
        """Make decided drafts stand, all or none. Raises Refused whose field begins with `[index]` of the bad one."""
        sales = [decided.record for decided in batch]
        with self._lock:
            for index, sale in enumerate(sales):
                try:
                    self._check_key(sale, sales[:index])
                except Refused as refused:
                    raise refused.at(f"[{index}].") from refused
            return self._create(batch)

    def decide_advance(self, sale_id: int, state: str) -> Callable[[], JsonDict]:
        """The commit of bringing one sale up to `state`. Raises Refused, and so does the commit."""
        if state not in {QUOTED, CONFIRMED, CANCELLED}:
            raise Refused(422, "invalid", "state must be quoted, confirmed or cancelled", "state")
        with self._lock:
            seen = self._sale(sale_id).state

        def commit() -> JsonDict:
            with self._lock:
                sale = self._sale(sale_id)
                for step in _steps(seen if self.racy_confirm else sale.state, state):
                    self._apply(sale, step)
                return sale.to_json()

        return commit

    def delete_sale(self, sale_id: int) -> None:
        """Delete a draft for good. Raises Refused when it is one no longer."""
        with self._lock:
            sale = self._sale(sale_id)
            if sale.state != DRAFT:
                raise Refused(
                    409, "wrong_state", f"only a draft can be deleted, sale {sale_id} is {sale.state}", "state"
                )
            self._record("sale.delete", sale.external_key, sale_id, total=sale.total)
            self._drop_sale(sale)

    # What only somebody at the database could do: tests of the proof spoil the books with it

    def spoil_delete(self, sale_id: int) -> None:
        """A sale vanishes, whatever its state."""
        with self._lock:
            sale = self._sale(sale_id)
            self._record("sale.delete", sale.external_key, sale_id, total=sale.total)
            self._drop_sale(sale)

    def spoil_total(self, sale_id: int, total: str) -> JsonDict:
        """A sale shows another total."""
        with self._lock:
            sale = self._sale(sale_id)
            change = {"total": f"{decimal({'total': total}, 'total', 'total'):f}", "updated_at": _now()}
            self._record("sale.change", sale.external_key, sale_id, total=change["total"], document=change)
            _change(sale, sale.state, change)
            return sale.to_json()

    def spoil_double(self, sale_id: int) -> JsonDict:
        """A sale stands twice, key and all, whether the key is enforced or not."""
        with self._lock:
            sale = self._sale(sale_id)
            twin = dataclasses.replace(sale, id=next(self._sale_ids), invoices=list(sale.invoices), updated_at=_now())
            self._create([Decided(twin, "")])
            return twin.to_json()

    # Inside the lock

    def _sale(self, sale_id: int) -> Sale:
        sale = self._sales.get(sale_id)
        if sale is None:
            raise Refused(404, "not_found", f"there is no sale {sale_id}", "id")
        return sale

    def _check_key(self, sale: Sale, before: Sequence[Sale]) -> None:
        key = (sale.shop, sale.external_key)
        if not self.enforce_key or not sale.external_key:
            return
        if self._keys.get(key) or any((other.shop, other.external_key) == key for other in before):
            message = f"a sale with the external key {sale.external_key!r} exists"
            raise Refused(409, "duplicate_key", message, "external_key")

    def _create(self, batch: Sequence[Decided[Sale]]) -> list[JsonDict]:
        self.ledger.append_many(_created(decided) for decided in batch)
        for decided in batch:
            self._put_sale(decided.record)
        return [decided.record.to_json() for decided in batch]

    def _apply(self, sale: Sale, step: str) -> None:
        change: JsonDict = {"updated_at": _now()}
        if step == QUOTED:
            change["number"] = sale.number or f"SO{next(self._numbers):06d}"
        elif step == CONFIRMED:
            change["invoice"] = f"INV{next(self._invoices):06d}"
        kind = {QUOTED: "sale.quote", CONFIRMED: "sale.confirm", CANCELLED: "sale.cancel"}[step]
        self._record(kind, sale.external_key, sale.id, total=sale.total, document=change)
        _change(sale, step, change)

    def _record(
        self, kind: str, key: str, record: int, *, total: str = "", document: object = None, digest: str = ""
    ) -> None:
        self.ledger.append(Entry(kind, key, str(record), total, document, digest))

    def _put_party(self, party: Party) -> None:
        self._parties[party.id] = party
        self._party_codes.setdefault(party.code, []).append(party.id)

    def _put_sale(self, sale: Sale) -> None:
        self._sales[sale.id] = sale
        self._keys.setdefault((sale.shop, sale.external_key), []).append(sale.id)

    def _drop_sale(self, sale: Sale) -> None:
        del self._sales[sale.id]
        self._keys[sale.shop, sale.external_key].remove(sale.id)

    def _sums(self, payload: JsonDict, digits: int) -> tuple[Decimal, Decimal]:
        lines = payload.get("lines")
        if not isinstance(lines, list) or not lines:
            raise Refused(422, "required", "lines must be a list with at least one line", "lines")
        untaxed = tax = Decimal(0)
        for index, line in enumerate(lines):
            path = f"lines[{index}]"
            if not isinstance(line, dict):
                raise Refused(422, "invalid", f"{path} must be an object", path)
            self._check_product(line, path)
            untaxed += rounded(decimal(line, "amount", f"{path}.amount"), digits)
            tax += rounded(decimal(line, "tax", f"{path}.tax"), digits)
        return untaxed, tax

    def _check_product(self, line: JsonDict, path: str) -> None:
        wanted = line.get("product")
        product = self._product_by_id.get(wanted) if isinstance(wanted, int) else None
        if product is None:
            raise Refused(422, "unknown_product", f"there is no product {wanted!r}", f"{path}.product")
        if not product.salable:
            raise Refused(422, "not_salable", f"{product.code} is not sold any more", f"{path}.product")
        quantity = decimal(line, "quantity", f"{path}.quantity")
        if quantity != rounded(quantity, product.unit_digits):
            message = f"{product.code} is counted with {product.unit_digits} decimals, not {quantity:f}"
            raise Refused(422, "unit_digits", message, f"{path}.quantity")

    def _replay(self) -> None:
        """Rebuild the state from the ledger, so that a killed ERP comes back with what it had accepted."""
        highest_party = highest_sale = numbers = invoices = 0
        for entry in self.ledger.entries():
            document = entry.document
            match entry.kind:
                case "product.create":
                    self._products[entry.key] = Product(**{**document, "taxes": tuple(document["taxes"])})
                case "party.create":
                    self._put_party(Party(**document))
                    highest_party = max(highest_party, int(entry.external_id))
                case "sale.create":
                    self._put_sale(Sale(**document))
                    highest_sale = max(highest_sale, int(entry.external_id))
                case "sale.delete":
                    self._drop_sale(self._sales[int(entry.external_id)])
                case "sale.change":
                    sale = self._sales[int(entry.external_id)]
                    _change(sale, sale.state, document)
                case "sale.quote" | "sale.confirm" | "sale.cancel":
                    step = {"sale.quote": QUOTED, "sale.confirm": CONFIRMED, "sale.cancel": CANCELLED}[entry.kind]
                    _change(self._sales[int(entry.external_id)], step, document)
                    numbers += entry.kind == "sale.quote"
                    invoices += entry.kind == "sale.confirm"
        self._party_ids, self._sale_ids = itertools.count(highest_party + 1), itertools.count(highest_sale + 1)
        self._numbers, self._invoices = itertools.count(numbers + 1), itertools.count(invoices + 1)


def _created(decided: Decided[Sale]) -> Entry:
    sale = decided.record
    return Entry("sale.create", sale.external_key, str(sale.id), sale.total, sale.stored(), decided.digest)


def _steps(state: str, wanted: str) -> tuple[str, ...]:
    """The transitions from `state` to `wanted`; none when it is there or beyond. Raises Refused."""
    if wanted == CANCELLED:
        return () if state == CANCELLED else (CANCELLED,)
    if state == CANCELLED:
        raise Refused(409, "wrong_state", f"a cancelled sale cannot be {wanted}", "state")
    return STATES[STATES.index(state) + 1 : STATES.index(wanted) + 1]


def _change(sale: Sale, step: str, change: JsonDict) -> None:
    sale.state = step
    sale.updated_at = change["updated_at"]
    sale.number = change.get("number", sale.number)
    sale.total = change.get("total", sale.total)
    if "invoice" in change:
        sale.invoices.append(change["invoice"])
