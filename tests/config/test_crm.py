"""`crm` of a channel: which connection it may name, and what channels that share one must agree on."""

from __future__ import annotations

import pytest

from config.loader import load_config
from config.model import CrmPolicy, Rung
from config.problems import ConfigError

_BASE = """
connections:
  shop: {system: woocommerce, url: https://shop.example}
  market: {system: woocommerce, url: https://market.example}
  erp: {system: tryton, url: https://erp.example}
  crm: {system: zoho_crm, url: https://www.zohoapis.eu}
channels:
  web: {source: shop, erp: erp, crm: %s}
  market: {source: market, erp: erp, crm: %s}
"""


def read(folder, web, market="{connection: crm}", **able):
    (folder / "a.yaml").write_text(_BASE % (web, market), "utf-8")
    return load_config(folder, {}, **able)


def problem(folder, web, market="{connection: crm}", **able):
    with pytest.raises(ConfigError) as caught:
        read(folder, web, market, **able)
    [found] = caught.value.problems
    return f"{found.path}: {found.found}, expected {found.expected}; {found.next_step}"


def test_a_channel_without_one_tells_nobody_and_one_with_it_says_how(tmp_path):
    config = read(tmp_path, "{connection: crm, match: [name, vat_id], gather_s: 0}", "")
    assert config.channels["market"].crm == CrmPolicy()
    assert config.channels["web"].crm == CrmPolicy(connection="crm", match=(Rung.NAME, Rung.VAT_ID), gather_s=0.0)
    assert [channel.name for channel in config.crm_channels("crm")] == ["web"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("{connection: cmr}", "channels.web.crm.connection: 'cmr', expected one of shop, market, erp, crm"),
        ("{connection: erp}", "channels.web.crm.connection: the same connection as erp"),
        ("{match: [email]}", "channels.web.crm.connection: nothing"),
        (
            "{connection: crm, match: [phone]}",
            "channels.web.crm.match[0]: 'phone', expected one of vat_id, email, name",
        ),
        ("{connection: crm, currency: EUR}", "channels.market.crm.connection: no currency, unlike channel web"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(tmp_path, said, words):
    assert words in problem(tmp_path, said)


def test_a_system_that_keeps_no_accounts_is_no_crm(tmp_path):
    said = problem(tmp_path, "{connection: shop}", keeps_accounts=lambda system: system == "zoho_crm")
    assert "expected a connection that keeps accounts; woocommerce shows nobody what its customers bought" in said


def test_new_accounts_are_made_only_where_the_system_takes_them(tmp_path):
    said = problem(tmp_path, "{connection: crm, create: on}", makes_accounts=lambda _: False)
    assert "channels.web.crm.create: 'on', expected off; zoho_crm takes no new accounts" in said
