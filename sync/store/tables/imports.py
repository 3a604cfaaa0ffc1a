"""Files of orders between the look at what they would do and the word that they shall."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text

from sync.store.said import Said
from sync.store.tables.metadata import metadata
from sync.store.types import BigId, UtcDateTime

#: Kept for days only; what was taken of one are events, and who did it is in the audit.
imports = Table(
    "imports",
    metadata,
    Column("id", BigId, primary_key=True),
    #: In its addresses: nobody guesses another's file.
    Column("token", String(32), nullable=False, unique=True),
    Column("connection", String(128), nullable=False),
    #: As its person calls it.
    Column("name", Text, nullable=False),
    #: Compressed; null once its orders are taken.
    Column("body", LargeBinary),
    Column("size", Integer, nullable=False),
    #: As its person says; empty where it is found out.
    Column("encoding", String(16), nullable=False, server_default=""),
    Column("delimiter", String(4), nullable=False, server_default=""),
    #: `reading`, `refused`, `ready`, `taking`, `taken`.
    Column("state", String(16), nullable=False),
    #: Why nothing of it can be read.
    Column("refusal", Said, nullable=False, server_default=""),
    #: JSON: what it would do, or has done.
    Column("report", Text, nullable=False, server_default=""),
    #: Changes with what taking it would do: whoever takes it names what they were shown.
    Column("seen", String(64), nullable=False, server_default=""),
    Column("uploaded_at", UtcDateTime, nullable=False),
    Column("uploaded_by", String(128), nullable=False),
    Column("taken_at", UtcDateTime),
    Column("taken_by", String(128), nullable=False, server_default=""),
    Index(None, "uploaded_at"),
)
