"""What every order of a channel may need, before there is any order."""

from __future__ import annotations

import pytest

from mappings.base import TargetOptions
from mappings.canonical.refs import Ref
from mappings.registry import TARGETS
from tests.mappings.orders import make_order


def standing(system, **settings):
    return TARGETS[system].standing(TargetOptions(channel="web", settings=settings))


@pytest.mark.parametrize("system", sorted(TARGETS))
def test_service_products_are_asked_for_under_the_names_of_the_policy(system):
    assert Ref("product", "SHIPPING") in standing(system)
    named = standing(system, shipping_product="VERSAND")
    assert Ref("product", "VERSAND") in named
    assert Ref("product", "SHIPPING") not in named


def test_tryton_is_asked_for_what_the_policy_names_and_for_its_defaults():
    assert {ref.kind for ref in standing("tryton")} == {"company", "web_shop", "warehouse", "product"}
    named = standing("tryton", warehouse="WH1", payment_term="30 days", carrier="Parcel", free_text_product="FREE")
    wanted = {Ref("warehouse", "WH1"), Ref("payment_term", "30 days"), Ref("carrier", "Parcel"), Ref("product", "FREE")}
    assert wanted <= named


@pytest.mark.parametrize("system", sorted(TARGETS))
def test_it_asks_under_the_same_refs_as_an_order_does(system):
    options = TargetOptions(channel="web", settings={"warehouse": "WH1"})
    order = make_order()
    of_order = {ref for ref in TARGETS[system].references(order, options) if ref.kind in {"warehouse", "company"}}
    assert of_order <= TARGETS[system].standing(options)
