"""What became of our shop's sales: which of them changed, and how each stands with all that hangs on it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from connectors.kit.base import Envelope, JsonDict, Page
from connectors.kit.errors import RecordRejected
from connectors.tryton import stamps
from connectors.tryton.client import TrytonClient
from connectors.tryton.masters import Masters
from connectors.tryton.sales import refunded
from connectors.tryton.stamps import Change, Source

#: Sales of one survey: with everything that hangs on 25 sales the answer has 50 to 100 KB.
BATCH: Final = 25

INVOICE_LINE: Final = "account.invoice.line"

_ADDRESS: Final = ("party_name", "attn", "street", "postal_code", "city", "country.code", "subdivision.code")
_MOVE: Final = ("product.code", "quantity", "state", "origin")
_PARCEL: Final = ("shipping_reference", "shipping_tracking_url")
_CARRIER: Final = ("carrier.rec_name", "carrier.party.name")
_INVOICE: Final = (
    *("number", "state", "type", "invoice_date", "untaxed_amount", "tax_amount", "total_amount", "amount_to_pay"),
    *("currency.code", "lines_to_pay.maturity_date", "sales", "lines.origin", "lines.amount"),
    *("payment_lines.debit", "payment_lines.credit", "payment_lines.amount_second_currency", "payment_lines.date"),
    *("payment_lines.move.description", "payment_lines.move.state"),
)
_CREDIT: Final = (
    *_INVOICE,
    *("lines.type", "lines.product.code", "lines.quantity", "lines.unit_price", "lines.description"),
)
#: From an invoice in one of these the credit wizard makes credit notes; it cancels what it credits whole.
_CREDITED: Final = frozenset({"posted", "paid", "cancelled"})
_SALE: Final = (
    *("web_id", "number", "reference", "state", "shipment_state", "invoice_state", "origin", "comment", "sale_date"),
    *("untaxed_amount", "tax_amount", "total_amount", "currency.code", "company", "party", "warehouse"),
    *("payment_term", "invoice_method", "shipment_method", "create_date", "write_date"),
)
_LINE: Final = ("type", "product.code", "quantity", "unit", "unit_price", "amount", "description", "taxes")


class Follow:
    """Follows the sales of one web shop."""

    def __init__(self, client: TrytonClient, masters: Masters, overlap_s: float) -> None:
        self._client, self._masters = client, masters
        self._overlap = dt.timedelta(seconds=overlap_s)

    def pull(self, checkpoint: str | None, since: dt.datetime | None) -> Iterator[Page]:
        """Pages of sales to look at; one empty page where nothing changed."""
        read_to = None if checkpoint is None else stamps.read_checkpoint(checkpoint)
        start = read_to - self._overlap if read_to else since or stamps.BEGINNING
        # The lists are not read at one moment. What changed in one of them while another was still being walked is
        # behind the newest time of that other one, so nothing later than the beginning counts as read.
        began = dt.datetime.now(dt.UTC)
        reached = read_to or min(start, began)
        yielded = False
        for page in stamps.changes(self._client, self._sources(), max(start, stamps.BEGINNING)):
            reached = max(reached, min(page[-1].at, began))
            yielded = True
            yield Page(_envelopes(page), stamps.write_checkpoint(reached))
        if not yielded:
            yield Page((), stamps.write_checkpoint(reached))

    def survey(self, external_ids: Sequence[str]) -> dict[str, JsonDict]:
        """All of them in one call for each batch, and one more where invoices are posted.

        A refund's own sale stands under `refunds` of the one it refunds, and under `credits` what people have credited
        of its invoices by the server's wizard: those name no sale, only the lines that they were made from.
        """
        found: dict[str, JsonDict] = {}
        ids = list(dict.fromkeys(number(each) for each in external_ids))
        for first in range(0, len(ids), BATCH):
            batch = ids[first : first + BATCH]
            domain = ["OR", ["id", "in", batch], ["origin", "in", [f"sale.sale,{each}" for each in batch]]]
            rows = self._client.search("sale.sale", domain, self._fields(), order=[["id", "ASC"]])
            surveyed = _with_refunds([_plain(row) for row in rows], frozenset(batch))
            self._add_credits(surveyed)
            found |= surveyed
        return found

    def _add_credits(self, surveyed: dict[str, JsonDict]) -> None:
        sales = surveyed.values()
        posted = {each["id"] for sale in sales for each in sale["invoices"] if each["state"] in _CREDITED}
        if not posted:
            return
        domain = [["lines.origin.invoice", "in", sorted(posted), INVOICE_LINE]]
        rows = self._client.search("account.invoice", domain, _CREDIT, order=[["id", "ASC"]])
        of_line = {name: sale for sale in sales for name in _invoiced(sale)}
        for row in map(_plain, rows):
            named = {sale["id"]: sale for line in row["lines"] if (sale := of_line.get(line["origin"])) is not None}
            for sale in named.values():
                sale["credits"].append({**row, "refund": credit_id(row["id"])})

    def _sources(self) -> list[Source]:
        """A sale is written when its state changes, but not by a tracking number, a part payment or an invoice date."""
        shop = self._masters.web_shop()["id"]
        ours = ["OR", ["web_shop", "=", shop], ["origin.web_shop", "=", shop, "sale.sale"]]
        moved = ["moves.origin.sale.web_shop", "=", shop, "sale.line"]
        sources = [
            Source("sale.sale", (ours,), ("origin",), lambda row: [_named(row)]),
            Source(
                "stock.shipment.out",
                (moved,),
                ("outgoing_moves.sale.origin",),
                lambda row: _of_moves(row["outgoing_moves"]),
            ),
            Source(
                "stock.shipment.out.return",
                (moved,),
                ("incoming_moves.sale.origin",),
                lambda row: _of_moves(row["incoming_moves"]),
            ),
            Source(
                "account.invoice",
                (["OR", ["sales.web_shop", "=", shop], credits_of(shop)],),
                ("sales.origin", "lines.origin"),
                lambda row: [*map(_named, row["sales"]), *self._credited(row)],
            ),
        ]
        if self._masters.has("stock.package", "shipping_reference"):
            packed = Source("stock.package", (moved,), ("moves.sale.origin",), lambda row: _of_moves(row["moves"]))
            sources.append(packed)
        return sources

    def _credited(self, invoice: JsonDict) -> Iterator[str]:
        """The sales of which an invoice credits another one; a credit note is rare, and costs a call."""
        for sales in credited_sales(self._client, [invoice]).values():
            yield from map(_named, sales)

    def _fields(self) -> list[str]:
        has, fields = self._masters.has, list(_SALE)
        lines = [*_LINE, *(["base_price"] if has("sale.line", "base_price") else [])]
        for name, inner in (
            ("lines", lines),
            ("invoice_address", _ADDRESS),
            ("shipment_address", _ADDRESS),
            ("invoices", _INVOICE),
            ("shipments", self._shipment_fields("stock.shipment.out", "outgoing_moves")),
            ("shipment_returns", self._shipment_fields("stock.shipment.out.return", "incoming_moves")),
        ):
            fields.extend(f"{name}.{field}" for field in inner)
        return fields

    def _shipment_fields(self, model: str, moves: str) -> list[str]:
        has = self._masters.has
        fields = ["number", "state", "effective_date", *(f"{moves}.{field}" for field in _MOVE)]
        if has(model, "carrier"):
            fields.extend(_CARRIER)
        if has(model, "shipping_reference"):
            fields.append("shipping_reference")
        if has(model, "root_packages") and has("stock.package", "shipping_reference"):
            fields.extend(f"root_packages.{field}" for field in _PARCEL)
        return fields


def credit_id(invoice: int) -> str:
    """What a credit note without a return sale is known by among the refunds, whose ids are those of sales."""
    return f"invoice-{invoice}"


def credits_of(shop: int) -> list[Any]:
    """The domain of credit notes that were made from invoices of a web shop's sales."""
    return ["lines.origin.invoice.sales.web_shop", "=", shop, INVOICE_LINE]


def credited_sales(client: TrytonClient, invoices: Iterable[JsonDict]) -> dict[int, list[JsonDict]]:
    """Id of an invoice (with `lines.origin`) -> the sales whose invoices it credits, with `id` and `origin`.

    Raises what the client raises.
    """
    of_line = {_line_of(line["origin"]): row["id"] for row in invoices for line in row["lines"]}
    of_line.pop(0, None)
    if not of_line:
        return {}
    found: dict[int, dict[int, JsonDict]] = {}
    for row in client.search(INVOICE_LINE, [["id", "in", sorted(of_line)]], ["invoice.sales.origin"]):
        sales = found.setdefault(of_line[row["id"]], {})
        sales |= {sale["id"]: sale for sale in row["invoice"]["sales"]}
    return {invoice: list(sales.values()) for invoice, sales in found.items()}


def _line_of(origin: str | None) -> int:
    model, _, line = (origin or "").partition(",")
    return int(line) if model == INVOICE_LINE else 0


def _invoiced(sale: JsonDict) -> Iterator[str]:
    """Lines of its invoices that are the sale's own; a collected invoice has others' too."""
    own = {f"sale.line,{line['id']}" for line in sale["lines"]}
    for invoice in sale["invoices"]:
        yield from (f"{INVOICE_LINE},{line['id']}" for line in invoice["lines"] if line["origin"] in own)


def number(external_id: str) -> int:
    """The record's id. Raises RecordRejected for a text that is none."""
    if not (external_id.isascii() and external_id.isdecimal()):
        raise RecordRejected(f"{external_id!r} is no id of Tryton: it must be a whole number", field="id")
    return int(external_id)


def _named(sale: JsonDict) -> str:
    return refunded(sale["origin"]) or str(sale["id"])


def _of_moves(moves: Iterable[JsonDict]) -> Iterator[str]:
    return (_named(move["sale"]) for move in moves if move.get("sale"))


def _envelopes(page: Sequence[Change]) -> tuple[Envelope, ...]:
    """Each sale once, under its newest time on this page."""
    newest: dict[str, str] = {}
    for change in page:
        for name in change.names:
            newest.pop(name, None)
            newest[name] = change.at.isoformat(timespec="microseconds")
    return tuple(Envelope(name, version, {}) for name, version in newest.items())


def _with_refunds(rows: Sequence[JsonDict], wanted: frozenset[int]) -> dict[str, JsonDict]:
    sales: dict[str, JsonDict] = {
        str(row["id"]): {**row, "refunds": [], "credits": []} for row in rows if row["id"] in wanted
    }
    for row in rows:
        if (sale := sales.get(refunded(row["origin"]))) is not None:
            sale["refunds"].append(row)
    return sales


def _plain(value: Any) -> Any:
    """JSON again: a survey is kept and compared. The server's names of its models are left out."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if name != "__name__"}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="microseconds")
    return value.isoformat() if isinstance(value, dt.date) else value
