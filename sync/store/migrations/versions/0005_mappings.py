"""Mapping profiles, and pauses that another system has asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    _note_asked_pauses()
    op.add_column("order_routes", sa.Column("given_up", sa.Text(), server_default="[]", nullable=False))


def _note_asked_pauses() -> None:
    op.add_column("switches", sa.Column("asked", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("work_items", sa.Column("put_off_for", sa.String(length=128), nullable=True))
    put_off = sa.text("put_off_for IS NOT NULL")
    op.create_index(
        "ix_work_items_put_off_for", "work_items", ["put_off_for"], sqlite_where=put_off, postgresql_where=put_off
    )
