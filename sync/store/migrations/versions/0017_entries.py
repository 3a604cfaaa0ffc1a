"""Entries of customers' histories in a CRM: which were told, where, and which are announced and have no end yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.types import BigId, UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them, empty: a channel begins with the day that it names."""
    op.create_table(
        "told_entries",
        sa.Column("connection", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("order_id", BigId, nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        sa.Column("entry_id", sa.String(length=255), server_default="", nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_told_entries_order_id")),
        sa.PrimaryKeyConstraint("connection", "key", name=op.f("pk_told_entries")),
    )
    op.create_index(op.f("ix_told_entries_order_id"), "told_entries", ["order_id"])
