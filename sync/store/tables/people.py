"""People: what stops documents, who may do what, and what was done."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

from sync.store.said import Said
from sync.store.tables.metadata import metadata
from sync.store.types import BigId, UtcDateTime

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
    Column("title", Said, nullable=False),
    Column("next_step", Said, nullable=False, server_default=""),
    #: `integrator`, `business`, `admin`: who can end it.
    Column("owner", String(32), nullable=False, server_default="admin"),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    #: Where the document was: `read`, `write`, `after`, `stock`; and the vendor's own code of a refusal.
    Column("step", String(16), nullable=False, server_default=""),
    Column("code", String(64), nullable=False, server_default=""),
    #: Somebody knows of it.
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", String(128), nullable=False, server_default=""),
    #: Put aside: until then, or until more documents than this stand in it; whichever comes first wakes it.
    Column("snoozed_at", UtcDateTime),
    Column("snoozed_by", String(128), nullable=False, server_default=""),
    Column("snoozed_until", UtcDateTime),
    Column("snoozed_above", Integer),
    #: The login of whoever takes care of it, and by which day (ISO); empty for nobody and none.
    Column("assignee", String(128), nullable=False, server_default=""),
    Column("due_on", String(10), nullable=False, server_default=""),
    #: When it came back last after it was over, and how often it did.
    Column("regressed_at", UtcDateTime),
    Column("regressions", Integer, nullable=False, server_default="0"),
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
    # What follows is kept by the database's triggers while `closed_at` is null (`sync.store.issue_triggers`).
    #: The item stands still.
    Column("stopped", Boolean, nullable=False, server_default=false()),
    #: It stands in another issue as well.
    Column("shared", Boolean, nullable=False, server_default=false()),
    #: Of its order: null where that could not be read.
    Column("currency", String(3)),
    #: Its grand total in ten-thousandths: null where it is not exactly so many, or a billion units and more.
    Column("amount", BigId),
    Index(None, "item_id", "closed_at"),
    Index(
        "ix_issue_documents_open",
        "issue_id",
        "item_id",
        "stopped",
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    Index(
        "ix_issue_documents_shared",
        "issue_id",
        "item_id",
        sqlite_where=text("shared = 1 AND closed_at IS NULL"),
        postgresql_where=text("shared AND closed_at IS NULL"),
    ),
)

#: What stands in each issue, summed by the triggers in the transactions that change it. The truth is the sum over the
#: writers: each connection to PostgreSQL has rows of its own (its process id), so that none waits for another; SQLite
#: has one writer, 0, into which the rows of the others are folded.
issue_sums = Table(
    "issue_sums",
    metadata,
    Column("issue_id", BigId, ForeignKey("issues.id"), primary_key=True),
    #: Empty for what could not be read.
    Column("currency", String(3), primary_key=True),
    Column("writer", Integer, primary_key=True, autoincrement=False),
    #: Open in the issue, and of these: that stand still; with an amount of null; all of that once more of those that
    #: are shared.
    Column("documents", Integer, nullable=False),
    Column("stopped", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("uneven", Integer, nullable=False),
    Column("shared", Integer, nullable=False),
    Column("shared_amount", BigInteger, nullable=False),
    Column("shared_uneven", Integer, nullable=False),
)

#: How many documents each issue has stopped in an hour; kept and folded like `issue_sums`.
issue_hours = Table(
    "issue_hours",
    metadata,
    Column("issue_id", BigId, ForeignKey("issues.id"), primary_key=True),
    #: `2026-11-22 21`, in UTC.
    Column("hour", String(13), primary_key=True),
    Column("writer", Integer, primary_key=True, autoincrement=False),
    Column("documents", Integer, nullable=False),
)

#: What people say about an issue or an order. Nothing of it is ever changed, save by who must be forgotten.
comments = Table(
    "comments",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("issue_id", BigId, ForeignKey("issues.id")),
    Column("item_id", BigId, ForeignKey("work_items.id")),
    Column("text", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(128), nullable=False),
    Index(None, "issue_id"),
    Index(None, "item_id"),
)

#: "Retry all of this": documents are released a piece at a time, so that it can be watched and cancelled. They are
#: those of an issue, or what a filter of the list of orders selects.
bulk_runs = Table(
    "bulk_runs",
    metadata,
    Column("id", BigId, primary_key=True),
    #: Null for a run over a filter.
    Column("issue_id", BigId, ForeignKey("issues.id")),
    #: `retry`: look again; `approve`: let pass what the issue's cause holds, of documents that stood in it by then. Of
    #: a filter also `look`: read anew; `skip`: do not carry over.
    Column("action", String(16), nullable=False, server_default="retry"),
    #: JSON of the filter (`sync.store.selection`), and its digest together with the action: one such run at a time.
    Column("selection", Text, nullable=False, server_default=""),
    Column("mark", String(32), nullable=False, server_default=""),
    #: The one channel that a filter names; empty for several.
    Column("channel", String(128), nullable=False, server_default=""),
    #: Documents that came after the person's word have higher ids.
    Column("until_id", BigId, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False, server_default=""),
    #: From where it was asked, as `audit.origin`.
    Column("origin", String(255), nullable=False, server_default=""),
    #: So many documents a minute at most; null for as fast as they are worked off.
    Column("per_minute", Integer),
    #: With which revision of the mapping profile (`sync.store.pins.Using`).
    Column("using", String(16), nullable=False, server_default=""),
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
    Index(
        "uq_bulk_runs_mark",
        "mark",
        unique=True,
        sqlite_where=text("ended_at IS NULL AND mark != ''"),
        postgresql_where=text("ended_at IS NULL AND mark != ''"),
    ),
)

#: What a run over a filter has dealt with: their states have changed since, so the filter does not find them.
bulk_run_items = Table(
    "bulk_run_items",
    metadata,
    Column("run_id", BigId, ForeignKey("bulk_runs.id"), primary_key=True),
    Column("item_id", BigId, ForeignKey("work_items.id"), primary_key=True),
)

#: Value translations; `scope` is `channel:<name>`, `connection:<name>` (the source's or the ERP's) or `global`, the
#: narrower wins. A `source_value` with a `*` is a pattern; `conditions` narrow it further (`sync.rules.patterns`).
lookups = Table(
    "lookups",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("table_name", String(64), nullable=False),
    Column("scope", String(160), nullable=False),
    Column("source_value", String(255), nullable=False),
    Column("conditions", String(255), nullable=False, server_default=""),
    Column("target_value", String(255), nullable=False),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("changed_by", String(128), nullable=False, server_default=""),
    Index("uq_lookups_row", "table_name", "scope", "source_value", "conditions", unique=True),
)

#: Tables that an integrator has made; those that the program itself reads need no row here.
lookup_tables = Table(
    "lookup_tables",
    metadata,
    Column("name", String(64), primary_key=True),
    #: What it is for, in its maker's words.
    Column("purpose", Text, nullable=False, server_default=""),
    #: What conditions of its rows may ask for: names, each with its kind.
    Column("facts", String(512), nullable=False, server_default=""),
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
    #: Single keys do something on the pages; who uses speech input switches that off.
    Column("shortcuts", Boolean, nullable=False, server_default=true()),
    #: Code of the language of the console, as its catalogue is called; empty for the browser's.
    Column("language", String(16), nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("password_changed_at", UtcDateTime),
    Column("signed_in_at", UtcDateTime),
)

#: A list as somebody wants to see it again: the filters of its address, by name.
saved_views = Table(
    "saved_views",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    #: `orders`, `needs`.
    Column("page", String(16), nullable=False),
    Column("name", String(64), nullable=False),
    #: As it stands in the address.
    Column("query", Text, nullable=False),
    #: Everybody sees it, not its owner alone.
    Column("shared", Boolean, nullable=False, server_default=false()),
    Column("changed_at", UtcDateTime, nullable=False),
    UniqueConstraint("user_id", "page", "name"),
)

#: With which view a list begins, for each user.
default_views = Table(
    "default_views",
    metadata,
    Column("user_id", BigId, ForeignKey("users.id"), primary_key=True),
    Column("page", String(16), primary_key=True),
    Column("view_id", BigId, ForeignKey("saved_views.id"), nullable=False),
    Index(None, "view_id"),
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
