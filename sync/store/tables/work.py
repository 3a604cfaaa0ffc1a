"""Work: events, items, leases, intents, attempts, and what runs when."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from sync.store.said import Said
from sync.store.tables.metadata import metadata
from sync.store.types import BigId, UtcDateTime

#: What happens to whole connections and channels at run time; what they *are* stands in the configuration.
#: scope: `all`, `connection`, `channel`; name is empty for `all`.
switches = Table(
    "switches",
    metadata,
    Column("scope", String(16), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("paused", Boolean, nullable=False, server_default=false()),
    #: Plain words: why, and what a person must do.
    Column("reason", Said, nullable=False, server_default=""),
    #: Pauses itself until then (a rate limit); null for a pause that only a person ends.
    Column("until", UtcDateTime),
    #: The other system itself named that time (`Retry-After`); else we only guess when it is back.
    Column("asked", Boolean, nullable=False, server_default=false()),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("changed_by", String(128), nullable=False, server_default=""),
)

#: channel: go-live and trust. A look-up before the first write is spared only for orders placed after `trusted_since`.
channel_states = Table(
    "channel_states",
    metadata,
    Column("channel", String(128), primary_key=True),
    Column("start_at", UtcDateTime, nullable=False),
    Column("trusted_since", UtcDateTime, nullable=False),
    #: Of the configuration that was noted last (`sync.rules.canary`); empty before the first note.
    Column("canary_print", String(32), nullable=False, server_default=""),
    #: So many orders a person has yet to release before the others follow; 0 while it flows.
    Column("canary_left", Integer, nullable=False, server_default="0"),
)

#: The bodies of what came in: each distinct one once, whatever number of events brought it.
payloads = Table(
    "payloads",
    metadata,
    Column("id", BigId, primary_key=True),
    #: Hex of blake2b-16 over `body` as it stands here: equal bytes, and nothing else, share a row.
    Column("hash", String(32), nullable=False, unique=True),
    #: The record as its system wrote it: zlib of the JSON bytes.
    Column("body", LargeBinary, nullable=False),
)

#: A received webhook or pulled entry, stored before it is acted on. It belongs to the source connection.
events = Table(
    "events",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("connection", String(128), nullable=False),
    Column("kind", String(16), nullable=False),
    #: Null where a signed body could not be read.
    Column("external_id", String(255)),
    #: `webhook`, `poll`, `fetch`, `file`.
    Column("source", String(16), nullable=False),
    Column("topic", String(64), nullable=False, server_default=""),
    #: The vendor's version of the payload; chooses the newer of two, nothing else.
    Column("version", String(64), nullable=False, server_default=""),
    #: What came in; null where an older version of the program, which knew of no `payloads`, has written the row.
    Column("payload_id", BigId, ForeignKey("payloads.id")),
    #: Empty, save in such a row: there it is what `payloads.body` is.
    Column("body", LargeBinary, nullable=False),
    #: Hex of blake2b-16 over the canonical JSON of the payload (`sync.store.bodies.digest`).
    Column("digest", String(32), nullable=False),
    #: Equal deliveries that came while this one still waited.
    Column("repeats", Integer, nullable=False, server_default="0"),
    #: Why a signed body could not be read; empty for a good one.
    Column("problem", Text, nullable=False, server_default=""),
    Column("received_at", UtcDateTime, nullable=False),
    Index(None, "connection", "kind", "external_id"),
    Index(None, "connection", "received_at"),
    # When an event goes: whether its payload is anybody else's.
    Index(None, "payload_id"),
)

#: "Order X of channel C must be looked at". `wanted` and `done` are counters of our own, never the vendor's version.
work_items = Table(
    "work_items",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("channel", String(128), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("external_id", String(255), nullable=False),
    Column("wanted", Integer, nullable=False, server_default="1"),
    Column("done", Integer, nullable=False, server_default="0"),
    #: JSON list of dirty facets (`order`, `payment`, `refund` ...), sorted.
    Column("facets", Text, nullable=False, server_default="[]"),
    #: See `sync.store.states.ItemState`.
    Column("state", String(16), nullable=False, server_default="ready"),
    #: When it may be claimed next.
    Column("due_at", UtcDateTime, nullable=False),
    #: The connection that was away or asked to be left alone, where that is why it is due later.
    Column("put_off_for", String(128)),
    #: 0 live, 10 backfill; smaller goes first.
    Column("priority", Integer, nullable=False, server_default="0"),
    #: Names the drain that owns it; null unless leased.
    Column("lease_token", String(32)),
    Column("claimed_wanted", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    #: Was in flight when its drain died: claimed alone until it ends one way or the other.
    Column("suspect", Boolean, nullable=False, server_default=false()),
    #: How often its drain died while it was alone in it.
    Column("deaths", Integer, nullable=False, server_default="0"),
    #: The newest stored payload; null means fetch.
    Column("event_id", BigId, ForeignKey("events.id")),
    Column("event_version", String(64), nullable=False, server_default=""),
    Column("event_digest", String(32), nullable=False, server_default=""),
    #: What was last *converged*, never what was last seen.
    Column("done_digest", String(32), nullable=False, server_default=""),
    Column("done_canonical", String(64), nullable=False, server_default=""),
    #: Why it is where it is, in plain words (skip, wait, park, reconcile).
    Column("reason", Said, nullable=False, server_default=""),
    #: A person's word that ends a hold: JSON list of causes that may pass, while the content is `approved_digest`.
    Column("approved", Text, nullable=False, server_default="[]"),
    Column("approved_digest", String(32), nullable=False, server_default=""),
    #: The revision of the mapping profile that it is mapped with until it is done, 0 for what the configuration says;
    #: null for what applies (`sync.store.pins`).
    Column("pinned_revision", Integer),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("channel", "kind", "external_id"),
    Index("ix_work_items_ready", "channel", "kind", "state", "priority", "due_at"),
    Index(None, "state", "updated_at"),
    Index(None, "lease_token"),
    # When an event is deleted: else each would have to look through all items for itself.
    Index(None, "event_id"),
    # Few at any time, and found when a person ends the pause.
    Index(
        "ix_work_items_put_off_for",
        "put_off_for",
        sqlite_where=text("put_off_for IS NOT NULL"),
        postgresql_where=text("put_off_for IS NOT NULL"),
    ),
)

#: One drain: its items name the token, and every later write of the drain names it too.
leases = Table(
    "leases",
    metadata,
    Column("token", String(32), primary_key=True),
    Column("channel", String(128), nullable=False),
    Column("kind", String(16), nullable=False),
    #: The ERP connection whose concurrency this drain counts against.
    Column("connection", String(128), nullable=False),
    #: Calls that this drain may have in flight.
    Column("slots", Integer, nullable=False),
    Column("holder", String(128), nullable=False),
    #: Raised by every heartbeat, so that a taker can see that nothing moved without trusting a clock.
    Column("beat", Integer, nullable=False, server_default="0"),
    Column("started_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "connection", "expires_at"),
)

#: The row committed before a write to a foreign system. Every intent gets closed.
intents = Table(
    "intents",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("item_id", BigId, ForeignKey("work_items.id"), nullable=False),
    Column("channel", String(128), nullable=False),
    #: The target connection.
    Column("connection", String(128), nullable=False),
    #: Document kind in the target: `sale`, `party`.
    Column("kind", String(16), nullable=False),
    #: `create`, `advance`, `delete`.
    Column("action", String(16), nullable=False),
    #: Idempotency key of the document.
    Column("key", String(255), nullable=False),
    Column("lease_token", String(32), nullable=False),
    #: The call starts no later than this; a look-up that finds nothing is conclusive from `settles_at` on.
    Column("sent_at", UtcDateTime, nullable=False),
    Column("settles_at", UtcDateTime, nullable=False),
    #: Null while nobody knows how it ended.
    Column("closed_at", UtcDateTime),
    #: `done`, `found`, `absent`, `superseded`, `refused`, `not_sent`, `removed`, `person`; `unknown`, `assumed`,
    #: `resend`.
    Column("outcome", String(16), nullable=False, server_default=""),
    Index("ix_intents_open", "closed_at", "settles_at"),
    Index(None, "item_id"),
    #: One open intent per document: whoever comes second must first find out how the earlier one ended.
    Index(
        "uq_intents_open_key",
        "connection",
        "kind",
        "key",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)

#: zlib of a JSON list of redacted requests and responses with their timing.
exchanges = Table(
    "exchanges",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

#: One try at one document.
attempts = Table(
    "attempts",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("item_id", BigId, ForeignKey("work_items.id"), nullable=False),
    Column("lease_token", String(32), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime, nullable=False),
    #: See `sync.store.states.Outcome`.
    Column("outcome", String(16), nullable=False),
    Column("error_class", String(64), nullable=False, server_default=""),
    #: The connection that could not be used; empty where the try says that of none.
    Column("blamed", String(128), nullable=False, server_default=""),
    Column("message", Said, nullable=False, server_default=""),
    #: What went over the wire, redacted; null where no call was made. The documents of one bulk call share it.
    Column("exchanges_id", BigId, ForeignKey("exchanges.id")),
    #: The published revision of the mapping profile that it was made with; null where none was, or nothing was mapped.
    Column("profile_revision", Integer),
    Index(None, "item_id"),
    Index(None, "exchanges_id"),
)

#: Opaque text from which a pull resumes. `stream` is what is pulled of the connection: `orders`.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("connection", String(128), primary_key=True),
    Column("stream", String(160), primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

#: What runs when. The scheduler is the process that holds the row `scheduler` alive.
schedules = Table(
    "schedules",
    metadata,
    Column("name", String(160), primary_key=True),
    Column("next_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime),
    Column("last_ok", Boolean),
    Column("message", Said, nullable=False, server_default=""),
    #: Asked for out of turn ("poll now").
    Column("asked", Boolean, nullable=False, server_default=false()),
)

#: One process among many holds each of these (`scheduler`); `beat` moves with every heartbeat.
singletons = Table(
    "singletons",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(128), nullable=False),
    Column("token", String(32), nullable=False),
    Column("beat", Integer, nullable=False),
    Column("beat_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)
