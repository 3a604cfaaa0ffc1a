"""What the shop itself has changed of an order between two of its words that are kept, field by field."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from config.model import Config
from sync.rules.corrections import MISSING, Change, differences
from sync.store.bodies import load_json, unpack
from sync.store.engine import Store
from sync.store.events import Event, list_events
from sync.store.history import load_received
from sync.store.orders import StoredOrder

#: Words of the shop that are looked through for two of the same form.
_LOOKED_AT: Final = 20
#: Fields that are told; of more, how many.
_TOLD: Final = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Versions:
    """Two words of the shop, the one right after the other, and what is different."""

    before: Event
    after: Event
    changes: tuple[Change, ...]
    #: Fields that differ too and are not told.
    more: int

    def to_json(self) -> dict[str, Any]:
        """As JSON, but for times; a field that is not there has no `before` or no `after`."""
        return {
            "before": _event_to_json(self.before),
            "after": _event_to_json(self.after),
            "changes": [_change_to_json(change) for change in self.changes],
            "more": self.more,
        }


def _event_to_json(event: Event) -> dict[str, Any]:
    return {
        "event": str(event.id),
        "source": event.source,
        "version": event.version,
        "received_at": event.received_at,
    }


def _change_to_json(change: Change) -> dict[str, Any]:
    values = (("before", change.before), ("after", change.after))
    return {"path": str(change), **{name: value for name, value in values if value is not MISSING}}


def changed_by_shop(store: Store, config: Config, order: StoredOrder, event: int | None = None) -> Versions | None:
    """What the newest word of the shop has changed, or that of one event; None where there is nothing to compare.

    Compared is with the last word before it that has the same form: a notice that names the order says nothing of it.
    """
    source = config.channels[order.channel].source

    def work(connection: Connection) -> Versions | None:
        events = list_events(connection, source, "order", order.external_id)
        upto = [each for each in events if event is None or each.id <= event]
        if event is not None and (not upto or upto[-1].id != event):
            return None
        return _newest_change(connection, order, source, upto[-_LOOKED_AT:], chosen=event is not None)

    return store.read(work)


def _newest_change(
    connection: Connection, order: StoredOrder, source: str, events: Sequence[Event], *, chosen: bool
) -> Versions | None:
    """Of the last of some events where it is `chosen`; else of the last one that has changed anything."""
    later: list[tuple[Event, dict[str, Any]]] = []
    for each in reversed(events):
        if later and each.digest == later[-1][0].digest:
            if chosen and len(later) == 1:
                return Versions(each, later[0][0], (), 0)
            later[-1] = (each, later[-1][1])
            continue
        was = _payload(connection, order, source, each)
        if was is None and chosen and not later:
            return None
        if was is None:
            continue
        for after, now in later[:1] if chosen else later:
            if _is_alike(was, now):
                changes = differences(was, now, apart=True)
                return Versions(each, after, changes[:_TOLD], max(0, len(changes) - _TOLD))
        later.append((each, was))
    return None


def _payload(connection: Connection, order: StoredOrder, source: str, event: Event) -> dict[str, Any] | None:
    packed = load_received(connection, order.item_id, source, event.id)
    found = None if packed is None else load_json(unpack(packed))
    return found if isinstance(found, dict) else None


def _is_alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both are the record in the same form: most of their fields have the same names."""
    return len(one.keys() & other.keys()) * 2 >= len(one.keys() | other.keys())
