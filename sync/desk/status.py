"""How things stand: one sentence that is true, and the figures behind it."""

from __future__ import annotations

import dataclasses
from typing import Any

from config.model import Config
from sync.store.engine import Store
from sync.store.issues import OpenIssue, list_open
from sync.store.items import count_states
from sync.store.schedule import Row, list_schedules
from sync.store.switches import Pause, pauses


@dataclasses.dataclass(frozen=True, slots=True)
class ChannelStatus:
    """Items of one channel by state."""

    name: str
    counts: dict[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """One look at everything."""

    sentence: str
    channels: list[ChannelStatus]
    pauses: list[Pause]
    issues: list[OpenIssue]
    schedules: list[Row]

    def to_json(self) -> dict[str, Any]:
        """As JSON; times are ISO text."""
        return dataclasses.asdict(self)


def status_of(store: Store, config: Config, *, queue_answers: bool) -> Status:
    """Look once; every figure comes from the database."""
    counted = store.read(count_states)
    channels = [
        ChannelStatus(name, {state: count for (channel, state), (count, _) in counted.items() if channel == name})
        for name in sorted(config.channels)
    ]
    stopped, issues = store.read(pauses), store.read(list_open)
    return Status(
        _sentence(config, channels, stopped, issues, queue_answers=queue_answers),
        channels,
        stopped,
        issues,
        store.read(list_schedules),
    )


def _sentence(
    config: Config, channels: list[ChannelStatus], stopped: list[Pause], issues: list[OpenIssue], *, queue_answers: bool
) -> str:
    away = sorted({entry.name or "everything" for entry in stopped})
    first = f"Paused: {', '.join(away)}." if away else f"All {len(config.connections)} connections healthy."
    needs = sum(channel.counts.get("held", 0) + channel.counts.get("parked", 0) for channel in channels)
    causes = sum(1 for issue in issues if issue.documents)
    second = f"{needs} orders need you: {causes} causes." if needs else "Nothing needs you."
    doubts = sum(channel.counts.get("reconcile", 0) for channel in channels)
    third = f" {doubts} writes are being looked up." if doubts else ""
    fourth = "" if queue_answers else " The queue's server is away: orders are kept and go on when it is back."
    return f"{first} {second}{third}{fourth}"
