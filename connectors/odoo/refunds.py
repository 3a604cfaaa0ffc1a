"""Refunds: credit notes under an external id of their own, and the pickings by which their goods come back.

The pickings come first, under keys that end in `:return:<picking>`, and are confirmed; the credit note is made last. So
where a credit note stands under the key, all of the refund stands, and whatever was left half-way is made by the same
calls again. It stays a draft until it is posted (`invoicing`).

Odoo counts the pieces of a credit note as not invoiced again where it names the sale's lines: of an article that is
invoiced by what was delivered that is right, for its return has lowered that too. Of one that is invoiced by what was
ordered the next run of the wizard would bill the pieces a second time, so it names none.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from connectors.kit.base import JsonDict, Rank, Result, TargetDocument
from connectors.kit.errors import AlreadyExists, ConnectorError, OutcomeUnknown, RecordRejected
from connectors.kit.facets import RefundSummary
from connectors.kit.until import Until
from connectors.kit.words import say
from connectors.odoo import documents
from connectors.odoo.client import OdooClient
from connectors.odoo.documents import amount, keys_of
from connectors.odoo.goods import batches
from connectors.odoo.invoicing import MODEL, wrong
from connectors.odoo.loading import Refused, external_id, load
from connectors.odoo.masters import Masters
from connectors.odoo.stamps import moment, written

_PICKING: Final = "stock.picking"
_MOVE: Final = "stock.move"
_LINE: Final = "sale.order.line"
CREDIT: Final = "out_refund"
FIELDS: Final = (
    *("name", "state", "ref", "move_type", "amount_total", "amount_tax", "currency_id", "invoice_origin"),
    *("reversed_entry_id", "invoice_date", "create_date", "write_date"),
)
_SALE: Final = ("name", "state", "partner_invoice_id", "partner_shipping_id", "currency_id", "invoice_ids")
_GONE: Final = (
    *("product_id", "quantity", "product_uom_qty", "state", "sale_line_id", "picking_id", "origin_returned_move_id"),
    *("location_id", "location_dest_id"),
)
_BATCH: Final = 200


class Refunds:
    """The credit notes of one company's sales."""

    def __init__(self, client: OdooClient, masters: Masters, module: str) -> None:
        self._client, self._masters, self._module = client, masters, module

    # -- looking up ------------------------------------------------------------------------------------------

    def find(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """By our key, lowest id first: searched by the field that shows it, proven by the external id."""
        found: dict[str, list[TargetDocument]] = {}
        for batch in batches(list(dict.fromkeys(keys)), _BATCH):
            rows = self._client.search(MODEL, [["ref", "in", list(batch)], ["move_type", "=", CREDIT]], FIELDS)
            known = keys_of(self._client, MODEL, [row["id"] for row in rows], self._module)
            for row in rows:
                if (key := known.get(row["id"], "")) in batch:
                    found.setdefault(key, []).append(_document(row, key))
        return found

    def list_all(self, since: dt.datetime, until: dt.datetime) -> Iterator[RefundSummary]:
        """Credit notes that were made in the window and credit one of our sales, by whoever made them."""
        window = [["create_date", ">=", written(since)], ["create_date", "<", written(until)]]
        own = [["move_type", "=", CREDIT], ["company_id", "=", self._masters.company()["id"]], *window]
        last = 0
        while True:
            rows = self._client.search(MODEL, [["id", ">", last], *own], FIELDS, limit=_BATCH)
            known = keys_of(self._client, MODEL, [row["id"] for row in rows], self._module)
            of = self._sales_of(rows)
            for row in rows:
                # One over several orders is no refund of any of them alone.
                if len(of[row["id"]]) == 1:
                    yield _summary(row, known.get(row["id"], ""), next(iter(of[row["id"]])), since.tzinfo)
            if len(rows) < _BATCH:
                return
            last = rows[-1]["id"]

    def _sales_of(self, rows: Sequence[JsonDict]) -> dict[int, set[str]]:
        """Id of a credit note -> the sales whose invoice, or whose lines, it credits, or whose number it bears."""
        credited = {row["id"]: row["reversed_entry_id"][0] for row in rows if row["reversed_entry_id"]}
        invoices = sorted({*(row["id"] for row in rows), *credited.values()})
        names = sorted({row["invoice_origin"] for row in rows if row["invoice_origin"]})
        found: dict[int, set[str]] = {row["id"]: set() for row in rows}
        if not rows:
            return found
        either = ["|", ["order_line.invoice_lines.move_id", "in", invoices], ["name", "in", names]]
        mine = [["company_id", "=", self._masters.company()["id"]]]
        for sale in self._client.search(documents.MODEL, [*mine, *either], ("name", "invoice_ids")):
            for row in rows:
                named = {row["id"], credited.get(row["id"], 0)}.intersection(sale["invoice_ids"])
                if named or row["invoice_origin"] == sale["name"]:
                    found[row["id"]].add(str(sale["id"]))
        return found

    # -- creating --------------------------------------------------------------------------------------------

    def create(self, payloads: Sequence[JsonDict]) -> list[Result]:
        """One by one: each reads its sale, and takes its goods back before it is credited."""
        results: list[Result] = []
        for payload in payloads:
            try:
                results.append(Result(document=self._create(payload, Until(self._client.deadline_s))))
            except ConnectorError as error:
                results.append(Result(error=error))
        return results

    def read(self, documents: Sequence[TargetDocument]) -> list[Result]:
        """As they stand now: what was created is all there is to it, until it is posted."""
        results = []
        for document in documents:
            row = self._read_back(int(document.external_id))
            now = _document(row, document.key)
            cancelled = RecordRejected(wrong(now.state), code=now.state)
            results.append(Result(error=cancelled) if now.rank is Rank.CANCELLED else Result(document=now))
        return results

    def _create(self, payload: JsonDict, until: Until) -> TargetDocument:
        key = payload["key"]
        if key in self.find([key]):
            text = say("a credit note with the external id %(key)s exists already", key=repr(key))
            raise AlreadyExists(text, field="id")
        sale = self._sale(int(payload["sale"]))
        back = {int(product): Decimal(pieces) for product, pieces in payload["back"].items()}
        if back and "picking_ids" in self._masters.fields(documents.MODEL):
            self._take_back(key, sale, back, until)
        made = self._load(MODEL, [self._credit_note(payload, sale, frozenset(back))], until)
        return _document(self._read_back(made[0]), key)

    def _load(self, model: str, rows: Sequence[JsonDict], until: Until) -> list[int]:
        made = load(self._client, model, rows, until)
        if isinstance(made, Refused):
            raise made.whole or next(iter(made.records.values()))
        return made

    def _sale(self, number: int) -> JsonDict:
        rows = self._client.search(documents.MODEL, [["id", "=", number]], _SALE)
        if not rows:
            raise RecordRejected(say("the sale is no longer in the ERP"), code="gone")
        return rows[0]

    def _credit_note(self, payload: JsonDict, sale: JsonDict, back: frozenset[int]) -> JsonDict:
        invoice = self._invoice(sale)
        mine = {} if invoice is None else {"reversed_entry_id": invoice["id"], "journal_id": invoice["journal_id"][0]}
        links = self._links(sale, back) if back else {}
        return {
            "id": external_id(self._module, payload["key"]),
            "move_type": CREDIT,
            "partner_id": sale["partner_invoice_id"][0],
            **mine,
            "invoice_date": payload["date"],
            "currency_id": sale["currency_id"][0],
            "ref": payload["key"],
            "invoice_origin": sale["name"],
            "narration": payload["note"],
            "invoice_line_ids": [
                {**line, "sale_line_ids": links.get(line["product_id"], [])} for line in payload["lines"]
            ],
        }

    def _invoice(self, sale: JsonDict) -> JsonDict | None:
        """The invoice that is credited: the sale's newest posted one."""
        domain = [["id", "in", sale["invoice_ids"]], ["move_type", "=", "out_invoice"], ["state", "=", "posted"]]
        rows = self._client.search(MODEL, domain, ("journal_id",)) if sale["invoice_ids"] else []
        return rows[-1] if rows else None

    def _links(self, sale: JsonDict, back: frozenset[int]) -> dict[int, list[int]]:
        """Product -> the sale's line, of articles that come back and are invoiced by what was delivered."""
        products = [["id", "in", sorted(back)], ["invoice_policy", "=", "delivery"]]
        delivered = self._client.find_ids("product.product", products)
        if not delivered:
            return {}
        domain = [["order_id", "=", sale["id"]], ["product_id", "in", delivered]]
        rows = self._client.search(_LINE, domain, ("product_id", "qty_invoiced"))
        return {row["product_id"][0]: [row["id"]] for row in reversed(rows) if row["qty_invoiced"] > 0}

    # -- goods -----------------------------------------------------------------------------------------------

    def _take_back(self, key: str, sale: JsonDict, back: Mapping[int, Decimal], until: Until) -> None:
        """A return of each picking that these pieces left in, confirmed, and one of what has not left yet.

        The latter stays a draft: nothing comes back by it, it says what is to be taken out of what waits (`calloff`).
        """
        own = [["sale_line_id.order_id", "=", sale["id"]], ["state", "!=", "cancel"]]
        # Where goods are picked and packed by moves of their own, those alone have left that went to the customer.
        gone = self._client.search(_MOVE, [*own, ["location_dest_id.usage", "=", "customer"]], self._gone())
        coming = self._client.search(_MOVE, [*own, ["location_id.usage", "=", "customer"]], self._gone())
        made = self._returns(key, coming)
        if not made:
            allotted = list(_allotted(gone, coming, back))
            rows = self._returning(key, sale, allotted)
            if unsent := list(_unsent(gone, coming, _left(back, allotted))):
                rows.append(self._announcing(key, sale, unsent))
            made = self._load(_PICKING, rows, until) if rows else []
        # One that takes nothing back has no picking that it returns.
        domain = [["id", "in", made], ["state", "=", "draft"], ["return_id", "!=", False]]
        drafts = self._client.find_ids(_PICKING, domain) if made else []
        if drafts:
            self._client.write(_PICKING, "action_confirm", ids=drafts, deadline_s=until.left_s())

    def _gone(self) -> tuple[str, ...]:
        """Before 19 a picking is the sale's by the group of its moves."""
        return (*_GONE, "group_id") if "group_id" in self._masters.fields(_MOVE) else _GONE

    def _returns(self, key: str, coming: Sequence[JsonDict]) -> list[int]:
        """Those that were made for this refund before; they came all in one call."""
        pickings = sorted({move["picking_id"][0] for move in coming if move["picking_id"]})
        known = keys_of(self._client, _PICKING, pickings, self._module)
        return [number for number, name in known.items() if name.startswith(f"{key}:return:")]

    def _returning(self, key: str, sale: JsonDict, parts: Sequence[tuple[JsonDict, Decimal]]) -> list[JsonDict]:
        by_picking: dict[int, list[tuple[JsonDict, Decimal]]] = defaultdict(list)
        for move, pieces in parts:
            by_picking[move["picking_id"][0]].append((move, pieces))
        return [
            {
                **self._return_of(f"{key}:return:{picking}", sale, taken),
                "return_id": picking,
                "move_ids": [
                    {**_move_back(move, pieces), "origin_returned_move_id": move["id"], "to_refund": True}
                    for move, pieces in taken
                ],
            }
            for picking, taken in sorted(by_picking.items())
        ]

    def _announcing(self, key: str, sale: JsonDict, parts: Sequence[tuple[JsonDict, Decimal]]) -> JsonDict:
        moves = [_move_back(move, pieces) for move, pieces in parts]
        return {**self._return_of(f"{key}:return:unsent", sale, parts), "move_ids": moves}

    def _return_of(self, key: str, sale: JsonDict, parts: Sequence[tuple[JsonDict, Decimal]]) -> JsonDict:
        (first, _), kinds = parts[0], self._incoming()
        here, there = first["location_id"][0], first["location_dest_id"][0]
        return {
            "id": external_id(self._module, key),
            "picking_type_id": kinds.get(here) or next(iter(kinds.values())),
            "partner_id": sale["partner_shipping_id"][0],
            "location_id": there,
            "location_dest_id": here,
            "origin": f"Return of {sale['name']}",
        }

    def _incoming(self) -> dict[int, int]:
        """The place of a warehouse's stock -> the operation by which goods come in there."""
        rows = self._masters.warehouses()
        if not rows:
            raise RecordRejected(
                say("the company has no warehouse into which goods can come back"), code="no_warehouse"
            )
        return {row["lot_stock_id"][0]: row["in_type_id"][0] for row in rows}

    # -- reading back ----------------------------------------------------------------------------------------

    def _read_back(self, number: int) -> JsonDict:
        try:
            rows = self._client.search(MODEL, [["id", "=", number]], FIELDS)
        except ConnectorError as error:
            text = say("credited, but not read back: %(error)s", error=error)
            raise OutcomeUnknown(text, status=error.status) from None
        if not rows:
            raise OutcomeUnknown(say("credited, but not found when it was read back"))
        return rows[0]


def _move_back(move: JsonDict, pieces: Decimal) -> JsonDict:
    return {
        "product_id": move["product_id"][0],
        "product_uom_qty": pieces,
        "location_id": move["location_dest_id"][0],
        "location_dest_id": move["location_id"][0],
        "sale_line_id": move["sale_line_id"][0],
        **({"group_id": move["group_id"][0]} if move.get("group_id") else {}),
    }


def _allotted(
    gone: Iterable[JsonDict], coming: Iterable[JsonDict], back: Mapping[int, Decimal]
) -> Iterator[tuple[JsonDict, Decimal]]:
    """What comes back of which move: of those that have left, oldest first, less what is back or announced."""
    returned: dict[int, Decimal] = defaultdict(Decimal)
    for move in coming:
        if move["origin_returned_move_id"]:
            done = move["state"] == "done"
            returned[move["origin_returned_move_id"][0]] += amount(move["quantity" if done else "product_uom_qty"])
    left = dict(back)
    for move in gone:
        product = move["product_id"][0]
        pieces = min(amount(move["quantity"]) - returned[move["id"]], left.get(product, Decimal(0)))
        if move["state"] == "done" and pieces > 0:
            left[product] -= pieces
            yield move, pieces


def _unsent(
    gone: Iterable[JsonDict], coming: Iterable[JsonDict], back: Mapping[int, Decimal]
) -> Iterator[tuple[JsonDict, Decimal]]:
    """Of which move that waits they are, as far as no other refund has announced them."""
    announced: dict[int, Decimal] = defaultdict(Decimal)
    for move in coming:
        if not move["origin_returned_move_id"] and move["state"] != "done":
            announced[move["sale_line_id"][0]] += amount(move["product_uom_qty"])
    left = dict(back)
    for move in gone:
        product, line = move["product_id"][0], move["sale_line_id"][0]
        if move["state"] == "done":
            continue
        free = max(amount(move["product_uom_qty"]) - announced[line], Decimal(0))
        announced[line] = max(announced[line] - amount(move["product_uom_qty"]), Decimal(0))
        pieces = min(free, left.get(product, Decimal(0)))
        if pieces > 0:
            left[product] -= pieces
            yield move, pieces


def _left(back: Mapping[int, Decimal], allotted: Iterable[tuple[JsonDict, Decimal]]) -> dict[int, Decimal]:
    """Product -> pieces that have not left."""
    left = dict(back)
    for move, pieces in allotted:
        left[move["product_id"][0]] -= pieces
    return left


def _rank(state: str) -> Rank:
    """A draft too is all that a refund needs: whether it is posted is another question."""
    return Rank.CANCELLED if state == "cancel" else Rank.CONFIRMED


def _number(row: Mapping[str, Any]) -> str:
    """A draft has no number yet; Odoo itself shows it so."""
    named = row["name"] if row["name"] not in {False, None, "/", ""} else ""
    return named or f"* {row['id']}"


def _document(row: JsonDict, key: str) -> TargetDocument:
    return TargetDocument(
        external_id=str(row["id"]),
        key=key,
        number=_number(row),
        state=row["state"],
        total=-amount(row["amount_total"]),
        tax=-amount(row["amount_tax"]),
        currency=row["currency_id"][1],
        payload=row,
        rank=_rank(row["state"]),
        version=row["write_date"] or "",
    )


def _summary(row: JsonDict, key: str, of: str, zone: dt.tzinfo | None) -> RefundSummary:
    made_at = moment(row["create_date"])
    return RefundSummary(
        external_id=str(row["id"]),
        key=key,
        of=of,
        number=_number(row),
        state=row["state"],
        amount=amount(row["amount_total"]),
        currency=row["currency_id"][1],
        made_at=made_at,
        made_on=made_at.astimezone(zone or dt.UTC).date(),
        rank=_rank(row["state"]),
        posted=row["state"] == "posted",
    )
