"""Mapping profiles, look-up rows with patterns, and pauses that another system has asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.types import BigId, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    _note_asked_pauses()
    _remake_lookups()
    op.add_column("order_routes", sa.Column("given_up", sa.Text(), server_default="[]", nullable=False))


def _note_asked_pauses() -> None:
    op.add_column("switches", sa.Column("asked", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("work_items", sa.Column("put_off_for", sa.String(length=128), nullable=True))
    put_off = sa.text("put_off_for IS NOT NULL")
    op.create_index(
        "ix_work_items_put_off_for", "work_items", ["put_off_for"], sqlite_where=put_off, postgresql_where=put_off
    )


def _remake_lookups() -> None:
    """The same rows, each with an id of its own: SQLite cannot give a table another primary key."""
    connection = op.get_bind()
    texts = ("table_name", "scope", "source_value", "target_value", "changed_by")
    table = sa.table(
        "lookups",
        *(sa.column(name, sa.String()) for name in texts),
        sa.column("revision", sa.Integer()),
        sa.column("changed_at", UtcDateTime()),
    )
    rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
    op.drop_table("lookups")
    op.create_table(
        "lookups",
        sa.Column("id", BigId, nullable=False),
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=160), nullable=False),
        sa.Column("source_value", sa.String(length=255), nullable=False),
        sa.Column("conditions", sa.String(length=255), server_default="", nullable=False),
        sa.Column("target_value", sa.String(length=255), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(length=128), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lookups")),
    )
    op.create_index("uq_lookups_row", "lookups", ["table_name", "scope", "source_value", "conditions"], unique=True)
    op.create_table(
        "lookup_tables",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.Text(), server_default="", nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(length=128), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lookup_tables")),
    )
    # A star that was written before there were patterns means itself.
    for row in rows:
        row["source_value"] = row["source_value"].replace("*", r"\*")
    if rows:
        connection.execute(sa.insert(table), rows)
