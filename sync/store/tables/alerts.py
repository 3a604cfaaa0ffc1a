"""Alerts: what is out of order, to whom it was told, and the messages that tell it."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, false, text

from sync.store.said import Said
from sync.store.tables.metadata import metadata
from sync.store.types import BigId, UtcDateTime

#: One row for each cause and place, from when it was first seen until it is gone. It is derived from what the other
#: tables say, again and again; only since when, and to whom it was told, is known here alone.
alerts = Table(
    "alerts",
    metadata,
    Column("id", BigId, primary_key=True),
    #: Of an issue (`unknown_sku`, `connection` ...) or of the machinery (`queue`, `workers`, `disk` ...).
    Column("cause", String(64), nullable=False),
    #: `connection`, `channel`, `alerts` (one of the ways of telling) or `all`, whose place is empty.
    Column("scope", String(16), nullable=False),
    Column("place", String(128), nullable=False, server_default=""),
    #: `warning`, `critical`.
    Column("severity", String(16), nullable=False),
    #: Documents that it stops; 0 where it is about none.
    Column("count", Integer, nullable=False, server_default="0"),
    #: Figures alone, never a text of others: it leaves the house.
    Column("detail", Said, nullable=False, server_default=""),
    Column("seen_at", UtcDateTime, nullable=False),
    #: Null while it may still pass by itself.
    Column("raised_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    Index(None, "closed_at"),
    Index(
        "uq_alerts_open",
        "cause",
        "scope",
        "place",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)

#: A message to one of the configured ways, kept until it was taken. At most one of each way waits.
alert_messages = Table(
    "alert_messages",
    metadata,
    Column("id", BigId, primary_key=True),
    #: The same in every try: whoever gets a message twice knows it by this.
    Column("uid", String(32), nullable=False, unique=True),
    Column("channel", String(64), nullable=False),
    #: JSON of what it says.
    Column("body", Text, nullable=False),
    #: Somebody pressed the button: it is no news.
    Column("test", Boolean, nullable=False, server_default=false()),
    Column("made_at", UtcDateTime, nullable=False),
    #: When it is tried next.
    Column("due_at", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    #: Since when it is refused, and the last reason.
    Column("failed_at", UtcDateTime),
    Column("error", Said, nullable=False, server_default=""),
    Column("sent_at", UtcDateTime),
    Index(None, "channel", "made_at"),
    Index(None, "sent_at", "due_at"),
)

#: Which way was told of which alert: that it is there, and that it is over.
alert_news = Table(
    "alert_news",
    metadata,
    Column("alert_id", BigId, ForeignKey("alerts.id"), primary_key=True),
    Column("channel", String(64), primary_key=True),
    Column("raised_in", BigId, ForeignKey("alert_messages.id"), nullable=False),
    Column("over_in", BigId, ForeignKey("alert_messages.id")),
    Index(None, "channel", "over_in"),
)

#: Whether a channel's orders are as many as usual, as it was found last.
volumes = Table(
    "volumes",
    metadata,
    Column("channel", String(128), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    #: See `sync.rules.volume.Verdict`.
    Column("verdict", String(16), nullable=False),
    #: The hours that were looked at, how many orders are usual in them, and how many there were.
    Column("hours", Integer, nullable=False),
    Column("usual", Integer, nullable=False),
    Column("now", Integer, nullable=False),
    #: When the last order was placed.
    Column("last_at", UtcDateTime),
)
