"""What one delivery leaves in the database, checked and compressed before it queues for the writer."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence

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


@dataclasses.dataclass(frozen=True, slots=True)
class Receipt:
    """What is to be written for one delivery. Without an event and without `poll` it only proves that writing works."""

    connection: str
    event: NewEvent | None = None
    #: The delivery itself cannot be used, so the connection's channels are to be pulled at once.
    poll: bool = False

    @property
    def proves(self) -> bool:
        """Whether nothing of it is to stay."""
        return self.event is None and not self.poll

    @property
    def size(self) -> int:
        """Bytes that it adds to a transaction, about."""
        return _ROW_BYTES + (len(self.event.body) if self.event else 0)

    def bells(self, channels: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
        """(channel, kind) of every drain that has something to do when this is committed."""
        if self.event is None or self.event.external_id is None:
            return []
        return [(channel, self.event.kind) for channel in channels.get(self.connection, ())]


def make_receipt(connection: str, delivery: Delivery, body: bytes, received_at: dt.datetime) -> Receipt | None:
    """The receipt of a verified delivery; None where there is nothing to keep (a ping, a topic that is not ours).

    What no database could hold as text is kept as unreadable: bytes that are not UTF-8, NUL, an id that is too long.
    """
    problem = delivery.problem or _problem(delivery, body)
    envelope = delivery.envelope
    if not problem and (delivery.ping or (envelope is None and delivery.external_id is None)):
        return None
    readable = envelope if not problem else None
    event = NewEvent(
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
    return Receipt(connection, event, poll=bool(problem))


def write_receipts(connection: Connection, receipts: Sequence[Receipt], channels: Mapping[str, Sequence[str]]) -> None:
    """Put a group into the open transaction. `channels` is connection -> channel names."""
    # Sorted, because two web processes that touch the same rows in different orders lock each other out.
    rows = sorted((receipt.event for receipt in receipts if receipt.event), key=_order)
    record_events(connection, rows, channels)
    for name in sorted({receipt.connection for receipt in receipts if receipt.poll}):
        schedule.ask(connection, f"pull:{name}")
    unreadable = sorted({event.connection for event in rows if event.problem})
    open_issues(connection, [Stop(None, _unreadable(name)) for name in unreadable])
    if any(receipt.proves for receipt in receipts):
        prove_writable(connection)


def _unreadable(name: str) -> Cause:
    return Cause(
        cause="unreadable_delivery",
        connection=name,
        title=f"{name} sent signed deliveries that cannot be read",
        next_step="Their orders are pulled instead, so none is missing. Compare format and version of the shop's "
        "webhook with the documentation, and look for a proxy or plugin that changes what the shop sends.",
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
