"""What became of sales: which of them changed, and how each stands with its pickings, invoices, credit notes, payments.

Odoo writes a document and not always the sale that it belongs to: a tracking number moves the picking alone, a payment
the invoice. So every model that hangs on a sale is asked for what changed there, and whose it is.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.kit.base import Envelope, JsonDict, Page
from connectors.kit.errors import RecordRejected
from connectors.kit.words import say
from connectors.odoo import stamps
from connectors.odoo.client import OdooClient
from connectors.odoo.documents import MODEL, keys_of, ours
from connectors.odoo.goods import batches
from connectors.odoo.masters import Masters
from connectors.odoo.options import OdooOptions
from connectors.odoo.stamps import Change, Source

#: Sales of one survey; 50 with all that hangs on them are 100 to 200 KB.
BATCH: Final = 50

LINE: Final = "sale.order.line"
PICKING: Final = "stock.picking"
STOCK_MOVE: Final = "stock.move"
INVOICE: Final = "account.move"
PAYMENT: Final = "account.payment"

#: What invoices and credit notes of customers are among all journal entries.
BILLED: Final = ("move_type", "in", ["out_invoice", "out_refund"])

_PRODUCT: Final[JsonDict] = {"fields": {"default_code": {}}}
_NAME: Final[JsonDict] = {"fields": {"name": {}}}
_CODE: Final[JsonDict] = {"fields": {"code": {}}}
_CURRENCY: Final[JsonDict] = {"fields": {"name": {}, "decimal_places": {}}}
_USAGE: Final[JsonDict] = {"fields": {"usage": {}}}


def _plain(*names: str) -> JsonDict:
    return {name: {} for name in names}


_ADDRESS: Final = {
    "fields": {**_plain("name", "street", "street2", "zip", "city"), "country_id": _CODE, "state_id": _CODE}
}
_SALE_LINE: Final = {
    **_plain("name", "display_type", "product_uom_qty", "price_unit", "discount", "price_subtotal", "tax_ids"),
    **_plain("qty_delivered", "qty_invoiced"),
    "product_id": _PRODUCT,
}
_MOVE: Final = {
    **_plain("product_uom_qty", "quantity", "state", "sale_line_id"),
    "product_id": _PRODUCT,
}
_PICKING: Final = {
    **_plain("name", "state", "date_done", "backorder_id", "return_id"),
    **_plain("carrier_tracking_ref", "carrier_tracking_url"),
    "carrier_id": _NAME,
    "location_id": _USAGE,
    "location_dest_id": _USAGE,
    "move_ids": {"fields": _MOVE},
}
_INVOICE_LINE: Final = {
    **_plain("name", "display_type", "quantity", "price_unit", "price_subtotal", "sale_line_ids"),
    "product_id": _PRODUCT,
}
_PAYMENT: Final = {
    **_plain("name", "state", "payment_type", "amount", "memo", "payment_reference", "date", "is_reconciled"),
    **_plain("move_id"),
    "currency_id": _CURRENCY,
}
INVOICE_FIELDS: Final = {
    **_plain("name", "move_type", "state", "payment_state", "ref", "invoice_origin", "reversed_entry_id"),
    **_plain("invoice_date", "invoice_date_due", "amount_untaxed", "amount_tax", "amount_total", "amount_residual"),
    "currency_id": _CURRENCY,
    "invoice_line_ids": {"fields": _INVOICE_LINE},
    "matched_payment_ids": {"fields": _PAYMENT},
}
SALE_FIELDS: Final = {
    **_plain("name", "client_order_ref", "origin", "note", "state", "locked", "date_order", "write_date"),
    **_plain("amount_untaxed", "amount_tax", "amount_total", "invoice_status", "delivery_status", "partner_id"),
    **_plain("company_id", "warehouse_id", "pricelist_id", "payment_term_id"),
    "currency_id": _CURRENCY,
    "partner_invoice_id": _ADDRESS,
    "partner_shipping_id": _ADDRESS,
    "order_line": {"fields": _SALE_LINE},
    "picking_ids": {"fields": _PICKING},
    "invoice_ids": {"fields": INVOICE_FIELDS},
}
#: What tells two changes of one second apart, beside what names the sale.
_INVOICE_NEWS: Final = (
    *("invoice_origin", "reversed_entry_id", "state", "payment_state", "amount_residual", "name"),
    # It was printed.
    "invoice_pdf_report_id",
)
_PAYMENT_NEWS: Final = ("reconciled_invoice_ids", "state", "amount")
_MOVE_NEWS: Final = ("sale_line_id", "state", "quantity", "product_uom_qty")
_LINE_NEWS: Final = ("order_id", "product_uom_qty", "price_subtotal")
#: Fields that a module brings, or a version has not: model -> names. Without one, what it says is left out.
_OPTIONAL: Final[Mapping[str, frozenset[str]]] = {
    MODEL: frozenset({"picking_ids", "delivery_status", "locked", "warehouse_id"}),
    PICKING: frozenset({"carrier_tracking_ref", "carrier_tracking_url", "carrier_id", "return_id"}),
    INVOICE: frozenset({"matched_payment_ids"}),
    PAYMENT: frozenset({"payment_reference", "is_reconciled"}),
}
_OF: Final = {"picking_ids": PICKING, "invoice_ids": INVOICE, "matched_payment_ids": PAYMENT}
#: What a user without a group of Invoicing may not read: such a connection tells none of it.
_OF_MONEY: Final = frozenset({INVOICE, PAYMENT})


class Follow:
    """Follows the sales of one company, or of one sales team of it."""

    def __init__(self, client: OdooClient, masters: Masters, options: OdooOptions, overlap_s: float) -> None:
        self._client, self._masters, self._module = client, masters, options.module
        self._overlap = dt.timedelta(seconds=overlap_s)

    # -- which changed ---------------------------------------------------------------------------------------

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

    def _sources(self) -> list[Source]:
        """A line, too: writing one does not always move the stamp of its sale."""
        sources = [
            Source(MODEL, tuple(self._ours()), ("state", "amount_total"), _itself),
            Source(LINE, tuple(self._ours("order_id")), _LINE_NEWS, _of("order_id")),
        ]
        if self._masters.readable(INVOICE):
            sources.append(Source(INVOICE, (list(BILLED), self._in_company()), _INVOICE_NEWS, self._of_invoices))
        if self._masters.readable(PAYMENT):
            of_customers = (["partner_type", "=", "customer"], self._in_company())
            sources.append(Source(PAYMENT, of_customers, _PAYMENT_NEWS, self._of_payments))
        if "picking_ids" in self._masters.fields(MODEL):
            tracked = self._known(PICKING, {"carrier_tracking_ref": {}})
            sources += [
                Source(PICKING, tuple(self._ours("sale_id")), ("sale_id", "state", *tracked), _of("sale_id")),
                Source(STOCK_MOVE, tuple(self._ours("sale_line_id.order_id")), _MOVE_NEWS, self._of_moves),
            ]
        return sources

    def _ours(self, path: str = "") -> list[Any]:
        """The domain of our sales, or of what names one by `path`."""
        before = f"{path}." if path else ""
        return [[f"{before}{name}", operator, value] for name, operator, value in ours(self._masters)]

    def _in_company(self) -> list[Any]:
        return ["company_id", "=", self._masters.company()["id"]]

    def _of_moves(self, rows: list[JsonDict]) -> list[Iterable[str]]:
        ids = sorted({row["sale_line_id"][0] for row in rows})
        lines = self._client.search(LINE, [["id", "in", ids]], ("order_id",))
        orders = {row["id"]: str(row["order_id"][0]) for row in lines if row["order_id"]}
        return [[order] if (order := orders.get(row["sale_line_id"][0])) else [] for row in rows]

    def _of_invoices(self, rows: list[JsonDict]) -> list[Iterable[str]]:
        """By the lines that an invoice was made from; a credit note without such by what it credits, or is named of."""
        credited = {row["id"]: row["reversed_entry_id"][0] for row in rows if row["reversed_entry_id"]}
        invoices = sorted({*(row["id"] for row in rows), *credited.values()})
        by_invoice, by_name = self._sales_of(invoices, {row["invoice_origin"] for row in rows} - {False})
        return [
            {
                *by_invoice.get(row["id"], ()),
                *by_invoice.get(credited.get(row["id"], 0), ()),
                *by_name.get(row["invoice_origin"] or "", ()),
            }
            for row in rows
        ]

    def _of_payments(self, rows: list[JsonDict]) -> list[Iterable[str]]:
        ids = sorted({number for row in rows for number in row["reconciled_invoice_ids"]})
        by_invoice, _ = self._sales_of(ids, set())
        return [
            {sale for number in row["reconciled_invoice_ids"] for sale in by_invoice.get(number, ())} for row in rows
        ]

    def _sales_of(self, invoices: Sequence[int], names: set[str]) -> tuple[dict[int, set[str]], dict[str, set[str]]]:
        """Id of an invoice, and number of a sale -> ids of our sales."""
        if not invoices and not names:
            return {}, {}
        either = ["|", ["order_line.invoice_lines.move_id", "in", list(invoices)], ["name", "in", sorted(names)]]
        by_invoice: dict[int, set[str]] = {}
        by_name: dict[str, set[str]] = {}
        for row in self._client.search(MODEL, [*self._ours(), *either], ("name", "invoice_ids")):
            by_name.setdefault(row["name"], set()).add(str(row["id"]))
            for number in row["invoice_ids"]:
                by_invoice.setdefault(number, set()).add(str(row["id"]))
        return by_invoice, by_name

    # -- how they stand --------------------------------------------------------------------------------------

    def survey(self, external_ids: Sequence[str]) -> dict[str, JsonDict]:
        """All of them in two calls for each batch; two more where something is credited or paid.

        A sale has its credit notes among `invoice_ids`, those too that were made from none of its lines. Each of them,
        and each payment, has `key`: our key, or an empty text for what people made.
        """
        found: dict[str, JsonDict] = {}
        for batch in batches(list(dict.fromkeys(map(record_id, external_ids))), BATCH):
            specification = self._known(MODEL, SALE_FIELDS)
            rows = self._client.search_nested(MODEL, [["id", "in", list(batch)]], specification)
            for row in rows:
                row.setdefault("invoice_ids", [])
            if self._masters.readable(INVOICE):
                self._add_credits(rows)
                self._add_keys(rows)
            found |= {str(row["id"]): row for row in rows}
        return found

    def _add_credits(self, sales: Sequence[JsonDict]) -> None:
        """Credit notes of an amount, which no line of a sale is named on."""
        by_name = {sale["name"]: sale for sale in sales if sale["state"] not in {"draft", "sent"}}
        if not by_name:
            return
        by_invoice: dict[int, list[JsonDict]] = {}
        for sale in sales:
            for invoice in sale["invoice_ids"]:
                by_invoice.setdefault(invoice["id"], []).append(sale)
        either = ["|", ["reversed_entry_id", "in", sorted(by_invoice)], ["invoice_origin", "in", sorted(by_name)]]
        domain = [["move_type", "=", "out_refund"], self._in_company(), *either]
        for row in self._client.search_nested(INVOICE, domain, self._known(INVOICE, INVOICE_FIELDS)):
            credited = row["reversed_entry_id"] or 0
            named = by_name.get(row["invoice_origin"] or "")
            for sale in [*by_invoice.get(credited, []), *([] if named is None else [named])]:
                if all(each["id"] != row["id"] for each in sale["invoice_ids"]):
                    sale["invoice_ids"].append(row)

    def _add_keys(self, sales: Sequence[JsonDict]) -> None:
        invoices = [each for sale in sales for each in sale["invoice_ids"]]
        payments = [each for invoice in invoices for each in invoice.get("matched_payment_ids", ())]
        credits_ = [each for each in invoices if each["move_type"] == "out_refund"]
        for model, rows in ((INVOICE, credits_), (PAYMENT, payments)):
            keys = keys_of(self._client, model, sorted({row["id"] for row in rows}), self._module)
            for row in rows:
                row["key"] = keys.get(row["id"], "")
        for invoice in invoices:
            invoice.setdefault("key", "")

    def _known(self, model: str, specification: Mapping[str, Any]) -> JsonDict:
        """What of it this installation has."""
        optional = _OPTIONAL.get(model, frozenset())
        fields = self._masters.fields(model) if optional & specification.keys() else frozenset()
        made: JsonDict = {}
        for name, inner in specification.items():
            if name in optional and name not in fields:
                continue
            of = _OF.get(name)
            if of in _OF_MONEY and not self._masters.readable(of):
                continue
            made[name] = {"fields": self._known(of, inner["fields"])} if of and "fields" in inner else inner
        return made


def record_id(external_id: str) -> int:
    """The record's id. Raises RecordRejected for a text that is none."""
    if not (external_id.isascii() and external_id.isdecimal()):
        text = say("%(text)s is no id of Odoo: it must be a whole number", text=repr(external_id))
        raise RecordRejected(text, field="id")
    return int(external_id)


def _itself(rows: list[JsonDict]) -> list[Iterable[str]]:
    return [[str(row["id"])] for row in rows]


def _of(column: str) -> Callable[[list[JsonDict]], list[Iterable[str]]]:
    """Names the record that a many2one points at."""

    def names(rows: list[JsonDict]) -> list[Iterable[str]]:
        return [[str(row[column][0])] if row[column] else [] for row in rows]

    return names


def _envelopes(page: Sequence[Change]) -> tuple[Envelope, ...]:
    """Each sale once for each second in which something changed on it.

    A time is told to the second, and a long transaction appears late under the time of its beginning: so a version says
    which records, and how they looked, and nothing that comes late hides behind something newer.
    """
    told: dict[tuple[dt.datetime, str], list[str]] = {}
    for change in page:
        for name in change.names:
            told.setdefault((change.at, name), []).append(change.told)
    return tuple(Envelope(name, _version(at, records), {}) for (at, name), records in told.items())


def _version(at: dt.datetime, records: Iterable[str]) -> str:
    digest = hashlib.sha256(json.dumps(sorted(records)).encode()).hexdigest()
    return f"{at:%Y-%m-%d %H:%M:%S} {digest[:12]}"
