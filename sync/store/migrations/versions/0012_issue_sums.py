"""What stands in each issue, counted and summed where it changes: the failure desk answers at once, however full.

Triggers, because a document's standing changes in many places (drains, people, releases, news of a shop), in statements
for many rows at once, and in processes of the version before too.
"""

# ruff: noqa: S608 - all of it is our own text
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sync.store.issue_triggers import HOUR, STANDING, TRIGGERS
from sync.store.types import BigId

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them, with what stands there already."""
    _widen_documents()
    _create_sums()
    _count(op.get_bind().dialect.name)


def _widen_documents() -> None:
    op.add_column("issue_documents", sa.Column("stopped", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("issue_documents", sa.Column("shared", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("issue_documents", sa.Column("currency", sa.String(length=3), nullable=True))
    op.add_column("issue_documents", sa.Column("amount", BigId, nullable=True))
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "ix_issue_documents_open",
        "issue_documents",
        ["issue_id", "item_id", "stopped"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index(
        "ix_issue_documents_shared",
        "issue_documents",
        ["issue_id", "item_id"],
        sqlite_where=sa.text("shared = 1 AND closed_at IS NULL"),
        postgresql_where=sa.text("shared AND closed_at IS NULL"),
    )


def _create_sums() -> None:
    figures = ("documents", "stopped", "amount", "uneven", "shared", "shared_amount", "shared_uneven")
    kinds = {name: sa.BigInteger() if name.endswith("amount") else sa.Integer() for name in figures}
    op.create_table(
        "issue_sums",
        sa.Column("issue_id", BigId, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("writer", sa.Integer(), autoincrement=False, nullable=False),
        *(sa.Column(name, kind, nullable=False) for name, kind in kinds.items()),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_issue_sums_issue_id")),
        sa.PrimaryKeyConstraint("issue_id", "currency", "writer", name=op.f("pk_issue_sums")),
    )
    op.create_table(
        "issue_hours",
        sa.Column("issue_id", BigId, nullable=False),
        sa.Column("hour", sa.String(length=13), nullable=False),
        sa.Column("writer", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_issue_hours_issue_id")),
        sa.PrimaryKeyConstraint("issue_id", "hour", "writer", name=op.f("pk_issue_hours")),
    )


def _count(dialect: str) -> None:
    """What is there: first each open document as one that nobody has read, then the triggers put that right."""
    hour = HOUR[dialect].format(row="")
    run = op.get_bind().exec_driver_sql
    run(
        "INSERT INTO issue_sums SELECT issue_id, '', 0, count(*), 0, 0, 0, 0, 0, 0 FROM issue_documents"
        " WHERE closed_at IS NULL GROUP BY issue_id"
    )
    run(f"INSERT INTO issue_hours SELECT issue_id, {hour}, 0, count(*) FROM issue_documents GROUP BY issue_id, {hour}")
    for statement in TRIGGERS[dialect]:
        run(statement)
    run(f"UPDATE issue_documents SET {STANDING[dialect]} WHERE closed_at IS NULL")
