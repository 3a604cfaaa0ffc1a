"""Every sample order of WooCommerce gives the same through the base mapping and through a profile that stands alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mappings.base import SourceOptions
from mappings.canonical.errors import Problems
from mappings.canonical.schemas import order_to_json
from mappings.profiles import profiled_source, read_profile
from mappings.registry import SOURCES
from tests.contract.recorded_orders import Recorded, recorded_orders

PROFILE = Path(__file__).with_name("woocommerce_whole.yaml")

#: What a profile alone cannot carry -> why.
NOT_CARRIED = {
    "tax_lines": "the order's own sum of a tax is that of its articles and of its shipping, added up",
    "attributes": "the custom fields of a list of keys and values, under names that nobody knows beforehand",
    "lines.attributes": "the same",
    "lines.discounts": "what a coupon took off is a difference",
    "lines.gift_card": "told by which of several keys are there",
    "lines.bundle_parent": "the same",
    "customer.vat_id": "the first of many keys of plugins; a rule takes those that a shop has",
    "po_number": "the same",
    "payment_terms": "the same",
    "test": "the same",
    "payments.fee": "the same",
}


def test_every_sample_gives_the_same_for_all_that_a_profile_can_carry():
    base, options = SOURCES["woocommerce"], SourceOptions()
    profiled = profiled_source(None, read_profile(PROFILE.read_text(), PROFILE.name))
    compared = 0
    for sample in recorded_orders():
        try:
            wanted = order_to_json(base.order(sample.body, options))
        except Problems:
            # What the base mapping refuses may be carried in part, but never with other totals.
            with pytest.raises(Problems):
                profiled.order(sample.body, options)
            continue
        if paid_by_gift_card(sample):
            continue
        compared += 1
        made = order_to_json(profiled.order(sample.body, options))
        assert carried(made) == carried(wanted), sample.where
    assert compared > 50


def paid_by_gift_card(sample: Recorded) -> bool:
    """The rest that is paid otherwise is a difference, and no rule computes one."""
    return bool(sample.body.get("gift_cards"))


def carried(order: dict[str, Any]) -> dict[str, Any]:
    for path in NOT_CARRIED:
        first, _, rest = path.partition(".")
        for each in order[first] if isinstance(order[first], list) and rest else [order]:
            target = order[first] if isinstance(order[first], dict) and rest else each
            target.pop(rest or first, None)
    return order
