"""Every request that the connector sends is one of the vendor's published interface: path, parameters, body."""

from __future__ import annotations

import functools
import json
import re
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import pytest

from connectors.kit.crm import AccountMark
from connectors.kit.exchanges import capture
from connectors.kit.findings import Circumstances
from connectors.sandbox.zoho_crm import serve_crm
from mappings.registry import CRM_FACETS
from tests.connectors.test_zoho_crm import ALWAYS, HOOKS, connect
from tests.connectors.test_zoho_crm_accounts import BOUGHT
from tests.shared import shared_path

#: Described in https://www.zoho.com/crm/developer/docs/api/v8/ alone, and in no document that a program can read.
UNDESCRIBED = re.compile(r"/oauth/v2/token|/crm/v8/(org|settings/fields|\w+/[0-9]+/Notes)")


@functools.cache
def interface():
    """(method, pattern of the path, the operation, the document that it stands in)."""
    found = []
    for name in ("notifications", "coql", "record"):
        document = json.loads(shared_path(f"vendor/zoho-crm/openapi/{name}.json").read_text("utf-8"))
        for path, methods in document["paths"].items():
            pattern = re.compile(re.sub(r"\{id\}", "[0-9]+", re.sub(r"\{(?!id)\w+\}", "[A-Za-z_]+", path)))
            found += [(method.upper(), pattern, operation, document) for method, operation in methods.items()]
    return found


def local(document, node):
    """The node behind references inside of the document; those to other documents say nothing here."""
    while isinstance(node, dict) and "$ref" in node:
        if not node["$ref"].startswith("#/"):
            return {}
        node = functools.reduce(lambda found, step: found[step], node["$ref"][2:].split("/"), document)
    return node


def whole(document, node, depth=0):
    """A schema without references, as deep as requests are."""
    node = local(document, node)
    if isinstance(node, dict):
        if depth > 8:
            return {}
        return {name: whole(document, child, depth + 1) for name, child in node.items()}
    return [whole(document, child, depth + 1) for child in node] if isinstance(node, list) else node


def check(exchange):
    address = urlsplit(exchange.url)
    if UNDESCRIBED.fullmatch(address.path):
        return
    fitting = [
        (operation, document)
        for method, pattern, operation, document in interface()
        if method == exchange.method and pattern.fullmatch(address.path)
    ]
    assert fitting, f"{exchange.method} {address.path} is nowhere described"
    operation, document = fitting[0]
    known = {local(document, each)["name"] for each in operation.get("parameters", [])}
    assert {name for name, _value in parse_qsl(address.query)} <= known
    if exchange.request_body:
        body = local(document, operation["requestBody"])
        schema = whole(document, body["content"]["application/json"]["schema"])
        # Its ids of channels are "objects", which they are in no example of the vendor's.
        text = json.dumps(schema).replace('"channel_id": {"type": "object"}', '"channel_id": {"type": "string"}')
        # And its addresses are all of one host of theirs.
        schema = json.loads(re.sub(r', "pattern": "www[^"]*"', "", text))
        jsonschema.validate(json.loads(exchange.request_body), schema)


@pytest.mark.loopback
def test_what_is_read_and_subscribed_is_described():
    with serve_crm() as (server, app), capture() as exchanges:
        record = app.organisation.sell()
        del record["Ordered_Items"][0]["Product_Name"]["Product_Code"]
        crm = connect(server.url)
        list(crm.pull_orders(None))
        list(crm.pull_orders("2026-01-01T00:00:00"))
        list(crm.list_orders(*ALWAYS))
        crm.fetch_orders([record["id"]])
        crm.ensure_subscriptions(HOOKS)
        crm.list_subscriptions(HOOKS)
        list(crm.diagnose(Circumstances(delivery_url=HOOKS)))
        crm.update_order(record["id"], {"state": "Delivered"})
        account = record["Account_Name"]["id"]
        crm.find_accounts([AccountMark(account_id=account), AccountMark(email="x@y.example"), AccountMark(name="x")])
        crm.update_accounts({account: CRM_FACETS["zoho_crm"].history(BOUGHT)})
        crm.create_accounts({"k1": {"Account_Name": "Neu", "Billing_City": "Berlin"}})
        crm.create_contacts({"a@b.example": {"Last_Name": "B", "Account_Name": {"id": account}}})
        crm.add_entry(account, {"Note_Title": "T", "Note_Content": "x"})
        crm.list_entries(account)
    paths = {urlsplit(each.url).path for each in exchanges}
    assert {f"/crm/v8/Sales_Orders/{record['id']}", "/crm/v8/Accounts"} <= paths
    assert {"/crm/v8/Accounts/upsert", "/crm/v8/Contacts/upsert"} <= paths
    assert {"/crm/v8/coql", "/crm/v8/actions/watch", "/crm/v8/Products", "/crm/v8/Sales_Orders/deleted"} <= paths
    for exchange in exchanges:
        check(exchange)
