"""`/metrics` for Prometheus: computed from the database at each scrape, so that no process has to live for them.

Labels are names of the configuration, states and causes; never an order, a SKU or a text of others. Whoever asks shows
the token of CROSSDOCK_METRICS_TOKEN, or is signed in; else there is no such page.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from importlib.metadata import version
from typing import Final

from flask import Blueprint, Response, abort, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from sync.desk.home import Condition, Home
from sync.desk.measures import Measures, measure
from sync.store.states import ItemState
from webapp.console.access import ANYONE, needs, signed_in
from webapp.parts import Parts, parts

blueprint = Blueprint("metrics", __name__)

_BEARER: Final = "Bearer "


@blueprint.get("/metrics")
@needs(ANYONE)
def metrics() -> Response:
    """Everything that can be counted, at this moment."""
    ours = parts()
    if not _may_see(ours):
        abort(404)
    registry = CollectorRegistry()
    registry.register(_Snapshot(measure(ours.store, ours.config, ours.look_at_queue())))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry), content_type=content_type)


def _may_see(ours: Parts) -> bool:
    token = ours.settings.metrics_token
    given = request.headers.get("Authorization", "")
    if token and given.startswith(_BEARER):
        # As bytes: compare_digest takes no text beyond ASCII.
        return hmac.compare_digest(given.removeprefix(_BEARER).encode(), token.reveal().encode())
    return signed_in() is not None


class _Snapshot(Collector):
    """One look, as metrics."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures

    def describe(self) -> list[Metric]:
        """Nothing beforehand: the look has been taken, and each registry lives for one scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        home = self._measures.home
        yield InfoMetricFamily("crossdock", "The program.", {"version": version("crossdock")})
        yield from _channels(home)
        yield from _connections(home)
        yield from _issues(self._measures)
        yield from _machinery(home)
        yield from _schedules(self._measures)
        yield from _alerts(self._measures)


def _channels(home: Home) -> Iterator[Metric]:
    items = _gauge("crossdock_items", "Orders by channel and state.", "channel", "state")
    unknown = _gauge("crossdock_unknown_outcomes", "Writes whose outcome nobody knows.", "channel")
    paused = _gauge("crossdock_channel_paused", "1 while the channel itself is paused.", "channel")
    proof_ok = _gauge("crossdock_proof_holds", "1 if the last proof of the channel held.", "channel")
    proof_at = _gauge("crossdock_proof_timestamp_seconds", "When the channel was last proven.", "channel")
    for channel in home.channels:
        for state in ItemState:
            items.add_metric([channel.name, state.value], channel.counts.get(state.value, 0))
        unknown.add_metric([channel.name], channel.unknown)
        paused.add_metric([channel.name], channel.pause is not None)
        if channel.proof is not None:
            proof_ok.add_metric([channel.name], channel.proof.ok)
            proof_at.add_metric([channel.name], channel.proof.at.timestamp())
    yield from (items, unknown, paused, proof_ok, proof_at)


def _connections(home: Home) -> Iterator[Metric]:
    condition = _gauge(
        "crossdock_connection_condition", "1 for the condition that it is in.", "connection", "condition"
    )
    last = _gauge("crossdock_connection_last_success_timestamp_seconds", "When it last worked.", "connection")
    backlog = _gauge("crossdock_backlog", "Orders under way on this connection.", "connection")
    oldest = _gauge("crossdock_backlog_oldest_seconds", "Age of the oldest order under way.", "connection")
    orders = _gauge("crossdock_orders_this_hour", "Orders of the current hour.", "connection", "direction")
    for entry in home.connections:
        for name in Condition:
            condition.add_metric([entry.name, name.value], entry.condition is name)
        if entry.last_success is not None:
            last.add_metric([entry.name], entry.last_success.timestamp())
        backlog.add_metric([entry.name], entry.backlog)
        age = 0.0 if entry.oldest_at is None else max(0.0, (home.at - entry.oldest_at).total_seconds())
        oldest.add_metric([entry.name], age)
        for direction, counts in (("in", entry.orders_in), ("out", entry.orders_out)):
            if counts:
                orders.add_metric([entry.name, direction], counts[-1])
    yield from (condition, last, backlog, oldest, orders)


def _issues(measures: Measures) -> Iterator[Metric]:
    opened = _gauge("crossdock_issues", "Open issues by cause.", "cause")
    documents = _gauge("crossdock_issue_documents", "Orders that stand in open issues, by cause.", "cause")
    for cause, (count, orders) in sorted(measures.causes.items()):
        opened.add_metric([cause], count)
        documents.add_metric([cause], orders)
    yield from (opened, documents, _one("crossdock_bulk_runs", "Retries of a whole cause that run.", measures.runs))


def _machinery(home: Home) -> Iterator[Metric]:
    yield _one("crossdock_paused", "1 while everything is paused.", home.everything is not None)
    yield _one("crossdock_database_bytes", "Size of the database.", home.database_bytes)
    yield _one("crossdock_scheduler_up", "1 while the scheduler's heart beats.", not home.scheduler_silent)
    yield _one("crossdock_queue_up", "1 while the queue's server answers.", home.queue.answers)
    if home.queue.answers:
        yield _one("crossdock_queue_rings", "Rings that wait for a worker.", home.queue.depth)
        yield _one("crossdock_workers", "Workers whose heartbeat is fresh.", home.queue.living)
        yield _one("crossdock_queue_memory_bytes", "Memory that the queue's server uses.", home.queue.memory)


def _schedules(measures: Measures) -> Iterator[Metric]:
    ok = _gauge("crossdock_schedule_ok", "1 if the last run of the schedule went well.", "task", "subject")
    last = _gauge("crossdock_schedule_last_timestamp_seconds", "When the schedule last ended.", "task", "subject")
    for row in measures.schedules:
        task, _, subject = row.name.partition(":")
        if row.last_at is not None:
            ok.add_metric([task, subject], bool(row.last_ok))
            last.add_metric([task, subject], row.last_at.timestamp())
    drains = _gauge("crossdock_drains", "Drains that run, by ERP connection.", "connection")
    for name, count in sorted(measures.drains.items()):
        drains.add_metric([name], count)
    yield from (ok, last, drains)


def _alerts(measures: Measures) -> Iterator[Metric]:
    standing = _gauge("crossdock_alerts", "Alerts that stand, by cause and severity.", "cause", "severity")
    for (cause, severity), count in sorted(measures.alerts.items()):
        standing.add_metric([cause, severity], count)
    waiting = _gauge("crossdock_alert_messages_waiting", "Messages that were not taken yet, by way.", "way")
    for name, count in sorted(measures.waiting.items()):
        waiting.add_metric([name], count)
    yield from (standing, waiting)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=labels)


def _one(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
