"""The values that create an order's sale under our external id."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Iterator

from mappings import buyers
from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.errors import Problem, Problems, Unmapped
from mappings.canonical.records import Order
from mappings.canonical.words import say
from mappings.odoo.lines import payloads, rounding_difference, rounding_payload, rounding_problems, sale_lines
from mappings.odoo.parties import invoice_and_delivery
from mappings.odoo.references import named_warehouse
from mappings.pricing import charge_problems
from mappings.wanted import COMPANY, carrier_ref, currency_ref, party_ref, payment_term_ref, rounding_ref


def sale_key(external_id: str, options: TargetOptions) -> str:
    """The second half of the external id: `<channel>:<order>`."""
    return f"{options.channel}:{external_id}"


def sale(order: Order, resolved: Resolved, options: TargetOptions) -> JsonDict:
    """The sale as a draft, with its key. Raises Problems with everything that is in the way."""
    problems = [*_header_problems(order, resolved, options), *charge_problems(order, resolved, options)]
    if problems:
        raise Problems(problems)
    invoice_address, shipment_address = invoice_and_delivery(order, resolved, options)
    if invoice_address is None or shipment_address is None:
        reason = say("the party in the ERP lacks the order's invoice or delivery address")
        raise Problems(
            [Problem("address_missing", "billing", reason, next_step=say("retry: the address is added first"))]
        )
    key = sale_key(order.external_id, options)
    return {
        "key": key,
        "partner_id": resolved[party_ref(order, options)]["id"],
        "partner_invoice_id": invoice_address,
        "partner_shipping_id": shipment_address,
        "client_order_ref": order.number,
        # By this the sale is searched for; the external id proves it.
        "origin": key,
        "date_order": f"{order.placed_at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}",
        **_chosen(order, resolved, options),
        "note": note(order),
        "order_line": _lines(order, resolved, options),
    }


def note(order: Order) -> str | None:
    """What the customer wrote, as the HTML that Odoo keeps there; it is printed with the sale."""
    told = [f"PO number: {order.po_number}"] if order.po_number else []
    told += order.note.splitlines()
    return f"<p>{'<br>'.join(html.escape(line, quote=False) for line in told)}</p>" if told else None


def _chosen(order: Order, resolved: Resolved, options: TargetOptions) -> JsonDict:
    """What is left to Odoo unless the order or the channel names it."""
    company, currency = resolved[COMPANY], resolved[currency_ref(order)]
    chosen: JsonDict = {"company_id": company["id"]}
    # A sale has its currency from its price list.
    if currency.get("pricelist") is not None:
        chosen["pricelist_id"] = currency["pricelist"]
    for warehouse in named_warehouse(options):
        chosen["warehouse_id"] = resolved[warehouse]["id"]
    term, carrier = payment_term_ref(order, options), carrier_ref(order, options)
    if term.value:
        chosen["payment_term_id"] = resolved[term]["id"]
    if carrier is not None and carrier in resolved and "carrier_id" in company.get("sale_fields", ()):
        chosen["carrier_id"] = resolved[carrier]["id"]
    return chosen


def _header_problems(order: Order, resolved: Resolved, options: TargetOptions) -> Iterator[Problem]:
    yield from buyers.party_problems(order, resolved, options)
    yield from buyers.country_problems(order, resolved)
    term, carrier = payment_term_ref(order, options), carrier_ref(order, options)
    needed = [COMPANY, currency_ref(order), *named_warehouse(options), *([term] if term.value else [])]
    for ref in (*needed, *([carrier] if carrier is not None else [])):
        if ref not in resolved and not ref.optional:
            yield from Unmapped(ref.kind, ref.value, path=ref.path).problems
    currency, company = resolved.get(currency_ref(order)), resolved.get(COMPANY)
    if currency and company and currency.get("pricelist") is None and company["currency"] != order.currency:
        reason = say(
            "Odoo has no price list in %(currency)s, by which a sale has its currency", currency=order.currency
        )
        step = say("make a price list in %(currency)s in Odoo (Sales > Products > Pricelists)", currency=order.currency)
        yield Problem("unmapped", "currency", reason, f"currency:{order.currency}", step)


def _lines(order: Order, resolved: Resolved, options: TargetOptions) -> list[JsonDict]:
    lines, expected = sale_lines(order, resolved, options), options.rounded(order.totals.grand)
    if problems := list(rounding_problems(order, lines, resolved, options, expected)):
        raise Problems(problems)
    made = payloads(lines, resolved)
    if difference := rounding_difference(order, lines, resolved, expected):
        made.append(rounding_payload(resolved[rounding_ref(options)], difference))
    return made
