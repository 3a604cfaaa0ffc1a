"""What holds for every source of orders, whatever it speaks to: one suite over all of them, by capability.

Targets are held by `test_targets.py`. A capability of a registered connector without a stand-in fails here, so that
nothing is left out by being forgotten.
"""

from __future__ import annotations

import pytest

from connectors.csvfiles import CsvFiles
from connectors.fxiaoke import Fxiaoke
from connectors.jsonhooks import JsonHooks, PostedOrders
from connectors.kit import base, crm, facets
from connectors.kit.base import PullsOrders, RewindsPulls
from connectors.registry import CONNECTORS, UnknownSystem, connector_class, has, known_systems
from connectors.shopify import Shopify
from connectors.vendure import Vendure
from connectors.woocommerce import WooCommerce
from connectors.zoho_crm import ZohoCrm
from mappings.registry import CRM_FACETS, ERP_FACETS, SHOP_FACETS
from sync.contract import CAPABILITIES, ContractIncomplete, contract_of, held_by
from sync.contract.suite import SIDES
from tests.contract import crm_fakes as crms
from tests.contract import shop_fakes as shops
from tests.contract import source_fakes as sources

pytestmark = pytest.mark.loopback

TestApi = contract_of(PostedOrders)
TestCsv = contract_of(CsvFiles)
TestFxiaoke = contract_of(
    Fxiaoke,
    source=sources.sandbox_fxiaoke,
    shop=shops.FxiaokeCompany.running,
    accounts=crms.FxiaokeAccounts.running,
)
TestJson = contract_of(JsonHooks, source=sources.signed_json)
TestShopify = contract_of(Shopify, source=sources.sandbox_shopify, shop=shops.ShopifyShop.running)
TestVendure = contract_of(Vendure, source=sources.sandbox_vendure, shop=shops.VendureShop.running)
TestWooCommerce = contract_of(WooCommerce, source=sources.sandbox_woocommerce, shop=shops.WooCommerceShop.running)
TestZohoCrm = contract_of(
    ZohoCrm,
    source=sources.sandbox_zoho_crm,
    shop=shops.ZohoCrmShop.running,
    accounts=crms.ZohoAccounts.running,
)

BOUND = {each.connector for name, each in list(globals().items()) if name.startswith("Test")}


@pytest.mark.parametrize("system", sorted(CONNECTORS))
def test_every_connector_declares_what_it_can_and_is_held(system):
    connector = CONNECTORS[system]
    assert {*CAPABILITIES, base.SendsOrders} & {*connector.__mro__}, f"{connector} declares nothing in its class header"
    assert (connector in BOUND) != has(connector, base.SalesTarget)


@pytest.mark.parametrize("system", sorted(CONNECTORS))
def test_what_is_written_back_has_a_mapping(system):
    connector = CONNECTORS[system]
    assert has(connector, facets.FollowsSales) == (system in ERP_FACETS)
    assert has(connector, facets.MarksOrders) == (system in SHOP_FACETS)
    assert has(connector, crm.KeepsAccounts) == (system in CRM_FACETS)
    written = {crm.CreatesAccounts: "account", crm.TakesContacts: "contact", crm.TellsAccounts: "entry"}
    there = CRM_FACETS.get(system)
    assert all(has(connector, each) == (getattr(there, payload, None) is not None) for each, payload in written.items())


def test_a_capability_that_nothing_stands_in_for_is_named():
    with pytest.raises(
        ContractIncomplete, match=r"Vendure declares DetailsRefunds, ListsRefunds, MakesRefunds.* of source, shop"
    ):
        contract_of(Vendure, source=sources.sandbox_vendure)
    left_out = dict.fromkeys(SIDES["shop"], "held elsewhere")
    held = contract_of(Vendure, source=sources.sandbox_vendure, without=left_out)
    assert hasattr(held, "TestPullsOrders")
    assert not hasattr(held, "TestTakesNotes")


def test_which_tests_hold_a_capability_is_told_and_which_capability_has_none():
    told = held_by(Vendure)
    assert "test_all_pages_are_read_to_the_end" in told[PullsOrders]
    assert "test_a_sale_can_be_left_at_a_quote" not in told[PullsOrders]
    assert "test_a_checkpoint_of_a_moment_tells_it" in told[RewindsPulls]
    assert base.SalesTarget not in told


def test_an_unknown_system_is_named_with_those_that_there_are():
    with pytest.raises(UnknownSystem, match=r"'wocommerce'.*woocommerce"):
        connector_class("wocommerce")


def test_a_third_partys_connector_is_found_by_its_entry_point(entry_points):
    entry_points("crossdock.connectors", mysystem="collections:OrderedDict")
    assert connector_class("mysystem").__name__ == "OrderedDict"
    assert "mysystem" in known_systems()


def test_a_third_partys_connector_that_cannot_be_loaded_says_whose_it_is_and_why(entry_points):
    entry_points("crossdock.connectors", mysystem="no_such_package.connector:Mine")
    with pytest.raises(UnknownSystem, match=r"'mysystem'.*no_such_package.*ModuleNotFoundError"):
        connector_class("mysystem")
