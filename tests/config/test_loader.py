"""A good configuration becomes what it says, whatever YAML would have made of it, and knows where each value stood."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.model import (
    DEFAULT_RULES,
    DEFAULT_STATUS,
    Auth,
    Channel,
    Config,
    Connection,
    DocumentState,
    Mode,
    Policies,
    Schedules,
    Secret,
    StatusAction,
)
from tests.config.folder import CHANNEL, CONNECTIONS, load

FULL = """\
connections:
  shop:
    system: woocommerce
    url: http://10.1.2.3:8080/store/
    auth: {method: oauth1, key: "${env:KEY}", secret: "${file:secret}", login: NO, password: ""}
    webhook_secrets:
      - ${env:KEY}
      - ${file:secret}
    concurrency: 8
    rate_per_s: 0.5
    deadline_s: 1.5m
    settle_s: 3s
    allow_hosts: [10.1.0.0/16, ERP.lan]
    ca_file: ca.pem
    minor_units: {KWD: 2}
    options: {db: 0123, version: 1.10, country: NO, on: off, at: 12:30, list: [1, {a: ~}], none: , day: 2026-01-31}
  erp: {system: tryton, url: "https://${env:HOST}/x"}
channels:
  main:
    source: shop
    erp: erp
    timezone: Asia/Kolkata
    policies:
      start_at: 2026-01-31T00:00:00+05:30
      status: {on_hold: import}
      rules: {price: hold, totals: warn}
      totals_threshold: 0
      value_limits: {EUR: 5000, JPY: 0.5}
      duplicate_window_min: 0
      price_tolerance: 2.5
      document_state: draft
      target: {warehouse: 007}
    schedules: {pull_every_s: 5m, resync_every_s: 1d, nightly: 0 4 * * sun, webhook_check_every_s: 60, overlap_s: 0}
"""


@pytest.fixture
def config(tmp_path) -> Config:
    (tmp_path / "secret").write_text("from-a-file\n")
    (tmp_path / "ca.pem").write_text("")
    return load(tmp_path, c=FULL, environ={"KEY": "from-env", "HOST": "erp.example"})


def test_every_key_of_a_connection_is_read(config, tmp_path):
    assert config.connections["shop"] == Connection(
        name="shop",
        system="woocommerce",
        url="http://10.1.2.3:8080/store",
        auth=Auth(method="oauth1", key=Secret("from-env"), secret=Secret("from-a-file"), login="NO"),
        webhook_secrets=(Secret("from-env"), Secret("from-a-file")),
        concurrency=8,
        rate_per_s=0.5,
        deadline_s=90.0,
        settle_s=3.0,
        allow_hosts=("10.1.0.0/16", "erp.lan"),
        ca_file=tmp_path / "ca.pem",
        minor_units={"KWD": 2},
        options={
            "db": "0123",
            "version": "1.10",
            "country": "NO",
            "on": "off",
            "day": "2026-01-31",
            "at": "12:30",
            "list": ["1", {"a": "~"}],
            "none": "",
        },
    )
    assert config.connections["erp"] == Connection(name="erp", system="tryton", url="https://erp.example/x")


def test_every_key_of_a_channel_is_read(config):
    assert config.channels["main"] == Channel(
        name="main",
        source="shop",
        erp="erp",
        timezone="Asia/Kolkata",
        policies=Policies(
            start_at=dt.datetime(2026, 1, 30, 18, 30, tzinfo=dt.UTC),
            status={**DEFAULT_STATUS, "on_hold": StatusAction.IMPORT},
            rules={**DEFAULT_RULES, "price": Mode.HOLD, "totals": Mode.WARN},
            totals_threshold=0,
            value_limits={"EUR": Decimal(5000), "JPY": Decimal("0.5")},
            duplicate_window_min=0,
            price_tolerance=Decimal("2.5"),
            document_state=DocumentState.DRAFT,
            target={"warehouse": "007"},
        ),
        schedules=Schedules(
            pull_every_s=300.0,
            resync_every_s=86_400.0,
            nightly="0 4 * * sun",
            webhook_check_every_s=60.0,
            overlap_s=0.0,
        ),
    )


def test_what_came_from_outside_is_plain_text_where_it_is_no_secret(config):
    assert type(config.connections["erp"].url) is str
    assert type(config.connections["shop"].auth.login) is str


def test_a_configuration_shows_no_secret(config):
    assert "from-env" not in repr(config)
    assert "from-a-file" not in repr(config)


def test_what_is_left_out_or_left_empty_has_its_default(tmp_path):
    empty = "\n".join(
        f"    {key}:" for key in ("auth", "webhook_secrets", "concurrency", "ca_file", "options", "settle_s")
    )
    config = load(tmp_path, c=f"connections:\n  shop:\n    system: x\n    url: https://x\n{empty}\n")

    assert config.connections["shop"] == Connection(name="shop", system="x", url="https://x")


def test_a_channel_without_words_of_its_own_has_the_defaults(tmp_path):
    assert load(tmp_path, c=CHANNEL).channels["main"] == Channel(name="main", source="shop", erp="erp")


def test_a_configuration_may_be_split_over_files(tmp_path):
    config = load(
        tmp_path,
        a="connections:\n  shop: {system: x, url: https://x}\n",
        b="connections:\n  erp: {system: x, url: https://x}\nchannels:\n",
        c="channels:\n  main: {source: shop, erp: erp}\n",
        d="# nothing\n",
    )

    assert list(config.connections) == ["shop", "erp"]
    assert config.where("channels.main.erp") == f"{tmp_path}/c.yaml:2"


def test_channels_without_connections_are_not_needed(tmp_path):
    assert load(tmp_path, c="connections:\n").channels == {}


def test_plain_http_is_taken_where_the_host_is_allowed(tmp_path):
    for host, allowed in (("erp.lan", "[ERP.lan]"), ("127.0.0.1", "[127.0.0.0/8]"), ("[::1]", '["::1"]')):
        text = f"connections:\n  erp: {{system: x, url: 'http://{host}:8000', allow_hosts: {allowed}}}\n"
        assert load(tmp_path, c=text).connections["erp"].url == f"http://{host}:8000"


def test_now_means_from_the_first_start(tmp_path):
    shared = "policies:\n  standard: {start_at: 2026-01-31T00:00:00Z}\n"
    config = load(tmp_path, c=CHANNEL + "    policies: {extends: standard, start_at: now}\n" + shared)

    assert config.channels["main"].policies.start_at is None


SHARED = """\
policies:
  standard:
    totals_threshold: 2
    price_tolerance: 1
    rules: {price: off, tax: warn}
    value_limits: {EUR: 100, USD: 100}
    target: {warehouse: A, carrier: X}
schedules:
  standard: {pull_every_s: 10s, overlap_s: 20s}
"""


def test_a_channel_may_name_shared_policies_and_schedules(tmp_path):
    channel = load(tmp_path, c=CHANNEL + "    policies: standard\n    schedules: standard\n" + SHARED).channels["main"]

    assert channel.policies.totals_threshold == 2
    assert channel.policies.rules == {**DEFAULT_RULES, "price": Mode.OFF, "tax": Mode.WARN}
    assert channel.schedules == Schedules(pull_every_s=10.0, overlap_s=20.0)


def test_a_channel_lays_its_own_words_over_the_shared_ones(tmp_path):
    own = """\
    policies:
      extends: standard
      totals_threshold: 3
      rules: {tax: hold}
      value_limits: {EUR: 200}
      target: {carrier: Y}
    schedules: {extends: standard, overlap_s: 0}
"""
    channel = load(tmp_path, c=CHANNEL + own + SHARED).channels["main"]

    assert channel.policies == Policies(
        totals_threshold=3,
        price_tolerance=Decimal(1),
        rules={**DEFAULT_RULES, "price": Mode.OFF, "tax": Mode.HOLD},
        value_limits={"EUR": Decimal(200), "USD": Decimal(100)},
        target={"warehouse": "A", "carrier": "Y"},
    )
    assert channel.schedules == Schedules(pull_every_s=10.0, overlap_s=0.0)


def test_channels_that_share_policies_do_not_share_their_own(tmp_path):
    more = "  more: {source: erp, erp: shop, policies: {extends: standard, rules: {unit: off}, target: {carrier: Z}}}\n"
    config = load(tmp_path, c=CHANNEL + "    policies: standard\n" + more + SHARED)

    assert config.channels["main"].policies.rules["unit"] is Mode.HOLD
    assert config.channels["main"].policies.target == {"warehouse": "A", "carrier": "X"}


@pytest.mark.parametrize(
    ("status", "order", "answer"),
    [
        ("{on_hold: import}", ("on_hold", "unpaid"), ("import", "on_hold")),
        ("{on_hold: import}", ("pending", "unpaid"), ("wait", "*/unpaid")),
        # Whoever speaks of a whole state or payment means the narrower defaults under it too ...
        ("{processing: wait}", ("processing", "unpaid"), ("wait", "processing")),
        ("{'*/unpaid': wait}", ("processing", "unpaid"), ("wait", "*/unpaid")),
        ("{'*/unpaid': import}", ("pending", "unpaid"), ("import", "*/unpaid")),
        ("{'*/unpaid': import}", ("failed", "unpaid"), ("skip", "failed")),
        # ... but goods are not shipped for money that went back unless somebody says so.
        ("{processing: import}", ("processing", "refunded"), ("skip", "processing/refunded")),
        ("{'processing/refunded': import}", ("processing", "refunded"), ("import", "processing/refunded")),
        ("{'*/refunded': import}", ("completed", "refunded"), ("import", "*/refunded")),
        ("{refunded: import}", ("refunded", "refunded"), ("import", "refunded")),
    ],
)
def test_status_keys_are_laid_over_the_defaults(tmp_path, status, order, answer):
    config = load(tmp_path, c=f"{CHANNEL}    policies: {{status: {status}}}\n")

    assert config.channels["main"].policies.status_action(*order) == answer


def test_every_value_knows_its_file_and_line(config, tmp_path):
    file = f"{tmp_path}/c.yaml"

    assert config.where("connections.shop.url") == f"{file}:4"
    assert config.where("connections.shop.auth.key") == f"{file}:5"
    assert config.where("connections.shop.webhook_secrets[1]") == f"{file}:8"
    assert config.where("connections.shop.options.list[1].a") == f"{file}:16"
    assert config.where("connections.erp.settle_s") == f"{file}:17"
    assert config.where("channels.main.policies.status.on_hold") == f"{file}:25"
    assert config.where("channels.main") == f"{file}:19"


def test_a_value_from_a_shared_entry_stands_where_that_entry_says_it(tmp_path):
    own = "    policies: {extends: standard, totals_threshold: 3}\n"
    config = load(tmp_path, c=CHANNEL + own, d=SHARED)

    assert config.where("channels.main.policies.totals_threshold") == f"{tmp_path}/c.yaml:8"
    assert config.where("channels.main.policies.rules.price") == f"{tmp_path}/d.yaml:5"
    assert config.where("channels.main.policies.document_state") == f"{tmp_path}/c.yaml:8"


@given(text=st.text(max_size=200))
def test_any_text_survives_as_text(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("config")
    kept = text.replace("${", "$${")
    tree = yaml.safe_load(CONNECTIONS)
    tree["connections"]["shop"] |= {"auth": {"login": kept}, "options": {"a": kept, "b": [kept, {"c": kept}]}}

    shop = load(folder, c=yaml.safe_dump(tree, default_style='"')).connections["shop"]

    assert shop.auth.login == text
    assert shop.options == {"a": text, "b": [text, {"c": text}]}


@given(value=st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_any_secret_arrives_whole_and_unseen(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("config")
    text = "connections:\n  shop: {system: x, url: https://x, auth: {key: '${env:KEY}'}}\n"

    config = load(folder, c=text, environ={"KEY": value})

    assert config.connections["shop"].auth.key.reveal() == value
    assert repr(dataclasses.replace(config.connections["shop"], name="x")).count("***") == 4


def test_a_time_may_have_fractions_of_a_second(tmp_path):
    config = load(tmp_path, c=CHANNEL + "    policies: {start_at: 2026-01-31T00:00:00.25Z}\n")
    assert config.channels["main"].policies.start_at == dt.datetime(2026, 1, 31, microsecond=250_000, tzinfo=dt.UTC)
