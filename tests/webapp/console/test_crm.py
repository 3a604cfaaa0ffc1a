"""What the CRM was told of a customer, on the page of an order and on that of the CRM's connection."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from sync.store.crm.customers import save_accounts
from sync.store.crm.told import save_told
from sync.store.tables import customers
from tests.webapp.console import selling as installation
from tests.webapp.console.conftest import words_of
from tests.webapp.console.pseudo import foreigner, pseudo_language, unmarked
from tests.webapp.console.selling import CHANNEL, selling

__all__ = ["foreigner", "pseudo_language"]

pytestmark = pytest.mark.loopback

_CRM = """\
  crm:
    system: zoho_crm
    url: https://www.zohoapis.eu
    auth: {{key: "${{env:SHOP_KEY}}", secret: "${{env:SHOP_SECRET}}", refresh_token: "${{env:SHOP_SECRET}}"}}
channels:
"""


@pytest.fixture
def home(tmp_path, store, monkeypatch):
    text = installation.CONFIG.replace("channels:\n", _CRM)
    text = text.replace("    erp: erp\n", "    erp: erp\n    crm: {{connection: crm, history_from: 2020-01-01}}\n")
    monkeypatch.setattr(installation, "CONFIG", text)
    with selling(tmp_path, store.engine.url.render_as_string(hide_password=False)) as made:
        yield made


@pytest.fixture
def app(home):
    return home.app


def test_an_order_and_its_crm_say_what_was_told(home, store, browser, foreigner):
    [number] = home.shop.place(1)
    home.carry()
    order = f"/orders/{CHANNEL}/{number}"
    assert "In the CRM" in words_of(browser("viewer").get(order).text)
    customer = store.read(lambda c: c.execute(select(customers.c.id)).scalar_one())
    store.write(lambda c: save_accounts(c, {customer: ("5725767000000100021", "Nord <KG>", "match")}))
    store.write(lambda c: save_told(c, "crm", {"5725767000000100021": ("x", {"orders": 1, "currency": "EUR"})}))
    page = browser("viewer").get(order).text
    assert "module=Accounts&amp;id=5725767000000100021" in page
    assert "Nord &lt;KG&gt;" in page
    assert "entries of this order: 0" in words_of(page)
    words = words_of(browser("viewer").get("/connections/crm").text)
    for told in (
        "Told of the customers ofweb",
        "Of them with an account1",
        "Accounts that were told1",
        "Entries of histories0",
    ):
        assert told in words, told
    assert unmarked(foreigner("viewer").get(order).text) == []
    assert unmarked(foreigner("viewer").get("/connections/crm").text) == []
