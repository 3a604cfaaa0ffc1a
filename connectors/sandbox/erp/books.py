"""The books of the sandbox ERP: parties, products, sales and refunds in memory, every change first in the ledger."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence

from connectors.sandbox.erp.billing import Billing
from connectors.sandbox.erp.core import Core, Decided, Rules
from connectors.sandbox.erp.documents import (
    GOODS,
    SERVICE,
    JsonDict,
    Party,
    Product,
    Refused,
    Sale,
    decimal,
    folded_mark,
    text,
)
from connectors.sandbox.erp.expenses import Expenses
from connectors.sandbox.erp.sales import Sales
from connectors.sandbox.erp.shipping import Shipping
from connectors.sandbox.erp.survey import surveyed
from connectors.sandbox.ledger import Ledger, document_digest


class Books(Sales):
    """State and rules of the ERP. Every public method may be called from many threads, and may raise Refused."""

    def __init__(self, ledger: Ledger, products: Iterable[Product], rules: Rules | None = None) -> None:
        """Goes on from where the ledger ends."""
        super().__init__(Core(ledger, products, rules or Rules()))
        self.ledger = ledger
        self.shipping = Shipping(self._core)
        self.billing = Billing(self._core)
        self.expenses = Expenses(self._core)
        self._product_ids = itertools.count(max(self.state.product_by_id, default=0) + 1)

    # Reading

    def products(self, codes: Sequence[str] | None) -> list[Product]:
        """The products with these codes, all of them for None."""
        known = self.state.products
        return list(known.values()) if codes is None else [known[code] for code in codes if code in known]

    def parties(self, marks: Iterable[tuple[str, str]], ids: Iterable[int] = ()) -> list[Party]:
        """Every party under each (`code`, `email` or `vat_id`, what it is) and under each id, lowest id first."""
        state = self.state
        with self._core.lock:
            found = {each for mark in marks for each in state.party_marks.get(folded_mark(*mark), ())}
            return [state.parties[each] for each in sorted(found.union(ids)) if each in state.parties]

    def sales_by_key(self, shop: str, keys: Sequence[str], kind: str = "sale") -> list[JsonDict]:
        """Every sale (or refund) under each key, lowest id first, cancelled ones too."""
        with self._core.lock:
            ids = [found for key in keys for found in sorted(self.state.keys.get((shop, key), ()))]
            return self._shown(ids, kind)

    def sales_by_id(self, ids: Sequence[int], kind: str = "sale") -> list[JsonDict]:
        """The sales (or refunds) that stand under these ids."""
        with self._core.lock:
            return self._shown(ids, kind)

    def sales_named(self, shop: str, name: str, limit: int) -> list[JsonDict]:
        """Up to `limit` summaries of sales that are called so, newest first."""
        with self._core.lock:
            mine = (sale.summary() for sale in reversed(self.state.sales.values()) if _is_sale_of(sale, shop))
            called = (
                sale
                for sale in mine
                if name in {sale["number"], sale["reference"], sale["external_key"], str(sale["id"])}
            )
            return list(itertools.islice(called, limit))

    def list_sales(self, shop: str, since: str, until: str, after: int, limit: int) -> list[JsonDict]:
        """Up to `limit` summaries with id > `after` and since <= placed_at < until, by id; refunds are no sales.

        By id and not by page number: a page number slips when a sale is deleted during the walk.
        """
        with self._core.lock:
            sales = sorted(
                (sale for found, sale in self.state.sales.items() if found > after), key=lambda sale: sale.id
            )
            wanted = (sale for sale in sales if _is_sale_of(sale, shop) and since <= sale.placed_at < until)
            return [sale.summary() for sale in itertools.islice(wanted, limit)]

    def list_refunds(self, shop: str, since: str, until: str, after: int, limit: int) -> list[JsonDict]:
        """The same for refunds, each with its `sale` and whether its credit note is `posted`."""
        with self._core.lock:
            refunds = sorted(
                (sale for found, sale in self.state.sales.items() if found > after), key=lambda sale: sale.id
            )
            wanted = (
                each
                for each in refunds
                if each.origin is not None and each.shop == shop and since <= each.placed_at < until
            )
            return [self._refund_summary(each) for each in itertools.islice(wanted, limit)]

    def _refund_summary(self, refund: Sale) -> JsonDict:
        posted = any(self.state.invoices[number].number for number in refund.invoices)
        return refund.summary() | {"sale": refund.origin, "posted": posted}

    def changed_sales(self, shop: str, after: int | None, since: str, limit: int) -> JsonDict:
        """Sales on which something changed after the change `after` (or since a moment), oldest change first.

        A sale that is gone is named too. `reached` is the number up to which all is told, `last` the newest.
        """
        log, sales = self.state.changed_sales, self.state.sales
        with self._core.lock:
            start = after if after is not None else log.before(since) if since else 0
            found, reached = log.after(start, limit, lambda number: number not in sales or sales[number].shop == shop)
            changes = [{"id": number, "change": change} for number, change in found]
            return {"changes": changes, "reached": reached, "last": log.last}

    def survey(self, ids: Sequence[int]) -> list[JsonDict]:
        """The sales under these ids with everything that hangs on them."""
        with self._core.lock:
            found = (self.state.sales.get(number) for number in ids)
            return [surveyed(self.state, sale) for sale in found if sale is not None and sale.origin is None]

    # Products

    def add_product(self, payload: JsonDict) -> Product:
        """Make a product known, e.g. the one for which orders are held."""
        code = text(payload, "code", required=True)
        price = decimal(payload, "list_price", "list_price") if payload.get("list_price") is not None else None
        kind = text(payload, "type") or GOODS
        if kind not in {GOODS, SERVICE}:
            raise Refused(422, "invalid", f"type must be {GOODS} or {SERVICE}, not {kind!r}", "type")
        product = Product(
            id=next(self._product_ids),
            code=code,
            name=text(payload, "name") or code,
            list_price=None if price is None else f"{price:f}",
            unit_digits=int(payload.get("unit_digits", 0)),
            taxes=tuple(payload.get("taxes", ())),
            type=kind,
        )
        with self._core.lock:
            if code in self.state.products:
                raise Refused(409, "duplicate_code", f"a product with the code {code!r} exists", "code")
            self._core.do("product.create", code, product.id, document=dataclasses.asdict(product))
        return product

    # Parties

    def decide_party(self, payload: JsonDict) -> Decided[Party]:
        """A party with its id, not yet visible."""
        names = ("email", "phone", "vat_id")
        party = Party(
            id=next(self._core.party_ids),
            code=text(payload, "code"),
            name=text(payload, "name", required=True),
            **{name: text(payload, name) for name in names},
        )
        return Decided(party, document_digest(payload))

    def commit_party(self, decided: Decided[Party]) -> Party:
        """Make a decided party stand."""
        party = decided.record
        with self._core.lock:
            if self.rules.enforce_key and party.code and self.state.party_marks.get(("code", party.code)):
                raise Refused(409, "duplicate_code", f"a party with the code {party.code!r} exists", "code")
            document = dataclasses.asdict(party)
            self._core.do("party.create", party.code, party.id, document=document, digest=decided.digest)
        return party


def _is_sale_of(sale: Sale, shop: str) -> bool:
    return sale.origin is None and sale.shop == shop
