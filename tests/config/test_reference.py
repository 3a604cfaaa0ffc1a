"""The example loads, the reference page is up to date, and both speak of everything that can be configured."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import config
from config import schemas
from config.fields import ConfigField
from config.loader import load_config
from config.model import (
    VERIFY_RULES,
    AlertChannel,
    Auth,
    Channel,
    Connection,
    Policies,
    Schedules,
    Secret,
    StockPolicy,
    Watch,
)
from config.reference import PAGE, RULES, page
from config.settings import Settings
from config.variables import VARIABLES
from connectors.registry import CONNECTORS
from sync.rules.systems import Systems

EXAMPLE = Path(config.__file__).parent / "example"
ENVIRON = {name: name.lower() for name in ("SHOP_KEY", "SHOP_SECRET", "SHOP_WEBHOOK_SECRET", "ERP_KEY", "ERP_PASSWORD")}


def test_the_reference_page_is_up_to_date():
    assert PAGE.read_text("utf-8") == page(), "run: python -m config.reference"


def test_the_example_loads():
    loaded = load_config(EXAMPLE, ENVIRON)

    assert loaded.connections["shop"].auth.key == Secret("shop_key")
    assert loaded.channels["webshop"].policies.status_action("on_hold", "unpaid")[0] == "import"
    assert set(loaded.secrets()) == {Secret(value) for value in ENVIRON.values()}


def test_the_connectors_of_the_example_take_what_it_says():
    loaded = load_config(EXAMPLE, ENVIRON, systems=set(CONNECTORS))
    systems = Systems(loaded)

    for name in loaded.connections:
        systems.connector(name)
    systems.close()


@pytest.mark.parametrize(
    ("section", "model", "apart"),
    [
        (schemas.AuthSection, Auth, set()),
        (schemas.ConnectionSection, Connection, {"name"}),
        (schemas.ChannelSection, Channel, {"name"}),
        (schemas.PoliciesSection, Policies, set()),
        (schemas.StockSection, StockPolicy, set()),
        (schemas.SchedulesSection, Schedules, set()),
        (schemas.AlertSection, AlertChannel, {"name"}),
        (schemas.WatchSection, Watch, set()),
    ],
)
def test_a_schema_has_the_fields_of_its_dataclass_in_their_order(section, model, apart):
    assert list(section().fields) == [field.name for field in dataclasses.fields(model) if field.name not in apart]


@pytest.mark.parametrize("section", schemas.SECTIONS)
def test_every_key_is_described(section):
    for name, field in schemas.SECTIONS[section].section.fields.items():
        assert isinstance(field, ConfigField)
        assert field.metadata["description"].endswith("."), name


def test_every_setting_comes_from_one_variable():
    fields = [variable.field for variable in VARIABLES]
    settings = {field.name for field in dataclasses.fields(Settings)}

    assert len(set(fields)) == len(fields)
    assert set(fields) - {"listen"} == settings - {"web_host", "web_port", "supervise_redis", "environ"}


def test_every_verify_rule_is_described():
    assert tuple(RULES) == VERIFY_RULES
