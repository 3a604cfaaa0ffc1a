"""The tables: the system of record. Every query on them stands in a module of `sync.store`.

Times are aware UTC (`UtcDateTime`), money is exact text, bodies are zlib-compressed bytes. The schema is changed by
Alembic migrations only (`sync/store/migrations`); `metadata` here is what they must arrive at; a test compares both.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

from sync.store.types import BigId, UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: What happens to whole connections and channels at run time; what they *are* stands in the configuration.
#: scope: `all`, `connection`, `channel`; name is empty for `all`.
switches = Table(
    "switches",
    metadata,
    Column("scope", String(16), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("paused", Boolean, nullable=False, server_default=false()),
    #: Plain words: why, and what a person must do.
    Column("reason", Text, nullable=False, server_default=""),
    #: Pauses itself until then (a rate limit); null for a pause that only a person ends.
    Column("until", UtcDateTime),
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
    #: The record as its system wrote it: zlib of the JSON bytes.
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
    Column("reason", Text, nullable=False, server_default=""),
    #: A person's word that ends a hold: JSON list of causes that may pass, while the content is `approved_digest`.
    Column("approved", Text, nullable=False, server_default="[]"),
    Column("approved_digest", String(32), nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("channel", "kind", "external_id"),
    Index("ix_work_items_ready", "channel", "kind", "state", "priority", "due_at"),
    Index(None, "state", "updated_at"),
    Index(None, "lease_token"),
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
    #: `done`, `found`, `absent`, `refused`, `not_sent`, `removed`, `person`.
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
    Column("message", Text, nullable=False, server_default=""),
    #: What went over the wire, redacted; null where no call was made. The documents of one bulk call share it.
    Column("exchanges_id", BigId, ForeignKey("exchanges.id")),
    Index(None, "item_id"),
)

#: Our document: the canonical order as last converged or held, with searchable columns.
orders = Table(
    "orders",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("channel", String(128), nullable=False),
    Column("external_id", String(255), nullable=False),
    Column("item_id", BigId, ForeignKey("work_items.id"), nullable=False),
    Column("number", String(255), nullable=False),
    #: In lower case: it is here to be searched by.
    Column("email", String(320), nullable=False, server_default=""),
    Column("customer", String(255), nullable=False, server_default=""),
    #: The same, case-folded, with a space before each word: a name is found by the beginning of any of its words.
    Column("customer_folded", String(255), nullable=False, server_default=""),
    #: Fingerprint of customer, lines and total, for the duplicate rule.
    Column("likeness", String(32), nullable=False, server_default=""),
    Column("source_state", String(64), nullable=False),
    Column("version", String(64), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("grand", Text, nullable=False),
    #: `grand` in ten-thousandths, for sorting only.
    Column("grand_sort", BigId, nullable=False),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("placed_on", String(10), nullable=False),
    Column("mapping_version", String(64), nullable=False),
    #: Digest of what a sale is made from: while it is the same, a change of the order needs no change of the sale.
    Column("material", String(32), nullable=False, server_default=""),
    #: zlib of the canonical order's JSON.
    Column("canonical", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    UniqueConstraint("channel", "external_id"),
    Index(None, "item_id"),
    Index(None, "number"),
    Index(None, "email"),
    Index(None, "customer_folded"),
    Index(None, "channel", "placed_at"),
    # Lists walk along these in their order and need not look at the rows, which hold the whole order.
    Index("ix_orders_by_placed_at", "placed_at", "item_id", "channel", "currency", "grand_sort"),
    Index("ix_orders_by_grand_sort", "grand_sort", "item_id", "channel", "currency", "placed_at"),
    Index(None, "likeness"),
)

#: Which document of a system is which of ours; unique both ways while it has not ended.
bindings = Table(
    "bindings",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("connection", String(128), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("external_id", String(255), nullable=False),
    Column("order_id", BigId, ForeignKey("orders.id"), nullable=False),
    #: The split of the order; 0 unless it was split.
    Column("part", Integer, nullable=False, server_default="0"),
    Column("key", String(255), nullable=False, server_default=""),
    Column("number", String(255), nullable=False, server_default=""),
    #: As last read back, in the target's own words.
    Column("state", String(64), nullable=False, server_default=""),
    #: The same as `connectors.kit.base.Rank`: below the policy's rank means that it is to be brought on.
    Column("rank", Integer, nullable=False, server_default="0"),
    Column("total", Text, nullable=False, server_default=""),
    Column("tax", Text, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    #: The document was cancelled or deleted there and may be made again.
    Column("ended_at", UtcDateTime),
    UniqueConstraint("connection", "kind", "external_id"),
    Index(
        "uq_bindings_order_id_connection_kind_part",
        "order_id",
        "connection",
        "kind",
        "part",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index(None, "number"),
    Index(None, "key"),
    Index(None, "connection", "created_at"),
)

#: Documents that cover several orders (a collected invoice, a merged shipment) hang on them through this.
document_links = Table(
    "document_links",
    metadata,
    Column("binding_id", BigId, ForeignKey("bindings.id"), primary_key=True),
    Column("order_id", BigId, ForeignKey("orders.id"), primary_key=True),
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
    Column("message", Text, nullable=False, server_default=""),
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

#: All documents stopped by one cause.
issues = Table(
    "issues",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("fingerprint", String(40), nullable=False, unique=True),
    #: `unmapped`, `unknown_sku`, `totals_mismatch`, `mapping`, `rejected`, `connection` ...
    Column("cause", String(64), nullable=False),
    #: What the cause shares over its documents, e.g. `sku:ABC-1`.
    Column("subject", String(255), nullable=False, server_default=""),
    Column("channel", String(128), nullable=False, server_default=""),
    Column("connection", String(128), nullable=False, server_default=""),
    Column("title", Text, nullable=False),
    Column("next_step", Text, nullable=False, server_default=""),
    #: `integrator`, `business`, `admin`: who can end it.
    Column("owner", String(32), nullable=False, server_default="admin"),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    Index(None, "closed_at"),
)

issue_documents = Table(
    "issue_documents",
    metadata,
    Column("issue_id", BigId, ForeignKey("issues.id"), primary_key=True),
    Column("item_id", BigId, ForeignKey("work_items.id"), primary_key=True),
    #: JSON list of {path, reason} for this document.
    Column("details", Text, nullable=False, server_default="[]"),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    Index(None, "item_id", "closed_at"),
)

#: Value translations; `scope` is `connection:<name>`, `channel:<name>` or `global`, the narrower wins.
lookups = Table(
    "lookups",
    metadata,
    Column("table_name", String(64), primary_key=True),
    Column("scope", String(160), primary_key=True),
    Column("source_value", String(255), primary_key=True),
    Column("target_value", String(255), nullable=False),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("changed_by", String(128), nullable=False, server_default=""),
)

users = Table(
    "users",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("login", String(128), nullable=False, unique=True),
    Column("password_hash", String(255), nullable=False),
    #: `viewer`, `operator`, `integrator` or `admin`; each may do what the ones before it may.
    Column("role", String(16), nullable=False),
    Column("active", Boolean, nullable=False, server_default=true()),
    #: Name of the zone in which times are shown; empty for the browser's UTC.
    Column("timezone", String(64), nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("password_changed_at", UtcDateTime),
    Column("signed_in_at", UtcDateTime),
)

#: A browser that is signed in. Its cookie holds a random token, we hold that token's hash; ending the row ends it.
sessions = Table(
    "sessions",
    metadata,
    #: Hex of SHA-256 of the token.
    Column("token_hash", String(64), primary_key=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    #: Written at most once a minute.
    Column("seen_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("address", String(64), nullable=False, server_default=""),
    Column("agent", String(255), nullable=False, server_default=""),
    Index(None, "user_id"),
)

#: Who changed what, when, why.
audit = Table(
    "audit",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(128), nullable=False),
    #: From where: `terminal <host>`, `console <address>`.
    Column("origin", String(255), nullable=False, server_default=""),
    Column("action", String(64), nullable=False),
    #: `order:<channel>:<external id>`, `connection:<name>` ...
    Column("subject", String(320), nullable=False),
    Column("before", Text, nullable=False, server_default=""),
    Column("after", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Index(None, "subject"),
    Index(None, "actor"),
)

#: The articles of each order, for the search.
order_skus = Table(
    "order_skus",
    metadata,
    Column("order_id", BigId, ForeignKey("orders.id"), primary_key=True),
    Column("sku", String(255), primary_key=True),
    Index(None, "sku"),
)

#: "Retry all of this cause": documents are released a piece at a time, so that it can be watched and cancelled.
bulk_runs = Table(
    "bulk_runs",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("issue_id", BigId, ForeignKey("issues.id"), nullable=False),
    #: What the person was shown.
    Column("expected", Integer, nullable=False),
    Column("released", Integer, nullable=False, server_default="0"),
    #: Documents up to this item id are dealt with.
    Column("reached", BigId, nullable=False, server_default="0"),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("asked_by", String(128), nullable=False),
    #: Null while it runs; `outcome` says then how: `done`, `cancelled`.
    Column("ended_at", UtcDateTime),
    Column("outcome", String(16), nullable=False, server_default=""),
    Index(
        "uq_bulk_runs_running",
        "issue_id",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

#: What people have asked for once and want to see again: the last `proof` of a channel, the last `doctor`.
reports = Table(
    "reports",
    metadata,
    Column("id", BigId, primary_key=True),
    #: `proof`, `doctor`.
    Column("kind", String(16), nullable=False),
    #: The channel of a proof; empty for what is about everything.
    Column("subject", String(128), nullable=False, server_default=""),
    Column("at", UtcDateTime, nullable=False),
    Column("ok", Boolean, nullable=False),
    #: JSON, as `--json` prints it.
    Column("body", Text, nullable=False),
    Index(None, "kind", "subject", "at"),
)
