"""`crm` of a channel: which connection it may name, and what channels that share one must agree on."""

from __future__ import annotations

import datetime as dt

import pytest

from config.loader import load_config
from config.model import CrmPolicy, Rung
from config.problems import ConfigError
from config.settings import Settings
from sync.rules.systems import read_config

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


def test_a_history_begins_with_a_day_of_the_shop(tmp_path):
    config = read(tmp_path, "{connection: crm, history_from: 2026-01-31}")
    assert config.channels["web"].crm.history_from == dt.date(2026, 1, 31)
    assert config.channels["market"].crm.history_from is None


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
        (
            "{connection: crm, history_from: 31.1.2026}",
            "channels.web.crm.history_from: '31.1.2026', expected a day, e.g. 2026-01-31",
        ),
        ("{connection: crm, history_from: 2026-02-30}", "channels.web.crm.history_from: '2026-02-30', expected a day"),
        ("{connection: crm, history_from: 20260130}", "channels.web.crm.history_from: '20260130', expected a day"),
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


def test_a_history_is_told_only_to_accounts_that_take_entries(tmp_path):
    said = problem(tmp_path, "{connection: crm, history_from: 2026-01-31}", tells_accounts=lambda _: False)
    assert (
        "channels.web.crm.history_from: '2026-01-31', expected a CRM whose accounts take entries; accounts of" in said
    )


def test_the_crms_own_orders_have_no_history(tmp_path):
    (tmp_path / "b.yaml").write_text(
        "channels:\n  deals: {source: crm, erp: erp, crm: {connection: crm, history_from: 2026-01-31}}\n", "utf-8"
    )
    said = problem(tmp_path, "{connection: crm}")
    assert "channels.deals.crm.history_from: '2026-01-31', expected a channel whose orders come from a shop" in said


def test_our_own_crms_take_entries(tmp_path):
    settings = Settings.from_env({"CROSSDOCK_CONFIG": str(tmp_path)})
    read(tmp_path, "{connection: crm, history_from: 2026-01-31}")
    assert read_config(settings).channels["web"].crm.history_from == dt.date(2026, 1, 31)
