"""Mappings of third parties, by entry point."""

from __future__ import annotations

import pytest

from connectors.registry import known_systems
from mappings.base import SourceOptions
from mappings.registry import SHOP_FACETS, SOURCES, TARGETS, MappingUnusable
from sync.rules.systems import SystemMissing, _source_mapping
from tests.mappings.woocommerce_orders import woo_order

MINE = """
from mappings.base import SourceMapping
from mappings.woocommerce import order_from_woocommerce

MAPPING = SourceMapping(version="1", order=order_from_woocommerce)
"""


@pytest.fixture
def mine(tmp_path, monkeypatch, entry_points):
    (tmp_path / "crossdock_mine.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    entry_points("crossdock.mappings", mine="crossdock_mine", woocommerce="crossdock_mine")


@pytest.mark.usefixtures("mine")
def test_a_third_partys_mapping_is_found_by_its_entry_point():
    assert SOURCES["mine"].order(woo_order(), SourceOptions()).number
    assert {"mine", "woocommerce"} <= set(SOURCES)
    assert len(SOURCES) == len(set(SOURCES))


@pytest.mark.usefixtures("mine")
def test_it_is_what_its_kind_says_and_ours_go_first():
    assert "mine" not in TARGETS
    assert "mine" not in SHOP_FACETS
    assert SOURCES["woocommerce"].version != SOURCES["mine"].version


def test_one_that_cannot_be_loaded_says_whose_it_is_and_why(entry_points):
    entry_points("crossdock.mappings", mine="no_such_package.mapping")
    with pytest.raises(MappingUnusable, match=r"'mine'.*no_such_package.*ModuleNotFoundError"):
        _ = SOURCES["mine"]
    with pytest.raises(SystemMissing, match="cannot be loaded"):
        _source_mapping("mine", None)


def test_what_nobody_maps_is_in_none_of_them():
    assert "mine" not in SOURCES
    assert "mine" not in known_systems()
