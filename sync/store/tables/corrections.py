"""What people have corrected of orders, and who takes care of one."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from sync.store.tables.metadata import metadata
from sync.store.types import BigId, UtcDateTime

#: What a person has changed of an order, laid over what its shop says. Of each basis the newest that was not taken back
#: counts, and says all that is to be different; nothing of a row is ever changed but that it was taken back.
corrections = Table(
    "corrections",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("item_id", BigId, ForeignKey("work_items.id"), nullable=False),
    #: Of the order, from 1 on.
    Column("number", Integer, nullable=False),
    #: `order`: the canonical order, as the mapping made it; `source`: the document of the shop, before the mapping.
    Column("basis", String(16), nullable=False),
    #: zlib of JSON: [{path, before, after}] (`sync.rules.corrections`).
    Column("changes", LargeBinary, nullable=False),
    #: zlib of the JSON of the whole document as it was without any correction.
    Column("original", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("made_by", String(128), nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_by", String(128), nullable=False, server_default=""),
    Column("ended_reason", Text, nullable=False, server_default=""),
    UniqueConstraint("item_id", "number"),
)

#: Who takes care of an order, and by which day; none for most.
order_cares = Table(
    "order_cares",
    metadata,
    Column("item_id", BigId, ForeignKey("work_items.id"), primary_key=True),
    #: A login, and a day (ISO); empty for nobody and none.
    Column("assignee", String(128), nullable=False, server_default=""),
    Column("due_on", String(10), nullable=False, server_default=""),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("changed_by", String(128), nullable=False),
)
