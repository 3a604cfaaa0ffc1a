"""What one delivery leaves in the database, checked and compressed before it queues for the writer."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence

from sqlalchemy import Connection

from connectors.kit.base import Delivery
from sync.store import schedule
from sync.store.bodies import digest, dump_json, pack
from sync.store.health import prove_writable
from sync.store.inbox import NewEvent, record_events
from sync.store.issues import Cause, Stop, open_issues
from sync.store.tables import events

#: Deliveries are about orders; stock and parties are pulled.
KIND = "order"
#: Room for the fixed columns of a row beside its body.
_ROW_BYTES = 500


#: Events of one receipt: a group of the writer is closed at about as many.
_RECEIPT_EVENTS = 64


@dataclasses.dataclass(frozen=True, slots=True)
class Receipt:
    """What is to be written for one delivery. Without an event and without `poll` it only proves that writing works."""

    connection: str
    events: tuple[NewEvent, ...] = ()
    #: The delivery itself cannot be used, so the connection's channels are to be pulled at once.
    poll: bool = False

    @property
    def proves(self) -> bool:
        """Whether nothing of it is to stay."""
        return not self.events and not self.poll

    @property
    def size(self) -> int:
        """Bytes that it adds to a transaction, about."""
        return sum((_ROW_BYTES + len(event.body) for event in self.events), _ROW_BYTES)

    def bells(self, channels: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
        """(channel, kind) of every drain that has something to do when this is committed."""
        kinds = {event.kind for event in self.events if event.external_id is not None}
        return [(channel, kind) for channel in channels.get(self.connection, ()) for kind in sorted(kinds)]


def make_receipts(
    connection: str, delivery: Delivery, body: bytes, received_at: dt.datetime, *, can_pull: bool = True
) -> Iterator[Receipt]:
    """The receipts of a verified delivery; none where there is nothing to keep (a ping, a topic that is not ours).

    Of a delivery with many records they are several, each of a size that the writer's groups have: who is not told
    that all of them are stored sends them all again, and those that were are equal then.
    """
    events = list(make_events(connection, delivery, body, received_at))
    for start in range(0, len(events), _RECEIPT_EVENTS):
        some = tuple(events[start : start + _RECEIPT_EVENTS])
        yield Receipt(connection, some, poll=can_pull and any(event.problem for event in some))


def make_events(connection: str, delivery: Delivery, body: bytes, received_at: dt.datetime) -> Iterator[NewEvent]:
    """One of each record. What no database could hold as text is kept as unreadable.

    That is: bytes that are not UTF-8, NUL, an id that is too long.
    """
    if not delivery.parts:
        event = _event(connection, delivery, body, received_at)
        if event is not None:
            yield event
    for part in delivery.parts:
        yield from make_events(connection, part, dump_json(part.content), received_at)


def _event(connection: str, delivery: Delivery, body: bytes, received_at: dt.datetime) -> NewEvent | None:
    problem = delivery.problem or _problem(delivery, body)
    envelope = delivery.envelope
    if not problem and (delivery.ping or (envelope is None and delivery.external_id is None)):
        return None
    readable = envelope if not problem else None
    return NewEvent(
        connection=connection,
        kind=KIND,
        external_id=None if problem else delivery.external_id,
        source="webhook",
        topic=_clean(delivery.topic, _width("topic")),
        version=readable.version if readable else "",
        body=pack(body),
        # Over canonical JSON, so that the same order is equal whether it was pulled or delivered.
        digest=digest(dump_json(readable.payload) if readable else body),
        received_at=received_at,
        problem=_clean(problem, 500),
        hint_only=readable is None or readable.deleted,
    )


def write_receipts(
    connection: Connection,
    receipts: Sequence[Receipt],
    channels: Mapping[str, Sequence[str]],
    only_send: Collection[str] = (),
) -> None:
    """Put a group into the open transaction. `channels` is connection -> channel names; see `unreadable_cause`."""
    # Sorted, because two web processes that touch the same rows in different orders lock each other out.
    rows = sorted((event for receipt in receipts for event in receipt.events), key=_order)
    record_events(connection, rows, channels)
    for name in sorted({receipt.connection for receipt in receipts if receipt.poll}):
        schedule.ask(connection, f"pull:{name}")
    unreadable = sorted({event.connection for event in rows if event.problem})
    open_issues(connection, [Stop(None, unreadable_cause(name, can_pull=name not in only_send)) for name in unreadable])
    if any(receipt.proves for receipt in receipts):
        prove_writable(connection)


def unreadable_cause(name: str, *, can_pull: bool) -> Cause:
    """What a person has to look at: of a system that can be asked nothing is missing meanwhile."""
    if can_pull:
        step = (
            "Their orders are pulled instead, so none is missing. Compare format and version of the shop's "
            "webhook with the documentation, and look for a proxy or plugin that changes what the shop sends."
        )
    else:
        step = (
            "They are kept. Correct the options of the connection, or what the system sends; then have them read "
            f"again: crossdock read-again {name}"
        )
    return Cause(
        cause="unreadable_delivery",
        connection=name,
        title=f"{name} sent signed deliveries that cannot be read",
        next_step=step,
        owner="integrator",
    )


def _order(event: NewEvent) -> tuple[str, str, str, dt.datetime]:
    return event.connection, event.kind, event.external_id or "", event.received_at


def _problem(delivery: Delivery, body: bytes) -> str:
    """Why the delivery cannot be kept as what it claims to be; empty when it can."""
    if b"\0" in body:
        return "the body has NUL bytes"
    try:
        body.decode()
    except UnicodeDecodeError:
        return "the body is not UTF-8"
    texts = {
        "external_id": delivery.external_id or "",
        "version": delivery.envelope.version if delivery.envelope else "",
    }
    for name, text in texts.items():
        if _clean(text, _width(name)) != text:
            return (
                f"its {name.replace('_', ' ')} has more than {_width(name)} characters, or some that cannot be stored"
            )
    return ""


def _width(column: str) -> int:
    """How many characters the column holds."""
    width: int = events.c[column].type.length  # type: ignore[attr-defined]  # a String, by the table's own definition
    return width


def _clean(text: str, width: int) -> str:
    """What a text column of either database takes: no NUL, no lone surrogates, no more than `width` characters."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()[:width]
