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
        """All of them in one call for each batch; a refund's own sale stands under `refunds` of the one it refunds."""
        found: dict[str, JsonDict] = {}
        ids = list(dict.fromkeys(number(each) for each in external_ids))
        for first in range(0, len(ids), BATCH):
            batch = ids[first : first + BATCH]
            domain = ["OR", ["id", "in", batch], ["origin", "in", [f"sale.sale,{each}" for each in batch]]]
            rows = self._client.search("sale.sale", domain, self._fields(), order=[["id", "ASC"]])
            found |= _with_refunds([_plain(row) for row in rows], frozenset(batch))
        return found

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
                (["sales.web_shop", "=", shop],),
                ("sales.origin",),
                lambda row: map(_named, row["sales"]),
            ),
        ]
        if self._masters.has("stock.package", "shipping_reference"):
            packed = Source("stock.package", (moved,), ("moves.sale.origin",), lambda row: _of_moves(row["moves"]))
            sources.append(packed)
        return sources

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
    sales: dict[str, JsonDict] = {str(row["id"]): {**row, "refunds": []} for row in rows if row["id"] in wanted}
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
