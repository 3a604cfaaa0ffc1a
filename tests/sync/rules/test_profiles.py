"""A channel names its mapping profile by a file; what is wrong with it is told when the configuration is read."""

from __future__ import annotations

import dataclasses

import pytest

from config.loader import load_config
from config.problems import ConfigError
from connectors.registry import known_systems
from mappings.canonical.errors import Problems
from sync.rules.lookups import Lookups
from sync.rules.profiles import check_profile, profile_of
from sync.rules.systems import SystemMissing, Systems
from tests.mappings.woocommerce_orders import woo_order

CONFIG = """\
connections:
  shop: {{system: {system}, url: https://shop.example, auth: {{key: "${{env:KEY}}", secret: "${{env:KEY}}"}}}}
  erp: {{system: tryton, url: https://erp.example, auth: {{key: "${{env:KEY}}"}}, options: {{database: t}}}}
channels:
  main: {{source: shop, erp: erp, profile: {profile}}}
"""
OVER = """\
profile: nordwind
extends: woocommerce
source:
  order:
    - {to: note, constant: from the profile}
"""


def load(folder, text=OVER, *, system="woocommerce", profile="profiles/main.yaml"):
    (folder / "profiles").mkdir(exist_ok=True)
    (folder / "profiles" / "main.yaml").write_text(text, "utf-8")
    (folder / "crossdock.yaml").write_text(CONFIG.format(system=system, profile=profile), "utf-8")
    return load_config(folder, {"KEY": "k"}, systems=known_systems(), check_profile=check_profile)


def refused(folder, text=OVER, **changes):
    with pytest.raises(ConfigError) as caught:
        load(folder, text, **changes)
    return [str(problem).replace(str(folder), "F") for problem in caught.value.problems]


def test_a_profile_changes_what_its_channel_reads_and_the_version_of_the_mapping(tmp_path):
    plain = Systems(load(tmp_path, profile="")).channel("main")
    profiled = Systems(load(tmp_path)).channel("main")
    payload = woo_order()
    before = plain.source_mapping.order(payload, plain.source_options)
    after = profiled.source_mapping.order(payload, profiled.source_options)
    assert (after.note, after.totals, after.lines) == ("from the profile", before.totals, before.lines)
    assert plain.mapping_version != profiled.mapping_version
    other = Systems(load(tmp_path, OVER.replace("from the", "of another"))).channel("main")
    assert other.mapping_version != profiled.mapping_version


def test_what_the_profile_writes_asks_the_look_ups_of_the_drain(tmp_path):
    systems = Systems(load(tmp_path)).channel("main").asking(Lookups.of({("own", "a"): "b"}))
    assert systems.target_options.lookup.find("own", "a") == "b"
    assert systems.shop_facets is not None


def test_a_configuration_keeps_the_profile_that_stood_there_when_it_was_read(tmp_path):
    config = load(tmp_path)
    (tmp_path / "profiles" / "main.yaml").write_text("broken", "utf-8")
    profile = profile_of(config.channels["main"])
    assert profile is not None
    assert profile.name == "nordwind"


def test_each_problem_of_a_profile_is_told_with_file_line_and_column(tmp_path):
    [told] = refused(tmp_path, OVER.replace("to: note", "to: nota"))
    assert told.startswith("F/profiles/main.yaml:5:")
    assert "found the field nota" in told


def test_a_file_that_is_not_there_is_told_where_it_is_named(tmp_path):
    [told] = refused(tmp_path, profile="profiles/nowhere.yaml")
    assert told.startswith("F/crossdock.yaml:5:43: channels.main.profile: found 'profiles/nowhere.yaml'")


def test_a_profile_over_another_system_is_refused(tmp_path):
    [told] = refused(tmp_path, system="tryton")
    assert "found a profile that says `extends: woocommerce`, expected one that says `extends: none`" in told


def test_a_source_without_a_mapping_of_its_own_needs_a_profile(tmp_path):
    [told] = refused(tmp_path, system="tryton", profile="")
    assert "channels.main.profile: found no profile, expected the file of a mapping profile" in told


def test_a_source_that_sends_its_orders_may_wait_for_its_first_profile(tmp_path):
    config = load(tmp_path, profile="")
    source = dataclasses.replace(config.connections["shop"], system="csv", options={"order_column": "Order"})
    config = dataclasses.replace(config, connections={**config.connections, "shop": source})
    assert list(check_profile(None, "csv")) == []
    systems = Systems(config).channel("main")
    with pytest.raises(Problems) as caught:
        systems.source_mapping.order({"rows": []}, systems.source_options)
    assert [problem.cause for problem in caught.value.problems] == ["no_profile"]


def test_a_channel_whose_source_nobody_can_map_is_named(tmp_path):
    config = load(tmp_path, profile="")
    connections = {**config.connections, "shop": config.connections["erp"]}
    with pytest.raises(SystemMissing, match="tryton cannot be a source without a profile"):
        Systems(dataclasses.replace(config, connections=connections)).channel("main")
