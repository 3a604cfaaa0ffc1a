"""Customers of whom several records of another system might be the one: asked, and decided by people."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text, UniqueConstraint, text

from sync.store.said import Said
from sync.store.tables.metadata import metadata
from sync.store.types import BigId, UtcDateTime

#: A customer of ours beside the records of one connection (an ERP's parties, a CRM's accounts) that might be the same.
matches = Table(
    "matches",
    metadata,
    Column("id", BigId, primary_key=True),
    #: The connection that was asked.
    Column("connection", String(128), nullable=False),
    #: By what we know the customer again, rung and value: `email:ann@shop.example`.
    Column("key", String(255), nullable=False),
    #: The rung on which it is in doubt: `code`, `vat_id`, `email`, `name`.
    Column("rung", String(16), nullable=False),
    #: Why it is asked, where that is not that several were found.
    Column("why", Said, nullable=False, server_default=""),
    #: JSON of what we know of the customer, and of each record over there (`sync.store.matches`).
    Column("sides", Text, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    #: `same` or `apart`; empty while nobody has decided.
    Column("answer", String(8), nullable=False, server_default=""),
    #: The record that it is, by its id over there; of `apart` the key of the one that is made.
    Column("chosen", String(255), nullable=False, server_default=""),
    Column("decided_at", UtcDateTime),
    Column("decided_by", String(128), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    UniqueConstraint("connection", "key"),
    Index(
        "ix_matches_open",
        "connection",
        "id",
        sqlite_where=text("decided_at IS NULL"),
        postgresql_where=text("decided_at IS NULL"),
    ),
)
