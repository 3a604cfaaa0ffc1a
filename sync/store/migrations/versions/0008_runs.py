"""Bulk runs over a filter of the list of orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.types import BigId

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    with op.batch_alter_table("bulk_runs") as batch:
        batch.alter_column("issue_id", existing_type=BigId, nullable=True)
        batch.add_column(sa.Column("selection", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("mark", sa.String(length=32), server_default="", nullable=False))
        batch.add_column(sa.Column("channel", sa.String(length=128), server_default="", nullable=False))
        batch.add_column(sa.Column("until_id", BigId, server_default="0", nullable=False))
        batch.add_column(sa.Column("reason", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("origin", sa.String(length=255), server_default="", nullable=False))
    one = sa.text("ended_at IS NULL AND mark != ''")
    op.create_index("uq_bulk_runs_mark", "bulk_runs", ["mark"], unique=True, sqlite_where=one, postgresql_where=one)
    op.create_table(
        "bulk_run_items",
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("item_id", BigId, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["bulk_runs.id"], name=op.f("fk_bulk_run_items_run_id")),
        sa.ForeignKeyConstraint(["item_id"], ["work_items.id"], name=op.f("fk_bulk_run_items_item_id")),
        sa.PrimaryKeyConstraint("run_id", "item_id", name=op.f("pk_bulk_run_items")),
    )
