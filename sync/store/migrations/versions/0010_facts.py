"""What the conditions of people's own look-up tables ask for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it."""
    op.add_column("lookup_tables", sa.Column("facts", sa.String(length=512), server_default="", nullable=False))
