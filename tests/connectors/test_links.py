"""Where people see a document in the system's own pages."""

from __future__ import annotations

import pytest

from connectors.kit.base import ConnectorSettings, LinksDocuments
from connectors.kit.errors import ConnectionBroken
from connectors.registry import has, make_connector

SETTINGS = {
    "woocommerce": {"key": "ck", "secret": "cs"},
    "tryton": {"key": "key"},
}


def connect(system, url, **options):
    needed = {"database": "my erp"} if system == "tryton" else {}
    settings = ConnectorSettings(name="x", url=url, **SETTINGS[system], options=needed | options)
    return make_connector(system, settings)


@pytest.mark.parametrize(
    ("url", "options", "page"),
    [
        ("https://shop.example", {}, "https://shop.example/wp-admin/post.php?post=17&action=edit"),
        (
            "https://shop.example/sub/wp-json/wc/v3",
            {},
            "https://shop.example/sub/wp-admin/post.php?post=17&action=edit",
        ),
        (
            "https://shop.example",
            {"admin_url": "https://office.example/admin/"},
            "https://office.example/admin/post.php?post=17&action=edit",
        ),
    ],
)
def test_an_order_of_woocommerce_is_opened_in_its_dashboard(url, options, page):
    shop = connect("woocommerce", url, **options)
    assert has(shop, LinksDocuments)
    assert shop.link("order", "17") == page


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("shipment", "stock.shipment.out"),
        ("return", "stock.shipment.out.return"),
        ("invoice", "account.invoice"),
        ("credit_note", "account.invoice"),
        ("party", "party.party"),
    ],
)
def test_what_hangs_on_a_sale_of_tryton_is_opened_there_too(kind, model):
    assert connect("tryton", "https://erp.example").link(kind, "5") == f"https://erp.example/#my%20erp/model/{model}/5"
    assert connect("tryton", "https://erp.example").link("refund", "5") == ""


def test_a_sale_of_tryton_is_opened_in_its_web_client():
    assert connect("tryton", "https://erp.example/").link("sale", "5") == (
        "https://erp.example/#my%20erp/model/sale.sale/5"
    )
    elsewhere = connect("tryton", "https://erp.example", admin_url="https://desk.example")
    assert elsewhere.link("sale", "5") == "https://desk.example/#my%20erp/model/sale.sale/5"


@pytest.mark.parametrize("system", SETTINGS)
@pytest.mark.parametrize("external_id", ["", "5/../x", "5&action=trash", "javascript:alert(1)", "٣"])
def test_what_is_no_id_has_no_page(system, external_id):
    kind = "order" if system == "woocommerce" else "sale"
    assert connect(system, "https://x.example").link(kind, external_id) == ""


@pytest.mark.parametrize("system", SETTINGS)
@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "ftp://x", "x.example", "//x.example", "https://", "https://[x"]
)
def test_an_address_that_no_browser_may_open_is_refused(system, address):
    with pytest.raises(ConnectionBroken, match="admin_url"):
        connect(system, "https://x.example", admin_url=address)
