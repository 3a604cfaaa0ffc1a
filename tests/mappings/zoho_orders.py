"""Records of Zoho CRM as its API v8 writes them, to be changed by each test."""

from __future__ import annotations

import copy
from typing import Any

from mappings.base import SourceOptions
from mappings.canonical.jsontext import read_json
from mappings.canonical.records import Order
from mappings.zoho_crm import order_from_zoho_crm

_SALES_ORDER = """
{"id": "5725767000007000001", "SO_Number": "SO-17", "Subject": "Tee für Bentley", "Status": "Approved",
 "Account_Name": {"name": "Bentley GmbH", "id": "5725767000007910001"},
 "Contact_Name": {"name": "Anna Kingsley", "id": "5725767000011356002"},
 "Deal_Name": {"name": "Tee 2026", "id": "5725767000011360004"}, "Quote_Name": null,
 "Currency": "EUR", "Exchange_Rate": 1, "Purchase_Order": "PO-88213", "Carrier": "DHL", "Description": "Bitte klingeln",
 "Sub_Total": 42.6, "Discount": 0, "Tax": 8.09, "Adjustment": 0, "Grand_Total": 50.69,
 "$line_tax": [{"percentage": 19, "name": "USt", "id": "5725767000000112003", "value": 8.09}],
 "Billing_Street": "Straße des 17. Juni 135\\nHinterhaus", "Billing_City": "Berlin", "Billing_State": null,
 "Billing_Code": "10623", "Billing_Country": "Germany",
 "Shipping_Street": null, "Shipping_City": null, "Shipping_State": null, "Shipping_Code": null,
 "Shipping_Country": null, "Terms_and_Conditions": null, "$approval_state": "approved",
 "Created_Time": "2026-11-21T23:30:00+05:30", "Modified_Time": "2026-11-22T10:00:00+05:30",
 "Ordered_Items": [
  {"id": "5725767000007000002", "Product_Name": {"name": "Teesieb", "id": "5725767000011358006",
   "Product_Code": "SIEB-ST"}, "Quantity": 2, "List_Price": 2.8, "Total": 5.6, "Discount": 0, "Tax": 0,
   "Net_Total": 5.6, "Line_Tax": [], "Description": null, "Sequence_Number": 1},
  {"id": "5725767000007000003", "Product_Name": {"name": "Glaskanne", "id": "5725767000011358007",
   "Product_Code": "KANNE-GLAS"}, "Quantity": 1, "List_Price": 37, "Total": 37, "Discount": 0, "Tax": 0,
   "Net_Total": 37, "Line_Tax": [], "Description": null, "Sequence_Number": 2}],
 "$crossdock": {"module": "Sales_Orders", "organisation": {"currency": "EUR", "zone": "Europe/Berlin"},
  "account": {"id": "5725767000007910001", "name": "Bentley GmbH", "phone": "030 1", "vat_id": "DE 123456789"},
  "contact": {"id": "5725767000011356002", "first_name": "Anna", "last_name": "Kingsley",
   "email": "anna@bentley.example", "phone": "030 2"}}}
"""


def record(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = read_json(_SALES_ORDER)
    return found | changes


def quote(**changes: Any) -> dict[str, Any]:
    made = record(Quote_Number="Q-3", Quote_Stage="Accepted")
    made["Quoted_Items"] = made.pop("Ordered_Items")
    del made["Status"], made["SO_Number"]
    made["$crossdock"]["module"] = "Quotes"
    return made | changes


def deal(*, around: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    made = record()
    kept = {name: made[name] for name in ("id", "Account_Name", "Contact_Name", "Currency", "Created_Time")}
    kept |= {"Modified_Time": made["Modified_Time"], "Deal_Name": "Tee 2026", "Amount": 850, "Stage": "Closed Won"}
    kept["$crossdock"] = made["$crossdock"] | {"module": "Deals", "article": "PAUSCHALE"} | (around or {})
    return kept | changes


def order_of(payload: dict[str, Any], **options: Any) -> Order:
    before = copy.deepcopy(payload)
    order = order_from_zoho_crm(payload, SourceOptions(**options))
    assert payload == before
    return order
