"""Documents: our orders, and what stands for them in other systems."""

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
    text,
)

from sync.store.said import Said
from sync.store.tables.metadata import metadata
from sync.store.types import BigId, UtcDateTime

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
    #: The revision of the channel's mapping profile in it; null for a profile in a file, or none.
    Column("profile_revision", Integer),
    #: Digest of what a sale is made from: while it is the same, a change of the order needs no change of the sale.
    Column("material", String(32), nullable=False, server_default=""),
    #: zlib of the canonical order's JSON.
    Column("canonical", LargeBinary, nullable=False),
    #: The same of the order that the sale in the ERP was made from, while an edit of it is not carried over yet.
    Column("pushed", LargeBinary),
    #: The look-up rows that `canonical` was made with, and those of the sale in the ERP (`sync.rules.used`): zlib of
    #: JSON, empty for none, null where nobody has noted them.
    Column("mapped_rows", LargeBinary),
    Column("sale_rows", LargeBinary),
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

#: The articles of each order, for the search.
order_skus = Table(
    "order_skus",
    metadata,
    Column("order_id", BigId, ForeignKey("orders.id"), primary_key=True),
    Column("sku", String(255), primary_key=True),
    Index(None, "sku"),
)

#: From which warehouse an order is sent, for those whose channel chooses one.
order_routes = Table(
    "order_routes",
    metadata,
    Column("order_id", BigId, ForeignKey("orders.id"), primary_key=True),
    #: Name of the rule that chose.
    Column("rule", String(64), nullable=False),
    #: The ERP's code.
    Column("warehouse", String(128), nullable=False),
    #: Not all of it was there: it is back-ordered.
    Column("short", Boolean, nullable=False),
    #: In plain words.
    Column("reason", Said, nullable=False),
    #: Began_at of the oldest reading on which the choice rests; null where none decided.
    Column("read_at", UtcDateTime),
    #: Digest of what the order was when it was chosen.
    Column("material", String(32), nullable=False),
    #: JSON: of an order that is divided over several warehouses, [warehouse, [ids of its lines]] of each part.
    Column("parts", Text, nullable=False, server_default="[]"),
    #: JSON: of an order that was short, [id of a line, pieces as text] of what is not sent and given back in the shop.
    Column("given_up", Text, nullable=False, server_default="[]"),
    Column("routed_at", UtcDateTime, nullable=False),
    Index(
        "ix_order_routes_divided",
        "order_id",
        sqlite_where=text("parts != '[]'"),
        postgresql_where=text("parts != '[]'"),
    ),
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
    #: The target's own version as last read back: a change that bears it is our own, come back.
    Column("version", String(64), nullable=False, server_default=""),
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

#: What hangs on an order beside its sale, in either system, as it was last seen there.
documents = Table(
    "documents",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("order_id", BigId, ForeignKey("orders.id"), nullable=False),
    Column("connection", String(128), nullable=False),
    #: `shipment`, `return`, `invoice`, `credit_note`, `refund`, `payment`, `fulfilment`, `note`.
    Column("kind", String(16), nullable=False),
    Column("external_id", String(255), nullable=False),
    #: Our idempotency key where the document carries one.
    Column("key", String(255), nullable=False, server_default=""),
    Column("number", String(255), nullable=False, server_default=""),
    #: The canonical state, e.g. `sent`, `posted`.
    Column("state", String(32), nullable=False, server_default=""),
    Column("currency", String(3), nullable=False, server_default=""),
    #: Exact text with the sign of its system; empty for what has no amount.
    Column("total", Text, nullable=False, server_default=""),
    Column("dated_on", String(10), nullable=False, server_default=""),
    #: Of the canonical record.
    Column("digest", String(32), nullable=False, server_default=""),
    #: zlib of the canonical record's JSON.
    Column("body", LargeBinary, nullable=False),
    #: The document of the other system that this one was made from, and that one's digest when it was last written.
    Column("made_from", BigId, ForeignKey("documents.id")),
    Column("made_digest", String(32), nullable=False, server_default=""),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    #: It is gone there.
    Column("ended_at", UtcDateTime),
    #: A person has seen to it: nothing is to be made of it in the other system.
    Column("settled_at", UtcDateTime),
    UniqueConstraint("connection", "kind", "external_id"),
    Index(None, "order_id"),
    Index(None, "number"),
    # Two channels may make something of the same document of the shop that feeds them both.
    Index(
        "uq_documents_made_from",
        "made_from",
        "order_id",
        # One for each sale of an order that is divided.
        "key",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

#: The parcels of shipments and returns, for the search.
tracking_numbers = Table(
    "tracking_numbers",
    metadata,
    Column("document_id", BigId, ForeignKey("documents.id"), primary_key=True),
    #: Without spaces, in upper case.
    Column("number", String(255), primary_key=True),
    Index(None, "number"),
)

#: Further orders that a document covers (a collected invoice, a merged shipment).
document_links = Table(
    "document_links",
    metadata,
    Column("document_id", BigId, ForeignKey("documents.id"), primary_key=True),
    Column("order_id", BigId, ForeignKey("orders.id"), primary_key=True),
    #: What of its net amount is this order's; empty where nobody can say. With one, its first order stands here too.
    Column("part", Text, nullable=False, server_default=""),
)

#: The printable file of a document, as its system gave it.
files = Table(
    "files",
    metadata,
    Column("id", BigId, primary_key=True),
    #: Random: what stands in links, so that they cannot be guessed from one another.
    Column("token", String(64), nullable=False, unique=True),
    Column("document_id", BigId, ForeignKey("documents.id"), nullable=False),
    #: The system's own name for it, for showing only.
    Column("name", String(255), nullable=False, server_default=""),
    Column("content_type", String(128), nullable=False),
    #: Digest of what is printed on it (number, dates, amounts), as the document said when this was fetched.
    Column("facts", String(32), nullable=False, server_default=""),
    #: Hex, of the bytes.
    Column("sha256", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
    Index(None, "document_id"),
)
