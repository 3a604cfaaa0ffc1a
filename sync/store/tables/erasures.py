"""Orders whose customer was erased."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table

from sync.store.tables.metadata import metadata
from sync.store.types import BigId, UtcDateTime

#: Nothing more is carried of them, and what their system sends again is erased again.
erasures = Table(
    "erasures",
    metadata,
    Column("order_id", BigId, ForeignKey("orders.id"), primary_key=True, autoincrement=False),
    Column("erased_at", UtcDateTime, nullable=False),
)
