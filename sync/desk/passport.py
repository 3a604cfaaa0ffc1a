"""One order with everything that happened to it, by any of its numbers."""

from __future__ import annotations

import json
from typing import Any

from config.model import Config
from sync.store.attempts import load_attempts
from sync.store.bodies import load_json, unpack
from sync.store.engine import Store
from sync.store.events import list_events
from sync.store.intents import list_intents
from sync.store.issues import causes_of
from sync.store.orders import StoredOrder, find_orders, load_canonical


def passport(store: Store, config: Config, number: str, *, exchanges: bool = False) -> list[dict[str, Any]]:
    """Each order that has this number in any system, as JSON; `exchanges` adds what went over the wire, redacted."""
    targets = {channel.name: channel.erp for channel in config.channels.values()}
    found = store.read(lambda c: find_orders(c, number, targets))
    return [_one(store, config, order, exchanges=exchanges) for order in found]


def _one(store: Store, config: Config, order: StoredOrder, *, exchanges: bool) -> dict[str, Any]:
    causes = store.read(lambda c: causes_of(c, [order.item_id])).get(order.item_id, [])
    canonical = store.read(lambda c: load_canonical(c, order.id))
    return {
        "channel": order.channel,
        "external_id": order.external_id,
        "number": order.number,
        "placed_at": order.placed_at.isoformat(),
        "currency": order.currency,
        "grand": f"{order.grand:f}" if order.id else None,
        "source_state": order.source_state,
        "state": order.state,
        "reason": order.reason,
        "due_at": order.due_at.isoformat(),
        "erp_id": order.erp_id,
        "erp_number": order.erp_number,
        "erp_total": order.erp_total,
        "causes": [
            {"cause": cause, "title": title, "next_step": step, "details": json.loads(details)}
            for cause, title, step, details in causes
        ],
        "timeline": _timeline(store, config, order, exchanges=exchanges),
        "order": None if canonical is None else load_json(unpack(canonical)),
    }


def _timeline(store: Store, config: Config, order: StoredOrder, *, exchanges: bool) -> list[dict[str, Any]]:
    source = config.channels[order.channel].source
    lines: list[dict[str, Any]] = []
    for event in store.read(lambda c: list_events(c, source, "order", order.external_id)):
        again = f", {event.repeats} times more" if event.repeats else ""
        text = f"{event.topic or 'order'} version {event.version or 'unknown'}{again}"
        lines.append({"at": event.received_at.isoformat(), "what": event.source, "text": text})
    for intent in store.read(lambda c: list_intents(c, order.item_id)):
        text = f"{intent.action} {intent.kind} {intent.key}: {intent.outcome or 'outcome not known yet'}"
        at = intent.closed_at or intent.sent_at
        lines.append({"at": at.isoformat(), "what": "intent", "text": text})
    for attempt in store.read(lambda c: load_attempts(c, order.item_id)):
        seconds = (attempt.ended_at - attempt.started_at).total_seconds()
        line: dict[str, Any] = {
            "at": attempt.started_at.isoformat(),
            "what": "attempt",
            "text": f"{attempt.outcome} in {seconds:.2f} s" + (f": {attempt.message}" if attempt.message else ""),
        }
        if exchanges and attempt.exchanges is not None:
            line["exchanges"] = load_json(unpack(attempt.exchanges))
        lines.append(line)
    return sorted(lines, key=lambda line: str(line["at"]))
