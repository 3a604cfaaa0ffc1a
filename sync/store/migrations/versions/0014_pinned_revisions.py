"""With which revision of the mapping profile an order is retried, and with which one each attempt was made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them; every order goes on with what applies."""
    op.add_column("work_items", sa.Column("pinned_revision", sa.Integer(), nullable=True))
    op.add_column("attempts", sa.Column("profile_revision", sa.Integer(), nullable=True))
    op.add_column("bulk_runs", sa.Column("using", sa.String(length=16), server_default="", nullable=False))
