"""What holds for every source of orders, whatever it speaks to: one suite over all of them, by capability.

Targets are held by `test_targets.py`. A capability of a registered connector without a stand-in fails here, so that
nothing is left out by being forgotten.
"""

from __future__ import annotations

import datetime as dt
import inspect
import logging
import re
import time
import traceback
from decimal import Decimal

import pytest

from connectors.kit import base
from connectors.kit.base import ConnectorSettings, SignatureInvalid
from connectors.kit.errors import ConnectionBroken, ConnectorError, RateLimited, Transient
from connectors.kit.exchanges import capture
from connectors.registry import CONNECTORS, UnknownSystem, connector_class, has, known_systems, make_connector
from tests.contract.source_fakes import FAKES, receiver
from tests.shared import PATIENCE_S, wait_until

SOURCES = (base.PullsOrders, base.FetchesOrders, base.ListsOrders, base.ReceivesWebhooks, base.ManagesWebhooks)


def every(capability):
    """Run the test for each connector that declares this capability."""
    able = sorted(system for system, connector in CONNECTORS.items() if has(connector, capability))
    assert able, f"no connector declares {capability.__name__}"
    return pytest.mark.parametrize("fake", able, indirect=True)


@pytest.fixture
def fake(request):
    with FAKES[request.param]() as running:
        yield running


@pytest.fixture
def source(fake):
    connector = fake.connect()
    yield connector
    connector.close()


@pytest.fixture(autouse=True)
def no_long_pauses(monkeypatch):
    real = time.sleep
    monkeypatch.setattr("connectors.kit.http.time.sleep", lambda seconds: real(min(seconds, 0.01)))


def pull(connector, checkpoint=None, seen=None):
    """The newest payload of each order after a whole pull, and the last checkpoint."""
    seen = {} if seen is None else seen
    for page in connector.pull_orders(checkpoint):
        checkpoint = page.checkpoint
        seen |= {envelope.external_id: envelope for envelope in page.envelopes}
    return seen, checkpoint


# The registry


@pytest.mark.parametrize("system", sorted(CONNECTORS))
def test_every_connector_declares_what_it_can_and_has_a_stand_in(system):
    connector = CONNECTORS[system]
    declared = [
        capability for capability in (*SOURCES, base.SendsOrders, base.SalesTarget) if has(connector, capability)
    ]
    assert declared, f"{connector.__name__} declares no capability in its class header"
    assert bool(set(declared) & set(SOURCES)) == (system in FAKES)


@pytest.mark.parametrize("system", sorted(CONNECTORS))
def test_every_connector_is_made_in_the_same_way(system):
    parameters = inspect.signature(CONNECTORS[system].__init__).parameters
    assert list(parameters)[:2] == ["self", "settings"]
    assert [parameters[name].kind for name in ("throttle", "dry_run")] == [inspect.Parameter.KEYWORD_ONLY] * 2
    assert not inspect.isabstract(CONNECTORS[system])


@pytest.mark.parametrize("system", sorted(FAKES))
def test_an_option_that_nobody_knows_is_refused_by_its_name(system):
    settings = ConnectorSettings(
        name="x", url="https://x.example", key="k-1234", secret="s-1234", options={"no_such_option": 1}
    )
    with pytest.raises(ConnectionBroken, match="no_such_option"):
        make_connector(system, settings)


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


# Pulling


@pytest.mark.loopback
@every(base.PullsOrders)
def test_all_pages_are_read_to_the_end(fake):
    ids = fake.place(12)
    connector = fake.connect(page_size=5)
    seen, checkpoint = pull(connector)
    assert set(ids) <= set(seen)
    assert checkpoint
    connector.close()


@pytest.mark.loopback
@every(base.PullsOrders)
def test_envelopes_carry_text_ids_sortable_versions_and_no_floats(fake, source):
    [external_id] = fake.place(1)
    envelope = pull(source)[0][external_id]
    assert isinstance(envelope.external_id, str)
    assert isinstance(envelope.version, str)
    first = envelope.version
    fake.later(2)
    fake.change(external_id)
    assert pull(source)[0][external_id].version > first
    assert not floats(envelope.payload)


def floats(value):
    if isinstance(value, dict):
        return [path for child in value.values() for path in floats(child)]
    if isinstance(value, list):
        return [path for child in value for path in floats(child)]
    return [value] if isinstance(value, float) else []


@pytest.mark.loopback
@every(base.PullsOrders)
def test_the_same_state_is_the_same_payload_twice(fake, source):
    fake.place(3)
    first, second = pull(source)[0], pull(source)[0]
    assert {key: envelope.payload for key, envelope in first.items()} == {
        key: envelope.payload for key, envelope in second.items()
    }


@pytest.mark.loopback
@every(base.PullsOrders)
def test_resuming_brings_what_is_new_and_not_what_is_old(fake, source):
    [quiet] = fake.place(1)
    fake.later(10)
    [changing] = fake.place(1)
    _seen, checkpoint = pull(source)
    fake.later(10)
    [new] = fake.place(1)
    fake.change(changing)
    seen, _checkpoint = pull(source, checkpoint)
    assert {new, changing} <= set(seen)
    assert quiet not in seen


@pytest.mark.fault("D3")
@pytest.mark.loopback
@every(base.PullsOrders)
def test_orders_that_change_during_paging_lose_nothing(fake):
    ids = fake.place(9)
    changes = iter([ids[0], ids[3], ids[1], ids[8], ids[0]])

    def happen():
        fake.later(1)
        if (external_id := next(changes, None)) is not None:
            fake.change(external_id)

    fake.before_each_answer(happen)
    connector = fake.connect(page_size=3)
    seen, checkpoint = pull(connector)
    assert set(ids) <= set(seen)
    fake.before_each_answer(lambda: None)
    fake.later(1)
    seen, _checkpoint = pull(connector, checkpoint, seen)
    current = {envelope.external_id: envelope.payload for envelope in connector.fetch_orders(ids)}
    assert {key: seen[key].payload for key in ids} == current
    connector.close()


@pytest.mark.fault("C10")
@pytest.mark.loopback
@every(base.PullsOrders)
def test_a_pull_that_is_cut_off_resumes_without_a_loss(fake):
    ids = fake.place(7)
    connector = fake.connect(page_size=2)
    first = next(connector.pull_orders(None))
    seen = {envelope.external_id: envelope for envelope in first.envelopes}
    seen, _checkpoint = pull(connector, first.checkpoint, seen)
    assert set(ids) <= set(seen)
    connector.close()


@pytest.mark.fault("D10")
@pytest.mark.loopback
@every(base.PullsOrders)
def test_a_discarded_order_is_told(fake, source):
    [external_id] = fake.place(1)
    before, checkpoint = pull(source)
    fake.later(2)
    fake.discard(external_id)
    after, _checkpoint = pull(source, checkpoint)
    assert after[external_id].payload != before[external_id].payload


@pytest.mark.fault("D12")
@pytest.mark.loopback
@every(base.PullsOrders)
def test_a_corrupt_checkpoint_is_an_error_and_not_a_new_beginning(fake, source):
    with pytest.raises(ConnectionBroken, match="checkpoint"):
        next(source.pull_orders("garbage"))


# Fetching


@pytest.mark.loopback
@every(base.FetchesOrders)
def test_orders_are_fetched_by_id_whatever_became_of_them(fake, source):
    kept, discarded, deleted = fake.place(3)
    fake.discard(discarded)
    fake.delete(deleted)
    envelopes = source.fetch_orders([deleted, kept, fake.unknown_id, discarded])
    assert [envelope.external_id for envelope in envelopes] == [deleted, kept, fake.unknown_id, discarded]
    assert [envelope.deleted for envelope in envelopes] == [True, False, True, False]


@pytest.mark.loopback
@every(base.FetchesOrders)
def test_a_full_batch_is_few_calls(fake, source):
    ids = fake.place(source.fetch_batch)
    # A login is none of the batch.
    source.fetch_orders(ids[:1])
    with capture() as exchanges:
        assert len(source.fetch_orders(ids)) == len(ids)
    # Where lines, customers and products are records of their own, each kind is a call.
    assert len(exchanges) <= max(2, source.fetch_batch // 8)


# The cheap list


@pytest.mark.loopback
@every(base.ListsOrders)
def test_the_list_has_every_order_of_the_window_once_with_its_exact_total(fake):
    ids = fake.place(7)
    fake.discard(ids[1])
    now = dt.datetime.now(tz=dt.UTC)
    connector = fake.connect(page_size=3)
    lines = list(connector.list_orders(now - dt.timedelta(hours=1), now + dt.timedelta(hours=1)))
    assert sorted(line.external_id for line in lines) == sorted(ids)
    assert {line.external_id: str(line.total) for line in lines} == fake.totals(connector, ids)
    for line in lines:
        assert isinstance(line.total, Decimal)
        assert line.placed_at.utcoffset() == dt.timedelta(0)
        assert len(line.currency) == 3
        assert line.number
        assert line.state
    connector.close()


@pytest.mark.loopback
@every(base.ListsOrders)
def test_the_windows_end_belongs_to_the_next_window(fake, source):
    [external_id] = fake.place(1)
    now = dt.datetime.now(tz=dt.UTC)
    hour = dt.timedelta(hours=1)
    [line] = source.list_orders(now - hour, now + hour)
    assert list(source.list_orders(now - hour, line.placed_at)) == []
    assert [found.external_id for found in source.list_orders(line.placed_at, now + hour)] == [external_id]


# What goes wrong


READS = [
    pytest.param(lambda source, _ids: list(source.pull_orders(None)), id="pull"),
    pytest.param(lambda source, ids: source.fetch_orders(ids), id="fetch"),
    pytest.param(
        lambda source, _ids: list(
            source.list_orders(dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2030, 1, 1, tzinfo=dt.UTC))
        ),
        id="list",
    ),
]
FAULTS = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503, "body": "<html>maintenance</html>"},
    {"kind": "status", "status": 429, "retry_after": "1"},
    {"kind": "html"},
    {"kind": "empty"},
    {"kind": "reset"},
    {"kind": "close"},
    {"kind": "truncate"},
    {"kind": "overlong"},
]


@pytest.mark.loopback
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault['kind']}{fault.get('status', '')}")
@every(base.PullsOrders)
def test_a_read_gets_over_a_short_trouble(fake, source, read, fault):
    ids = fake.place(2)
    fake.break_next(count=2, **fault)
    read(source, ids)


@pytest.mark.loopback
@pytest.mark.parametrize("read", READS)
@every(base.PullsOrders)
def test_a_lasting_trouble_ends_as_transient_within_the_deadline(fake, read):
    ids = fake.place(2)
    connector = fake.connect(deadline_s=1.0)
    for fault in (
        {"kind": "drip", "interval_s": 0.3},
        {"kind": "hang", "hold_s": PATIENCE_S},
        {"kind": "status", "status": 502},
    ):
        fake.break_next(count=None, **fault)
        started = time.monotonic()
        with pytest.raises(Transient):
            read(connector, ids)
        assert time.monotonic() - started < PATIENCE_S / 3
        fake.mend()
    connector.close()


@pytest.mark.loopback
@every(base.PullsOrders)
def test_a_long_pause_that_is_asked_for_is_handed_on(fake, source):
    fake.break_next(kind="status", status=429, retry_after="1800", count=None)
    with pytest.raises(RateLimited) as caught:
        pull(source)
    assert caught.value.retry_after_s == 1800


@pytest.mark.loopback
@every(base.PullsOrders)
def test_a_shop_that_is_down_is_transient(fake, source):
    fake.stop()
    with pytest.raises(Transient):
        pull(source)


@pytest.mark.loopback
@every(base.PullsOrders)
def test_wrong_credentials_break_the_connection_and_do_not_show(fake, caplog):
    caplog.set_level(logging.DEBUG)
    connector = fake.connect(secret="wrong-canary-42")
    with pytest.raises(ConnectionBroken) as caught, capture() as exchanges:
        pull(connector)
    told = "".join(traceback.format_exception(caught.value)) + repr(exchanges) + caplog.text
    # Its own source line stands in the traceback; nothing else may.
    assert "canary" not in told.replace('secret="wrong-canary-42"', "")
    connector.close()


@pytest.mark.loopback
@pytest.mark.parametrize("fault", [*FAULTS, {"kind": "gzip_bomb", "size_mb": 60}], ids=lambda fault: fault["kind"])
@every(base.PullsOrders)
def test_no_error_record_or_log_carries_a_secret(fake, caplog, fault):
    caplog.set_level(logging.DEBUG)
    connector = fake.connect()
    fake.break_next(count=None, **fault)
    with pytest.raises(ConnectorError) as caught, capture() as exchanges:
        connector.fetch_orders(["1"])
    told = "".join(traceback.format_exception(caught.value)) + repr(exchanges) + caplog.text
    assert [secret for secret in fake.secrets if secret in told] == []
    connector.close()


# Webhooks


@pytest.mark.loopback
@every(base.ManagesWebhooks)
def test_subscribing_twice_subscribes_once(fake, source):
    with receiver() as (url, came):
        first = source.ensure_subscriptions(url)
        second = source.ensure_subscriptions(url)
        assert {what for _subscription, what in first} == {"created"}
        assert {what for _subscription, what in second} == {"kept"}
        assert [found for found, _what in first] == [found for found, _what in second]
        assert all(found.active and found.delivery_url == url for found, _what in second)
        for body, headers in came:
            assert source.verify_webhook(body, headers).ping


@pytest.mark.loopback
@every(base.ManagesWebhooks)
def test_what_is_delivered_is_what_a_read_gives(fake, source):
    with receiver() as (url, came):
        source.ensure_subscriptions(url)
        came.clear()
        [external_id] = fake.place(1)
        wait_until(lambda: came)
        deliveries = [source.verify_webhook(body, headers) for body, headers in came]
    [read] = source.fetch_orders([external_id])
    for delivery in deliveries:
        assert delivery.external_id == external_id
        assert delivery.problem == ""
        # One that only says which order to look at is fetched.
        if delivery.envelope is not None:
            assert delivery.envelope.payload == read.payload
            assert delivery.envelope.version == read.version


@pytest.mark.fault("C5")
@pytest.mark.loopback
@every(base.ReceivesWebhooks)
def test_a_forged_tampered_or_unsigned_delivery_is_refused(fake, source):
    body, headers = fake.deliveries(source)[0]
    rotated = fake.connect(webhook_secrets=("another secret", *fake.secrets[1:]))
    strange = fake.connect(webhook_secrets=("another secret",))
    assert rotated.verify_webhook(body, headers) == source.verify_webhook(body, headers)
    cases = [(strange, body, headers), (source, b"", headers)]
    if fake.unsigned:
        # What lets it in stands in its body: only without that it is nobody's.
        cases += [(source, body.replace(b'"token"', name), headers) for name in (b'"tokens"', b'"a":"b","x"')]
        cases += [
            (source, re.sub(rb'"token": "[^"]*"', value, body), headers) for value in (b'"token": ""', b'"token": 1')
        ]
    else:
        cases += [
            (source, body + b" ", headers),
            (source, body, {}),
            (source, body, dict.fromkeys(headers, "")),
            (source, body, dict.fromkeys(headers, "ä\x00" * 20)),
        ]
    for refused, its_body, its_headers in cases:
        with pytest.raises(SignatureInvalid):
            refused.verify_webhook(its_body, its_headers)
