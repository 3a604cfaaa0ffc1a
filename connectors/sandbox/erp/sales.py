"""Sales and refunds in the sandbox ERP: made, advanced, changed, cancelled.

A change has two steps, as in a real ERP behind a slow database: it is *decided* (checked against what stands now, ids
given) and later it is *committed* (keys checked again, ledger written, visible). Whatever delays the second step, a
lower id can appear after a higher one was confirmed. Only the commit holds the lock.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from connectors.sandbox.erp import plans
from connectors.sandbox.erp.core import Core, Decided, now
from connectors.sandbox.erp.documents import (
    CANCELLED,
    CONFIRMED,
    DRAFT,
    QUOTED,
    STATES,
    JsonDict,
    Refused,
    Sale,
    day,
    decimal,
    moment,
    text,
)
from connectors.sandbox.erp.papers import DRAFT as DRAFT_INVOICE
from connectors.sandbox.erp.papers import DROPPED, EXPECTED, PLANNED
from connectors.sandbox.erp.reading import check_currency, check_sign, sums
from connectors.sandbox.ledger import Entry, document_digest

#: What may be changed in a sale while it is a draft or a quotation; each is absolute.
CHANGEABLE = frozenset({"lines", "invoice_address", "shipment_address", "note", "reference", "po_number"})


class Sales:
    """Every public method may be called from many threads, and may raise Refused."""

    def __init__(self, core: Core) -> None:
        """On the books' own state."""
        self._core = core
        self.state = core.state
        self.rules = core.rules

    def decide_sale(self, payload: JsonDict) -> Decided[Sale]:
        """A draft with its id and totals, not yet visible."""
        currency = check_currency(payload)
        net_and_tax = sums(self.state, payload, self._core.digits(currency))
        party = payload.get("party")
        if not isinstance(party, int) or party not in self.state.parties:
            raise Refused(422, "unknown_party", f"there is no party {party!r}", "party")
        warehouse = text(payload, "warehouse") or self.state.warehouses[0]
        if warehouse not in self.state.warehouses:
            raise Refused(422, "unknown_warehouse", f"there is no warehouse {warehouse!r}", "warehouse")
        self._check_custom(payload)
        return self._decided(payload, currency, net_and_tax, warehouse, None)

    def _check_custom(self, payload: JsonDict) -> None:
        known = self.rules.custom_fields
        if known is None:
            return
        for name in sorted(payload):
            if name.startswith("x_") and name not in known:
                raise Refused(422, "unknown_field", f"a sale has no field {name}", name)

    def decide_refund(self, payload: JsonDict) -> Decided[Sale]:
        """The draft of a refund of the sale that `sale` names; quantities and amounts are negative."""
        number = payload.get("sale")
        with self._core.lock:
            origin = self._core.sale(number if isinstance(number, int) else 0)
            currency, warehouse, shop, state = origin.currency, origin.warehouse, origin.shop, origin.state
        if state != CONFIRMED:
            raise Refused(409, "wrong_state", f"sale {number} is {state}; only a confirmed one is refunded", "sale")
        if check_currency({"currency": currency, **payload}) != currency:
            raise Refused(422, "invalid", f"sale {number} is in {currency}", "currency")
        net_and_tax = sums(self.state, payload, self._core.digits(currency))
        check_sign(payload, sum(net_and_tax, Decimal(0)))
        payload = payload | {"shop": text(payload, "shop") or shop}
        return self._decided(payload, currency, net_and_tax, warehouse, origin.id)

    def commit_sale(self, decided: Decided[Sale]) -> JsonDict:
        """Make a decided draft stand."""
        with self._core.lock:
            self._check_key(decided.record, ())
            return self._create([decided])[0]

    def commit_sales(self, batch: Sequence[Decided[Sale]]) -> list[JsonDict]:
        """Make decided drafts stand, all or none. Raises Refused whose field begins with `[index]` of the bad one."""
        sales = [decided.record for decided in batch]
        with self._core.lock:
            for index, sale in enumerate(sales):
                try:
                    self._check_key(sale, sales[:index])
                except Refused as refused:
                    raise refused.at(f"[{index}].") from refused
            return self._create(batch)

    def decide_advance(self, sale_id: int, state: str, kind: str = "sale") -> Callable[[], JsonDict]:
        """The commit of bringing one sale (or refund) up to `state`; the commit may raise Refused too."""
        if state not in {QUOTED, CONFIRMED, CANCELLED}:
            raise Refused(422, "invalid", "state must be quoted, confirmed or cancelled", "state")
        with self._core.lock:
            seen = self._core.sale(sale_id, kind).state

        def commit() -> JsonDict:
            with self._core.lock:
                sale = self._core.sale(sale_id, kind)
                steps = _steps(seen if self.rules.racy else sale.state, state)
                self._core.do_all([self._step(sale, step) for step in steps])
                return sale.to_json()

        return commit

    def decide_change(self, sale_id: int, payload: JsonDict) -> Callable[[], JsonDict]:
        """The commit of writing absolute values to a draft or a quotation."""
        if unknown := sorted(payload.keys() - CHANGEABLE):
            raise Refused(422, "invalid", f"{unknown[0]} cannot be changed", unknown[0])
        for name in {"note", "reference", "po_number"} & payload.keys():
            text(payload, name)
        with self._core.lock:
            currency = self._core.sale(sale_id).currency
        change: JsonDict = {}
        if "lines" in payload:
            untaxed, tax = sums(self.state, payload, self._core.digits(currency))
            change = {"untaxed": f"{untaxed:f}", "tax": f"{tax:f}", "total": f"{untaxed + tax:f}"}

        def commit() -> JsonDict:
            with self._core.lock:
                sale = self._core.sale(sale_id)
                if sale.state not in {DRAFT, QUOTED}:
                    message = f"sale {sale_id} is {sale.state}; only a draft or a quotation can be changed"
                    raise Refused(409, "wrong_state", message, "state")
                details = {name: value for name, value in payload.items() if sale.details.get(name) != value}
                if details:
                    self._change(sale, change | {"details": sale.details | details})
                return sale.to_json()

        return commit

    def cancel(self, sale_id: int) -> JsonDict:
        """As far as its state allows: what has not left and is not posted ends; a repeat changes nothing.

        Where goods have left or an invoice is posted, the sale itself stays, and a person has to go on.
        """
        with self._core.lock:
            sale = self._core.sale(sale_id)
            ended = self._endable(sale)
            if sale.state != CANCELLED and not self._bound(sale):
                self._record(sale, "cancel", {"updated_at": now(), **ended})
            elif any(ended.values()):
                self._record(sale, "stop", {"updated_at": now(), **ended})
            return sale.to_json()

    def delete_sale(self, sale_id: int) -> None:
        """Delete a draft, of a sale or of a refund, for good."""
        with self._core.lock:
            sale = self._any(sale_id)
            if sale.state != DRAFT:
                message = f"only a draft can be deleted, {sale.kind} {sale_id} is {sale.state}"
                raise Refused(409, "wrong_state", message, "state")
            self._record(sale, "delete")

    # What people do in the ERP's own pages, and nobody else

    def edit(self, sale_id: int, payload: JsonDict) -> JsonDict:
        """A person changes addresses or notes in any state; lines as everybody does."""
        if "lines" in payload:
            return self.decide_change(sale_id, payload)()
        if unknown := sorted(payload.keys() - CHANGEABLE):
            raise Refused(422, "invalid", f"{unknown[0]} cannot be changed", unknown[0])
        with self._core.lock:
            sale = self._core.sale(sale_id)
            self._change(sale, {"details": sale.details | payload})
            return sale.to_json()

    # What only somebody at the database could do: tests of the proof spoil the books with it

    def spoil_delete(self, sale_id: int) -> None:
        """A sale (or refund) vanishes, whatever its state."""
        with self._core.lock:
            self._record(self._any(sale_id), "delete")

    def spoil_total(self, sale_id: int, total: str) -> JsonDict:
        """A sale (or refund) shows another total."""
        with self._core.lock:
            sale = self._any(sale_id)
            self._change(sale, {"total": f"{decimal({'total': total}, 'total', 'total'):f}"})
            return sale.to_json()

    def spoil_double(self, sale_id: int) -> JsonDict:
        """A sale (or refund) stands twice, key and all, whether the key is enforced or not."""
        with self._core.lock:
            twin = dataclasses.replace(self._any(sale_id), id=next(self._core.sale_ids), updated_at=now())
            return self._create([Decided(twin, "")])[0]

    # Inside the lock

    def _any(self, sale_id: int) -> Sale:
        """The sale or the refund under this id. Raises Refused."""
        found = self.state.sales.get(sale_id)
        return self._core.sale(sale_id, "sale" if found is None else found.kind)

    def _decided(
        self, payload: JsonDict, currency: str, net_and_tax: tuple[Decimal, Decimal], warehouse: str, origin: int | None
    ) -> Decided[Sale]:
        text(payload, "reference")
        untaxed, tax = net_and_tax
        at = now()
        sale = Sale(
            id=next(self._core.sale_ids),
            shop=text(payload, "shop"),
            external_key=text(payload, "external_key"),
            currency=currency,
            sale_date=day(payload, "sale_date"),
            placed_at=moment(text(payload, "placed_at") or at, "placed_at"),
            untaxed=f"{untaxed:f}",
            tax=f"{tax:f}",
            total=f"{untaxed + tax:f}",
            details=payload,
            created_at=at,
            updated_at=at,
            warehouse=warehouse,
            origin=origin,
        )
        return Decided(sale, document_digest(payload))

    def _shown(self, ids: Iterable[int], kind: str) -> list[JsonDict]:
        sales = self.state.sales
        return [sales[found].to_json() for found in ids if found in sales and sales[found].kind == kind]

    def _check_key(self, sale: Sale, before: Sequence[Sale]) -> None:
        if sale.origin is not None:
            self._core.sale(sale.origin)
        key = (sale.shop, sale.external_key)
        if not self.rules.enforce_key or not sale.external_key:
            return
        if self.state.keys.get(key) or any((other.shop, other.external_key) == key for other in before):
            message = f"a sale with the external key {sale.external_key!r} exists"
            raise Refused(409, "duplicate_key", message, "external_key")

    def _create(self, batch: Sequence[Decided[Sale]]) -> list[JsonDict]:
        self._core.do_all(_created(decided) for decided in batch)
        return [self.state.sales[decided.record.id].to_json() for decided in batch]

    def _step(self, sale: Sale, step: str) -> Entry:
        """One transition; what it makes depends on nothing that the one before it changes."""
        change: JsonDict = {"updated_at": now()}
        if step == QUOTED:
            prefix = "SO" if sale.origin is None else "RF"
            change["number"] = sale.number or f"{prefix}{self.state.quoted + 1:06d}"
            return _entry(sale, "quote", change)
        if step == CONFIRMED:
            if sale.origin is None:
                return _entry(sale, "confirm", change | plans.confirmation(self.state, sale))
            plan = plans.refund(self.state, sale, takes_out=self.rules.takes_out)
            return _entry(sale, "confirm", change | plan)
        if self._bound(sale):
            message = f"{sale.kind} {sale.id} has a shipment that moved or a posted invoice, it cannot be cancelled"
            raise Refused(409, "wrong_state", message, "state")
        return _entry(sale, "cancel", change | self._endable(sale))

    def _bound(self, sale: Sale) -> bool:
        """Whether goods moved or an invoice is posted: then nothing makes it undone."""
        ended = {*PLANNED, EXPECTED, CANCELLED, DROPPED}
        moved = any(self.state.shipments[number].state not in ended for number in sale.shipments)
        return moved or any(self.state.invoices[number].number for number in sale.invoices)

    def _endable(self, sale: Sale) -> dict[str, list[int]]:
        """What has not left and is not posted."""
        shipments, invoices = self.state.shipments, self.state.invoices
        return {
            "shipments": [number for number in sale.shipments if shipments[number].state in {*PLANNED, EXPECTED}],
            "invoices": [number for number in sale.invoices if invoices[number].state == DRAFT_INVOICE],
        }

    def _change(self, sale: Sale, change: JsonDict) -> None:
        self._record(sale, "change", {"updated_at": now(), **change}, total=change.get("total", sale.total))

    def _record(self, sale: Sale, what: str, document: JsonDict | None = None, *, total: str = "") -> None:
        self._core.do_all([_entry(sale, what, document, total=total)])


def _entry(sale: Sale, what: str, document: JsonDict | None, *, total: str = "") -> Entry:
    return Entry(f"{sale.kind}.{what}", sale.external_key, str(sale.id), total or sale.total, document)


def _created(decided: Decided[Sale]) -> Entry:
    sale = decided.record
    return Entry(f"{sale.kind}.create", sale.external_key, str(sale.id), sale.total, sale.stored(), decided.digest)


def _steps(state: str, wanted: str) -> tuple[str, ...]:
    """The transitions from `state` to `wanted`; none when it is there or beyond. Raises Refused."""
    if wanted == CANCELLED:
        return () if state == CANCELLED else (CANCELLED,)
    if state == CANCELLED:
        raise Refused(409, "wrong_state", f"a cancelled sale cannot be {wanted}", "state")
    return STATES[STATES.index(state) + 1 : STATES.index(wanted) + 1]
